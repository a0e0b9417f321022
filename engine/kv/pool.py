"""Prefilled contexts: a pool of token sequences with their keys and values, reused by longest common token prefix.

The pool holds at most `budget` tokens in several sequences (slots). A context pins the part of its slot it stands for
until it is released; other contexts may share that part, extend the slot behind it, or live in other slots. What is
not pinned goes when room is needed, least recently used first. The pool runs no model: its caller fills in the tokens
that are missing.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

import numpy as np

from engine.canvas import Context, TokenIds
from engine.errors import ContextTooLongError
from engine.kv.cache import SequenceKV


class Slot:
    """One sequence: its token ids [n] int32, their keys and values, and the contexts that stand on it."""

    def __init__(self, sequence: SequenceKV) -> None:
        self.sequence = sequence
        self.token_ids: TokenIds = np.empty(0, dtype=np.int32)
        self.contexts: list[PooledContext] = []
        self.last_used = 0

    @property
    def pinned(self) -> int:
        """How many leading tokens live contexts stand on."""
        return max((context.token_count for context in self.contexts), default=0)

    def common_prefix(self, token_ids: TokenIds) -> int:
        """Number of leading tokens shared with `token_ids`."""
        length = min(len(self.token_ids), len(token_ids))
        differing = np.flatnonzero(self.token_ids[:length] != token_ids[:length])
        return int(differing[0]) if len(differing) else length

    def append(self, token_ids: TokenIds) -> None:
        """Records tokens whose keys and values have been written."""
        self.token_ids = np.concatenate([self.token_ids, token_ids])


class PooledContext:
    """The first `token_count` tokens of a slot, pinned until released."""

    def __init__(self, slot: Slot, token_count: int, cached_count: int) -> None:
        self._slot: Slot | None = slot
        self._token_count = token_count
        self._cached_count = cached_count
        slot.contexts.append(self)

    @classmethod
    def of(cls, context: Context) -> PooledContext:
        """A context that a denoiser is given, as one of a pool.

        Raises:
            TypeError: it is another denoiser's.
        """
        if not isinstance(context, cls):
            raise TypeError(f"a context of this denoiser is needed, not {type(context).__name__}")
        return context

    @property
    def slot(self) -> Slot:
        """Raises:
        ValueError: the context has been released.
        """
        if self._slot is None:
            raise ValueError("the context has been released")
        return self._slot

    @property
    def token_count(self) -> int:
        return self._token_count

    @property
    def cached_count(self) -> int:
        return self._cached_count

    def release(self) -> None:
        if self._slot is not None:
            self._slot.contexts.remove(self)
            self._slot = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


class ContextPool:
    """All prefilled sequences of one model. Nothing but these and the weights outlives a call. new_sequence: makes one
    without tokens."""

    def __init__(self, new_sequence: Callable[[], SequenceKV], *, budget: int) -> None:
        self.budget = budget
        self._new_sequence = new_sequence
        self._slots: list[Slot] = []
        self._clock = 0

    @property
    def held(self) -> int:
        """Tokens in the pool."""
        return sum(len(slot.token_ids) for slot in self._slots)

    def shrink(self, budget: int) -> None:
        """Hold no more than `budget` tokens from now on, and of what is held only what contexts stand on."""
        self.budget = budget
        self._slots = [slot for slot in self._slots if slot.contexts]
        for slot in self._slots:
            slot.sequence.trim(len(slot.token_ids))

    def evict(self) -> bool:
        """Drop the least recently used sequence that no context stands on; whether there was one."""
        unused = [slot for slot in self._slots if not slot.contexts]
        if unused:
            self._slots.remove(min(unused, key=lambda slot: slot.last_used))
        return bool(unused)

    def acquire(self, token_ids: TokenIds) -> PooledContext:
        """A context for a prompt. Its first `cached_count` tokens are there; the caller writes the others behind them,
        for which there is room, and appends them to the slot.

        Raises:
            ContextTooLongError: the prompt does not fit beside what is pinned.
        """
        needed = len(token_ids)
        if needed > self.budget:
            raise ContextTooLongError(f"the prompt has {needed} tokens; the context pool holds {self.budget}")
        source = max(self._slots, key=lambda slot: slot.common_prefix(token_ids), default=None)
        shared = 0 if source is None else source.common_prefix(token_ids)
        if source is None or shared == 0 or not self._can_take_over(source, shared, needed):
            slot = self._fork(source, shared, needed)
        else:
            slot = source
            if shared < needed:
                slot.token_ids = slot.token_ids[:shared]
                self._make_room(needed - shared, needed, sparing=slot)
            self._reserve(slot, needed)
        self._touch(slot)
        return PooledContext(slot, needed, shared)

    def _can_take_over(self, slot: Slot, shared: int, needed: int) -> bool:
        """Whether the prompt may go on in this slot, whose tokens after the shared ones would be dropped."""
        if shared == needed:
            return True
        if shared < slot.pinned:
            return False
        # A prompt that shares little with a slot belongs to another document: it gets a slot of its own where the
        # budget allows, so that two documents edited in turn do not overwrite each other.
        kept = sum(len(other.token_ids) for other in self._slots if other is slot or other.contexts)
        return 2 * shared >= len(slot.token_ids) or kept + needed > self.budget

    def _fork(self, source: Slot | None, shared: int, needed: int) -> Slot:
        """A new slot that begins with a copy of the source's first `shared` tokens."""
        slot = Slot(self._new_sequence())
        self._make_room(needed, needed, sparing=source if shared else None)
        self._slots.append(slot)
        self._reserve(slot, needed)
        if source is not None and shared:
            self._touch(source)
            slot.sequence.copy_from(source.sequence, shared)
            slot.append(source.token_ids[:shared])
        return slot

    def _reserve(self, slot: Slot, needed: int) -> None:
        """Room in a slot for a prompt. Where it has too little, all slots share what the budget has free, so that
        prompts that grow line by line are seldom copied."""
        if needed <= slot.sequence.capacity:
            return
        held = {other: len(other.token_ids) for other in self._slots} | {slot: needed}
        spare = (self.budget - sum(held.values())) // len(held)
        for other, count in held.items():
            other.sequence.trim(count + spare)
        slot.sequence.reserve(needed, spare)

    def _make_room(self, extra: int, needed: int, *, sparing: Slot | None) -> None:
        """Evicts until `extra` more tokens fit: least recently used first, pinned slots and the spared one never."""
        evictable = [slot for slot in self._slots if not slot.contexts and slot is not sparing]
        evictable.sort(key=lambda slot: slot.last_used, reverse=True)
        while self.held + extra > self.budget:
            if not evictable:
                raise ContextTooLongError(
                    f"the prompt has {needed} tokens; the context pool holds {self.budget}, "
                    f"of which {self.held} are in use"
                )
            self._slots.remove(evictable.pop())

    def _touch(self, slot: Slot) -> None:
        self._clock += 1
        slot.last_used = self._clock
