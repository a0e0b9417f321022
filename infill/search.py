"""Unknown lengths, searched: rows that differ in one hole's length are denoised side by side, read and scored.

Every length tried comes from `length`; nothing here knows how long a hole should be.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Self

from engine.canvas import Context, DenoiseConfig, Denoiser, RowState, TokenIds
from infill.batch import Batch, Denoised, Middle, row_seed
from infill.beam import Ids, ids_of
from infill.brackets import comment_mark
from infill.candidate import draft, kept_tokens
from infill.layout import Layout
from infill.length import Lengths, fits
from infill.mender import Mender
from infill.meter import Meter
from infill.mode import HoleMode
from infill.offer import Found, Offer, all_break, by_score, hopeful, ordered
from infill.rank import Weights
from infill.request import InfillRequest, Progress, Rejection, StopReason
from infill.scorer import Scorer
from infill.statements import Statements
from infill.writer import Extension, Writer

# How likely what is no code, whatever its line begins with, is a comment: likelier than most texts that leave it
# broken, and not so likely that it is shown unasked.
_COMMENT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One request on its way through the model. statements: around its holes. copies: per hole, texts that it may hold
    since they stand elsewhere, with how likely each is copied. words: known ones. configs: how holes of each mode are
    denoised. noise: see `HoleSettings`. weights: of what a candidate's score is made of. extensions: how the encoder
    goes on from rows, by mode. most_repairs: of a reading that breaks the syntax: other endings tried, and other
    tokens. most_bridges: texts that are read, too, where a hole's sides belong to different lines. bridges: these, once
    they do."""

    request: InfillRequest
    mode: HoleMode
    layout: Layout
    statements: Statements
    copies: Sequence[Mapping[Ids, float]]
    words: frozenset[str]
    denoiser: Denoiser
    context: Context
    configs: Mapping[HoleMode, DenoiseConfig]
    lengths: Lengths
    meter: Meter
    noise: tuple[float, ...]
    weights: Weights
    most_repairs: int
    most_bridges: int
    extensions: Mapping[HoleMode, Extension]
    bridges: Sequence[str] = ()

    def run(self) -> Generator[Progress, None, Found]:
        """Search the holes' lengths. Where the best text breaks the syntax, what stands on a hole's sides may belong to
        different lines, and it is tried across them."""
        found = yield from self._searched()
        if not self.meter.late and self._breaks(found):
            beyond = yield from self._across_lines()._searched()
            # What was not scored, since the time was over, is not to be compared with what was.
            found = found if self.meter.late else found.joined(beyond)
        with self.meter.timed("rank"):
            offers = ordered(found, self.statements, self.weights)
        return replace(found, offers=offers, unended=bool(offers) and self._is_unended(offers[0].row))

    def _breaks(self, found: Found) -> bool:
        """Whether the best text for a single empty hole within a line breaks the syntax; what any there would break may
        yet be whole across lines."""
        if self.mode != "within" or self.layout.middles != ("",) or not found.offers:
            return False
        return max(found.offers, key=by_score).added_errors > 0

    def _across_lines(self) -> Self:
        """The search for what ends one line and begins another: bridges are read, too, and what rows hold is put into
        them."""
        with self.meter.timed("rank"):
            bridges = self.statements.bridges(self.most_bridges)
            likely = {ids_of(self.layout.encode_middle(0, text)): self._likely(text) for text in bridges}
        exact, room = self.lengths.exact, self.layout.room
        fitting = {ids: own for ids, own in likely.items() if fits(len(ids), exact=exact, room=room)}
        return replace(self, mode="across", bridges=bridges, copies=[fitting | dict(self.copies[0])])

    def _likely(self, bridge: str) -> float:
        """How likely a bridge is, apart from what the encoder makes of it: what is no code may well be a comment."""
        return _COMMENT if bridge.rstrip().endswith(comment_mark(self.layout.fence.language)) else 0.0

    def _searched(self) -> Generator[Progress, None, Found]:
        """What a round for each hole in turn finds: rows that differ in its length are denoised side by side, the other
        holes with it from their current reading, or in the same length where they have none yet. The best row is the
        next round's current reading. Where the encoder goes on by itself, one round gives it enough to start from."""
        offers: list[Offer] = []
        rejections: list[Rejection] = []
        current = self._start()
        unavoidable: int | None = None
        for hole in range(1 if self._extension else len(current)):
            rows = self._rows(hole, current)
            denoised = yield from self._denoise(rows, hole)
            with self.meter.timed("rank"):
                fresh = self._mender.offers(denoised, rejections)
                if unavoidable is None:
                    # What one of these avoids is to be avoided.
                    unavoidable = self.statements.unavoidable_errors() if all_break(fresh) else 0
                fresh = hopeful(self._mender.mended(fresh, unavoidable))
            late = self.meter.late
            if late and offers:
                break  # What could not be scored is not to be compared with what was.
            scored = fresh
            if not late:
                scored = yield from self._scorer.score(
                    fresh, row=denoised[0], wanted=self.request.n, most_doubt=self.request.most_doubt
                )
            offers.extend(scored)
            if late:
                break
            # Where no row has anything to offer, the others go on from the shortest.
            best = max(scored, key=by_score).row if scored else denoised[0]
            spans = self.layout.spans(best.lengths)
            current = [Middle.of(best.state.argmax_ids[span]) for span in spans]
        return Found(offers, rejections, unavoidable=unavoidable or 0)

    def _start(self) -> list[Middle | None]:
        """What is known of the holes: a text to be edited stands there, another's length is near its own; None where
        there is nothing."""
        edits = self.request.instruction is None
        return [
            (Middle.of(ids) if edits else Middle.noise(len(ids))) if middle else None for ids, middle in self._present
        ]

    def _rows(self, hole: int, current: Sequence[Middle | None]) -> list[tuple[Middle, ...]]:
        """The current reading once for each length that the hole might have."""
        ids, text = self._present[hole]
        known = [len(other.token_ids) for i, other in enumerate(current) if other is not None and i != hole]
        share = (self.layout.room - sum(known)) // (len(current) - len(known))
        lengths = self.lengths.first(self.mode, present=len(ids) if text else 0, room=share)
        standing = current[hole]
        rows: list[tuple[Middle, ...]] = []
        for length, repeated in groupby(lengths):
            tried = [Middle.noise(length) for _ in repeated]
            if standing is not None and len(standing.token_ids) == length:
                tried[:1] = self._noisier(standing, hole)
            others = [other or Middle.noise(length) for other in current]
            rows += [(*others[:hole], middle, *others[hole + 1 :]) for middle in tried]
        return rows * -(-self.request.n // len(rows))

    def _noisier(self, standing: Middle, hole: int) -> list[Middle]:
        """A text that stands in a hole, with each of the shares of noise."""
        return [standing.noisier(share, row_seed(self.request.seed, hole, i)) for i, share in enumerate(self.noise)]

    def _denoise(self, rows: Sequence[Sequence[Middle]], hole: int) -> Generator[Progress, None, list[Denoised]]:
        """Denoise rows until every one has settled, the steps are spent or the time is."""
        config = self._config
        with self.meter.timed("denoise"):
            batch = Batch.start(
                self.layout,
                rows,
                hole=hole,
                seed=self.request.seed,
                denoiser=self.denoiser,
                context=self.context,
                config=config,
            )
        self.meter.count_free(batch.free_count)
        step = 0
        while True:
            step += 1
            with self.meter.timed("denoise"):
                state = batch.step()
            self.meter.count_forward(state.token_positions)
            late = self.meter.late
            done = late or step == config.max_denoising_steps or all(row.settled for row in state.rows)
            entropies = [self._mean_entropy(row, batch.lengths[i], hole) for i, row in enumerate(state.rows)]
            surest = entropies.index(min(entropies))
            yield Progress(stage="denoise", draft=draft(state.rows[surest], batch.lengths[surest], self.layout))
            if done:
                break
            for i, row in enumerate(state.rows):
                if not row.settled:
                    kept = kept_tokens(row, batch.lengths[i], hole, self.layout, self.mode)
                    batch.cut(i, self.lengths.next(batch.lengths[i][hole], kept))
        unsettled: StopReason = "deadline" if late else "step_limit"
        return [
            Denoised(own, row, "settled" if row.settled else unsettled)
            for own, row in zip(batch.lengths, state.rows, strict=True)
        ]

    def _mean_entropy(self, row: RowState, lengths: Sequence[int], hole: int) -> float:
        """Nats, of a row's hole."""
        return float(row.entropy[self.layout.spans(lengths)[hole]].mean())

    @property
    def _extension(self) -> Extension | None:
        """How the encoder goes on from rows: where the holes are empty, and their texts can be scored."""
        wanted = not any(self.layout.middles) and self.weights.likelihood
        return self.extensions.get(self.mode) if wanted else None

    @property
    def _config(self) -> DenoiseConfig:
        config, extension = self.configs[self.mode], self._extension
        return replace(config, max_denoising_steps=extension.denoising_steps) if extension else config

    @property
    def _scorer(self) -> Scorer:
        """What judges this search's readings."""
        return Scorer(
            mode=self.mode,
            layout=self.layout,
            statements=self.statements,
            meter=self.meter,
            weights=self.weights,
            writer=self._writer,
            words=self.words,
            extension=self._extension,
        )

    @property
    def _mender(self) -> Mender:
        """What makes offers of this search's rows."""
        return Mender(
            mode=self.mode,
            layout=self.layout,
            scorer=self._scorer,
            most_repairs=self.most_repairs,
            bridges=self.bridges,
        )

    @property
    def _writer(self) -> Writer:
        """What reads texts; also within a line those that go on over several."""
        return Writer(
            layout=self.layout,
            denoiser=self.denoiser,
            context=self.context,
            meter=self.meter,
            banned_ids=self.configs["across"].banned_ids,
            copies=self.copies,
            exact=self.lengths.exact,
        )

    def _is_unended(self, row: Denoised) -> bool:
        """Whether a block fills the longest hole there is to its end."""
        if self.mode != "block" or any(self.layout.middles):
            return False
        longest = self.lengths.first(self.mode, present=0, room=self.layout.room)[-1]
        return longest == row.lengths[0] == kept_tokens(row.state, row.lengths, 0, self.layout, self.mode)

    @property
    def _present(self) -> list[tuple[TokenIds, str]]:
        """What stands in the holes now, as tokens and as text."""
        return list(zip(self.layout.present, self.layout.middles, strict=True))
