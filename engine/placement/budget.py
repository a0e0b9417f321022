"""What a model takes in memory, reckoned from its configuration before anything is read, and what fits.

All sizes are bytes. The reckoning counts tensors, not what a driver keeps for itself, which free memory as a driver
reports it leaves out already.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from transformers import DiffusionGemmaConfig, DiffusionGemmaTextConfig

from engine.canvas import RequestSize
from engine.checkpoint.config import layer_shapes, text_config_of
from engine.checkpoint.weight import Weight
from engine.cuda.memory import held_bytes, passing_bytes
from engine.denoise.stepper import READ_AT_ONCE
from engine.errors import DoesNotFitError
from engine.kv.cache import LayerShape
from engine.model.attention import BLOCK
from engine.model.backbone import MAX_POSITIONS
from engine.model.empty_model import EmptyModel
from engine.quant.formats import Format, packed_bytes
from engine.quant.modules import SLICE_BYTES
from engine.quant.quantize import formats_of
from engine.quant.scheme import Scheme
from engine.score.reader import MAX_NODES

_CANVAS = 256
"""Clamped tokens that are read for a request, at most; rows that differ in a hole's length share them."""

_STATES = 8
"""Hidden states of a position that a layer holds at a time."""

ONE_FORWARD = RequestSize(positions=MAX_POSITIONS, read_tokens=MAX_NODES)
"""A request whose rows are computed together."""

_LOGIT_BYTES = 12
"""For each position and vocabulary entry that are read at once: the logits, the distribution, and its running sum or
its product with the logits."""

_UNPACKING = 2
"""Times its own size that a slice takes while it is unpacked: its codes are apart before they are scaled."""

GB = 10**9

_SPARE = 2 * GB
"""Left to whatever else uses the device, before contexts are kept that no single request needs."""

_POOL_STEP = 1024
"""Tokens by which a pool is tried shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryBudget:
    """What a model takes. weights, key_values: on its device. workspace: what the reference takes there besides, and
    fast_path the same of the fast path, 0 where that cannot serve. main_memory: experts kept in main memory."""

    weights: int
    key_values: int
    workspace: int
    fast_path: int = 0
    main_memory: int = 0

    @property
    def total(self) -> int:
        """On its device, in all. One path is let go before the other is made."""
        return self.weights + self.key_values + max(self.workspace, self.fast_path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a model is to be held. offloaded: how many layers' experts, the last ones', live in main memory.
    context_tokens: of the pool of prefilled contexts."""

    scheme: Scheme
    offloaded: int
    context_tokens: int
    budget: MemoryBudget


class Needs:
    """What one model needs under any plan. dtype: what is computed in, and what is not packed is held in. request: the
    largest that it is to serve. on_card: whether on a card, where the fast path may serve what lies there whole."""

    def __init__(
        self,
        config: DiffusionGemmaConfig,
        dtype: torch.dtype,
        request: RequestSize = ONE_FORWARD,
        *,
        on_card: bool = False,
    ) -> None:
        self._config = text_config_of(config)
        self._weights = EmptyModel(config, dtype).weights
        self._dtype = dtype
        self._request = request
        self._on_card = on_card

    @property
    def layers(self) -> int:
        """How many there are."""
        return self._config.num_hidden_layers

    def budget(self, scheme: Scheme, *, context_tokens: int, offloaded: int = 0) -> MemoryBudget:
        """What the model takes under a scheme."""
        formats = formats_of(self._weights, scheme)
        experts: dict[str, int] = {}
        weights = 0
        for weight in self._weights:
            size = _held(weight, formats.get(weight.name), self._dtype)
            weights += size
            if weight.role == "experts":
                experts[weight.segment] = experts.get(weight.segment, 0) + size
        moved = list(experts.values())[len(experts) - offloaded :]
        # The layer under way is on the device too, and the next one's copy may begin before it is let go.
        visiting = 2 * max(moved, default=0)
        token_bytes, part = _token_bytes(layer_shapes(self._config), self._dtype), self._slice(formats)
        fast_path = 0
        if self._on_card and not offloaded:
            fast_path = held_bytes(self._config, self._dtype, token_bytes=token_bytes, part=part)
            fast_path += passing_bytes(self._config, self._dtype)
        return MemoryBudget(
            weights=weights - sum(moved),
            key_values=context_tokens * token_bytes,
            workspace=_workspace(self._config, self._request, context_tokens, self._dtype, part) + visiting,
            fast_path=fast_path,
            # What is not packed comes as it lies in its shards, and is not pinned.
            main_memory=sum(map(_pinned, moved)) if formats else sum(moved),
        )

    def plan(
        self, schemes: Sequence[Scheme], *, context_tokens: int, free: int, main_memory: int | None, place: str
    ) -> Plan:
        """The best plan that fits: the first scheme that does, whole; else the last with as few layers' experts in main
        memory as need be.

        schemes: best first and smallest last. free: on the device. main_memory: free for offloaded experts, None where
        they cannot be offloaded. place: the device's name, for the message.

        Raises:
            DoesNotFitError: nothing fits; the message has the figures and what would.
        """
        whole = [self._plan(each, context_tokens, 0) for each in schemes]
        for plan in whole:
            if plan.budget.total <= free:
                return plan
        if main_memory is not None:
            for offloaded in range(1, self.layers + 1):
                plan = self._plan(schemes[-1], context_tokens, offloaded)
                if plan.budget.total <= free and plan.budget.main_memory <= main_memory:
                    return plan
        raise DoesNotFitError(self._refusal(whole, free, main_memory, place))

    def _slice(self, formats: Mapping[str, Format]) -> int:
        """The most of one weight that is unpacked at once."""
        sizes = (math.prod(weight.shape) * self._dtype.itemsize for weight in self._weights if weight.name in formats)
        return min(SLICE_BYTES, max(sizes, default=0))

    def _plan(self, scheme: Scheme, context_tokens: int, offloaded: int) -> Plan:
        budget = self.budget(scheme, context_tokens=context_tokens, offloaded=offloaded)
        return Plan(scheme=scheme, offloaded=offloaded, context_tokens=context_tokens, budget=budget)

    def _refusal(self, whole: Sequence[Plan], free: int, main_memory: int | None, place: str) -> str:
        needed = ", ".join(f"{plan.budget.total / GB:.1f} GB {_words(plan.scheme)}" for plan in whole)
        message = f"The model does not fit: {place} has {free / GB:.1f} GB free, and it needs {needed}"
        smallest = whole[-1]
        if main_memory is not None:
            least = self._plan(smallest.scheme, smallest.context_tokens, self.layers).budget
            message += (
                f"; with all experts in main memory it needs {least.total / GB:.1f} GB there and "
                f"{least.main_memory / GB:.1f} GB of main memory, of which {main_memory / GB:.1f} GB are free"
            )
        remedy = "Free memory on it, or use the checkpoint nano"
        if len(whole) == 1:
            remedy = "Choose the quantization auto, free memory on it, or use the checkpoint nano"
        return f"{message}. {remedy}."


