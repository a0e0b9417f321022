"""Whether a path's answers are those expected, repeat, and do not depend on their batch, on a text in the tokens of the
embedded checkpoint, which every larger vocabulary has, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer

from bench.engine import LINE
from engine.canvas import Canvas, DenoiseConfig, Floats, HoleState, TokenIds
from engine.cuda.denoiser import CudaDenoiser
from engine.nano import DIRECTORY
from engine.reference import ReferenceDenoiser

CONTEXT = 1024
"""Tokens of the text before the hole, twice what the embedded checkpoint's window shows."""

_AROUND = 42
_CONFIG = DenoiseConfig(max_denoising_steps=3, entropy_bound=1.0, clamped="read_once")


@dataclass(frozen=True, slots=True)
class Observed:
    """What a row came to over all steps: its readings, their entropies, and what stood in it."""

    argmax_ids: NDArray[np.int64]
    entropy: Floats
    present_ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """same_reading, same_canvas: shares of equal readings, and of equal ids in the canvases, which were accepted, drawn
    or renoised. entropy_difference: the mean, in nats. repeats: to the last bit. same_alone, alone_difference: the
    same of rows alone and in their batch."""

    same_reading: float
    same_canvas: float
    entropy_difference: float
    repeats: bool
    same_alone: float
    alone_difference: float


def compared(denoiser: ReferenceDenoiser | CudaDenoiser, expected: Sequence[Observed]) -> dict[str, float]:
    """The figures of a `Parity`."""
    rows = observed(denoiser, rows=len(expected))
    again = observed(denoiser, rows=len(expected))
    alone = [observed(denoiser, first=number, rows=number + 1)[0] for number in range(len(expected))]
    return asdict(
        Parity(
            same_reading=_same([row.argmax_ids for row in rows], [row.argmax_ids for row in expected]),
            same_canvas=_same([row.present_ids for row in rows], [row.present_ids for row in expected]),
            entropy_difference=_difference(rows, expected),
            repeats=all(
                row.entropy.tobytes() == other.entropy.tobytes() for row, other in zip(rows, again, strict=True)
            ),
            same_alone=_same([row.present_ids for row in rows], [row.present_ids for row in alone]),
            alone_difference=_difference(rows, alone),
        )
    )


def observed(denoiser: ReferenceDenoiser | CudaDenoiser, *, first: int = 0, rows: int) -> list[Observed]:
    """A usual line's rows `first` .. `rows - 1`, denoised in the middle of a text."""
    text = (Path(__file__).parent / "judge.py").read_text(encoding="utf-8") * 4
    ids = np.array(Tokenizer.from_file(str(DIRECTORY / "tokenizer.json")).encode(text).ids, np.int32)
    around = ids[CONTEXT : CONTEXT + _AROUND]
    canvases = [_between(around, LINE[number]) for number in range(first, rows)]
    holes: list[list[HoleState]] = [[] for _ in canvases]
    present: list[list[NDArray[np.int64]]] = [[] for _ in canvases]
    with denoiser.prefill(ids[:CONTEXT]) as context:
        stepper = denoiser.start(context, canvases, seeds=range(first, rows), config=_CONFIG)
        for _ in range(_CONFIG.max_denoising_steps):
            for number, state in enumerate(stepper.step().rows):
                holes[number] += state.holes
                present[number].append(torch.as_tensor(stepper.rows[number].present_ids).cpu().numpy().copy())
    return [
        Observed(
            np.concatenate([hole.argmax_ids for hole in own]).astype(np.int64),
            np.concatenate([hole.entropy for hole in own]),
            np.concatenate(stood),
        )
        for own, stood in zip(holes, present, strict=True)
    ]


def _between(around: TokenIds, length: int) -> Canvas:
    half = len(around) // 2
    token_ids = np.concatenate([around[:half], np.zeros(length, np.int32), around[half:]])
    clamped = np.ones(len(token_ids), np.bool_)
    clamped[half : half + length] = False
    return Canvas(token_ids=token_ids, clamped=clamped, keep_start=np.zeros_like(clamped))


def _same(found: Sequence[NDArray[np.int64]], expected: Sequence[NDArray[np.int64]]) -> float:
    return float((np.concatenate(found) == np.concatenate(expected)).mean())


def _difference(found: Sequence[Observed], expected: Sequence[Observed]) -> float:
    own, other = (np.concatenate([row.entropy for row in rows]) for rows in (found, expected))
    return float(np.abs(own - other).mean())
