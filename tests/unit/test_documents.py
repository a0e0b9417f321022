"""The documents name only what exists."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
_PATH = re.compile(r"`((?:engine|infill|dgemma_lsp|editors|bench|docs|tests)/[\w./-]*\w/?)`")
_LINK = re.compile(r"\]\(([^)#:]*)(?:#([^)]*))?\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for folder in ("", "bench", "bench/nano", "docs", "editors/nvim", "editors/vscode", "engine/nano")
    for path in (ROOT / folder).glob("*.md")
)


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_every_test_that_is_named_exists(document: str) -> None:
    named = _TEST.findall((ROOT / document).read_text(encoding="utf-8"))
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).is_file() or (name and f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8"))
    ]
    assert missing == []
    assert named or document != "ARCHITECTURE.md"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_and_link_leads_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    paths = [path for path in _PATH.findall(text) if "NAME" not in path]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    lost: list[str] = []
    for link, anchor in _LINK.findall(text):
        target = (ROOT / document).parent / link if link else ROOT / document
        if not target.exists() or (anchor and anchor not in headings(target)):
            lost.append(f"{link}#{anchor}")
    assert lost == []


def headings(document: Path) -> set[str]:
    """The anchors of a document's headings."""
    found = _HEADING.findall(document.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_the_editors_extension_has_the_version_of_the_server() -> None:
    server = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    extension = json.loads((ROOT / "editors/vscode/package.json").read_text(encoding="utf-8"))["version"]
    assert extension == server
