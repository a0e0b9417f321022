"""Strings that are other ones now."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from infill.edit.names import Names
from infill.edit.pattern import FollowUp, Pattern
from infill.request import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class StringReplacement(Pattern):
    """A string that is another one now, wherever it stands and whatever its quotes. old, new: what is between them."""

    old: str
    new: str

    def follow_ups(self, text: str, names: Names) -> Iterator[FollowUp]:
        for match in re.finditer(rf"([\"'`]){re.escape(self.old)}\1", text):
            span = Span(start=match.start() + 1, end=match.end() - 1)
            if names.string_at(Span(start=match.start(), end=match.end())):
                yield FollowUp(span=span, text=self.new)
