"""The process that has started this one, which has nobody to serve once that has died, whatever its input says."""

from __future__ import annotations

import asyncio
import os
import sys

INTERVAL_S = 3.0


async def ended(process: int) -> None:
    """Return once there is no such process."""
    while _lives(process):  # noqa: ASYNC110 - nobody tells of the end of a process that is not a child
        await asyncio.sleep(INTERVAL_S)


def _lives(process: int) -> bool:
    # Windows has no such question (`os.kill` would end the process); there the input ends with who has written it. Ids
    # below 1 mean groups of processes.
    if sys.platform == "win32" or process < 1:
        return True
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
