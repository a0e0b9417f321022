"""The host's process: `python -m dgemma_lsp.host '{"checkpoint": "nano"}'`."""

import sys

from dgemma_lsp.host.model import make_loader
from dgemma_lsp.host.process import main

sys.exit(main(sys.argv[1:], make_loader))
