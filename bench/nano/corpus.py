"""Source code that is already installed, as documents split by package. Knows no tokens.

Only permissively licensed sources are read: Python's standard library and the packages that `bench.nano.sources` names.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path

from bench.nano.scale import FULL, Scale
from bench.nano.sources import (
    ADDED_DISTRIBUTIONS,
    ADDED_NPM_PACKAGES,
    DISTRIBUTIONS,
    NPM_PACKAGES,
    SPLITS,
    Source,
    Split,
    npm_folder,
    python_folder,
    split_of,
    standard_library,
)

SKIPPED_FOLDERS = frozenset(
    {
        "__pycache__",
        "_vendor",
        "encodings",
        "ensurepip",
        "idle_test",
        "lib2to3",
        "pydoc_data",
        "site-packages",
        "test",
        "tests",
        "vendor",
    }
)
LANGUAGES = {".py": "python", ".js": "javascript", ".mjs": "javascript", ".ts": "typescript"}
HEADER = re.compile(r"(?:(?:#|//)[^\n]*\n|[ \t]*\n|/\*.*?\*/[ \t]*\n)+", re.DOTALL)
LICENCE_WORDS = re.compile("copyright|licen[cs]e", re.IGNORECASE)
MAX_FILE_BYTES = 200_000
MIN_FILE_CHARS = 300
MAX_LINE_CHARS = 400
MAX_PACKAGE_CHARS = 8_000_000
DUPLICATE_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file: package, path within it, language id and text."""

    package: str
    path: str
    language: str
    text: str


def _installed(
    packages: Path, distributions: Iterable[Source], npm_packages: Iterable[Source]
) -> Iterator[tuple[Source, Document]]:
    """Every readable source file of these sources, in a fixed order, duplicates included."""
    yield from _distributions(packages, distributions)
    yield from _npm_packages(packages, npm_packages)


def _standard_library() -> Iterator[tuple[Source, Document]]:
    root = Path(sysconfig.get_paths()["stdlib"])
    for entry in sorted(root.iterdir()):
        files = sorted(entry.rglob("*.py")) if entry.is_dir() else [entry]
        paths = [(path, str(path.relative_to(root))) for path in files]
        yield from _documents(standard_library(entry.stem), paths)


def _distributions(packages: Path, sources: Iterable[Source]) -> Iterator[tuple[Source, Document]]:
    for source in sources:
        folders = [str(python_folder(packages)), *sys.path]
        found = next(iter(metadata.distributions(name=source.package, path=folders)), None)
        # A local version, as in 2.13.0+cpu, is another build of the same sources.
        _require(source, found and found.version.split("+")[0])
        if found:
            paths = sorted((Path(str(file.locate())), str(file)) for file in found.files or ())
            yield from _documents(replace(source, version=found.version), paths)


def _npm_packages(packages: Path, sources: Iterable[Source]) -> Iterator[tuple[Source, Document]]:
    for source in sources:
        root = npm_folder(packages) / source.package
        manifest = root / "package.json"
        _require(source, json.loads(manifest.read_text())["version"] if manifest.exists() else None)
        # Where the sources lie beside what was compiled from them, they say the same and are better written.
        folder = root / "src" if (root / "src").is_dir() else root
        paths = sorted((path, f"{source.package}/{path.relative_to(root)}") for path in folder.rglob("*.*"))
        yield from _documents(source, paths)


def _require(source: Source, version: str | None) -> None:
    if version != source.version:
        has = f"{version} is installed" if version else "it is not installed"
        raise SystemExit(
            f"the corpus needs {source.package} {source.version}, and {has}; run `python -m bench.nano sources`"
        )


def _documents(source: Source, paths: Iterable[tuple[Path, str]]) -> Iterator[tuple[Source, Document]]:
    for path, name in paths:
        language = LANGUAGES.get(path.suffix)
        if language is None or SKIPPED_FOLDERS.intersection(Path(name).parts) or not path.is_file():
            continue
        text = readable(path)
        if text is not None:
            yield source, Document(package=source.package, path=name, language=language, text=text)


def _without_licence(text: str) -> str:
    """The text less a comment about copyright at its top: one text in a thousand files teaches nothing."""
    header = HEADER.match(text)
    return text[header.end() :].lstrip("\n") if header and LICENCE_WORDS.search(header[0]) else text


def readable(path: Path) -> str | None:
    """The file's text, or None where it is large, short, not UTF-8, or looks generated."""
    raw = path.read_bytes()
    if len(raw) > MAX_FILE_BYTES:
        return None
    try:
        text = raw.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None
    text = _without_licence(text)
    generated = max(map(len, text.split("\n"))) > MAX_LINE_CHARS or "\0" in text
    return None if generated or len(text) < MIN_FILE_CHARS else text


def deduplicated(documents: Iterable[Document]) -> Iterator[Document]:
    """Documents less those most of whose telling lines (20 characters or more) stood in earlier ones."""
    seen: set[bytes] = set()
    for document in documents:
        lines = {" ".join(line.split()) for line in document.text.split("\n")}
        keys = {hashlib.blake2b(line.encode(), digest_size=8).digest() for line in lines if len(line) >= 20}
        if keys and len(keys & seen) <= DUPLICATE_SHARE * len(keys):
            seen |= keys
            yield document


def build(directory: Path, packages: Path, scale: Scale = FULL, seed: int = 0) -> None:
    """Write `{split}.jsonl` (documents, shuffled) and `sources.json` (names, versions, licences, sizes).

    Held-out and tuning documents come first through the deduplication, so that a training file that repeats one of
    them is the one that goes.
    """
    first, added = list(_standard_library()), list[tuple[Source, Document]]()
    if scale.packages:
        first += _installed(packages, DISTRIBUTIONS, NPM_PACKAGES)
        added += _installed(packages, ADDED_DISTRIBUTIONS, ADDED_NPM_PACKAGES)
    # Apart, so that held-out and tuning documents keep the order they have without those that were added.
    random.Random(seed).shuffle(first)
    random.Random(seed).shuffle(added)
    found = sorted([*first, *added], key=lambda item: split_of(item[0].package) == "train")
    sources = {document.package: source for source, document in found}
    characters = dict.fromkeys(sources, 0)
    kept: dict[Split, list[Document]] = {split: [] for split in SPLITS}
    for document in deduplicated(document for _, document in found):
        into = kept[split_of(document.package)]
        full = scale.documents is not None and len(into) >= scale.documents
        if characters[document.package] < MAX_PACKAGE_CHARS and not full:
            characters[document.package] += len(document.text)
            into.append(document)
    # Files of the added packages would else all stand behind the others.
    random.Random(seed).shuffle(kept["train"])
    directory.mkdir(parents=True, exist_ok=True)
    for split, documents in kept.items():
        lines = (json.dumps(asdict(document)) for document in documents)
        (directory / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    report = [
        asdict(source) | {"split": split_of(name), "characters": characters[name]}
        for name, source in sorted(sources.items())
        if characters[name]
    ]
    (directory / "sources.json").write_text(json.dumps(report, indent=1) + "\n")


def read(directory: Path, split: Split) -> list[Document]:
    """The documents of a split that `build` wrote."""
    with (directory / f"{split}.jsonl").open() as lines:
        return [Document(**json.loads(line)) for line in lines]
