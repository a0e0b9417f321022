"""The engine's answer to a feature's request, or why there is none, and its line in the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable

from pygls.exceptions import JsonRpcRequestCancelled

from dgemma_lsp.client.client import collect
from dgemma_lsp.silence import Silence
from dgemma_lsp.wire.errors import Superseded
from dgemma_lsp.wire.messages import Answer, Event
from engine.errors import EngineError
from infill.request import Draft

logger = logging.getLogger(__name__)


async def answered(
    events: AsyncGenerator[Event],
    *,
    name: str,
    deadline_ms: int | None = None,
    show: Callable[[Draft], None] | None = None,
) -> Answer | Silence:
    """Read the engine's answer. name: of the request, for the log. show: takes the drafts.

    Raises:
        JsonRpcRequestCancelled: a newer request took its place.
    """
    try:
        async with asyncio.timeout(None if deadline_ms is None else deadline_ms / 1_000):
            return await collect(events, show)
    except Superseded as error:
        raise JsonRpcRequestCancelled("superseded by a newer request") from error
    except TimeoutError:
        logger.info("%s: took longer than %d ms", name, deadline_ms)
        return Silence("took_too_long")
    except EngineError as error:
        logger.warning("%s: %s", name, error)
        return Silence("engine_failed", str(error))


def silence_of(answer: Answer) -> Silence:
    """Why nothing of an answer is shown."""
    return Silence("nothing_to_add") if answer.rejection is None else Silence.of(answer.rejection)


def costs(answer: Answer, shown: int) -> str:
    """What an answer cost, and how much of it is shown; holds no source text."""
    stages = ", ".join(f"{stage} {ms:.0f} ms" for stage, ms in answer.ms.items())
    outcome = answer.stop_reason or (str(Silence.of(answer.rejection)) if answer.rejection else "nothing")
    return (
        f"{shown} of {len(answer.candidates)} shown, {outcome}, context {answer.context_tokens} tokens of which "
        f"{answer.cached_tokens} cached, {answer.free_tokens} free, {answer.passes} passes, {stages}"
    )
