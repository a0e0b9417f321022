"""CPU threads of the model's process, which has to stay fast while compilers and tests use the same cores.

Measured with the embedded checkpoint on two cores: one busy process beside it made a completion 24 times slower while
waiting threads spun, and 1.5 times with what is set here. What the user sets in the environment is left alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

ENVIRONMENT: Mapping[str, str] = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Read by OpenMP when torch is imported: a thread that waits for the others sleeps. By default it spins, and where
another process holds a core, each of the many barriers of a step lasts as long as that process's time slice."""

ONE_THREAD_BYTES = 100_000_000
"""Weights up to which one thread is as fast as several: the matrices are too small to be worth a barrier each."""


def set_environment() -> None:
    """Set `ENVIRONMENT` in this process; to be called before torch is imported."""
    os.environ.update(ENVIRONMENT | os.environ)


def threads_for(weights: int) -> int | None:
    """How many threads torch should use for a model on the CPU with so many bytes of weights; None for its default."""
    return 1 if weights <= ONE_THREAD_BYTES and "OMP_NUM_THREADS" not in os.environ else None
