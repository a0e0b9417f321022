"""The newest request per document and kind wins; an older one is cancelled, which frees the model for the newer.

Editors rarely cancel for themselves: Neovim's own inline completion never does, and shows whichever answer comes last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager


class NewestRequests:
    """The tasks that are answering, by document and kind."""

    def __init__(self) -> None:
        self._tasks: dict[tuple[str, str], asyncio.Task[object]] = {}

    @contextmanager
    def claim(self, uri: str, kind: str) -> Generator[None]:
        """For a `with` block around the current task's work: cancels the older task of this document and kind."""
        key, task = (uri, kind), asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be cancelled for a newer one")
        if key in self._tasks:
            self._tasks[key].cancel()
        self._tasks[key] = task
        try:
            yield
        finally:
            if self._tasks.get(key) is task:
                del self._tasks[key]

    def cancel(self, uri: str) -> None:
        """Cancel what is being answered for a document: its text has changed, so the answer would be stale."""
        for (document, _), task in self._tasks.items():
            if document == uri:
                task.cancel()
