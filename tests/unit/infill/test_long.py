"""Texts longer than a canvas: rewrites, where they are cut, what each part sees and what becomes of the whole; and
blocks, which go on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infill.fill import Infiller
from infill.judge.flaws import Flaws
from infill.long import continued, following, parts_of, pieces_of
from infill.profile import Profile
from infill.prompt.window import WindowBudget
from infill.request import Filled, InfillRequest, Progress, Rejection
from infill.task import Proposal, Scored
from tests.unit.infill.scripted import PROFILE, Writer, apply, request_of, run
from tests.unit.infill.tiny import tiny_tokens

# A canvas that holds 20 tokens, which are mostly characters here, beside what may be clamped in it.
SMALL: Profile = replace(
    PROFILE,
    window=WindowBudget(canvas=30, tail_least=1, tail_most=5, head_least=1, head_most=5, least_free=2),
    lengths=replace(PROFILE.lengths, replaced=(1.0,)),
    growth=1.0,
    max_parts=8,
)


def rewrite_of(marked: str, path: str = "a.py", n: int = 1, deadline_ms: int | None = None) -> InfillRequest:
    return request_of(marked, path=path, instruction="do it", n=n, deadline_ms=deadline_ms)


def parts(marked: str, path: str = "a.py", profile: Profile = SMALL) -> list[str] | Rejection:
    request = rewrite_of(marked, path)
    found = parts_of(request, tiny_tokens(), profile)
    return found if isinstance(found, Rejection) else [request.text[part.start : part.end] for part in found]


@pytest.mark.parametrize(
    ("path", "marked", "expected"),
    [
        ("a.py", "x\n⟦total()\ny⟧\nz\n", ["total()\ny"]),
        # As many statements as there is room for, and none in two that fits.
        ("a.py", "⟦a = 10000\nb = 20000\nif c:\n  d = 30000⟧\n", ["a = 10000\nb = 20000", "if c:\n  d = 30000"]),
        ("a.py", "⟦a\n\n\nif b:\n  c = 10000\n  d = 20000⟧", ["a", "if b:\n  c = 10000", "d = 20000"]),
        # What belongs to the next statement stays with it; so does what ends one.
        ("a.py", "⟦a = 1000000\n# about b\nb = 200\n⟧", ["a = 1000000", "# about b\nb = 200"]),
        (
            "a.rs",
            "fn f() {\n  ⟦if a {\n    b(1);\n    c(2);\n    d(3);\n  }⟧\n}\n",
            ["if a {\n    b(1);", "c(2);\n    d(3);\n  }"],
        ),
        # Any line ends, and lines where no grammar tells.
        ("a.py", "⟦a = 10000\r\nb = 20000\rif c:\r\n  d = 30000⟧", ["a = 10000\r\nb = 20000", "if c:\r\n  d = 30000"]),
        ("notes", "⟦one one\ntwo two\n\nthree three\nfour⟧\n", ["one one\ntwo two", "three three\nfour"]),
        ("notes", "⟦one\n\ntwo two two\nthree three three\nfour⟧\n", ["one", "two two two", "three three three\nfour"]),
        # A line that no canvas holds is a part by itself.
        ("notes", "⟦one\n" + 40 * "x" + "\ntwo⟧\n", ["one", 40 * "x", "two"]),
    ],
)
def test_a_text_too_long_for_a_canvas_is_cut_between_statements(path: str, marked: str, expected: list[str]) -> None:
    assert parts(marked, path) == expected


def test_what_must_be_able_to_grow_takes_more_canvases() -> None:
    marked = "⟦a = 10000\nb = 20000⟧\n"
    assert parts(marked) == ["a = 10000\nb = 20000"]
    assert parts(marked, profile=replace(SMALL, growth=2.0)) == ["a = 10000", "b = 20000"]


@pytest.mark.parametrize("lines", [20, 1_000])
def test_more_than_the_profile_allows_is_rejected_with_the_limit(lines: int) -> None:
    rejection = parts("⟦" + lines * "total = 123456\n" + "⟧")
    assert isinstance(rejection, Rejection)
    assert rejection.reason == "too_long"
    assert rejection.limit is not None
    assert 80 <= rejection.limit <= 160


LINES = st.lists(
    st.tuples(
        st.sampled_from(["a = 1", "if a:", "  b(1,", "    2)", "\tc = '''", "é🦀", "# d", "", " ", "\u2028", "x" * 40]),
        st.sampled_from(["\n", "\r\n", "\r"]),
    ),
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(LINES, LINES, LINES, st.sampled_from(["a.py", "a.js", "notes"]))
def test_only_blanks_lie_outside_the_parts(
    before: list[tuple[str, str]], within: list[tuple[str, str]], after: list[tuple[str, str]], path: str
) -> None:
    prefix, middle, suffix = ("".join(line + end for line, end in lines) for lines in (before, within, after))
    request = rewrite_of(f"{prefix}⟦{middle}⟧{suffix}", path)
    found = parts_of(request, tiny_tokens(), SMALL)
    if not isinstance(found, Rejection):
        pieces = pieces_of(request, found)
        assert "".join(pieces) == middle
        assert [text for text in pieces[::2] if text.strip()] == []
        assert len(found) == 1 or all(text.strip() for text in pieces[1::2])


LONG = "a\n⟦b = 10000\nc = 20000\nd = 30000\n⟧e\n"


def test_each_part_sees_the_others_and_the_whole_is_one_candidate() -> None:
    request, denoiser = rewrite_of(LONG, n=3), Writer("total = 1\nc = 2", "d = 3")
    events = run(request, denoiser, profile=SMALL)
    result = events[-1]
    assert isinstance(result, Filled)
    assert [apply(request, candidate.texts) for candidate in result.candidates] == ["a\ntotal = 1\nc = 2\nd = 3\ne\n"]
    first, second = (tiny_tokens().decode(prompt.tolist()) for prompt in denoiser.prompts)
    assert "d = 30000" in first
    assert "b = 10000\nc = 20000" in first
    assert "total = 1" in second
    assert "10000" not in second
    assert result.stats.passes == sum(isinstance(event, Progress) for event in events)
    assert all(context.released for context in denoiser.contexts)


def test_drafts_show_the_whole_and_only_the_part_under_way_has_entropies() -> None:
    events = run(rewrite_of(LONG), Writer("total = 1\nc = 2", "d = 3"), profile=SMALL)
    drafts = [event.draft.pieces[0] for event in events if isinstance(event, Progress) and event.draft]
    shown = ["".join(text for text, _ in pieces) for pieces in drafts]
    assert len(drafts) == sum(isinstance(event, Progress) and event.stage == "denoise" for event in events)
    assert shown[0].endswith("\nd = 30000\n")
    assert shown[-1].startswith("total = 1\nc = 2\nd = 3")
    sure = [[text for text, entropy in pieces if entropy == 0.0] for pieces in drafts]
    assert sure[0] == ["\nd = 30000\n"]
    assert sure[-1] == ["total = 1\nc = 2\n", "\n"]


@pytest.mark.parametrize(
    ("answers", "after"),
    [
        (("b = 10000\nc = 20000", "d = 3"), "a\nb = 10000\nc = 20000\nd = 3\ne\n"),
        (("b = 1\nc = 2", "d = 30000"), "a\nb = 1\nc = 2\nd = 30000\ne\n"),
        (("b = 10000\nc = 20000", "d = 30000"), "!unchanged"),
    ],
)
def test_a_part_that_comes_out_unchanged_stays(answers: tuple[str, str], after: str) -> None:
    request = rewrite_of(LONG)
    *_, result = run(request, Writer(*answers), profile=SMALL)
    assert isinstance(result, Filled)
    if result.rejection:
        assert after == f"!{result.rejection.reason}"
    else:
        assert apply(request, result.candidates[0].texts) == after


def test_lines_keep_their_ends_and_blanks_between_parts_stay() -> None:
    request = rewrite_of("⟦b = 1000\r\nc = 2000\r\n \r\n\r\n\td = 30000⟧\r\n", path="notes")
    *_, result = run(request, Writer("b = 1\nc = 2", "d = 3"), profile=SMALL)
    assert isinstance(result, Filled)
    assert apply(request, result.candidates[0].texts) == "b = 1\r\nc = 2\r\n \r\n\r\n\td = 3\r\n"


def test_after_the_deadline_what_is_not_rewritten_stays() -> None:
    request = rewrite_of(LONG, deadline_ms=0)
    denoiser = Writer("total = 1\nc = 2", "d = 3")
    *_, result = run(request, denoiser, profile=SMALL)
    assert isinstance(result, Filled)
    assert result.candidates[0].stop_reason == "deadline"
    assert apply(request, result.candidates[0].texts).endswith("d = 30000\ne\n")
    assert len(denoiser.contexts) == 1


def test_one_that_is_given_up_in_between_frees_the_model_at_once() -> None:
    denoiser = Writer("total = 1\nc = 2", "d = 3")
    forwards = Infiller(denoiser, tiny_tokens(), SMALL).fill(rewrite_of(LONG))
    while len(denoiser.contexts) < 2:
        next(forwards)
    forwards.close()
    assert all(context.released for context in denoiser.contexts)


def scored(text: str, *line_nll: float) -> Scored:
    proposal = Proposal(texts=(text,), token_ids=(), source="denoise")
    return Scored(proposal=proposal, log_prob=-sum(line_nll), line_nll=line_nll, flaws=Flaws)


def test_a_text_follows_the_lines_that_were_kept() -> None:
    whole = continued(scored("a\nb\nc", 0.1, 0.2, 0.9).first_lines(2), scored("d\ne", 0.3, 0.4))
    assert whole.texts == ("a\nb\nd\ne",)
    assert whole.line_nll == (0.1, 0.2, 0.3, 0.4)


def test_the_rest_is_asked_for_behind_what_is_kept() -> None:
    rest = following(request_of("x = ⟦⟧\ny\n", must_start_with="fo"), "o(\n")
    assert (rest.prefix, rest.middles, rest.suffix, rest.must_start_with) == ("x = foo(\n", ("",), "\ny\n", None)


SHORT = replace(PROFILE, lengths=replace(PROFILE.lengths, block=(6,)))


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
    *_, last = run(request, denoiser, profile=replace(SHORT, max_canvases=rounds))
    assert isinstance(last, Filled)
    assert apply(request, last.candidates[0].texts) == text
    assert denoiser.waiting == []
    assert all(context.released for context in denoiser.contexts)


def test_a_deadline_leaves_the_text_as_far_as_it_is() -> None:
    request = request_of("⟦⟧", path="notes", mode="block", deadline_ms=0)
    *_, last = run(request, Writer("foo()\nbar()()"), profile=SHORT)
    assert isinstance(last, Filled)
    assert last.candidates[0].stop_reason == "deadline"
