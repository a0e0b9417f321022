"""A program on a terminal of its own, and the screen that a person in front of it would see."""

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
import pyte

from tests.editor.picture import svg

COLUMNS, LINES = 100, 24
QUESTION = re.compile(rb"\x1bP.*?\x1b\\", re.DOTALL)


class Terminal:
    """Runs a program until `close`, which ends it and all that it started in its process group."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str], cwd: Path) -> None:
        self._keyboard, other_end = pty.openpty()
        fcntl.ioctl(other_end, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self._screen = pyte.Screen(COLUMNS, LINES)
        # Programs ask their terminal how it is, and wait for the answer.
        self._screen.write_process_input = lambda data: self.press(data)
        self._drawing = threading.Lock()
        self._process = subprocess.Popen(
            command,
            stdin=other_end,
            stdout=other_end,
            stderr=other_end,
            env={**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            cwd=cwd,
            start_new_session=True,
        )
        os.close(other_end)
        self._drawer = threading.Thread(target=self._draw, daemon=True)
        self._drawer.start()

    def _draw(self) -> None:
        stream = pyte.ByteStream(self._screen)
        undrawn = b""
        # Reading fails once the program has closed its end.
        with contextlib.suppress(OSError):
            while printed := os.read(self._keyboard, 1 << 16):
                # The emulator takes questions about the terminal for text to draw.
                undrawn = QUESTION.sub(b"", undrawn + printed)
                whole, start, begun = undrawn.partition(b"\x1bP")
                with self._drawing:
                    stream.feed(whole)
                undrawn = start + begun

    def press(self, keys: str) -> None:
        """Types."""
        os.write(self._keyboard, keys.encode())

    def lines(self) -> list[str]:
        """The screen, each line without the blanks at its end."""
        with self._drawing:
            return [line.rstrip() for line in self._screen.display]

    def colours(self, line: int) -> list[str]:
        """The colour of each character of a line of the screen."""
        with self._drawing:
            return [self._screen.buffer[line][column].fg for column in range(COLUMNS)]

    def shows_colour(self, colour: str) -> bool:
        """Whether anything on the screen has this colour, six hexadecimal digits."""
        with self._drawing:
            return any(cell.fg == colour for line in self._screen.buffer.values() for cell in line.values())

    def backgrounds(self, line: int) -> list[str]:
        """The colour behind each character of a line of the screen."""
        with self._drawing:
            return [self._screen.buffer[line][column].bg for column in range(COLUMNS)]

    def picture(self) -> str:
        """The screen as an SVG document."""
        with self._drawing:
            lines = [[self._screen.buffer[line][column] for column in range(COLUMNS)] for line in range(LINES)]
            return svg(lines, (self._screen.cursor.y, self._screen.cursor.x))

    def cursor(self) -> tuple[int, int]:
        """Line and column of the cursor."""
        with self._drawing:
            return self._screen.cursor.y, self._screen.cursor.x

    def close(self) -> None:
        """Ends the program and what it has started."""
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            # The Neovim behind a screen is in a session of its own, and one that asks something outlives the screen.
            behind = psutil.Process(self._process.pid).children(recursive=True)
            os.killpg(self._process.pid, signal.SIGKILL)
            for process in behind:
                with contextlib.suppress(psutil.NoSuchProcess):
                    if process.name() == "nvim":
                        process.kill()
        self._process.wait()
        self._drawer.join(timeout=10)
        os.close(self._keyboard)
