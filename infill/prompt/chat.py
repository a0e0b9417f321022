"""The context of a canvas: one conversation frame for every checkpoint, as token ids.

The user turn shows the file in two code blocks and names the gap between them; the canvas continues a code block that
the model's turn has just opened. So the gap is what the canvas covers: the holes with the clamped text around them.
Where something is to be rewritten, a third block shows all of the gap as it stands now, just before the words that say
what to do with it. What changes least while somebody types stands first, so that most of it stays prefilled. Nothing
that comes from a file can take part in the conversation: control tokens are put in by id, text is encoded as text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.canvas import TokenIds
from infill.prompt.window import WindowBudget, trim_end, trim_far_ends
from infill.request import InfillRequest, Snippet
from infill.text.lines import to_line_feeds
from infill.text.tokens import Passage, TextTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """How code blocks are fenced: the backticks and the language's name."""

    marks: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A composed context. ids: [N] int32. before, after: what it shows of the two passages around the gap."""

    ids: TokenIds
    before: Passage
    after: Passage


def fence_around(texts: Sequence[str], language: str) -> Fence:
    """A fence that none of the texts can close: longer than any run of backticks in them."""
    longest = max((len(run) for text in texts for run in re.findall("`{3,}", text)), default=2)
    # A language id comes from the editor; only a plain word may stand on the fence's line.
    return Fence(marks="`" * (longest + 1), language=language if re.fullmatch(r"[\w+#.-]*", language) else "")


def compose(
    request: InfillRequest,
    tokens: TextTokens,
    *,
    before: Passage,
    after: Passage,
    gap: str = "",
    fence: Fence,
    budget: WindowBudget,
) -> Prompt | None:
    """The context of a request, of `budget.context` tokens at most: bos, the user turn, and the opening of the model's
    turn up to where the canvas begins. before, after: the file's text outside the canvas, cut to fit at its far ends.
    gap: the text between them, where the canvas is; a rewrite shows it. None where the parts that cannot be cut are too
    long."""
    path = f" in {_quoted(request.path)}" if request.path else ""
    opening, ending = _turns(tokens, _slot_line(request), fence)
    now = _block(tokens, "Code in the gap now:", tokens.passage(gap if request.rewrites else ""), fence)
    headings = f"Code after the gap{path}:", f"Code before the gap{path}:"
    left = budget.context - len(opening) - len(ending) - len(now)
    left -= sum(_block_cost(tokens, heading, fence) for heading in headings)
    if left < 0:
        return None

    changes = _changes(request, tokens, fence, limit=int(left * budget.change_share))
    if request.follows and not changes:
        return None
    left -= sum(map(len, changes))
    snippets = _snippets(request.snippets, tokens, fence, limit=int(left * budget.snippet_share), budget=budget)
    before, after = trim_far_ends(before, after, limit=left - sum(map(len, snippets)), budget=budget)
    shown_after, shown_before = _block(tokens, headings[0], after, fence), _block(tokens, headings[1], before, fence)
    ids = np.concatenate([opening, *snippets, shown_after, shown_before, *changes, now, ending])
    return Prompt(ids=ids, before=before, after=after)


def _snippets(
    snippets: Sequence[Snippet], tokens: TextTokens, fence: Fence, *, limit: int, budget: WindowBudget
) -> list[TokenIds]:
    """Blocks of the first snippets, the last of them perhaps cut, `limit` tokens at most."""
    blocks: list[TokenIds] = []
    for snippet in snippets:
        heading = _quoted(snippet.path)
        passage = tokens.passage(to_line_feeds(snippet.text[: budget.reach]))
        passage = trim_end(passage, max(limit - _block_cost(tokens, heading, fence), 0))
        blocks.append(_block(tokens, heading, passage, fence))
        limit -= len(blocks[-1])
    return blocks


def _changes(request: InfillRequest, tokens: TextTokens, fence: Fence, *, limit: int) -> list[TokenIds]:
    """Blocks of the newest changes, in order, as many as `limit` tokens hold whole: half a change would mislead. Of
    one with as many lines before as after, such as edits accepted in a row make, the last lines will do."""
    blocks: list[TokenIds] = []
    for change in reversed(request.changes):
        place = "" if change.path == request.path else f" in {_quoted(change.path)}"
        heading = f"Recent change{place}:"
        removed, added = _lines(change.before), _lines(change.after)
        block = _diff(tokens, heading, removed, added, fence)
        while len(block) > limit and len(removed) == len(added) > 1:
            half = len(added) // 2
            removed, added = removed[half:], added[half:]
            block = _diff(tokens, heading, removed, added, fence)
        if len(block) > limit:
            break
        blocks.append(block)
        limit -= len(block)
    return blocks[::-1]


def _diff(tokens: TextTokens, heading: str, removed: Sequence[str], added: Sequence[str], fence: Fence) -> TokenIds:
    """A block of lines that were removed and others that were added."""
    text = "".join([*(f"-{line}\n" for line in removed), *(f"+{line}\n" for line in added)])
    return _block(tokens, heading, tokens.passage(text), replace(fence, language="diff"))


def turn_ending(tokens: TextTokens, *, fence: Fence, at_line_start: bool) -> TokenIds:
    """What follows the last of the code in the model's turn, [N] int32: the fence's end and the turn's."""
    return np.concatenate([tokens.encode(_closing_line(fence, at_line_start)), _id(tokens.control.turn_end)])


def _turns(tokens: TextTokens, slot: str, fence: Fence) -> tuple[TokenIds, TokenIds]:
    """What stands before the user turn's code blocks, and all that follows them."""
    control, encode = tokens.control, tokens.encode
    opening = [_id(control.bos), _id(control.turn_start), encode("user\n")]
    user_ends = [encode(slot), _id(control.turn_end), encode("\n")]
    model_begins = [_id(control.turn_start), encode("model\n"), encode(f"{fence.marks}{fence.language}\n")]
    return np.concatenate(opening), np.concatenate([*user_ends, *model_begins])


def _slot_line(request: InfillRequest) -> str:
    task = "Rewrite the code in the gap" if request.rewrites else "Write the code that belongs in the gap"
    if request.instruction_words:
        return f"{task}: {request.instruction_words}"
    return f"{task} to follow the recent change." if request.follows else f"{task}."


def _block(tokens: TextTokens, heading: str, passage: Passage, fence: Fence) -> TokenIds:
    """A heading and its code block; nothing for an empty passage."""
    if not passage:
        return passage.ids
    ending = _closing_line(fence, passage.text.endswith("\n"))
    return np.concatenate([tokens.encode(_opening_lines(heading, fence)), passage.ids, tokens.encode(f"{ending}\n")])


def _block_cost(tokens: TextTokens, heading: str, fence: Fence) -> int:
    """Tokens that a block takes beside its passage, at most."""
    return len(tokens.encode(_opening_lines(heading, fence))) + len(tokens.encode(f"\n{fence.marks}\n"))


def _opening_lines(heading: str, fence: Fence) -> str:
    return f"{heading}\n{fence.marks}{fence.language}\n"


def _closing_line(fence: Fence, at_line_start: bool) -> str:
    return fence.marks if at_line_start else f"\n{fence.marks}"


def _lines(text: str) -> list[str]:
    """A text's lines without their ends; none for an empty text."""
    return to_line_feeds(text).removesuffix("\n").split("\n") if text else []


def _quoted(path: str) -> str:
    return "`" + re.sub(r"[`\s]", " ", path) + "`"


def _id(token_id: int) -> TokenIds:
    return np.array([token_id], np.int32)
