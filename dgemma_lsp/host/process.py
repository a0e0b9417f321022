"""The host process: takes its key's lock, listens, tells its starter so, and serves until nobody needs it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from filelock import FileLock, Timeout

from dgemma_lsp.checkpoints.resolve import Checkpoint, resolve
from dgemma_lsp.client.hosts import after_unused_hosts
from dgemma_lsp.client.launch import READY, TAKEN
from dgemma_lsp.host import log
from dgemma_lsp.host.scheduler import Scheduler
from dgemma_lsp.resident.resident import Loader
from dgemma_lsp.wire import endpoint
from dgemma_lsp.wire.codec import decode
from dgemma_lsp.wire.directories import log_path, runtime_directory
from dgemma_lsp.wire.identity import EngineOptions, version
from engine.errors import EngineError
from infill.profile import profile_for

MakeLoader: TypeAlias = Callable[[Checkpoint, EngineOptions], Loader]

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str], make_loader: MakeLoader) -> int:
    """Run a host; returns the exit status. A failure is one line on stderr.

    arguments: the key under which to listen, as the starter reckons it, and the `EngineOptions` as JSON.
    """
    name, settings = arguments
    try:
        options = decode(EngineOptions, json.loads(settings))
        checkpoint = resolve(options.checkpoint)
        directory = runtime_directory()
        lock = directory / f"{name}.lock"
        with FileLock(lock, mode=0o600).acquire(blocking=False):
            _run(checkpoint, options, after_unused_hosts(make_loader(checkpoint, options), name), directory, name)
            # Taken away while it is held: who waits for this very file finds, once he has it, that it has no name.
            with contextlib.suppress(OSError):
                lock.unlink()
    except Timeout:
        sys.stdout.write(f"{TAKEN}\n")
    except (EngineError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _run(checkpoint: Checkpoint, options: EngineOptions, load: Loader, directory: Path, name: str) -> None:
    profile = profile_for(checkpoint.directory)
    host_log = log.open_log(log_path(name))
    listener, address = endpoint.listen(directory, name)
    sys.stdout.write(f"{READY}\n")
    host_log.take_output()
    _log.info("host %s, version %s, process %d, checkpoint %s", name, version(), os.getpid(), checkpoint.name)
    # Imported after the starter has been told, whose connections wait meanwhile, and before the model's libraries,
    # which would be in the way.
    from dgemma_lsp.host.server import serve

    scheduler = Scheduler(
        load,
        checkpoint=checkpoint.name,
        device=options.device,
        idle_unload_s=options.idle_unload_s,
        follows_instructions=profile.follows_instructions,
    )
    scheduler.start()
    try:
        asyncio.run(serve(scheduler, listener, token=address.token, exit_s=options.exit_minutes * 60))
    finally:
        endpoint.forget(directory, name)
        _log.info("host ends")
