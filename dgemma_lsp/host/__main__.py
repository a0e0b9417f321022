"""The host's process, as `spawn` starts it: `python -m dgemma_lsp.host KEY OPTIONS`."""

import sys

from dgemma_lsp.host.model import make_loader
from dgemma_lsp.host.process import main

sys.exit(main(sys.argv[1:], make_loader))
