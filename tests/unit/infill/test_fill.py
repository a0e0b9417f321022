"""The pipeline on text cases: a document with holes, what the model writes, the document that comes out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.canvas import PREFILL_TOKENS, TokenIds
from infill.fill import Infiller
from infill.prompt.layout import lay_out
from infill.prompt.window import WindowBudget
from infill.request import Change, Filled, InfillRequest, Progress, Rejection, Snippet, Span
from infill.task import Meter
from infill.text.lines import to_line_feeds
from tests.unit.infill.scripted import (
    PROFILE,
    Mode,
    ScriptedDenoiser,
    apply,
    check,
    filled,
    request_of,
    run,
    scripted,
)
from tests.unit.infill.tiny import tiny_tokens

LINE_CASES = [
    ("x = ⟦⟧\ny = 2\n", "1", "x = 1\ny = 2\n"),
    # The hole stands at the file's beginning, at its end, in nothing at all.
    ("⟦⟧ = 1\n", "x", "x = 1\n"),
    ("x = 1\ny = ⟦⟧", "2", "x = 1\ny = 2"),
    ("⟦⟧", "import os", "import os"),
    # In the middle of an identifier, both its halves known.
    ("x = to⟦⟧tal\n", "ato_", "x = toato_tal\n"),
    ("foo.na⟦⟧\n", "me", "foo.name\n"),
    ("x = foo(⟦⟧bar)\n", "a, ", "x = foo(a, bar)\n"),
    # A hole that is too long repeats what follows.
    ("x = foo(⟦⟧)\n", "a, b", "x = foo(a, b)\n"),
    ("x = ⟦⟧ + total\n", "foo", "x = foo + total\n"),
    # Brackets that the text itself opened stay.
    ("x = foo(⟦⟧)\n", "bar()", "x = foo(bar())\n"),
    # Other line endings, tabs, emoji.
    ("x = ⟦⟧\r\ny = 2\r\n", "1", "x = 1\r\ny = 2\r\n"),
    ("\tx = ⟦⟧\ry = 2\r", "1", "\tx = 1\ry = 2\r"),
    ("x = '😀' + ⟦⟧\n", "'é'", "x = '😀' + 'é'\n"),
    ("x = '😀⟦⟧😀'\n", "日本", "x = '😀日本😀'\n"),
    # What looks like a control token is text.
    ('x = "<|turn>" + ⟦⟧\n', '"<eos>"', 'x = "<|turn>" + "<eos>"\n'),
    # Nothing to offer.
    ("x = ⟦⟧\nfoo(2)\n", "  ", "!empty"),
    ("x = ⟦1⟧\ny = 2\n", "1", "!unchanged"),
    # A text is replaced.
    ("x = ⟦foo⟧ + 1\n", "bar", "x = bar + 1\n"),
]

BLOCK_CASES = [
    ("a.py", "def f():⟦⟧\n\ny = 2\n", "\n    return 1", "def f():\n    return 1\n\ny = 2\n"),
    ("a.py", "def f():\n    ⟦⟧\n\ny = 2\n", "x = 1\n    return x", "def f():\n    x = 1\n    return x\n\ny = 2\n"),
    ("a.py", "def f():\r\n    ⟦⟧\r\n", "x = 1\n    return x", "def f():\r\n    x = 1\r\n    return x\r\n"),
    ("a.py", "def f():⟦⟧\n", "\n\treturn 1\n\ndef g():\n\tpass", "def f():\n\treturn 1\n"),
    ("a.js", "f(() => {⟦⟧\n});\n", "\n  g();\n});\nh();", "f(() => {\n  g();\n});\n"),
    ("a.ts", "class A {\n  ⟦⟧\n}\n", "x = 1;\n}\nclass B {", "class A {\n  x = 1;\n}\n"),
    ("a.go", "func f() {⟦⟧\n", "\n\treturn\n}\n\nfunc g() {", "func f() {\n\treturn\n}\n"),
    ("a.rs", "fn f() {\n    ⟦⟧\n}\n", "g();\n}\nfn h() {", "fn f() {\n    g();\n}\n"),
    (
        "A.java",
        "class A {\n  void f() {⟦⟧\n  }\n}\n",
        "\n    g();\n  }\n}",
        "class A {\n  void f() {\n    g();\n  }\n}\n",
    ),
    ("a.c", "int f() {⟦⟧\n}\n", "\n  return 1;\n}", "int f() {\n  return 1;\n}\n"),
    ("a.cpp", "int f() {⟦⟧\n}\n", "\n  if (x) {\n    g();\n  }", "int f() {\n  if (x) {\n    g();\n  }\n}\n"),
    ("a.lua", "function f()⟦⟧\nend\n", "\n  g()\nend", "function f()\n  g()\nend\n"),
    ("notes", "⟦⟧", "one\ntwo", "one\ntwo"),
    # The following lines are repeated, and nothing else is written.
    ("a.py", "x = 1\n⟦⟧\ntotal = 2\nname = 3\n", "total = 2\nname = 3", "!repeats_suffix"),
    # The model believes to have come to the end of its code block.
    ("a.py", "def f():⟦⟧\n", "\n    return 1\n```\nThat is all.", "def f():\n    return 1\n"),
]


@pytest.mark.parametrize(("before", "answer", "after"), LINE_CASES)
def test_fills_within_a_line(before: str, answer: str, after: str) -> None:
    check(before, answer, after)


@pytest.mark.parametrize(("path", "before", "answer", "after"), BLOCK_CASES)
def test_fills_with_whole_lines(path: str, before: str, answer: str, after: str) -> None:
    check(before, answer, after, path=path, mode="block")


@pytest.mark.parametrize(
    ("before", "answers", "after"),
    [
        ("⟦⟧ = 1\nprint(⟦⟧)\n", ("foo", "foo"), "foo = 1\nprint(foo)\n"),
        ("def f(⟦⟧):\n    return ⟦⟧ + 1\n", ("total", "total"), "def f(total):\n    return total + 1\n"),
        ("print(⟦⟧foo⟦⟧)\n", ("12 * ", " - 12"), "print(12 * foo - 12)\n"),
        ("x = ⟦1⟧\ny = ⟦⟧\n", ("1", "2"), "x = 1\ny = 2\n"),
    ],
)
def test_fills_several_holes_together(before: str, answers: tuple[str, ...], after: str) -> None:
    check(before, answers, after, mode="line")


def test_an_edited_text_is_started_from_with_every_share_of_noise() -> None:
    request = request_of("print(⟦foo + bar + total + name⟧)\n")
    denoiser = scripted(request, ["foo"])
    run(request, denoiser)
    own = [each for each in denoiser.canvases if (each.token_ids[~each.clamped] != 0).any()]
    shares = [float(each.keep_start[~each.clamped].mean()) for each in own]
    assert shares[0] == 1.0
    assert sorted(shares, reverse=True) == shares
    assert len(own) == len(PROFILE.warm_start_noise)


@pytest.mark.parametrize(
    ("before", "answers", "after"),
    [
        ("def f(a):\n    ⟦x = a\n    return x⟧\n\ny = 2\n", "return a", "def f(a):\n    return a\n\ny = 2\n"),
        ("print(⟦foo⟧, foo)\n", "bar", "print(bar, foo)\n"),
        ("⟦foo⟧ = 1\r\nprint(⟦foo⟧)\r\n", ("total", "total"), "total = 1\r\nprint(total)\r\n"),
        ("⟦foo = 1⟧\n", "foo = 1", "!unchanged"),
        # Nothing is left of it.
        ("print(⟦foo⟧)\n", "", "print()\n"),
        ("foo = 1\n⟦foo = 2⟧\nprint(foo)\n", "", "foo = 1\n\nprint(foo)\n"),
        ("foo = 1\n⟦foo = 2⟧", "", "foo = 1\n"),
        ("⟦foo = 2⟧", "", ""),
    ],
)
def test_rewrites_to_an_instruction_or_after_a_change(before: str, answers: str | tuple[str, ...], after: str) -> None:
    check(before, answers, after, instruction="make it shorter", mode="block")
    check(before, answers, after, changes=(Change(path="a.py", before="foo = 0\n", after="bar = 0\n"),), mode="block")


@pytest.mark.parametrize(
    ("before", "answer", "after"),
    [
        ("x = (fo⟦⟧if foo:\n    pass\n", "o", "x = (foo)\nif foo:\n    pass\n"),
        ("print(⟦⟧\nx = 1\n", "foo", "print(foo)\nx = 1\n"),
        # It is whole as it is.
        ("print(⟦⟧)\n", "foo", "print(foo)\n"),
    ],
)
def test_joins_what_no_text_of_the_model_joins(before: str, answer: str, after: str) -> None:
    profile = replace(PROFILE, stages=(("denoise",), ("joined",)))
    request = replace(request_of(before), n=16)
    *_, result = run(request, scripted(request, [answer]), profile=profile)
    assert isinstance(result, Filled)
    assert result.candidates[0].added_errors == 0
    assert after in [apply(request, candidate.texts) for candidate in result.candidates]


def test_holes_too_far_apart_are_rejected() -> None:
    result = filled_anyway("⟦⟧" + "x = 1\n" * 1_000 + "⟦⟧")
    assert result.rejection == Rejection(reason="too_far")


def test_a_replaced_text_longer_than_a_canvas_is_rejected() -> None:
    result = filled_anyway("⟦" + "x = 1\n" * 100 + "⟧")
    assert result.rejection == Rejection(reason="too_long", limit=251)


def test_an_instruction_longer_than_the_context_is_rejected() -> None:
    request = request_of("⟦x⟧", instruction="make it good " * 500)
    assert only(run(request, ScriptedDenoiser([], tiny_tokens().size))).rejection == Rejection(reason="no_room")


@pytest.mark.parametrize(
    ("marked", "answer", "options", "offered"),
    [
        ("x = ⟦foo()⟧\n", "((bar(", {}, None),
        ("x = ⟦foo()⟧\n", "((bar(", {"force": True}, "((bar("),
        ("x = ⟦foo()⟧\n", "((bar(", {"instruction": "make it shorter"}, "((bar("),
        ("x = ⟦foo()⟧\n", "bar()", {}, "bar()"),
        # What was broken before may stay so.
        ("x = ((⟦foo⟧\n", "bar", {}, "bar"),
    ],
)
def test_a_text_is_replaced_by_what_breaks_the_syntax_only_where_that_is_forced(
    marked: str, answer: str, options: dict[str, Any], offered: str | None
) -> None:
    result = filled(request_of(marked, mode="line", **options), answer)
    assert [candidate.texts[0] for candidate in result.candidates] == ([] if offered is None else [offered])
    assert result.rejection == (Rejection(reason="breaks_syntax") if offered is None else None)


def test_what_was_typed_already_begins_the_text() -> None:
    request = request_of("x = ⟦⟧\n", must_start_with="fo")
    assert filled(request, "o + 1").candidates[0].texts == ("foo + 1",)


def test_candidates_are_distinct_and_in_order() -> None:
    result = filled(request_of("x = ⟦⟧\n", n=3), "foo.bar.total")
    scores = [candidate.score for candidate in result.candidates]
    assert len({candidate.texts for candidate in result.candidates}) == 3
    assert scores == sorted(scores, reverse=True)
    assert result.candidates[0].texts == ("foo.bar.total",)


@pytest.mark.parametrize(
    ("marked", "texts"),
    [
        ("x = ⟦⟧\n", ["foo.bar"]),
        ("x = ⟦⟧", ["foo.bar"]),
        ("x = foo(⟦⟧)\n", ["foo.bar"]),
        ("x = to⟦⟧\n", ["foo.bar"]),
    ],
)
def test_the_encoder_continues_what_was_denoised(marked: str, texts: list[str]) -> None:
    # A decoder that only ever gets the first tokens right.
    request = request_of(marked)
    denoiser = scripted(request, texts)
    only_the_encoder_knows(denoiser, [ids[:2] for ids in denoiser.answers])
    best = only(run(request, denoiser)).candidates[0]
    assert best.texts == tuple(texts)
    assert best.worst_entropy > 0


ELSEWHERE = "self.total = foo(1)\nself.count = 2\nself.total = ⟦⟧\nself.count = 2\n"


@pytest.mark.parametrize(("nats", "text"), [(-0.1, "bar"), (-2.0, "foo(1)")])
def test_what_stands_elsewhere_is_offered_where_the_model_knows_no_better(
    nats: float, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.unit.infill.scripted._RIGHT", nats)
    result = filled(request_of(ELSEWHERE, max_line_nll=2.5), "bar")
    assert result.candidates[0].texts == (text,)


def test_without_a_copy_prior_the_model_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.unit.infill.scripted._RIGHT", -2.0)
    request = request_of(ELSEWHERE, n=9)
    profile = replace(PROFILE, copy_prior=None)
    texts = [own.texts[0] for own in only(run(request, scripted(request, ["bar"]), profile=profile)).candidates]
    assert texts[0] == "bar"
    assert "foo(1)" in texts


def test_a_profile_without_prompt_lookup_copies_nothing() -> None:
    request = request_of(ELSEWHERE, n=9)
    profile = replace(PROFILE, stages=(("denoise",),))
    found = only(run(request, scripted(request, ["bar"]), profile=profile))
    assert "foo(1)" not in [own.texts[0] for own in found.candidates]


def test_what_stands_in_a_snippet_is_copied_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.unit.infill.scripted._RIGHT", -2.0)
    snippet = Snippet(path="b.py", text="self.total = foo(1)\r\nself.count = 2\r\n")
    result = filled(request_of("self.total = ⟦⟧\nself.count = 2\n", snippets=(snippet,)), "bar")
    assert result.candidates[0].texts == ("foo(1)",)


@pytest.mark.parametrize(
    ("marked", "answer", "first"),
    [
        # A word that nobody knows comes after an identifier that begins as typed, and before nothing else.
        ("frobnicate = 1\nx = frob⟦⟧\n", "foo", "nicate"),
        ("frobnicate = 1\nx = frob⟦⟧ + 1\n", "foo", "nicate"),
        ("frobfoo = 1\nx = frob⟦⟧\n", "foo", "foo"),
        ("x = frob⟦⟧\n", "foo", "foo"),
        # What is indented for another place is indented for this one.
        ("def f(x):\n    if x:⟦⟧\n        print(x)\n", "\n    return x", "\n        return x"),
        ("def f(x):\n    y = 1\n    ⟦⟧\n", "   return y", "return y"),
    ],
)
def test_the_first_candidate_belongs_where_it_stands(marked: str, answer: str, first: str) -> None:
    assert filled(request_of(marked, n=3), answer).candidates[0].texts == (first,)


def test_candidates_differ_in_more_than_blanks() -> None:
    texts = [candidate.texts[0] for candidate in filled(request_of("def f():\n    ⟦⟧\n", n=9), "  foo").candidates]
    assert texts
    assert len({text.replace(" ", "") for text in texts}) == len(texts)
    assert not any(text.startswith(" ") or text.endswith(" ") for text in texts)


def test_what_would_not_be_shown_is_not_written() -> None:
    def found(max_line_nll: float | None) -> Filled:
        request = request_of("x = ⟦⟧\n", max_line_nll=max_line_nll)
        denoiser = scripted(request, ["foo.bar"])
        only_the_encoder_knows(denoiser, [ids[:2] for ids in denoiser.answers])
        return only(run(request, denoiser))

    asked, shown, silent = found(None), found(9.0), found(0.05)
    assert asked.candidates[0].texts == shown.candidates[0].texts == ("foo.bar",)
    assert asked.stats.passes == shown.stats.passes > silent.stats.passes
    assert silent.rejection == Rejection(reason="low_confidence")


def test_what_is_likely_but_for_the_known_characters_after_it_is_written() -> None:
    request = request_of("x = foo(⟦⟧)\n", max_line_nll=0.6)
    denoiser = scripted(request, ["foo.bar"])
    only_the_encoder_knows(denoiser, [ids[:2] for ids in denoiser.answers])
    denoiser.unlikely_id = int(denoiser.answers[0][-1])
    [candidate] = only(run(request, denoiser)).candidates
    assert candidate.texts == ("foo.bar",)
    assert -candidate.score > 0.6 >= candidate.worst_line_nll


def test_what_the_encoder_writes_is_drafted() -> None:
    request = request_of("x = to⟦⟧tal\n")
    denoiser = scripted(request, ["_foo_"])
    only_the_encoder_knows(denoiser, [ids[:2] for ids in denoiser.answers])
    written = [item.draft for item in run(request, denoiser) if isinstance(item, Progress) and item.stage == "score"]
    shown = [["".join(text for text, _ in hole) for hole in draft.pieces] for draft in written if draft]
    assert shown[-1] == ["_foo_"]


def test_the_encoder_begins_where_the_rows_hold_nothing() -> None:
    request = request_of("x = ⟦⟧\n")
    denoiser = scripted(request, ["foo"])
    only_the_encoder_knows(denoiser, [tiny_tokens().encode("  ")])
    found = only(run(request, denoiser))
    assert found.candidates[0].texts == ("foo",)


def only_the_encoder_knows(denoiser: ScriptedDenoiser, decoded: list[TokenIds]) -> None:
    """The encoder alone knows the answers; the decoder takes these for them."""
    denoiser.known_to_encoder, denoiser.answers = denoiser.answers, decoded


@pytest.mark.parametrize("marked", ["x = ⟦⟧\n", "x = ⟦⟧\ny = ⟦⟧\n"])
def test_after_the_deadline_no_further_stage_begins(marked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    request = request_of(marked)
    denoiser = scripted(request, ["foo"] * len(request.holes))
    monkeypatch.setattr(Meter, "late", property(lambda _: bool(denoiser.reads)))
    assert only(run(request, denoiser)).candidates
    assert len(denoiser.reads) == 1


def test_the_same_request_and_seed_ask_the_model_the_same() -> None:
    def asked(seed: int) -> tuple[list[tuple[int, ...]], list[list[int]], Filled]:
        request = request_of("x = ⟦⟧\n", seed=seed)
        denoiser = scripted(request, ["foo"])
        result = only(run(request, denoiser))
        return denoiser.seeds, [canvas.token_ids.tolist() for canvas in denoiser.canvases], result

    seeds, canvases, result = asked(1)
    again = asked(1)
    assert (seeds, canvases, result.candidates) == (again[0], again[1], again[2].candidates)
    assert seeds != asked(2)[0]
    assert len(set(seeds[0])) == len(seeds[0])


def test_progress_follows_each_forward() -> None:
    # What replaces a text is denoised to its end.
    request = request_of("x = ⟦to⟧\n")
    *progress, last = run(request, scripted(request, ["foo"], settles_at=3))
    stages = [item.stage for item in progress if isinstance(item, Progress)]
    assert stages == ["prefill", "denoise", "denoise", "denoise", "score"]
    assert isinstance(last, Filled)
    assert last.stats.passes == 5
    assert last.stats.token_positions > last.stats.free_tokens > 0
    assert last.stats.context_tokens > 0
    assert set(last.stats.ms) == {"prefill", "denoise", "rank"}
    assert last.candidates[0].stop_reason == "settled"
    assert last.candidates[0].passes == 5


def test_drafts_show_the_hole_alone() -> None:
    request = request_of("x = to⟦⟧tal\n")
    drafts = [item.draft for item in run(request, scripted(request, ["mato_"])) if isinstance(item, Progress)]
    assert drafts[0] is None
    assert drafts[1] is not None
    (pieces,) = drafts[1].pieces
    assert "".join(text for text, _ in pieces).startswith("ma")
    assert all(0 <= entropy < 1 for _, entropy in pieces)


def test_a_rewrites_rows_may_go_ahead_and_come_out_the_same() -> None:
    request = request_of("x\n⟦total = foo⟧\ny\n", instruction="use bar", n=3)
    together, ahead = (scripted(request, ["total = bar"]) for _ in range(2))
    answers = [only(run(request, together)), only(run(request, ahead, profile=replace(PROFILE, rows_ahead=1)))]
    assert [len(seeds) for seeds in together.seeds] == [len(together.canvases)]
    assert [len(seeds) for seeds in ahead.seeds] == [1, len(together.canvases) - 1]
    assert together.seeds[0] == ahead.seeds[0] + ahead.seeds[1]
    texts = [[candidate.texts for candidate in answer.candidates] for answer in answers]
    assert texts[0] == texts[1] != []


def test_steps_are_limited() -> None:
    request = request_of("x = ⟦⟧\n")
    last = only(run(request, scripted(request, ["foo"], settles_at=1_000)))
    assert last.candidates[0].stop_reason == "step_limit"


def test_a_deadline_ends_the_work_with_the_reading_so_far() -> None:
    request = request_of("x = ⟦⟧\n", deadline_ms=0)
    last = only(run(request, scripted(request, ["foo"], settles_at=1_000)))
    assert last.candidates[0].stop_reason == "deadline"
    assert last.stats.passes == 2  # The prefill and one step; without one there would be nothing to read.


def test_closing_the_pipeline_releases_the_context() -> None:
    request = request_of("x = ⟦⟧\n")
    denoiser = scripted(request, ["foo"])
    steps = Infiller(denoiser, tiny_tokens(), PROFILE).fill(request)
    next(steps)
    assert not denoiser.contexts[0].released
    steps.close()
    assert denoiser.contexts[0].released


@pytest.mark.parametrize(
    ("marked", "mode", "newline_banned"),
    [("x = ⟦⟧)\n", "line", True), ("x = ⟦⟧ \n", "line", False), ("x = ⟦⟧)\n", "block", False)],
)
def test_no_hole_may_hold_control_tokens_nor_one_within_a_line_newlines(
    marked: str, mode: Mode, newline_banned: bool
) -> None:
    tokens = tiny_tokens()
    request = request_of(marked, mode=mode)
    denoiser = scripted(request, ["foo"])
    run(request, denoiser)
    banned = set(denoiser.configs[0].banned_ids)
    assert {tokens.control.eos, tokens.control.pad, tokens.control.turn_end} <= banned
    assert set(range(tokens.size, denoiser.vocabulary_size)) <= banned
    assert (set(tokens.newline_ids) <= banned) is newline_banned


PIECES = st.sampled_from(
    ["foo", " ", "\t", "\n", "\r\n", "\r", "😀", "é", "(", ")", "to", "tal", "\ud800", "<|turn>", "```\n"]
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(PIECES, max_size=12),
    st.lists(PIECES, max_size=3),
    st.lists(PIECES, max_size=12),
    st.lists(PIECES, max_size=3),
    st.sampled_from([None, "shorter"]),
)
def test_anything_can_be_asked_and_only_the_hole_changes(
    before: list[str], present: list[str], after: list[str], answer: list[str], instruction: str | None
) -> None:
    prefix, middle, suffix = "".join(before), "".join(present), "".join(after)
    hole = Span(start=len(prefix), end=len(prefix) + len(middle))
    request = InfillRequest(text=prefix + middle + suffix, holes=(hole,), path="a.py", instruction=instruction)
    written = to_line_feeds("".join(answer)).replace("\ud800", "")
    for candidate in filled(request, written if middle else written or "foo").candidates:
        document = apply(request, candidate.texts)
        assert document.startswith(prefix)
        assert document.endswith(suffix)
        candidate.texts[0].encode()  # A text on offer can be written to a file.


def test_the_window_holds_no_more_than_the_layout_shows() -> None:
    layout = lay_out(request_of("a\n" * 9_000 + "⟦⟧" + "\nb" * 9_000), tiny_tokens(), WindowBudget(context=300))
    assert not isinstance(layout, Rejection)
    assert len(layout.context_ids) <= 300
    assert len("".join(layout.around)) < 1_000


def filled_anyway(marked: str) -> Filled:
    """For requests that never reach the model."""
    return only(run(request_of(marked), ScriptedDenoiser([], tiny_tokens().size)))


def only(items: list[Progress | Filled]) -> Filled:
    last = items[-1]
    assert isinstance(last, Filled)
    return last


def test_a_prompt_is_prefilled_ahead_a_part_at_a_time_and_nothing_else_is_computed() -> None:
    request = replace(request_of("x = 1\n" * 400 + "y = ⟦⟧\n"), prefill_only=True)
    denoiser = scripted(request, ["1"])
    *forwards, result = Infiller(denoiser, tiny_tokens(), PROFILE).fill(request)
    layout = lay_out(request, tiny_tokens(), PROFILE.window)
    assert not isinstance(layout, Rejection)
    assert forwards == [Progress(stage="prefill")] * (len(denoiser.prompts) - 1)
    assert max(np.diff([0, *map(len, denoiser.prompts)])) <= PREFILL_TOKENS < len(layout.context_ids)
    assert all(np.array_equal(prompt, layout.context_ids[: len(prompt)]) for prompt in denoiser.prompts)
    assert len(denoiser.prompts[-1]) == len(layout.context_ids)
    assert (denoiser.canvases, denoiser.reads) == ([], [])
    assert all(context.released for context in denoiser.contexts)
    assert isinstance(result, Filled)
    assert (result.candidates, result.rejection, result.stats.passes) == ((), None, len(denoiser.prompts))


def test_a_long_prompt_is_prefilled_in_parts_between_which_others_have_their_turn() -> None:
    request = request_of("x = 1\n" * 400 + "y = ⟦⟧\n")
    denoiser = scripted(request, ["1"])
    stages = [
        each.stage for each in Infiller(denoiser, tiny_tokens(), PROFILE).fill(request) if isinstance(each, Progress)
    ]
    assert stages.count("prefill") == len(denoiser.prompts) > 1
    assert stages[: len(denoiser.prompts)] == ["prefill"] * len(denoiser.prompts)
