"""How long a user waits: `python -m bench.latency [--checkpoint WORD] [--device D] [--json]`.

Rows, in milliseconds:

initialize         from the start of a front end's process to the answer to `initialize`
front_end          an inline completion in a document of 1 MB with an engine that takes no time; edits lie in between
typed_through      the same while what is shown is typed, which asks no engine
host_single_line   a single-line completion in a host process, its stages added; about 512 tokens of context prefilled
host_single_line_one_loop, host_single_line_busy   the same completions with one and with two busy loops beside the host
new_place          a single-line completion at a place that the model has not seen, with a full context
new_place_ahead    the same where the prompt was prefilled ahead, as for a cursor that rested there
transport          a single-line completion as the client sees it, less its stages
denoising_step     one step of it
cancel             from a request that supersedes a running one to its own first step, which is when the model is free
cancelled_step     the step, the second of a block, that the superseded request was in
rewrite_first_frame   from a request to a front end to rewrite ten lines, none of it prefilled, to its first draft
rewrite_frame      from one of its drafts to the next
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import pairwise
from statistics import median
from typing import BinaryIO, cast

from bench.cases import Case, load
from bench.editor import Editor
from bench.front_end import SHOWN
from bench.machine import machine
from dgemma_lsp.client.launch import Launcher
from dgemma_lsp.client.remote import HostClient
from dgemma_lsp.wire.errors import Superseded
from dgemma_lsp.wire.identity import EngineOptions
from dgemma_lsp.wire.messages import Answer, Owner
from infill.request import Draft, InfillRequest, Span

DOCUMENT_BYTES = 1_000_000
CONTEXT_TOKENS = 512
WINDOW = 24_000
"""Code points that the front end sends."""
SERVER = (sys.executable, "-m", "dgemma_lsp", "--stdio")
REWRITTEN_LINES = 10
INSTRUCTION = "add type hints"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Milliseconds at the median and at the 99th percentile of n samples."""

    p50: float
    p99: float
    n: int

    @classmethod
    def of(cls, samples: Sequence[float]) -> Row:
        """Sum samples up."""
        ordered = sorted(samples)
        return cls(p50=median(ordered), p99=ordered[round(0.99 * (len(ordered) - 1))], n=len(ordered))


