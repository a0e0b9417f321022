"""The model card of the embedded checkpoint: measured figures around fixed words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure

from bench.answers import Answer
from bench.cases import Case
from bench.machine import machine
from bench.nano.measures import SHORT_TOKENS, CausalNats, Figures, Share, causal_nats, examples, figures
from bench.nano.shape import text_configuration
from bench.nano.shapes import Comparison
from bench.nano.training import STAGES
from engine.train.loop import LOG_FILE
from engine.train.model import TrainableBackbone

CURVES = "curves.png"
CURVE_NAMES = {
    "tuning_causal": "left to right, tuning packages",
    "tuning_hole": "holes in full noise, tuning packages",
    "causal_plain": "left to right, training batches (a quarter of them frames)",
}
_LINES_SHOWN = 3
_EXAMPLES = 10


def write(
    state: Path, run: Path, directory: Path, *, twin: Path, limit: int, answers: Path | None, twin_answers: Path | None
) -> None:
    """Measure the checkpoint in `directory`, which `run` was exported to, and write its README.md and curves.

    twin: where its twin lies; what is not there is not measured. limit: held-out cases of each split that are filled.
    answers, twin_answers: files to keep what each answered in.
    """
    log = _log(run)
    draw_curves(log, directory / CURVES)
    sources = json.loads((state / "corpus" / "sources.json").read_text())
    text = render(
        sources=sources,
        log=log,
        causal=causal_nats(state, run),
        own=figures(directory, limit, answers),
        twin=figures(twin, limit, twin_answers) if twin.exists() else None,
        twin_log=_log(state / STAGES["twin"].directory) if twin.exists() else (),
        compared=Comparison.read(),
        shown=list(examples(directory, min(_EXAMPLES, limit))),
    )
    (directory / "README.md").write_text(text)


def _log(run: Path) -> list[Mapping[str, Any]]:
    return [json.loads(line) for line in (run / LOG_FILE).read_text().splitlines()]


def draw_curves(log: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Losses over tokens, as an image."""
    figure = Figure(figsize=(7, 4), layout="tight")
    axes = figure.add_subplot()
    for name, label in CURVE_NAMES.items():
        points = [(line["tokens"] / 1e6, line[name]) for line in log if name in line]
        axes.plot(*zip(*points, strict=True), label=label, marker="." if len(points) < 60 else "")
    axes.set(xlabel="million tokens seen", ylabel="nats a token")
    axes.legend()
    axes.grid(visible=True, alpha=0.3)
    figure.savefig(path, dpi=100, metadata={"Software": None})


def render(
    *,
    sources: Sequence[Mapping[str, Any]],
    log: Sequence[Mapping[str, Any]],
    causal: CausalNats,
    own: Figures,
    twin: Figures | None,
    twin_log: Sequence[Mapping[str, Any]] = (),
    compared: Comparison,
    shown: Iterable[tuple[Case, Answer]],
) -> str:
    """The card's text."""
    last = log[-1]
    evaluated = next(line for line in reversed(log) if "tuning_hole" in line)
    ngrams = "\n".join(
        f"| interpolated Kneser-Ney {order}-gram, same tokens and training text | {nats:.2f} |"
        for order, nats in causal.ngrams.items()
    )
    return _CARD.format(
        parameters=sum(parameter.numel() for parameter in TrainableBackbone(text_configuration()).parameters()) / 1e6,
        tokens=last["tokens"] / 1e6,
        steps=int(last["step"]),
        commands="\n".join(_training_commands(log)),
        hours=last["seconds"] / 3600,
        machine=machine("cpu"),
        torch=torch.__version__.partition("+")[0],
        causal_tokens=causal.tokens,
        encoder=causal.encoder,
        ngrams=ngrams,
        tuning_hole=evaluated["tuning_hole"],
        twin=_twin(twin_log),
        shapes="\n".join(_shape_rows(compared)),
        shapes_minutes=compared.seconds / 60,
        shapes_machine=compared.machine,
        shapes_torch=compared.torch,
        shapes_verdict=_shapes_verdict(compared),
        exact="\n".join(_exact_rows(own, twin)),
        curves=CURVES,
        sources=_source_table(sources),
        examples="\n".join(_example(case, answer) for case, answer in shown),
    )


