"""Compiles the kernel for cards that are not here, and prints what it takes of each as JSON."""

# Triton annotates nothing, and not every machine has it.
# pyright: basic, reportMissingImports=false

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from itertools import product
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from engine.quant.kernels import _packed_product

CARDS = (86, 89, 90, 120)
_POINTERS = {"rows": "*bf16", "scales": "*fp16", "ends": "*i32", "products": "*bf16"}
_NUMBERS = ("count", "outputs", "inputs")


def compiled(card: int, bits: int, tile: int) -> dict[str, int]:
    """Registers a thread, bytes of its stack, and of a block's shared memory."""
    constants = {"BITS": bits, "GROUP": 64, "TILE": tile, "BLOCK": 64 if bits == 4 else 32, "ONE_ENTRY": bits == 8}
    codes = "*u8" if bits == 4 else "*i8"
    types = _POINTERS | {"codes": codes} | dict.fromkeys(_NUMBERS, "i32") | dict.fromkeys(constants, "constexpr")
    aligned = [place for place, name in enumerate(_packed_product.arg_names) if name in types and name != "count"]
    divisible = {(place,): [["tt.divisibility", 16]] for place in aligned if place < len(types) - len(constants)}
    source = ASTSource(
        _packed_product,
        {name: types[name] for name in _packed_product.arg_names},
        constexprs=constants,
        attrs=divisible,
    )
    kernel = triton.compile(source, target=GPUTarget("cuda", card, 32), options={"num_warps": 4, "num_stages": 4})
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()
        tool = Path(str(triton.__file__)).parent / "backends/nvidia/bin/cuobjdump"
        usage = subprocess.run([tool, "--dump-resource-usage", file.name], capture_output=True, text=True, check=True)
    [(registers, stack)] = re.findall(r"REG:(\d+) STACK:(\d+)", usage.stdout)
    return {
        "card": card,
        "bits": bits,
        "tile": tile,
        "registers": int(registers),
        "stack": int(stack),
        "shared": kernel.metadata.shared,
    }


if __name__ == "__main__":
    print(json.dumps([compiled(*each) for each in product(CARDS, (4, 8), (16, 32, 64))]))  # noqa: T201
