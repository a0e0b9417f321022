"""The names of the quantization schemes, importable without torch."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Scheme: TypeAlias = Literal["none", "int8", "nf4", "int4"]
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
"""From the largest to the smallest. int4 is our own; nf4 and int8 are bitsandbytes'."""
