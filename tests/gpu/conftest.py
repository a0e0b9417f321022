"""Triton's interpreter, which runs kernels on a CPU, has to be chosen before a kernel is imported."""

import os

os.environ.setdefault("TRITON_INTERPRET", "1")
