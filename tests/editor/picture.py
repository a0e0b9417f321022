"""A terminal's screen as a picture, to look at."""

from collections.abc import Sequence
from html import escape

from pyte.screens import Char

WIDTH, HEIGHT = 9, 19
FOREGROUND, BACKGROUND = "e0e2ea", "14161b"
"""Of Neovim's default colour scheme, where a cell has none."""

NAMES = {"default": None, "red": "cc4444", "green": "44aa55", "brown": "c0a040", "blue": "5588cc", "white": "e0e2ea"}


def _colour(name: str, default: str) -> str:
    """A colour's six hexadecimal digits."""
    return NAMES.get(name, name) or default


def svg(lines: Sequence[Sequence[Char]], cursor: tuple[int, int]) -> str:
    """The screen as an SVG document. cursor: line and column."""
    drawn: list[str] = []
    for row, line in enumerate(lines):
        for column, cell in enumerate(line):
            front, back = _colour(cell.fg, FOREGROUND), _colour(cell.bg, BACKGROUND)
            if cell.reverse != (cursor == (row, column)):
                front, back = back, front
            x, y = column * WIDTH, row * HEIGHT
            if back != BACKGROUND:
                drawn.append(f'<rect x="{x}" y="{y}" width="{WIDTH + 0.5}" height="{HEIGHT + 0.5}" fill="#{back}"/>')
            if cell.data.strip():
                weight = ' font-weight="bold"' if cell.bold else ""
                drawn.append(f'<text x="{x}" y="{y + 14}" fill="#{front}"{weight}>{escape(cell.data)}</text>')
    width, height = len(lines[0]) * WIDTH, len(lines) * HEIGHT
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-size="15" '
        f'font-family="DejaVu Sans Mono, monospace" xml:space="preserve">'
        f'<rect width="100%" height="100%" fill="#{BACKGROUND}"/>{"".join(drawn)}</svg>\n'
    )
