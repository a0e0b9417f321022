"""Which tokens stand where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import infill.text
from engine.canvas import DenoiseConfig
from engine.nano import DIRECTORY
from infill.profile import derived_profile
from infill.prompt.layout import Layout, lay_out, resolve_mode
from infill.prompt.window import WindowBudget
from infill.request import InfillRequest, Rejection, Span
from infill.text.tokens import TextTokens
from tests.unit.infill.scripted import Mode, request_of
from tests.unit.infill.tiny import tiny_tokens

TOKENS = tiny_tokens()
LINES = "".join(f"    foo{i} = total({i})\n" if i % 10 else f"def f{i}():\n" for i in range(400))


def laid_out(request: InfillRequest, **budget: int) -> Layout:
    layout = lay_out(request, TOKENS, WindowBudget(**budget))
    assert isinstance(layout, Layout), layout
    return layout


def prompt_parts(layout: Layout) -> tuple[str, str]:
    """The code blocks of the prompt, that after the gap and that before it."""
    prompt = TOKENS.decode(layout.context_ids)
    user = prompt.split("Write the code")[0]
    blocks: dict[str, str] = {}
    for heading in ("Code after the gap", "Code before the gap"):
        if heading in user:
            blocks[heading] = user.split(heading)[1].split("```python\n")[1].split("```\n")[0]
    return blocks.get("Code after the gap", ""), blocks.get("Code before the gap", "")


@pytest.mark.parametrize("position", [0, 5, 3_000, 3_011, len(LINES) - 1, len(LINES)])
def test_every_token_of_the_window_stands_once(position: int) -> None:
    layout = laid_out(InfillRequest(text=LINES, holes=(Span(start=position, end=position),), path="a.py"))
    after, before = prompt_parts(layout)
    tail, head = (TOKENS.decode(ids) for ids in layout.clamped)
    edges = layout.edges[0]
    assert before + tail + edges.head == layout.around[0]
    shown_after = edges.tail + head.removesuffix("```<turn|>") + after
    assert shown_after.rstrip("\n") == layout.around[1].rstrip("\n")
    assert LINES[:position].endswith(layout.around[0])
    assert LINES[position:].startswith(layout.around[1])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, len(LINES)), st.integers(0, 40), st.integers(200, 600))
def test_the_truth_in_the_canvas_reads_as_the_truth(start: int, size: int, context: int) -> None:
    end = min(start + size, len(LINES))
    layout = laid_out(InfillRequest(text=LINES, holes=(Span(start=start, end=end),), path="a.py"), context=context)
    canvas = layout.filled(layout.present) if len(layout.present[0]) else layout.noisy([1])
    assert len(layout.context_ids) <= context
    assert len(canvas) <= 256
    if len(layout.present[0]):
        spelled = TOKENS.decode(canvas.token_ids[layout.spans([len(layout.present[0])])[0]])
        assert layout.edges[0].unwrap(spelled) == LINES[start:end]
        assert np.array_equal(canvas.clamped, ~canvas.keep_start)


def test_typing_in_a_line_leaves_the_prompt_alone() -> None:
    typed = "    name = foo(bar, total) + foo()"
    prompts = {
        tuple(laid_out(request_of(f"{LINES}{typed[:size]}⟦⟧\n{LINES}"), context=400).context_ids.tolist())
        for size in range(len(typed) + 1)
    }
    assert len(prompts) == 1


def test_typing_lines_keeps_most_of_the_prompt() -> None:
    def prompt(lines: int) -> list[int]:
        request = request_of(LINES + "    foo = bar\n" * lines + "    ⟦⟧\n" + LINES)
        return laid_out(request, context=400).context_ids.tolist()

    shared: list[float] = []
    for lines in range(20):
        one, next_one = prompt(lines), prompt(lines + 1)
        same = next((i for i, pair in enumerate(zip(one, next_one, strict=False)) if pair[0] != pair[1]), len(one))
        shared.append(same / len(next_one))
    # What stays new is the line above, and the turn's end, which this tokenizer spells letter by letter.
    assert np.median(shared) > 0.75


@pytest.mark.parametrize(
    ("marked", "head", "tail"),
    [
        ("foo.na⟦⟧", "na", ""),
        ("x = ⟦⟧\n", " ", ""),
        ("  ⟦⟧\n", "  ", ""),
        ("x⟦⟧  y\n", "", "  "),
        ("foo(⟦⟧)", "(", ")"),
        ("foo[⟦⟧]", "", ""),
        ("foo[⟦⟧tal]", "", "t"),
        ("é⟦⟧", "", ""),
        ("\n⟦⟧\n", "", ""),
        ("to⟦⟧tal", "to", "t"),
    ],
)
def test_what_is_taken_back_at_the_edges(marked: str, head: str, tail: str) -> None:
    layout = laid_out(request_of(marked))
    assert (layout.edges[0].head, layout.edges[0].tail) == (head, tail)
    canvas = layout.noisy([3])
    span = layout.spans([3])[0]
    if head:
        assert canvas.allowed[span.start] == TOKENS.starting_with(head)
    if tail:
        assert canvas.allowed[span.stop - 1] == TOKENS.ending_with(tail)
    if not head and not tail:
        assert canvas.allowed == ()


def test_one_token_can_meet_both_edges() -> None:
    layout = laid_out(request_of("x = to⟦⟧tal\n"))
    assert layout.noisy([1]).allowed[layout.spans([1])[0].start] == TOKENS.spanning("to", "t")


def test_the_end_of_the_file_ends_the_canvas() -> None:
    ends = [TOKENS.decode(laid_out(request_of(text)).clamped[-1]) for text in ("x = ⟦⟧", "x = ⟦⟧\n", f"⟦⟧{LINES}")]
    assert ends[:2] == ["\n```<turn|>", "\n```<turn|>"]
    assert "```" not in ends[2]


def test_long_lines_are_cut() -> None:
    line = "a=1;" * 20_000
    layout = laid_out(request_of(f"{line}⟦⟧{line}"), context=300)
    assert len(layout.context_ids) <= 300
    assert all(len(ids) <= 64 for ids in layout.clamped)


def test_typing_in_a_long_line_seldom_changes_the_prompt() -> None:
    typed = "a=1;" * 16
    prompts = {
        tuple(laid_out(request_of(f"{'b=2;' * 40}{typed[:size]}⟦⟧\n{LINES}"), context=400).context_ids.tolist())
        for size in range(len(typed) + 1)
    }
    assert len(prompts) <= 3


def test_only_the_window_is_tokenized(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    passage = type(TOKENS).passage

    def counted(self: object, text: str) -> object:
        sizes.append(len(text))
        return passage(TOKENS, text)

    monkeypatch.setattr(type(TOKENS), "passage", counted)
    laid_out(request_of("x = 1\n" * 100_000 + "⟦⟧" + "x = 1\n" * 100_000), context=300)
    assert sum(sizes) < 300 * 20


def test_several_holes_share_a_canvas() -> None:
    layout = laid_out(request_of("x⟦⟧ = 1\nprint(⟦⟧, x⟦⟧)\n"))
    assert [TOKENS.decode(ids) for ids in layout.clamped[1:3]] == [" = 1\nprint", ", x"]
    assert [edge.head for edge in layout.edges] == ["", "(", ""]
    canvas = layout.noisy([2, 3, 4])
    assert canvas.free_count == 9
    assert layout.around == ("x", " = 1\nprint(", ", x", ")\n")


def test_a_request_that_fits_no_canvas_is_rejected() -> None:
    far = lay_out(request_of("⟦⟧" + LINES[:1_500] + "⟦⟧"), TOKENS, WindowBudget())
    assert far == Rejection(reason="too_far")
    long = lay_out(request_of("⟦" + LINES[:1_500] + "⟧"), TOKENS, WindowBudget())
    assert long == Rejection(reason="too_long", limit=256)


def test_a_checkpoint_without_a_profile_is_shown_nearly_all_that_the_front_end_sends() -> None:
    tokens = TextTokens.load(DIRECTORY)
    sources = ("tokens.py", "words.py", "holes.py", "lines.py", "languages.toml")
    text = "".join((Path(str(infill.text.__file__)).parent / name).read_text() for name in sources) * 2
    text = text[: 16_000 + 8_000]
    start = text.index("\n", 16_000)
    request = InfillRequest(text=text, holes=(Span(start=start, end=start),), path="a.py")
    layout = lay_out(request, tokens, derived_profile(DenoiseConfig()).window)
    assert isinstance(layout, Layout)
    assert sum(map(len, layout.around)) >= 20_000
    assert len(layout.context_ids) <= 8_192


@pytest.mark.parametrize(
    ("marked", "mode", "resolved"),
    [
        ("x = ⟦⟧ + 1\n", "auto", "within"),
        ("⟦⟧x = 1\n", "auto", "within"),
        ("x = ⟦⟧\n", "auto", "line"),
        ("x = ⟦⟧\r\ny\r\n", "auto", "line"),
        ("    ⟦⟧\n", "auto", "block"),
        ("⟦⟧", "auto", "block"),
        ("def f():⟦⟧\n", "auto", "block"),
        ("f() {⟦⟧", "auto", "block"),
        ("f() {⟦⟧}", "auto", "within"),
        ("x = ⟦1⟧\n", "auto", "line"),
        ("x = ⟦⟧ + 1\ny = ⟦⟧\n", "line", "line"),
        ("⟦⟧ = 1\nprint(⟦⟧)\n", "line", "within"),
        ("⟦x = 1\ny = 2⟧\n", "auto", "block"),
        ("x = ⟦⟧ + 1\n\n⟦⟧\n", "auto", "block"),
        ("    ⟦⟧\n", "line", "line"),
        ("x = ⟦⟧ + 1\n", "block", "block"),
    ],
)
def test_mode(marked: str, mode: Mode, resolved: str) -> None:
    assert resolve_mode(request_of(marked, mode=mode)) == resolved


def test_an_instruction_asks_for_a_block() -> None:
    assert resolve_mode(request_of("x = ⟦1⟧\n", instruction="double it")) == "block"
