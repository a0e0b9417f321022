"""DiffusionGemma's layers over packed tokens, with caches and masks of our own.

One set of weights is used twice: the encoder reads left to right and writes keys and values, the decoder reads a
canvas in both directions and writes nothing. Token ids and hidden states are packed: rows end to end, [N]. Knows no
sampling and remembers nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers.models.diffusion_gemma.modeling_diffusion_gemma import DiffusionGemmaDecoderModel

from engine.checkpoint.config import layer_shapes, text_config_of
from engine.kv.cache import AppendingCache, FrozenCache, LayerShape, LayerView
from engine.kv.masks import TokenPositions, additive_mask
from engine.model.attention import Attend, Extend, attention
from engine.model.layer import Layer
from engine.model.rotary import Rotary, Turns, turned
from engine.model.vocabulary import vocabulary_of

Masks: TypeAlias = Mapping[str, Tensor | None]
"""By kind of layer: what is added to attention scores, None where everything is seen."""

MAX_POSITIONS = 1024
"""Positions that a caller hands one forward at most, which bounds its memory whatever a request asks for; a single row
that is longer goes alone."""


class Backbone:
    """The weights and the forwards they allow."""

    def __init__(self, encoder_layers: nn.ModuleList, decoder: DiffusionGemmaDecoderModel) -> None:
        config = text_config_of(decoder.config)
        self.encoder_layers = encoder_layers
        self.decoder_layers = decoder.layers
        self._driven = {
            layers: [Layer(number, module) for number, module in enumerate(layers)]
            for layers in (self.encoder_layers, self.decoder_layers)
        }
        self._vocabulary = vocabulary_of(decoder.embed_tokens)
        self._self_conditioning = decoder.self_conditioning
        self.norm = decoder.norm
        self.softcap: float = config.final_logit_softcapping
        self.activation: str = config.hidden_activation
        self.layer_types = list(config.layer_types or ())
        self._layer_shapes = layer_shapes(config)
        self._rotary = Rotary(decoder.rotary_emb, list(dict.fromkeys(self.layer_types)))
        self.hidden_size: int = config.hidden_size
        self.vocabulary_size: int = config.vocab_size
        self.max_positions: int = config.max_position_embeddings

    @property
    def device(self) -> torch.device:
        return self._vocabulary.device

    @property
    def dtype(self) -> torch.dtype:
        return self._vocabulary.dtype

    @property
    def layer_shapes(self) -> tuple[LayerShape, ...]:
        """What each layer caches, in order."""
        return self._layer_shapes

    def encode(
        self,
        token_ids: Tensor,
        places: TokenPositions,
        cache: AppendingCache | FrozenCache,
        start: int,
        *,
        behind: TokenPositions | None = None,
        tree_mask: Tensor | None = None,
    ) -> Tensor:
        """One left-to-right pass over tokens [N] that stand behind `start` cached ones. behind: other tokens, read
        before, that the cache shows after those; tree_mask: of `additive_mask`. Hidden states [N, H]."""
        own = [behind, places] if behind else [places]
        masks = {
            kind: additive_mask(
                places,
                self._keys(shape, start, *own),
                causal=True,
                window=shape.window,
                dtype=self.dtype,
                tree_mask=tree_mask,
            )
            for kind, shape in self._shape_by_kind().items()
        }
        embeds = self._vocabulary.embed(token_ids)
        return self.run_with(self._attend(masks, cache), self.encoder_layers, embeds, places.positions)

    def decoder_masks(
        self, places: TokenPositions, start: int, clamped: tuple[TokenPositions, Tensor] | None = None
    ) -> Masks:
        """Masks for `decode`: a canvas position sees its own canvas and the visible part of `start` cached tokens.
        clamped: the clamped tokens that rows see behind their own, and `attends_to` of `additive_mask`."""
        behind, attends_to = ([clamped[0]], clamped[1]) if clamped else ([], None)
        if places.row_count == 1 and sum(own.row_count for own in behind) <= 1:
            # A lone row sees everything; the layers run faster without a mask.
            return dict.fromkeys(self.layer_types)
        return {
            kind: additive_mask(
                places,
                self._keys(shape, start, places, *behind),
                causal=False,
                window=None,
                dtype=self.dtype,
                attends_to=attends_to,
            )
            for kind, shape in self._shape_by_kind().items()
        }

    def decode(
        self,
        token_ids: Tensor,
        signal: Tensor,
        places: TokenPositions,
        masks: Masks,
        cache: FrozenCache,
        *,
        extend: Extend | None = None,
    ) -> Tensor:
        """One pass in both directions over canvases.

        token_ids: [N] int64. signal: [N, H], the soft embeddings self-conditioning carries, zero where there is none.
        extend: makes more of what layers see. Returns hidden states [N, H].
        """
        embeds = self.embed_conditioned(token_ids, signal)
        return self.run_with(self._attend(masks, cache, extend), self.decoder_layers, embeds, places.positions)

    def run_with(self, attend: Attend, layers: nn.ModuleList, embeds: Tensor, positions: Tensor) -> Tensor:
        """A pass of tokens [N] through the encoder's or the decoder's layers, whose attention is the caller's, who
        writes what it keeps. embeds: [N, H]. Returns hidden states [N, H]."""
        turns = self.turns(positions)
        hidden = embeds
        for layer, kind in zip(self._driven[layers], self.layer_types, strict=True):
            hidden = layer(hidden, turns[kind], attend)
        return self.norm(hidden)

    def integers(self, numbers: NDArray[np.integer[Any]]) -> Tensor:
        """Token ids, positions or places as this model takes them, int64."""
        return torch.as_tensor(numbers.astype(np.int64)).to(self.device)

    def turns(self, positions: Tensor) -> Turns:
        """What turns keys by so many positions [N]."""
        return self._rotary.turns(positions, self.dtype)

    def turn(self, keys: Tensor, layer: int, turns: Turns) -> Tensor:
        """A layer's keys [1, heads, N, head_dim], turned."""
        return turned(keys[0].transpose(0, 1), turns[self.layer_types[layer]]).transpose(0, 1)[None]

    def logits(self, hidden: Tensor) -> Tensor:
        """Next-token or canvas logits [N, V] float32, softcapped, of hidden states [N, H]."""
        # cap · tanh(x / cap), by a function that a CPU has ten times sooner.
        halved = self.raw_logits(hidden).float().mul_(2 / self.softcap).sigmoid_()
        return halved.sub_(0.5).mul_(2 * self.softcap)

    def raw_logits(self, hidden: Tensor) -> Tensor:
        """The same before the softcap, in the model's own dtype."""
        return self._vocabulary.project(hidden)

    def embed_tokens(self, token_ids: Tensor) -> Tensor:
        """Embeddings [N, H] of token ids [N], scaled."""
        return self._vocabulary.embed(token_ids)

    def embed_conditioned(self, token_ids: Tensor, signal: Tensor) -> Tensor:
        """Embeddings [N, H] of token ids [N] with what self-conditioning carries [N, H]."""
        return self._self_conditioning(self._vocabulary.embed(token_ids), signal)

    def embed_distribution(self, probs: Tensor) -> Tensor:
        """Expected embeddings [N, H] of distributions [N, V], scaled like a token's."""
        return self._vocabulary.expect(probs)

    def _keys(self, shape: LayerShape, start: int, *own: TokenPositions) -> TokenPositions:
        """What layers of a shape see: of `start` cached tokens the visible part, and these."""
        return TokenPositions.joined(TokenPositions.context(shape.first_visible(start), start, self.device), *own)

    def _shape_by_kind(self) -> dict[str, LayerShape]:
        return dict(zip(self.layer_types, self._layer_shapes, strict=True))

    def _attend(self, masks: Masks, cache: AppendingCache | FrozenCache, extend: Extend | None = None) -> Attend:
        """Attention over a cache and the pass's own keys and values."""

        def attend(layer: int, query: Tensor, own: LayerView) -> Tensor:
            seen = cache.seen(layer, own)
            if extend is not None:
                seen = extend(layer, seen, query.shape[2])
            return attention(query, seen, masks[self.layer_types[layer]])

        return attend
