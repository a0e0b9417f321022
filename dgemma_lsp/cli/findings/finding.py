"""One thing that `doctor` looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["ok", "note", "problem"]
"""problem: the engine cannot work so. note: it works, and there is something to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found. remedy: what to do about it; empty where all is well."""

    name: str
    verdict: Verdict
    detail: str
    remedy: str = ""
