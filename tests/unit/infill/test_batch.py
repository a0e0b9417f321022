"""Rows on their way: what their first step does not see, and how a hole is cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.canvas import DenoiseConfig
from infill.batch import Batch, Middle
from infill.layout import Layout, lay_out
from infill.length import Move
from infill.window import Budget
from tests.unit.infill.scripted import ScriptedDenoiser, ScriptedStepper, request_of, scripted
from tests.unit.infill.tiny import tiny_tokens


def begun(marked: str, lengths: tuple[int, ...], *, hidden: int) -> tuple[Batch, ScriptedDenoiser, Layout]:
    request = request_of(marked)
    layout = lay_out(request, tiny_tokens(), Budget())
    assert isinstance(layout, Layout)
    denoiser = scripted(request, ["foo(bar)"])
    batch = Batch.start(
        layout,
        [(Middle.noise(length),) for length in lengths],
        hole=0,
        hidden=hidden,
        seed=0,
        denoiser=denoiser,
        context=denoiser.prefill(layout.context_ids),
        config=DenoiseConfig(),
    )
    return batch, denoiser, layout


@pytest.mark.parametrize(("hidden", "free"), [(0, 4), (2, 6), (99, 10)])
def test_the_first_step_does_not_see_what_follows_the_hole(hidden: int, free: int) -> None:
    # Six tokens follow: the line's end, the fence of three, and the turn's end; one letter before them.
    batch, denoiser, _ = begun("x=⟦⟧;\n", (4,), hidden=hidden)
    assert batch.free_count == denoiser.canvases[0].free_count == free


def test_a_seam_is_the_likelihood_of_what_was_hidden() -> None:
    batch, _, layout = begun("x=⟦⟧;\n", (4,), hidden=2)
    state = batch.step().rows[0]
    assert batch.seam(state, (4,)) == 0.0
    end = layout.spans((4,))[0].stop
    top_ids, top_log_probs = state.top_ids.copy(), state.top_log_probs.copy()
    top_log_probs[end] = -0.5
    top_ids[end + 1] = 7  # Not the token that stands there.
    changed = replace(state, top_ids=top_ids, top_log_probs=top_log_probs)
    assert batch.seam(changed, (4,)) == pytest.approx((-0.5 - 1.0) / 2)


def test_after_the_first_step_everything_known_is_seen_and_holes_may_be_shorter() -> None:
    batch, _, layout = begun("x=⟦⟧;\n", (1, 4, 9), hidden=2)
    batch.step()
    batch.follow((Move(1), Move(2, 6)))
    assert batch.lengths == [(4,), (6,)]
    rows = batch.step().rows
    assert [len(row.argmax_ids) for row in rows] == [len(layout.noisy([4])), len(layout.noisy([6]))]
    stepper = batch._stepper  # pyright: ignore[reportPrivateUsage]
    assert isinstance(stepper, ScriptedStepper)
    assert [canvas.free_count for canvas in stepper.canvases] == [4, 6]
    assert batch.seam(rows[0], (4,)) == 0.0
    assert np.array_equal(stepper.carried[1][-3:], np.arange(len(layout.noisy([9])))[-3:])
