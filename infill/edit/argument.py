"""Arguments that were added to a call, and are missing from others of the same function."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from infill.edit.names import Names
from infill.edit.pattern import FollowUp, Pattern
from infill.edit.substitution import Substitution
from infill.request import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedArgument(Pattern):
    """An argument that calls of a function end with now."""

    callee: str
    argument: str

    def follow_ups(self, text: str, names: Names) -> Iterator[FollowUp]:
        for call in names.calls(self.callee):
            present = text[call.arguments.start : call.arguments.end].rstrip()
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


def added_argument(own: Substitution, start: int, names: Names) -> AddedArgument | None:
    """The argument that was put at the end of a call, if that was done."""
    call = names.call_around(start)
    argument = own.new.strip().strip(",").strip()
    if call is None or not call.callee or not argument or start + len(own.new) != call.arguments.end:
        return None
    return AddedArgument(callee=call.callee, argument=argument)
