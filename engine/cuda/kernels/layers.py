"""A pass through all layers with the kernels between their products; the products are the layers' own modules."""

# transformers' modules are typed in part only.
# pyright: basic

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from torch import Tensor, nn

from engine.cuda.arena import Arena
from engine.cuda.kernels.attention import KernelAttention
from engine.cuda.kernels.experts import given
from engine.cuda.kernels.pointwise import added_attention, finished_heads, joined, routed
from engine.cuda.kernels.products import gated_layers, joint
from engine.cuda.programs.program import PackedInputs
from engine.kv.cache import LayerView
from engine.model.backbone import Backbone

_Layer: TypeAlias = Any
"""A layer of transformers' encoder or decoder."""


def run(layers: nn.ModuleList, embeds: Tensor, backbone: Backbone, inputs: PackedInputs, arena: Arena) -> Tensor:
    """Hidden states [N, H] of tokens whose embeddings are [N, H], as `Backbone` computes them; a layer of int4 is 13
    kernels."""
    attention = KernelAttention(inputs, arena, backbone)
    turns = backbone.turns(inputs["positions"])
    own: Sequence[_Layer] = list(layers)
    stream, normed = embeds, own[0].input_layernorm(embeds)
    for number, layer in enumerate(own):
        kind, attn, eps = backbone.layer_types[number], layer.self_attn, layer.input_layernorm.eps
        whole = LayerView(arena.keys[number], arena.values[number])
        projections = [each for each in (attn.q_proj, attn.k_proj, attn.v_proj) if each is not None]
        query, seen, extra_keys = finished_heads(
            joint(projections, normed), (attn.q_norm.weight, attn.k_norm.weight), turns[kind], inputs["kept"],
            whole, inputs["extra_sources"], attention.turns[kind], attn.q_norm.eps,
        )  # fmt: skip
        attended = attn.o_proj(attention.attend(number, query, whole, extra_keys, seen).flatten(2)[0])
        router, mlp = layer.router, layer.mlp
        stream, dense, experts, scored = added_attention(
            stream, attended,
            (
                layer.post_attention_layernorm.weight, layer.pre_feedforward_layernorm.weight,
                layer.pre_feedforward_layernorm_2.weight, router.scale,
            ),
            eps,
        )  # fmt: skip
        chosen, shares = routed(router.proj(scored), router.per_expert_scale, router.config.top_k_experts)
        following = own[number + 1].input_layernorm if number + 1 < len(own) else backbone.norm
        stream, normed = joined(
            stream, mlp.down_proj(gated_layers(mlp.gate_proj, mlp.up_proj, dense)),
            *given(layer.experts, experts, chosen), shares,
            (
                layer.post_feedforward_layernorm_1.weight, layer.post_feedforward_layernorm_2.weight,
                layer.post_feedforward_layernorm.weight,
            ),
            layer.layer_scalar, following.weight, eps,
        )  # fmt: skip
    return normed
