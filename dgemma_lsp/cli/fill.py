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

from dgemma_lsp.cli.common import read_settings, show_line, warn
from dgemma_lsp.cli.file.diff import unified_diff
from dgemma_lsp.cli.file.source import Source, read_source, write_source
from dgemma_lsp.cli.file.target import Hole, Target, check_holes
from dgemma_lsp.client.client import EngineClient, collect
from dgemma_lsp.connect import connect
from dgemma_lsp.documents.window import cut_window, readable
from dgemma_lsp.logs import log_to_stderr
from dgemma_lsp.silence import Silence
from dgemma_lsp.wire.messages import Answer
from infill.request import Draft, InfillRequest, StopReason

NOTHING_TO_OFFER = 3

_STAGES = {"queue": "waited", "prefill": "read the context", "denoise": "denoised", "rank": "compared"}
_ENDINGS: dict[StopReason, str] = {
    "settled": "the text had settled",
    "step_limit": "all denoising steps were used",
    "deadline": "the time was over",
}


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
        force=arguments.force,
    )
    client = connect(settings.config.engine, engine_url=arguments.engine, in_process=arguments.in_process)
    if arguments.watch:
        # Importing it takes a tenth of a second.
        from dgemma_lsp.cli.watch import Watch

        with Watch(request, slow=arguments.slow) as watch:
            answer = asyncio.run(_ask(client, request, watch.show))
            if answer.candidates:
                watch.finish(answer.candidates[0].texts)
    else:
        answer = asyncio.run(_ask(client, request))
        _present(arguments, source, holes, answer)
    return _conclude(arguments, source, holes, answer, request)


async def _ask(client: EngineClient, request: InfillRequest, show: Callable[[Draft], None] | None = None) -> Answer:
    loading = asyncio.create_task(_show_loading(client)) if sys.stderr.isatty() else None
    try:
        events = client.infill(request, priority="rewrite", owner=None, drafts=show is not None)
        answer = await collect(events, show)
        if request.instruction_words and (notice := (await client.status()).instruction_notice):
            warn(notice)
        return answer
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
                if not status.loading:
                    break
                percentage = "" if status.progress is None else f" {status.progress:.0%}"
                show_line(f"{status.message}{percentage}")
    finally:
        show_line("")


def _prompt_path(target: Target) -> str:
    """What the prompt calls the file: the path as given if that is relative, else the name."""
    path = target.path.name if target.path.is_absolute() else target.path.as_posix()
    return readable(path)


def _present(arguments: argparse.Namespace, source: Source, holes: list[Hole], answer: Answer) -> None:
    if arguments.json:
        print(json.dumps(_as_json(answer), indent=2))
    elif arguments.diff:
        path = source.path.as_posix().lstrip("/")
        before = source.encode(source.lines).decode()
        for number, candidate in enumerate(answer.candidates, 1):
            if len(answer.candidates) > 1:
                print(f"candidate {number} of {len(answer.candidates)}, score {candidate.score:.2f}", flush=True)
            after = source.encode(source.filled(holes, candidate.texts)).decode()
            for line in unified_diff(before, after, path):
                sys.stdout.buffer.write((_coloured(line) if sys.stdout.isatty() else line).encode())
        sys.stdout.flush()
    elif answer.candidates and not arguments.write:
        sys.stdout.buffer.write(source.encode(source.filled(holes, answer.candidates[0].texts)))
        sys.stdout.flush()


def _conclude(
    arguments: argparse.Namespace, source: Source, holes: list[Hole], answer: Answer, request: InfillRequest
) -> int:
    if not answer.candidates:
        warn(_nothing(answer, request))
        return NOTHING_TO_OFFER
    if arguments.write:
        write_source(source, source.filled(holes, answer.candidates[0].texts))
    if arguments.verbose and not arguments.json:
        # What was printed may end in the middle of a line.
        start = "\n" if sys.stdout.isatty() and sys.stderr.isatty() else ""
        print(f"{start}{_statistics(answer)}", file=sys.stderr)
    return 0


def _nothing(answer: Answer, request: InfillRequest) -> str:
    """Why there is nothing to offer, and what helps."""
    if answer.rejection is None:
        return "nothing to offer"
    help_ = (
        "; --force takes it all the same" if answer.rejection.reason == "breaks_syntax" and not request.force else ""
    )
    return f"nothing to offer: {Silence.of(answer.rejection)}{help_}"


def _as_json(answer: Answer) -> dict[str, object]:
    """The shape that scripts rely on. Where there is nothing to offer, the reason takes the stop reason's place."""
    rejection = answer.rejection
    return {
        "texts": answer.candidates[0].texts if answer.candidates else [],
        "candidates": [
            {"texts": candidate.texts, "score": candidate.score, "worst_entropy": candidate.worst_entropy}
            for candidate in answer.candidates
        ],
        "passes": answer.passes,
        "ms": dict(answer.ms),
        "stop_reason": rejection.reason if rejection else answer.stop_reason,
    }


def _statistics(answer: Answer) -> str:
    """What an answer cost, in words."""
    stages = ", ".join(f"{_STAGES.get(stage, stage)} {ms:.0f} ms" for stage, ms in answer.ms.items())
    ending = f"; {_ENDINGS[answer.stop_reason]}" if answer.stop_reason else ""
    return (
        f"{stages}; {answer.passes} passes of the model over {answer.token_positions} tokens, "
        f"{answer.context_tokens} of context ({answer.cached_tokens} known from before), "
        f"{answer.free_tokens} filled in{ending}"
    )


def _coloured(line: str) -> str:
    """A line of a diff with a terminal's colours, if it has one."""
    colour = {"+": 32, "-": 31, "@": 36}.get(line[0])
    return line if colour is None else f"\x1b[{colour}m{line.rstrip(chr(10))}\x1b[0m\n"
