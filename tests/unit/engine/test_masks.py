"""Which keys a query sees, as small pictures: one line a query, `x` for a visible key."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.kv.cache import LayerShape
from engine.kv.masks import TokenPositions, additive_mask
from engine.model.backbone import Backbone

CPU = torch.device("cpu")
PREFILL = TokenPositions.context(3, 6, CPU)
TWO_ROWS = TokenPositions.of_rows(3, [torch.arange(2), torch.arange(1)], CPU)


@pytest.mark.parametrize(
    ("query", "start", "causal", "window", "expected"),
    [
        pytest.param(PREFILL, 0, True, None, ["xxxx..", "xxxxx.", "xxxxxx"], id="prefill behind a context"),
        pytest.param(PREFILL, 1, True, 3, ["xxx..", ".xxx.", "..xxx"], id="prefill in a window"),
        pytest.param(TWO_ROWS, 0, False, None, ["xxxxx.", "xxxxx.", "xxx..x"], id="canvases"),
        pytest.param(TWO_ROWS, 2, False, None, ["xxx.", "xxx.", "x..x"], id="canvases, sliding layer"),
        pytest.param(TWO_ROWS, 0, True, None, ["xxxx..", "xxxxx.", "xxx..x"], id="scored rows"),
        pytest.param(TWO_ROWS, 2, True, 2, ["xx..", ".xx.", "x..x"], id="scored rows in a window"),
    ],
)
def test_pictures(query: TokenPositions, start: int, causal: bool, window: int | None, expected: list[str]) -> None:
    key = TokenPositions.joined(TokenPositions.context(start, 3, CPU), query)
    assert picture(additive_mask(query, key, causal=causal, window=window, dtype=torch.float32)) == expected


def test_a_hole_sees_what_it_is_shown_besides_its_own_row() -> None:
    around = TokenPositions.of_rows(3, [torch.tensor([0, 3]), torch.tensor([0, 2])], CPU, first=3)
    holes = TokenPositions.of_rows(3, [torch.tensor([1, 2]), torch.tensor([1]), torch.tensor([1])], CPU)
    key = TokenPositions.joined(TokenPositions.context(2, 3, CPU), around, holes)
    attends_to = torch.tensor([3, 4, 4])
    mask = additive_mask(holes, key, causal=False, window=None, dtype=torch.float32, attends_to=attends_to)
    assert picture(mask) == ["xxx..xx..", "xxx..xx..", "x..xx..x.", "x..xx...x"]


def test_branches_see_their_own_beginnings() -> None:
    positions = torch.tensor([0, 1, 1, 2])
    nodes = TokenPositions.of_rows(3, [positions], CPU)
    seen = torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 1, 1]], dtype=torch.bool)
    key = TokenPositions.joined(TokenPositions.context(1, 3, CPU), nodes)
    mask = additive_mask(nodes, key, causal=True, window=None, dtype=torch.float32, tree_mask=seen)
    assert picture(mask) == ["xxx...", "xxxx..", "xxx.x.", "xxx.xx"]
    # The last two, read later, when the others were cached.
    new = TokenPositions.of_rows(3, [positions[2:]], CPU)
    mask = additive_mask(new, key, causal=True, window=2, dtype=torch.float32, tree_mask=seen[2:])
    assert picture(mask) == ["..x.x.", "....xx"]


def picture(mask: Tensor) -> list[str]:
    """A line for each query."""
    return ["".join("x" if value == 0 else "." for value in line) for line in mask[0, 0].tolist()]


@pytest.mark.parametrize(("rows", "masked"), [(1, False), (2, True)])
def test_only_a_lone_canvas_needs_no_mask(backbone: Backbone, rows: int, masked: bool) -> None:
    positions = TokenPositions.of_rows(3, [torch.arange(4)] * rows, CPU)
    masks = backbone.decoder_masks(positions, 3)
    assert {kind: mask is not None for kind, mask in masks.items()} == dict.fromkeys(masks, masked)


@pytest.mark.parametrize(("window", "length", "first"), [(None, 100, 0), (8, 3, 0), (8, 7, 0), (8, 8, 1), (8, 100, 93)])
def test_a_sliding_layer_sees_the_last_window_less_one(window: int | None, length: int, first: int) -> None:
    assert LayerShape(heads=1, head_dim=1, window=window).first_visible(length) == first
