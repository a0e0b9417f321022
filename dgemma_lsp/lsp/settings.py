"""The configuration in force, and the layers it is made of."""

from __future__ import annotations

from typing import Literal, TypeAlias

from dgemma_lsp.config import Config, overlay

SettingsLayer: TypeAlias = Literal["file", "initial", "editor", "flags"]


class Settings:
    """Defaults, then the file, the editor's initialization options, its settings, and the command line.

    What the user wrote on the command line outweighs an editor, which sends its own defaults along with what its user
    has set.
    """

    def __init__(self) -> None:
        self._layers: dict[SettingsLayer, object] = {"file": None, "initial": None, "editor": None, "flags": None}
        self._reported: set[str] = set()
        self.config = Config()

    def layer(self, name: SettingsLayer) -> object:
        """What a layer holds, None where it says nothing."""
        return self._layers[name]

    def update(self, layer: SettingsLayer, value: object) -> tuple[str, ...]:
        """Take over a layer, a JSON value, and build the tree anew.

        Returns what cannot be used of any layer, each with its path, unless an earlier call has returned it.
        """
        self._layers[layer] = value
        config = Config()
        problems: list[str] = []
        for settings in self._layers.values():
            config, unusable = overlay(config, settings)
            problems.extend(map(str, unusable))
        self.config = config
        fresh = tuple(problem for problem in problems if problem not in self._reported)
        self._reported.update(fresh)
        return fresh
