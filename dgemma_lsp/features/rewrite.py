"""Rewrites: a selection and an instruction become a request to the engine, candidates become hunks.

The document is not touched; the editor applies what the user accepts of the hunks, which belong to one version of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from lsprotocol import types
from pygls.exceptions import JsonRpcContentModified

from dgemma_lsp.client.session import Session
from dgemma_lsp.config import Config
from dgemma_lsp.documents.hunks import hunks
from dgemma_lsp.documents.lines import text_between
from dgemma_lsp.documents.positions import PositionEncoding, to_place, to_position
from dgemma_lsp.documents.store import Document
from dgemma_lsp.documents.window import Range, Window, cut_window, readable
from dgemma_lsp.features.answered import answered, costs, silence_of
from dgemma_lsp.features.selection import selected_hole
from dgemma_lsp.lsp.rpc import RewriteParams
from dgemma_lsp.silence import Silence
from dgemma_lsp.wire.codec import encode_fields
from dgemma_lsp.wire.messages import Answer
from infill.request import Draft, InfillRequest
from infill.text.languages import language_of
from infill.text.lines import to_line_feeds

logger = logging.getLogger(__name__)

KIND = "rewrite"

Show = Callable[[list[tuple[str, float]]], None]
"""Takes the pieces of a draft, each with its entropy in nats; together they stand in place of the selection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RewriteQuestion:
    """What is asked of a selection, cut free of the document. kept: what it holds before and after the hole."""

    params: RewriteParams
    language_id: str
    lines: tuple[str, ...]
    hole: Range
    kept: tuple[str, str]
    window: Window
    encoding: PositionEncoding

    def request(self, *, path: str, config: Config) -> InfillRequest:
        """The request to the engine."""
        return InfillRequest(
            text=self.window.text,
            holes=self.window.holes,
            instruction=readable(self.params.instruction),
            path=path,
            language_id=self.language_id,
            n=config.inline.candidates,
            seed=self.params.seed,
        )

    def frame(self, draft: Draft) -> list[tuple[str, float]]:
        """A draft as the text that would stand in place of the selection, its lines ending in line feeds."""
        before, after = ([(to_line_feeds(text), 0.0)] if text else [] for text in self.kept)
        return [*before, *draft.pieces[0], *after]

    def edits(self, text: str) -> list[types.TextEdit]:
        """The hunks that put `text` in place; none where it stands there already."""
        return [
            types.TextEdit(
                types.Range(
                    to_position(self.lines, hunk.start, self.encoding), to_position(self.lines, hunk.end, self.encoding)
                ),
                hunk.text,
            )
            for hunk in hunks(self.lines, self.hole, text)
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """The answer. candidates: each as its hunks, best first. rejection: why there are none. stats: what it cost.
    notice: what the user should know of the checkpoint."""

    candidates: tuple[list[types.TextEdit], ...] = ()
    rejection: Silence | None = None
    stats: dict[str, object] = field(default_factory=dict[str, object])
    notice: str = ""

    def to_json(self, params: RewriteParams) -> dict[str, object]:
        """The wire's object; what is absent is left out."""
        answer: dict[str, object] = {
            "textDocument": params.text_document,
            "candidates": [{"hunks": edits} for edits in self.candidates],
            "stats": self.stats | ({"notice": self.notice} if self.notice else {}),
        }
        if self.rejection is not None:
            answer["rejection"] = self.rejection.to_json()
        return answer


def rewrite_question(
    params: RewriteParams, document: Document, encoding: PositionEncoding, config: Config
) -> RewriteQuestion | Silence:
    """What a request of the protocol asks of the document, or why it cannot be served.

    Raises:
        JsonRpcContentModified: it is about another version of the document.
    """
    if params.text_document.version not in (None, document.version):
        asked, present = params.text_document.version, document.version
        raise JsonRpcContentModified(f"the document has changed: version {asked} was asked for, {present} is there")
    if not params.instruction.strip():
        return Silence("no_instruction")
    lines = tuple(document.lines)
    asked = params.range
    if max(asked.start.line, asked.end.line) > len(lines):
        return Silence("no_position")
    start, end = sorted(to_place(lines, at.line, at.character, encoding) for at in (asked.start, asked.end))
    hole = selected_hole(lines, start, end, language_of(document.uri, document.language_id))
    return RewriteQuestion(
        params=params,
        language_id=document.language_id,
        lines=lines,
        hole=hole,
        kept=("", "") if start == end else (text_between(lines, start, hole[0]), text_between(lines, hole[1], end)),
        window=cut_window(lines, [hole], before=config.context.before, after=config.context.after),
        encoding=encoding,
    )


async def rewritten(
    question: RewriteQuestion, session: Session, request: InfillRequest, *, label: str, show: Show | None = None
) -> Rewritten:
    """The engine's answer. label: of the request, for the log. show: takes each denoising step's draft.

    Raises:
        JsonRpcRequestCancelled: a newer request took its place.
    """
    name, owner = f"{KIND} {label}", session.owner(question.params.text_document.uri, KIND)
    events = session.infill(request, priority="rewrite", owner=owner, drafts=show is not None)

    def show_draft(draft: Draft) -> None:
        if show is not None:
            show(question.frame(draft))

    answer = await answered(events, name=name, show=show_draft)
    if isinstance(answer, Silence):
        return Rewritten(rejection=answer)
    candidates = tuple(filter(None, (question.edits(candidate.texts[0]) for candidate in answer.candidates)))
    logger.info("%s: %s", name, costs(answer, len(candidates)))
    unchanged = Silence("unchanged") if answer.candidates else silence_of(answer)
    return Rewritten(
        candidates=candidates,
        rejection=None if candidates else unchanged,
        stats=_stats(answer),
    )


def _stats(answer: Answer) -> dict[str, object]:
    """What an answer cost."""
    members = encode_fields(answer)
    return {name: members[name] for name in members.keys() - {"candidates", "rejection"}}
