"""Byte offsets, as parsers count, to code points."""

from __future__ import annotations

import numpy as np


class Offsets:
    """The places of one text."""

    def __init__(self, text: str) -> None:
        source = np.frombuffer(text.encode(), np.uint8)
        self._code_points = np.concatenate([[0], np.cumsum((source & 0xC0) != 0x80)])
        self._line_starts = np.concatenate([[0], np.flatnonzero(source == ord("\n")) + 1])

    def at_byte(self, offset: int) -> int:
        """The code point at a byte."""
        return int(self._code_points[offset])

    def at(self, line: int, column: int) -> int:
        """The code point at a line, counted from 1, and a byte of it: the way of Python's `ast`."""
        return self.at_byte(int(self._line_starts[line - 1]) + column)
