"""What every test leaves as it found it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from dgemma_lsp.logs import PACKAGES

# A busy machine is no fault of what is tested.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

if os.environ.get("DGEMMA_TEST_DEVICE", "cpu") == "cpu":
    # Triton asks for it when it is imported, which torch may do at any time.
    os.environ["TRITON_INTERPRET"] = "1"


@pytest.fixture(autouse=True)
def logging_as_found() -> Iterator[None]:
    """Commands and servers set up this process's log; the next test has another stderr and other expectations."""
    root = logging.getLogger()
    handlers = list(root.handlers)
    loggers = [root, *map(logging.getLogger, (*PACKAGES, "pygls"))]
    levels = [logger.level for logger in loggers]
    yield
    root.handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
