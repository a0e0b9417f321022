"""All randomness of denoising: draws keyed by (row seed, step, position), so that neighbours in a batch never matter.

A source is stateless: the same key always gives the same draw, on any device, alone or in a batch. A parity test plugs
in another source that draws from torch's generator as transformers does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseKeys:
    """The places that need a draw, of one row or of several.

    seeds: [N] int64, of the place's row. positions: [N] int64, in its canvas. step: the denoising step that draws, 0
    before the first.
    """

    seeds: Tensor
    positions: Tensor
    step: int


class NoiseSource(Protocol):
    """Where random tokens come from."""

    def start(self, keys: NoiseKeys, count: int) -> Tensor:
        """Uniform integers below `count`, [N] int64: what a new free position starts from."""
        ...

    def renoise(self, keys: NoiseKeys, count: int) -> Tensor:
        """Uniform integers below `count`, [N] int64: what a position that was not accepted becomes."""
        ...

    def sample(self, keys: NoiseKeys, probabilities: Tensor) -> Tensor:
        """One token id a place, [N] int64, drawn from `probabilities` [N, V] float32."""
        ...


class KeyedNoise:
    """Draws by hashing the key: 24 random bits a place and purpose. Counts may be one a place, [N] int64.

    Source: the finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), chained over the parts of the key.
    """

    def start(self, keys: NoiseKeys, count: int | Tensor) -> Tensor:
        return _below(_bits(keys, purpose=0), count)

    def renoise(self, keys: NoiseKeys, count: int | Tensor) -> Tensor:
        return _below(_bits(keys, purpose=1), count)

    def sample(self, keys: NoiseKeys, probabilities: Tensor) -> Tensor:
        return drawn(probabilities, self.sample_bits(keys))

    def sample_bits(self, keys: NoiseKeys) -> Tensor:
        """What `drawn` decides by, [N] int64."""
        return _bits(keys, purpose=2)


def drawn(probabilities: Tensor, bits: Tensor) -> Tensor:
    """The ids [N] int64 that 24 random bits [N] int64 choose from distributions [N, V] float32."""
    # Inverting the distribution function needs one draw a place, where Gumbel noise would need V.
    cumulative = probabilities.cumsum(dim=-1)
    total = cumulative[:, -1:]
    uniform = bits.to(total.dtype)[:, None] * 2.0**-24
    # Strictly below the total, so that rounding can never pick a token of probability 0 at the end of the row.
    target = torch.minimum(uniform * total, torch.nextafter(total, torch.zeros_like(total)))
    ids = torch.searchsorted(cumulative, target, right=True)
    # A GPU's running sums need not rise, so that a search in them can end where nothing may stand.
    possible = probabilities.gather(-1, ids) > 0
    return torch.where(possible, ids, probabilities.argmax(dim=-1, keepdim=True)).squeeze(-1)


def _below(bits: Tensor, count: int | Tensor) -> Tensor:
    """Maps 24-bit integers [N] evenly onto 0..count-1."""
    return (bits * count) >> 24


def _bits(keys: NoiseKeys, purpose: int) -> Tensor:
    """[N] int64 in [0, 2**24), equally likely."""
    # What all places share is mixed on the host, whatever device these are on.
    state = torch.tensor(_PURPOSES * keys.step + purpose)
    for part in (keys.seeds, keys.positions):
        state = _mix(state + _GOLDEN) + part
    return _shift(_mix(state + _GOLDEN), 40)


def _mix(words: Tensor) -> Tensor:
    """Products of int64 wrap alike on every device, so the bits are those of unsigned ones."""
    words = (words ^ _shift(words, 30)) * _FIRST
    words = (words ^ _shift(words, 27)) * _SECOND
    return words ^ _shift(words, 31)


def _shift(words: Tensor, bits: int) -> Tensor:
    """Logical right shift; torch's own keeps the sign."""
    return (words >> bits) & ((1 << (64 - bits)) - 1)


def signed(number: int) -> int:
    """The int64 with the lowest 64 bits of a number: any integer as a seed."""
    word = number & (1 << 64) - 1
    return word - (1 << 64) if word >> 63 else word


_PURPOSES = 3
_GOLDEN, _FIRST, _SECOND = map(signed, (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))
