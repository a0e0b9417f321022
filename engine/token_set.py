"""Sets of token ids as arrays: a set may hold most of a vocabulary, and is compared far more often than made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class TokenSet:
    """Token ids in ascending order, [n] int32, each once. A key: sets of the same ids are equal."""

    ids: NDArray[np.int32]
    _hash: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.ids.flags.writeable = False
        object.__setattr__(self, "_hash", hash(self.ids.tobytes()))

    @classmethod
    def of(cls, ids: Iterable[int]) -> Self:
        """The set of these ids, in any order."""
        return cls(np.unique(np.fromiter(ids, np.int32)))

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[int]:
        return iter(self.ids.tolist())

    def __contains__(self, token_id: int) -> bool:
        # Sought as what they are: another type would have all of them converted.
        place = self.ids.searchsorted(np.int32(token_id))
        return bool(place < len(self.ids) and self.ids[place] == token_id)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, TokenSet) and self._hash == other._hash and np.array_equal(self.ids, other.ids)

    def __hash__(self) -> int:
        return self._hash

    def __or__(self, other: Self) -> Self:
        return type(self)(np.union1d(self.ids, other.ids))

    def __and__(self, other: Self) -> Self:
        return type(self)(np.intersect1d(self.ids, other.ids, assume_unique=True))

    def __sub__(self, other: Self) -> Self:
        return type(self)(np.setdiff1d(self.ids, other.ids, assume_unique=True))


NO_TOKENS = TokenSet.of(())
