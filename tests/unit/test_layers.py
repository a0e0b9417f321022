"""The layers' borders: imports point one way, and the upper layers never load the heavy packages."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "accelerate", "bitsandbytes", "safetensors")
NETWORK = ("pygls", "lsprotocol", "httpx2", "starlette", "uvicorn")

# What each package must never import, at any depth of its code. `dgemma_lsp.resident.model` alone puts the layers
# together; two more modules look at the engine.
FORBIDDEN = {
    "engine": ("infill", "dgemma_lsp", "tokenizers", "tree_sitter", *NETWORK),
    "infill": ("dgemma_lsp", *HEAVY, *NETWORK),
    "dgemma_lsp": HEAVY,
}
ENGINE_FOR_INFILL = ("engine.canvas", "engine.errors", "engine.token_set")
ENGINE_FOR_FRONT_END = ("engine.errors", "engine.nano", "engine.quant.scheme")
COMPOSITION = (
    "dgemma_lsp/resident/model.py",
    "dgemma_lsp/checkpoints/prepare.py",
    "dgemma_lsp/cli/findings/machine.py",
)


def imports(path: Path) -> Iterator[str]:
    """Absolute dotted names that a module imports, `from a import b` giving both `a` and `a.b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_point_one_way(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(package)
        for name in imports(path)
        if is_within(name, FORBIDDEN[package]) and str(path.relative_to(ROOT)) not in COMPOSITION
    ]
    assert found == []


@pytest.mark.parametrize(("package", "plain"), [("infill", ENGINE_FOR_INFILL), ("dgemma_lsp", ENGINE_FOR_FRONT_END)])
def test_upper_layers_see_only_the_plain_types_of_engine(package: str, plain: tuple[str, ...]) -> None:
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(package)
        for name in imports(path)
        if is_within(name, ("engine",))
        and name != "engine"
        and not is_within(name, plain)
        and str(path.relative_to(ROOT)) not in COMPOSITION
    ]
    assert found == []


# Which other rooms of its package each room may import. Modules beside the rooms hold the types that all of them share,
# but for those named in PIPELINES, which put the rooms together.
ROOMS = {
    "engine": {
        "kv": (),
        "checkpoint": ("kv",),
        "quant": ("checkpoint",),
        "model": ("kv", "checkpoint", "quant"),
        "denoise": ("kv", "model"),
        "score": ("kv", "model", "denoise"),
        "cuda": ("kv", "quant", "model", "denoise", "score", "reference"),
        "placement": ("kv", "checkpoint", "quant", "model", "denoise", "score", "cuda"),
        "weights": ("checkpoint", "quant", "model", "placement", "reference", "cuda"),
        "train": (),
    },
    "infill": {
        "text": (),
        "prompt": ("text",),
        "syntax": ("text",),
        "judge": ("text", "prompt", "syntax"),
        "propose": ("text", "prompt", "syntax", "judge"),
        "edit": ("text", "syntax"),
    },
    "dgemma_lsp": {
        "wire": (),
        "checkpoints": ("wire",),
        "resident": ("wire", "checkpoints"),
        "client": ("wire", "checkpoints", "resident"),
        "host": ("wire", "checkpoints", "resident", "client"),
        "documents": (),
        "lsp": ("wire", "documents"),
        "features": ("wire", "client", "documents", "lsp"),
        "edits": ("wire", "client", "documents", "lsp", "features"),
        "cli": ("wire", "checkpoints", "client", "host", "documents", "lsp", "features", "server", "connect"),
    },
}
PIPELINES = {
    "engine": ("reference",),
    "infill": ("fill", "answer", "long"),
    "dgemma_lsp": ("server", "handlers", "edit_handlers", "connect", "__main__"),
}
MOST_MODULES = 10


@pytest.mark.parametrize("package", ROOMS)
def test_rooms_import_one_way(package: str) -> None:
    found: list[str] = []
    for room, others in ROOMS[package].items():
        closed = {f"{package}.{name}" for name in (*ROOMS[package], *PIPELINES[package]) if name not in (room, *others)}
        found += [
            f"{path.relative_to(ROOT)} imports {name}"
            for path in modules(f"{package}/{room}")
            for name in imports(path)
            if is_within(name, tuple(closed))
        ]
    assert found == []


@pytest.mark.parametrize("package", ROOMS)
def test_a_room_says_what_it_is_for(package: str) -> None:
    rooms = [ROOT / package / room / "__init__.py" for room in ROOMS[package]]
    assert [str(room) for room in rooms if not ast.get_docstring(ast.parse(room.read_text(encoding="utf-8")))] == []


@pytest.mark.parametrize("package", ROOMS)
def test_no_folder_holds_more_modules_than_one_can_keep_in_mind(package: str) -> None:
    folders = {path.parent for path in modules(package)}
    crowded = {
        str(folder.relative_to(ROOT)): len(found)
        for folder in folders
        if len(found := [path for path in folder.glob("*.py") if path.stem not in ("__init__", "__main__")])
        > MOST_MODULES
    }
    assert crowded == {}


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("dgemma_lsp.server", HEAVY),
        ("infill.fill", HEAVY),
        # What answers `initialize`.
        ("dgemma_lsp.cli.serve", (*HEAVY, *NETWORK, "asyncio", "numpy")),
    ],
)
def test_importing_an_upper_layer_loads_nothing_heavy(module: str, absent: tuple[str, ...]) -> None:
    script = f"import dgemma_lsp.__main__, {module}, sys; print(*[name for name in {absent!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout.split() == []
