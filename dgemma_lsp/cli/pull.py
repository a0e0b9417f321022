"""`dgemma-lsp pull`: fetch a checkpoint, make it ready for this machine, and have `--checkpoint auto` mean it.

The only command that uses a network, and not even this one where it is given a directory.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from dgemma_lsp.checkpoints import hub
from dgemma_lsp.checkpoints.load_meter import GB
from dgemma_lsp.checkpoints.prepare import Prepared, prepare
from dgemma_lsp.checkpoints.resolve import EMBEDDED, Checkpoint, is_repository, named_directory, remember_pulled
from dgemma_lsp.cli.common import CommandError, read_settings, show_line, warn
from dgemma_lsp.config import Config
from dgemma_lsp.wire.identity import EngineOptions


def pull(arguments: argparse.Namespace) -> int:
    """Run the command.

    Raises:
        CommandError: what is named is neither a directory nor a repository.
        EngineError: it cannot be fetched, does not fit, or is broken.
    """
    settings, problems = read_settings(arguments)
    for problem in problems:
        warn(problem)
    config: Config = settings.config
    checkpoint = _checkpoint(arguments.source)
    prepared = _prepared(checkpoint, config.engine)
    remember_pulled(checkpoint)
    if prepared.scheme != "none":
        _offer_to_delete(checkpoint.directory, arguments.shards)
    print(f"{checkpoint.name} is what --checkpoint auto means from now on")
    return 0


def _checkpoint(source: str) -> Checkpoint:
    if (directory := named_directory(source)) is not None:
        print(f"{directory}: licence {_licence(directory)}")
        return Checkpoint(name=str(directory), directory=directory)
    if source == EMBEDDED:
        raise CommandError(f"{EMBEDDED} comes with dgemma-lsp; there is nothing to fetch")
    if not is_repository(source):
        raise CommandError(f"{source} is neither a directory nor the name of a repository, such as google/name")
    listing = hub.look_up(source)
    print(
        f"{source}: licence {listing.licence} (https://huggingface.co/{source}), {listing.files} files, "
        f"{listing.size / GB:.1f} GB, of which {listing.missing / GB:.1f} GB are to be fetched",
        flush=True,
    )
    return Checkpoint(name=source, directory=hub.download(listing))


def _licence(directory: Path) -> str:
    """What a directory's model card states, which begins with `key: value` lines between dashes."""
    try:
        head = (directory / "README.md").read_text(encoding="utf-8").split("---")[1]
    except (OSError, UnicodeDecodeError, IndexError):
        return "not stated"
    stated = [line.partition(":")[2].strip() for line in head.splitlines() if line.startswith("license:")]
    return stated[0] if stated else "not stated"


def _prepared(checkpoint: Checkpoint, options: EngineOptions) -> Prepared:
    # A terminal's line is written over; a file gets a line for every tenth.
    live = sys.stderr.isatty()
    told = 0

    def report(message: str, progress: float | None) -> None:
        nonlocal told
        if live:
            show_line(message)
        elif progress is not None and int(progress * 10) > told:
            told = int(progress * 10)
            print(message, file=sys.stderr, flush=True)

    try:
        prepared = prepare(checkpoint, options, report)
    finally:
        if live:
            show_line("")
    if prepared.scheme == "none":
        print("it fits this machine as it is")
    else:
        print(
            f"quantized to {prepared.scheme}: {prepared.bytes / GB:.1f} GB on disk; the weight that lost most is "
            f"{prepared.worst_weight}, {prepared.worst_error:.1%} of its own size"
        )
    return prepared


def _offer_to_delete(directory: Path, decision: bool | None) -> None:
    """Delete the unquantized weights where that is wanted. decision: whether it is; None to ask, where somebody can
    answer."""
    size = sum(shard.stat().st_size for shard in directory.glob("*.safetensors"))
    if not size:
        return
    if decision is None and sys.stdin.isatty():
        question = f"Delete the unquantized weights ({size / GB:.1f} GB)? Another quantization would need them. [y/N] "
        try:
            decision = input(question).strip().lower() in ("y", "yes")
        except EOFError:
            print()  # Ctrl-D, which is no.
            decision = False
    if decision:
        print(f"deleted {hub.delete_shards(directory) / GB:.1f} GB of unquantized weights")
    elif decision is None:
        print(f"the unquantized weights stay ({size / GB:.1f} GB); --delete-shards deletes them")
