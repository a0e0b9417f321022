"""What follows from recent changes: patterns that they set, and the places in a text that do not follow them yet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from infill.edit.names import Names, Role, Use
from infill.edit.substitution import Substitution, substitutions
from infill.request import Span

# Times that a name is changed by hand in the same way, not where it is defined, before others are to follow.
_ENOUGH = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeChange:
    """A change as it stands in a text. before: what was replaced. span: of what stands there now."""

    before: str
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A text to put into a place that does not follow a change yet."""

    span: Span
    text: str


class Pattern(Protocol):
    """What a change has set, and other places are to follow. is_local: within the text that it was made in."""

    @property
    def is_local(self) -> bool: ...

    def follow_ups(self, text: str, names: Names) -> Iterator[FollowUp]:
        """The places of a text that do not follow it, in order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    """A name that is called otherwise. within: the scope that it is known in; None for everywhere. callee: the function
    whose parameter it is, so that arguments of that name follow."""

    old: str
    new: str
    roles: frozenset[Role]
    within: Span | None = None
    callee: str = ""

    @property
    def is_local(self) -> bool:
        return self.within is not None and not self.callee

    def follow_ups(self, text: str, names: Names) -> Iterator[FollowUp]:
        uses = names.uses(self.old)
        for use in uses:
            if self._is_meant(use, uses):
                yield FollowUp(span=use.span, text=self.new)

    def _is_meant(self, use: Use, uses: Sequence[Use]) -> bool:
        if use.role == "keyword" and self.callee:
            return use.callee == self.callee
        if use.role not in self.roles or (self.within is not None and not _holds(self.within, use.span)):
            return False
        if use.role != "variable":
            return True
        # A function within the scope may have something else of the same name.
        inner = [
            own for own in use.functions if self.within is None or (own != self.within and _holds(self.within, own))
        ]
        return not any(
            own.defines and own.role == "variable" and own.functions[:1] == (each,) for each in inner for own in uses
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StringReplacement:
    """A string that is another one now, wherever it stands and whatever its quotes. old, new: what is between them."""

    old: str
    new: str

    @property
    def is_local(self) -> bool:
        return False

    def follow_ups(self, text: str, names: Names) -> Iterator[FollowUp]:
        for match in re.finditer(rf"([\"'`]){re.escape(self.old)}\1", text):
            span = Span(start=match.start() + 1, end=match.end() - 1)
            if names.string_at(Span(start=match.start(), end=match.end())):
                yield FollowUp(span=span, text=self.new)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedArgument:
    """An argument that calls of a function end with now."""

    callee: str
    argument: str

    @property
    def is_local(self) -> bool:
        return False

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


def patterns(text: str, changes: Sequence[MadeChange], names: Names) -> list[Pattern]:
    """What changes to a text have set, the newest first."""
    made = [(change, own) for change in changes for own in substitutions(change.before, _after(text, change))]
    times = Counter((own.old, own.new) for _, own in made)
    found: dict[Pattern, None] = {}
    for change, own in reversed(made):
        pattern = _pattern(own, change, names, repeated=times[own.old, own.new] >= _ENOUGH)
        if pattern is not None:
            found.setdefault(pattern)
    return list(found)


def _pattern(own: Substitution, change: MadeChange, names: Names, *, repeated: bool) -> Pattern | None:
    if own.replaces_string:
        return StringReplacement(old=own.old[1:-1], new=own.new[1:-1])
    if not own.old.strip():
        return _added_argument(own, change.span.start + own.start, names)
    if not own.renames:
        return None
    start = change.span.start + own.start
    use = next((use for use in names.uses(own.new) if use.span.start == start), None)
    if use is None:
        return None
    if use.defines:
        return _rename(own, use, names)
    return Rename(old=own.old, new=own.new, roles=frozenset({use.role})) if repeated else None


def _added_argument(own: Substitution, start: int, names: Names) -> AddedArgument | None:
    """The argument that was put at the end of a call, if that was done."""
    call = names.call_around(start)
    argument = own.new.strip().strip(",").strip()
    if call is None or not call.callee or not argument or start + len(own.new) != call.arguments.end:
        return None
    return AddedArgument(callee=call.callee, argument=argument)


def _rename(own: Substitution, use: Use, names: Names) -> Rename:
    """The rename of what is defined in a place."""
    if use.role == "variable" and use.functions:
        return Rename(
            old=own.old, new=own.new, roles=frozenset({"variable"}), within=use.functions[0], callee=use.callee
        )
    if use.role == "variable":
        return Rename(old=own.old, new=own.new, roles=frozenset({"variable"}))
    roles: frozenset[Role] = frozenset({"member"})
    others = (other for other in names.uses(own.old) if other.defines and other.role == "member")
    shared = any(other.owner != use.owner for other in others)
    return Rename(old=own.old, new=own.new, roles=roles, within=use.owner if shared else None, callee=use.callee)


def _after(text: str, change: MadeChange) -> str:
    return text[change.span.start : change.span.end]


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
