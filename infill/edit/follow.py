"""What follows from recent changes: the patterns that they set, the newest first."""

from __future__ import annotations

from collections.abc import Sequence

from infill.edit.argument import added_argument
from infill.edit.names import Names
from infill.edit.pattern import MadeChange, Pattern
from infill.edit.rename import Rename, rename_of
from infill.edit.repeated import Occurrence, repeated_edit
from infill.edit.string import StringReplacement
from infill.edit.substitution import substitutions

ENOUGH = 2
"""Times that something is changed alike before other places are to follow, where one change does not define a name."""


def patterns(text: str, changes: Sequence[MadeChange], names: Names) -> list[Pattern]:
    """What changes to a text have set, the newest first."""
    made = [
        Occurrence(own, change.span.start + own.start)
        for change in changes
        for own in substitutions(change.before, text[change.span.start : change.span.end])
    ]
    found: dict[Pattern, None] = {}
    for each in reversed(made):
        alike = [other for other in made if (other.made.old, other.made.new) == (each.made.old, each.made.new)]
        pattern = _pattern(each, alike, text, names)
        if pattern is not None:
            found.setdefault(pattern)
    return list(found)


def _pattern(each: Occurrence, alike: Sequence[Occurrence], text: str, names: Names) -> Pattern | None:
    own = each.made
    if own.replaces_string:
        return StringReplacement(old=own.old[1:-1], new=own.new[1:-1])
    if not own.old.strip() and (argument := added_argument(own, each.start, names)):
        return argument
    if not own.renames:
        return repeated_edit(alike, text) if len(alike) >= ENOUGH else None
    use = next((use for use in names.uses(own.new) if use.span.start == each.start), None)
    if use is None:
        return None
    if use.defines:
        return rename_of(own.old, own.new, use, names)
    return Rename(old=own.old, new=own.new, roles=frozenset({use.role})) if len(alike) >= ENOUGH else None
