"""Question-and-answer frames: what a user of stock software asks about a file, and the model's turn in answer, in
canvases of 256 tokens as the official recipe trains them.

Every position of a canvas is free, and the last canvas of a turn is padded after its end, as `generate` pads what it
returns. Nothing here is laid out by `infill.prompt.layout`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.nano.corpus import Document
from bench.nano.example import Example
from bench.nano.frames import Frame
from bench.nano.lines import line_of
from bench.nano.mixture import examples
from infill.prompt.chat import compose, fence_around, turn_ending
from infill.prompt.window import WindowBudget
from infill.request import Span
from infill.text.languages import language_of
from infill.text.tokens import TextTokens

CANVAS = 256
MOST_CONTEXT = 512
MARK = "<FILL_ME>"
"""Stands for the gap where a file is shown in one piece."""
# A prompt's tokens; what is left of a context holds the canvases that the turn has filled before.
_BUDGET = WindowBudget(context=384)
# Shares of the examples in which one asks for a gap: in the product's own words; the others mark it in the file.
_IN_OUR_WORDS = 0.6
# Share of questions for the rest of a file, whose answers fill whole canvases.
_CONTINUED = 0.3
# Code points shown before and after a gap, of a file's beginning, and of its rest.
_BEFORE, _AFTER, _BEGINNING, _REST = 700, 350, 600, 2_400


@dataclass(frozen=True, slots=True)
class Turn:
    """A prompt, [P] int32 ids, and the whole of the model's turn, [A] int32 ids, its end included."""

    prompt: NDArray[np.int32]
    answer: NDArray[np.int32]


def draw(documents: Sequence[Document], tokens: TextTokens, seed: int) -> Iterator[Frame | None]:
    """Canvases of turns without end, one a turn; None where a prompt is too long."""
    rng = random.Random(seed)
    sizes = [len(document.text) for document in documents]
    drawn = examples(documents, seed, {"infill": 0.85, "rewrite": 0.15})
    while True:
        if rng.random() < _CONTINUED:
            turn = continued(rng.choices(documents, sizes)[0], tokens, rng)
        else:
            example = next(drawn)
            ours = not example.request.instruction and rng.random() < _IN_OUR_WORDS
            turn = in_our_words(example, tokens) if ours else in_other_words(example, tokens)
        yield turn and canvas_of(turn, tokens, rng)


def canvas_of(turn: Turn, tokens: TextTokens, rng: random.Random) -> Frame | None:
    """One of a turn's canvases, over its prompt and the canvases before it; None where these are too long."""
    spare = MOST_CONTEXT - len(turn.prompt)
    if spare < 0:
        return None
    number = rng.randrange(min(-(-len(turn.answer) // CANVAS), spare // CANVAS + 1))
    start = number * CANVAS
    canvas = turn.answer[start : start + CANVAS]
    return Frame(
        context=np.concatenate([turn.prompt, turn.answer[:start]]),
        canvas=np.pad(canvas, (0, CANVAS - len(canvas)), constant_values=tokens.control.pad),
        holes=[(0, CANVAS)],
    )


def in_our_words(example: Example, tokens: TextTokens) -> Turn | None:
    """The product's prompt for a hole, but with nothing clamped: all of the file stands in it."""
    request, hole = example.request, example.request.holes[0]
    before, after = request.text[max(hole.start - _BUDGET.reach, 0) : hole.start], request.text[hole.end :]
    after = after[: _BUDGET.reach]
    fence = fence_around([before, after, *example.answers], language_of(request.path, request.language_id))
    passages = tokens.passage(before), tokens.passage(after)
    prompt = compose(request, tokens, before=passages[0], after=passages[1], fence=fence, budget=_BUDGET)
    if prompt is None:
        return None
    end = turn_ending(tokens, fence=fence, at_line_start=False)
    return Turn(prompt.ids, np.concatenate([tokens.encode(example.answers[0]), end]))


def in_other_words(example: Example, tokens: TextTokens) -> Turn:
    """A question as anybody might put it: a gap marked in the file, or some code and what to do with it."""
    request, hole = example.request, example.request.holes[0]
    if request.instruction:
        present = request.middles[0]
        return _asked(
            tokens, f"{request.instruction}\n{_block(present, request.path)}", example.answers[0], request.path
        )
    start = line_of(request.text, max(hole.start - _BEFORE, 0)).start if hole.start else 0
    end = line_of(request.text, min(hole.end + _AFTER, len(request.text))).end
    marked = request.text[start : hole.start] + MARK + request.text[hole.end : end]
    question = f"Which code belongs at {MARK} in `{request.path}`?\n{_block(marked, request.path)}"
    return _asked(tokens, f"{question}\nAnswer with that code in a code block.", example.answers[0], request.path)


def continued(document: Document, tokens: TextTokens, rng: random.Random) -> Turn:
    """A stretch of a file, and what follows it."""
    text = document.text
    start = line_of(text, rng.randrange(len(text))).start
    cut = line_of(text, min(start + _BEGINNING, len(text))).start
    rest = Span(start=max(cut, start), end=line_of(text, min(cut + _REST, len(text))).end)
    question = f"How does `{document.path}` go on after this?\n{_block(text[start : rest.start], document.path)}"
    return _asked(tokens, question, text[rest.start : rest.end], document.path)


def _asked(tokens: TextTokens, question: str, answer: str, path: str) -> Turn:
    """A user's question and the code that answers it, in the frame of the chat template."""
    control, encode = tokens.control, tokens.encode
    prompt = [[control.bos, control.turn_start], encode(f"user\n{question}"), [control.turn_end], encode("\n")]
    prompt += [[control.turn_start], encode("model\n")]
    ids = np.concatenate([encode(_block(answer, path)), [control.turn_end]])
    return Turn(np.concatenate(prompt).astype(np.int32), ids.astype(np.int32))


def _block(text: str, path: str) -> str:
    """A code block."""
    fence = fence_around([text], language_of(path, ""))
    ended = text if text.endswith("\n") else f"{text}\n"
    return f"{fence.marks}{fence.language}\n{ended}{fence.marks}"
