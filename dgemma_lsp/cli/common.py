"""What several commands need: the options they share, the settings these make, and the engine they name."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args
from urllib.parse import urlsplit

from dgemma_lsp.config import LogLevel, read_config
from dgemma_lsp.lsp.settings import Settings
from dgemma_lsp.wire.identity import Device, Quantization

if TYPE_CHECKING:
    from _typeshed import SupportsWrite


class CommandError(Exception):
    """What a user can mend about a command: one clear message, shown without a traceback."""


class Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong with the usage, and where to read on."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        # argparse's own says nothing where this fails.
        (file or sys.stderr).write(message)


def add_hidden_options(parser: argparse.ArgumentParser) -> None:
    """The common options after a command's name, whose own help is about its own options."""
    add_common_options(parser)
    for action in parser._actions:
        action.help = argparse.SUPPRESS


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Options that stand before or after a command's name."""
    group = parser.add_argument_group("engine")
    group.add_argument("--checkpoint", metavar="auto|nano|DIR|REPO", help="which model (default: auto)")
    group.add_argument("--quantization", choices=get_args(Quantization), help="how weights are held (default: auto)")
    group.add_argument("--device", choices=get_args(Device), help="where it runs (default: auto)")
    group.add_argument("--engine", type=_url, metavar="URL", help="use the engine host at this address")
    group.add_argument("--in-process", action="store_true", help="run the model in this process, for debugging")
    group = parser.add_argument_group("general")
    group.add_argument("--config", type=Path, metavar="FILE", help="settings, as TOML; these options outweigh them")
    group.add_argument("--log-level", choices=get_args(LogLevel), help="how much is logged")


def read_settings(arguments: argparse.Namespace) -> tuple[Settings, tuple[str, ...]]:
    """The settings of the configuration file and the command line, and those that are not used.

    Raises:
        ConfigError: the file cannot be read.
    """
    settings = Settings()
    problems: tuple[str, ...] = ()
    config: Path | None = arguments.config
    if config is not None:
        problems = tuple(f"{config}: {problem}" for problem in settings.update("file", read_config(config)))
    flags: dict[str, Any] = {"engine": _given(arguments, "checkpoint", "quantization", "device")}
    if arguments.log_level is not None:
        flags["logLevel"] = arguments.log_level
    return settings, (*problems, *settings.update("flags", flags))


def _url(word: str) -> str:
    try:
        parts = urlsplit(word)
        sound = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise argparse.ArgumentTypeError(f"expected an address such as http://127.0.0.1:8000, not {word!r}")
    return word


def warn(message: str) -> None:
    """Say something on stderr that does not stop the command."""
    print(f"dgemma-lsp: {message}", file=sys.stderr)


def show_line(text: str) -> None:
    """Write over the last line of a terminal, on stderr."""
    print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _given(arguments: argparse.Namespace, *names: str) -> dict[str, object]:
    return {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
