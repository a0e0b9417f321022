"""Which keys a query sees, as small pictures: one line a query, `x` for a visible key."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import pytest
import torch

from engine.cache import LayerShape
from engine.masks import Places, additive_mask

CPU = torch.device("cpu")
PREFILL = Places.context(3, 6, CPU)
TWO_ROWS = Places.packed(3, [2, 1], CPU)
BRANCHES = Places.branching(3, 2, [1, 0, 2], CPU)


@pytest.mark.parametrize(
    ("query", "start", "causal", "window", "expected"),
    [
        pytest.param(PREFILL, 0, True, None, ["xxxx..", "xxxxx.", "xxxxxx"], id="prefill behind a context"),
        pytest.param(PREFILL, 1, True, 3, ["xxx..", ".xxx.", "..xxx"], id="prefill in a window"),
        pytest.param(TWO_ROWS, 0, False, None, ["xxxxx.", "xxxxx.", "xxx..x"], id="canvases"),
        pytest.param(TWO_ROWS, 2, False, None, ["xxx.", "xxx.", "x..x"], id="canvases, sliding layer"),
        pytest.param(TWO_ROWS, 0, True, None, ["xxxx..", "xxxxx.", "xxx..x"], id="scored rows"),
        pytest.param(TWO_ROWS, 2, True, 2, ["xx..", ".xx.", "x..x"], id="scored rows in a window"),
        pytest.param(
            BRANCHES, 1, True, None, ["xxx....", "xxxx...", "xxxxx..", "xxxx.x.", "xxxx.xx"], id="rows that branch"
        ),
    ],
)
def test_pictures(query: Places, start: int, causal: bool, window: int | None, expected: list[str]) -> None:
    mask = additive_mask(query, start, 3, causal=causal, window=window, dtype=torch.float32)
    assert mask is not None
    assert ["".join("x" if value == 0 else "." for value in line) for line in mask[0, 0].tolist()] == expected


def test_one_canvas_needs_no_mask() -> None:
    assert additive_mask(Places.packed(3, [4], CPU), 0, 3, causal=False, window=None, dtype=torch.float32) is None


@pytest.mark.parametrize(("window", "length", "first"), [(None, 100, 0), (8, 3, 0), (8, 7, 0), (8, 8, 1), (8, 100, 93)])
def test_a_sliding_layer_sees_the_last_window_less_one(window: int | None, length: int, first: int) -> None:
    assert LayerShape(heads=1, head_dim=1, window=window).first_visible(length) == first
