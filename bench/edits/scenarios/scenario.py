"""One scenario: a buffer, what was changed before, where the cursor is, what is done, and what should come of it.

A file in the txtar format: a line that describes it, `key: value` lines, then sections `-- NAME --`. Rows count from 1,
columns from 0; one past a line's end means the end, as in an editor. `cursor-positions` makes a scenario for each
further cursor. `fim-row` and `fim-col` say where a provider that only completes has its cursor. `viewportTop`,
`viewportBottom` and `targets` are about other editors and providers and have no effect here, nor have sections
`cassette/…`, their recorded answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

Line: TypeAlias = tuple[int, str]
"""The number of a line in its file, and its text."""

_SECTION = re.compile(r"-- (?P<name>\S.*?) --")
_NUMBERS = ("row", "col", "fim-row", "fim-col", "viewportTop", "viewportBottom")
_KEYS = (*_NUMBERS, "id", "description", "language", "file", "modified", "skipHistory", "targets", "cursor-positions")
_REQUIRED = ("id", "language", "file", "row", "col")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h))+")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_EXPECTATION = re.compile(r"(?P<negated>!?)(?P<what>shown|suppressed)")


class ScenarioError(Exception):
    """A file that is no scenario. Says which line is wrong, and how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """row: from 1. col: from 0, code points."""

    row: int
    col: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A change made before: whole lines of a file, and what they were."""

    file: str
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """manual: whether completion is asked for by hand. seconds: of waiting. shown, suppressed: what is expected of a
    request, None where nothing is; suppressed means that no model is asked."""

    action: Literal["request-completion", "accept", "reject", "wait"]
    manual: bool = False
    seconds: float = 0.0
    shown: bool | None = None
    suppressed: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """modified: whether the buffer has been changed since it was opened. skips_history: changes are not followed.
    completes_at: the cursor for completions. expected: the buffer in the end, None where nothing shall be shown."""

    name: str
    language: str
    file: str
    cursor: Cursor
    completes_at: Cursor
    modified: bool
    skips_history: bool
    buffer: tuple[str, ...]
    history: tuple[Earlier, ...]
    steps: tuple[Step, ...]
    expected: tuple[str, ...] | None


def load(directory: Path) -> list[Scenario]:
    """The scenarios of a folder, by their files' names.

    Raises:
        ScenarioError: the folder has none, or one of them is malformed.
    """
    files = sorted(directory.glob("*.txtar"))
    if not files:
        raise ScenarioError(f"{directory}: there is no .txtar file")
    return [scenario for file in files for scenario in parse(file.read_text(encoding="utf-8"), str(file))]


def parse(text: str, file: str) -> list[Scenario]:
    """The scenarios of one file, one for each cursor. file: its name, for messages.

    Raises:
        ScenarioError: it is malformed.
    """
    return _Reader(file).scenarios(text)


class _Reader:
    """Reads one file; knows its name for messages."""

    def __init__(self, file: str) -> None:
        self._file = file

    def scenarios(self, text: str) -> list[Scenario]:
        header, sections = self._sections(text)
        fields = self._fields(header)
        buffer = tuple(line for _, line in sections["buffer.txt"])
        expected = sections.get("expected", sections.get("expected.txt"))
        steps = tuple(self._steps(sections["steps"]))
        cursors = [self._cursor(fields, "row", "col", buffer), *self._more_cursors(fields, buffer)]
        completes_at = self._cursor(fields, "fim-row", "fim-col", buffer) if "fim-row" in fields else None
        first = Scenario(
            name=fields["id"][1],
            language=fields["language"][1],
            file=fields["file"][1],
            cursor=cursors[0],
            completes_at=completes_at or cursors[0],
            modified=self._flag(fields, "modified", default=True),
            skips_history=self._flag(fields, "skipHistory", default=False),
            buffer=buffer,
            history=tuple(self._history(sections.get("history", []))),
            steps=steps,
            expected=None if expected is None else tuple(line for _, line in expected),
        )
        if len(cursors) == 1:
            return [first]
        return [
            replace(first, name=f"{first.name}@L{at.row}", cursor=at, completes_at=completes_at or at) for at in cursors
        ]

    def _sections(self, text: str) -> tuple[list[Line], dict[str, list[Line]]]:
        header: list[Line] = []
        sections: dict[str, list[Line]] = {}
        into = header
        for number, line in enumerate(text.removesuffix("\n").split("\n"), 1):
            marker = _SECTION.fullmatch(line)
            if marker is None:
                into.append((number, line))
                continue
            name = marker["name"]
            if name not in ("buffer.txt", "history", "steps", "expected", "expected.txt", *sections):
                if not name.startswith("cassette/"):
                    raise self._error(number, f"unknown section {name!r}")
            elif name in sections:
                raise self._error(number, f"a second section {name!r}")
            into = sections[name] = []
        for name in ("buffer.txt", "steps"):
            if name not in sections:
                raise self._error(1, f"there is no section {name!r}")
        return header, sections

    def _fields(self, header: Sequence[Line]) -> dict[str, Line]:
        """The header's values by their keys."""
        fields: dict[str, Line] = {}
        for number, line in header[1:]:
            key, colon, value = line.partition(":")
            if not line.strip():
                continue
            if not colon or key not in _KEYS:
                raise self._error(number, f"unknown line {line!r}; a header has: {', '.join(sorted(_KEYS))}")
            if key in fields:
                raise self._error(number, f"a second {key!r}")
            fields[key] = number, value.strip()
            if key in _NUMBERS and not value.strip().isdecimal():
                raise self._error(number, f"{key} is a number, not {value.strip()!r}")
        for key in _REQUIRED:
            if not fields.get(key, (0, ""))[1]:
                raise self._error(1, f"the header has no {key!r}")
        return fields

    def _flag(self, fields: dict[str, Line], key: str, *, default: bool) -> bool:
        number, value = fields.get(key, (0, str(default).lower()))
        if value not in ("true", "false"):
            raise self._error(number, f"{key} is true or false, not {value!r}")
        return value == "true"

    def _cursor(self, fields: dict[str, Line], row: str, column: str, buffer: Sequence[str]) -> Cursor:
        number, value = fields[row]
        if column not in fields:
            raise self._error(number, f"{row} without {column}")
        return self._placed(number, int(value), int(fields[column][1]), buffer)

    def _more_cursors(self, fields: dict[str, Line], buffer: Sequence[str]) -> Iterator[Cursor]:
        number, value = fields.get("cursor-positions", (0, ""))
        for pair in filter(None, map(str.strip, value.split(","))):
            row, colon, column = pair.partition(":")
            if not colon or not row.strip().isdecimal() or not column.strip().isdecimal():
                raise self._error(number, f"a cursor is ROW:COL, not {pair!r}")
            yield self._placed(number, int(row), int(column), buffer)

    def _placed(self, number: int, row: int, column: int, buffer: Sequence[str]) -> Cursor:
        if not 1 <= row <= len(buffer):
            raise self._error(number, f"row {row} of a buffer of {len(buffer)} lines")
        return Cursor(row=row, col=min(column, len(buffer[row - 1])))

    def _history(self, lines: Sequence[Line]) -> Iterator[Earlier]:
        """The changes of `<|file|> PATH`, `<|old|>`, lines, `<|new|>`, lines; the oldest first."""
        order = ("<|file|>", "<|old|>", "<|new|>")
        parts: list[list[str]] = []
        for number, line in lines:
            marker = next((marker for marker in order if line.startswith(marker)), None)
            if marker is None:
                if len(parts) < 2:
                    raise self._error(number, f"{line!r} stands before <|old|>")
                parts[-1].append(line)
            elif marker != order[len(parts) % 3]:
                raise self._error(number, f"{marker} where {order[len(parts) % 3]} belongs")
            elif marker == order[0]:
                parts = [[line.removeprefix(marker).strip()]]
            else:
                parts.append([])
            if len(parts) == 3 and self._ends(lines, number):
                ((file,), old, new) = parts
                yield Earlier(file=file, old=tuple(old), new=tuple(new))
        if parts and len(parts) < 3:
            raise self._error(lines[-1][0], f"{order[len(parts)]} is missing")

    def _ends(self, lines: Sequence[Line], number: int) -> bool:
        """Whether a change ends with a line."""
        index = number - lines[0][0] + 1
        return index == len(lines) or lines[index][1].startswith("<|file|>")

    def _steps(self, lines: Sequence[Line]) -> Iterator[Step]:
        step: Step | None = None
        for number, line in lines:
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            if line[0].isspace():
                if step is None or step.action != "request-completion":
                    raise self._error(number, "an expectation belongs below a request-completion")
                step = self._expecting(step, number, words)
                continue
            if step is not None:
                yield step
            step = self._step(number, words)
        if step is None:
            raise self._error(lines[0][0] if lines else 1, "there is no step")
        yield step

    def _step(self, number: int, words: Sequence[str]) -> Step:
        match words:
            case ["request-completion"]:
                return Step(action="request-completion")
            case ["request-completion", "manual"]:
                return Step(action="request-completion", manual=True)
            case ["accept" | "reject" as action]:
                return Step(action=action)
            case ["wait", duration] if _DURATION.fullmatch(duration):
                parts = re.findall(r"([\d.]+)([a-z]+)", duration)
                return Step(action="wait", seconds=sum(float(count) * _SECONDS[unit] for count, unit in parts))
            case _:
                known = "request-completion [manual], accept, reject, wait DURATION"
                raise self._error(number, f"unknown step {' '.join(words)!r}; steps are: {known}")

    def _expecting(self, step: Step, number: int, words: Sequence[str]) -> Step:
        if words[0] != "expect" or len(words) == 1:
            raise self._error(number, f"unknown line {' '.join(words)!r}; expect [!]shown [[!]suppressed]")
        for word in words[1:]:
            expectation = _EXPECTATION.fullmatch(word)
            if expectation is None:
                raise self._error(number, f"unknown expectation {word!r}; there are [!]shown and [!]suppressed")
            step = replace(step, **{expectation["what"]: not expectation["negated"]})
        return step

    def _error(self, number: int, message: str) -> ScenarioError:
        return ScenarioError(f"{self._file}:{number}: {message}")
