"""Request to layout: which tokens of the file stand in the prompt, which are clamped in the canvas, and where the holes
lie between them.

Every token of the document's window stands exactly once, in the prompt or in the canvas; where something is rewritten,
the prompt shows what the canvas replaces too. The work is bound by the window, not by the document. The prompt does not
depend on the line of the hole, unless that is rewritten, so that typing in it prefills nothing anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np

from engine.canvas import Canvas, Flags, Floats, TokenIds
from engine.token_set import TokenSet
from infill.prompt.chat import Fence, compose, fence_around, turn_ending
from infill.prompt.window import WindowBudget, head_end, tail_start
from infill.request import Draft, InfillRequest, Rejection, Span
from infill.text.holes import Edges, heal, interleaved
from infill.text.languages import language_of
from infill.text.lines import OPENERS, goes_on, to_line_feeds
from infill.text.tokens import TextTokens

HoleMode: TypeAlias = Literal["within", "line", "block"]
"""How far the text in a hole goes. within: a text in a line that goes on after it. line: to the end of a line. block:
whole lines."""

# How a line ends that goes on below it.
_BLOCK_OPENERS = (*OPENERS, "->", "=>", " do", " then")
# Code points on either side of a hole that tell its mode; a line longer than this has text on it, and that is all one
# asks.
_REACH = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A request as the model sees it.

    context_ids: [N] int32, the prompt to prefill.
    clamped: the known tokens around the holes, in order: one run more than there are holes, each perhaps empty.
    edges: per hole, the known characters that its free tokens begin and end with.
    present: per hole, the tokens of what stands in it now, edges included. Training frames lay a request out over the
        true middle: `context_ids` and `filled(present)` are then its context and its canvas.
    room: free positions there are for all holes together.
    around: the window's texts around the holes, in order, one more than there are holes; what was typed already
        (`must_start_with`) ends the first. middles: what stands in the holes. Lines end in "\\n".
    fence: of the code block that the canvas continues.
    """

    context_ids: TokenIds
    clamped: tuple[TokenIds, ...]
    edges: tuple[Edges, ...]
    present: tuple[TokenIds, ...]
    room: int
    around: tuple[str, ...]
    middles: tuple[str, ...]
    fence: Fence
    tokens: TextTokens = field(repr=False)

    def spans(self, lengths: Sequence[int]) -> tuple[slice, ...]:
        """Where the holes' free positions lie in a canvas with holes of these lengths."""
        spans: list[slice] = []
        position = 0
        for run, length in zip(self.clamped, lengths, strict=False):  # The last run stands after the last hole.
            position += len(run)
            spans.append(slice(position, position + length))
            position += length
        return tuple(spans)

    def noisy(self, lengths: Sequence[int]) -> Canvas:
        """A canvas whose holes have these lengths, each at least 1, and start from noise."""
        kept = [np.zeros(length, np.bool_) for length in lengths]
        return self.filled([np.zeros(length, np.int32) for length in lengths], kept=kept)

    def filled(self, middles: Sequence[TokenIds], *, kept: Sequence[Flags] | None = None) -> Canvas:
        """A canvas whose holes hold these tokens, at least one each. kept: per hole, which of them denoising starts
        from, and not from noise; from them all where not given."""
        spans = self.spans([len(middle) for middle in middles])
        first, *others = self.clamped
        token_ids = np.concatenate([first, *(ids for pair in zip(middles, others, strict=True) for ids in pair)])
        clamped = np.ones(len(token_ids), np.bool_)
        keep_start = np.zeros(len(token_ids), np.bool_)
        allowed: list[TokenSet | None] = [None] * len(token_ids)
        for i, (span, edges) in enumerate(zip(spans, self.edges, strict=True)):
            clamped[span] = False
            keep_start[span] = True if kept is None else kept[i]
            allowed[span] = edges.allowed(self.tokens, span.stop - span.start)
        constrained = any(ids is not None for ids in allowed)
        return Canvas(
            token_ids=token_ids, clamped=clamped, allowed=tuple(allowed) if constrained else (), keep_start=keep_start
        )

    def draft(self, holes: Sequence[tuple[TokenIds, Floats]]) -> Draft:
        """An unfinished candidate. holes: their tokens as they stand, edges included, each with the entropy of its
        distribution in nats."""
        drafts: list[tuple[tuple[str, float], ...]] = []
        for (ids, entropy), edges in zip(holes, self.edges, strict=True):
            texts = list(self.tokens.decode_pieces(ids.tolist()))
            texts[:1] = [text.removeprefix(edges.head) for text in texts[:1]]
            texts[-1:] = [text.removesuffix(edges.tail) for text in texts[-1:]]
            drafts.append(tuple(zip(texts, entropy.tolist(), strict=True)))
        return Draft(pieces=tuple(drafts))

    def id_after(self, hole: int) -> int:
        """The token after a hole; where there is none, a line's end."""
        run = self.clamped[hole + 1]
        return int(run[0] if len(run) else self.tokens.encode("\n")[0])

    def encode_middles(self, texts: Sequence[str]) -> tuple[TokenIds, ...]:
        """Texts for the holes as free tokens, edges included; their lines end in "\\n"."""
        return tuple(self.encode_middle(hole, text) for hole, text in zip(range(len(self.edges)), texts, strict=True))

    def encode_middle(self, hole: int, text: str) -> TokenIds:
        """A text for one of the holes as free tokens, its edges included."""
        return self.tokens.encode(self.edges[hole].wrap(text))


