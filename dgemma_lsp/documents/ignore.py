"""Ignore files, nested and with negation, as git reads them: nothing below an excluded folder comes back.

What was read is kept until a file changes, appears or goes, which costs a look at each folder above a document.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pathspec import GitIgnoreSpec

IGNORE_FILES = (".dgemmaignore", ".gitignore", ".git/info/exclude")
"""In one folder an earlier one outweighs a later one."""


@dataclass(frozen=True, slots=True)
class IgnoreFile:
    """An ignore file as it is now. folder: with a `/` at its end. name: below that. stamp: another after a change."""

    folder: str
    name: str
    stamp: tuple[int, int, int]

    @property
    def path(self) -> str:
        """Where it lies."""
        return self.folder + self.name


def excluding_file(path: str, base: str) -> str | None:
    """The ignore file, named from `base`, that excludes `path`; None where none does. base: the folder, with a `/` at
    its end, whose ignore files and those below it count."""
    found = _excluding(path, base, tuple(_ignore_files(path, base)))
    return None if found is None else found.path.removeprefix(base)


def pattern_problem(pattern: str) -> str | None:
    """What is wrong with a pattern in the syntax of `.gitignore`, or None."""
    try:
        GitIgnoreSpec.from_lines([pattern])
    except ValueError:
        return "expected a pattern as in .gitignore"
    return None


@lru_cache(maxsize=256)
def spec(patterns: tuple[str, ...]) -> GitIgnoreSpec:
    """The patterns, made ready; those that are none are left out, as git does."""
    return GitIgnoreSpec.from_lines(pattern for pattern in patterns if pattern_problem(pattern) is None)


@lru_cache(maxsize=1024)
def _excluding(path: str, base: str, files: tuple[IgnoreFile, ...]) -> IgnoreFile | None:
    for place in _places(path, base):
        for file in files:
            if len(place) <= len(file.folder):
                continue
            verdict = _read(file).check_file(place[len(file.folder) :]).include
            if verdict:
                return file
            if verdict is not None:
                break
    return None


@lru_cache(maxsize=256)
def _read(file: IgnoreFile) -> GitIgnoreSpec:
    try:
        return spec(tuple(Path(file.path).read_text(encoding="utf-8", errors="replace").split("\n")))
    except OSError:
        return spec(())


def _places(path: str, base: str) -> Iterator[str]:
    """The folders below `base` on the way to `path`, outermost first, then `path` itself."""
    end = len(base)
    while (end := path.find("/", end) + 1) > 0:
        yield path[:end]
    yield path


def _ignore_files(path: str, base: str) -> Iterator[IgnoreFile]:
    """The ignore files that there are from the folder of `path` up to `base`, the strongest first."""
    folder = path[: path.rfind("/") + 1]
    while len(folder) >= len(base):
        for name in IGNORE_FILES:
            # Most are not there, and an exception takes longer than the question.
            if os.access(folder + name, os.R_OK):
                with suppress(OSError):
                    found = os.stat(folder + name)
                    yield IgnoreFile(folder, name, (found.st_mtime_ns, found.st_size, found.st_ino))
        folder = folder[: folder.rfind("/", 0, len(folder) - 1) + 1]
        if not folder:
            return
