"""`dgemma-lsp --stdio`: serve one editor over standard input and output."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from dgemma_lsp.cli.common import read_settings, warn
from dgemma_lsp.host.client import EngineClient, connect
from dgemma_lsp.host.identity import EngineOptions
from dgemma_lsp.logs import log_to_stderr
from dgemma_lsp.server import Server


def serve(arguments: argparse.Namespace) -> int:
    """Serve until the editor sends `exit` or leaves; 0 if it asked for `shutdown` before."""
    settings, problems = read_settings(arguments)
    log_to_stderr(settings.config.log_level)
    for problem in problems:
        warn(problem)

    def connect_engine(options: EngineOptions) -> EngineClient:
        return connect(options, engine_url=arguments.engine, in_process=arguments.in_process)

    server = Server(connect_engine, settings)
    # Whatever else in this process prints must not end up between the messages.
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    # Not closed at the end, because that would wait for the thread that reads from it; and not `sys.stdin`, because
    # Python itself closes that.
    source = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    asyncio.run(server.run(source, sink))
    return 0 if server.protocol.was_shut_down else 1
