"""What follows from recent changes: the patterns that they set, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infill.edit.argument import added_argument
from infill.edit.names import Names, Use
from infill.edit.pattern import MadeChange, Pattern
from infill.edit.rename import rename_of, used_otherwise
from infill.edit.repeated import Occurrence, repeated_edit
from infill.edit.string import StringReplacement
from infill.edit.substitution import substitutions

ENOUGH = 2
"""Times that something is changed alike before other places are to follow, where one change does not define a name."""


@dataclass(frozen=True, slots=True)
class ChangedText:
    """A text, and the changes that were made in it, the newest last. cursor: a code point of it, or None."""

    text: str
    names: Names
    changes: Sequence[MadeChange]
    cursor: int | None = None


def patterns(texts: Sequence[ChangedText]) -> list[tuple[Pattern, ChangedText]]:
    """What changes to these texts have set, and where; of each text the newest first."""
    made = [occurrence for source in texts for occurrence in _occurrences(source)]
    found: dict[tuple[Pattern, int], ChangedText] = {}
    for number, source in enumerate(texts):
        for each in reversed(_occurrences(source)):
            alike = [other for other in made if (other.made.old, other.made.new) == (each.made.old, each.made.new)]
            pattern = None if _is_being_deleted(each, source.cursor) else _pattern(each, alike, source.names)
            if pattern is not None:
                found.setdefault((pattern, number), source)
    return [(pattern, source) for (pattern, _), source in found.items()]


def _occurrences(source: ChangedText) -> list[Occurrence]:
    return [
        Occurrence(own, change.span.start + own.start, source.text)
        for change in source.changes
        for own in substitutions(change.before, source.text[change.span.start : change.span.end])
    ]


def _is_being_deleted(each: Occurrence, cursor: int | None) -> bool:
    """Whether the cursor stands behind what is left of a word: another one is about to be typed."""
    return each.made.old.startswith(each.made.new) and each.start + len(each.made.new) == cursor


def _pattern(each: Occurrence, alike: Sequence[Occurrence], names: Names) -> Pattern | None:
    own = each.made
    if own.replaces_string and own.is_interpolated:
        return None
    if own.replaces_string:
        return StringReplacement(old=own.old[1:-1], new=own.new[1:-1])
    if not own.old.strip() and (argument := added_argument(own, each.start, names)):
        return argument
    renamed = names.uses(own.new) if own.renames else ()
    use = next((use for use in renamed if use.span.start == each.start), None)
    if use is None:
        return repeated_edit(alike) if len(alike) >= ENOUGH else None
    if use.defines and not _stood_before(use, renamed, alike):
        return rename_of(own.old, own.new, use, names)
    return used_otherwise(own.old, own.new, use, names) if len(alike) >= ENOUGH else None


def _stood_before(use: Use, uses: Sequence[Use], alike: Sequence[Occurrence]) -> bool:
    """Whether the scope had the name before: then another variable was meant here, and none is called otherwise."""
    made = {each.start for each in alike}
    others = [other for other in uses if other.defines and other.role == use.role == "variable"]
    return any(other.functions[:1] == use.functions[:1] and other.span.start not in made for other in others)
