"""No class has the name of another: one word denotes one thing."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("dgemma_lsp", "engine", "infill")


def names(path: Path) -> Iterator[str]:
    """A module's classes, less the underscore of private ones, and the types to which it gives a public name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            yield node.name.removeprefix("_")
        elif isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
            name = ast.unparse(node.target)
            if not name.startswith("_"):
                yield name


def test_no_two_classes_have_one_name() -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for name in names(path):
                places[name].append(str(path.relative_to(ROOT)))
    assert {name: own for name, own in places.items() if len(own) > 1} == {}
