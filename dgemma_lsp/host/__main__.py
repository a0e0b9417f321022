"""The host's process, as `client.launch` starts it: `python -m dgemma_lsp.host KEY OPTIONS`."""

import sys

from dgemma_lsp.host.process import main
from dgemma_lsp.resident.model import make_loader

sys.exit(main(sys.argv[1:], make_loader))
