"""`dgemma-lsp host`: look at the engine host that these options lead to, or stop it."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys

from dgemma_lsp.cli.common import read_settings, warn
from dgemma_lsp.cli.errors import CommandError
from dgemma_lsp.host.client import EngineSilent, EngineUnavailable, HostClient
from dgemma_lsp.host.codec import encode
from dgemma_lsp.host.spawn import FixedEngine, Launcher
from dgemma_lsp.host.wire import HostStatus


def host(arguments: argparse.Namespace) -> int:
    """Run the command; 1 if there is no host to look at.

    Raises:
        CommandError: there is no log.
        EngineError: the host cannot be reached.
    """
    settings, problems = read_settings(arguments)
    for problem in problems:
        warn(problem)
    launcher = Launcher(settings.config.engine)
    if arguments.action == "log":
        return _show_log(launcher)
    client = HostClient(FixedEngine(arguments.engine) if arguments.engine else launcher)
    if arguments.action == "stop":
        try:
            asyncio.run(_stop(client))
        except EngineSilent:
            # Only a host of our own is ours to end, and it is told by its socket, not by its word.
            process = None if arguments.engine else launcher.kill()
            if process is None:
                raise
            print(f"killed process {process}, which did not answer")
        return 0
    status = asyncio.run(_status(client))
    print(json.dumps(encode(status), indent=2) if arguments.json else _described(status))
    return 0


async def _status(client: HostClient) -> HostStatus:
    try:
        return await client.status()
    finally:
        await client.close()


async def _stop(client: HostClient) -> None:
    try:
        await client.stop()
    except EngineSilent:
        raise
    except EngineUnavailable:
        print("no host runs")
    else:
        print("stopped")
    finally:
        await client.close()


def _show_log(launcher: Launcher) -> int:
    try:
        with launcher.log.open(encoding="utf-8", errors="replace") as log:
            shutil.copyfileobj(log, sys.stdout)
    except OSError as error:
        raise CommandError(f"cannot read the host's log {launcher.log}: {error.strerror}") from error
    return 0


def _described(status: HostStatus) -> str:
    """A few lines for a person."""
    load = "" if status.progress is None else f" ({status.progress:.0%})"
    return "\n".join(
        (
            f"{status.state}{load}{': ' if status.message else ''}{status.message}",
            f"checkpoint {status.checkpoint} on {status.device}, version {status.version}, process {status.pid}",
            f"{status.clients} clients, {status.requests} requests: {status.superseded} superseded, "
            f"{status.cancelled} cancelled, {status.failed} failed",
        )
    )
