"""A pass through all layers with the kernels between their products; the products are the layers' own modules."""

# transformers' modules are typed in part only.
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from torch import Tensor, nn

from engine.cuda.arena import Arena
from engine.cuda.kernels.attention import KernelAttention
from engine.cuda.kernels.experts import gated, mixed
from engine.cuda.kernels.pointwise import added_attention, finished_heads, joined, routed, turned_extra
from engine.cuda.programs.program import PackedInputs
from engine.kv.cache import LayerView
from engine.model.backbone import Backbone
from engine.model.experts import Experts

_Layer: TypeAlias = Any
"""A layer of transformers' encoder or decoder."""

_GELU = "gelu_pytorch_tanh"
"""The activation that the kernels know."""


def run(layers: nn.ModuleList, embeds: Tensor, backbone: Backbone, inputs: PackedInputs, arena: Arena) -> Tensor:
    """Hidden states [N, H] of tokens whose embeddings are [N, H], as `Backbone` computes them."""
    attention = KernelAttention(inputs, arena, backbone)
    rotations = backbone.rotations(inputs["positions"])
    own: Sequence[_Layer] = list(layers)
    stream, normed = embeds, own[0].input_layernorm(embeds)
    for number, layer in enumerate(own):
        kind = backbone.layer_types[number]
        attn = layer.self_attn
        whole = LayerView(arena.keys[number], arena.values[number])
        keys = attn.k_proj(normed)
        query, seen = finished_heads(
            attn.q_proj(normed), keys, keys if attn.v_proj is None else attn.v_proj(normed),
            (attn.q_norm.weight, attn.k_norm.weight), rotations[kind], inputs["kept"], whole, attn.q_norm.eps,
        )  # fmt: skip
        extra = turned_extra(whole, inputs["extra_sources"], attention.turns[kind])
        attended = attn.o_proj(attention.attend(number, query, whole, extra, seen).flatten(2)[0])
        router, eps = layer.router, layer.input_layernorm.eps
        stream, dense, experts, scored = added_attention(
            stream, attended,
            (
                layer.post_attention_layernorm.weight, layer.pre_feedforward_layernorm.weight,
                layer.pre_feedforward_layernorm_2.weight, router.scale,
            ),
            eps,
        )  # fmt: skip
        chosen, weights = routed(router.proj(scored), router.per_expert_scale, router.config.top_k_experts)
        following = own[number + 1].input_layernorm if number + 1 < len(own) else backbone.norm
        stream, normed = joined(
            stream, _dense(layer.mlp, dense), _experts(layer, experts, chosen, weights),
            (
                layer.post_feedforward_layernorm_1.weight, layer.post_feedforward_layernorm_2.weight,
                layer.post_feedforward_layernorm.weight,
            ),
            layer.layer_scalar, following.weight, eps,
        )  # fmt: skip
    return normed


def _dense(mlp: _Layer, hidden: Tensor) -> Tensor:
    if mlp.config.hidden_activation != _GELU:
        return mlp(hidden)
    return mlp.down_proj(gated(mlp.gate_proj(hidden), mlp.up_proj(hidden)))


def _experts(layer: _Layer, hidden: Tensor, chosen: Tensor, weights: Tensor) -> Tensor:
    experts = layer.experts
    if isinstance(experts, Experts) and layer.mlp.config.hidden_activation == _GELU:
        return mixed(experts, hidden, chosen, weights)
    return experts(hidden, chosen, weights)
