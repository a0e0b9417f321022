"""Getting suggestions: from what was offered before where that still fits, else from the engine.

Writes the one log line of each request, which never holds source text, and tells the status board of silences.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid

from pygls.exceptions import JsonRpcRequestCancelled

from dgemma_lsp.answer import Answer, collect
from dgemma_lsp.cache import Offers
from dgemma_lsp.host.client import EngineError, Superseded
from dgemma_lsp.host.wire import Owner
from dgemma_lsp.inline import KIND, Question
from dgemma_lsp.session import Session
from dgemma_lsp.silence import Silence
from dgemma_lsp.status import StatusBoard
from infill.request import InfillRequest

logger = logging.getLogger(__name__)


class Suggester:
    """Suggestions for one front end."""

    def __init__(self, session: Session, board: StatusBoard) -> None:
        self._session = session
        self._board = board
        self._offers = Offers()
        self._client = str(uuid.uuid4())

    def forget(self, uri: str | None = None) -> None:
        """Forget what was offered in one document, or in all: other settings would have offered something else."""
        self._offers.forget(uri)

    async def suggest(
        self, uri: str, question: Question, request: InfillRequest, *, label: str, started: float
    ) -> tuple[str, ...]:
        """The texts to show, best first. label: of the request, for the log. started: when it was read, on
        `time.perf_counter`'s clock.

        Raises:
            JsonRpcRequestCancelled: a newer request took its place.
        """
        if not question.explicit and (texts := self._offers.recall(uri, question.window)):
            logger.info("inline %s: typed through, front %.1f ms", label, _ms(started, time.perf_counter()))
            return texts
        asked = time.perf_counter()
        owner = Owner(client=self._client, document=uri, kind=KIND)
        try:
            async with asyncio.timeout(None if request.deadline_ms is None else request.deadline_ms / 1_000):
                answer = await collect(self._session.infill(request, priority="inline", owner=owner))
        except Superseded as error:
            raise JsonRpcRequestCancelled("superseded by a newer request") from error
        except TimeoutError:
            logger.info("inline %s: took longer than %d ms", label, request.deadline_ms)
            self._board.show_silence(Silence("took_too_long"))
            return ()
        except EngineError as error:
            logger.warning("inline %s: %s", label, error)
            self._board.show_silence(Silence("engine_failed", str(error)))
            return ()
        answered = time.perf_counter()
        texts = tuple(candidate.texts[0] for candidate in answer.candidates)
        self._offers.remember(uri, question.window, texts)
        self._board.show_silence(_silence(answer, texts))
        front = _ms(started, asked) + _ms(answered, time.perf_counter())
        logger.info("inline %s: %s", label, _costs(answer, len(texts), front))
        return texts


def _silence(answer: Answer, texts: tuple[str, ...]) -> Silence | None:
    return None if texts or answer.rejection is None else Silence(answer.rejection.reason)


def _costs(answer: Answer, shown: int, front: float) -> str:
    done = answer.done
    stages = ", ".join(f"{stage} {ms:.0f} ms" for stage, ms in done.ms.items())
    outcome = done.stop_reason or (str(Silence(answer.rejection.reason)) if answer.rejection else "nothing")
    return (
        f"{shown} of {len(answer.candidates)} shown, {outcome}, context {done.context_tokens} tokens of which "
        f"{done.cached_tokens} cached, {done.free_tokens} free, {done.passes} passes, {stages}, front {front:.1f} ms"
    )


def _ms(start: float, end: float) -> float:
    return 1000 * (end - start)
