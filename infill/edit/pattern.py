"""What a change has set: a pattern, and the places that do not follow it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from infill.edit.names import Names
from infill.request import Span


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
    """What a change has set, and other places are to follow."""

    @property
    def is_local(self) -> bool:
        """Whether it is followed within the text that it was made in only."""
        return False

    def follow_ups(self, text: str, names: Names) -> Iterator[FollowUp]:
        """The places of a text that do not follow it, in order."""
        ...
