"""A source file as lines of text that go back to exactly its bytes."""

from __future__ import annotations

import codecs
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dgemma_lsp.cli.errors import CommandError
from dgemma_lsp.cli.target import Hole
from dgemma_lsp.lines import Place, split_lines, text_between


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """path: as the user gave it. mark: the byte order mark, if any. lines: of the text after it."""

    path: Path
    mark: bytes
    lines: Sequence[str]

    def encode(self, lines: Sequence[str]) -> bytes:
        """The bytes of the file if these were its lines."""
        return self.mark + "".join(lines).encode()

    def filled(self, holes: Sequence[Hole], texts: Sequence[str]) -> list[str]:
        """The lines with the holes, in the order of the text, replaced."""
        pieces: list[str] = []
        at = Place(0, 0)
        for (start, end), text in zip(holes, texts, strict=True):
            pieces += [text_between(self.lines, at, start), text]
            at = end
        pieces.append(text_between(self.lines, at, Place(len(self.lines) - 1, len(self.lines[-1]))))
        return split_lines("".join(pieces))


def read_source(path: Path) -> Source:
    """Read a file.

    Raises:
        CommandError: it is no readable file, holds NUL bytes or is not UTF-8.
    """
    try:
        if path.exists() and not path.is_file():
            raise CommandError(f"{path} is not a regular file")
        data = path.read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}") from error
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    if (offset := data.find(0)) >= 0:
        raise CommandError(f"{path} is a binary file: byte {offset} is NUL")
    try:
        text = data[len(mark) :].decode()
    except UnicodeDecodeError as error:
        offset = len(mark) + error.start
        line = data.count(b"\n", 0, offset) + 1
        raise CommandError(f"{path} is not UTF-8: byte {offset}, on line {line}, is {data[offset]:#04x}") from error
    return Source(path=path, mark=mark, lines=split_lines(text))


def write_source(source: Source, lines: Sequence[str]) -> None:
    """Put new lines in place of a file's in one go: whoever reads it sees the old or the new, never a part.

    Raises:
        CommandError: it has changed since it was read, or cannot be written; it stays as it is.
    """
    target = source.path.resolve()
    try:
        if target.read_bytes() != source.encode(source.lines):
            raise CommandError(f"{source.path} has changed meanwhile and was not written")
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(source.encode(lines))
            shutil.copymode(target, name)
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise CommandError(f"cannot write {source.path}: {error.strerror}") from error
