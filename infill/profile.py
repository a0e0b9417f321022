"""Everything that is tuned, per checkpoint, as data; nothing tuned stands anywhere else.

A checkpoint's profile is the `infill.json` beside its tokenizer. One without is served by a profile derived from its
own generation_config, on the safe side: its own sampler and temperature ramp, and no source of proposals but the model
and the text around the hole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from cattrs import BaseValidationError, Converter, transform_error
from cattrs.v import format_exception

from engine.canvas import DenoiseConfig, RequestSize
from engine.errors import CheckpointError
from engine.token_set import TokenSet
from infill.prompt.layout import HoleMode
from infill.prompt.window import WindowBudget
from infill.request import MOST_CANDIDATES, InfillRequest

FILE = "infill.json"

ProposerName: TypeAlias = Literal["denoise", "prompt_lookup", "continuation", "joined", "replayed_edit"]
Stages: TypeAlias = tuple[tuple[ProposerName, ...], ...]
"""Proposers, those of a stage scored together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Lengths of holes that are denoised side by side, in tokens, ascending; one that stands there twice is tried with
    other noise, too.

    within, line, block: of an empty hole of each mode. replaced: of a hole with text in it, as factors of the text's
    own length.
    """

    within: tuple[int, ...] = (1, 2, 4, 6, 9, 14, 24, 48)
    line: tuple[int, ...] = (3, 5, 8, 12, 17, 24, 34, 48)
    block: tuple[int, ...] = (8, 16, 32, 64, 104, 160)
    replaced: tuple[float, ...] = (0.5, 0.75, 1.0, 1.25, 1.6, 2.2)

    def of(self, mode: HoleMode, room: int) -> tuple[int, ...]:
        """The lengths for an empty hole; the longest is the room where the room is shorter."""
        lengths: tuple[int, ...] = getattr(self, mode)
        fitting = tuple(length for length in lengths if length < room)
        return fitting if len(fitting) == len(lengths) else (*fitting, room)

    def around(self, own: Sequence[int], room: int) -> list[tuple[int, ...]]:
        """The lengths for holes with texts of their own lengths: these, and all of them scaled by the same factor, as
        far as there is room."""
        scaled = (tuple(max(round(length * factor), 1) for length in own) for factor in self.replaced)
        return [lengths for lengths in dict.fromkeys([tuple(own), *scaled]) if sum(lengths) <= room]

    def possible(self, room: int) -> range:
        """How many tokens a hole's text may have, whoever proposes it."""
        return range(room + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPrior:
    """How likely a hole holds a copy of a text elsewhere, from the characters around both that are alike.

    max_prob: of any copy at all. even_characters: alike characters, on both sides together, that make a copy as likely
    as none. nats_per_character: of each of them.
    identifier_within, identifier_to_end: that only the rest of a word is missing, and is one of the identifiers
    elsewhere, where the line goes on after the hole and where it ends.
    """

    max_prob: float
    even_characters: int
    nats_per_character: float
    identifier_within: float
    identifier_to_end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinuationSettings:
    """How far the encoder goes on writing. passes: forwards, by mode. width: hypotheses that a forward reads."""

    passes: Mapping[HoleMode, int]
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What counts in the rank beside the log-probability, in nats.

    syntax_error: that an added error costs. misplaced: that a text costs which repeats a line next to it or gives what
    stands on its right to another statement. unknown_word: that an unknown word costs. A model that is sure of either
    has its way.
    """

    syntax_error: float = 60.0
    misplaced: float = 8.0
    unknown_word: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """How unlikely a line of an unasked suggestion may be, nats, by the confidence that a user asks for."""

    shy: float = 4.0
    normal: float = 8.0
    bold: float = 16.0

    def __post_init__(self) -> None:
        if not 0 <= self.shy <= self.normal <= self.bold:
            raise ValueError("expected 0 <= shy <= normal <= bold")

    def max_line_nll(self, request: InfillRequest) -> float | None:
        """Return how unlikely a line of a request's answer may be, nats; None where whatever is best was asked for."""
        if request.max_line_nll is not None or request.confidence is None:
            return request.max_line_nll
        return {"shy": self.shy, "normal": self.normal, "bold": self.bold}[request.confidence]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditSettings:
    """How a text is found that follows a recent change.

    stages, warm_start_noise: as a profile's. lengths: as `Lengths.replaced`; few, since nobody has asked. context:
    tokens of the prompt at most. margin: nats by which it has to be likelier than what stands there to be suggested
    unasked.
    """

    stages: Stages = (("denoise", "replayed_edit"),)
    warm_start_noise: tuple[float, ...] = (0.3, 0.7)
    lengths: tuple[float, ...] = (0.6, 1.0, 1.3)
    context: int = 4_096
    margin: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How a checkpoint's holes are filled. The defaults are for a model that is right most of the time.

    denoise: the sampler. steps: denoising steps at most, by mode. replaced_steps: the same for holes with text in them.
    stages: proposers, those of a stage scored together. edits: how it is with what follows a recent change.
    warm_start_noise: shares of noise from which a replaced text is denoised anew.
    rows_ahead: rows of a rewrite that are denoised before the others, the first as long as the text that stands there:
        where a step takes as long as all its rows together, a draft is there sooner.
    denoising_share: of the time to a deadline; the rest is for ranking what was denoised by then.
    max_copies: texts that prompt lookup proposes. max_copy_characters: of each, at most. multiline_copies: whether they
        may have several lines in a hole within a line.
    max_canvases: that one block may take, one after the other. max_parts: that a rewrite may take.
    growth: the factor by which what is rewritten must be able to grow in its canvas.
    trust_encoder: whether the encoder scores code sanely; False ranks by the decoder's entropies.
    follows_instructions: whether it was trained to do as it is told.
    """

    window: WindowBudget
    denoise: DenoiseConfig
    steps: Mapping[HoleMode, int]
    replaced_steps: int
    lengths: Lengths = field(default_factory=Lengths)
    stages: Stages = (("denoise", "prompt_lookup"),)
    edits: EditSettings = field(default_factory=EditSettings)
    warm_start_noise: tuple[float, ...] = (0.0, 0.3, 0.6, 1.0)
    rows_ahead: int = 0
    denoising_share: float = 0.75
    max_copies: int = 4
    max_copy_characters: int = 240
    multiline_copies: bool = False
    copy_prior: CopyPrior | None = None
    continuation: ContinuationSettings | None = None
    max_canvases: int = 4
    max_parts: int = 16
    growth: float = 1.25
    weights: Weights = field(default_factory=Weights)
    gate: Gate = field(default_factory=Gate)
    trust_encoder: bool = True
    follows_instructions: bool = True

    def for_request(self, request: InfillRequest) -> Profile:
        """The profile to serve a request by: of an edit where it follows a recent change."""
        if not request.follows:
            return self
        edits = self.edits
        return replace(
            self,
            window=replace(self.window, context=min(self.window.context, edits.context)),
            lengths=replace(self.lengths, replaced=edits.lengths),
            stages=edits.stages,
            warm_start_noise=edits.warm_start_noise,
        )

    @property
    def pool_tokens(self) -> int:
        """Tokens of prefilled contexts that are worth keeping: of two documents, a completion's and an edit's each.
        With less, each of these would be prefilled anew after the other."""
        return 2 * (self.window.context + self.edits.context)

    def largest_request(self, n: int = MOST_CANDIDATES) -> RequestSize:
        """The most that a request for n candidates asks of the model in any mode: as many rows as are denoised side by
        side, each as long as a canvas, and beside their texts what else is read."""
        ladders = (self.lengths.within, self.lengths.line, self.lengths.block)
        edits = self.edits
        replaced = ((self.warm_start_noise, self.lengths.replaced), (edits.warm_start_noise, edits.lengths))
        rows = [*map(len, ladders), *(len(shares) + len(factors) for shares, factors in replaced)]
        positions = max(count * -(-n // count) for count in rows) * self.window.canvas
        own = self.continuation
        continued = own.width * max(own.passes.values()) if own else 0
        return RequestSize(
            positions=positions, read_tokens=positions + self.max_copies * self.window.canvas + continued
        )


MAX_STEPS = 24
"""Denoising steps of a derived profile; a short hole between clamped texts settles well before."""


def derived_profile(config: DenoiseConfig) -> Profile:
    """The profile of a checkpoint that has none of its own. config: its generation_config."""
    steps = min(config.max_denoising_steps, MAX_STEPS)
    return Profile(
        window=WindowBudget(context=8_192),
        denoise=config,
        steps={"within": steps, "line": steps, "block": steps},
        replaced_steps=steps,
    )


def profile_for(directory: Path, config: DenoiseConfig | None = None) -> Profile:
    """The profile of a checkpoint: derived, with what its `infill.json` says in place of it. config: its
    generation_config, the official one where not given.

    Raises:
        CheckpointError: the file cannot be read, or says something unknown.
    """
    profile = derived_profile(config or DenoiseConfig())
    path = directory / FILE
    if not path.is_file():
        return profile
    try:
        stored: object = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(stored, dict):
            raise ValueError("expected an object")
        merged = _merged(_CONVERTER.unstructure(profile), cast(dict[str, Any], stored))
        return _CONVERTER.structure(merged, Profile)
    except (OSError, ValueError, BaseValidationError) as error:
        reason = _reason(error)
        raise CheckpointError(f"{path} is not a valid profile ({reason}): restore or remove it") from error


def _merged(base: Any, over: object) -> Any:  # noqa: ANN401 - JSON.
    """Nested objects with the values of `over` in place of those of `base`."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    known = cast(dict[str, Any], base)
    return known | {key: _merged(known.get(key), value) for key, value in cast(dict[str, Any], over).items()}


def _reason(error: Exception) -> str:
    """What is wrong, and where in the file."""
    if not isinstance(error, BaseValidationError):
        return str(error)
    return transform_error(error, format_exception=_described)[0]


def _described(error: BaseException, kind: type | None) -> str:
    return str(error) if isinstance(error, ValueError) else format_exception(error, kind)


_CONVERTER = Converter(forbid_extra_keys=True)
_CONVERTER.register_unstructure_hook(TokenSet, list)
_CONVERTER.register_structure_hook(TokenSet, lambda ids, _: TokenSet.of(ids))
