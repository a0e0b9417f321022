"""A source file as lines of text that go back to exactly its bytes."""

from __future__ import annotations

import codecs
import contextlib
import os
import stat
import tempfile
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from dgemma_lsp.cli.common import CommandError
from dgemma_lsp.cli.file.target import Hole
from dgemma_lsp.documents.lines import Place, split_lines, text_between

try:
    import fcntl
except ImportError:
    # Windows has none.
    fcntl = None

_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file as it was read. path: as the user gave it. mark: the byte order mark, if any. lines: of the text after
    it."""

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
    """Write new lines over a file's, as an editor does: inode, owner, mode, attributes and links stay what they are.

    The old content lies in a backup until the new one is on the disk. What fails on the way is undone, and a process
    that is killed in the middle leaves the backup, `.NAME.…~` beside the file or in the directory for temporary files.

    Raises:
        CommandError: it has changed since it was read, or cannot be written; it stays as it is.
    """
    target = source.path.resolve()
    before, after = source.encode(source.lines), source.encode(lines)
    try:
        mode = stat.S_IMODE(target.stat().st_mode)
        if not mode & _WRITABLE:
            raise CommandError(f"{source.path} is read-only and was not written")
        with target.open("r+b", buffering=0) as file, _locked(file):
            if file.read() != before:
                raise CommandError(f"{source.path} has changed meanwhile and was not written")
            with _backup(target, before) as backup:
                _replace(file, before, after, backup)
                if stat.S_IMODE(os.fstat(file.fileno()).st_mode) != mode:
                    # Some systems take the bits of set-user-ID and set-group-ID from what was written.
                    os.fchmod(file.fileno(), mode)
    except OSError as error:
        raise CommandError(f"cannot write {source.path}: {error.strerror}") from error


def _replace(file: FileIO, before: bytes, after: bytes, backup: Path) -> None:
    """Put `after` in place of `before`, or leave `before`."""
    try:
        _overwrite(file, after)
    except BaseException:
        try:
            # Its own blocks are still there, so this needs no room.
            _overwrite(file, before)
        except OSError as error:
            kept = backup.rename(backup.with_suffix(".kept"))
            raise CommandError(f"the file was damaged ({error.strerror}); its old content is in {kept}") from error
        raise


def _overwrite(file: FileIO, content: bytes) -> None:
    file.seek(0)
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]
    file.truncate()
    os.fsync(file.fileno())


@contextlib.contextmanager
def _backup(target: Path, content: bytes) -> Generator[Path]:
    """A file with this content, beside the target where its directory may be written; deleted in the end."""
    directory = target.parent if os.access(target.parent, os.W_OK) else None
    descriptor, name = tempfile.mkstemp(dir=directory, prefix=f".{target.name}.", suffix="~")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(file: FileIO) -> Generator[None]:
    """Keep other commands from writing the same file meanwhile."""
    if fcntl is not None:
        # Some network file systems have no locks.
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
    yield
