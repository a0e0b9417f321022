"""Renames: a name that is called otherwise, in the scope that it is known in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infill.edit.names import Names, Role, Use
from infill.edit.pattern import FollowUp, Pattern
from infill.request import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename(Pattern):
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


def rename_of(old: str, new: str, use: Use, names: Names) -> Rename | None:
    """The rename of what is defined in a place; None where there is another of the same name, and no telling which."""
    if use.role == "variable" and use.functions:
        return Rename(old=old, new=new, roles=frozenset({"variable"}), within=use.functions[0], callee=use.callee)
    if use.role == "variable":
        return Rename(old=old, new=new, roles=frozenset({"variable"}))
    roles: frozenset[Role] = frozenset({"member"})
    others = (other for other in names.uses(old) if other.defines and other.role == "member")
    shared = any(other.owner not in (None, use.owner) for other in others)
    if shared and use.owner is None:
        return None  # Nothing tells whose member is meant.
    return Rename(old=old, new=new, roles=roles, within=use.owner if shared else None, callee=use.callee)


def used_otherwise(old: str, new: str, use: Use, names: Names) -> Rename:
    """The rename of what is used in a place, in the function that defines it; everywhere where none does."""
    defined = {other.functions[0] for other in names.uses(new) if other.defines and other.functions}
    within = next((function for function in use.functions if function in defined), None)
    return Rename(old=old, new=new, roles=frozenset({use.role}), within=within if use.role == "variable" else None)


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
