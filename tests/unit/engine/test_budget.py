"""The budget: the real model's figures, which plan is chosen for which card, and what a step really takes."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
import torch
from transformers import DiffusionGemmaConfig

from bench.full_size import configuration
from bench.random_weights import random_tensors
from engine.canvas import DenoiseConfig, ScoreQuery
from engine.checkpoint.config import model_config
from engine.errors import DoesNotFitError
from engine.model.empty_model import EmptyModel
from engine.nano import DIRECTORY as NANO
from engine.placement.budget import GB, Needs, roomier
from engine.quant.quantize import formats_of, packed_stream, quantized
from engine.quant.scheme import SCHEMES, Scheme
from engine.reference import ReferenceDenoiser
from engine.weights.load import finish
from engine.weights.verify import wanted_tensors
from infill.fill import Infiller
from infill.profile import derived_profile
from infill.request import Filled, InfillRequest, Span
from infill.text.tokens import TextTokens
from tests.unit.engine.allocations import Allocations
from tests.unit.engine.canvases import canvas, prompt

CONTEXT = 8192
AUTOMATIC: tuple[Scheme, ...] = ("none", "int4")
"""What a card with the kernel tries."""
CUDA_CONTEXT = GB // 2
"""What a driver keeps for a process besides its tensors, about. Not measured here."""

# Where logits take the most, and where experts do.
MANY_WORDS = {"vocab_size": 16384}
MANY_EXPERTS = {"vocab_size": 512, "hidden_size": 512, "moe_intermediate_size": 128, "num_experts": 32}
SMALL = {
    "hidden_size": 128,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "global_head_dim": 64,
    "num_global_key_value_heads": 1,
    "num_experts": 8,
    "moe_intermediate_size": 64,
    "sliding_window": 64,
    "max_position_embeddings": 16384,
}


@pytest.fixture(scope="module")
def full() -> Needs:
    return Needs(configuration(), torch.bfloat16)


def test_the_real_model_fits_as_promised(full: Needs) -> None:
    request = derived_profile(DenoiseConfig()).largest_request(n=3)
    budget = Needs(configuration(), torch.bfloat16, request, on_card=True).budget("int4", context_tokens=CONTEXT)
    assert budget.weights <= 16 * GB
    assert budget.total + CUDA_CONTEXT <= 18 * GB
    assert full.budget("none", context_tokens=CONTEXT).weights == pytest.approx(2 * 25.25e9, rel=1e-3)
    assert budget.key_values == CONTEXT * 225_280


@pytest.mark.parametrize(
    ("card", "main_memory", "scheme", "offloaded"),
    [
        (80, None, "none", 0),
        (32, 64, "int4", 0),
        (24, 64, "int4", 0),
        (16, 32, "int4", range(5, 12)),
        (12, 32, "int4", range(15, 21)),
        (8, 32, "int4", range(25, 31)),
    ],
)
def test_the_best_plan_that_fits_is_chosen(
    full: Needs, card: int, main_memory: int | None, scheme: Scheme, offloaded: int | range
) -> None:
    free = int(0.97 * card * GB)
    room = None if main_memory is None else main_memory * GB
    plan = full.plan(AUTOMATIC, context_tokens=CONTEXT, free=free, main_memory=room, place="a card")
    assert plan.scheme == scheme
    assert plan.offloaded in (offloaded if isinstance(offloaded, range) else (offloaded,))
    assert plan.budget.total <= free
    if plan.offloaded:
        fewer = full.budget(scheme, context_tokens=CONTEXT, offloaded=plan.offloaded - 1)
        assert fewer.total > free
        experts = full.budget(scheme, context_tokens=CONTEXT).weights - plan.budget.weights
        # Each layer's are one allocation of pinned memory, which torch rounds up to a power of two.
        assert plan.budget.main_memory == plan.offloaded * 2**29 > experts > plan.offloaded * 2**28


@pytest.mark.parametrize(
    ("schemes", "free", "main_memory", "message"),
    [
        (
            AUTOMATIC,
            6,
            64,
            r"a card has 6\.0 GB free, and it needs 53\.3 GB unquantized, 17\.5 GB in int4; with all "
            r"experts in main memory it needs 6\.1 GB there and 16\.1 GB of main memory, of which 64\.0 GB are free\. "
            r"Free memory on it, or use the checkpoint nano\.",
        ),
        (AUTOMATIC, 12, 4, r"16\.1 GB of main memory, of which 4\.0 GB are free"),
        (("none",), 40, None, r"needs 53\.3 GB unquantized\. Choose the quantization auto"),
    ],
)
def test_what_cannot_fit_is_refused_with_figures(
    full: Needs, schemes: tuple[Scheme, ...], free: int, main_memory: int | None, message: str
) -> None:
    room = None if main_memory is None else main_memory * GB
    with pytest.raises(DoesNotFitError, match=message):
        full.plan(schemes, context_tokens=CONTEXT, free=free * GB, main_memory=room, place="a card")


@pytest.mark.parametrize(("free", "expected"), [(24, 3 * CONTEXT), (21, 14_336), (18, CONTEXT)])
def test_contexts_take_what_is_left_on_a_card_but_for_a_part(full: Needs, free: int, expected: int) -> None:
    plan = full.plan(AUTOMATIC, context_tokens=CONTEXT, free=free * GB, main_memory=None, place="a card")
    roomy = roomier(plan, full, wanted=3 * CONTEXT, free=free * GB)
    assert (roomy.scheme, roomy.context_tokens) == ("int4", expected)
    assert roomy.budget.key_values == expected * 225_280
    assert roomy is plan or roomy.budget.total <= (free - 2) * GB


def test_a_pool_that_is_long_enough_stays(full: Needs) -> None:
    plan = full.plan(AUTOMATIC, context_tokens=CONTEXT, free=80 * GB, main_memory=None, place="a card")
    assert roomier(plan, full, wanted=CONTEXT // 2, free=80 * GB) is plan


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_reckoned_weights_are_the_loaded_ones(wide: Path, scheme: Scheme) -> None:
    weights = EmptyModel(model_config(wide), torch.bfloat16).weights
    packed = quantized(wanted_tensors(wide, weights), formats_of(weights, scheme), torch.device("cpu"))
    held = sum(part.nbytes for each in packed for part in each.parts.values())
    assert Needs(model_config(wide), torch.bfloat16).budget(scheme, context_tokens=64).weights == held


@pytest.mark.parametrize(
    ("text", "scheme", "lengths", "least"),
    [
        (MANY_WORDS, "none", (256,), 0.8),
        (MANY_WORDS, "int4", (256,), 0.8),
        (MANY_WORDS, "int4", (96,) * 5, 0.4),
        (MANY_EXPERTS, "int8", (124,) * 8, 0.7),
        (MANY_EXPERTS, "int4", (124,) * 8, 0.7),
    ],
)
def test_a_step_takes_what_was_reckoned(
    text: dict[str, int], scheme: Scheme, lengths: tuple[int, ...], least: float
) -> None:
    context_tokens = 512
    config = configuration(**SMALL | text)
    denoiser = random_denoiser(config, scheme, context_tokens)
    reckoned = Needs(config, torch.bfloat16).budget(scheme, context_tokens=context_tokens).workspace
    vocabulary = denoiser.vocabulary_size
    rows = [canvas(prompt(length + 32, vocabulary=vocabulary), range(16, 16 + length)) for length in lengths]
    with Allocations() as allocations, denoiser.prefill(prompt(context_tokens, vocabulary=vocabulary)) as context:
        assert allocations.peak - allocations.held < reckoned
        before = allocations.begin()
        stepper = denoiser.start(context, rows, seeds=range(len(rows)), config=DenoiseConfig(max_denoising_steps=2))
        for _ in range(2):
            stepper.step()
        denoiser.reader(context).read([ScoreQuery(token_ids=row.token_ids) for row in rows])
    assert least * reckoned < allocations.peak - before < reckoned


REQUESTS = {
    "within": InfillRequest(text="x = foo(bar)\n", holes=(Span(start=8, end=8),), mode="line", n=16),
    "line": InfillRequest(text="x = \ny = 2\n", holes=(Span(start=4, end=4),), mode="line", n=16),
    "block": InfillRequest(text="def f():\n    \n", holes=(Span(start=13, end=13),), mode="block", n=16),
    "replaced": InfillRequest(text="x = foo(bar)\n" * 12, holes=(Span(start=0, end=142),), mode="block", n=16),
}


@pytest.mark.parametrize(("name", "clamped"), [*((name, "every_step") for name in REQUESTS), ("replaced", "read_once")])
def test_the_largest_request_of_a_derived_profile_takes_no_more_than_was_reckoned(
    name: str, clamped: Literal["every_step", "read_once"]
) -> None:
    context_tokens = 512
    config = configuration(**SMALL | {"vocab_size": 8192, "num_hidden_layers": 6})
    denoiser = random_denoiser(config, "none", context_tokens)
    profile = derived_profile(DenoiseConfig(max_denoising_steps=2, clamped=clamped))
    budget = Needs(config, torch.bfloat16, profile.largest_request()).budget("none", context_tokens=context_tokens)
    infiller = Infiller(denoiser, TextTokens.load(NANO), profile)
    with Allocations() as allocations:
        *_, last = infiller.fill(REQUESTS[name])
    assert isinstance(last, Filled)
    assert allocations.peak < budget.key_values + budget.workspace


def random_denoiser(config: DiffusionGemmaConfig, scheme: Scheme, context_tokens: int) -> ReferenceDenoiser:
    device = torch.device("cpu")
    model = EmptyModel(config, torch.bfloat16)
    formats = formats_of(model.weights, scheme)
    model.pack(formats)
    held = {
        f"{packed.name}.{part}" if part else packed.name: tensor
        for packed in packed_stream(random_tensors(model.weights, device), formats, device)
        for part, tensor in packed.parts.items()
    }
    denoiser = finish(model, held, device, offloaded=0, context_tokens=context_tokens)
    return ReferenceDenoiser(denoiser.backbone, context_tokens=context_tokens)
