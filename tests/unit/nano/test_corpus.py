"""Documents are readable source, no file stands twice, and a package stands in one split."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.nano.corpus import Document, deduplicated, readable
from bench.nano.sources import (
    ADDED_DISTRIBUTIONS,
    ADDED_NPM_PACKAGES,
    DISTRIBUTIONS,
    HELD_OUT,
    NPM_PACKAGES,
    TUNING,
    split_of,
)

BODY = "\n".join(f"def function_number_{i}(argument):\n    return argument + {i}" for i in range(12)) + "\n"


def document(name: str, text: str) -> Document:
    return Document(package="p", path=name, language="python", text=text)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (BODY.encode(), BODY),
        (BODY.replace("\n", "\r\n").encode(), BODY),
        (b"# Copyright 2020 Somebody\n# All rights reserved.\n\n" + BODY.encode(), BODY),
        (b"# Sums of numbers.\n" + BODY.encode(), "# Sums of numbers.\n" + BODY),
        (b"x = 1\n", None),
        (BODY.encode() + b"\xff", None),
        (BODY.encode() + b"\0", None),
        (BODY.encode() + b"x = '" + b"y" * 500 + b"'\n", None),
        (BODY.encode() * 400, None),
    ],
)
def test_readable(tmp_path: Path, raw: bytes, expected: str | None) -> None:
    path = tmp_path / "module.py"
    path.write_bytes(raw)
    assert readable(path) == expected


def test_a_file_that_mostly_repeats_earlier_ones_goes() -> None:
    copy = BODY.replace("    return", "  return") + "an_original_line_of_some_length = 1\n"
    other = BODY.replace("function_number", "another_number")
    kept = deduplicated([document("a", BODY), document("b", copy), document("c", other)])
    assert [found.path for found in kept] == ["a", "c"]


def test_splits_do_not_share_packages() -> None:
    assert not HELD_OUT & TUNING
    assert {split_of(name) for name in ("rich", "python/json")} == {"heldout"}
    assert split_of("httpx") == "tuning"
    assert split_of("torch") == "train"


def test_sources_are_named_once_and_permissive() -> None:
    found = [*DISTRIBUTIONS, *NPM_PACKAGES, *ADDED_DISTRIBUTIONS, *ADDED_NPM_PACKAGES]
    assert len({source.package for source in found}) == len(found)
    assert {"GPL", "LGPL", "AGPL", "MPL"}.isdisjoint(s.licence.split("-")[0] for s in found)


def test_what_was_added_later_is_all_for_training() -> None:
    assert {split_of(source.package) for source in (*ADDED_DISTRIBUTIONS, *ADDED_NPM_PACKAGES)} == {"train"}