def measure_initialize(n: int) -> Row:
    """Start front ends one after another."""
    samples: list[float] = []
    for _ in range(n):
        started = time.perf_counter()
        with subprocess.Popen(SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            editor = Editor(cast(BinaryIO, process.stdout), cast(BinaryIO, process.stdin))
            editor.initialize()
            samples.append(_ms_since(started))
            editor.leave()
    return Row.of(samples)


def measure_front_end(n: int) -> Row:
    """Ask at random places of a large document, with an edit before each question."""
    draw = random.Random(0)
    samples: list[float] = []
    with _served() as editor:
        lines = _open_document(editor)
        for _ in range(n):
            editor.insert(draw.randrange(lines), 0, "#")
            editor.settle()
            line = draw.randrange(lines)
            samples.append(_timed(partial(editor.complete, line, 4), [SHOWN]))
    return Row.of(samples)


def measure_typed_through(n: int) -> Row:
    """Type what is shown, letter by letter, and ask after each."""
    samples: list[float] = []
    with _served() as editor:
        lines = _open_document(editor)
        for line in range(0, lines, 100):
            editor.complete(line, 4)
            for typed in range(1, len(SHOWN)):
                editor.insert(line, 3 + typed, SHOWN[typed - 1])
                editor.settle()
                # The engine would offer the whole again.
                samples.append(_timed(partial(editor.complete, line, 4 + typed), [SHOWN[typed:]]))
            if len(samples) >= n:
                break
    return Row.of(samples)


def _open_document(editor: Editor) -> int:
    """Open the large document; returns the number of its lines."""
    text = "    value = compute(value, 'é🦀')  # some words\n"
    lines = DOCUMENT_BYTES // len(text.encode())
    editor.initialize()
    editor.open(text * lines)
    return lines


def _timed(complete: Callable[[], list[str]], expected: list[str]) -> float:
    """Milliseconds that an answer takes; it has to be the right one."""
    started = time.perf_counter()
    texts = complete()
    elapsed = _ms_since(started)
    if texts != expected:
        raise RuntimeError(f"the front end suggested {texts}, not {expected}")
    return elapsed


@contextmanager
def _served() -> Generator[Editor]:
    """An editor and its front end, whose engine takes no time."""
    command = [sys.executable, "-m", "bench.front_end"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        editor = Editor(cast(BinaryIO, process.stdout), cast(BinaryIO, process.stdin))
        yield editor
        editor.leave()


async def measure_host(options: EngineOptions, n: int) -> dict[str, Row]:
    """Ask a host process of our own."""
    client = HostClient(Launcher(options))
    stages: list[float] = []
    new: dict[bool, list[float]] = {False: [], True: []}
    beside_loops: dict[int, list[float]] = {1: [], 2: []}
    transport: list[float] = []
    steps: list[float] = []
    cancels: list[float] = []
    cancelled: list[float] = []
    try:
        for case in load("single")[:n]:
            request = await _with_context(client, case)
            drafts, done, _ = await _ask(client, request, drafts=True)
            if drafts:
                steps.append(done.ms["denoise"] / drafts)
            _, done, elapsed = await _ask(client, request)
            stages.append(_stages_ms(done))
            transport.append(elapsed - sum(done.ms.values()))
            for ahead, samples in new.items():
                # Another path is another prompt.
                whole = replace(_cut(case, WINDOW), path=f"{ahead}/{case.path}")
                if ahead:
                    await _ask(client, replace(whole, prefill_only=True))
                _, done, _ = await _ask(client, whole)
                samples.append(_stages_ms(done))
            for loops, samples in beside_loops.items():
                with _busy_loops(loops):
                    _, done, _ = await _ask(client, request)
                samples.append(_stages_ms(done))
            # A block takes many steps, so it is still at work when another request comes.
            block = replace(request, mode="block")
            cancelled.append(await _second_step(client, block))
            cancels.append(await _supersede(client, block, request))
        worst = (await client.status()).steps_after_cancel_max
        if worst > 1:
            raise RuntimeError(f"a superseded request ran {worst} further steps")
        await client.stop()
    finally:
        await client.close()
    return {
        "host_single_line": Row.of(stages),
        "host_single_line_one_loop": Row.of(beside_loops[1]),
        "host_single_line_busy": Row.of(beside_loops[2]),
        "new_place": Row.of(new[False]),
        "new_place_ahead": Row.of(new[True]),
        "transport": Row.of(transport),
        "denoising_step": Row.of(steps),
        "cancel": Row.of(cancels),
        "cancelled_step": Row.of(cancelled),
    }


def measure_rewrite(options: EngineOptions, n: int) -> dict[str, Row]:
    """Rewrite ten lines around each of the first held-out blocks, with a front end and a host of our own."""
    firsts: list[float] = []
    between: list[float] = []
    engine = ["--checkpoint", options.checkpoint, "--device", options.device]
    pipe = subprocess.PIPE
    with subprocess.Popen([*SERVER, *engine], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        editor = Editor(cast(BinaryIO, process.stdout), cast(BinaryIO, process.stdin))
        editor.initialize()
        editor.open("a = 1\n")
        editor.rewrite(0, 1, INSTRUCTION)  # The model is there now.
        for case in load("block")[:n]:
            first = max(case.text.count("\n", 0, case.hole.start) - REWRITTEN_LINES // 2, 0)
            past = min(first + REWRITTEN_LINES, case.text.count("\n"))
            editor.reopen(case.text)
            frames = editor.rewrite(first, past, INSTRUCTION)
            firsts.append(frames[0])
            between += [later - earlier for earlier, later in pairwise(frames)]
        editor.leave()
    return {"rewrite_first_frame": Row.of(firsts), "rewrite_frame": Row.of(between)}


def _stages_ms(done: Answer) -> float:
    """Milliseconds of a request's stages, without its time in the queue."""
    return sum(done.ms.values()) - done.ms["queue"]


@contextmanager
def _busy_loops(count: int) -> Generator[None]:
    """Keep so many other processes busy, as a compiler or a test run does."""
    command = [sys.executable, "-ISc", "print(flush=True)\nwhile True: pass"]
    with ExitStack() as stack:
        for _ in range(count):
            loop = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
            stack.callback(loop.kill)
            cast(BinaryIO, loop.stdout).readline()
        yield


async def _with_context(client: HostClient, case: Case) -> InfillRequest:
    """A case cut to a context of about the wanted length; the context is prefilled."""
    request = _cut(case, 4 * CONTEXT_TOKENS)
    _, done, _ = await _ask(client, request)
    return _cut(case, 4 * CONTEXT_TOKENS * CONTEXT_TOKENS // max(1, done.context_tokens))


def _cut(case: Case, size: int) -> InfillRequest:
    """The hole with so many code points around it, emptied."""
    start = max(0, case.hole.start - size * 2 // 3)
    prefix, suffix = case.text[start : case.hole.start], case.text[case.hole.end :]
    at = Span(start=len(prefix), end=len(prefix))
    text = prefix + suffix[: size - len(prefix)]
    return InfillRequest(text=text, holes=(at,), path=case.path, language_id="python", mode="line")


async def _ask(client: HostClient, request: InfillRequest, *, drafts: bool = False) -> tuple[int, Answer, float]:
    """Number of drafts, cost and milliseconds of a request."""
    started = time.perf_counter()
    async with aclosing(client.infill(request, priority="inline", owner=None, drafts=drafts)) as stream:
        events = [event async for event in stream]
    elapsed = _ms_since(started)
    [done] = [event for event in events if isinstance(event, Answer)]
    return sum(isinstance(event, Draft) for event in events), done, elapsed


async def _second_step(client: HostClient, request: InfillRequest) -> float:
    """Milliseconds between a request's first draft and its second."""
    async with aclosing(client.infill(request, priority="inline", owner=None, drafts=True)) as stream:
        drafts = [time.perf_counter() async for event in stream if isinstance(event, Draft)]
    return 1000 * (drafts[1] - drafts[0])


async def _supersede(client: HostClient, block: InfillRequest, request: InfillRequest) -> float:
    """Supersede a request after its first step; milliseconds that its successor then waits."""
    owner = Owner(client="bench", document="", kind="inline")
    async with aclosing(client.infill(block, priority="inline", owner=owner, drafts=True)) as old:
        await anext(old)
        async with aclosing(client.infill(request, priority="inline", owner=owner)) as new:
            events = [event async for event in new]
        try:
            async for _ in old:
                pass
        except Superseded:
            pass
    [done] = [event for event in events if isinstance(event, Answer)]
    return done.ms["queue"]


def _ms_since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Measure and print."""
    options = _arguments()
    rows = {
        "initialize": measure_initialize(20),
        "front_end": measure_front_end(300),
        "typed_through": measure_typed_through(300),
    }
    # A host of our own, whatever runs on this machine already. Its socket needs a short path.
    with tempfile.TemporaryDirectory(prefix="dg-") as home:
        os.environ.update(XDG_RUNTIME_DIR=home, XDG_STATE_HOME=home)
        engine = EngineOptions(checkpoint=options.checkpoint, device=options.device)
        rows |= asyncio.run(measure_host(engine, options.limit))
        rows |= measure_rewrite(engine, options.limit)
    if options.json:
        report = {"machine": machine(options.device), "checkpoint": options.checkpoint}
        print(json.dumps(report | {"rows": {name: asdict(row) for name, row in rows.items()}}))
    else:
        for name, row in rows.items():
            print(f"{name:25} p50 {row.p50:8.2f} ms  p99 {row.p99:8.2f} ms  n {row.n}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description="How long a user waits.")
    parser.add_argument("--checkpoint", default="nano", metavar="nano|DIR|REPO", help="what the host loads")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--limit", type=int, default=40, metavar="N", help="completions asked of the host")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
