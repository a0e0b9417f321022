"""Getting suggestions: from what was offered before where that still fits, else from the engine.

Writes the one log line of each request, which never holds source text.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid

from pygls.exceptions import JsonRpcRequestCancelled

from dgemma_lsp.client.answer import collect
from dgemma_lsp.client.client import EngineError, Superseded
from dgemma_lsp.client.session import Session
from dgemma_lsp.features.inline import KIND, CompletionSite
from dgemma_lsp.features.typed_through import TypedThrough
from dgemma_lsp.silence import Silence
from dgemma_lsp.wire.messages import Answer, Owner
from infill.request import InfillRequest

logger = logging.getLogger(__name__)


class Suggester:
    """Suggestions for one front end."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._client = str(uuid.uuid4())
        self.offers = TypedThrough()

    def recall(self, uri: str, question: CompletionSite, *, label: str, started: float) -> tuple[str, ...]:
        """The texts that were offered before and still fit; none where the engine has to be asked. label: of the
        request, for the log. started: when it was read, on `time.perf_counter`'s clock."""
        texts = self.offers.recall(uri, question)
        if texts:
            logger.info("inline %s: typed through, front %.1f ms", label, _ms(started, time.perf_counter()))
        return texts

    async def suggest(
        self, uri: str, question: CompletionSite, request: InfillRequest, *, label: str, started: float
    ) -> tuple[str, ...] | Silence:
        """The engine's texts, best first, or why there are none.

        Raises:
            JsonRpcRequestCancelled: a newer request took its place.
        """
        asked = time.perf_counter()
        owner = Owner(client=self._client, document=uri, kind=KIND)
        try:
            async with asyncio.timeout(None if request.deadline_ms is None else request.deadline_ms / 1_000):
                answer = await collect(self._session.infill(request, priority="inline", owner=owner))
        except Superseded as error:
            raise JsonRpcRequestCancelled("superseded by a newer request") from error
        except TimeoutError:
            logger.info("inline %s: took longer than %d ms", label, request.deadline_ms)
            return Silence("took_too_long")
        except EngineError as error:
            logger.warning("inline %s: %s", label, error)
            return Silence("engine_failed", str(error))
        answered = time.perf_counter()
        texts = tuple(text for candidate in answer.candidates if question.admits(text := candidate.texts[0]))
        self.offers.remember(uri, question, texts)
        front = _ms(started, asked) + _ms(answered, time.perf_counter())
        logger.info("inline %s: %s", label, _costs(answer, len(texts), front))
        return texts or _silence(answer)


def _silence(answer: Answer) -> Silence:
    return Silence("nothing_to_add" if answer.rejection is None else answer.rejection.reason)


def _costs(answer: Answer, shown: int, front: float) -> str:
    stages = ", ".join(f"{stage} {ms:.0f} ms" for stage, ms in answer.ms.items())
    outcome = answer.stop_reason or (str(Silence(answer.rejection.reason)) if answer.rejection else "nothing")
    return (
        f"{shown} of {len(answer.candidates)} shown, {outcome}, context {answer.context_tokens} tokens of which "
        f"{answer.cached_tokens} cached, {answer.free_tokens} free, {answer.passes} passes, {stages}, "
        f"front {front:.1f} ms"
    )


def _ms(start: float, end: float) -> float:
    return 1000 * (end - start)
