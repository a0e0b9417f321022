"""Why a request got no suggestion: a code for programs and a sentence for people, the same in editors and on the
command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

from infill.request import Rejection, RejectReason

Reason: TypeAlias = (
    RejectReason
    | Literal[
        "thinking",
        "cancelled",
        "engine_failed",
        "failed",
        "automatic_off",
        "language_off",
        "secret",
        "ignored",
        "excluded",
        "not_open",
        "no_code",
        "out_of_step",
        "other_version",
        "no_instruction",
        "no_position",
        "nothing_to_add",
        "no_changes",
        "nothing_to_follow",
        "rejected_before",
    ]
)

TOKENS_A_LINE, CHARACTERS_A_TOKEN = 10, 3
"""As code goes, for people who do not count in tokens."""

SENTENCES: dict[Reason, str] = {
    # What the model makes of the hole.
    "empty": "the model leaves the hole empty",
    "repeats_suffix": "what the model offers only repeats the code after the hole",
    "repeats_code": "what the model offers only repeats a line, an import or a comment",
    "crosses_lines": "what the model offers goes over several lines before the rest of this one",
    "unchanged": "the model would leave the code as it is",
    "low_confidence": "the model is not certain of anything here",
    "breaks_syntax": "what the model offers breaks the syntax",
    "too_far": "the holes are too far apart to be filled together",
    "too_long": "too long to replace at once: choose {about} or fewer",
    "no_room": "the surrounding code leaves no room for the hole",
    "took_too_long": "took too long",
    # How far the request got.
    "thinking": "still thinking",
    "cancelled": "cancelled",
    "engine_failed": "{about}",
    "failed": "a fault of dgemma-lsp, which its log tells of",
    # What the user has switched off or wants left alone.
    "automatic_off": "automatic suggestions are turned off",
    "language_off": "turned off for {about}",
    "secret": "excluded: looks like a secret",
    "ignored": "excluded by {about}",
    "excluded": "excluded by the setting `exclude`",
    # Why the request itself cannot be served.
    "not_open": "the document is not open",
    "no_code": "{about} is left alone",
    "out_of_step": "the document is out of step with the editor; close it and open it again",
    "other_version": "asked for another version of the document",
    "no_instruction": "an instruction has to say what shall become of the selection",
    "no_position": "there is no such position in the document",
    "nothing_to_add": "nothing to add to the selected completion",
    "no_changes": "nothing was changed lately that an edit could follow from",
    "nothing_to_follow": "no place has to follow the last changes",
    "rejected_before": "the edit was rejected before",
}


@dataclass(frozen=True, slots=True)
class Silence:
    """One request's reason. about: what the sentence names (a language, a file, an error), never source
    text."""

    reason: Reason
    about: str = ""

    @classmethod
    def of(cls, rejection: Rejection) -> Self:
        """Why the engine has nothing to offer."""
        if rejection.limit is None:
            return cls(rejection.reason)
        lines, characters = -(-rejection.limit // TOKENS_A_LINE), rejection.limit * CHARACTERS_A_TOKEN
        return cls(rejection.reason, f"about {lines} lines ({characters:,} characters)")

    def to_json(self) -> dict[str, str]:
        """A rejection as answers carry it."""
        return {"reason": self.reason, "message": str(self)}

    def __str__(self) -> str:
        return SENTENCES[self.reason].format(about=self.about)
