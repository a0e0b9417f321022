"""The packages that the corpus is made of, with versions and licences, and how they are installed for it.

Copyleft ones (certifi, hypothesis, pathspec, tqdm), ones that only repackage others (pip, setuptools) and second copies
(httpx2) are left out on purpose. A package stands in one split only, so that nothing held out was seen in training
under another file name.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Split: TypeAlias = Literal["train", "tuning", "heldout"]
SPLITS: tuple[Split, ...] = ("train", "tuning", "heldout")


@dataclass(frozen=True, slots=True)
class Source:
    """A package files may come from: name, version, licence (SPDX, as stated in its metadata)."""

    package: str
    version: str
    licence: str


DISTRIBUTIONS = (
    Source("accelerate", "1.15.0", "Apache-2.0"),
    Source("anyio", "4.16.0", "MIT"),
    Source("attrs", "26.1.0", "MIT"),
    Source("build", "1.6.1", "MIT"),
    Source("cattrs", "26.2.1", "MIT"),
    Source("click", "8.5.1", "BSD-3-Clause"),
    Source("contourpy", "1.3.3", "BSD-3-Clause"),
    Source("cycler", "0.12.1", "BSD-3-Clause"),
    Source("execnet", "2.1.2", "MIT"),
    Source("filelock", "4.2.11", "MIT"),
    Source("fonttools", "4.68.0", "MIT"),
    Source("fsspec", "2026.9.0", "BSD-3-Clause"),
    Source("h11", "0.16.0", "MIT"),
    Source("hatchling", "1.33.0", "MIT"),
    Source("httpcore", "1.0.9", "BSD-3-Clause"),
    Source("httpx", "0.28.1", "BSD-3-Clause"),
    Source("huggingface-hub", "2.4.0", "Apache-2.0"),
    Source("idna", "3.20", "BSD-3-Clause"),
    Source("iniconfig", "2.3.1", "MIT"),
    Source("jinja2", "3.1.6", "BSD-3-Clause"),
    Source("jsonschema", "4.26.0", "MIT"),
    Source("lsprotocol", "2025.0.0", "MIT"),
    Source("markdown-it-py", "4.3.0", "MIT"),
    Source("matplotlib", "3.11.2", "PSF-2.0"),
    Source("mpmath", "1.3.0", "BSD-3-Clause"),
    Source("networkx", "3.6.1", "BSD-3-Clause"),
    Source("nodeenv", "1.12.0", "BSD-3-Clause"),
    Source("numpy", "2.4.6", "BSD-3-Clause"),
    Source("packaging", "26.3", "Apache-2.0 OR BSD-2-Clause"),
    Source("pillow", "13.0.0", "MIT-CMU"),
    Source("platformdirs", "4.14.5", "MIT"),
    Source("pluggy", "1.7.0", "MIT"),
    Source("psutil", "7.2.2", "BSD-3-Clause"),
    Source("pydantic", "2.14.3", "MIT"),
    Source("pygls", "2.1.1", "Apache-2.0"),
    Source("pygments", "2.21.0", "BSD-2-Clause"),
    Source("pyparsing", "3.3.3", "MIT"),
    Source("pyproject-hooks", "1.3.3", "MIT"),
    Source("pytest", "9.2.0", "MIT"),
    Source("pytest-asyncio", "1.5.0", "Apache-2.0"),
    Source("pytest-lsp", "1.0.1", "MIT"),
    Source("pytest-xdist", "3.8.0", "MIT"),
    Source("python-dateutil", "4.0.0", "Apache-2.0 OR BSD-3-Clause"),
    Source("pyyaml", "6.0.3", "MIT"),
    Source("referencing", "0.37.0", "MIT"),
    Source("rich", "15.0.0", "MIT"),
    Source("safetensors", "0.8.0", "Apache-2.0"),
    Source("shellingham", "1.5.4", "ISC"),
    Source("sortedcontainers", "2.4.0", "Apache-2.0"),
    Source("starlette", "1.10.0", "BSD-3-Clause"),
    Source("sympy", "1.14.0", "BSD-3-Clause"),
    Source("tokenizers", "0.23.3", "Apache-2.0"),
    Source("tomlkit", "0.15.2", "MIT"),
    Source("torch", "2.13.0", "BSD-3-Clause"),
    Source("transformers", "5.23.0", "Apache-2.0"),
    Source("truststore", "0.10.5", "MIT"),
    Source("typer", "0.29.2", "MIT"),
    Source("typing-extensions", "4.16.0", "PSF-2.0"),
    Source("uvicorn", "0.54.0", "BSD-3-Clause"),
)
NPM_PACKAGES = (
    Source("@types/node", "26.6.6", "MIT"),
    Source("@types/vscode", "1.91.0", "MIT"),
    Source("minimatch", "10.2.6", "BlueOak-1.0.0"),
    Source("semver", "7.8.6", "ISC"),
    Source("vscode-jsonrpc", "10.0.0", "MIT"),
    Source("vscode-languageclient", "11.0.0", "MIT"),
    Source("vscode-languageserver", "10.1.2", "MIT"),
    Source("vscode-languageserver-protocol", "3.18.5", "MIT"),
    Source("vscode-languageserver-textdocument", "1.0.16", "MIT"),
    Source("vscode-languageserver-types", "3.18.5", "MIT"),
)
# Added when the held-out and tuning sets had long been drawn from those above, which must not change for it.
ADDED_DISTRIBUTIONS = (
    Source("aiohttp", "3.14.5", "Apache-2.0 AND MIT"),
    Source("astropy", "8.0.2", "BSD-3-Clause"),
    Source("black", "26.10.1", "MIT"),
    Source("dask", "2026.8.0", "BSD-3-Clause"),
    Source("django", "5.2.19", "BSD-3-Clause"),
    Source("flask", "3.1.3", "BSD-3-Clause"),
    Source("keras", "3.15.1", "Apache-2.0"),
    Source("mypy", "2.4.1", "MIT"),
    Source("pandas", "3.1.1", "BSD-3-Clause"),
    Source("scikit-learn", "1.9.1", "BSD-3-Clause"),
    Source("scipy", "1.17.1", "BSD-3-Clause"),
    Source("scrapy", "2.19.0", "BSD-3-Clause"),
    Source("sphinx", "9.0.4", "BSD-2-Clause"),
    Source("sqlalchemy", "2.1.9", "MIT"),
    Source("tornado", "6.6.1", "Apache-2.0"),
    Source("trio", "0.35.0", "MIT OR Apache-2.0"),
    Source("twisted", "26.10.0", "MIT"),
    Source("werkzeug", "3.1.9", "BSD-3-Clause"),
    Source("xarray", "2026.9.0", "Apache-2.0"),
)
ADDED_NPM_PACKAGES = (
    Source("@reduxjs/toolkit", "2.15.0", "MIT"),
    Source("@tanstack/query-core", "5.108.4", "MIT"),
    Source("@tanstack/router-core", "1.171.39", "MIT"),
    Source("@trpc/server", "11.25.2", "MIT"),
    Source("effect", "4.1.0", "MIT"),
    Source("mobx", "7.1.3", "MIT"),
    Source("prosemirror-view", "1.44.0", "MIT"),
    Source("puppeteer-core", "24.43.1", "Apache-2.0"),
    Source("rxjs", "7.8.2", "Apache-2.0"),
    Source("three", "0.187.0", "MIT"),
    Source("viem", "2.57.20", "MIT"),
    Source("zod", "4.6.7", "MIT"),
)

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


def split_of(package: str) -> Split:
    """The split in which all files of a package stand."""
    if package in HELD_OUT:
        return "heldout"
    return "tuning" if package in TUNING else "train"


def standard_library(module: str) -> Source:
    """The running Python's own module, or package, of a name."""
    return Source(f"python/{module}", platform.python_version(), "PSF-2.0")


def python_folder(packages: Path) -> Path:
    """Where `install` puts distributions."""
    return packages / "python"


def npm_folder(packages: Path) -> Path:
    """Where `install` puts npm packages."""
    return packages / "node_modules"


def install(packages: Path) -> None:
    """Install all sources below a folder, without what they depend on and without running anything of theirs. torch is
    read where it runs: it is large, and which build of it fits is for its user to say."""
    pins = [f"{s.package}=={s.version}" for s in (*DISTRIBUTIONS, *ADDED_DISTRIBUTIONS) if s.package != "torch"]
    target = ["--target", str(python_folder(packages)), "--upgrade"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--only-binary", ":all:", *target, *pins], check=True
    )
    names = [f"{s.package}@{s.version}" for s in (*NPM_PACKAGES, *ADDED_NPM_PACKAGES)]
    quiet = ["--ignore-scripts", "--legacy-peer-deps", "--no-audit", "--no-fund"]
    subprocess.run(["npm", "install", "--prefix", str(packages), *quiet, *names], check=True)
