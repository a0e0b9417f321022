"""Edit suggestions for one front end: asked of the engine site by site, remembered, and kept on offer while what is
typed agrees with them.

In memory only. Never holds a document; writes the one log line of each request, without source text.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TypeVar

from dgemma_lsp.client.session import Session
from dgemma_lsp.config import Config
from dgemma_lsp.documents.changes import DocumentChange
from dgemma_lsp.documents.hunks import hunks
from dgemma_lsp.documents.lines import Place, text_between
from dgemma_lsp.documents.store import Document
from dgemma_lsp.documents.window import cut_window
from dgemma_lsp.edits.edit import Edit
from dgemma_lsp.edits.objection import is_objectionable
from dgemma_lsp.edits.site import EditSite, edit_sites
from dgemma_lsp.features.answered import answered, costs
from dgemma_lsp.silence import Silence
from infill.request import Change, InfillRequest
from infill.text.lines import common_length

logger = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")

KIND = "edit"
MOST_SITES = 3
"""That the engine is asked about for one suggestion: each costs a prefill."""
MOST_REMEMBERED = 50

Key = tuple[str, str, str]
"""An edit wherever it has moved to: its document, its line as it is and as it would be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditQuestion:
    """What is asked at a cursor. documents: those that are open and are not left alone, by URI. path_of: how a document
    is called in a prompt. explicit: the user asked. label: of the request, for the log."""

    uri: str
    cursor: Place
    documents: Mapping[str, Document]
    changes: Sequence[DocumentChange]
    diagnostics: Sequence[int]
    path_of: Callable[[str], str]
    config: Config
    explicit: bool
    label: str


@dataclass(slots=True)
class EditSuggester:
    """What was asked, offered and rejected so far. answers: the engine's texts, none where it has nothing to offer."""

    session: Session
    answers: OrderedDict[InfillRequest, tuple[str, ...]] = field(
        default_factory=OrderedDict[InfillRequest, tuple[str, ...]]
    )
    rejected: OrderedDict[Key, None] = field(default_factory=OrderedDict[Key, None])
    offers: OrderedDict[str, tuple[Edit, Key]] = field(default_factory=OrderedDict[str, "tuple[Edit, Key]"])

    async def suggest(self, question: EditQuestion) -> Edit | Silence:
        """The edit to offer, or why there is none.

        Raises:
            JsonRpcRequestCancelled: a newer request took its place.
        """
        started = time.perf_counter()
        if not question.changes:
            return Silence("no_changes")
        if (edit := self._still_offered(question)) is not None:
            logger.info("edit %s: typed towards, front %.1f ms", question.label, _ms(started))
            return edit
        sites = edit_sites(question.documents, question.uri, question.cursor, question.changes, question.diagnostics)
        reason = Silence("nothing_to_follow")
        for site in islice(sites, MOST_SITES):
            texts = await self._texts(site, question, started)
            if isinstance(texts, Silence):
                return texts
            for text in texts:
                edit = self._edit(site, text, question)
                if isinstance(edit, Edit):
                    return edit
                reason = edit
        return reason

    def accept(self, edit_id: str) -> None:
        """The user has taken an edit."""
        self.offers.pop(edit_id, None)

    def reject(self, edit_id: str) -> None:
        """The user does not want an edit, which is not offered again."""
        _, key = self.offers.pop(edit_id, (None, None))
        if key is not None:
            _remember(self.rejected, key, None)

    def forget(self, uri: str) -> None:
        """Drop what was offered and rejected in a document."""
        for edit_id in [each for each, (edit, _) in self.offers.items() if edit.uri == uri]:
            del self.offers[edit_id]
        for key in [key for key in self.rejected if key[0] == uri]:
            del self.rejected[key]

    async def _texts(self, site: EditSite, question: EditQuestion, started: float) -> tuple[str, ...] | Silence:
        """What the engine would put into a site, best first; what it said before where nothing has changed since.
        started: when the question was read, from which its deadline counts."""
        request = _request(site, question)
        known = self.answers.get(request)
        if known is None:
            owner = self.session.owner(question.uri, KIND)
            events = self.session.infill(request, priority="edit", owner=owner)
            name = f"edit {question.label}"
            limit = request.deadline_ms
            left = None if limit is None else max(limit - round(_ms(started)), 0)
            answer = await answered(events, name=name, deadline_ms=left)
            if isinstance(answer, Silence):
                return answer
            if answer.rejection is not None and answer.rejection.reason == "took_too_long":
                return Silence.of(answer.rejection)  # Asked once more, it may have the time.
            known = tuple(candidate.texts[0] for candidate in answer.candidates)
            logger.info("%s: %s", name, costs(answer, len(known)))
        _remember(self.answers, request, known)
        return known

    def _edit(self, site: EditSite, text: str, question: EditQuestion) -> Edit | Silence:
        """A text for a site as the edit nearest to the cursor that it is made of."""
        document = question.documents[site.uri]
        lines = document.lines
        found = [Edit.of(site.uri, document.version, lines, hunk) for hunk in hunks(lines, site.range, text)]
        nearest = min(found, key=lambda edit: abs(edit.start.line - question.cursor.line), default=None)
        replayed = text in site.replays
        if nearest is None or is_objectionable(nearest, lines, question.changes, replayed=replayed):
            return Silence("nothing_to_follow")
        key = _key(nearest, lines)
        if key in self.rejected and not question.explicit:
            return Silence("rejected_before")
        _remember(self.offers, nearest.id, (nearest, key))
        return nearest

    def _still_offered(self, question: EditQuestion) -> Edit | None:
        """The last offer in the document, where what was typed since has begun it: the rest of it."""
        last = next((own for own in reversed(self.offers.values()) if own[0].uri == question.uri), None)
        document = question.documents.get(question.uri)
        if last is None or document is None:
            return None
        edit, (_, old, new) = last
        at = edit.start.line
        if edit.version == document.version or edit.end.line != at or at >= len(document.lines):
            return None
        line = document.lines[at]
        column = rest_of(line, old, new)
        if column is None:
            return None
        end = len(line) - common_length(reversed(line[column:]), reversed(new[column:]))
        text = new[column : len(new) - (len(line) - end)]
        kept = replace(
            edit, version=document.version, start=Place(at, column), end=Place(at, end), old=line[column:end], text=text
        )
        self.offers[kept.id] = (kept, (question.uri, old, new))
        return kept


