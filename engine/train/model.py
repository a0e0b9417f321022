"""DiffusionGemma's text backbone, lean enough to train: context and canvases as one sequence under a block mask.

Parameters carry the names they have in transformers below `model.decoder.`, so that a checkpoint is a copy of the
state dict, and the logits equal those of transformers' encoder and decoder (a test). Layer scalars stay 1. Source:
transformers, models/diffusion_gemma.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.diffusion_gemma.configuration_diffusion_gemma import DiffusionGemmaTextConfig

from engine.train.attention import attend
from engine.train.experts import experts
from engine.train.sequence import TrainingSequence, geometry


class Norm(nn.Module):
    """Root-mean-square norm with a learned scale."""

    def __init__(self, width: int, eps: float, initial: float = 1.0) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.full((width,), initial))

    def forward(self, hidden: Tensor) -> Tensor:
        return unscaled_norm(hidden, self.eps) * self.weight


def unscaled_norm(hidden: Tensor, eps: float) -> Tensor:
    """Root-mean-square norm over the last axis."""
    return hidden * torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + eps)


def rotated(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding of [B, T, heads, D] by [B, T, 1, D]."""
    first, second = states.chunk(2, dim=-1)
    return states * cos + torch.cat((-second, first), dim=-1) * sin


class Attention(nn.Module):
    """Grouped-query attention with normed queries, keys and values; full layers use the key's projection as value."""

    def __init__(self, config: DiffusionGemmaTextConfig, layer: int) -> None:
        super().__init__()
        own = config.per_layer_config[layer]
        self.head_dim, self.kv_heads, self.eps = own.head_dim, own.num_key_value_heads, config.rms_norm_eps
        self.groups = config.num_attention_heads // self.kv_heads
        hidden, heads = config.hidden_size, config.num_attention_heads
        self.q_proj = nn.Linear(hidden, heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(hidden, self.kv_heads * self.head_dim, bias=False)
        sliding = (config.layer_types or [])[layer] == "sliding_attention"
        self.v_proj = nn.Linear(hidden, self.kv_heads * self.head_dim, bias=False) if sliding else None
        self.o_proj = nn.Linear(heads * self.head_dim, hidden, bias=False)
        # Scores are not divided by the square root of the head's width; the norms start so that they need not be.
        self.q_norm = Norm(self.head_dim, self.eps, self.head_dim**-0.25)
        self.k_norm = Norm(self.head_dim, self.eps, self.head_dim**-0.25)

    def forward(self, hidden: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> Tensor:
        heads = (*hidden.shape[:2], -1, self.head_dim)
        query = rotated(self.q_norm(self.q_proj(hidden).view(heads)), cos, sin)
        projected = self.k_proj(hidden).view(heads)
        key = rotated(self.k_norm(projected), cos, sin)
        value = unscaled_norm(projected if self.v_proj is None else self.v_proj(hidden).view(heads), self.eps)
        key, value = (states.repeat_interleave(self.groups, dim=2).transpose(1, 2) for states in (key, value))
        mixed = attend(query.transpose(1, 2), key, value, mask)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))


class GatedMlp(nn.Module):
    """down(gelu(gate(x)) * up(x))."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.down_proj(functional.gelu(self.gate_proj(hidden), approximate="tanh") * self.up_proj(hidden))


class Router(nn.Module):
    """Chooses and weighs the experts of each token."""

    def __init__(self, config: DiffusionGemmaTextConfig) -> None:
        super().__init__()
        self.top_k, self.eps = config.top_k_experts or 1, config.rms_norm_eps
        self.proj = nn.Linear(config.hidden_size, config.num_experts or 1, bias=False)
        self.scale = nn.Parameter(torch.ones(config.hidden_size))
        self.per_expert_scale = nn.Parameter(torch.ones(config.num_experts or 1))

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """([N, K] experts, [N, K] weights, scalar imbalance, 1 where all experts are used alike)."""
        scores = self.proj(unscaled_norm(hidden, self.eps) * self.scale * hidden.shape[-1] ** -0.5)
        probabilities = scores.softmax(-1)
        weights, index = probabilities.topk(self.top_k, dim=-1)
        weights = weights / weights.sum(-1, keepdim=True) * self.per_expert_scale[index]
        used = functional.one_hot(index, probabilities.shape[-1]).sum(1).to(hidden.dtype).mean(0) / self.top_k
        imbalance = probabilities.shape[-1] * (used * probabilities.mean(0)).sum()
        return index, weights, imbalance


class TrainableExperts(nn.Module):
    """The experts' weights, [E, 2I, H] and [E, H, I]."""

    def __init__(self, config: DiffusionGemmaTextConfig) -> None:
        super().__init__()
        count, inner = config.num_experts or 1, config.moe_intermediate_size or config.intermediate_size
        self.gate_up_proj = nn.Parameter(torch.empty(count, 2 * inner, config.hidden_size))
        self.down_proj = nn.Parameter(torch.empty(count, config.hidden_size, inner))


