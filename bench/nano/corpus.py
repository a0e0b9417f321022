"""Source code that is already installed, as documents split by package. Knows no tokens.

Only permissively licensed sources named here are read: Python's standard library, distributions this project or its
tools depend on, and npm packages of the editor extensions where a `node_modules` folder is given. A package stands in
one split only, so that nothing held out was seen in training under another file name.
"""

from __future__ import annotations

import hashlib
import json
import platform
import random
import re
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal, TypeAlias

Split: TypeAlias = Literal["train", "tuning", "heldout"]
SPLITS: tuple[Split, ...] = ("train", "tuning", "heldout")

# Distribution -> licence (SPDX), as stated in its metadata. Copyleft ones (certifi, hypothesis, pathspec, tqdm), ones
# that only repackage others (pip, setuptools) and second copies (httpx2) are left out on purpose.
DISTRIBUTIONS = {
    "accelerate": "Apache-2.0",
    "anyio": "MIT",
    "attrs": "MIT",
    "build": "MIT",
    "cattrs": "MIT",
    "click": "BSD-3-Clause",
    "contourpy": "BSD-3-Clause",
    "cycler": "BSD-3-Clause",
    "execnet": "MIT",
    "filelock": "MIT",
    "fonttools": "MIT",
    "fsspec": "BSD-3-Clause",
    "h11": "MIT",
    "hatchling": "MIT",
    "httpcore": "BSD-3-Clause",
    "httpx": "BSD-3-Clause",
    "huggingface-hub": "Apache-2.0",
    "idna": "BSD-3-Clause",
    "iniconfig": "MIT",
    "jinja2": "BSD-3-Clause",
    "jsonschema": "MIT",
    "lsprotocol": "MIT",
    "markdown-it-py": "MIT",
    "matplotlib": "PSF-2.0",
    "mpmath": "BSD-3-Clause",
    "networkx": "BSD-3-Clause",
    "nodeenv": "BSD-3-Clause",
    "numpy": "BSD-3-Clause",
    "packaging": "Apache-2.0 OR BSD-2-Clause",
    "pillow": "MIT-CMU",
    "platformdirs": "MIT",
    "pluggy": "MIT",
    "psutil": "BSD-3-Clause",
    "pydantic": "MIT",
    "pygls": "Apache-2.0",
    "pygments": "BSD-2-Clause",
    "pyparsing": "MIT",
    "pyproject-hooks": "MIT",
    "pytest": "MIT",
    "pytest-asyncio": "Apache-2.0",
    "pytest-lsp": "MIT",
    "pytest-xdist": "MIT",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "pyyaml": "MIT",
    "referencing": "MIT",
    "rich": "MIT",
    "safetensors": "Apache-2.0",
    "shellingham": "ISC",
    "sortedcontainers": "Apache-2.0",
    "starlette": "BSD-3-Clause",
    "sympy": "BSD-3-Clause",
    "tokenizers": "Apache-2.0",
    "tomlkit": "MIT",
    "torch": "BSD-3-Clause",
    "transformers": "Apache-2.0",
    "truststore": "MIT",
    "typer": "MIT",
    "typing-extensions": "PSF-2.0",
    "uvicorn": "BSD-3-Clause",
}
NPM_PACKAGES = {
    "@types/node": "MIT",
    "@types/vscode": "MIT",
    "minimatch": "BlueOak-1.0.0",
    "semver": "ISC",
    "vscode-jsonrpc": "MIT",
    "vscode-languageclient": "MIT",
    "vscode-languageserver": "MIT",
    "vscode-languageserver-protocol": "MIT",
    "vscode-languageserver-textdocument": "MIT",
    "vscode-languageserver-types": "MIT",
}
STANDARD_LIBRARY_LICENCE = "PSF-2.0"

HELD_OUT = frozenset(
    {
        "rich",
        "click",
        "jinja2",
        "starlette",
        "networkx",
        "semver",
        "python/argparse",
        "python/configparser",
        "python/dataclasses",
        "python/email",
        "python/http",
        "python/json",
        "python/unittest",
        "python/zipfile",
    }
)
TUNING = frozenset({"httpx", "pyparsing", "tomlkit", "python/logging", "python/tarfile", "python/xml"})

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
class Source:
    """A package files may come from: name, version, licence (SPDX)."""

    package: str
    version: str
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file: package, path within it, language id and text."""

    package: str
    path: str
    language: str
    text: str


def split_of(package: str) -> Split:
    """The split in which all files of a package stand."""
    if package in HELD_OUT:
        return "heldout"
    return "tuning" if package in TUNING else "train"


def installed_documents(node_modules: Path | None = None) -> Iterator[tuple[Source, Document]]:
    """Every readable source file of the installed sources, in a fixed order, duplicates included."""
    yield from _standard_library()
    for name, licence in DISTRIBUTIONS.items():
        distribution = metadata.distribution(name)
        source = Source(package=name, version=distribution.version, licence=licence)
        paths = sorted((Path(str(file.locate())), str(file)) for file in distribution.files or ())
        yield from _documents(source, paths)
    for name, licence in NPM_PACKAGES.items():
        if node_modules is None:
            break
        root = node_modules / name
        version = json.loads((root / "package.json").read_text())["version"]
        paths = sorted((path, f"{name}/{path.relative_to(root)}") for path in root.rglob("*.*"))
        yield from _documents(Source(package=name, version=version, licence=licence), paths)


def _standard_library() -> Iterator[tuple[Source, Document]]:
    root = Path(sysconfig.get_paths()["stdlib"])
    for entry in sorted(root.iterdir()):
        files = sorted(entry.rglob("*.py")) if entry.is_dir() else [entry]
        source = Source(
            package=f"python/{entry.stem}",
            version=platform.python_version(),
            licence=STANDARD_LIBRARY_LICENCE,
        )
        yield from _documents(source, [(path, str(path.relative_to(root))) for path in files])


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


def build(directory: Path, node_modules: Path | None, seed: int = 0) -> None:
    """Write `{split}.jsonl` (documents, shuffled) and `sources.json` (names, versions, licences, sizes).

    Held-out and tuning documents come first through the deduplication, so that a training file that repeats one of
    them is the one that goes.
    """
    found = list(installed_documents(node_modules))
    random.Random(seed).shuffle(found)
    found.sort(key=lambda item: split_of(item[0].package) == "train")
    sources = {document.package: source for source, document in found}
    characters = dict.fromkeys(sources, 0)
    kept: dict[Split, list[Document]] = {split: [] for split in SPLITS}
    for document in deduplicated(document for _, document in found):
        if characters[document.package] < MAX_PACKAGE_CHARS:
            characters[document.package] += len(document.text)
            kept[split_of(document.package)].append(document)
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