def rest_of(line: str, old: str, new: str) -> int | None:
    """Where the part of `new` begins that is missing from a line which is on its way there from `old`; None where the
    line is one of them, or is on another way."""
    if line in (old, new):
        return None
    column = common_length(line, new)
    gone = line[column:]
    return column if column > common_length(old, new) and old.endswith(gone) else None


def _request(site: EditSite, question: EditQuestion) -> InfillRequest:
    document, config = question.documents[site.uri], question.config
    window = cut_window(document.lines, [site.range], before=config.context.before, after=config.context.after)
    changes = tuple(
        Change(path=question.path_of(change.uri), before="".join(change.before), after=_after(change, question))
        for change in question.changes
    )
    return InfillRequest(
        text=window.text,
        holes=window.holes,
        path=question.path_of(site.uri),
        language_id=document.language_id,
        changes=changes,
        replays=site.replays,
        mode="auto",
        deadline_ms=None if question.explicit else config.edits.deadline_ms,
        confidence=None if question.explicit else config.inline.confidence,
    )


def _after(change: DocumentChange, question: EditQuestion) -> str:
    return "".join(question.documents[change.uri].lines[change.first : change.last])


def _key(edit: Edit, lines: Sequence[str]) -> Key:
    before = text_between(lines, Place(edit.start.line, 0), edit.start)
    after = text_between(lines, edit.end, Place(edit.end.line, len(lines[edit.end.line])))
    return edit.uri, before + edit.old + after, before + edit.text + after


def _remember(memory: OrderedDict[K, V], key: K, value: V) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > MOST_REMEMBERED:
        memory.popitem(last=False)


def _ms(started: float) -> float:
    return 1_000 * (time.perf_counter() - started)
