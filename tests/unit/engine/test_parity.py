"""Our loop, contexts and scores against transformers' own, on a random checkpoint of the real topology."""

# torch and transformers annotate themselves in part only.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import DiffusionGemmaForBlockDiffusion
from transformers.generation.streamers import BaseStreamer
from transformers.models.diffusion_gemma.generation_diffusion_gemma import EntropyBoundSamplerConfig

from engine.canvas import DenoiseConfig, ScoreQuery, TokenIds
from engine.kv.cache import FrozenCache
from engine.kv.masks import TokenPositions
from engine.model.backbone import Backbone
from engine.reference import ReferenceDenoiser
from engine.weights.load import load
from tests.checkpoints import CANVAS, WINDOW
from tests.unit.engine.canvases import TransformersDraws, canvas, free_canvas, prompt

# Float32 through six layers whose reductions may run in another order.
LOGIT_TOLERANCE = 1e-4


class Drafts(BaseStreamer):
    """A streamer that keeps the argmax canvas of every step `generate` takes."""

    def __init__(self) -> None:
        self.canvases: list[list[list[int]]] = [[]]

    def put(self, value: Tensor) -> None:
        self.canvases.append([])

    def put_draft(self, value: Tensor) -> None:
        self.canvases[-1].append(value[0].tolist())

    def end(self) -> None:
        pass


CAUTIOUS = DenoiseConfig(ramp_steps=8, max_denoising_steps=8, entropy_bound=0.5)
HASTY = DenoiseConfig(
    ramp_steps=14, max_denoising_steps=14, entropy_bound=1.0, confidence_threshold=0.05, t_max=0.1, t_min=0.05
)


@pytest.mark.parametrize("config", [CAUTIOUS, HASTY])
@pytest.mark.parametrize("prompt_length", [3, WINDOW, 4 * WINDOW])
@pytest.mark.parametrize("seed", [0, 1])
def test_reproduces_generate(
    model: DiffusionGemmaForBlockDiffusion, backbone: Backbone, prompt_length: int, seed: int, config: DenoiseConfig
) -> None:
    prompt_ids = prompt(prompt_length, seed)
    drafts = Drafts()
    torch.manual_seed(seed)
    model.generate(
        long_ids(prompt_ids),
        streamer=drafts,
        max_new_tokens=2 * CANVAS,
        max_denoising_steps=config.max_denoising_steps,
        sampler_config=EntropyBoundSamplerConfig(config.entropy_bound),
        t_max=config.t_max,
        t_min=config.t_min,
        stability_threshold=config.stability_threshold,
        confidence_threshold=config.confidence_threshold,
    )
    expected = [steps for steps in drafts.canvases if steps]

    denoiser = ReferenceDenoiser(backbone, context_tokens=128, noise=TransformersDraws())
    torch.manual_seed(seed)
    context_ids = prompt_ids
    ours: list[list[list[int]]] = []
    for _ in range(2):
        with denoiser.prefill(context_ids) as context:
            stepper = denoiser.start(context, [free_canvas(CANVAS)], seeds=[0], config=config)
            steps = [stepper.step().rows[0]]
            while not steps[-1].settled and len(steps) < config.max_denoising_steps:
                steps.append(stepper.step().rows[0])
        ours.append([row.holes[0].argmax_ids.tolist() for row in steps])
        context_ids = np.concatenate([context_ids, steps[-1].holes[0].argmax_ids])
    assert ours == expected


def test_the_hasty_ones_settle(backbone: Backbone) -> None:
    """Otherwise the comparison above would not reach the test for convergence."""
    denoiser = ReferenceDenoiser(backbone, context_tokens=128)
    with denoiser.prefill(prompt(WINDOW)) as context:
        stepper = denoiser.start(context, [free_canvas(CANVAS)], seeds=[0], config=HASTY)
        states = [stepper.step() for _ in range(HASTY.max_denoising_steps)]
    assert 1 < states[-1].step < HASTY.max_denoising_steps


