"""Arguments that were added to a call, and are missing from others of the same function."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from infill.edit.change import FollowUp, Rule, Substitution
from infill.edit.names import Names
from infill.request import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedArgument(Rule):
    """An argument that calls of a function end with now."""

    callee: str
    argument: str

    @classmethod
    def of(cls, made: Substitution, alike: Sequence[Substitution]) -> Self | None:
        argument = made.new.strip().strip(",").strip()
        if made.old.strip() or not argument:
            return None
        call = made.names.call_around(made.start)
        if call is None or not call.callee or made.start + len(made.new) != call.arguments.end:
            return None
        return cls(callee=call.callee, argument=argument)

    def follow_ups(self, names: Names) -> Iterator[FollowUp]:
        for call in names.calls(self.callee):
            present = names.text[call.arguments.start : call.arguments.end].rstrip()
            if self._is_missing(present):
                end = call.arguments.start + len(present)
                separator = " " if present.endswith(",") else ", " if present.strip() else ""
                yield FollowUp(span=Span(start=end, end=end), text=separator + self.argument)

    def _is_missing(self, present: str) -> bool:
        """Whether a call does not pass it yet; a generator that stands alone takes no other beside it."""
        keyword = re.match(r"\w+\s*=(?!=)", self.argument)
        if keyword and re.search(rf"(?<!\w){re.escape(keyword[0].rstrip('= '))}\s*=(?!=)", present):
            return False
        last = present.rstrip(", ")
        return not last.endswith(self.argument) and not re.search(r"\sfor\s.*\sin\s", present)
