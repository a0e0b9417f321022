"""`dgemma-lsp host`: look at this user's engine hosts, or stop them."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys

from dgemma_lsp.cli.common import CommandError, read_settings, warn
from dgemma_lsp.client.hosts import RunningHost, has_ended, kill, running
from dgemma_lsp.client.launch import FixedEngine, Launcher
from dgemma_lsp.client.remote import HostClient
from dgemma_lsp.wire.codec import encode
from dgemma_lsp.wire.errors import EngineUnavailable, EngineUnresponsive
from dgemma_lsp.wire.status import Status

NONE_RUNS = "no host runs"


def host(arguments: argparse.Namespace) -> int:
    """Run the command; 1 if there is no host to look at.

    Raises:
        CommandError: there is no log, or a host cannot be stopped.
        EngineError: the host that `--engine` names cannot be reached.
    """
    settings, problems = read_settings(arguments)
    for problem in problems:
        warn(problem)
    if arguments.action == "log":
        return _show_log(Launcher(settings.config.engine))
    hosts = [FixedEngine(arguments.engine)] if arguments.engine else running()
    if arguments.action == "stop":
        for each in hosts:
            print(_stop(each), flush=True)
        if not hosts:
            print(NONE_RUNS)
        return 0
    return _show_status(hosts, as_json=arguments.json)


def _show_status(hosts: list[RunningHost] | list[FixedEngine], *, as_json: bool) -> int:
    for each in hosts:
        try:
            status = asyncio.run(host_status(each))
        except EngineUnresponsive as error:
            # The other hosts are shown all the same.
            warn(str(error))
            continue
        print(json.dumps(encode(status)) if as_json else _described(status))
    if not hosts:
        warn(NONE_RUNS)
    return 0 if hosts else 1


async def host_status(host: RunningHost | FixedEngine) -> Status:
    """Ask one host how it fares.

    Raises:
        EngineUnavailable: it has ended, or hangs.
    """
    client = HostClient(host)
    try:
        return await client.status()
    finally:
        await client.close()


def _stop(host: RunningHost | FixedEngine) -> str:
    """End a host and wait until its process is gone; returns what happened."""
    process = host.process if isinstance(host, RunningHost) else None
    name = host.url if isinstance(host, FixedEngine) else f"process {process or host.key}"
    try:
        asyncio.run(_ask_to_end(host))
    except EngineUnresponsive:
        # Only a host of our own is ours to end, and it is told by its socket, not by its word.
        if process is None:
            raise
        kill(process)
        return f"killed {name}, which did not answer"
    except EngineUnavailable:
        return NONE_RUNS
    if process is not None and not has_ended(process):
        kill(process)
        return f"killed {name}, which did not end"
    return f"stopped {name}"


async def _ask_to_end(host: RunningHost | FixedEngine) -> None:
    client = HostClient(host)
    try:
        await client.stop()
    finally:
        await client.close()


def _show_log(launcher: Launcher) -> int:
    try:
        with launcher.log.open(encoding="utf-8", errors="replace") as log:
            shutil.copyfileobj(log, sys.stdout)
    except FileNotFoundError as error:
        raise CommandError(f"no host has run here yet, so there is no log {launcher.log}") from error
    except OSError as error:
        raise CommandError(f"cannot read the host's log {launcher.log}: {error.strerror}") from error
    return 0


def _described(status: Status) -> str:
    """A few lines for a person."""
    load = "" if status.progress is None else f" ({status.progress:.0%})"
    return "\n".join(
        (
            f"{status.state}{load}: {status.message}",
            f"checkpoint {status.checkpoint} on {status.device}, version {status.version}, process {status.pid}",
            f"{status.clients} clients, {status.requests} requests: {status.superseded} superseded, "
            f"{status.cancelled} cancelled, {status.failed} failed",
        )
    )
