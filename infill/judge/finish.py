"""From raw to finished: the part of a proposal's texts that belongs in the holes, with the blanks that belong there, or
the reason to drop it. The text around the holes is never touched. Lines end in "\\n" here.

A hole longer than what belongs in it is filled up with an echo, a copy of what follows. The copy is cut off, unless it
only looks like one: brackets and quotes that close what the filled text itself opened stay.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate

from engine.canvas import TokenIds
from infill.prompt.chat import Fence
from infill.prompt.layout import HoleMode, Layout
from infill.request import Rejection
from infill.syntax.brackets import CLOSER_OF, LINE_QUOTES, OPENER_OF, unmatched
from infill.syntax.parser import misindented
from infill.syntax.statements import cut_to_scope
from infill.task import Proposal, Task
from infill.text.holes import sides
from infill.text.lines import OPENERS, common_length, goes_on, in_style, margin_of, moved, near_margins

# Sources whose texts are known to end where they do, whatever lines they run over.
_WHOLE = ("prompt_lookup", "joined")
# Lines before and after a text that say which blocks it breaks: few, since it is parsed with them for each indentation.
_ABOVE, _BELOW = 24, 8
_MOST_MARGINS = 6
# Characters of an echo that is telling; a shorter one is chance, unless it is punctuation only.
_TELLING = 3
# Characters on either side of the hole among which brackets and quotes are matched.
_REACH = 2_000


def finished(proposal: Proposal, task: Task) -> Proposal | Rejection:
    """A proposal with its texts cut at the end of their line or scope, without what repeats the text after the hole;
    rejected where nothing is left of one."""
    if proposal.source == "replayed_edit":
        return proposal  # All of it is known.
    texts = list(proposal.texts)
    mode = None if proposal.source in _WHOLE and task.mode == "within" else task.mode
    for hole, raw in enumerate(proposal.texts):
        before, after = sides(task.layout.around, texts, hole)
        text = finished_text(raw, before, after, task.layout.middles[hole], mode, task.layout.fence)
        if isinstance(text, Rejection):
            return text
        texts[hole] = text
    holes = zip(proposal.token_ids, texts, strict=True)
    ids = tuple(_ids_of(own, text, hole, task.layout) for hole, (own, text) in enumerate(holes))
    entropies = tuple(own[: len(kept)] for own, kept in zip(proposal.token_entropy, ids, strict=False))
    return replace(proposal, texts=tuple(texts), token_ids=ids, token_entropy=entropies)


def is_finished(proposal: Proposal, task: Task) -> bool:
    """Whether nothing of a proposal's texts is to be cut off."""
    own = finished(proposal, task)
    return isinstance(own, Proposal) and own.texts == proposal.texts


def _ids_of(token_ids: TokenIds, text: str, hole: int, layout: Layout) -> TokenIds:
    """The tokens of a finished text: the first few of those that it was written in, or other ones where a cut falls
    inside a token or the known characters at the hole's edges are missing."""
    wanted = layout.edges[hole].wrap(text)
    pieces = layout.tokens.decode_pieces(token_ids.tolist())
    count = bisect_left([*accumulate(map(len, pieces))], len(wanted)) + 1
    return token_ids[:count] if "".join(pieces[:count]) == wanted else layout.encode_middle(hole, text)


@lru_cache(maxsize=64)
def finished_text(
    raw: str, before: str, after: str, present: str, mode: HoleMode | None, fence: Fence
) -> str | Rejection:
    """A decoded text cut at the end of its line or scope, without what repeats the text after the hole; rejected where
    nothing is left. before, after: the text around the hole; present: what stands there now. mode: how far the text
    goes; None where that is known to be all of it, as of a copy."""
    text = _before_line(raw, fence.marks)
    if mode in ("within", "line"):
        text = text.partition("\n")[0]
    written = text.strip()
    text = trimmed(text, before, after, fence.language, present=present)
    if mode == "block" and not present:
        text = cut_to_scope(text, before, after, fence.language)
    text = drop_echo(text, before, after)
    if not goes_on(after):
        text = text.rstrip()
    if not text.strip() and not present.strip():
        return Rejection(reason="repeats_suffix" if written else "empty")
    return text


def _before_line(text: str, line: str) -> str:
    """The text up to the first line that is nothing but `line`."""
    lines = text.split("\n")
    stop = next((i for i, other in enumerate(lines) if other.strip() == line), len(lines))
    return "\n".join(lines[:stop])


