"""An unfinished file, which `make demo` completes at the cursor."""

import sys


def show(path):
    """Print a path."""
    print(, file=sys.stderr)


for path in sys.argv:
    show(path)