def roomier(plan: Plan, needs: Needs, *, wanted: int, free: int) -> Plan:
    """The same plan with the longest pool of contexts, of `wanted` tokens at most, that leaves `_SPARE` of the free
    memory to other programs; no shorter than the plan's own."""
    for context_tokens in range(wanted, plan.context_tokens, -_POOL_STEP):
        budget = needs.budget(plan.scheme, context_tokens=context_tokens, offloaded=plan.offloaded)
        if budget.total <= free - _SPARE:
            return replace(plan, context_tokens=context_tokens, budget=budget)
    return plan


def _held(weight: Weight, form: Format | None, dtype: torch.dtype) -> int:
    if form is None:
        return math.prod(weight.shape) * dtype.itemsize
    return packed_bytes(form, weight.shape)


def _pinned(size: int) -> int:
    """What torch takes of main memory for so many bytes that a card is to have quickly: the next power of two."""
    return 1 << (size - 1).bit_length()


def _token_bytes(shapes: Sequence[LayerShape], dtype: torch.dtype) -> int:
    return sum(2 * shape.heads * shape.head_dim * dtype.itemsize for shape in shapes)


def _workspace(
    config: DiffusionGemmaTextConfig, request: RequestSize, context_tokens: int, dtype: torch.dtype, part: int
) -> int:
    """The most that is held besides weights and contexts, in prefill, in a denoising step or while texts are read.
    part: bytes of the largest slice that is unpacked."""
    vocabulary = READ_AT_ONCE * config.vocab_size
    count = MAX_POSITIONS + _CANVAS
    return max(
        _lasting_in_steps(config, request, context_tokens, dtype),
        _lasting_in_reads(config, request, context_tokens, dtype),
    ) + max(
        vocabulary * _LOGIT_BYTES,
        # The distributions, while they are mixed with the embedding.
        vocabulary * torch.float32.itemsize + part * _UNPACKING,
        _experts(config, count, dtype),
        _experts(config, count, dtype) // 2 + part * _UNPACKING,
        _attention(config, count, context_tokens),
    )


def _words(scheme: Scheme) -> str:
    return "unquantized" if scheme == "none" else f"in {scheme}"


def _lasting_in_steps(
    config: DiffusionGemmaTextConfig, request: RequestSize, context_tokens: int, dtype: torch.dtype
) -> int:
    """What outlasts a layer of a denoising step: the hidden states of a forward, of all forwards together the masks and
    what rows feed back, and the keys and values of clamped tokens."""
    positions, count = max(request.positions, MAX_POSITIONS) + _CANVAS, MAX_POSITIONS + _CANVAS
    held = (2 * positions + _STATES * count) * config.hidden_size
    masks = positions * sum(seen + count for seen in _seen_by_kind(config, context_tokens))
    return (held + masks) * dtype.itemsize + _CANVAS * _token_bytes(layer_shapes(config), dtype)


def _lasting_in_reads(
    config: DiffusionGemmaTextConfig, request: RequestSize, context_tokens: int, dtype: torch.dtype
) -> int:
    """What outlasts a layer while texts are read: masks, and the token tree's hidden states, keys and values."""
    tree = min(request.read_tokens, MAX_NODES)
    masks = tree * sum(seen + tree for seen in _seen_by_kind(config, context_tokens))
    held = (1 + _STATES) * tree * config.hidden_size
    return (held + masks) * dtype.itemsize + tree * _token_bytes(layer_shapes(config), dtype)


def _seen_by_kind(config: DiffusionGemmaTextConfig, context_tokens: int) -> list[int]:
    """Context tokens that layers see, for each kind of layer."""
    windows = {shape.window for shape in layer_shapes(config)}
    return [min(context_tokens, window or context_tokens) for window in windows]


def _experts(config: DiffusionGemmaTextConfig, count: int, dtype: torch.dtype) -> int:
    """Outputs of every token's experts, the same by token, and their float32 products with the router's weights; half
    of it, as inputs and outputs, while an expert is unpacked."""
    width = 2 * dtype.itemsize + torch.float32.itemsize
    return count * (config.top_k_experts or 0) * config.hidden_size * width


def _attention(config: DiffusionGemmaTextConfig, count: int, context_tokens: int) -> int:
    """Scores of a block of queries three times over, of a full layer."""
    return config.num_attention_heads * BLOCK * (context_tokens + count) * 10
