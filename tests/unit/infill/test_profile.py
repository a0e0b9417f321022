"""A checkpoint's profile: the members its file names, defaults for the others, one clear message for a bad file."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import CheckpointError
from engine.nano import DIRECTORY
from infill.profile import FILE, Gate, Profile, profile_for


@pytest.mark.parametrize(
    ("text", "profile"),
    [
        (None, Profile()),
        ("{}", Profile()),
        ('{"follows_instructions": false}', Profile(follows_instructions=False)),
        ('{"gate": {"shy": 1, "normal": 2.5}}', Profile(gate=Gate(shy=1.0, normal=2.5))),
    ],
)
def test_what_a_file_names_is_read_and_the_rest_keeps_its_default(
    text: str | None, profile: Profile, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / FILE).write_text(text)
    assert profile_for(tmp_path) == profile


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "the file: expected an object"),
        ("{", "Expecting property name"),
        ('{"colour": 1}', "colour: unknown"),
        ('{"gate": {"loud": 1}}', "gate.loud: unknown"),
        ('{"gate": 2}', "gate: expected an object"),
        ('{"gate": {"shy": true}}', "gate.shy: expected a number"),
        ('{"gate": {"shy": 9, "normal": 2}}', "gate: expected 0 <= shy <= normal <= bold"),
        ('{"gate": {"shy": NaN}}', "gate: expected 0 <= shy <= normal <= bold"),
        ('{"follows_instructions": 0}', "follows_instructions: expected true or false"),
    ],
)
def test_a_bad_file_is_one_message_that_names_it(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(CheckpointError, match=message) as raised:
        profile_for(tmp_path)
    assert str(tmp_path / FILE) in str(raised.value)


def test_the_embedded_checkpoint_says_that_it_does_not_follow_instructions() -> None:
    assert not profile_for(DIRECTORY).follows_instructions
