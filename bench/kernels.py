"""What each kernel takes on each generation of cards, compiled here without one: registers, spills, shared memory.

`python -m bench.kernels` prints a row a kernel and generation. 86 is an RTX 30, 89 an RTX 40, 90 an H100 or H200, and
120 an RTX 50.
"""

# pyright: reportMissingImports=false, reportArgumentType=false

from __future__ import annotations

import argparse
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from engine.cuda.kernels import attention, experts, pointwise, products, sampler

GENERATIONS = (86, 89, 90, 120)

_HIDDEN_BLOCK = 4096
_TOP = 8
_VOCABULARY = 262_144
_DIVISIBILITY = [["tt.divisibility", 16]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """A kernel as it is called for the real model. types: of its arguments, by name, but for the constants."""

    name: str
    function: Any
    types: Mapping[str, str]
    constants: Mapping[str, Any]
    warps: int = 4
    stages: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a compiled kernel takes. shared: bytes. stack: bytes a thread, where registers are spilled."""

    kernel: str
    generation: int
    registers: int
    stack: int
    shared: int


def kernels() -> Iterator[Kernel]:
    """All of them at the real model's shapes, in bfloat16."""
    pointers: tuple[str, ...] = (
        "query",
        "context_keys",
        "context_values",
        "extra_keys",
        "own_keys",
        "own_values",
        "out",
    )
    fields: tuple[str, ...] = ("context", "places", "floors", "positions", "begins", "ends")
    fields += ("extra_sources", "extra_positions", "extra_begins", "extra_ends")
    sizes = ("query_token", "query_head", "context_head", "extra_head", "extra_token", "own_head", "own_token")
    types = _typed("*bf16", pointers) | _typed("*i64", fields) | _typed("i32", (*sizes, "tokens", "extra"))
    for width, group, window in ((256, 2, 1024), (512, 8, 0)):
        keys, warps, stages = attention.blocking(width, torch.bfloat16)
        constants = {"GROUP": group, "D": width, "TOKENS": attention.ROWS // group, "KEYS": keys, "WINDOW": window}
        yield Kernel(
            name=f"packed_attention, heads of {width}",
            function=attention.packed_attention,
            types=types,
            constants=constants | {"KIND": tl.bfloat16},
            warps=warps,
            stages=stages,
        )
    read = {"logits": "*bf16", "words": "*i32", "choices": "*i64", "temperature": "*fp64"}
    tops = {"sums": "*fp32", "top_logits": "*fp32", "top_ids": "*i32"}
    shape = {"size": "i32", "row_stride": "i32", "word_stride": "i32"}
    own = {"SOFTCAP": 30.0, "TILE": sampler.TILE}
    written = {"bits": "*i64", "result": "*i32", "log_totals": "*fp32", "tiles": "i32"}
    tiles = {"TILES": triton.next_power_of_2(_VOCABULARY // sampler.TILE)}
    # A step lists eight of the likeliest ids; for scores the entropy is wanted alone, and sixteen ids.
    for top in (_TOP, 1, 2 * _TOP):
        yield Kernel(
            name=f"tile_beliefs of {top}",
            function=sampler.tile_beliefs,
            types=read | tops | shape,
            constants=own | {"TOP": top},
        )
        yield Kernel(
            name=f"beliefs of {top}",
            function=sampler.beliefs,
            types=read | tops | shape | written,
            constants=own | tiles | {"TOP": top},
        )
    yield Kernel(
        name="probabilities",
        function=sampler.probabilities,
        types=read | {"log_totals": "*fp32", "out": "*bf16"} | shape,
        constants=own,
    )
    yield from _pointwise()
    yield from _products()


def _pointwise() -> Iterator[Kernel]:
    """Those between a layer's products."""
    read = (
        "queries",
        "keys",
        "values",
        "query_weight",
        "key_weight",
        "cosines",
        "sines",
        "extra_cosines",
        "extra_sines",
    )
    written = ("query_out", "key_out", "value_out", "extra_out", "context_keys", "context_values")
    numbers = ("query_stride", "key_stride", "value_stride", "context_head", "turn_stride", "tokens", "extra")
    for width, shared in ((256, 8), (512, 2)):
        yield Kernel(
            name=f"finish_heads, {width} wide",
            function=pointwise.finish_heads,
            types=_typed("*bf16", read + written)
            | _typed("*i64", ("kept", "sources"))
            | _typed("i32", numbers)
            | {"eps": "fp32"},
            constants={"HEADS": 16, "SHARED": shared, "D": width, "SEARCHED": pointwise.SEARCHED},
        )
    read = ("stream", "attended", "attended_weight", "dense_weight", "experts_weight", "router_weight")
    written = ("stream_out", "dense_out", "experts_out", "router_out")
    yield Kernel(
        name="after_attention",
        function=pointwise.after_attention,
        types=_typed("*bf16", read + written) | {"size": "i32", "root": "fp32", "eps": "fp32"},
        constants={"BLOCK": _HIDDEN_BLOCK},
        warps=pointwise.WARPS,
    )
    yield Kernel(
        name="route",
        function=pointwise.route,
        types={"scores": "*bf16", "scales": "*bf16", "chosen_out": "*i32", "weight_out": "*fp32", "size": "i32"},
        constants={"TOP": 8, "BLOCK": 128},
    )
    yield Kernel(
        name="gate",
        function=pointwise.gate,
        types=_typed("*bf16", ("gates", "ups", "out")) | _typed("i32", ("width", "stride")),
        constants={"BLOCK": pointwise.GATES},
    )
    yield Kernel(
        name="align",
        function=experts.align,
        types=_typed("*i32", ("chosen", "tokens_out", "places_out", "ends_out")) | {"choices": "i32"},
        constants={"TOP": _TOP, "BLOCK": experts.CHOICES},
    )
    read = ("stream", "dense", "experts", "dense_weight", "experts_weight", "joined_weight", "scalar", "next_weight")
    chosen = {"places": "*i32", "shares": "*fp32"}
    yield Kernel(
        name="join",
        function=pointwise.join,
        types=_typed("*bf16", (*read, "stream_out", "next_out")) | chosen | {"size": "i32", "eps": "fp32"},
        constants={"TOP": _TOP, "BLOCK": _HIDDEN_BLOCK},
        warps=pointwise.WARPS,
    )


def _products() -> Iterator[Kernel]:
    """Those with several packed weights, for each tile of rows that they are called with."""
    weights = ("first", "second", "third")
    for tile in (16, 32, 64):
        own = {"TILE": tile, "GROUP": 64}
        yield Kernel(
            name=f"joint_product of {tile} rows in int8",
            function=products.joint_product,
            types={"rows": "*bf16"}
            | _typed("*i8", [f"{name}_codes" for name in weights])
            | _typed("*fp16", [f"{name}_scales" for name in weights])
            | {"products": "*bf16"}
            | _typed("i32", ("count", *weights, "inputs")),
            constants=own | {"BITS": 8, "BLOCK": products.LINES},
            stages=4,
        )
        for bits, entries in ((8, False), (4, True)):
            yield Kernel(
                name=f"gated_product of {tile} rows in int{bits}",
                function=products.gated_product,
                types={"rows": "*bf16"}
                | _typed("*u8" if bits == 4 else "*i8", ("gate_codes", "up_codes"))
                | _typed("*fp16", ("gate_scales", "up_scales"))
                | _typed("*i32", ("tokens", "ends"))
                | {"products": "*bf16"}
                | _typed("i32", ("count", "outputs", "lines", "inputs")),
                constants=own | {"BITS": bits, "BLOCK": products.GATED_LINES[entries], "ONE_ENTRY": not entries},
                stages=4,
            )


def _typed(kind: str, names: Sequence[str]) -> dict[str, str]:
    return dict.fromkeys(names, kind)


def usage(kernel: Kernel, generation: int) -> Usage:
    """Compiles a kernel and reads what the assembler says of it."""
    types = {name: kernel.types[name] for name in kernel.function.arg_names if name in kernel.types}
    # As the launcher sees them: every tensor is aligned, and so are the model's sizes; a count of rows may be any.
    aligned = {
        (number,): _DIVISIBILITY
        for number, (name, kind) in enumerate(types.items())
        if kind != "fp32" and name != "count"
    }
    signature = {**types, **dict.fromkeys(kernel.constants, "constexpr")}
    source = ASTSource(kernel.function, signature, constexprs=dict(kernel.constants), attrs=aligned)
    compiled = triton.compile(
        source,
        target=GPUTarget("cuda", generation, 32),
        options={"num_warps": kernel.warps, "num_stages": kernel.stages},
    )
    registers, stack = _resources(compiled.asm["cubin"])
    return Usage(
        kernel=kernel.name, generation=generation, registers=registers, stack=stack, shared=compiled.metadata.shared
    )


def _resources(binary: bytes) -> tuple[int, int]:
    """Registers and bytes of stack a thread."""
    tool = Path(triton.__file__).parent / "backends/nvidia/bin/cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(binary)
        file.flush()
        said = subprocess.run(
            [tool, "--dump-resource-usage", file.name], capture_output=True, text=True, check=True
        ).stdout
    found = re.search(r"REG:(\d+) STACK:(\d+)", said)
    if found is None:
        raise ValueError(f"the assembler's report has no figures: {said}")
    return int(found[1]), int(found[2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.add_argument("--generations", type=int, nargs="+", default=GENERATIONS)
    options = parser.parse_args()
    if not options.json:
        print("| kernel | sm | registers | stack | shared KB |\n| --- | ---: | ---: | ---: | ---: |")
    for kernel in kernels():
        for generation in options.generations:
            row = usage(kernel, generation)
            if options.json:
                print(json.dumps(asdict(row)))
            else:
                print(f"| {row.kernel} | {row.generation} | {row.registers} | {row.stack} | {row.shared / 1024:.0f} |")


if __name__ == "__main__":
    main()
