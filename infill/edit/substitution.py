"""Substitutions: the tokens that a change replaced, and what they became."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from infill.text.lines import common_length

# A string on one line, a word or number, blanks, or any other character.
_TOKEN = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\\n]|\\.)*`|\w+|\s+|.", re.DOTALL)
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_STRING = re.compile(r"([\"'`]).*\1", re.DOTALL)
_ACCESSES = (".", "::", "->", "?.")
# Tokens on either side beyond which a change is new code, from which nothing follows elsewhere.
_MOST_TOKENS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitution:
    """Tokens in place of others. start: of `new` in the text after the change, in code points."""

    old: str
    new: str
    start: int

    @property
    def renames(self) -> bool:
        """Whether one identifier became another."""
        return bool(_IDENTIFIER.fullmatch(self.old) and _IDENTIFIER.fullmatch(self.new))

    @property
    def replaces_string(self) -> bool:
        """Whether one string became another."""
        return bool(_STRING.fullmatch(self.old) and _STRING.fullmatch(self.new))

    @property
    def is_interpolated(self) -> bool:
        """Whether they differ between braces: a name that a string holds is known in a scope, as others are."""
        kept = self.old[: common_length(self.old, self.new)]
        return kept.count("{") > kept.count("}")


def substitutions(before: str, after: str) -> list[Substitution]:
    """The substitutions that turn one text into the other, in order; none where one is empty or they are too long for
    something to follow."""
    old, new = tokens(before), tokens(after)
    if not old or not new or len(old) + len(new) > _MOST_TOKENS:
        return []
    offsets = _offsets(new)
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    found: list[tuple[int, int, int, int]] = []
    for tag, i, j, k, m in codes:
        if tag == "equal":
            continue
        if found and "".join(old[found[-1][1] : i]) in _ACCESSES:
            i, _, k, _ = found.pop()  # A name and its member that are both other ones are one substitution.
        found.append((i, j, k, m))
    return [Substitution(old="".join(old[i:j]), new="".join(new[k:m]), start=offsets[k]) for i, j, k, m in found]


def tokens(text: str) -> list[str]:
    """A text as strings, words, blanks and single characters, which together are the text."""
    return _TOKEN.findall(text)


def _offsets(pieces: Sequence[str]) -> list[int]:
    """Where each piece begins, and where the last one ends."""
    offsets = [0]
    for piece in pieces:
        offsets.append(offsets[-1] + len(piece))
    return offsets
