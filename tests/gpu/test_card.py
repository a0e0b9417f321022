"""The card that computes nothing finds what a real one would refuse or wait for."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.gpu.card import DEVICE, Card, MixedDevicesError


def on_card(*shape: int) -> Tensor:
    return torch.zeros(shape, device=DEVICE)


@pytest.mark.parametrize(
    "work",
    [
        lambda: on_card(2) + torch.zeros(2),
        lambda: functional.linear(on_card(2, 3), torch.zeros(4, 3)),
        lambda: torch.cat([on_card(2), torch.zeros(2)]),
        lambda: torch.where(on_card(2) > 0, on_card(2), torch.zeros(2)),
        lambda: torch.zeros(4)[on_card(2).long()],
        lambda: functional.embedding(torch.zeros(2).long(), on_card(5, 3)),
    ],
)
def test_mixed_devices_are_refused(work: Callable[[], Tensor]) -> None:
    with torch.inference_mode(), Card(), pytest.raises(MixedDevicesError, match=r"mixes \['cpu', 'meta'\]"):
        work()


@pytest.mark.parametrize(
    "work",
    [
        lambda: on_card(2).cpu(),
        lambda: on_card(2).sum().item(),
        lambda: bool((on_card(2) > 0).all()),
        lambda: on_card(3)[on_card(3) > 0],
        lambda: on_card(3).nonzero(),
    ],
)
def test_waits_are_counted(work: Callable[[], object]) -> None:
    # What has a shape that only values tell is counted and then fails.
    with torch.inference_mode(), Card() as card, suppress(NotImplementedError):
        work()
    assert sum(card.tally.waits.values()) == 1


def test_uploads_launches_and_bytes_are_counted() -> None:
    with torch.inference_mode(), Card() as card:
        table, numbers = on_card(1000, 8), torch.arange(4).to(DEVICE)
        card.take()
        table[torch.arange(4)]
        assert (card.tally.uploads.total(), card.take().launches) == (1, {"aten::index": 1})
        table[numbers]
        assert card.tally.bytes == 4 * 8 + 2 * 4 * 8 * 4
        card.take()
        table.view(8, 1000)[:2].T.unsqueeze(0).expand(3, -1, -1)
        assert card.take().launches.total() == 0
        functional.rms_norm(table, (8,))
        assert card.take().bytes == 2 * table.nbytes
