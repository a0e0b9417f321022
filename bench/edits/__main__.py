"""How good edit suggestions are: `python -m bench.edits [--data DIR] [--kinds A,B] [--limit N] [--tuning] [--json]`.

Asks a real `dgemma-lsp --stdio`. With `--data` it replays the scenarios of cursortab.nvim that lie there, beside their
baseline; without, it types the held-out changes, each of which others follow, or none. Thresholds are chosen on the
tuning cases; the held-out ones are for what is reported. Progress goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from bench.edits import following
from bench.edits.client import Client, serving
from bench.edits.follow.case import load, path_of
from bench.edits.scenarios import board, scenario
from bench.edits.scenarios.replay import Way, replay
from bench.machine import machine

WAYS: tuple[Way, ...] = ("edit", "completion")
_EVERY = 20
"""Cases between two lines of progress."""


def main() -> None:
    """Measure and print."""
    options = _arguments()
    engine = ["--checkpoint", options.checkpoint, "--device", options.device]
    command = [sys.executable, "-m", "dgemma_lsp", "--stdio", *engine]
    scenarios = _scenarios(options.data)
    with serving(command) as client:
        report = _follow(options, client) if scenarios is None else _replay(options, scenarios, client)
    about = {"machine": machine(options.device), "checkpoint": options.checkpoint}
    if options.json:
        print(json.dumps(about | report))


def _scenarios(directory: Path | None) -> list[scenario.Scenario] | None:
    try:
        return None if directory is None else scenario.load(directory)
    except scenario.ScenarioError as error:
        raise SystemExit(str(error)) from None


def _replay(options: argparse.Namespace, scenarios: list[scenario.Scenario], client: Client) -> dict[str, Any]:
    results: dict[Way, list[board.Result]] = {}
    for way in WAYS:
        results[way] = []
        for each in scenarios[: options.limit]:
            replayed = replay(each, client, way, unasked=options.unasked)
            results[way].append(board.result_of(each, replayed))
            _tell(_words(way, each, results[way][-1]))
    boards = [board.board_of(way, found) for way, found in results.items()]
    baseline = board.baseline_of(options.data)
    if not options.json:
        print(*board.table(boards, baseline), sep="\n")
    return board.to_json(boards, results, baseline)


def _words(way: Way, each: scenario.Scenario, result: board.Result) -> str:
    wanted = "quiet" if each.expected is None else f"{result.delta_chrf:5.1f}"
    missed = f"  expected {', '.join(result.missed)}" if result.missed else ""
    shown = "shown" if result.shown else "silent"
    reasons = ", ".join(dict.fromkeys(result.reasons))
    return f"{way:10} {each.name:36} {wanted:>6} {shown:7} {max(result.ms, default=0.0):6.0f} ms  {reasons}{missed}"


def _follow(options: argparse.Namespace, client: Client) -> dict[str, Any]:
    cases = load(path_of("tuning" if options.tuning else "heldout"))
    cases = following.chosen(cases, kinds=options.kinds, limit=options.limit)
    answers: list[following.Answered] = []
    shown = Counter[str]()
    for number, case in enumerate(cases, 1):
        answers.append(following.answered(case, client, to_the_end=options.to_the_end))
        if not answers[-1].is_right and shown[case.kind] < options.show:
            shown[case.kind] += 1
            _tell(answers[-1].words())
        if number % _EVERY == 0:
            _tell(f"{number} of {len(cases)}: {Counter(answer.verdict for answer in answers)}")
    rows = following.rows_of(answers)
    if not options.json:
        print(*(row.words() for row in rows), sep="\n")
    return following.to_json(rows, answers)


def _tell(words: str) -> None:
    """Say how it goes, apart from the result."""
    print(words, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.edits", description=__doc__)
    listed = {"type": lambda text: text.split(","), "metavar": "A,B"}
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of cursortab.nvim's scenarios")
    parser.add_argument("--unasked", action="store_true", help="replay as if nobody asked, whatever the steps say")
    parser.add_argument("--kinds", help="changes of these kinds only", **listed)
    parser.add_argument("--limit", type=int, metavar="N", help="the first N scenarios, or cases of each part")
    parser.add_argument("--tuning", action="store_true", help="the tuning cases in place of the held-out ones")
    parser.add_argument(
        "--to-the-end", action="store_true", help="accept what is offered, and ask again until nothing is"
    )
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print the first N wrong cases of each kind")
    parser.add_argument("--checkpoint", default="nano", metavar="WORD", help="as dgemma-lsp takes it (default: nano)")
    parser.add_argument("--device", default="auto", help="as dgemma-lsp takes it")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