def _training_commands(log: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The stages in the order in which they were gone through, each to its last step."""
    decay = _decay(log)
    stages = [(stage, list(lines)[-1]["step"]) for stage, lines in groupby(log, key=lambda line: line["stage"])]
    for stage, steps in stages:
        end = f" --decay {decay}" if decay and steps == log[-1]["step"] else ""
        yield f"    torchrun --standalone --nproc-per-node 2 -m bench.nano train {stage} --steps {steps}{end}"


def _twin(log: Sequence[Mapping[str, Any]]) -> str:
    """How the twin was made, from its log, which begins with that of the stages it shares."""
    own = [line for line in log if line["stage"] == "twin"]
    if not own:
        return "It has not been trained yet."
    shared = [line for line in log if line["stage"] != "twin"][-1]
    tokens = (own[-1]["tokens"] - shared["tokens"]) / 1e6
    *_, command = _training_commands(log)
    return f"It went on from there for {tokens:.1f} million tokens: `{command.strip()}`."


def _shape_rows(compared: Comparison) -> Iterator[str]:
    """What each shape's run reached."""
    for run in compared.reached:
        size = f"{run.parameters / 1e6:.1f} | {run.mebibytes:.1f}"
        yield f"| {run.words} | {size} | {run.steps} | {run.tokens / 1e6:.2f} | {run.nats:.3f} | {run.lines:.1%} |"


def _shapes_verdict(compared: Comparison) -> str:
    """Whether another shape than the shipped one, which comes first and, from other weights, second, did better."""
    shipped, again, *others = compared.reached
    best = min(others, key=lambda run: run.nats)
    chance = abs(again.nats - shipped.nats)
    below = min(shipped.nats, again.nats) - best.nats
    start = f"The same shape from other first weights ended {chance:.3f} nats a character away"
    if below <= 0:
        return f"{start}, and no other shape ended lower than both of its runs."
    named = f'"{best.words}" ended {below:.3f} lower than both of its runs'
    if below <= chance:
        return f"{start}; {named}, which may be chance."
    return f"{start}.\n**The shipped shape is not the best of these: {named}.**"


def _decay(log: Sequence[Mapping[str, Any]]) -> int:
    """Steps of the final decay, from the rate in its first line; `engine.train.optimizer.rate` says how it falls."""
    steps = log[-1]["step"]
    # The first half holds the warm-up.
    falling = [line for line in log if line["rate"] < 1 and line["step"] > steps / 2]
    return round((steps - falling[0]["step"] + 1) / falling[0]["rate"]) if falling else 0


def _exact_rows(own: Figures, twin: Figures | None) -> Iterator[str]:
    """What came out exactly right, a kind of hole a row: of this checkpoint and of its twin."""
    others = twin.exact if twin else [None] * len(own.exact)
    for mine, other in zip(own.exact, others, strict=True):
        yield _row(f"{mine.split}, all holes", mine.every, other and other.every)
        yield _row(f"{mine.split}, holes of at most {SHORT_TOKENS} tokens", mine.short, other and other.short)
    yield _row("renames in words", own.renames, twin and twin.renames)


def _row(words: str, own: Share, twin: Share | None) -> str:
    return f"| {words} | {_share(own)} | {_share(twin) if twin else '-'} |"


def _share(share: Share) -> str:
    return f"{share.right / share.n:.1%} of {share.n}" if share.n else "-"


def _source_table(sources: Sequence[Mapping[str, Any]]) -> str:
    """Packages by split; the standard library's as one line each split."""
    lines = ["| split | package | version | licence | characters |", "| --- | --- | --- | --- | ---: |"]
    for split in ("train", "tuning", "heldout"):
        own = [source for source in sources if source["split"] == split]
        standard = [source for source in own if source["package"].startswith("python/")]
        for source in own:
            if source not in standard:
                lines.append(
                    f"| {split} | {source['package']} | {source['version']} | {source['licence']} "
                    f"| {source['characters']:,} |"
                )
        if standard:
            names = ", ".join(source["package"].removeprefix("python/") for source in standard)
            modules = f"standard library: {names if split != 'train' else f'{len(standard)} other modules'}"
            total = sum(source["characters"] for source in standard)
            lines.append(f"| {split} | {modules} | {standard[0]['version']} | {standard[0]['licence']} | {total:,} |")
    return "\n".join(lines)


def _example(case: Case, answer: Answer) -> str:
    """The lines before the hole, its own, and the one after it; what stood there and what was written."""
    before = case.text[: case.hole.start].split("\n")[-_LINES_SHOWN:]
    after = case.text[case.hole.end :].split("\n")[:2]
    around = "\n".join(before) + "⟦ ⟧" + "\n".join(after)
    written = "nothing" if answer.middle is None else f"`{answer.middle}`"
    verdict = "right" if answer.middle == case.truth else "not the same"
    return f"`{case.path}`\n```python\n{around}\n```\nstood there: `{case.truth}` · written: {written} ({verdict})\n"


_CARD = """\
---
license: apache-2.0
library_name: transformers
tags: [diffusion, code, infilling]
---
# nano: a small DiffusionGemma for code

The checkpoint that ships inside the package, so that everything works with no download and no GPU. It has exactly the
architecture class of the real model (`DiffusionGemmaForBlockDiffusion`; five sliding layers to a full one, values that
are the keys in the full one, a dense MLP beside top-2 of 8 narrow experts, tied embeddings, uniform-state diffusion
with self-conditioning) at {parameters:.1f} million parameters of text model, plus an untrained vision tower of minimal
width that is there only so that stock transformers finds every tensor.

It was trained from nothing, for hours, on two CPU cores. **It is for tests, and to show that everything works: of the
lines it writes, a few are right, most look like code, and some do not.** Do not judge the method, or the real model, by
it.

## Figures
All on packages that were not trained on (see the table of sources).

Left to right, the encoder, {causal_tokens:,} tokens:

| model | nats a token |
| --- | ---: |
| this encoder, 512-token rows started afresh | {encoder:.2f} |
{ngrams}

Exactly right at the true length, through the product's own pipeline: the first holes of each split of
`bench/data/heldout.jsonl.gz` (`bench.quality --methods oracle`), and the first rewrites of at most 40 tokens in
`bench/data/heldout-renames.jsonl.gz`, where a name is to become another. The twin goes on from the same causal stage by
the official recipe alone, as the real model was trained; what helps only this checkpoint says nothing about that one.
The first cases need not be like the rest: `bench/README.md` has all 1,000.

| | this checkpoint | its twin |
| --- | ---: | ---: |
{exact}

Mean cross-entropy of a hole's tokens from full noise in one pass (tuning packages): {tuning_hole:.2f} nats a token.

![losses]({curves})

## How it was made

    python -m bench.nano prepare
{commands}
    python -m bench.nano export
    python -m bench.nano card

Three stages. **causal**: plain code, a quarter of it in the very prompt frames that `infill` builds, and, every
fourth batch, rows that repeat pieces of themselves, read left to right. Without those rows the model did not learn to
copy what stands earlier in a file, which is most of what a small one can know: on tokens that follow the one before
them for the second time (tuning packages), an encoder lost 2.9 nats a token after 2.7 million tokens of code and
frames, and 1.1 after 1.1 million more of which half were such rows. **recall**: rows that repeat themselves, and
code, as a context of 256 tokens and a canvas of 256 with holes; the decoder has to learn to copy for itself.
**adapt**: frames of every kind of request (a hole at a line's end, at random, of several lines; several holes;
rewrites; edits), each with three canvases of up to 96 tokens over its context of up to 320, one with the request's
own holes free; the same with contexts of up to 1,024; code and repeating rows as before; and questions with whole
answers, by the official recipe.

All canvases but the requests' own have several short holes or, in a fifth of the cases, all positions free. Free
positions are replaced by uniform tokens, all of them in half of the cases and else at a level drawn uniformly; the
loss is the mean over free positions plus the encoder's causal loss; in the last stage a quarter of the steps are
conditioned on a first pass. Muon for matrices, Adam for the rest; rates are constant after a warm-up and fall
linearly to 0 at the end.

{steps} steps, {tokens:.1f} million tokens (padding included), {hours:.1f} hours of wall-clock time on a busy machine
({machine}), torch {torch}, products in bfloat16 and everything else in float32, two single-threaded workers. Seeds
are fixed; the number of workers is part of the result. The weights are stored in bfloat16.

**The twin** shares the causal stage as it stood before the decoder learnt anything of ours; the frames that the stage
reads left to right are part of it. {twin}

**The shape** was not chosen by comparison runs. A hidden width of 256 with a dense MLP of 256 was taken over one of 512
for its speed (about a fifth fewer operations a token). Only after these weights had been trained were shapes compared,
by `python -m bench.nano shapes --minutes {shapes_minutes:g}`: each from nothing on the same code, in the same order and
at the same rates, for as many minutes of CPU time of one core (in turns, on a busy machine: {shapes_machine}, torch
{shapes_torch}), and then measured on the tuning packages: nats left to right, and the lines that greedy decoding writes
whole from what precedes them.

| shape | million parameters | MiB in bfloat16 | steps | million tokens | nats a character | lines written whole |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
{shapes}

{shapes_verdict}
Runs so short tell which shape learns fastest at first and say little of where hours of training end, and nothing of how
a shape fills holes.

## Limits
- Python mostly, some JavaScript and TypeScript; nothing else was seen. No natural-language ability at all.
- Few frames in training went past 512 positions, and none past 1,120.
- Of instructions it knows a handful of wordings (renames, type hints, docstrings, f-strings, early returns, an argument
  passed on, a constant), and no snippets of other files.
- It may repeat pieces of its training sources, whose licences are listed below.

## Ten held-out single-line holes, the first by the seed, unselected
{examples}
## Sources
Read from what was installed; permissive licences only; files over 200 kB, generated or mostly repeating others left
out; licence headers cut. The tokenizer (8,192 pieces, byte fallback) was trained on the training split alone.

{sources}
"""
