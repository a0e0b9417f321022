"""An hour of typing in a compressed clock: real front ends and a real host, whose model alone is scripted.

Idle times are settings, so a pause of a second does what one of a quarter of an hour does. An hour's edits and requests
are all there, without the time between them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import psutil

from dgemma_lsp.wire.directories import runtime_directory
from tests.e2e.front_end import FrontEnd, front_end
from tests.e2e.hosts import Desk

MINUTES = 60
WARM_UP = 15
PAUSES = (20, 40)
"""Minutes after which nothing is typed until the model has been dropped."""

LINE = "total = sum(prices) + tax"
SUGGESTION = "zebra.py"
"""What the scripted model suggests: the document's name."""

GROWTH_BYTES = 4_000_000
"""A request's window is 14 kB: to keep each one would take four times as much."""

KEPT_CONNECTIONS = 8
"""Idle connections that are kept for the next request, at most; how many it takes is a matter of chance."""


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """What a process holds that must not grow. descriptors: without the connections."""

    rss: int
    descriptors: int
    connections: int
    threads: int

    @classmethod
    def of(cls, process: psutil.Process) -> Footprint:
        connections = len(process.net_connections(kind="unix"))
        return cls(
            rss=process.memory_info().rss,
            descriptors=process.num_fds() - connections,
            connections=connections,
            threads=process.num_threads(),
        )


async def test_an_hour_of_typing_leaves_nothing_behind(desk: Desk) -> None:
    minutes = {"idleUnloadMinutes": 0.01, "exitMinutes": 0.02}
    start = partial(
        front_end,
        "import prices\n" * 1000,
        "--log-level=info",
        module="tests.e2e.fake_front_end",
        settings={"engine": {"checkpoint": desk.options.checkpoint, **minutes}, "inline": {"deadlineMs": None}},
    )
    async with start() as one, start() as other:
        await asyncio.gather(*(_type(editor, desk, range(WARM_UP)) for editor in (one, other)))
        [host] = map(int, set(desk.script.lines("loads")))
        processes = [psutil.Process(pid) for pid in (one.pid, other.pid, host)]
        before = [Footprint.of(process) for process in processes]
        await asyncio.gather(*(_type(editor, desk, range(WARM_UP, MINUTES)) for editor in (one, other)))
        after = [Footprint.of(process) for process in processes]
    for process, then, now in zip(processes, before, after, strict=True):
        assert now.rss - then.rss < GROWTH_BYTES, process
        assert (now.descriptors, now.threads) == (then.descriptors, then.threads), process
        assert now.connections <= then.connections + KEPT_CONNECTIONS, process
    await desk.script.until(lambda: all(map(_ended, processes)))
    loads = desk.script.lines("loads")
    assert set(loads) == {str(host)}
    assert len(desk.script.lines("freed")) == len(loads) >= 1 + len(PAUSES)
    assert list(runtime_directory().iterdir()) == []


async def _type(editor: FrontEnd, desk: Desk, minutes: Sequence[int]) -> None:
    """Type a line in each minute of the hour and take it back, so that the document does not grow."""
    for minute in minutes:
        if minute in PAUSES:
            earlier = PAUSES.index(minute)
            await desk.script.until(lambda earlier=earlier: len(desk.script.lines("freed")) > earlier)
        line = 4 * minute
        for column, key in enumerate(LINE):
            editor.insert(line, column, key)
            answer = editor.complete(line, column + 1, invoked=False)
            # Fast fingers do not wait for each suggestion; what they leave unread is superseded.
            if column % 5 == 4:
                assert _texts(await answer) == [SUGGESTION]
        end = len(LINE)
        # Typed along a suggestion, accepted, looked at once more on purpose.
        editor.insert(line, end, SUGGESTION[0])
        assert _texts(await editor.complete(line, end + 1, invoked=False)) == [SUGGESTION[1:]]
        editor.insert(line, end + 1, SUGGESTION[1:])
        assert _texts(await editor.complete(line, end + len(SUGGESTION))) == [SUGGESTION]
        editor.insert(line, 0, "", over=end + len(SUGGESTION))
        assert _texts(await editor.complete(line, 0)) == [SUGGESTION]


def _texts(answer: dict[str, Any]) -> list[str]:
    return [item["insertText"] for item in answer["result"]["items"]]


def _ended(process: psutil.Process) -> bool:
    """Whether it is no more; its parent may have yet to take note."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
