"""Cursor positions generated in ordinary files: what nobody asked for breaks nothing, whatever the model makes of them.

The files are whole but for what is taken out, so that any error is the suggestion's own.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cases import EVERYDAY
from engine.checkpoint.config import denoise_config
from engine.nano import DIRECTORY
from engine.weights.load import load
from infill.fill import Infiller
from infill.profile import profile_for
from infill.request import Filled, InfillRequest, Span
from infill.syntax.brackets import closing, loose
from infill.syntax.check import SyntaxCheck
from infill.syntax.parser import error_count
from infill.text.languages import language_of
from infill.text.tokens import TextTokens

FILES = sorted(path for path in EVERYDAY.rglob("*.*"))
# What is taken out: the rest of a line, the arguments of a call in brackets that an editor has closed, or a line.
PIECES = {
    "rest": re.compile(r"(?<=\w)[^\n\w][^\n]{2,}(?=\n)"),
    "arguments": re.compile(r"(?<=\w\()[^()\n]+(?=\))"),
    "line": re.compile(r"(?<=\n)(?<=[\n \t])[^\s][^\n]*(?=\n)"),
}


@pytest.fixture(scope="module")
def infiller() -> Infiller:
    tokens = TextTokens.load(DIRECTORY)
    return Infiller(load(DIRECTORY, device="cpu"), tokens, profile_for(DIRECTORY, denoise_config(DIRECTORY)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_nobody_asked_for_breaks_nothing(infiller: Infiller, path: Path) -> None:
    language = language_of(path.name, "")
    for request in _requests(path):
        *_, filled = infiller.fill(request)
        assert isinstance(filled, Filled)
        for candidate in filled.candidates:
            [text] = candidate.texts
            whole = request.prefix + text + request.suffix
            assert text.strip()
            assert "\n" not in text or not request.suffix.partition("\n")[0].strip(), text
            # The block of a header may still have to be typed.
            ended = request.prefix + text + "\n" + closing(loose(text)[1]) + request.suffix
            assert 0 in (error_count(whole, language), error_count(ended, language)), text
            if language == "python":
                ast.parse(whole)


def _requests(path: Path) -> Iterator[InfillRequest]:
    language = language_of(path.name, "")
    text = re.sub("[⟦⟧]", "", path.read_text(encoding="utf-8"))
    draw = random.Random(path.name)
    for pattern in PIECES.values():
        found = list(pattern.finditer(text))
        for match in draw.sample(found, k=min(2, len(found))):
            left = text[: match.start()] + text[match.end() :]
            hole = Span(start=match.start(), end=match.start())
            statements = SyntaxCheck.of((left[: hole.start], left[hole.start :]), ("",), language)
            # A missing header looks like a window's cut, unless an ordinary piece of code stands for it.
            if statements.unavoidable_errors() or "".join(statements.around) != left:
                continue
            yield replace(InfillRequest(text=left, holes=(hole,), path=path.name), confidence="normal")
