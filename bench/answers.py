"""What methods answered, kept in a file of JSON lines, so that a long run goes on where it was stopped.

A file belongs to one checkpoint. Nothing is judged here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
_HASHED_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a method made of a case.

    middle: the filled middle, or None where the method offered nothing. passes: model forwards. token_positions: all
    that were computed, prefill and scoring included. ms: milliseconds of the whole request. worst_line_nll: nats, what
    the gate of automatic suggestions looks at; None where a method has no gate. breaks: whether it adds syntax
    errors by the product's own reckoning, which the gate looks at too.
    """

    middle: str | None
    passes: int
    token_positions: int
    ms: float
    worst_line_nll: float | None = None
    breaks: bool = False


class AnswerFile:
    """Answers by split, method and case; without a path they are kept in memory only."""

    def __init__(self, path: Path | None, checkpoint: str) -> None:
        """Read what an earlier run has left. checkpoint: a `fingerprint`.

        Raises:
            SystemExit: the file holds answers of another checkpoint.
        """
        self._path = path
        self._checkpoint = checkpoint
        self._answers: dict[tuple[str, str, str], Answer] = {}
        if path is None or not path.exists():
            return
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            if entry["checkpoint"] != checkpoint:
                raise SystemExit(f"{path} holds answers of another checkpoint: name another file")
            self._answers[entry["split"], entry["method"], entry["case"]] = Answer(**entry["answer"])

    def get(self, split: str, method: str, case: str) -> Answer | None:
        """What a method answered to a case of a split before."""
        return self._answers.get((split, method, case))

    def all(self, split: str, method: str, cases: Sequence[str]) -> list[Answer]:
        """A method's answers to cases that it has all answered, in their order."""
        return [self._answers[split, method, case] for case in cases]

    def answered(self, split: str, method: str, cases: Mapping[str, T], answer: Callable[[T], Answer]) -> list[Answer]:
        """A method's answers to cases by name, in their order; those that are not kept yet are computed and kept."""
        for name, case in cases.items():
            if self.get(split, method, name) is None:
                self.add(split, method, name, answer(case))
        return self.all(split, method, list(cases))

    def add(self, split: str, method: str, case: str, answer: Answer) -> None:
        """Remember an answer."""
        self._answers[split, method, case] = answer
        if self._path is not None:
            entry = {"checkpoint": self._checkpoint, "split": split, "method": method, "case": case}
            with self._path.open("a") as file:
                file.write(json.dumps(entry | {"answer": asdict(answer)}) + "\n")


def fingerprint(checkpoint: Path) -> str:
    """Tells checkpoints apart: a hash of each file's name, size and end, where a model's last weights lie."""
    digest = sha256()
    for path in sorted(checkpoint.iterdir()):
        if path.suffix not in (".json", ".safetensors"):
            continue
        size = path.stat().st_size
        digest.update(f"{path.name} {size}".encode())
        with path.open("rb") as file:
            file.seek(max(size - _HASHED_BYTES, 0))
            digest.update(file.read())
    return digest.hexdigest()[:16]
