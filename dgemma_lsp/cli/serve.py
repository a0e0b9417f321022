"""`dgemma-lsp --stdio`: serve one editor over standard input and output."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from dgemma_lsp.cli.common import read_settings, warn
from dgemma_lsp.lsp.framing import InputError, read_bodies
from dgemma_lsp.lsp.handshake import greet
from dgemma_lsp.lsp.settings import Settings
from dgemma_lsp.wire.identity import EngineOptions

if TYPE_CHECKING:
    from dgemma_lsp.client.client import EngineClient


def serve(arguments: argparse.Namespace) -> int:
    """Serve until the editor sends `exit` or leaves; 0 if it asked for `shutdown` before.

    Raises:
        ConfigError: the configuration file cannot be read.
    """
    settings, problems = read_settings(arguments)
    # Whatever else in this process prints must not end up between the messages.
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # Not closed at the end, because that would wait for the thread that reads from it; and not `sys.stdin`, because
    # Python itself closes that.
    source = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    try:
        return _serve(arguments, settings, problems, read_bodies(source), sink)
    except InputError as error:
        warn(str(error))
        return 1


def _serve(
    arguments: argparse.Namespace,
    settings: Settings,
    problems: tuple[str, ...],
    bodies: Iterator[bytes],
    sink: BinaryIO,
) -> int:
    greeting = greet(bodies, sink)
    # Collecting garbage while a thousand classes are made costs a tenth of the time and frees nothing.
    gc.disable()
    import asyncio

    from dgemma_lsp.connect import connect
    from dgemma_lsp.logs import log_to_stderr
    from dgemma_lsp.server import Server

    gc.freeze()
    gc.enable()
    log_to_stderr(settings.config.log_level)

    def connect_engine(options: EngineOptions) -> EngineClient:
        return connect(options, engine_url=arguments.engine, in_process=arguments.in_process)

    server = Server(connect_engine, settings, problems)
    asyncio.run(server.run(bodies, sink, greeting))
    return 0 if server.protocol.was_shut_down else 1
