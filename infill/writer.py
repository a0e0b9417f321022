"""The encoder as a writer: it goes on from what was denoised with texts of its own, hole by hole.

A row of a hole's true length rarely holds all of the right text, but often its beginning; and what a decoder that sees
both sides makes of many tokens at once, the encoder, one token at a time, makes good (`bench/README.md` has the
figures).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence, Sized
from dataclasses import dataclass
from itertools import islice

import numpy as np

from engine.canvas import Context, Denoiser, Scores, TokenIds
from infill.beam import Beam, Hypothesis, Ids, Stem, ids_of, spelling
from infill.candidate import drafted
from infill.layout import Layout
from infill.meter import Meter
from infill.rank import id_after, scored_row
from infill.request import Progress

# How likely a hole holds what one before it does: holes that are filled together often share a name.
_REPEATED = 0.2
# A beam's texts, the likeliest first, whose syntax is looked at.
MOST_PARSED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """How far the encoder goes on from rows.

    denoising_steps: of these rows, whose last tokens need not have settled.
    passes: of the encoder for each hole at most, after the one that scores what was denoised.
    width: hypotheses that a pass reads.
    """

    denoising_steps: int
    passes: int
    width: int = 24


@dataclass(frozen=True, slots=True)
class Goal:
    """What ends a hole's turn: that the likeliest good texts are known, as many as are wanted, or that no others are
    worth it. is_good: of texts as far as that hole. least: nats, of a text that is worth it."""

    wanted: int
    is_good: Callable[[Stem], bool]
    least: float = -np.inf

    def bound(self, texts: Sequence[Stem]) -> float:
        """Nats that what is read next has to be above. texts: those that are known, the likeliest first."""
        good = list(islice(filter(self.is_good, texts[:MOST_PARSED]), self.wanted))
        return max(good[-1].log_prob, self.least) if len(good) == self.wanted else self.least


# Behind texts of a hole another one follows, and what is broken here may be whole there.
_STEMS = Goal(6, lambda stem: True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """What reads texts left to right for one search, and names others.

    banned_ids: that no hole may hold. copies: per hole, texts that it may hold since they stand elsewhere, with how
    likely each is copied. exact: how many tokens a hole's text has, None where nobody knows.
    """

    layout: Layout
    denoiser: Denoiser
    context: Context
    meter: Meter
    banned_ids: frozenset[int]
    copies: Sequence[Mapping[Ids, float]]
    exact: int | None

    def read(
        self,
        rows: Sequence[Sequence[TokenIds]],
        *,
        begins: Sequence[int] = (),
        after: Scores | None = None,
    ) -> Scores:
        """Read texts left to right with one forward, each row as far as the token after its last text. begins: of each
        row, the place of the first token that is asked about; the first hole's where not given. after: what came of
        reading others."""
        first = len(self.layout.clamped[0])
        with self.meter.timed("rank"):
            scores = self.denoiser.score(
                self.context,
                [scored_row(self.layout, texts) for texts in rows],
                begins=begins or [first] * len(rows),
                after=after,
                banned_ids=self.banned_ids,
                allowed=[self._allowed(texts) for texts in rows],
            )
        self.meter.count_forward(scores.token_positions)
        return scores

    def write(
        self,
        rows: Sequence[Sequence[TokenIds]],
        scores: Scores,
        extension: Extension,
        goal: Goal,
    ) -> Generator[Progress, None, list[Stem]]:
        """Texts for all holes, the likeliest first; none where the time is over before the last hole's turn. rows:
        texts that were read before, each for all holes or the first of them. scores: what came of it. goal: of the last
        hole."""
        known = [tuple(map(ids_of, texts)) for texts in rows]
        read = scores.rows
        beam = self._beam(0, [Stem()], [self.copies[0]])
        for hole in range(len(self.layout.edges)):
            if hole:
                stems = beam.texts()[: _STEMS.wanted]
                if not stems or self.meter.late:
                    return []
                beam, scores = yield from self._next(hole, stems, scores)
            numbers = {stem.middles: number for number, stem in enumerate(beam.stems)}
            for middles, own in zip(known, read, strict=True):
                if len(middles) > hole and middles[:hole] in numbers:
                    begin = self._span(middles[: hole + 1]).start - self._span(middles[:1]).start
                    part = own.part(begin, begin + len(middles[hole]) + 1)
                    beam.learn(numbers[middles[:hole]], middles[hole], part)
            is_last = hole == len(self.layout.edges) - 1
            scores = yield from self._extend(beam, extension, scores, goal if is_last else _STEMS)
        return beam.texts()

    def _next(self, hole: int, stems: Sequence[Stem], scores: Scores) -> Generator[Progress, None, tuple[Beam, Scores]]:
        """The beam of the hole behind some texts of those before it, once the known tokens in between have been read.
        What stands elsewhere is read, and what stands in one hole is read in the next, too: holes that are filled
        together often share a name, which would else take a pass for each of its tokens."""
        copies = [self._copied(stem, hole) for stem in stems]
        tried = [(stem, ids) for stem, own in zip(stems, copies, strict=True) for ids in own or [()]]
        between = len(self.layout.clamped[hole]) - 1  # The first of these was what ended the text before.
        rows = [(*stem.middles, ids) for stem, ids in tried]
        begins = [self._span(row).start - between for row in rows]
        scores = self._read(rows, begins=begins, after=scores)
        nats = {stem: own.log_probs[:between].sum() for (stem, _), own in zip(tried, scores.rows, strict=True)}
        beam = self._beam(hole, [Stem(stem.texts, stem.log_prob + float(own)) for stem, own in nats.items()], copies)
        numbers = {stem: number for number, stem in enumerate(nats)}
        for (stem, ids), own in zip(tried, scores.rows, strict=True):
            beam.learn(numbers[stem], ids, own.part(between, len(own.log_probs)))
        yield self._progress(beam.texts())
        return beam, scores

    def _copied(self, stem: Stem, hole: int) -> dict[Ids, float]:
        """What a hole may hold behind a stem, with how likely it is copied: what stands elsewhere, and what stands in
        the holes before it, as it would be spelled in this one."""
        tokens, edges = self.layout.tokens, self.layout.edges
        spelled = [spelling(text, own, tokens) for text, own in zip(stem.texts, edges, strict=False)]
        repeated = sorted({ids_of(self.layout.encode_middle(hole, text)) for text in spelled if text})
        share = _REPEATED / max(len(repeated), 1)
        elsewhere = {ids: (1 - share * len(repeated)) * own for ids, own in self.copies[hole].items()}
        return elsewhere | {ids: elsewhere.get(ids, 0.0) + share for ids in repeated}

    def _extend(
        self, beam: Beam, extension: Extension, scores: Scores, goal: Goal
    ) -> Generator[Progress, None, Scores]:
        """Read the likeliest hypotheses, and those that they name, while the time allows and the goal asks for it.
        scores: of what was read so far. Returns those of what is read then."""
        texts = beam.texts()
        for _ in range(extension.passes):
            likeliest = beam.likeliest(extension.width, above=goal.bound(texts))
            if not likeliest or self.meter.late:
                break
            rows = [(*beam.stems[number].middles, ids) for number, ids in likeliest]
            scores = self._read(rows, begins=[self._span(row).stop for row in rows], after=scores)
            for (number, ids), own in zip(likeliest, scores.rows, strict=True):
                beam.learn(number, ids, own)
            texts = beam.texts()
            yield self._progress(texts)
        return scores

    def _progress(self, texts: Sequence[Stem]) -> Progress:
        """A pass of the encoder, with the likeliest of the texts so far."""
        [likeliest] = texts[:1] or [Stem()]
        holes = [*likeliest.texts, *[Hypothesis()] * (len(self.layout.edges) - len(likeliest.texts))]
        draft = drafted([(text.token_ids, text.entropies) for text in holes], self.layout)
        return Progress(stage="score", draft=draft)

    def _read(self, rows: Sequence[Sequence[Ids]], *, begins: Sequence[int], after: Scores) -> Scores:
        return self.read([[np.array(ids, np.int32) for ids in row] for row in rows], begins=begins, after=after)

    def _beam(self, hole: int, stems: Sequence[Stem], copies: Sequence[Mapping[Ids, float]]) -> Beam:
        barred = self.banned_ids | self.layout.tokens.newline_ids
        return Beam(
            stems=stems,
            end_id=id_after(self.layout, hole),
            barred=barred,
            copies=copies,
            exact=self.exact,
        )

    def _span(self, texts: Sequence[Sized]) -> slice:
        """Where the last of the first holes' texts lies."""
        return self.layout.spans([len(text) for text in texts])[-1]

    def _allowed(self, texts: Sequence[TokenIds]) -> dict[int, frozenset[int]]:
        """What the first tokens of holes may be, by their places: those that begin with the characters known before
        them. Nothing is known of a token that spells only the first of these, as it is with blanks before blanks."""
        spans = self.layout.spans([len(text) for text in texts])
        heads = [self.layout.tokens.starting_with(edges.head) if edges.head else None for edges in self.layout.edges]
        return {
            span.start: allowed
            for span, text, allowed in zip(spans, texts, heads, strict=False)
            if allowed is not None and (not len(text) or int(text[0]) in allowed)
        }