class TrainableLayer(nn.Module):
    """Attention, then a dense MLP beside the experts, each between norms."""

    def __init__(self, config: DiffusionGemmaTextConfig, layer: int) -> None:
        super().__init__()
        width, eps = config.hidden_size, config.rms_norm_eps
        branch = (2 * config.num_hidden_layers) ** -0.5
        self.self_attn = Attention(config, layer)
        self.mlp = GatedMlp(width, config.intermediate_size)
        self.router = Router(config)
        self.experts = TrainableExperts(config)
        self.input_layernorm = Norm(width, eps)
        self.post_attention_layernorm = Norm(width, eps, branch)
        self.pre_feedforward_layernorm = Norm(width, eps)
        self.post_feedforward_layernorm = Norm(width, eps, branch)
        self.post_feedforward_layernorm_1 = Norm(width, eps)
        self.post_feedforward_layernorm_2 = Norm(width, eps)
        self.pre_feedforward_layernorm_2 = Norm(width, eps)

    def forward(self, hidden: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """([B, T, H], scalar imbalance of the experts)."""
        attended = self.self_attn(self.input_layernorm(hidden), cos, sin, mask)
        hidden = hidden + self.post_attention_layernorm(attended)
        flat = hidden.flatten(0, 1)
        index, weights, imbalance = self.router(flat)
        sparse = experts(
            self.pre_feedforward_layernorm_2(flat),
            self.experts.gate_up_proj,
            self.experts.down_proj,
            index,
            weights,
        ).view_as(hidden)
        dense = self.mlp(self.pre_feedforward_layernorm(hidden))
        both = self.post_feedforward_layernorm_1(dense) + self.post_feedforward_layernorm_2(sparse)
        return hidden + self.post_feedforward_layernorm(both), imbalance


class SelfConditioning(nn.Module):
    """Adds what the previous pass read to the canvas embedding."""

    def __init__(self, config: DiffusionGemmaTextConfig) -> None:
        super().__init__()
        self.eps = config.rms_norm_eps
        self.pre_norm = Norm(config.hidden_size, self.eps)
        mlp = GatedMlp(config.hidden_size, config.intermediate_size)
        self.gate_proj, self.up_proj, self.down_proj = mlp.gate_proj, mlp.up_proj, mlp.down_proj

    def forward(self, embedded: Tensor, soft: Tensor) -> Tensor:
        normed = self.pre_norm(soft)
        gate = functional.gelu(self.gate_proj(normed), approximate="tanh")
        return unscaled_norm(embedded + self.down_proj(gate * self.up_proj(normed)), self.eps)


class TrainableBackbone(nn.Module):
    """Ids to hidden states and logits."""

    def __init__(self, config: DiffusionGemmaTextConfig) -> None:
        super().__init__()
        self.config = config
        self.kinds = config.layer_types or []
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(TrainableLayer(config, layer) for layer in range(config.num_hidden_layers))
        self.norm = Norm(config.hidden_size, config.rms_norm_eps)
        self.self_conditioning = SelfConditioning(config)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02 if "embed" in name else parameter.shape[-1] ** -0.5)
        self.run_layer: Callable[..., tuple[Tensor, Tensor]] = _run_layer

    def compile_layers(self) -> None:
        """Compile the layers for fixed shapes; worth it for a run, not for a test."""
        # Layer type, batch shape and use of gradients make a graph each; past the limit they would run uncompiled.
        torch.compiler.config.recompile_limit = 64
        self.run_layer = torch.compile(_run_layer, dynamic=False)  # pyright: ignore[reportUnknownMemberType] - partly untyped.

    def soft_embedding(self, logits: Tensor) -> Tensor:
        """[..., V] logits to [..., H], the expected embedding."""
        return logits.softmax(-1) @ self.embed_tokens.weight * self.config.hidden_size**0.5

    def forward(self, sequence: TrainingSequence, soft: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """(context hidden [B, C, H], canvas hidden [B, K, L, H], mean imbalance). soft: [B, K, L, H] from
        `soft_embedding`, zero where there is none; None for none at all."""
        context = sequence.context_ids.shape[1]
        hidden = self.embed_tokens(sequence.context_ids) * self.config.hidden_size**0.5
        if sequence.canvas_ids.numel():
            canvas = self.embed_tokens(sequence.canvas_ids) * self.config.hidden_size**0.5
            canvas = self.self_conditioning(canvas, torch.zeros_like(canvas) if soft is None else soft)
            hidden = torch.cat((hidden, canvas.flatten(1, 2)), dim=1)
        where = geometry(sequence, self.config.sliding_window)
        angles = {kind: rotary(self.config, kind, where.positions) for kind in set(self.kinds)}
        imbalances: list[Tensor] = []
        for layer, kind in zip(self.layers, self.kinds, strict=True):
            hidden, imbalance = self.run_layer(layer, hidden, *angles[kind], where.masks[kind])
            imbalances.append(imbalance)
        hidden = self.norm(hidden)
        canvas_hidden = hidden[:, context:].view(*sequence.canvas_ids.shape, hidden.shape[-1])
        return hidden[:, :context], canvas_hidden, torch.stack(imbalances).mean()

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., H] to [..., V], softcapped."""
        cap = self.config.final_logit_softcapping
        return torch.tanh(functional.linear(hidden, self.embed_tokens.weight) / cap) * cap


def _run_layer(
    layer: TrainableLayer, hidden: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None
) -> tuple[Tensor, Tensor]:
    return layer(hidden, cos, sin, mask)


def rotary(config: DiffusionGemmaTextConfig, kind: str, positions: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines [B, T, 1, D] of a layer type at positions [B, T]."""
    of_kinds = cast(dict[str, dict[str, Any]], config.rope_parameters)  # pyright: ignore[reportUnknownMemberType] - a dict.
    parameters = of_kinds[kind]
    own = config.per_layer_config[(config.layer_types or []).index(kind)]
    if parameters["rope_type"] == "default":
        exponents = torch.arange(0, own.head_dim, 2, dtype=torch.float32) / own.head_dim
        frequencies: Tensor = parameters["rope_theta"] ** -exponents
    else:
        frequencies, _ = ROPE_INIT_FUNCTIONS[parameters["rope_type"]](own, None, layer_type=kind)
    angles = positions[..., None].float() * frequencies.to(positions.device)
    doubled = torch.cat((angles, angles), dim=-1)[:, :, None]
    return doubled.cos(), doubled.sin()
