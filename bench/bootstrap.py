"""95 % intervals by resampling cases, paired: every resample compares two methods on the same cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
_BLOCK = 500
_OUTER = (2.5, 97.5)


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float] | None:
    """Interval of the ratio of two means over the same cases; None where theirs is never above 0. Resamples in which
    it is 0 count as an infinite ratio, or as 1 where ours is 0 as well."""
    if not any(theirs):
        return None
    above, below = _resampled(ours), _resampled(theirs)
    ratios = np.full(RESAMPLES, np.inf)
    np.divide(above, below, out=ratios, where=below > 0)
    ratios[(above == 0) & (below == 0)] = 1.0
    low, high = np.percentile(ratios, _OUTER, method="nearest")
    return float(low), float(high)


def difference(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Interval of the difference of two means over the same cases."""
    low, high = np.percentile(_resampled(ours) - _resampled(theirs), _OUTER)
    return float(low), float(high)


def _resampled(values: Sequence[float]) -> NDArray[np.float64]:
    """Means of resamples, [RESAMPLES]; of equally many values always the same cases."""
    array = np.array(values, np.float64)
    rng = np.random.default_rng(0)
    # In blocks, because all draws at once would take a gigabyte for some splits.
    means = [
        array[rng.integers(len(array), size=(_BLOCK, len(array)), dtype=np.int32)].mean(axis=1)
        for _ in range(RESAMPLES // _BLOCK)
    ]
    return np.concatenate(means)
