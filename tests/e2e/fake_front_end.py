"""A real front end whose hosts are fake: `python -m tests.e2e.fake_front_end`, else as `dgemma-lsp`."""

from __future__ import annotations

import sys
from functools import partial

from dgemma_lsp import connect
from dgemma_lsp.__main__ import main
from dgemma_lsp.client.launch import Launcher
from tests.e2e.hosts import FAKE_HOST

if __name__ == "__main__":
    connect.Launcher = partial(Launcher, command=FAKE_HOST)  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]
    sys.exit(main())
