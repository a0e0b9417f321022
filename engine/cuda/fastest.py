"""Which path serves a resident model: the fast one on a card where it agrees with the reference, else the reference."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from engine.canvas import Canvas, DenoiseConfig, Denoiser, Floats, ScoreQuery, TokenIds
from engine.cuda import kernels
from engine.cuda.denoiser import CudaDenoiser
from engine.errors import DeviceLostError
from engine.quant.packed_product import kernel_fault
from engine.reference import ReferenceDenoiser

_PROMPT = 1100
"""Tokens that the two are compared behind, more than the real model's sliding window."""

_HOLE, _AROUND = 12, 10

_SAME_READING = 0.9
"""Share of positions whose likeliest id has to be among the reference's likeliest: in bfloat16 near equals change
places, and a path that is wrong has hardly one."""

_NATS = 0.3
"""The most that entropies and log-likelihoods may differ by, in the median of the positions."""

_log = logging.getLogger(__name__)


def fastest(
    reference: ReferenceDenoiser, *, offloaded: int, warn: Callable[[str], None]
) -> ReferenceDenoiser | CudaDenoiser:
    """What serves a model, with everything that its first request needs made. offloaded: how many layers' experts live
    in main memory, from where no graph can fetch them. warn: told why the reference serves."""
    device = reference.backbone.device
    if device.type != "cuda" or offloaded:
        return reference
    if not kernels.usable(device):
        # In torch's operations alone its attention goes over the whole arena, and moves more than the reference does.
        warn(_refusal(kernel_fault(device) or "its kernels are for NVIDIA's"))
        return reference
    return checked(reference, warn)


def checked(reference: ReferenceDenoiser, warn: Callable[[str], None]) -> ReferenceDenoiser | CudaDenoiser:
    """The fast path where it agrees with the reference on this device.

    Raises:
        DeviceLostError: the device failed in it, as it would in the next process.
    """
    try:
        fast, wrong = _compared(reference)
    except (DeviceLostError, torch.AcceleratorError):
        raise
    except Exception as error:
        fast, wrong = reference, f"it failed: {' '.join(str(error).split())[:200]}"
    if wrong is None:
        return fast
    # Programs and what they run refer to one another, so that only a collection frees the memory that was taken.
    del fast
    gc.collect()
    torch.cuda.empty_cache()
    warn(_refusal(wrong))
    return reference


def _compared(reference: ReferenceDenoiser) -> tuple[CudaDenoiser, str | None]:
    """The fast path, and where it disagrees with the reference."""
    asked = _Asked.of(reference)
    expected = asked.answers(reference)
    # The two never hold their memory at the same time.
    reference.shrink(reference.max_context_tokens)
    # What torch keeps of that for itself cannot be had while a graph is recorded.
    torch.cuda.empty_cache()
    try:
        fast = CudaDenoiser(reference.backbone, context_tokens=reference.max_context_tokens)
        recorded = fast.record()
        _log.info("%d of the fast path's programs are recorded.", recorded)
        return fast, disagreement(asked.answers(fast), expected)
    except torch.AcceleratorError as error:
        reason = str(error).splitlines()[0]
        raise DeviceLostError(
            f"the GPU failed in the fast path ({reason}), which needs Triton: to do without, uninstall that "
            "(pip uninstall triton) and end the engine (dgemma-lsp host stop)."
        ) from error


def _refusal(reason: str) -> str:
    return f"The fast path does not serve on this card, because {reason}. Answers are right, and slower."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Readings:
    """What is believed of N free positions, of two steps: the likeliest ids [N, k], best first, and the entropies [N].
    scores: the texts' log-likelihoods."""

    top_ids: TokenIds
    entropies: Floats
    scores: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Random tokens: a prompt that is longer than the window, canvases and texts behind it."""

    prompt: TokenIds
    rows: list[Canvas]
    texts: list[TokenIds]

    @classmethod
    def of(cls, denoiser: Denoiser) -> _Asked:
        """As much as a denoiser takes."""
        generator = np.random.default_rng(0)

        def random(count: int) -> TokenIds:
            return generator.integers(0, denoiser.vocabulary_size, count).astype(np.int32)

        prompt = random(min(_PROMPT, denoiser.max_context_tokens))
        rows = [_hole(random(2 * _AROUND + _HOLE)) for _ in range(2)]
        return cls(prompt=prompt, rows=rows, texts=[random(_HOLE) for _ in rows])

    def answers(self, denoiser: Denoiser) -> _Readings:
        """What a denoiser makes of them."""
        # Nothing is accepted, so that both go on from the same noise: a draw falls otherwise by the least rounding.
        config = DenoiseConfig(max_denoising_steps=2, entropy_bound=-1.0, clamped="read_once")
        with denoiser.prefill(self.prompt) as context:
            stepper = denoiser.start(context, self.rows, seeds=range(len(self.rows)), config=config)
            holes = [hole for _ in range(2) for row in stepper.step().rows for hole in row.holes]
            scores = denoiser.reader(context).read([ScoreQuery(token_ids=text) for text in self.texts])
        return _Readings(
            top_ids=np.concatenate([hole.top_ids for hole in holes]),
            entropies=np.concatenate([hole.entropy for hole in holes]),
            scores=np.concatenate([row.log_probs for row in scores]),
        )


def disagreement(found: _Readings, expected: _Readings) -> str | None:
    """Where two denoisers' answers differ by more than rounding, None where they agree."""
    same = (expected.top_ids == found.top_ids[:, :1]).any(-1).mean()
    if same < _SAME_READING:
        return f"it reads {same:.0%} of the positions as the reference does"
    for name in ("entropies", "scores"):
        difference = np.median(np.abs(getattr(found, name) - getattr(expected, name)))
        # A difference that is no number is no agreement.
        if not difference <= _NATS:
            return f"its {name} are {difference:.2f} nats from the reference's"
    return None


def _hole(token_ids: TokenIds) -> Canvas:
    """A canvas whose middle is free."""
    clamped = np.ones(len(token_ids), np.bool_)
    clamped[_AROUND:-_AROUND] = False
    return Canvas(token_ids=token_ids, clamped=clamped, keep_start=np.zeros_like(clamped))
