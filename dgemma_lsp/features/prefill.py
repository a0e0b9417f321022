"""Prefilling ahead: the engine reads the code around a cursor that rests before anything is asked there.

What stands around the cursor is most of a prompt, and reading it most of what the first suggestion at a new place waits
for. Whatever else is asked comes first; nothing is offered, shown or remembered.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from dgemma_lsp.client.client import collect
from dgemma_lsp.client.session import Session
from dgemma_lsp.wire.errors import Superseded
from dgemma_lsp.wire.status import Status
from engine.errors import EngineError
from infill.request import InfillRequest

KIND = "prefill"

logger = logging.getLogger(__name__)


def can_prefill(status: Status) -> bool:
    """Whether the engine has a model or is about to: none is loaded or started for a cursor that only moves."""
    return status.loading or status.state in ("ready", "busy")


async def prefill(session: Session, request: InfillRequest) -> None:
    """Have the prompt of a request prefilled; a newer cursor, in whatever document, takes its place."""
    # One cursor a front end, so the document does not tell them apart.
    owner = session.owner("", KIND)
    try:
        answer = await collect(
            session.infill(replace(request, prefill_only=True, deadline_ms=None), priority="speculation", owner=owner)
        )
    except Superseded:
        return
    except EngineError as error:
        # Nobody asked for it; who asks for something is told.
        logger.debug("prefill: %s", error)
        return
    logger.info(
        "prefill: context %d tokens of which %d cached, queue %.0f ms, prefill %.0f ms",
        answer.context_tokens,
        answer.cached_tokens,
        answer.ms.get("queue", 0.0),
        answer.ms.get("prefill", 0.0),
    )
