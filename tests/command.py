"""The installed command, beside the interpreter that runs the tests, whether or not that is on PATH."""

from __future__ import annotations

import sys
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("dgemma-lsp"))