@pytest.mark.parametrize("prompt_length", [1, WINDOW - 1, WINDOW, WINDOW + 1, 5 * WINDOW])
def test_decoder_logits(
    model: DiffusionGemmaForBlockDiffusion, checkpoint: Path, backbone: Backbone, prompt_length: int
) -> None:
    denoiser = load(checkpoint)
    loaded = denoiser.backbone
    prompt_ids, canvas_ids = prompt(prompt_length), torch.tensor(prompt(CANVAS, seed=1)).long()
    with torch.inference_mode():
        expected = _logits(model, input_ids=long_ids(prompt_ids), decoder_input_ids=canvas_ids[None])
        with denoiser.prefill(prompt_ids) as context:
            places = TokenPositions.of_rows(prompt_length, [torch.arange(CANVAS)], loaded.device)
            hidden = loaded.decode(
                canvas_ids,
                torch.zeros(CANVAS, loaded.hidden_size),
                places,
                loaded.decoder_masks(places, prompt_length),
                FrozenCache(context.slot.sequence, prompt_length),
            )
    torch.testing.assert_close(loaded.logits(hidden), expected, atol=LOGIT_TOLERANCE, rtol=0)


@pytest.mark.parametrize("prompt_length", [1, 4 * WINDOW])
def test_clamped_tokens_in_every_step(
    model: DiffusionGemmaForBlockDiffusion, denoiser: ReferenceDenoiser, prompt_length: int
) -> None:
    """Two steps, the second of which feeds the first one's distributions back at clamped positions, too."""
    prompt_ids, own = prompt(prompt_length), canvas(prompt(CANVAS, seed=1), range(3, 9), keep_start=True)
    config = DenoiseConfig(max_denoising_steps=2, t_max=1.0, t_min=1.0, clamped_conditioning="posterior")
    fed: dict[str, Tensor] = {}
    with denoiser.prefill(prompt_ids) as context, torch.inference_mode():
        stepper = denoiser.start(context, [own], seeds=[0], config=config)
        present = torch.tensor(own.token_ids).long()
        for _ in range(2):
            [hole] = stepper.step().rows[0].holes
            logits = _logits(model, input_ids=long_ids(prompt_ids), decoder_input_ids=present[None], **fed)
            expected = torch.distributions.Categorical(logits=logits[3:9]).entropy().numpy()
            np.testing.assert_allclose(hole.entropy, expected, atol=10 * LOGIT_TOLERANCE)
            present, fed = stepper.rows[0].present_ids, {"self_conditioning_logits": logits[None]}


@pytest.mark.parametrize("prompt_length", [1, WINDOW, 4 * WINDOW])
@pytest.mark.parametrize("shared", [0, 1, 2 * WINDOW])
def test_scores_left_to_right(
    model: DiffusionGemmaForBlockDiffusion, denoiser: ReferenceDenoiser, prompt_length: int, shared: int
) -> None:
    prompt_ids = prompt(prompt_length)
    # Rows that begin with the same tokens, the shortest of them with no others.
    rows = [np.concatenate([prompt(shared, seed=1), prompt(n, seed=n)]) for n in (int(shared == 0), 5, 3 * WINDOW)]
    with denoiser.prefill(prompt_ids) as context:
        queries = [ScoreQuery(token_ids=row) for row in rows]
        scores, again = (denoiser.reader(context).read(queries) for _ in range(2))
    for row, score, repeated in zip(rows, scores, again, strict=True):
        whole = long_ids(np.concatenate([prompt_ids, row]))
        with torch.inference_mode():
            hidden = model.model.encoder.language_model(input_ids=whole).last_hidden_state
            logits = torch.tanh(model.lm_head(hidden).float() / 30.0) * 30.0
            log_probs = logits.log_softmax(dim=-1)[0, prompt_length - 1 : -1]
        expected = log_probs.gather(-1, torch.tensor(row).long()[:, None])[:, 0].numpy()
        np.testing.assert_allclose(score.log_probs, expected, atol=LOGIT_TOLERANCE)
        np.testing.assert_array_equal(score.log_probs, repeated.log_probs)
        # The encoder's own first choice, and how open the question was.
        np.testing.assert_array_equal(score.top_ids[:, 0], log_probs.argmax(dim=-1).numpy())
        entropy = -(log_probs.exp() * log_probs).sum(dim=-1).numpy()
        np.testing.assert_allclose(score.entropy, entropy, atol=LOGIT_TOLERANCE)


def long_ids(token_ids: TokenIds) -> torch.LongTensor:
    """[1, n] int64, as transformers wants them."""
    return torch.LongTensor(token_ids[None].tolist())


def _logits(model: DiffusionGemmaForBlockDiffusion, **inputs: Any) -> Tensor:  # noqa: ANN401 - tensors by name.
    return model(**inputs).logits[0]
