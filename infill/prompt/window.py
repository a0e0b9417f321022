"""How much of the file is shown, and where it is cut: the far ends of the prompt and the near ends of the canvas.

Cuts fall between lines where lines are of a sane length, and stay where they are while somebody types near the hole, so
that the prefilled prompt remains valid. Knows tokens only as countable pieces of a text.
"""

from __future__ import annotations

from dataclasses import dataclass

from infill.text.tokens import Passage

# Code points tokenized for each token of a budget: code has about three or four to a token.
_CODE_POINTS_PER_TOKEN = 5
# The suffix takes what the prefix leaves in steps of this many tokens, so that typing seldom moves its end.
_SUFFIX_STEP = 128
# A line too long for the canvas is cut at a multiple of this many tokens from its beginning.
_LINE_STEP = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowBudget:
    """Tokens that a request may take.

    context: the prompt, frame and all. change_share: of it, for recent changes at most. snippet_share: of the rest, for
        snippets at most. suffix_share: of what is left, for the code after the gap at least; it gets more where there
        is little code before the gap.
    canvas: positions of one row; the model is trained on 256 at most.
    tail_least: clamped tokens before the line of the hole, in whole lines. head_least: clamped tokens after the hole,
        to the end of a line. tail_most, head_most: their limits where lines are long, the hole's own line included.
    least_free: free positions for which each hole needs room.
    """

    context: int = 1_024
    change_share: float = 0.5
    snippet_share: float = 0.25
    suffix_share: float = 0.25
    canvas: int = 256
    tail_least: int = 12
    tail_most: int = 64
    head_least: int = 16
    head_most: int = 48
    least_free: int = 4

    @property
    def reach(self) -> int:
        """Code points of one text that are looked at, at most."""
        return self.context * _CODE_POINTS_PER_TOKEN

    def reach_after(self, before: int) -> int:
        """Code points after the holes that are looked at, where there are `before` code points before them: no more
        than can be shown, since tokenizing is most of the work."""
        if before < self.reach:
            return self.reach
        return int(self.context * self.suffix_share + self.head_most) * _CODE_POINTS_PER_TOKEN

    @property
    def least_room(self) -> int:
        """Free positions that a single hole has, wherever it lies, but for a few that no line of sane length takes."""
        return self.canvas - self.tail_most - self.head_most

    @property
    def canvas_reach(self) -> int:
        """Code points from the first hole's start to the last one's end beyond which no canvas can hold them."""
        return self.canvas * _CODE_POINTS_PER_TOKEN


def tail_start(before: Passage, budget: WindowBudget) -> int:
    """Where the canvas begins in the text before the holes, a token index: at the start of a line, at least
    `tail_least` tokens before the line of the hole. It does not move while that line grows, unless the line is long."""
    starts = before.line_starts()
    line = len(before) if before.text.endswith("\n") or not starts else starts[-1]
    if len(before) - line > budget.tail_most:
        overlong = len(before) - line - budget.tail_most
        return before.at_or_before(line + -(-overlong // _LINE_STEP) * _LINE_STEP)
    nearest = line - budget.tail_least
    start = max((i for i in starts if i <= nearest), default=0)
    return start if len(before) - start <= budget.tail_most else before.at_or_before(max(nearest, 0))


def head_end(after: Passage, budget: WindowBudget) -> int:
    """Where the canvas ends in the text after the holes, a token index: the first end of a line past `head_least`
    tokens."""
    if len(after) <= budget.head_least:
        return len(after)
    near = after.cut(0, after.at_or_before(budget.head_most + 1))
    ends = [i for i in near.line_starts() if budget.head_least <= i <= budget.head_most]
    if ends:
        return ends[0]
    return len(after) if len(after) <= budget.head_most else after.at_or_before(budget.head_most)


def trim_far_ends(before: Passage, after: Passage, *, limit: int, budget: WindowBudget) -> tuple[Passage, Passage]:
    """Cut the prompt's two passages at the ends far from the hole, to `limit` tokens together."""
    spare = (limit - len(before)) // _SUFFIX_STEP * _SUFFIX_STEP
    after = trim_end(after, max(int(limit * budget.suffix_share), spare))
    return _trim_start(before, limit - len(after)), after


def trim_end(passage: Passage, limit: int) -> Passage:
    """The first tokens of a passage, `limit` at most, to the end of a line unless that costs more than half."""
    if len(passage) <= limit:
        return passage
    lines = [i for i in passage.line_starts() if limit // 2 < i <= limit]
    return passage.cut(0, lines[-1] if lines else passage.at_or_before(limit))


def _trim_start(passage: Passage, limit: int) -> Passage:
    """The last tokens of a passage, `limit` at most. Of the lines in the far quarter it begins at the first that stands
    at the margin, a definition perhaps: that line stays the first for long while the text before the hole grows."""
    if len(passage) <= limit:
        return passage
    start = passage.at_or_after(len(passage) - limit)
    lines = [i for i in passage.line_starts() if start <= i <= start + limit // 4]
    at_margin = [i for i in lines if not passage.text[passage.offset(i)].isspace()]
    return passage.cut((at_margin or lines or [start])[0], len(passage))
