"""`dgemma-lsp fill`: fill holes in a file, and show the result.

Every byte outside the holes stays as it is, and so does the file, unless it is to be written.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import aclosing

from dgemma_lsp.answer import Answer, collect
from dgemma_lsp.cli.common import read_settings, warn
from dgemma_lsp.cli.diff import unified_diff
from dgemma_lsp.cli.source import Source, read_source, write_source
from dgemma_lsp.cli.target import Hole, Target, check_holes
from dgemma_lsp.context import cut_window, readable
from dgemma_lsp.host.client import EngineClient, connect
from dgemma_lsp.logs import log_to_stderr
from dgemma_lsp.silence import Silence
from infill.request import Draft, InfillRequest

NOTHING_TO_OFFER = 3


def fill(arguments: argparse.Namespace) -> int:
    """Run the command; 3 if there is nothing to offer.

    Raises:
        CommandError: the file or a position is not usable, or the result cannot be written.
        EngineError: the engine cannot serve the request.
    """
    settings, problems = read_settings(arguments)
    for problem in problems:
        warn(problem)
    # What goes wrong is told once, by the command itself.
    log_to_stderr(arguments.log_level or "critical")
    target: Target = arguments.target
    source = read_source(target.path)
    holes = check_holes([target.hole, *arguments.hole], source.lines, target.path)
    context = settings.config.context
    window = cut_window(source.lines, holes, before=context.before, after=context.after)
    request = InfillRequest(
        text=window.text,
        holes=window.holes,
        instruction=None if arguments.instruction is None else readable(arguments.instruction),
        path=_prompt_path(target),
        n=arguments.n,
        seed=arguments.seed,
    )
    client = connect(settings.config.engine, engine_url=arguments.engine, in_process=arguments.in_process)
    if arguments.watch:
        # Importing it takes a tenth of a second.
        from dgemma_lsp.cli.watch import Watch

        with Watch(request) as watch:
            answer = asyncio.run(_ask(client, request, watch.show))
            if answer.candidates:
                watch.finish(answer.candidates[0].texts)
    else:
        answer = asyncio.run(_ask(client, request))
        _present(arguments, source, holes, answer)
    return _conclude(arguments, source, holes, answer)


async def _ask(client: EngineClient, request: InfillRequest, show: Callable[[Draft], None] | None = None) -> Answer:
    loading = asyncio.create_task(_show_loading(client)) if sys.stderr.isatty() else None
    try:
        events = client.infill(request, priority="rewrite", owner=None, drafts=show is not None)
        return await collect(events, show)
    finally:
        if loading is not None:
            loading.cancel()
            # Whatever it fails of, the request fails of as well, and that is told.
            await asyncio.gather(loading, return_exceptions=True)
        await client.close()


async def _show_loading(client: EngineClient) -> None:
    """Keep one line of stderr up to date until the model is there."""
    await client.start()
    try:
        async with aclosing(client.watch()) as statuses:
            async for status in statuses:
                if status.state not in ("starting", "loading"):
                    break
                percentage = "" if status.progress is None else f" {status.progress:.0%}"
                _show_line(f"{status.message or status.state}{percentage}")
    finally:
        _show_line("")


def _show_line(text: str) -> None:
    print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _prompt_path(target: Target) -> str:
    """What the prompt calls the file: the path as given if that is relative, else the name."""
    path = target.path.name if target.path.is_absolute() else target.path.as_posix()
    return readable(path)


def _present(arguments: argparse.Namespace, source: Source, holes: list[Hole], answer: Answer) -> None:
    if arguments.json:
        print(json.dumps(_as_json(answer), indent=2))
    elif arguments.diff:
        before, name = "".join(source.lines), readable(source.path.as_posix().lstrip("/"))
        for candidate in answer.candidates:
            for line in unified_diff(before, "".join(source.filled(holes, candidate.texts)), name):
                sys.stdout.buffer.write((_coloured(line) if sys.stdout.isatty() else line).encode())
        sys.stdout.flush()
    elif answer.candidates and not arguments.write:
        sys.stdout.buffer.write(source.encode(source.filled(holes, answer.candidates[0].texts)))
        sys.stdout.flush()


def _conclude(arguments: argparse.Namespace, source: Source, holes: list[Hole], answer: Answer) -> int:
    if not answer.candidates:
        warn(f"nothing to offer: {Silence(answer.rejection.reason)}" if answer.rejection else "nothing to offer")
        return NOTHING_TO_OFFER
    if arguments.write:
        write_source(source, source.filled(holes, answer.candidates[0].texts))
    if not arguments.json:
        print(_statistics(answer), file=sys.stderr)
    return 0


def _as_json(answer: Answer) -> dict[str, object]:
    """The shape that scripts rely on. Where there is nothing to offer, the reason takes the stop reason's place."""
    done, rejection = answer.done, answer.rejection
    return {
        "texts": answer.candidates[0].texts if answer.candidates else [],
        "candidates": [
            {"texts": candidate.texts, "score": candidate.score, "worst_entropy": candidate.worst_entropy}
            for candidate in answer.candidates
        ],
        "passes": done.passes,
        "ms": dict(done.ms),
        "stop_reason": rejection.reason if rejection else done.stop_reason,
    }


def _statistics(answer: Answer) -> str:
    done = answer.done
    stages = ", ".join(f"{stage} {ms:.0f} ms" for stage, ms in done.ms.items())
    return (
        f"{done.stop_reason} after {done.passes} passes over {done.token_positions} positions, {done.free_tokens} "
        f"tokens free; context of {done.context_tokens} tokens, {done.cached_tokens} cached; {stages}"
    )


def _coloured(line: str) -> str:
    """A line of a diff with a terminal's colours, if it has one."""
    colour = {"+": 32, "-": 31, "@": 36}.get(line[0])
    return line if colour is None else f"\x1b[{colour}m{line.rstrip(chr(10))}\x1b[0m\n"
