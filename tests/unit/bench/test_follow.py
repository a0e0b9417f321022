"""Changes that others follow, drawn from a file's syntax tree."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest

from bench.edits.follow import calls, literals, names, quiet, tempting
from bench.edits.follow.case import EditCase, lines_of, load, path_of
from bench.edits.follow.draw import draw, groups
from bench.edits.follow.group import Group
from bench.edits.follow.source import Source
from bench.nano.corpus import Document
from bench.nano.heldout import write
from bench.nano.sources import Split
from tests.unit.nano.sources import PYTHON

SCOPED = """
total = 0

def add(items, start=0):
    found = start
    for item in items:
        found = found + item["total"]
    return log(found, found=found)

def other(found):
    return [found for found in found]
"""


def only(groups: list[Group], old: str) -> Group:
    (group,) = (group for group in groups if group.old == old)
    return group


def solved(group: Group, text: str, word: str) -> str:
    return group.case(word, name="follow/0", path="a.py", text=text).solved


def test_a_local_is_followed_where_it_is_the_same_variable() -> None:
    group = only(list(names.variables(Source(SCOPED))), "found")
    assert group.kind == "local"
    expected = SCOPED.replace("    found = start", "    seen = start").replace("found = found +", "seen = seen +")
    assert solved(group, SCOPED, "seen") == expected.replace("log(found, found=found)", "log(seen, found=seen)")


def test_a_parameter_that_a_docstring_names_is_left_out() -> None:
    text = 'def f(size):\n    """Of this size."""\n    a = size\n    return a + size\n'
    assert not list(names.variables(Source(text)))
    assert list(names.variables(Source(text.replace("this size", "these"))))


def test_a_parameter_that_a_call_names_is_left_out() -> None:
    text = "def f(size):\n    a = size\n    return a + size\n\nf(size=3)\n"
    assert not list(names.variables(Source(text)))
    assert list(names.variables(Source(text.replace("size=3", "3"))))


def test_an_attribute_is_followed_after_self_alone() -> None:
    text = (
        "class A:\n    def __init__(self, size):\n        self.size = size\n\n"
        "    def f(self, size):\n        self.size += size\n        return self.size\n"
    )
    group = only(list(names.attributes(Source(text))), "size")
    assert solved(group, text, "width") == text.replace("self.size", "self.width")
    elsewhere = text + "\n\ndef f(other):\n    return other.size\n"
    assert not list(names.attributes(Source(elsewhere)))


def test_a_functions_definition_is_changed_first() -> None:
    text = (
        "class A:\n    def f(self):\n        return self.go() + 1\n\n"
        "    def go(self):\n        x = self.go()\n        return x\n"
    )
    group = only(list(names.functions(Source(text))), "go")
    case = group.case("run", name="follow/0", path="a.py", text=text)
    assert "def run(self)" in case.after
    assert case.solved == text.replace("go", "run")
    assert case.after[: case.cursor].endswith("def run")


def test_an_argument_is_added_to_the_definition_and_all_calls() -> None:
    text = "def read(path):\n    return path\n\na = read(1)\nb = read(read(2))\nread(3)\n"
    (group,) = calls.arguments(Source(text))
    case = group.case("strict", name="follow/0", path="a.py", text=text)
    assert case.after.startswith("def read(path, strict=1.0):")
    assert "a = read(1, strict=0.5)\n" in case.after
    assert case.solved.endswith("b = read(read(2, strict=0.5), strict=0.5)\nread(3, strict=0.5)\n")
    assert not list(calls.arguments(Source(text.replace("path):", "*path):"))))


def test_a_key_is_followed_and_a_string_once_two_are_changed() -> None:
    text = 'def f(a):\n    x = a["name"]\n    y = a.get("name")\n    return {"name": x}\n'
    (key,) = literals.literals(Source(text))
    assert (key.kind, len(key.changed), len(key.following)) == ("key", 1, 2)
    text = 'def f(a):\n    g("on")\n    g("off1")\n    if a == "off1":\n        g("off1")\n    return "off1"\n'
    (string,) = literals.literals(Source(text))
    assert (string.kind, len(string.changed), len(string.following)) == ("string", 2, 2)
    assert solved(string, text, "up") == text.replace("off1", "up")


def test_every_group_of_a_file_changes_its_word_alone() -> None:
    for group in groups(Source(SCOPED)):
        assert group.old
        assert ast.dump(ast.parse(solved(group, SCOPED, "word_of_none"))) != ast.dump(ast.parse(SCOPED))


def test_quiet_changes_end_in_the_authors_text_or_change_a_number_or_the_layout() -> None:
    text = "import os\n\n\ndef f(a):\n    b = a * 37\n    # Why not.\n    os.remove(a, b)\n    return b+a\n"
    found = list(quiet.changes(Source(text), random.Random(0)))
    assert {kind for kind, _, _ in found} == {"line", "comment", "number", "layout", "finished"}
    for change in found:
        case = quiet.case_of(change, name="unrelated/0", path="a.py", text=text)
        assert not case.places
        if case.kind in ("line", "comment", "finished"):
            assert case.after == text
        elif case.kind == "layout":
            assert ast.dump(ast.parse(case.after)) == ast.dump(ast.parse(text))
        else:
            assert case.after != text


def test_tempting_changes_leave_nothing_to_follow() -> None:
    source = Source(SCOPED)
    group = only(list(tempting.followed(source, list(names.variables(source)))), "found")
    case = tempting.followed_case(group, "seen", name="tempting/0", path="a.py", text=SCOPED)
    assert case.after == solved(group, SCOPED, "seen")
    assert not case.places
    assert case.after[: case.cursor].endswith("found = seen") or case.after[: case.cursor].endswith("    seen")
    text = (
        "def f(a):\n    aa = a\n    bb = a\n    g(aa, key=True)\n    g(bb, key=True)\n"
        "    if aa < bb:\n        return aa + bb\n    return a\n"
    )
    source = Source(text)
    variables = list(names.variables(source))
    found = {kind: change.applied(text) for kind, change in tempting.changes(source, variables)}
    assert found["use"] == text.replace("aa + bb", "aa + aa")
    assert found["value"] == text.replace("True", "False", 1)
    assert found["operator"] == text.replace("<", "<=")


def drawn() -> list[EditCase]:
    documents = [PYTHON, Document(package="q", path="q/a.py", language="python", text=SCOPED)]
    return draw(documents, 5, 0)


def test_the_same_documents_and_seed_give_the_same_cases(tmp_path: Path) -> None:
    cases = drawn()
    assert cases == drawn()
    path = path_of("tuning", tmp_path)
    write(lines_of(cases), path)
    assert sorted(load(path), key=lambda case: case.name) == sorted(cases, key=lambda case: case.name)
    assert {case.name.split("/")[0] for case in cases} == {"follow", "unrelated", "finished", "tempting"}


@pytest.mark.parametrize("split", ["heldout", "tuning"])
def test_the_cases_that_lie_here_are_sound(split: Split) -> None:
    cases = load(path_of(split))
    for case in cases:
        assert bool(case.places) == case.name.startswith("follow/")
        assert case.after != case.text
        assert len({place.span.start for place in case.places}) != 1
    assert [case.name for case in cases[:4]] == ["finished/0", "follow/0", "tempting/0", "unrelated/0"]
