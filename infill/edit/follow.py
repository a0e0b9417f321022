"""What follows from recent changes: the rules that they set, and lines like the changed ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from difflib import SequenceMatcher

from infill.edit.argument import AddedArgument
from infill.edit.change import MOST_TOKENS, Rule, Substitution, tokens
from infill.edit.rename import Rename
from infill.edit.replacement import RepeatedEdit, StringReplacement

RULES: tuple[type[Rule], ...] = (StringReplacement, AddedArgument, Rename, RepeatedEdit)
"""The kinds of rules; the first that takes a substitution has it."""
_ALIKE = 0.6
"""Of the tokens of two lines, those that they have in common where one may have to follow the other."""


def rules(
    here: Sequence[Substitution], elsewhere: Sequence[Substitution] = (), *, cursor: int | None = None
) -> list[Rule]:
    """What a text is to follow, the newest first. here: what was replaced in it, the newest last. elsewhere: the same
    of other texts. cursor: a code point of the text."""
    alike = defaultdict[tuple[str, str], list[Substitution]](list)
    for made in (*here, *elsewhere):
        alike[made.old, made.new].append(made)

    def rule(made: Substitution) -> Rule | None:
        taken = (kind.of(made, alike[made.old, made.new]) for kind in RULES)
        return next((own for own in taken if own is not None), None)

    found = [rule(made) for made in reversed(here) if not _is_being_deleted(made, cursor)]
    found += [own for own in map(rule, reversed(elsewhere)) if own is not None and not own.is_local]
    return list(dict.fromkeys(own for own in found if own is not None))


def are_alike(line: str, other: str) -> bool:
    """Whether a line is so much like another one that it may have to follow a change of it."""
    pieces = [tokens(each.strip(), most=MOST_TOKENS) for each in (line, other)]
    if not all(pieces) or sum(map(len, pieces)) > MOST_TOKENS:
        return False
    return SequenceMatcher(None, *pieces, autojunk=False).ratio() >= _ALIKE


def _is_being_deleted(made: Substitution, cursor: int | None) -> bool:
    """Whether the cursor stands behind what is left of a word: another one is about to be typed."""
    return made.old.startswith(made.new) and made.start + len(made.new) == cursor
