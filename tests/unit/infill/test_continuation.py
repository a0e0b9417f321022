"""Long holes, a few lines at a time."""

from __future__ import annotations

import pytest

from engine.canvas import DenoiseConfig, TokenIds
from infill.candidate import Reading
from infill.continuation import after, joined, settled_lines
from infill.fill import HoleSettings, Infiller
from infill.length import Ladder
from infill.request import Filled
from tests.unit.infill.scripted import ScriptedContext, ScriptedDenoiser, apply, request_of
from tests.unit.infill.tiny import tiny_tokens


def reading(text: str, *entropies: float) -> Reading:
    nats = (tuple((entropy,) for entropy in entropies),)
    return Reading(texts=(text,), entropies=nats, doubts=nats)


@pytest.mark.parametrize(
    ("lines", "sure", "unended", "kept"),
    [
        (("a", 0.1), None, True, 0),
        (("a\nb", 0.1, 0.1), None, False, 0),
        (("a\nb\nc", 0.1, 9.0, 9.0), None, True, 2),
        (("a\nb\nc", 0.1, 0.2, 9.0), 1.0, False, 2),
        (("a\nb\nc", 0.1, 9.0, 0.1), 1.0, False, 1),
        (("a\nb\nc", 9.0, 0.1, 0.1), 1.0, False, 0),
        (("a\nb\nc", 0.1, 0.1, 0.1), 1.0, False, 0),
        (("a\nb\nc", 0.1, 9.0, 9.0), 1.0, True, 1),
        (("\n\nc", 0.1, 0.1, 9.0), 1.0, False, 0),
    ],
)
def test_the_lines_to_keep(lines: tuple[str, *tuple[float, ...]], sure: float | None, unended: bool, kept: int) -> None:
    assert settled_lines(reading(*lines), sure, unended=unended) == kept


def test_a_reading_goes_on_where_the_kept_lines_end() -> None:
    whole = joined(reading("a\nb\nc", 0.1, 0.2, 0.9).cut(2), reading("d\ne", 0.3, 0.4))
    assert whole.texts == ("a\nb\nd\ne",)
    assert whole.entropies == whole.doubts == (((0.1,), (0.2,), (0.3,), (0.4,)),)
    assert whole.doubt == pytest.approx(0.4)
    assert whole.worst_entropy == 0.4


def test_the_rest_is_asked_for_behind_what_is_kept() -> None:
    rest = after(request_of("x = ⟦⟧\ny\n", must_start_with="fo"), "o(\n")
    assert (rest.prefix, rest.middles, rest.suffix, rest.must_start_with) == ("x = foo(\n", ("",), "\ny\n", None)


class Writer(ScriptedDenoiser):
    """A model that has another answer for each canvas, in order."""

    def __init__(self, *answers: str) -> None:
        tokens = tiny_tokens()
        super().__init__([], tokens.size)
        self.waiting = [[tokens.encode(answer)] for answer in answers]

    def prefill(self, token_ids: TokenIds) -> ScriptedContext:
        self.answers = self.waiting.pop(0)
        self.canvases.clear()
        return super().prefill(token_ids)


LADDER = Ladder(block=(6,))


@pytest.mark.parametrize(
    ("answers", "rounds", "text"),
    [
        # Six tokens hold a line and a half: the line is kept, and the next canvas begins behind it.
        (("foo()\nbar()()", "bar()\nreturn()()", "name\n\n"), 9, "foo()\nbar()\nname"),
        (("foo()\nbar()()", "bar()\nreturn()()"), 2, "foo()\nbar()\nreturn()()"),
        (("foo()\nbar()()",), 1, "foo()\nbar()()"),
        # Nothing comes after what was kept.
        (("foo()\nbar()()", "\n```"), 9, "foo()"),
        # A text that ends within the longest hole goes on nowhere.
        (("foo\nbar()\n",), 9, "foo\nbar()"),
    ],
)
def test_a_text_longer_than_a_canvas_goes_on_in_the_next(answers: tuple[str, ...], rounds: int, text: str) -> None:
    request = request_of("⟦⟧", path="notes", mode="block")
    denoiser = Writer(*answers)
    settings = HoleSettings(lengths=LADDER, rounds=rounds)
    *_, last = Infiller(denoiser, tiny_tokens(), DenoiseConfig(), settings=settings).fill(request)
    assert isinstance(last, Filled)
    assert apply(request, last.candidates[0].texts) == text
    assert denoiser.waiting == []
    assert all(context.released for context in denoiser.contexts)


def test_a_deadline_leaves_the_text_as_far_as_it_is() -> None:
    request = request_of("⟦⟧", path="notes", mode="block", deadline_ms=0)
    settings = HoleSettings(lengths=LADDER)
    *_, last = Infiller(Writer("foo()\nbar()()"), tiny_tokens(), DenoiseConfig(), settings=settings).fill(request)
    assert isinstance(last, Filled)
    assert last.candidates[0].stop_reason == "deadline"
