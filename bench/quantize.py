"""What quantizing costs and what loading takes: `python -m bench.quantize table|load|full [--json]`.

`table` compares the schemes on a checkpoint: memory, how far its distributions move, steps to settle, exact matches.
`load` writes a random checkpoint of the real layers and measures the memory and the reading rate of its loading. `full`
has the whole model stream past, random, on a GPU, and fills a hole.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from bench.cases import Case
from bench.cases import load as load_cases
from bench.full_size import configuration
from bench.loading import measure_full, measure_load
from bench.machine import machine
from bench.methods import Model
from engine.canvas import DenoiseConfig
from engine.checkpoint.config import denoise_config, model_config
from engine.kv.cache import FrozenCache
from engine.kv.masks import TokenPositions
from engine.nano import DIRECTORY
from engine.placement.budget import Needs
from engine.placement.devices import find_device
from engine.quant.scheme import SCHEMES
from engine.reference import ReferenceDenoiser
from infill.prompt.layout import Layout, lay_out
from infill.request import InfillRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One scheme on held-out line ends at their true lengths. weights: bytes. kl: mean divergence, nats a position of
    the hole, of the first step's distributions from the unquantized ones. agreement: share of positions whose likeliest
    token is the same. steps: mean to settle, by the checkpoint's own configuration. exact_match: share of holes."""

    scheme: str
    n: int
    weights: int
    kl: float
    agreement: float
    steps: float
    exact_match: float


def table(directory: Path, device: str, limit: int) -> list[Row]:
    """Measure every scheme on the first held-out cases."""
    cases = load_cases("single")[:limit]
    exact: list[Tensor] = []
    rows: list[Row] = []
    for scheme in SCHEMES:
        model = Model(directory, device, scheme=scheme)
        denoiser = model.denoiser
        laid = [layout for case in cases if (layout := _layout(model, case)) is not None]
        distributions = [_first_distribution(denoiser, layout) for layout in laid]
        if scheme == "none":
            exact = distributions
        config = denoise_config(directory)
        rows.append(
            Row(
                scheme=scheme,
                n=len(cases),
                weights=Needs(model_config(directory), torch.bfloat16).budget(scheme, context_tokens=0).weights,
                kl=_mean((p.exp() * (p - q)).sum(-1) for p, q in zip(exact, distributions, strict=True)),
                agreement=_mean(
                    (p.argmax(-1) == q.argmax(-1)).float() for p, q in zip(exact, distributions, strict=True)
                ),
                steps=fmean(_steps(denoiser, layout, config) for layout in laid),
                exact_match=fmean(model.oracle(case).middle == case.truth for case in cases),
            )
        )
    return rows


def _mean(values: Iterator[Tensor]) -> float:
    return float(torch.cat(list(values)).mean())


def _layout(model: Model, case: Case) -> Layout | None:
    request = InfillRequest(text=case.text, holes=(case.hole,), path=case.path, mode=case.mode)
    layout = lay_out(request, model.tokens, model.profile.window)
    return layout if isinstance(layout, Layout) else None


def _first_distribution(denoiser: ReferenceDenoiser, layout: Layout) -> Tensor:
    """Log-probabilities at the hole's positions, which hold random tokens, before any step: [N, V]."""
    backbone = denoiser.backbone
    canvas = layout.filled(layout.present)
    noise = np.random.default_rng(0).integers(0, backbone.vocabulary_size, len(canvas))
    token_ids = torch.tensor(np.where(canvas.clamped, canvas.token_ids, noise), device=backbone.device).long()
    with denoiser.prefill(layout.context_ids) as context, torch.inference_mode():
        places = TokenPositions.of_rows(
            context.token_count, [torch.arange(len(canvas), device=backbone.device)], backbone.device
        )
        masks = backbone.decoder_masks(places, context.token_count)
        cache = FrozenCache(context.slot.sequence, context.token_count)
        signal = torch.zeros(len(canvas), backbone.hidden_size, dtype=backbone.dtype, device=backbone.device)
        hidden = backbone.decode(token_ids, signal, places, masks, cache)
        free = ~torch.tensor(canvas.clamped, device=backbone.device)
        return backbone.logits(hidden[free]).log_softmax(-1).cpu()


def _steps(denoiser: ReferenceDenoiser, layout: Layout, config: DenoiseConfig) -> int:
    """Steps until the hole settles, at its true length and by the checkpoint's own configuration."""
    with denoiser.prefill(layout.context_ids) as context:
        canvas = layout.noisy([len(ids) for ids in layout.present])
        stepper = denoiser.start(context, [canvas], seeds=[0], config=config)
        state = stepper.step()
        while not state.rows[0].settled and state.step < config.max_denoising_steps:
            state = stepper.step()
        return state.step


def main() -> None:
    """Measure and print."""
    options = _arguments()
    report: dict[str, object] = {"machine": machine(options.device)}
    match options.what:
        case "table":
            rows = table(options.checkpoint, options.device, options.limit)
            report |= {"checkpoint": options.checkpoint.name, "rows": [asdict(row) for row in rows]}
        case "load":
            report |= {"scheme": options.scheme} | measure_load(
                options.directory, options.scheme, configuration(num_hidden_layers=options.layers or 2)
            )
        case _:
            device = find_device(options.device)
            report |= {"scheme": options.scheme} | measure_full(
                options.directory,
                device,
                options.scheme,
                configuration(num_hidden_layers=options.layers or 30),
                max_gb=options.max_vram_gb,
            )
    if options.json:
        print(json.dumps(report))
    else:
        _show(report)


def _show(report: dict[str, object]) -> None:
    for name, value in report.items():
        for each in value if isinstance(value, Sequence) and not isinstance(value, str) else [value]:
            shown = f"{each:.3f}" if isinstance(each, float) else each
            print(f"{name}: {shown}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.quantize", description=__doc__)
    parser.add_argument("what", choices=("table", "load", "full"))
    parser.add_argument("--checkpoint", type=Path, default=DIRECTORY, metavar="DIR", help="for table (default: nano)")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="cases of the table (default: 100)")
    parser.add_argument("--scheme", choices=SCHEMES, default="int4", help="for load and full (default: int4)")
    parser.add_argument("--layers", type=int, metavar="N", help="real layers (default: 2 for load, 30 for full)")
    parser.add_argument("--max-vram-gb", type=float, metavar="GB", help="for full: as engine.maxVramGb")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--directory", type=Path, default=Path(tempfile.gettempdir()), help="where to write")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
