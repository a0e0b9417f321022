"""Waiting for what a real editor will do in its own time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LIMIT_S = 60.0
"""Several times what the slowest step here takes on a slow machine, which is loading the model: a limit that is reached
is a failure, and one that is much longer only makes the failure expensive."""


def wait_for(look: Callable[[], T | None], what: str, shown: Callable[[], str], limit_s: float = LIMIT_S) -> T:
    """Looks until there is something to see, and returns it.

    what: in words, for the failure's message, which ends with what `shown` returns.

    Raises:
        AssertionError: It was not seen in time.
    """
    end = time.monotonic() + limit_s
    while not (seen := look()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit_s:.0f} s in vain for {what}; to be seen was:\n{shown()}")
        time.sleep(0.03)
    return seen
