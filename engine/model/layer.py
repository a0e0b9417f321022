"""One layer over packed tokens: transformers' modules hold its weights, and no more is called than it takes.

Encoder and decoder compute alike: what a token sees is the caller's to say, and each half has a scalar of its own.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from transformers.models.diffusion_gemma.modeling_diffusion_gemma import (
    DiffusionGemmaDecoderTextLayer,
    DiffusionGemmaEncoderTextLayer,
    DiffusionGemmaTextRouter,
)

from engine.kv.cache import LayerView
from engine.model.attention import Attend
from engine.model.rotary import Turn, turned


class Layer:
    """The layer `number`."""

    def __init__(self, number: int, module: nn.Module) -> None:
        # Encoder and decoder have the same parts by the same names.
        own = cast(DiffusionGemmaDecoderTextLayer | DiffusionGemmaEncoderTextLayer, module)
        self._number = number
        self._head_dim = own.self_attn.head_dim
        self._query, self._key, self._value = own.self_attn.q_proj, own.self_attn.k_proj, own.self_attn.v_proj
        self._output = own.self_attn.o_proj
        self._query_norm, self._key_norm = own.self_attn.q_norm, own.self_attn.k_norm
        self._value_norm = own.self_attn.v_norm
        self._before_attention, self._after_attention = own.input_layernorm, own.post_attention_layernorm
        self._before_mlp, self._after_mlp = own.pre_feedforward_layernorm, own.post_feedforward_layernorm_1
        self._before_experts, self._after_experts = own.pre_feedforward_layernorm_2, own.post_feedforward_layernorm_2
        self._after_both = own.post_feedforward_layernorm
        self._mlp, self._router, self._experts = own.mlp, own.router, own.experts
        self._scalar = own.layer_scalar

    def __call__(self, hidden: Tensor, turn: Turn, attend: Attend) -> Tensor:
        """Hidden states [N, H] after this layer."""
        hidden = hidden + self._after_attention(self._attention(self._before_attention(hidden), turn, attend))
        mixed = self._after_mlp(self._mlp(self._before_mlp(hidden)))
        weights, experts = _routed(self._router, hidden)
        mixed += self._after_experts(self._experts(self._before_experts(hidden), experts, weights))
        return self._after_both(mixed).add_(hidden).mul_(self._scalar)

    def _attention(self, hidden: Tensor, turn: Turn, attend: Attend) -> Tensor:
        heads = (len(hidden), -1, self._head_dim)
        keys = self._key(hidden).view(heads)
        values = keys if self._value is None else self._value(hidden).view(heads)
        query = turned(self._query_norm(self._query(hidden).view(heads)), turn)
        keys, values = turned(self._key_norm(keys), turn), self._value_norm(values)
        own = LayerView(keys.transpose(0, 1)[None], values.transpose(0, 1)[None])
        attended = attend(self._number, query.transpose(0, 1)[None], own)
        return self._output(attended.reshape(len(hidden), -1))


def _routed(router: DiffusionGemmaTextRouter, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Each token's experts and their weights, [N, K] both, the weights first."""
    scaled = router.norm(hidden) * (router.scale * router.scalar_root_size)
    probs = router.proj(scaled).softmax(dim=-1, dtype=torch.float32)
    weights, experts = probs.topk(cast(int, router.config.top_k_experts), dim=-1)
    return weights.div_(weights.sum(dim=-1, keepdim=True)).mul_(router.per_expert_scale[experts]), experts
