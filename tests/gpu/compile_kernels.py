"""Compiles the kernels of packed weights for cards that are not here, and prints what they take of each as JSON."""

# Triton annotates nothing, and not every machine has it.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from engine.quant.kernels import _packed_mixture, _packed_product

CARDS = (86, 89, 90, 120)
_POINTERS = {"rows": "*bf16", "scales": "*fp16", "ends": "*i32", "products": "*bf16", "parts": "*fp32"}
_NUMBERS = ("count", "outputs", "inputs", "lines", "columns")


Work: TypeAlias = tuple[Any, dict[str, int], int]
"""A kernel, its constants, and its stages."""


def product_of(bits: int, tile: int) -> Work:
    constants = {"BITS": bits, "GROUP": 64, "TILE": tile, "BLOCK": 64 if bits == 4 else 32, "ONE_ENTRY": bits == 8}
    return _packed_product, constants, 4


def mixture_of(tile: int) -> Work:
    return _packed_mixture, {"GROUP": 64, "TILE": tile, "BLOCK": 64}, 3


def compiled(card: int, work: Work) -> dict[str, str | int]:
    """Registers a thread, bytes of its stack, and of a block's shared memory."""
    function, constants, stages = work
    codes = "*u8" if constants.get("BITS") == 4 else "*i8"
    types = _POINTERS | {"codes": codes} | dict.fromkeys(_NUMBERS, "i32") | dict.fromkeys(constants, "constexpr")
    names = function.arg_names
    aligned = [place for place, name in enumerate(names) if name not in constants and name != "count"]
    source = ASTSource(
        function,
        {name: types[name] for name in names},
        constexprs=constants,
        attrs={(place,): [["tt.divisibility", 16]] for place in aligned},
    )
    kernel = triton.compile(source, target=GPUTarget("cuda", card, 32), options={"num_warps": 4, "num_stages": stages})
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()
        tool = Path(str(triton.__file__)).parent / "backends/nvidia/bin/cuobjdump"
        usage = subprocess.run([tool, "--dump-resource-usage", file.name], capture_output=True, text=True, check=True)
    [(registers, stack)] = re.findall(r"REG:(\d+) STACK:(\d+)", usage.stdout)
    return {
        "card": card,
        "kernel": function.__name__,
        **constants,
        "registers": int(registers),
        "stack": int(stack),
        "shared": kernel.metadata.shared,
    }


if __name__ == "__main__":
    tiles = (16, 32, 64)
    works = [*(product_of(*each) for each in product((4, 8), tiles)), *map(mixture_of, tiles)]
    print(json.dumps([compiled(card, work) for card, work in product(CARDS, works)]))  # noqa: T201
