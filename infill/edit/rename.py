"""Renames: a name that is called otherwise, in the scope that it is known in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from infill.edit.change import ENOUGH, FollowUp, Rule, Substitution
from infill.edit.names import Names, Role, Use
from infill.request import Span

_IDENTIFIER = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename(Rule):
    """A name that is called otherwise. made_in: the text where. within: the scope there that it is known in; None for
    everywhere. callee: the function whose parameter it is, so that arguments of that name follow."""

    old: str
    new: str
    role: Role
    made_in: Names
    within: Span | None = None
    callee: str = ""

    @classmethod
    def of(cls, made: Substitution, alike: Sequence[Substitution]) -> Self | None:
        if not (_IDENTIFIER.fullmatch(made.old) and _IDENTIFIER.fullmatch(made.new)):
            return None
        uses = made.names.uses(made.new)
        use = next((use for use in uses if use.span.start == made.start), None)
        if use is None:
            return None
        is_new = use.defines and not _stood_before(use, uses, alike)
        if not is_new and len(alike) < ENOUGH:
            return None
        within = use.scope if use.role == "variable" else None
        if is_new and use.role == "member" and _others_have(made.old, use, made.names):
            if use.owner is None:
                return None  # Nothing tells whose member is meant.
            within = use.owner
        callee = use.callee if is_new else ""
        return cls(old=made.old, new=made.new, role=use.role, made_in=made.names, within=within, callee=callee)

    @property
    def is_local(self) -> bool:
        return self.within is not None and not self.callee

    def follow_ups(self, names: Names) -> Iterator[FollowUp]:
        for use in names.uses(self.old):
            if self._is_argument(use) or (self._is_known(use, names) and use.role == self.role):
                yield FollowUp(span=use.span, text=self.new)

    def _is_argument(self, use: Use) -> bool:
        return use.role == "keyword" and bool(self.callee) and use.callee == self.callee

    def _is_known(self, use: Use, names: Names) -> bool:
        """Whether a name may be this one where it is used: in its scope, unless a function in it has another such."""
        if self.within is not None and (names is not self.made_in or not _holds(self.within, use.span)):
            return False
        if use.role != "variable" or use.scope is None:
            return True
        return self.within is not None and _holds(use.scope, self.within)


def _stood_before(use: Use, uses: Sequence[Use], alike: Sequence[Substitution]) -> bool:
    """Whether the scope had the name before: then another variable was meant here, and none is called otherwise."""
    made = {each.start for each in alike}
    return use.role == "variable" and any(
        other.defines and other.role == "variable" and other.scope == use.scope and other.span.start not in made
        for other in uses
    )


def _others_have(name: str, use: Use, names: Names) -> bool:
    """Whether other classes than that of `use` have a member of a name."""
    members = (other for other in names.uses(name) if other.defines and other.role == "member")
    return any(other.owner not in (None, use.owner) for other in members)


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
