"""Rows on their way, and how a hole is cut."""

from __future__ import annotations

import numpy as np

from engine.canvas import DenoiseConfig
from infill.batch import Batch, Middle
from infill.layout import Layout, lay_out
from infill.window import Budget
from tests.unit.infill.scripted import ScriptedStepper, request_of, scripted
from tests.unit.infill.tiny import tiny_tokens


def test_a_hole_may_get_shorter_on_the_way() -> None:
    request = request_of("x=⟦⟧;\n")
    layout = lay_out(request, tiny_tokens(), Budget())
    assert isinstance(layout, Layout)
    denoiser = scripted(request, ["foo(bar)"])
    batch = Batch.start(
        layout,
        [(Middle.noise(length),) for length in (4, 9)],
        hole=0,
        seed=0,
        denoiser=denoiser,
        context=denoiser.prefill(layout.context_ids),
        config=DenoiseConfig(),
    )
    assert batch.free_count == 13
    batch.step()
    batch.cut(0, 4)
    batch.cut(1, 6)
    assert batch.lengths == [(4,), (6,)]
    rows = batch.step().rows
    assert [len(row.argmax_ids) for row in rows] == [len(layout.noisy([4])), len(layout.noisy([6]))]
    stepper = batch._stepper  # pyright: ignore[reportPrivateUsage]
    assert isinstance(stepper, ScriptedStepper)
    # A row whose length stays is left alone, and what follows the hole comes along.
    assert list(stepper.carried) == [1]
    assert np.array_equal(stepper.carried[1][-3:], np.arange(len(layout.noisy([9])))[-3:])
