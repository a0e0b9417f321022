"""What is known of each language: one table, `languages.toml`, by the name that a code fence writes."""

from __future__ import annotations

import builtins
import keyword
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath

from cattrs import Converter


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language's row of the table, whose comments say what is in it."""

    extensions: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    grammar: tuple[str, ...] = ()
    nested: bool = False
    stand_ins: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    header_ends: tuple[str, ...] = (" {}", " {")
    block_ends: tuple[str, ...] = ()
    words_of: str = ""
    words: str = ""


@cache
def languages() -> Mapping[str, Language]:
    """All languages by name; read when one is first asked for."""
    rows = tomllib.loads((Path(__file__).parent / "languages.toml").read_text(encoding="utf-8"))
    return Converter(forbid_extra_keys=True).structure(rows, dict[str, Language])


def facts_of(name: str) -> Language:
    """What is known of a language; nothing of one that is not in the table."""
    return languages().get(name, Language())


def language_of(path: str, language_id: str) -> str:
    """A code fence's name for the language: from the editor's id, else from the path's extension, else ""."""
    if language_id:
        return _names("ids").get(language_id, language_id)
    return _names("extensions").get(PurePath(path).suffix.removeprefix(".").lower(), "")


@cache
def common_words(name: str) -> frozenset[str]:
    """The keywords and the names that every file in a language may use; those of a few languages together for one that
    is not known."""
    if name == "python":
        kinds = (str, bytes, list, dict, set, int, float, Exception)
        members = (name for kind in kinds for name in dir(kind) if not name.startswith("__"))
        return frozenset(
            (*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *members, *sys.stdlib_module_names, "self", "cls")
        )
    own = facts_of(name)
    words = f"{own.words} {facts_of(own.words_of).words}".split()
    return frozenset(words or " ".join(each.words for each in languages().values()).split())


@cache
def _names(column: str) -> Mapping[str, str]:
    """Languages' names by the entries of a column."""
    found = {entry: name for name, own in languages().items() for entry in getattr(own, column)}
    return found | {"plaintext": ""} if column == "ids" else found
