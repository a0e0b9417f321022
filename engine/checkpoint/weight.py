"""A tensor that a checkpoint must hold, by its name, shape and role."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

DECODER = "model.decoder."
ENCODER = "model.encoder.language_model."

Shape: TypeAlias = tuple[int, ...]

WeightRole: TypeAlias = Literal["experts", "matrix", "other"]
"""experts: 3-D, nine tenths of all weights. matrix: the linear layers and the embedding. other: norms, scalars and the
routers, which are small and decide much."""


@dataclass(frozen=True, slots=True)
class Weight:
    """A tensor that a checkpoint must hold. name: the checkpoint's."""

    name: str
    shape: Shape
    role: WeightRole

    @classmethod
    def of(cls, name: str, shape: Shape) -> Self:
        """The weight of this name, with the role that its shape and its module give it."""
        if len(shape) == 3:
            return cls(name, shape, "experts")
        return cls(name, shape, "matrix" if len(shape) == 2 and ".router." not in name else "other")

    @property
    def segment(self) -> str:
        """What it is placed with: its layer's experts, the rest of its layer, or what belongs to no layer."""
        layer = re.search(r"\blayers\.\d+", self.name)
        if layer is None:
            return "rest"
        return f"{layer[0]}.experts" if self.role == "experts" else layer[0]
