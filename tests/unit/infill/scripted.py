"""A denoiser that knows its answer, and `check`, which drives a text case written with ⟦⟧ hole markers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.canvas import (
    BatchState,
    Canvas,
    Context,
    DenoiseConfig,
    Floats,
    HoleState,
    RowScores,
    RowState,
    ScoreQuery,
    TokenIds,
)
from engine.token_set import NO_TOKENS, TokenSet
from infill.fill import Infiller
from infill.profile import ContinuationSettings, CopyPrior, Lengths, Profile, derived_profile
from infill.prompt.layout import lay_out
from infill.prompt.window import WindowBudget
from infill.request import Change, Confidence, Filled, InfillRequest, Progress, Rejection, Snippet, Span
from infill.request import Mode as Mode
from infill.text.tokens import TextTokens
from tests.unit.infill.tiny import tiny_tokens

_HOLE = re.compile("⟦(.*?)⟧", re.DOTALL)
# Nats: what the scripted encoder gives a token that stands where the answer has it, and any other.
_RIGHT, _WRONG = -0.1, -3.0
# Nats: the entropy of a token that the model is sure of, and of one that it is not.
_SURE, _IN_DOUBT = 0.2, 0.9

# All that a search may do, in the few steps and short lengths that a scripted model needs.
PROFILE: Profile = replace(
    derived_profile(DenoiseConfig(ramp_steps=3, entropy_bound=0.4, confidence_threshold=0.2)),
    window=WindowBudget(),
    steps={"within": 2, "line": 1, "block": 3},
    replaced_steps=3,
    lengths=Lengths(
        within=(1, 2, 2, 2, 3, 3, 4, 5, 6, 12), line=(2, 2, 2, 3, 3, 3, 4, 5, 8, 18), block=(8, 16, 32, 56, 96)
    ),
    stages=(("denoise", "prompt_lookup"), ("continuation",)),
    copy_prior=CopyPrior(
        max_prob=0.4, even_characters=30, nats_per_character=0.1, identifier_within=0.3, identifier_to_end=0.06
    ),
    continuation=ContinuationSettings(passes={"line": 6, "within": 4}, width=24),
)


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
    doubt.

    unfilled: a canvas with the request's holes, for a reader that is asked before any is denoised.
    """

    max_context_tokens = 4_096

    def __init__(
        self,
        answers: Sequence[TokenIds],
        vocabulary_size: int,
        *,
        settles_at: int = 2,
        unfilled: Canvas | None = None,
    ) -> None:
        self.answers = answers
        self.unfilled = unfilled
        self.vocabulary_size = vocabulary_size
        self.settles_at = settles_at
        self.contexts: list[ScriptedContext] = []
        self.prompts: list[TokenIds] = []
        self.canvases: list[Canvas] = []
        self.configs: list[DenoiseConfig] = []
        self.seeds: list[tuple[int, ...]] = []
        self.reads: list[int] = []
        self.unlikely_id = -1
        self.known_to_encoder = answers

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

    def reader(self, context: Context, *, banned_ids: TokenSet = NO_TOKENS) -> ScriptedReader:
        assert context is self.contexts[-1]
        return ScriptedReader(self)


class Writer(ScriptedDenoiser):
    """A model that has another answer for each canvas, in order."""

    def __init__(self, *answers: str) -> None:
        tokens = tiny_tokens()
        super().__init__([], tokens.size)
        self.waiting = [[tokens.encode(answer)] for answer in answers]

    def prefill(self, token_ids: TokenIds) -> ScriptedContext:
        self.answers = self.known_to_encoder = self.waiting.pop(0)
        self.canvases.clear()
        return super().prefill(token_ids)


class ScriptedReader:
    """An encoder that finds the answer's tokens likely, and names them, whatever stands before them.

    reads: how many rows each forward read.
    """

    def __init__(self, denoiser: ScriptedDenoiser) -> None:
        self._denoiser = denoiser
        self._seen: set[bytes] = set()
        self.token_positions = 0

    def read(self, queries: Sequence[ScoreQuery]) -> tuple[RowScores, ...]:
        assert not self._denoiser.contexts[-1].released
        fresh = {query.token_ids.tobytes(): len(query.token_ids) for query in queries}
        self.token_positions += sum(size for row, size in fresh.items() if row not in self._seen)
        if fresh.keys() - self._seen:
            self._denoiser.reads.append(len(queries))
        self._seen |= fresh.keys()
        canvas = self._denoiser.unfilled or self._denoiser.canvases[0]
        right = _with_answers(canvas, self._denoiser.known_to_encoder)
        return tuple(self._scores(query, right) for query in queries)

    def _scores(self, query: ScoreQuery, right: TokenIds) -> RowScores:
        row = query.token_ids
        # A token that may not stand there would be likelier than certain.
        assert all(at == len(row) - 1 or int(row[at]) in ids for at, ids in query.allowed.items())
        same = min(len(row), len(right))
        log_probs = np.full(len(row), _WRONG, np.float32)
        log_probs[:same][row[:same] == right[:same]] = _RIGHT
        named = row.copy()
        named[:same] = right[:same]
        scores = row_scores(log_probs[query.begin :], named[query.begin :])
        unlikely = scores.top_ids == self._denoiser.unlikely_id
        return replace(scores, top_log_probs=np.where(unlikely, -1.0, scores.top_log_probs).astype(np.float32))


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
        holes: list[HoleState] = []
        for span, answer in zip(free_runs(canvas), self._denoiser.answers, strict=True):
            size = span.stop - span.start
            written = np.concatenate([answer, canvas.token_ids[span.stop :]])
            lost = np.logical_or.accumulate(np.isin(written, self._banned))
            ids = np.pad(np.where(lost, self._blank, written), (0, size), constant_values=self._blank)[:size]
            doubted = np.pad(lost, (0, size), constant_values=True)[:size] | (size < len(answer))
            holes.append(
                HoleState(
                    argmax_ids=ids.astype(np.int32),
                    entropy=np.where(doubted, _IN_DOUBT, _SURE).astype(np.float32),
                    top_ids=ids[:, None].astype(np.int32),
                    top_log_probs=np.zeros((size, 1), np.float32),
                )
            )
        return RowState(holes=tuple(holes), settled=self._step >= self._denoiser.settles_at)


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
    max_line_nll: float | None = None,
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
        max_line_nll=max_line_nll,
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
    layout = lay_out(request, tokens, WindowBudget())
    assert not isinstance(layout, Rejection), layout
    unfilled = layout.noisy([1] * len(answers))
    return ScriptedDenoiser(layout.encode_middles(answers), tokens.size + 3, settles_at=settles_at, unfilled=unfilled)


def run(
    request: InfillRequest,
    denoiser: ScriptedDenoiser,
    tokens: TextTokens | None = None,
    *,
    profile: Profile = PROFILE,
) -> list[Progress | Filled]:
    """Everything the pipeline yields."""
    return list(Infiller(denoiser, tokens or tiny_tokens(), profile).fill(request))


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
