"""`fill --watch`: the canvas while it denoises.

On a terminal the hole is redrawn in place between its surroundings, its tokens coloured by their entropy; elsewhere
each step is a line of its own, without colour.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from infill.request import Draft, InfillRequest

SURROUNDING_LINES = 5
SLOW_STEP_S = 0.5
CERTAIN, UNCERTAIN = 0.1, 1.0
"""Nats: below the first a token is drawn green, above the second red."""

CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0))}
"""A file's control characters must not act on the terminal."""


class Watch:
    """Shows the drafts of one request; a `with` block."""

    def __init__(self, request: InfillRequest, *, slow: bool = False) -> None:
        """slow: whether each step stays for a while."""
        self._surroundings = [_end(request.prefix), *map(_both_ends, request.segments), _start(request.suffix)]
        self._console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
        # Loading is shown on a line of stderr, which has to stay what it is.
        self._live = Live(console=self._console, auto_refresh=False, redirect_stderr=False)
        self._pause_s = SLOW_STEP_S if slow else 0.0
        self._step = 0
        self._last: Sequence[Text] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, draft: Draft) -> None:
        """Show one step."""
        self._step += 1
        self._last = [_coloured(hole) for hole in draft.pieces]
        on_screen = [_coloured(_under_way(hole)) for hole in draft.pieces] if self._console.is_terminal else self._last
        self._draw(on_screen, f"step {self._step}")
        # The drafts that come meanwhile wait in the connection.
        time.sleep(self._pause_s)

    def finish(self, texts: Sequence[str]) -> None:
        """Show the result, with the colours of the last step where it stood there."""
        holes = [_as_denoised(_clean(text), self._last[hole : hole + 1]) for hole, text in enumerate(texts)]
        self._draw(holes, "done")

    def _draw(self, holes: Sequence[Text], label: str) -> None:
        if not self._console.is_terminal:
            shown = " | ".join(hole.plain.replace("\n", "\u23ce") for hole in holes)
            print(f"{label}: {shown}", flush=True)
            return
        view = Text().append(f"{label}\n", "dim")
        for around, hole in zip(self._surroundings, holes, strict=False):
            view.append(_clean(around), "dim").append_text(hole)
        view.append(_clean(self._surroundings[-1]), "dim")
        self._live.start()  # At the first step: until then the terminal belongs to what tells of loading.
        self._live.update(view, refresh=True)


def _coloured(pieces: Sequence[tuple[str, float]]) -> Text:
    return Text.assemble(*((_clean(piece), _style(entropy)) for piece, entropy in pieces))


def _under_way(pieces: Sequence[tuple[str, float]]) -> Sequence[tuple[str, float]]:
    """The pieces of a long hole without most of what is certain at its ends, so that a screen has room for the rest."""
    *before, (last, after) = pieces or [("", 1.0)]
    if before and before[0][1] == 0.0:
        before[0] = (_end(before[0][0]), 0.0)
    return [*before, (_start(last) if after == 0.0 else last, after)]


def _as_denoised(text: str, last: Sequence[Text]) -> Text:
    for draft in last:
        start = draft.plain.find(text)
        if start >= 0:
            return draft[start : start + len(text)]
    return Text(text, "bold green")


def _style(entropy: float) -> str:
    return "green" if entropy < CERTAIN else "yellow" if entropy < UNCERTAIN else "red"


def _clean(text: str) -> str:
    return text.replace("\r\n", "\n").translate(CONTROLS)


def _start(text: str) -> str:
    return "\n".join(text.split("\n", SURROUNDING_LINES)[:SURROUNDING_LINES])


def _end(text: str) -> str:
    return "\n".join(text.rsplit("\n", SURROUNDING_LINES)[-SURROUNDING_LINES:])


def _both_ends(text: str) -> str:
    start, end = _start(text), _end(text)
    return text if len(start) + len(end) >= len(text) else f"{start}\n\u22ee\n{end}"