def trimmed(text: str, before: str, after: str, language: str, *, present: str = "") -> str:
    """The text with the blanks that belong between two others: none at the ends of lines, none more before a line that
    is indented already, those of the file before others, and in Python those that the blocks around it ask for.
    present: what it replaces."""
    *lines, last = text.split("\n")
    text = "\n".join([*map(str.rstrip, lines), last])
    if not goes_on(after):
        text = text.rstrip()
    bare = _without_first_blanks(text, before)
    if bare != text and _breaks(bare, before, after, language) <= _breaks(text, before, after, language):
        text = bare
    return _indented(in_style(text, before + present + after), before, after, language)


def _without_first_blanks(text: str, before: str) -> str:
    """The text without blanks before it on a line that is indented already, unless that opens a block."""
    above, _, left = before.rpartition("\n")
    blanks = margin_of(text)
    if not left or left.strip() or not blanks:
        return text
    line = above.rstrip().rpartition("\n")[2]
    if line.endswith(OPENERS) and len(margin_of(line)) >= len(left):
        return text
    return moved(text, left + blanks, left).removeprefix(blanks)


def _indented(text: str, before: str, after: str, language: str) -> str:
    """The text with its lines, but not what stands on one that is begun, moved to where they break fewer blocks."""
    left = before.rpartition("\n")[2]
    own, end, rest = text.partition("\n") if left else ("", "", text)
    first = next((line for line in rest.split("\n") if line.strip()), None)
    fewest = 0 if first is None else _breaks(text, before, after, language)
    if first is None or not fewest:
        return text
    for margin in near_margins(before, after)[:_MOST_MARGINS]:
        tried = own + end + moved("\n" + rest, margin_of(first), margin)[1:]
        errors = _breaks(tried, before, after, language)
        if errors < fewest:
            text, fewest = tried, errors
    return text


def _breaks(text: str, before: str, after: str, language: str) -> int:
    """How many of the blocks near a text are indented wrongly with it between two others."""
    return misindented("\n".join(before.split("\n")[-_ABOVE:]) + text + "\n".join(after.split("\n")[:_BELOW]), language)


def drop_echo(text: str, before: str, after: str) -> str:
    """The text without what repeats `after`: by whole lines first, then by characters. before: the text on the other
    side, which tells which brackets are spare."""
    return _drop_repeated_end(_drop_repeated_lines(text, before, after), before, after)


def _drop_repeated_lines(text: str, before: str, after: str) -> str:
    """Cut before the first line from which on the text runs through the lines after the hole: as far as it goes, or
    for two lines whatever it goes on with."""
    own_line = not before.rpartition("\n")[2].strip()
    rest, _, below = after.partition("\n")
    joined = bool(own_line and rest.strip())  # The text's last line would run into the next one.
    following = _lines(after if joined else below)
    lines = text.split("\n")
    for i in range(0 if own_line else 1, len(lines)):
        if lines[i].strip() and _runs_through(_lines("\n".join(lines[i:])), following):
            return "\n".join(lines[:i]) + ("\n" if joined and i else "")
    return text


def _runs_through(mine: list[str], following: list[str]) -> bool:
    """Whether the lines are those that follow: all of them (the last perhaps cut short), or at least two."""
    same = common_length(mine, following)
    last_cut_short = same == len(mine) - 1 and any(line.startswith(mine[-1]) for line in following[same : same + 1])
    telling = any(len(line) >= _TELLING and any(map(_is_word, line)) for line in following[:same])
    return telling and (same >= 2 or same == len(mine) or last_cut_short)


def _drop_repeated_end(text: str, before: str, after: str) -> str:
    """Cut the longest end of the text with which `after` begins."""
    size = _overlap(text, after)
    if not size and not text.endswith("\n"):  # Blanks may fill up a line after the copy.
        size = _overlap(text.rstrip(), after)
        text = text.rstrip() if size else text
    shorter, echo = text[: len(text) - size], after[:size]
    if not echo or echo.isspace():
        return shorter
    if _is_word(shorter[-1:]) and _is_word(echo[0]):
        return text
    telling = len(echo.strip()) >= _TELLING or not any(map(_is_word, echo))
    if not any(c in LINE_QUOTES or c in OPENER_OF or c in CLOSER_OF for c in echo):
        return shorter if telling else text
    spare = _imbalance(before, text, after) - _imbalance(before, shorter, after)
    return shorter if spare > 0 or (telling and spare == 0) else text


def _overlap(text: str, after: str) -> int:
    """Length of the longest end of the text with which `after` begins."""
    return next((n for n in range(min(len(text), len(after)), 0, -1) if text.endswith(after[:n])), 0)


def _imbalance(before: str, text: str, after: str) -> int:
    """Brackets and quotes without a partner in and near a text."""
    return unmatched(before[-_REACH:] + text + after[:_REACH])


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
