"""A text with its tokens, cut only between tokens and preferably between lines; and line endings.

The model sees "\\n" at every line's end. Knows no tokenizer: `TextTokens.passage` makes these.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.canvas import TokenIds

_LINE_ENDING = re.compile("\r\n|\r|\n")
# Far enough to meet a line's end in any text written by hand, and no more work than that in a minified one.
_LINE_ENDING_REACH = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """text: what the tokens spell. ids: [N] int32. starts: [N] int32, the code point at which each token begins; the
    tokens of a character that fell back to bytes share one."""

    text: str
    ids: TokenIds
    starts: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)

    def cut(self, start: int, stop: int) -> Passage:
        """The tokens [start, stop), neither of which may be `inside` a character."""
        first, last = self.offset(start), self.offset(stop)
        return Passage(text=self.text[first:last], ids=self.ids[start:stop], starts=self.starts[start:stop] - first)

    def offset(self, token: int) -> int:
        """The code point at which a token begins, or the text's end for the index past the last."""
        return int(self.starts[token]) if token < len(self) else len(self.text)

    def inside(self, token: int) -> bool:
        """Whether a token goes on with the character of the one before it."""
        return 0 < token < len(self) and self.starts[token] == self.starts[token - 1]

    def at_or_after(self, token: int) -> int:
        """The first index from `token` on at which the passage can be cut."""
        token = min(max(token, 0), len(self))
        while self.inside(token):
            token += 1
        return token

    def at_or_before(self, token: int) -> int:
        """The last index up to `token` at which the passage can be cut."""
        token = min(max(token, 0), len(self))
        while self.inside(token):
            token -= 1
        return token

    def line_starts(self) -> list[int]:
        """Indices of the tokens with which a line begins, the first token's too."""
        text, starts = self.text, self.starts.tolist()
        return [i for i, at in enumerate(starts) if i == 0 or (text[at - 1] == "\n" and at != starts[i - 1])]


def to_line_feeds(text: str) -> str:
    """The text with every line ending written as the model sees it."""
    return _LINE_ENDING.sub("\n", text)


def lines_of(text: str) -> list[str]:
    """The text's lines with their ends; the last has none, and may be empty."""
    starts = [0, *(ending.end() for ending in _LINE_ENDING.finditer(text))]
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]


def line_ending_at(text: str, position: int) -> str:
    """The line ending of the line on which `position` (code points) stands; on a last line, the commonest near it."""
    # One step back, so that a position between "\r" and "\n" sees both.
    after = _LINE_ENDING.search(text, max(position - 1, 0), position + _LINE_ENDING_REACH)
    if after and after.end() > position:
        return after[0]
    before = _LINE_ENDING.findall(text, max(position - _LINE_ENDING_REACH, 0), position)
    return max(set(before), key=before.count, default="\n")


def sides(around: Sequence[str], texts: Sequence[str], hole: int) -> tuple[str, str]:
    """The texts before and after one of several holes, with these texts in the others."""
    before = interleaved(around[: hole + 1], texts[:hole])
    return before, interleaved(around[hole + 1 :], texts[hole + 1 :])


def interleaved(around: Sequence[str], texts: Sequence[str]) -> str:
    """Texts in their places between those around them, which are one more."""
    return "".join(part for pair in zip(around, [*texts, ""], strict=True) for part in pair)
