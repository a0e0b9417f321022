"""The newest request per document and kind wins; an older one is cancelled, which frees the model for the newer.

Editors rarely cancel for themselves: Neovim's own inline completion never does, and shows whichever answer comes last.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from pygls.exceptions import JsonRpcRequestCancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    task: asyncio.Task[object]
    about: object
    explicit: bool
    reads: Collection[str]


class NewestRequests:
    """The tasks that are answering, by document and kind."""

    def __init__(self) -> None:
        self._claims: dict[tuple[str, str], _Claim] = {}

    @contextmanager
    def claim(
        self, uri: str, kind: str, *, about: object, explicit: bool, reads: Collection[str] = ()
    ) -> Generator[None]:
        """For a `with` block around the current task's work: cancels the older task of this document and kind. reads:
        URIs of other documents that the answer depends on.

        Raises:
            JsonRpcRequestCancelled: the user has asked for the very same, and nobody for this.
        """
        key, task = (uri, kind), asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can be cancelled for a newer one")
        older = self._claims.get(key)
        if older is not None:
            if older.explicit and not explicit and older.about == about:
                raise JsonRpcRequestCancelled("what the user asked for here is being answered")
            older.task.cancel()
        self._claims[key] = claim = _Claim(task=task, about=about, explicit=explicit, reads=reads)
        try:
            yield
        finally:
            if self._claims.get(key) is claim:
                del self._claims[key]

    def cancel(self, uri: str) -> None:
        """Cancel what is being answered for a document or depends on it: its text has changed, so the answer would be
        stale."""
        for (document, _), claim in self._claims.items():
            if uri == document or uri in claim.reads:
                claim.task.cancel()
