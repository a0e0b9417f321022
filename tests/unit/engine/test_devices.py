"""Which device is meant, on machines with other cards than this one's."""

from __future__ import annotations

import pytest
import torch

from engine.errors import EngineError
from engine.placement.devices import find_device

Card = tuple[tuple[int, int], int]
"""A card's compute capability, and its free bytes."""

OLD, SMALL, LARGE = ((6, 1), 8), ((8, 6), 2), ((8, 9), 4)


def machine(monkeypatch: pytest.MonkeyPatch, *cards: Card) -> None:
    def capability(index: int) -> tuple[int, int]:
        return cards[index][0]

    def memory(index: int) -> tuple[int, int]:
        return cards[index][1], 24

    def name(device: torch.device) -> str:
        return f"card {device.index}"

    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(cards))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(cards))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_80", "sm_120", "compute_120"])
    monkeypatch.setattr(torch.cuda, "get_device_capability", capability)
    monkeypatch.setattr(torch.cuda, "mem_get_info", memory)
    monkeypatch.setattr(torch.cuda, "get_device_name", name)


def test_the_card_with_the_most_free_memory_that_pytorch_is_built_for(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, OLD, SMALL, LARGE)
    assert find_device("auto") == find_device("cuda") == torch.device("cuda", 2)
    assert find_device("auto", 1) == torch.device("cuda", 1)
    assert find_device("cpu") == torch.device("cpu")


def test_without_a_card_that_can_be_used_auto_is_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch)
    assert find_device("auto") == torch.device("cpu")
    machine(monkeypatch, OLD)
    assert find_device("auto") == torch.device("cpu")


@pytest.mark.parametrize(
    ("cards", "kind", "gpu", "words"),
    [
        ([], "cuda", None, "no usable CUDA device was found"),
        ([], "auto", 0, "no usable CUDA device was found"),
        ([SMALL], "cuda", 1, "no GPU 1; the last of those here is 0"),
        ([OLD], "cuda", None, "not built for a card as old as cuda:0 (card 0)"),
        ([OLD, SMALL], "auto", 0, "not built for a card as old as cuda:0 (card 0)"),
        ([SMALL], "tpu", None, "no device 'tpu'"),
    ],
)
def test_what_cannot_be_had_is_one_error(
    monkeypatch: pytest.MonkeyPatch, cards: list[Card], kind: str, gpu: int | None, words: str
) -> None:
    machine(monkeypatch, *cards)
    with pytest.raises(EngineError) as raised:
        find_device(kind, gpu)
    assert words in str(raised.value)
