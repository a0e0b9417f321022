"""2,000 random rewrites and edits, applied and taken back as editors do it: not a byte changes that was not offered.

The files have every kind of line end, tabs, emoji, lone surrogates, and often no end of the last line.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

import pytest

from dgemma_lsp.wire.messages import Event
from infill.request import InfillRequest
from tests.protocol.scripted import offers
from tests.protocol.wire_client import Json, WireClient, connected

BATCHES, REWRITES, EDITS = 20, 60, 40
ENCODINGS: Sequence[tuple[str, str, int]] = (
    ("utf-8", "utf-8", 1),
    ("utf-16", "utf-16-le", 2),
    ("utf-32", "utf-32-le", 4),
)
ENDS = (("\n",), ("\r\n",), ("\r",), ("\n", "\r\n"), ("\n", "\r\n", "\r"))
LINES = (
    "value = compute(value, other)",
    "\tif value:",
    "\t\treturn other  ",
    "    value = '😀' + other",
    "def compute(value, other):",
    "\N{LINE SEPARATOR}\x0cé = [value, '\ud83d', other]",
    "```python",
    "value",
    "}",
    "",
    "  ",
)
NAMES = ("value", "other", "compute", "total")
LINE_END = re.compile("\r\n|\r|\n")

Change = tuple[int, int, str]
"""Code points of a text from one to another, and what comes in their place."""


class Buffer:
    """A text as an editor holds it."""

    def __init__(self, text: str, encoding: tuple[str, str, int]) -> None:
        self.text = text
        _, self._codec, self._size = encoding

    def position(self, offset: int) -> Json:
        starts = [0, *(end.end() for end in LINE_END.finditer(self.text))]
        line = sum(start <= offset for start in starts) - 1
        head = self.text[starts[line] : offset]
        return {"line": line, "character": len(head.encode(self._codec, "surrogatepass")) // self._size}

    def offset(self, position: Json) -> int:
        """Where a position lies; it must be one that a character begins or ends at."""
        starts = [0, *(end.end() for end in LINE_END.finditer(self.text))]
        line: int = position["line"]
        start = starts[line]
        end = LINE_END.search(self.text, start)
        content = self.text[start : end.start() if end else None]
        units = 0
        for column, character in enumerate([*content, ""]):
            if units == position["character"]:
                return start + column
            units += len(character.encode(self._codec, "surrogatepass")) // self._size
        raise AssertionError(f"no character of {content!r} begins at {position}")

    def span(self, start: int, end: int) -> Json:
        return {"start": self.position(start), "end": self.position(end)}

    def changes(self, edits: Sequence[Json]) -> list[Change]:
        """Text edits of the protocol as changes: in order and apart."""
        found = [
            (self.offset(edit["range"]["start"]), self.offset(edit["range"]["end"]), edit["newText"]) for edit in edits
        ]
        assert all(start <= end for start, end, _ in found)
        assert all(past <= first for (_, past, _), (first, _, _) in pairwise(found))
        return found


def applied(text: str, changes: Sequence[Change]) -> tuple[str, list[Change]]:
    """The text after some changes, and the changes that take them back."""
    result, at, inverse = "", 0, list[Change]()
    for start, end, new in changes:
        result += text[at:start]
        inverse.append((len(result), len(result) + len(new), text[start:end]))
        result += new
        at = end
    return result + text[at:], inverse


def check(buffer: Buffer, edits: Sequence[Json], offered: tuple[int, int]) -> str:
    """Apply what was offered for a part of the text, which is all that changes, and take it back."""
    changes = buffer.changes(edits)
    text, inverse = applied(buffer.text, changes)
    first, last = offered
    assert all(first <= start and end <= last for start, end, _ in changes)
    assert text[:first] == buffer.text[:first]
    assert text[len(text) - (len(buffer.text) - last) :] == buffer.text[last:]
    assert applied(text, inverse)[0] == buffer.text
    return text


def lines_of(text: str) -> list[str]:
    return LINE_END.split(text)


def random_text(dice: random.Random, ends: Sequence[str]) -> str:
    text = "".join(dice.choice(LINES) + dice.choice(ends) for _ in range(dice.randrange(1, 12)))
    return text + dice.choice(["", dice.choice(LINES)])


def random_answer(dice: random.Random, standing: str) -> str:
    """What an engine may offer for a text: some of its lines, others between them, other names in them."""
    lines = [line for line in lines_of(standing) if dice.random() < 0.8]
    for _ in range(dice.randrange(3)):
        lines.insert(dice.randrange(len(lines) + 1), dice.choice(LINES).replace("\ud83d", ""))
    text = "\n".join(lines).replace("\ud83d", "\ufffd")
    return text.replace(dice.choice(NAMES), dice.choice(NAMES)) if dice.random() < 0.5 else text


async def check_rewrite(client: WireClient, uri: str, dice: random.Random, buffer: Buffer) -> None:
    answers: list[str] = []

    def script(request: InfillRequest) -> list[Event]:
        [standing] = request.middles
        answers.append(random_answer(dice, standing))
        return offers(answers[-1])(request)

    client.script = client.engine.script = script
    start, end = sorted(dice.choices([at for at in range(len(buffer.text) + 1) if is_place(buffer.text, at)], k=2))
    end = start if dice.random() < 0.2 else end
    params = {"textDocument": {"uri": uri, "version": 1}, "range": buffer.span(start, end), "instruction": "do it"}
    result = (await client.request("dgemma/rewrite", params))["result"]
    assert len(answers) == 1
    assert result.get("rejection", {"reason": "unchanged"})["reason"] == "unchanged"
    for candidate in result["candidates"]:
        check(buffer, candidate["hunks"], (start, end) if start < end else (0, len(buffer.text)))


def is_place(text: str, at: int) -> bool:
    """Whether an editor can set its cursor there: not within a line end."""
    return text[at - 1 : at + 1] != "\r\n"


async def check_edit(client: WireClient, uri: str, dice: random.Random, buffer: Buffer) -> bool:
    """Change a name somewhere, ask what follows, and take it. Whether anything was offered."""

    def script(request: InfillRequest) -> list[Event]:
        return offers(random_answer(dice, request.middles[0]))(request)

    client.engine.script = script
    found = list(re.finditer("|".join(NAMES), buffer.text))
    if not found:
        return False
    name = dice.choice(found)
    renamed = "total_" + name[0]
    client.change({"range": buffer.span(*name.span()), "text": renamed}, uri=uri, version=2)
    buffer.text = buffer.text[: name.start()] + renamed + buffer.text[name.end() :]
    params = {
        "textDocument": {"uri": uri, "version": 2},
        "position": buffer.position(name.start()),
        "context": {"triggerKind": 1},
    }
    edit: Any = (await client.request("dgemma/inlineEdit", params))["result"].get("edit")
    if edit is None:
        return False
    assert edit["textDocument"] == {"uri": uri, "version": 2}
    [(first, last, _)] = buffer.changes([edit])
    whole = check(buffer, [edit], (first, last))
    assert check(buffer, edit["hunks"], (first, last)) == whole
    if "ghostText" in edit:
        ghost = edit["ghostText"]
        assert "\r" not in ghost["insertText"]
        # An editor turns its line feeds into the ends of the document's lines.
        inserted = {"range": ghost["range"], "newText": ghost["insertText"].replace("\n", "\r\n")}
        assert lines_of(check(buffer, [inserted], (0, len(buffer.text)))) == lines_of(whole)
    return True


@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.parametrize("kind", ["rewrites", "edits"])
async def test_only_what_was_offered_changes_and_undo_restores_it(
    batch: int, kind: Literal["rewrites", "edits"]
) -> None:
    dice = random.Random(f"{kind} {batch}")
    encoding = ENCODINGS[batch % len(ENCODINGS)]
    seen = 0
    async with connected(offers("")) as client:
        await client.initialize({"general": {"positionEncodings": [encoding[0]]}})
        await client.request("dgemma/status")
        for number in range(REWRITES if kind == "rewrites" else EDITS):
            uri = f"file:///w/{number}.py"
            buffer = Buffer(random_text(dice, dice.choice(ENDS)), encoding)
            client.open(buffer.text, uri=uri, language=dice.choice(["python", "markdown", "unknown"]))
            if kind == "rewrites":
                await check_rewrite(client, uri, dice, buffer)
            else:
                seen += await check_edit(client, uri, dice, buffer)
            client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    assert kind == "rewrites" or seen >= EDITS // 4
