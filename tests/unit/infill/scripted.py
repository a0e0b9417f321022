"""A denoiser that knows its answer, and `check`, which drives a text case written with ⟦⟧ hole markers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.canvas import BatchState, Canvas, Context, DenoiseConfig, Floats, RowScores, RowState, Scores, TokenIds
from infill.fill import Infiller
from infill.layout import lay_out
from infill.request import Change, Confidence, Filled, InfillRequest, Progress, Rejection, Snippet, Span
from infill.request import Mode as Mode
from infill.tokens import TextTokens
from infill.window import Budget
from tests.unit.infill.tiny import tiny_tokens

_HOLE = re.compile("⟦(.*?)⟧", re.DOTALL)
# Nats: what the scripted encoder gives a token that stands where the answer has it, and any other.
_RIGHT, _WRONG = -0.1, -3.0
# Nats: the entropy of a token that the model is sure of, and of one that it is not.
_SURE, _IN_DOUBT = 0.2, 0.9


class ScriptedContext:
    """A prompt that is only counted."""

    def __init__(self, token_count: int) -> None:
        self.token_count = token_count
        self.cached_count = 0
        self.released = False

    def release(self) -> None:
        self.released = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class ScriptedDenoiser:
    """Fills every hole with its answer's tokens. A longer hole is filled up as a real model does it, with a copy of
    what follows, and with blanks, in doubt, from where that is banned; a shorter one holds the answer's beginning, in
    doubt."""

    max_context_tokens = 4_096

    def __init__(self, answers: Sequence[TokenIds], vocabulary_size: int, *, settles_at: int = 2) -> None:
        self.answers = answers
        self.vocabulary_size = vocabulary_size
        self.settles_at = settles_at
        self.contexts: list[ScriptedContext] = []
        self.prompts: list[TokenIds] = []
        self.canvases: list[Canvas] = []
        self.configs: list[DenoiseConfig] = []
        self.seeds: list[tuple[int, ...]] = []

    def prefill(self, token_ids: TokenIds) -> ScriptedContext:
        self.prompts.append(token_ids)
        self.contexts.append(ScriptedContext(len(token_ids)))
        return self.contexts[-1]

    def start(
        self, context: Context, canvases: Sequence[Canvas], *, seeds: Sequence[int], config: DenoiseConfig
    ) -> ScriptedStepper:
        assert context is self.contexts[-1]
        assert not self.contexts[-1].released
        self.canvases += canvases
        self.configs.append(config)
        self.seeds.append(tuple(seeds))
        return ScriptedStepper(self, canvases, config)

    def score(
        self,
        context: Context,
        rows: Sequence[TokenIds],
        *,
        begins: Sequence[int] = (),
        after: Scores | None = None,
        banned_ids: frozenset[int] = frozenset(),
        allowed: Sequence[Mapping[int, frozenset[int]]] = (),
    ) -> Scores:
        assert context is self.contexts[-1]
        assert not self.contexts[-1].released
        for row, own in zip(rows, allowed, strict=False):
            # A token that may not stand there would be likelier than certain.
            assert all(at == len(row) - 1 or int(row[at]) in ids for at, ids in own.items())
        right = _with_answers(self.canvases[0], self.answers)
        scores = [
            self._row_scores(row, right, begin) for row, begin in zip(rows, begins or [0] * len(rows), strict=True)
        ]
        return Scores(rows=tuple(scores), token_positions=sum(map(len, rows)))

    def _row_scores(self, row: TokenIds, right: TokenIds, begin: int) -> RowScores:
        """Tokens where the answer has them are likely, and named there, whatever stands before them."""
        same = min(len(row), len(right))
        log_probs = np.full(len(row), _WRONG, np.float32)
        log_probs[:same][row[:same] == right[:same]] = _RIGHT
        named = row.copy()
        named[:same] = right[:same]
        return row_scores(log_probs[begin:], named[begin:])


class ScriptedStepper:
    """Reads the answer from the first step on, and settles some steps later."""

    def __init__(self, denoiser: ScriptedDenoiser, canvases: Sequence[Canvas], config: DenoiseConfig) -> None:
        self._denoiser = denoiser
        self._banned = list(config.banned_ids)
        self._blank = int(tiny_tokens().encode(" ")[0])
        self.canvases = list(canvases)
        self.carried: dict[int, NDArray[np.int32]] = {}
        self._step = 0

    def step(self) -> BatchState:
        self._step += 1
        rows = tuple(self._row(canvas) for canvas in self.canvases)
        width = max(map(len, self.canvases))
        return BatchState(step=self._step, rows=rows, token_positions=width * len(rows))

    def replace(self, row: int, canvas: Canvas, carried: NDArray[np.int32]) -> None:
        self.canvases[row] = canvas
        self.carried[row] = carried

    def _row(self, canvas: Canvas) -> RowState:
        ids = canvas.token_ids.copy()
        entropy = np.where(canvas.clamped, 0.0, _SURE).astype(np.float32)
        for span, answer in zip(free_runs(canvas), self._denoiser.answers, strict=True):
            written = np.concatenate([answer, canvas.token_ids[span.stop :]])
            lost = np.logical_or.accumulate(np.isin(written, self._banned))
            size = span.stop - span.start
            ids[span] = np.pad(np.where(lost, self._blank, written), (0, size), constant_values=self._blank)[:size]
            entropy[span][np.pad(lost, (0, size), constant_values=True)[:size]] = _IN_DOUBT
            if size < len(answer):
                entropy[span] = _IN_DOUBT
        size = len(ids)
        return RowState(
            argmax_ids=ids,
            entropy=entropy,
            present_nll=np.zeros(size, np.float32),
            top_ids=ids[:, None],
            top_log_probs=np.zeros((size, 1), np.float32),
            accepted=np.ones(size, np.bool_),
            settled=self._step >= self._denoiser.settles_at,
        )


def row_scores(log_probs: Sequence[float] | Floats, named: TokenIds | None = None) -> RowScores:
    """What a scripted encoder says of tokens. named: the one that it would rather see at each."""
    size = len(log_probs)
    return RowScores(
        log_probs=np.array(log_probs, np.float32),
        entropy=np.full(size, _SURE, np.float32),
        top_ids=np.zeros((size, 0), np.int32) if named is None else named[:, None],
        top_log_probs=np.full((size, 0 if named is None else 1), _RIGHT, np.float32),
    )


def free_runs(canvas: Canvas) -> list[slice]:
    """Where a canvas's holes are, run by run."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], canvas.clamped, [True]]).astype(np.int8)))
    return [slice(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def _with_answers(canvas: Canvas, answers: Sequence[TokenIds]) -> TokenIds:
    parts: list[TokenIds] = []
    position = 0
    for span, answer in zip(free_runs(canvas), answers, strict=True):
        parts += [canvas.token_ids[position : span.start], answer]
        position = span.stop
    return np.concatenate([*parts, canvas.token_ids[position:]])


def request_of(
    marked: str,
    *,
    path: str = "a.py",
    mode: Mode = "auto",
    n: int = 1,
    seed: int = 0,
    instruction: str | None = None,
    snippets: tuple[Snippet, ...] = (),
    changes: tuple[Change, ...] = (),
    deadline_ms: int | None = None,
    must_start_with: str | None = None,
    confidence: Confidence | None = None,
    most_doubt: float | None = None,
    force: bool = False,
) -> InfillRequest:
    """A request whose holes are marked ⟦so⟧ in the text."""
    text, holes, position = "", list[Span](), 0
    for match in _HOLE.finditer(marked):
        text += marked[position : match.start()]
        holes.append(Span(start=len(text), end=len(text) + len(match[1])))
        text += match[1]
        position = match.end()
    return InfillRequest(
        text=text + marked[position:],
        holes=tuple(holes),
        path=path,
        mode=mode,
        n=n,
        seed=seed,
        instruction=instruction,
        snippets=snippets,
        changes=changes,
        deadline_ms=deadline_ms,
        must_start_with=must_start_with,
        confidence=confidence,
        most_doubt=most_doubt,
        force=force,
    )


def apply(request: InfillRequest, texts: Sequence[str]) -> str:
    """The document with these texts in its holes."""
    result, position = "", 0
    for hole, text in zip(request.holes, texts, strict=True):
        result += request.text[position : hole.start] + text
        position = hole.end
    return result + request.text[position:]


def scripted(request: InfillRequest, answers: Sequence[str], *, settles_at: int = 2) -> ScriptedDenoiser:
    """A denoiser that answers so, what a hole's edges demand included."""
    tokens = tiny_tokens()
    layout = lay_out(request, tokens, Budget())
    assert not isinstance(layout, Rejection), layout
    return ScriptedDenoiser(layout.encode_middles(answers), tokens.size + 3, settles_at=settles_at)


def run(
    request: InfillRequest, denoiser: ScriptedDenoiser, tokens: TextTokens | None = None
) -> list[Progress | Filled]:
    """Everything the pipeline yields."""
    return list(Infiller(denoiser, tokens or tiny_tokens(), DenoiseConfig()).fill(request))


def filled(request: InfillRequest, *answers: str) -> Filled:
    """The pipeline's last word when the model answers so."""
    last = run(request, scripted(request, answers))[-1]
    assert isinstance(last, Filled)
    return last


def check(
    before: str,
    answer: str | Sequence[str],
    after: str,
    *,
    path: str = "a.py",
    mode: Mode = "auto",
    instruction: str | None = None,
    changes: tuple[Change, ...] = (),
) -> None:
    """The document `before`, its holes filled by a model that answers so, becomes `after`, or is rejected for the
    reason that `after` names as "!reason"."""
    request = request_of(before, path=path, mode=mode, instruction=instruction, changes=changes)
    answers = (answer,) if isinstance(answer, str) else tuple(answer)
    result = filled(request, *answers)
    if after.startswith("!"):
        assert result.rejection == Rejection(reason=after[1:])  # pyright: ignore[reportArgumentType]
        assert result.candidates == ()
        return
    assert result.rejection is None
    assert apply(request, result.candidates[0].texts) == after
