"""How the engine fares: one record from the thread that owns the model to the editor's status line.

Its JSON is what the host answers and what `dgemma/status` carries.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

State: TypeAlias = Literal["starting", "loading", "ready", "busy", "paused", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How the engine fares.

    state: "paused" while the weights are dropped after an idle time, or the engine has ended; the next request loads
    them again.
    message: one line for the user that adds to `state`. progress: of loading, 0 to 1; None where there is none or it is
    unknown.
    device: what the weights lie on, else what was asked for. follows_instructions: whether the checkpoint was trained
    to. pid: of the engine's process, 0 where there is none yet.
    loads: times that a model was loaded. requests: infill requests taken. clients: front ends that watch. superseded,
    cancelled, failed: requests that ended so.
    steps_after_cancel_max: the most model forwards that a request ran (one in flight included) after it had been
    cancelled or superseded.
    last_silence: in words, why the editor's last request got no suggestion, and last_silence_reason its code; None once
    one has got one, and in a host's own answer, which knows no editor.
    """

    state: State = "starting"
    message: str = "starting the engine"
    progress: float | None = None
    checkpoint: str = ""
    device: str = ""
    follows_instructions: bool = True
    pid: int = 0
    version: str = ""
    loads: int = 0
    requests: int = 0
    clients: int = 0
    superseded: int = 0
    cancelled: int = 0
    failed: int = 0
    steps_after_cancel_max: int = field(default=0, metadata={"name": "steps_after_cancel_max"})
    last_silence: str | None = None
    last_silence_reason: str | None = None

    @property
    def loading(self) -> bool:
        """Whether there is no model yet, but will be."""
        return self.state in ("starting", "loading")

    @property
    def instruction_notice(self) -> str:
        """What whoever gives an instruction should know of the checkpoint; empty where it follows them."""
        if self.follows_instructions:
            return ""
        return f"the checkpoint {self.checkpoint} was not trained to follow instructions; the result ignores yours"
