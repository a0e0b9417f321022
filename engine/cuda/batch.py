"""The rows of one decoder pass, packed: what the pass computes, and who sees whom.

First come the clamped tokens that are read once and have not been read yet, then the rows' computed positions, end to
end. Rows that have the same clamped tokens in the same positions are neighbours, because those are shown to them once,
as extra keys that are seen from an interval of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.cuda.programs.buckets import EXTRA, TOKENS
from engine.cuda.programs.forward import NO_SIGNAL
from engine.cuda.rows import HostRow
from engine.denoise.clamped import ClampedTokens


class Batch:
    """rows: in the order of packing. pending: the clamped tokens that the pass computes. tokens: how many are computed.
    extra: how many keys are shown besides."""

    def __init__(self, rows: Sequence[HostRow], read: Mapping[bytes, int]) -> None:
        """read: what has been read before, by `kv_key`."""
        by_layout: dict[bytes, list[HostRow]] = {}
        for row in rows:
            by_layout.setdefault(row.clamped.layout_key if row.clamped else b"", []).append(row)
        self.rows = [row for own in by_layout.values() for row in own]
        clamped = [row.clamped for row in self.rows if row.clamped]
        self.pending = list({own.kv_key: own for own in clamped if len(own) and own.kv_key not in read}.values())
        self._layouts = [(own[0].clamped, len(own)) for own in by_layout.values()]
        self._pending_count = sum(map(len, self.pending))
        counts = [len(row.computed) for row in self.rows]
        self._begins = dict(zip(map(id, self.rows), self._pending_count + np.cumsum([0, *counts[:-1]]), strict=True))
        self.tokens = self._pending_count + sum(counts)
        self.extra = sum(len(clamped) for clamped, _ in self._layouts if clamped)

    def numbers(self, row: HostRow, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which of what is computed are these of a row's computed positions."""
        return self._begins[id(row)] + np.searchsorted(row.computed, positions)

    def inputs(self, start: int, places: Mapping[bytes, int]) -> dict[str, NDArray[np.int64]]:
        """What the pass is told but for its context, of `start` tokens. places: where in the arena the clamped tokens'
        keys and values lie, by `kv_key`."""
        counts = [len(own) for own in self.pending] + [len(row.computed) for row in self.rows]
        # Pending tokens are behind the rows in number: no key is shown to them but their own.
        numbers = [*(len(self.rows) + number for number in range(len(self.pending))), *range(len(self.rows))]
        seen_from = np.repeat(np.array(numbers, np.int64), counts)
        positions = [own.read_positions.numpy() for own in self.pending] + [row.computed for row in self.rows]
        token_ids = [own.token_ids.numpy() for own in self.pending]
        token_ids += [row.present_ids[row.computed] for row in self.rows]
        return {
            "token_ids": _joined(token_ids),
            "signals": _joined([np.full(self._pending_count, NO_SIGNAL), *self._signals()]),
            "positions": start + _joined(positions),
            "places": seen_from,
            "begins": seen_from,
            "ends": seen_from + 1,
            "floors": np.full(self.tokens, start),
            "kept": _joined([places[own.kv_key] + np.arange(len(own)) for own in self.pending]),
            **self._extra(start, places),
        }

    def _signals(self) -> Iterator[NDArray[np.int64]]:
        """What is fed back at each row's computed positions, of all rows' `mean` end to end."""
        begin = 0
        for row in self.rows:
            own = row.signals[row.computed]
            yield np.where(own >= 0, begin + own, own)
            begin += 0 if row.mean is None else len(row.mean)

    def _extra(self, start: int, places: Mapping[bytes, int]) -> dict[str, NDArray[np.int64]]:
        """The clamped tokens where the rows have them, shown to these rows."""
        shown: list[tuple[ClampedTokens, int, int]] = []
        begin = 0
        for clamped, count in self._layouts:
            if clamped is not None and len(clamped):
                shown.append((clamped, begin, begin + count))
            begin += count
        return {
            "extra_sources": _joined([places[own.kv_key] + np.arange(len(own)) for own, _, _ in shown]),
            "extra_shifts": _joined([(own.positions - own.read_positions).numpy() for own, _, _ in shown]),
            "extra_positions": start + _joined([own.positions.numpy() for own, _, _ in shown]),
            "extra_begins": _joined([np.full(len(own), begin) for own, begin, _ in shown]),
            "extra_ends": _joined([np.full(len(own), end) for own, _, end in shown]),
        }


def grouped(rows: Sequence[HostRow], read: Mapping[bytes, int]) -> Iterator[list[HostRow]]:
    """Rows that one pass computes: as many as the largest bucket holds, or a longer one alone."""
    group: list[HostRow] = []
    for row in rows:
        batch = Batch([*group, row], read)
        if group and (batch.tokens > TOKENS[-1] or batch.extra > EXTRA[-1]):
            yield group
            group = []
        group.append(row)
    yield group


def _joined(parts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *parts])
