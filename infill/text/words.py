"""Words that a text makes with the characters at a hole's edges, and identifiers that go on as a word has begun."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

from infill.text.languages import common_words
from infill.text.lines import common_length

_WORD = re.compile(r"[^\W\d]\w*")
_END = re.compile(r"\w*")
# What names are put together from: max_width, maxWidth, HTTPServer, utf8.
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_]+")
_PLURALS = ("", "s", "es")
# Characters of an identifier that have to be there before it is proposed.
_LEAST_TYPED = 2
# Characters before a word that may be alike: its receiver's name, say.
_MOST_ALIKE = 24


def known_words(around: Sequence[str], language: str, *, others: Iterable[str] = ()) -> frozenset[str]:
    """The words of a language and of texts, and the parts of them all, in lower case. around: texts with holes between
    them, each of which may have cut a word in two; others: texts without."""
    words = set[str]()
    for place, text in enumerate(around):
        begin = _end_of(text) if place else 0
        end = max(start_of_word(text), begin) if place < len(around) - 1 else len(text)
        words.update(_WORD.findall(text, begin, end))
    for text in others:
        words.update(_WORD.findall(text))
    return _common_words(language).union(words, *map(_parts, words))


@cache
def _common_words(language: str) -> frozenset[str]:
    """The words of a language, and their parts."""
    words = common_words(language)
    return words.union(*map(_parts, words))


def words_made(before: str, text: str, after: str) -> list[str]:
    """The words that a text makes with the characters before or after it."""
    head, tail = before[start_of_word(before) :], after[: _end_of(after)]
    whole = head + text + tail
    made = [whole[: _end_of(whole)]] if head and _end_of(text) else []
    if tail and start_of_word(text) < len(text):
        made.append(whole[start_of_word(whole) :])
    return made


def is_known(word: str, known: frozenset[str]) -> bool:
    """Whether a word is known, put together from known ones, a form of one, or a number."""
    return word[0].isdigit() or word in known or all(_is_form(part, known) for part in _parts(word))


def start_of_word(text: str) -> int:
    """Where the word begins that a text ends with."""
    # From its end: an expression looks at every place where a word might begin, and tries each word's end from there.
    return len(text) - _end_of(text[::-1])


def identifier_completions(before: str, after: str, *, others: Sequence[str] = (), count: int) -> list[str]:
    """What is missing from a word that has begun before a hole, and may go on behind it, to be one of the identifiers
    that stand elsewhere: first of those behind the most of the same characters, of these of the nearest. others: texts
    in which identifiers stand, too. count: at most."""
    start = start_of_word(before)
    begun, head, tail = before[:start], before[start:], after[: _end_of(after)]
    if len(head) < _LEAST_TYPED or head[0].isdigit():
        return []
    elsewhere = (after[len(tail) :], *others)
    if tail and re.search(rf"(?<!\w){head}{tail}(?!\w)", "\n".join((begun, *elsewhere))):
        return []  # Nothing is missing.
    pattern = re.compile(rf"(?<!\w){head}(\w+){tail}(?!\w)")
    found = list(pattern.finditer(begun))[::-1]
    found += [match for source in elsewhere for match in pattern.finditer(source)]
    alike: dict[str, int] = {}
    for match in found:
        just_before = match.string[max(match.start() - _MOST_ALIKE, 0) : match.start()]
        same = common_length(reversed(just_before), reversed(begun))
        alike[match[1]] = max(same, alike.get(match[1], 0))
    return sorted(alike, key=alike.__getitem__, reverse=True)[:count]


def _is_form(part: str, known: frozenset[str]) -> bool:
    return part.isdigit() or any(part + ending in known or part.removesuffix(ending) in known for ending in _PLURALS)


def _parts(word: str) -> list[str]:
    return [part.lower() for part in _PART.findall(word)]


def _end_of(text: str) -> int:
    """Where the word ends that a text begins with."""
    match = _END.match(text)
    return match.end() if match else 0
