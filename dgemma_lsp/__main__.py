"""The command `dgemma-lsp`: reads its arguments and hands over to the module of what is asked for.

What the user can mend ends with one message and exit code 1; wrong usage with 2. Modules are imported as they are
needed, because an editor waits for `--stdio`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from io import TextIOWrapper
from typing import IO, Any, cast

from dgemma_lsp.cli.common import CommandError, Parser, add_common_options, add_hidden_options, warn
from dgemma_lsp.cli.file.target import parse_hole, parse_target
from dgemma_lsp.config import ConfigError
from dgemma_lsp.wire.identity import version
from engine.errors import EngineError
from infill.request import MOST_CANDIDATES

INTERRUPTED = 130
"""What shells report for a command that was stopped with Ctrl-C."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line `words`, by default this process's; returns the exit code."""
    if not _has_output():
        return 1
    # A terminal or locale that lacks a character shows its escape.
    cast(TextIOWrapper, sys.stdout).reconfigure(errors="backslashreplace")
    parser = build_parser()
    try:
        try:
            return _run(parser, parser.parse_args(words))
        finally:
            sys.stdout.flush()
    except (CommandError, ConfigError, EngineError) as error:
        warn(str(error))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        # What else cannot be read or written has a name, and a message of its own. Who reads our output may have left,
        # which is nothing to tell.
        if error.filename is not None:
            raise
        if not isinstance(error, BrokenPipeError):
            warn(f"cannot write to standard output: {error.strerror}")
        # Nor can what is left be flushed to it when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _has_output() -> bool:
    """Whether there is a standard output, which says so where there is none; a standard input that is closed is empty,
    and what is said on a standard error that is closed is lost."""
    # Python has no stream for a descriptor that was closed before it started.
    streams = cast(dict[str, IO[Any] | None], vars(sys))
    for name, mode in (("stdin", "r"), ("stderr", "w")):
        if streams[name] is None:
            streams[name] = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115 - as long as the process
    if streams["stdout"] is None:
        warn("standard output is closed")
    return streams["stdout"] is not None


def build_parser() -> Parser:
    """The commands and their options. Common options may stand on either side of a command's name."""
    common = Parser(add_help=False)
    add_common_options(common)
    after = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    add_hidden_options(after)
    parser = Parser(
        prog="dgemma-lsp",
        parents=[common],
        description="Infill code with DiffusionGemma on your own machine, in editors and from the command line.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version()}")
    parser.add_argument("--stdio", action="store_true", help="serve an editor: LSP over standard input and output")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    add_parser = partial(commands.add_parser, parents=[after], epilog="Engine and general options: dgemma-lsp --help")
    _add_fill(add_parser("fill", help="fill a hole in a file"))
    host = add_parser("host", help="look at the engine hosts, or stop them")
    host.description = "Look at this user's engine hosts, or stop them. The next request starts one again."
    host.add_argument(
        "action",
        nargs="?",
        choices=("status", "stop", "log"),
        default="status",
        help="say how each fares (default), end all, or print the log of the one that the options mean",
    )
    host.add_argument("--json", action="store_true", help="status as JSON")
    _add_pull(add_parser("pull", help="fetch a checkpoint and make it ready to run"))
    doctor = add_parser("doctor", help="check this installation")
    doctor.add_argument("--json", action="store_true", help="the findings as JSON")
    return parser


def _add_fill(fill: argparse.ArgumentParser) -> None:
    fill.description = (
        "Fill a hole in a file and print the file as it would be; the file itself stays as it is. Lines and columns "
        "count from 1, columns in characters; a hole from A to B ends before B. Exit code 3: nothing to offer."
    )
    fill.add_argument("target", type=parse_target, metavar="FILE:LINE:COL[-LINE:COL]", help="the file and the hole")
    fill.add_argument(
        "--hole", type=parse_hole, action="append", default=[], metavar="LINE:COL[-LINE:COL]", help="one more hole"
    )
    fill.add_argument("--instruction", type=_words, metavar="TEXT", help="say what should stand there")
    fill.add_argument("-n", type=_count, default=1, metavar="N", help="candidates wanted (default: 1)")
    fill.add_argument("--seed", type=int, default=0, metavar="N", help="the same seed gives the same answer")
    fill.add_argument("--write", action="store_true", help="change the file")
    fill.add_argument("--force", action="store_true", help="take a replacement even if it breaks the syntax")
    fill.add_argument("-v", "--verbose", action="store_true", help="say what it cost")
    shape = fill.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="print the candidates and their statistics as JSON")
    shape.add_argument("--diff", action="store_true", help="print a unified diff for each candidate")
    shape.add_argument("--watch", action="store_true", help="watch the canvas denoise")
    fill.add_argument("--slow", action="store_true", help="with --watch: at a pace that the eye can follow")


def _add_pull(pull: argparse.ArgumentParser) -> None:
    pull.description = (
        "Fetch a checkpoint from Hugging Face, or take one from a directory, quantize it so that it fits this machine, "
        "and have --checkpoint auto mean it. A token, a proxy or a mirror are taken as Hugging Face's own tools take "
        "them; what was interrupted goes on where it ended."
    )
    pull.add_argument("source", metavar="REPO_OR_DIR", help="such as google/diffusiongemma-26B-A4B-it")
    shards = pull.add_mutually_exclusive_group()
    shards.add_argument(
        "--delete-shards", dest="shards", action="store_true", default=None, help="delete the unquantized weights after"
    )
    shards.add_argument(
        "--keep-shards", dest="shards", action="store_false", default=None, help="keep them without being asked"
    )


def _count(word: str) -> int:
    if not 1 <= (count := int(word)) <= MOST_CANDIDATES:
        raise argparse.ArgumentTypeError(f"expected 1 to {MOST_CANDIDATES}")
    return count


def _words(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("expected words that say what should stand there")
    return text


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if arguments.command is not None and arguments.stdio:
        parser.error("--stdio takes no command")
    if arguments.command == "fill" and arguments.slow and not arguments.watch:
        parser.error("--slow needs --watch")
    if arguments.stdio:
        from dgemma_lsp.cli.serve import serve

        return serve(arguments)
    match arguments.command:
        case "fill":
            from dgemma_lsp.cli.fill import fill

            return fill(arguments)
        case "host":
            from dgemma_lsp.cli.host import host

            return host(arguments)
        case "pull":
            from dgemma_lsp.cli.pull import pull

            return pull(arguments)
        case "doctor":
            from dgemma_lsp.cli.doctor import doctor

            return doctor(arguments)
        case _:
            parser.print_help(sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
