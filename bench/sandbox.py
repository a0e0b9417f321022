"""Runs one generated Python program in a process of its own with limits, and says whether it succeeded.

The limits (processor time, memory, file size, process count, an empty working directory, no environment, and no
network where the kernel lets an unprivileged process leave it) stop accidents of generated code; they are no defence
against malice.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import tempfile

_LIBC = ctypes.CDLL(None)  # Opened here, since a forked child should do as little as it can before it execs.
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_MEMORY_BYTES = 1 << 30
_FILE_BYTES = 1 << 20
_PROCESSES = 64


def succeeds(program: str, *, seconds: int = 5) -> bool:
    """True where `program`, run by this interpreter in isolated mode, ends with status 0 within the limits."""
    with tempfile.TemporaryDirectory() as directory:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-"],
            cwd=directory,
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: _confine(seconds),
        )
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(program.encode(), timeout=seconds + 1)
        _end(process)
        return process.returncode == 0


def _confine(seconds: int) -> None:
    """Applied in the child, between fork and exec."""
    for limit, value in [
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_NPROC, _PROCESSES),
        (resource.RLIMIT_CORE, 0),
    ]:
        resource.setrlimit(limit, (value, value))
    # Failure only means that this kernel keeps unprivileged processes in the common network.
    _LIBC.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
