"""What a model in memory says of itself."""

from __future__ import annotations

import pytest

from dgemma_lsp.resident.resident import Report, Resident
from dgemma_lsp.wire.status import Status
from tests.unit.host.scripted import ScriptedModel


@pytest.mark.parametrize(
    ("checkpoint", "notice", "message"),
    [
        ("org/model", "", "org/model on scripted"),
        ("org/model", "half of it", "org/model on scripted; half of it"),
        ("nano", "", "nano on scripted; the embedded checkpoint, small and only good for trying things out"),
    ],
)
def test_the_message_names_the_checkpoint_and_does_not_repeat_the_state(
    checkpoint: str, notice: str, message: str
) -> None:
    told: list[str] = []
    reports: list[Report] = []

    def load(report: Report) -> ScriptedModel:
        reports.append(report)
        report("Reading weights", 0.5)
        return ScriptedModel(notice=notice)

    resident = Resident(load, Status(checkpoint=checkpoint), changed=lambda: told.append(resident.status.message))
    resident.load()
    reports[0]("less context", None)
    assert told[:-1] == ["Loading the model", "Reading weights", message]
    assert told[-1].startswith(f"{checkpoint} on scripted; less context")
