"""What the scheduler knows of a loaded model."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol, TypeAlias

from infill.request import Filled, InfillRequest, Progress

Forwards: TypeAlias = Generator[Progress | Filled, None, None]
"""One model forward a `next()`; closing it cancels."""


class Model(Protocol):
    """A loaded model with its pipeline; used by one thread only. device: what it lies on, for the user to read. notice:
    what the user should know of how it was loaded; empty where all is well."""

    @property
    def device(self) -> str: ...

    @property
    def notice(self) -> str: ...

    def fill(self, request: InfillRequest) -> Forwards:
        """Begin a request."""
        ...

    def close(self) -> None:
        """Free the weights."""
        ...