def lay_out(request: InfillRequest, tokens: TextTokens, budget: WindowBudget) -> Layout | Rejection:
    """Lay a request out within a budget.

    Rejected where the holes' surroundings do not fit one canvas (`too_far`), what stands in the holes does not
    (`too_long`), or the frame and instruction alone exceed the context (`no_room`).
    """
    first, last = request.holes[0].start, request.holes[-1].end
    if last - first > budget.canvas_reach:
        single = len(request.holes) == 1
        return Rejection(reason="too_long", limit=budget.canvas) if single else Rejection(reason="too_far")
    typed = to_line_feeds(request.must_start_with or "")
    before_text = to_line_feeds(request.text[max(first - budget.reach, 0) : first]) + typed
    reach_after = budget.reach_after(first)
    after_text = to_line_feeds(request.text[last : last + reach_after])
    ends_in_sight = last + reach_after >= len(request.text)
    middles = [to_line_feeds(middle) for middle in request.middles]

    around = [before_text, *map(to_line_feeds, request.segments), after_text]
    (before, *segments, after), edges = heal([tokens.passage(text) for text in around], tokens)
    present = tuple(tokens.encode(edge.wrap(middle)) for edge, middle in zip(edges, middles, strict=True))
    start, end = tail_start(before, budget), head_end(after, budget)

    language = language_of(request.path, request.language_id)
    shown = [snippet.text for snippet in request.snippets]
    shown += [text for change in request.changes for text in (change.before, change.after)]
    fence = fence_around([*around, *middles, *shown], language)
    canvas_head = after.cut(0, end).ids
    if end == len(after) and ends_in_sight:
        # Where the file ends in the canvas the model's turn may end too: that says as much about the hole's length as
        # any text.
        at_line_start = after_text.endswith("\n")
        canvas_head = np.concatenate([canvas_head, turn_ending(tokens, fence=fence, at_line_start=at_line_start)])
    clamped = (before.cut(start, len(before)).ids, *(segment.ids for segment in segments), canvas_head)
    room = budget.canvas - sum(map(len, clamped))
    if room < budget.least_free * len(request.holes):
        return Rejection(reason="too_far")
    standing = [len(ids) if middle else budget.least_free for ids, middle in zip(present, middles, strict=True)]
    if sum(standing) > room:
        return Rejection(reason="too_long", limit=room)

    far_before, far_after = before.cut(0, start), after.cut(end, len(after))
    near_before = before_text[len(far_before.text) :]
    near_after = after_text[: len(after_text) - len(far_after.text)]
    gap = interleaved([near_before, *around[1:-1], near_after], middles)
    prompt = compose(request, tokens, before=far_before, after=far_after, gap=gap, fence=fence, budget=budget)
    if prompt is None:
        return Rejection(reason="no_room")
    return Layout(
        context_ids=prompt.ids,
        clamped=clamped,
        edges=edges,
        present=present,
        room=room,
        around=(
            prompt.before.text + near_before,
            *around[1:-1],
            near_after + prompt.after.text,
        ),
        middles=tuple(middles),
        fence=fence,
        tokens=tokens,
    )


def resolve_mode(request: InfillRequest) -> HoleMode:
    """How far a request's holes go: where it asks for "auto" that is decided from the text around them, "block" where
    any of them wants it."""
    wanted = request.instruction is not None or any(_wants_block(request.text, hole) for hole in request.holes)
    if request.mode == "block" or (request.mode == "auto" and wanted):
        return "block"
    return "within" if all(goes_on(_after(request.text, hole)) for hole in request.holes) else "line"


def _wants_block(text: str, hole: Span) -> bool:
    """A replaced text stays of its kind. Something is inserted into a line that goes on after the hole, or is under
    way before it; a blank line, or one that opens a block, is followed by whole lines."""
    if hole.start < hole.end:
        return "\n" in to_line_feeds(text[hole.start : hole.end])
    left = to_line_feeds(text[max(hole.start - _REACH, 0) : hole.start]).rpartition("\n")[2].strip()
    return not goes_on(_after(text, hole)) and (not left or left.endswith(_BLOCK_OPENERS))


def _after(text: str, hole: Span) -> str:
    return to_line_feeds(text[hole.end : hole.end + _REACH])
