"""The model's modules without storage, and which weights they want by the checkpoint's own names.

Text layers only: the vision tower is neither built nor read. Encoder and decoder share every module that has weights;
each has its own `layer_scalar`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from transformers import DiffusionGemmaConfig
from transformers.models.diffusion_gemma.modeling_diffusion_gemma import (
    DiffusionGemmaDecoderModel,
    DiffusionGemmaEncoderTextModel,
    DiffusionGemmaRMSNorm,
    DiffusionGemmaTextExperts,
    DiffusionGemmaTextRotaryEmbedding,
    DiffusionGemmaTextScaledWordEmbedding,
)

from engine.checkpoint.config import text_config_of
from engine.checkpoint.weight import DECODER, ENCODER, Weight
from engine.model.backbone import Backbone
from engine.model.experts import Experts
from engine.model.linear import Linear
from engine.model.norm import FusedNorm
from engine.quant.formats import Format
from engine.quant.modules import PackedEmbedding, PackedLinear, PackedWeight


class EmptyModel:
    """The modules of a model, which take weights and become a `Backbone`. dtype: what is computed in."""

    def __init__(self, config: DiffusionGemmaConfig, dtype: torch.dtype) -> None:
        with torch.device("meta"):
            self._decoder = DiffusionGemmaDecoderModel(config)
            self._encoder_layers = DiffusionGemmaEncoderTextModel(text_config_of(config)).layers
        self.dtype = dtype
        for path, module in _modules(self._decoder):
            if isinstance(module, DiffusionGemmaRMSNorm):
                weight = module.weight if module.with_scale else None
                self._decoder.set_submodule(path, FusedNorm(weight, module.eps))
            elif isinstance(module, nn.Linear):
                self._decoder.set_submodule(path, Linear(cast(nn.Parameter, module.weight)))
            elif isinstance(module, DiffusionGemmaTextExperts):
                experts = Experts(
                    cast(nn.Parameter, module.gate_up_proj),
                    cast(nn.Parameter, module.down_proj),
                    cast(nn.Module, module.act_fn),
                )
                self._decoder.set_submodule(path, experts)
        for encoder_layer, decoder_layer in zip(self._encoder_layers, self._decoder.layers, strict=True):
            _share(encoder_layer, decoder_layer)
        wanted = {DECODER + name: tensor for name, tensor in self._decoder.state_dict().items()}
        wanted |= {
            f"{ENCODER}layers.{name}": tensor
            for name, tensor in self._encoder_layers.state_dict().items()
            if name.endswith("layer_scalar")
        }
        weights = [Weight.of(name, tuple(tensor.shape)) for name, tensor in wanted.items()]
        # Segment by segment, so that a layer is read, packed and placed before the next is touched.
        segments = list(dict.fromkeys(weight.segment for weight in weights))
        self.weights = tuple(sorted(weights, key=lambda weight: segments.index(weight.segment)))
        """Every tensor that a checkpoint must hold, in the order of reading: segments are contiguous."""

    def pack(self, formats: Mapping[str, Format]) -> None:
        """Replace the modules of these weights by ones that compute with packed parts.

        Raises:
            EngineError: a format cannot hold its weight.
        """
        packed = {
            weight.name.removeprefix(DECODER): PackedWeight(weight.shape, formats[weight.name], self.dtype)
            for weight in self.weights
            if weight.name in formats
        }
        for path, module in _modules(self._decoder):
            match module:
                case Experts() if f"{path}.gate_up_proj" in packed:
                    gate_up, down = packed[f"{path}.gate_up_proj"], packed[f"{path}.down_proj"]
                    self._replace(path, Experts(gate_up, down, module.activation))
                case Linear() if f"{path}.weight" in packed:
                    self._replace(path, PackedLinear(packed[f"{path}.weight"]))
                case DiffusionGemmaTextScaledWordEmbedding() if f"{path}.weight" in packed:
                    self._replace(path, PackedEmbedding(packed[f"{path}.weight"], module.scalar_embed_scale))
                case _:
                    pass

    @property
    def layers(self) -> range:
        """The layers' numbers."""
        return range(len(self._decoder.layers))

    def experts(self, layer: int) -> nn.Module:
        """A layer's experts, of encoder and decoder alike."""
        return self._decoder.get_submodule(f"layers.{layer}.experts")

    def fill(self, tensors: Mapping[str, Tensor], device: torch.device) -> Backbone:
        """Give the modules their tensors, by weight names, packed ones with `.part` behind, and the buffers that no
        checkpoint holds. device: of what is computed."""
        decoder = self._decoder
        own = {name.removeprefix(DECODER): tensor for name, tensor in tensors.items() if name.startswith(DECODER)}
        decoder.load_state_dict(own, assign=True)
        for name, tensor in tensors.items():
            if name.startswith(ENCODER):
                layer = self._encoder_layers[int(name.removeprefix(ENCODER).split(".")[1])]
                layer.layer_scalar = nn.Buffer(tensor)
        embedding = decoder.get_submodule("embed_tokens")
        if isinstance(embedding, DiffusionGemmaTextScaledWordEmbedding):
            scale = torch.tensor(embedding.scalar_embed_scale, device=device)
            embedding.embed_scale = nn.Buffer(scale, persistent=False)
        decoder.rotary_emb = DiffusionGemmaTextRotaryEmbedding(text_config_of(decoder.config)).to(device)
        for module in (decoder, self._encoder_layers):
            module.eval().requires_grad_(False)
        return Backbone(self._encoder_layers, decoder)

    def _replace(self, path: str, module: nn.Module) -> None:
        self._decoder.set_submodule(path, module)
        layer = re.fullmatch(r"layers\.(\d+)\.(.+)", path)
        if layer is not None:
            self._encoder_layers[int(layer[1])].set_submodule(layer[2], module)


def _modules(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """All modules by their paths: a list, because they may be replaced on the way."""
    return list(model.named_modules())  # pyright: ignore[reportUnknownArgumentType] - torch gives them no types.


def _share(encoder_layer: nn.Module, decoder_layer: nn.Module) -> None:
    """Makes the encoder's modules the decoder's own; attention differs, and shares its projections and norms."""
    for name, module in decoder_layer.named_children():
        if name == "self_attn":
            for inner_name, inner in module.named_children():
                setattr(encoder_layer.get_submodule(name), inner_name, inner)
        else:
            setattr(encoder_layer, name, module)
