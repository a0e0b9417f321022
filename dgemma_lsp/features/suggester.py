"""Suggestions at the cursor for one front end: what was offered before where that still fits, else the engine's.

Writes the one log line of each request, which never holds source text.
"""

from __future__ import annotations

import logging
import time

from dgemma_lsp.client.session import Session
from dgemma_lsp.features.answered import answered, costs, silence_of
from dgemma_lsp.features.inline import KIND, InlineQuestion
from dgemma_lsp.features.typed_through import TypedThrough
from dgemma_lsp.silence import Silence
from infill.request import InfillRequest

logger = logging.getLogger(__name__)


class InlineSuggester:
    """Remembers what is on offer, and asks the engine for more."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.offers = TypedThrough()

    def recall(self, uri: str, question: InlineQuestion, *, label: str, started: float) -> tuple[str, ...]:
        """The texts that were offered before and still fit; none where the engine has to be asked. label: of the
        request, for the log. started: when it was read, on `time.perf_counter`'s clock."""
        texts = self.offers.recall(uri, question)
        if texts:
            logger.info("inline %s: typed through, front %.1f ms", label, _ms(started, time.perf_counter()))
        return texts

    async def suggest(
        self, uri: str, question: InlineQuestion, request: InfillRequest, *, label: str, started: float
    ) -> tuple[str, ...] | Silence:
        """The engine's texts, best first, or why there are none.

        Raises:
            JsonRpcRequestCancelled: a newer request took its place.
        """
        asked = time.perf_counter()
        owner = self._session.owner(uri, KIND)
        events = self._session.infill(request, priority="inline", owner=owner)
        answer = await answered(events, name=f"inline {label}", deadline_ms=request.deadline_ms)
        if isinstance(answer, Silence):
            return answer
        received = time.perf_counter()
        texts = tuple(text for candidate in answer.candidates if question.admits(text := candidate.texts[0]))
        self.offers.remember(uri, question, texts)
        front = _ms(started, asked) + _ms(received, time.perf_counter())
        logger.info("inline %s: %s, front %.1f ms", label, costs(answer, len(texts)), front)
        return texts or silence_of(answer)


def _ms(start: float, end: float) -> float:
    return 1000 * (end - start)
