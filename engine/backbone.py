"""transformers' DiffusionGemma layers, driven over packed tokens with caches and masks of our own.

One set of weights is used twice: the encoder reads left to right and writes keys and values, the decoder reads a
canvas in both directions and writes nothing. Token ids and hidden states are packed: rows end to end, [N]. Knows no
sampling and remembers nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import DiffusionGemmaConfig, DiffusionGemmaTextConfig
from transformers.models.diffusion_gemma.modeling_diffusion_gemma import DiffusionGemmaDecoderModel

from engine.cache import LayerShape, ReadingCache, WritingCache
from engine.masks import Places, additive_mask

SLIDING = "sliding_attention"


def text_config_of(config: DiffusionGemmaConfig) -> DiffusionGemmaTextConfig:
    """The text half of a configuration, whose field also admits a mapping and None.

    Raises:
        TypeError: it was made without one.
    """
    if not isinstance(config.text_config, DiffusionGemmaTextConfig):
        raise TypeError(f"the configuration's text half is a {type(config.text_config).__name__}")
    return config.text_config


class Backbone:
    """The weights and the forwards they allow."""

    def __init__(self, encoder_layers: nn.ModuleList, decoder: DiffusionGemmaDecoderModel) -> None:
        config = text_config_of(decoder.config)
        self._encoder_layers = encoder_layers
        self._decoder_layers = decoder.layers
        self._embed_tokens = decoder.embed_tokens
        self._self_conditioning = decoder.self_conditioning
        self._norm = decoder.norm
        self._rotary = decoder.rotary_emb
        self._softcap: float = config.final_logit_softcapping
        self._layer_types = list(config.layer_types or ())
        self._layer_shapes = [
            LayerShape(
                heads=config.per_layer_config[layer].num_key_value_heads,
                head_dim=config.per_layer_config[layer].head_dim,
                window=config.sliding_window if kind == SLIDING else None,
            )
            for layer, kind in enumerate(self._layer_types)
        ]
        self.hidden_size: int = config.hidden_size
        self.vocabulary_size: int = config.vocab_size
        self.max_positions: int = config.max_position_embeddings

    @property
    def device(self) -> torch.device:
        return self._embed_tokens.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self._embed_tokens.weight.dtype

    @property
    def layer_shapes(self) -> tuple[LayerShape, ...]:
        """What each layer caches, in order."""
        return tuple(self._layer_shapes)

    def encode(self, token_ids: Tensor, places: Places, cache: WritingCache | ReadingCache, start: int) -> Tensor:
        """One left-to-right pass over tokens [N] that stand behind `start` cached ones. Hidden states [N, H]."""
        masks = {
            kind: additive_mask(
                places, shape.first_visible(start), start, causal=True, window=shape.window, dtype=self.dtype
            )
            for kind, shape in self._shape_by_kind().items()
        }
        return self._run(self._encoder_layers, self._embed_tokens(token_ids), places, masks, cache)

    def decoder_masks(self, places: Places, start: int) -> dict[str, Tensor | None]:
        """Masks for `decode`: a canvas position sees its own canvas and the visible part of `start` cached tokens."""
        return {
            kind: additive_mask(places, shape.first_visible(start), start, causal=False, window=None, dtype=self.dtype)
            for kind, shape in self._shape_by_kind().items()
        }

    def decode(
        self, token_ids: Tensor, signal: Tensor, places: Places, masks: dict[str, Tensor | None], cache: ReadingCache
    ) -> Tensor:
        """One pass in both directions over canvases.

        token_ids: [N] int64. signal: [N, H], the soft embeddings self-conditioning carries, zero where there is none.
        Returns hidden states [N, H].
        """
        embeds = self._self_conditioning(self._embed_tokens(token_ids)[None], signal[None])[0]
        return self._run(self._decoder_layers, embeds, places, masks, cache)

    def logits(self, hidden: Tensor) -> Tensor:
        """Next-token or canvas logits [N, V] float32, softcapped, of hidden states [N, H]."""
        raw = functional.linear(hidden, self._embed_tokens.weight).float()
        return raw.div_(self._softcap).tanh_().mul_(self._softcap)

    def embed_tokens(self, token_ids: Tensor) -> Tensor:
        """Embeddings [N, H] of token ids [N], scaled."""
        return self._embed_tokens(token_ids)

    def embed_distribution(self, probs: Tensor) -> Tensor:
        """Expected embeddings [N, H] of distributions [N, V], scaled like a token's."""
        return (probs.to(self.dtype) @ self._embed_tokens.weight) * self._embed_tokens.embed_scale.to(self.dtype)

    def _shape_by_kind(self) -> dict[str, LayerShape]:
        return dict(zip(self._layer_types, self._layer_shapes, strict=True))

    def _run(
        self,
        layers: Iterable[nn.Module],
        embeds: Tensor,
        places: Places,
        masks: dict[str, Tensor | None],
        cache: WritingCache | ReadingCache,
    ) -> Tensor:
        hidden = embeds[None]
        positions = places.positions[None]
        rotations = {kind: self._rotary(hidden, positions, kind) for kind in masks}
        for layer, kind in zip(layers, self._layer_types, strict=True):
            hidden = layer(
                hidden,
                position_embeddings=rotations[kind],
                attention_mask=masks[kind],
                position_ids=positions,
                past_key_values=cache,
            )
        return self._norm(hidden)[0]
