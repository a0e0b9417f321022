"""What the real server shows in ordinary situations, in a real Neovim: `python -m bench.situations`.

Prints a table: what was shown, how many milliseconds after the last key, and whether the buffer was right after Tab.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from bench.situation import SITUATIONS, Situation
from tests.editor.editors import find_neovim
from tests.editor.neovim import NeovimSession
from tests.editor.waiting import wait_for

SERVER = (sys.executable, "-m", "dgemma_lsp", "--checkpoint", "nano", "--device", "cpu")
GHOST = "5f00ff"
"""A colour that nothing else on the screen has."""

KEY_S = 0.15
"""Eighty words a minute."""
PATIENCE_S = 4.0
PROMPT_MS = 800

CONFIG = f"""
vim.o.cmdheight = 2
vim.api.nvim_set_hl(0, 'DgemmaSuggestion', {{ fg = '#{GHOST}' }})
vim.lsp.config('dgemma', {{ settings = {{ dgemma = vim.json.decode([==[%s]==]) }} }})
"""
SHOWN = """(function()
    local lines = {}
    local marks = vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('dgemma'), 0, -1, { details = true })
    for _, mark in ipairs(marks) do
        for _, line in ipairs(vim.list_extend({ mark[4].virt_text }, mark[4].virt_lines or {})) do
            table.insert(lines, vim.iter(line):fold('', function(all, chunk)
                return all .. (chunk[2] == 'DgemmaSuggestion' and chunk[1] or '')
            end))
        end
    end
    return table.concat(lines, '\\n')
end)()"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a situation. shown: "" for nothing. after_ms: from the last key until it was to be seen. right: the
    buffer after Tab is what it was with what was shown at the cursor; None where nothing was shown. reason: what the
    status line says."""

    situation: Situation
    shown: str
    after_ms: float
    right: bool | None
    reason: str


def open_situation(session: NeovimSession, situation: Situation, folder: Path) -> None:
    """Opens the file, and goes to where somebody is about to type, in Insert mode."""
    if situation.file is None:
        session.press(":enew\r")
        if situation.filetype:
            session.press(f":set filetype={situation.filetype}\r")
    else:
        folder.mkdir()
        text = situation.before + situation.after
        (folder / situation.file).write_text(text, encoding="utf-8", newline="")
        session.press(f":edit {folder / situation.file}\r")
        session.wait_for_screen(situation.file)
    before = situation.before.replace("\r\n", "\n").split("\n")
    at_end = situation.after.startswith(("\n", "\r\n")) or not situation.after
    session.press(f":call cursor({len(before)}, {len(before[-1].encode()) + 1})\r" + ("A" if at_end else "i"))
    wait_for(lambda: session.lua("vim.api.nvim_get_mode().mode") == "i", "Insert mode", session.screen)


def play(session: NeovimSession, situation: Situation, folder: Path) -> Outcome:
    """Types what is typed there, looks, presses Tab, and looks at the buffer."""
    open_situation(session, situation, folder)
    pressed = time.perf_counter()
    for key in situation.typed:
        time.sleep(KEY_S)
        session.press("\r" if key == "\n" else key)
        pressed = time.perf_counter()
    time.sleep(0.02)  # Neovim has drawn the key by then, so what is to be seen belongs to it.
    while not (seen := session.terminal.shows_colour(GHOST)) and time.perf_counter() < pressed + PATIENCE_S:
        time.sleep(0.005)
    after_ms = 1000 * (time.perf_counter() - pressed)
    shown = cast(str, session.lua(SHOWN)) if seen else ""
    reason = str(session.lua("require('dgemma').status()")).removeprefix("dgemma: ")
    line, column = cast(list[int], session.lua("vim.api.nvim_win_get_cursor(0)"))
    lines = session.buffer().split("\n")
    cursor = len("\n".join([*lines[: line - 1], ""]).encode()) + column
    text = session.buffer().encode()
    expected = (text[:cursor] + shown.encode() + text[cursor:]).decode()
    session.press("\t")
    time.sleep(0.2)
    right = session.buffer() == expected if shown else None
    session.press("\x1b:bwipeout!\r")
    return Outcome(situation=situation, shown=shown, after_ms=after_ms, right=right, reason=reason)


def row(outcome: Outcome) -> str:
    """A row of the table."""
    typed = outcome.situation.typed.strip().split("\n")[-1]
    shown = outcome.shown.replace("\n", "⏎").replace("|", "¦")
    right = {True: "yes", False: "**no**", None: ""}[outcome.right]
    if not outcome.shown:
        return f"| {outcome.situation.name} | `{typed}` | – ({outcome.reason}) | | |"
    return f"| {outcome.situation.name} | `{typed}` | `{shown}` | {outcome.after_ms:.0f} | {right} |"


def main(names: list[str], settings: str) -> None:
    """Plays the situations of these names, or all, with these settings of the server, as JSON."""
    situations = [situation for situation in SITUATIONS if situation.name in names or not names]
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="dgemma-") as folder:
        home = Path(folder)
        try:
            with NeovimSession(find_neovim(), home, [*SERVER, "--stdio"], CONFIG % settings) as session:
                session.wait_for_server()
                session.wait_for_status("ready")
                print("| situation | typed | shown | ms | buffer after Tab right |\n| --- | --- | --- | ---: | --- |")
                for number, situation in enumerate(situations):
                    outcomes.append(play(session, situation, home / str(number)))
                    print(row(outcomes[-1]), flush=True)
        finally:
            environment = {**os.environ, "HOME": folder, "XDG_RUNTIME_DIR": folder}
            subprocess.run([*SERVER, "host", "stop"], env=environment, capture_output=True, timeout=120, check=False)
    shown = [outcome for outcome in outcomes if outcome.shown]
    prompt = sum(outcome.after_ms <= PROMPT_MS for outcome in shown)
    wrong = sum(outcome.right is False for outcome in shown)
    print(f"\n{len(shown)} of {len(outcomes)} shown, {prompt} within {PROMPT_MS} ms, {wrong} wrong in the buffer")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="What is shown in ordinary situations, in a real Neovim.")
    parser.add_argument("names", nargs="*", help="of situations; all where none is given")
    parser.add_argument("--settings", default="{}", help="the server's settings, as JSON")
    arguments = parser.parse_args()
    main(arguments.names, arguments.settings)
