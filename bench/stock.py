"""The method that needs no infilling: ask the model in a chat, let transformers' `generate` write whatever it writes,
and cut the middle out of its answer.

The prompt shows the same file in the same words as the product's, and the model's turn begins with an open code block.
Nothing is clamped; a whole canvas is denoised. The cache is the dynamic one, because the static one is wrong past the
sliding window.
"""

# transformers annotates itself in part only.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from transformers import DiffusionGemmaForBlockDiffusion

from bench.answers import Answer
from bench.cases import Case
from infill.prompt.chat import Fence, compose, fence_around
from infill.prompt.window import WindowBudget
from infill.request import InfillRequest, Span
from infill.text.languages import language_of
from infill.text.tokens import TextTokens

# Characters before the hole whose repetition at an answer's beginning is looked for, and the least that is telling.
_REACH = 400
_TELLING = 4


class Stock:
    """transformers' own model of a checkpoint."""

    def __init__(self, directory: Path, tokens: TextTokens, budget: WindowBudget, *, device: str) -> None:
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        # Any, because the library's own annotations contradict what it takes and gives.
        self._model: Any = DiffusionGemmaForBlockDiffusion.from_pretrained(directory, dtype=dtype)
        self._model.to(device).eval()
        self._tokens = tokens
        self._budget = budget
        self._passes = 0
        self._positions = 0
        for part in (self._model.model.encoder.language_model, self._model.model.decoder):
            part.register_forward_hook(self._count)

    def __call__(self, case: Case) -> Answer:
        """Ask, and cut the middle out."""
        began = perf_counter()
        self._passes = self._positions = 0
        before, after = case.text[: case.hole.start], case.text[case.hole.end :]
        prompt = self._prompt(case, before, after)
        if prompt is None:
            return Answer(middle=None, passes=0, token_positions=0, ms=0.0)
        ids, fence = prompt
        input_ids = torch.tensor(ids[None], dtype=torch.int64, device=self._model.device)
        torch.manual_seed(0)
        generated = self._model.generate(input_ids, return_dict_in_generate=False)[0, len(ids) :].tolist()
        middle = cut_middle(self._text(generated), before, after, fence.marks, line=case.mode == "line")
        return Answer(
            middle=middle or None,
            passes=self._passes,
            token_positions=self._positions,
            ms=(perf_counter() - began) * 1_000,
        )

    def _prompt(self, case: Case, before: str, after: str) -> tuple[np.ndarray[Any, np.dtype[np.int32]], Fence] | None:
        request = InfillRequest(
            text=before + after, holes=(Span(start=len(before), end=len(before)),), path=case.path, mode=case.mode
        )
        fence = fence_around([before, after], language_of(case.path, ""))
        passages = self._tokens.passage(before), self._tokens.passage(after)
        prompt = compose(
            request, self._tokens, before=passages[0], gap="", after=passages[1], fence=fence, budget=self._budget
        )
        return None if prompt is None else (prompt.ids, fence)

    def _text(self, ids: list[int]) -> str:
        """The answer up to the end of the model's turn; control tokens are no text."""
        control = self._tokens.control
        ends = [i for i, token_id in enumerate(ids) if token_id in (control.turn_end, control.eos)]
        written = ids[: ends[0] if ends else len(ids)]
        return self._tokens.decode(i for i in written if i not in self._tokens.banned_in_hole)

    def _count(self, module: object, inputs: object, output: Any) -> None:  # noqa: ANN401 - a model's output.
        self._passes += 1
        self._positions += output.last_hidden_state.shape[:2].numel()


def cut_middle(answer: str, before: str, after: str, marks: str, *, line: bool) -> str:
    """The part of an answer that belongs between two texts: its code block, without what repeats the end of the one or
    runs into the beginning of the other; and its first line only, where one line is asked for."""
    text = answer.partition(f"\n{marks}")[0].removesuffix(marks)
    text = _after_repeated_start(text, before)
    text = _before_repeated_end(text, after)
    return text.partition("\n")[0] if line else text


def _after_repeated_start(text: str, before: str) -> str:
    """Without the longest beginning that is an end of `before`: lines told again, or the line that was under way."""
    for size in range(min(_REACH, len(before), len(text)), 0, -1):
        if before.endswith(text[:size]) and len(text[:size].strip()) >= _TELLING:
            return text[size:]
    current = before.rpartition("\n")[2]
    return text[len(current) :] if current and text.startswith(current) else text


def _before_repeated_end(text: str, after: str) -> str:
    """Up to where the text goes on as `after` begins: with the rest of the line, or with the next line of text."""
    rest, _, below = after.partition("\n")
    if rest.strip():
        end = text.find(rest + "\n") if rest + "\n" in text else len(text) - len(rest) * text.endswith(rest)
        return text[:end]
    following = next((line for line in below.split("\n") if line.strip()), None)
    lines = text.split("\n")
    stop = next((i for i, line in enumerate(lines) if i and line == following), len(lines))
    return "\n".join(lines[:stop])
