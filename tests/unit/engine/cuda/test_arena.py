"""Sequences in one arena: what they hold stays theirs, wherever it lies."""

# torch annotates itself in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import gc

import pytest
import torch
from torch import Tensor

from engine.cuda.arena import Arena, Extent
from engine.errors import ContextTooLongError
from engine.kv.cache import LayerShape

SHAPES = (LayerShape(heads=2, head_dim=4, window=8), LayerShape(heads=1, head_dim=8, window=None))


def arena(tokens: int = 20) -> Arena:
    return Arena(SHAPES, tokens=tokens, device=torch.device("cpu"), dtype=torch.float32)


def fill(extent: Extent, value: float, length: int) -> None:
    extent.reserve(length)
    for buffer in (*extent.keys, *extent.values):
        buffer[:, :, :length] = torch.arange(length)[:, None] + value


def held(extent: Extent) -> list[Tensor]:
    """Of each buffer the first number of every token."""
    return [buffer[0, 0, :, 0] for buffer in (*extent.keys, *extent.values)]


def assert_holds(extent: Extent, value: float, length: int) -> None:
    for numbers in held(extent):
        assert numbers[:length].tolist() == [value + number for number in range(length)]


def test_a_sequence_that_cannot_grow_in_place_is_moved_and_no_buffer_is() -> None:
    whole = arena()
    addresses = [buffer.data_ptr() for buffer in (*whole.keys, *whole.values)]
    first, second = whole.sequence(), whole.sequence()
    fill(first, 100, 6)
    fill(second, 200, 5)
    first.reserve(15)
    assert_holds(first, 100, 6)
    assert_holds(second, 200, 5)
    assert first.offset + first.capacity <= whole.tokens
    second.trim(2)
    second.reserve(5)
    assert_holds(second, 200, 2)
    assert [buffer.data_ptr() for buffer in (*whole.keys, *whole.values)] == addresses


def test_the_last_sequence_grows_and_shrinks_where_it_is() -> None:
    whole = arena()
    first, second = whole.sequence(), whole.sequence()
    fill(first, 100, 6)
    fill(second, 200, 5)
    for length in (7, 3, 14):
        second.trim(length)
        second.reserve(length)
        assert second.offset == 6


def test_what_nobody_holds_is_room() -> None:
    whole = arena()
    first, second = whole.sequence(), whole.sequence()
    fill(first, 100, 12)
    fill(second, 200, 5)
    del first
    gc.collect()
    second.reserve(20)
    assert_holds(second, 200, 5)


def test_a_sequence_can_be_copied() -> None:
    whole = arena()
    first, second = whole.sequence(), whole.sequence()
    fill(first, 100, 6)
    second.copy_from(first, 4)
    fill(first, 300, 6)
    assert_holds(second, 100, 4)


def test_where_there_is_no_room_something_goes_or_it_is_said() -> None:
    whole = arena()
    kept = [whole.sequence()]
    fill(kept[0], 100, 12)

    def evict() -> bool:
        return bool(kept and kept.pop())

    needy = whole.sequence(evict)
    needy.reserve(15)
    assert (needy.capacity, kept) == (15, [])
    with pytest.raises(ContextTooLongError, match="21 tokens are needed"):
        needy.reserve(21)
