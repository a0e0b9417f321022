"""A checkpoint's profile: the members its file names, defaults for the others, one clear message for a bad file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.canvas import DenoiseConfig
from engine.errors import CheckpointError
from engine.nano import DIRECTORY
from infill.profile import FILE, Gate, derived_profile, profile_for

OFFICIAL = DenoiseConfig()


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        (None, {}),
        ("{}", {}),
        ('{"follows_instructions": false}', {"follows_instructions": False}),
        ('{"gate": {"shy": 1, "normal": 2.5}}', {"gate": Gate(shy=1.0, normal=2.5)}),
        ('{"denoise": {"entropy_bound": 0.4}}', {"denoise": replace(OFFICIAL, entropy_bound=0.4)}),
        ('{"stages": [["prompt_lookup"]]}', {"stages": (("prompt_lookup",),)}),
    ],
)
def test_what_a_file_names_is_read_and_the_rest_is_derived(
    text: str | None, changes: dict[str, Any], tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / FILE).write_text(text)
    assert profile_for(tmp_path, OFFICIAL) == replace(derived_profile(OFFICIAL), **changes)


def test_a_derived_profile_keeps_the_prompts_of_two_documents() -> None:
    profile = derived_profile(OFFICIAL)
    assert profile.pool_tokens == 2 * (profile.window.context + profile.edits.context) == 24_576


@pytest.mark.parametrize("steps", [12, 48])
def test_a_derived_profile_is_the_checkpoints_own_sampler(steps: int) -> None:
    own = DenoiseConfig(ramp_steps=steps, max_denoising_steps=steps, entropy_bound=0.2, t_max=0.9, t_min=0.3)
    profile = derived_profile(own)
    assert profile.denoise == own
    assert set(profile.steps.values()) == {profile.replaced_steps} == {min(steps, 24)}
    assert profile.window.context == 8_192
    assert profile.lengths.line[-1] == profile.lengths.within[-1] == 48
    assert profile.lengths.block[-1] == 160
    assert profile.stages == (("denoise", "prompt_lookup"),)
    assert profile.copy_prior is None
    assert profile.continuation is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "expected an object"),
        ("{", "Expecting property name"),
        ('{"colour": 1}', "colour"),
        ('{"gate": {"loud": 1}}', "loud"),
        ('{"gate": 2}', "gate"),
        ('{"gate": {"shy": "x"}}', "gate.shy"),
        ('{"gate": {"shy": 9, "normal": 2}}', "expected 0 <= shy <= normal <= bold"),
        ('{"stages": [["guess"]]}', "stages"),
        ('{"denoise": {"t_min": 0}}', "temperatures need 0 < t_min"),
        ('{"denoise": {"clamped": "twice"}}', "denoise.clamped"),
    ],
)
def test_a_bad_file_is_one_message_that_names_it(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(CheckpointError, match=message) as raised:
        profile_for(tmp_path)
    assert str(tmp_path / FILE) in str(raised.value)


def test_only_the_embedded_checkpoint_reads_clamped_tokens_once() -> None:
    assert derived_profile(OFFICIAL).denoise.clamped == "every_step"
    assert profile_for(DIRECTORY).denoise.clamped == "read_once"


def test_the_embedded_checkpoint_says_that_it_does_not_follow_instructions() -> None:
    assert not profile_for(DIRECTORY).follows_instructions
