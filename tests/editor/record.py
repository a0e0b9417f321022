"""What an editor has sent to the scripted server."""

import json
from pathlib import Path
from typing import Any


class Record:
    """The file in which the scripted server keeps the messages it has read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def messages(self, method: str) -> list[Any]:
        """The parameters of all messages of this method."""
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [message.get("params") for line in lines if (message := json.loads(line)).get("method") == method]

    def asked_at(self) -> tuple[int, int]:
        """Where the last suggestion was asked for: line and character."""
        place = self.messages("textDocument/inlineCompletion")[-1]["position"]
        return place["line"], place["character"]
