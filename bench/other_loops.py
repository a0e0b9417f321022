"""Seconds of a step in transformers' own loop and in diffusers', on one model that transformers has loaded."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from importlib import import_module
from statistics import median
from typing import Any, TypeAlias, cast

import numpy as np
import torch
from transformers import DiffusionGemmaForBlockDiffusion
from transformers.generation.streamers import BaseStreamer

from bench.roofline import synchronize
from engine.canvas import TokenIds

StepTime: TypeAlias = Callable[[DiffusionGemmaForBlockDiffusion, TokenIds, int], float]
"""Takes a model, a prompt and a canvas's length; returns the median time between two steps' ends."""

_STEPS = 4
_REPEATS = 3


class _Clock(BaseStreamer):
    """Notes when each step's draft comes."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, value: object) -> None:
        pass

    def put_draft(self, value: object) -> None:
        self.times.append(time.perf_counter())

    def end(self) -> None:
        pass


def _of_transformers(model: DiffusionGemmaForBlockDiffusion, prompt: TokenIds, canvas: int) -> float:
    """By `generate`."""
    model.config.canvas_length = canvas
    ids = torch.from_numpy(prompt.astype(np.int64))[None].to(model.device)

    def run() -> list[float]:
        clock = _Clock()
        model.generate(
            cast(torch.LongTensor, ids),
            streamer=clock,
            max_new_tokens=canvas,
            max_denoising_steps=_STEPS,
            confidence_threshold=1e-9,
        )
        return clock.times

    return _median(run)


class _Encoded:
    """As much of a processor as the pipeline asks for: every prompt is the same ids."""

    def __init__(self, prompt: TokenIds) -> None:
        self._ids = torch.from_numpy(prompt.astype(np.int64))[None]

    def apply_chat_template(self, *_given: object, **_options: object) -> dict[str, torch.Tensor]:
        return {"input_ids": self._ids}


def _of_diffusers(model: DiffusionGemmaForBlockDiffusion, prompt: TokenIds, canvas: int) -> float:
    """By the pipeline with the checkpoint's own sampler."""
    # Optional, and untyped.
    own: Any = import_module("diffusers")
    model.config.canvas_length = canvas
    pipeline = own.DiffusionGemmaPipeline(
        model=model, scheduler=own.EntropyBoundScheduler(), processor=_Encoded(prompt)
    )
    pipeline.set_progress_bar_config(disable=True)

    def run() -> list[float]:
        times: list[float] = []

        def note(*_step: object) -> dict[str, object]:
            synchronize(model.device)
            times.append(time.perf_counter())
            return {}

        pipeline(
            prompt="",
            gen_length=canvas,
            num_inference_steps=_STEPS,
            confidence_threshold=None,
            output_type="seq",
            callback_on_step_end=note,
        )
        return times

    return _median(run)


def _median(run: Callable[[], list[float]]) -> float:
    """Of the times between steps in runs after one that is not counted."""
    run()
    return median(step for _ in range(_REPEATS) for step in np.diff(run()).tolist())


LOOPS: Mapping[str, StepTime] = {"transformers": _of_transformers, "diffusers": _of_diffusers}


def missing(name: str) -> str | None:
    """Why a loop cannot be measured here; None where it can."""
    try:
        own = import_module(name)
    except ImportError as error:
        return f"it is not installed ({error})"
    if name == "diffusers" and not hasattr(own, "DiffusionGemmaPipeline"):
        return "this version has no pipeline for the model; 0.42 has"
    return None
