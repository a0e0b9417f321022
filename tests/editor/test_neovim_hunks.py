"""Random edits of the protocol, applied in a real Neovim: nothing changes but what they say, and undo restores it."""

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

from tests.editor.editors import NEOVIM_PLUGIN, Neovim

CASES = 2_000
LETTERS = [*"ab( \t", "é", "𝒳", "\n", "\n"]
# Each hunk is applied where those before it have moved it to, as in a review, and all are one change to undo.
APPLY = """
local hunks = require('dgemma.hunks.hunk')
local file, out = vim.env.CASES, {}
for _, case in ipairs(vim.json.decode(vim.fn.readblob(file))) do
  local buf = vim.api.nvim_create_buf(true, false)
  vim.api.nvim_set_current_buf(buf)
  vim.bo.fileformat = case.fileformat
  vim.bo.undolevels = -1
  vim.api.nvim_buf_set_lines(buf, 0, -1, true, case.lines)
  vim.bo.undolevels = 1000
  local open = vim.tbl_map(function(edit) return hunks.read(buf, edit, 'utf-16') end, case.edits)
  while #open > 0 do
    local first = table.remove(open, 1)
    hunks.apply(buf, first)
    open = vim.tbl_map(function(later) return hunks.moved(later, first) end, open)
  end
  local after = vim.api.nvim_buf_get_lines(buf, 0, -1, true)
  vim.cmd('silent! undo')
  table.insert(out, { after, vim.api.nvim_buf_get_lines(buf, 0, -1, true) })
  vim.api.nvim_buf_delete(buf, { force = true })
end
vim.fn.writefile({ vim.json.encode(out) }, file)
"""


def position(text: str, offset: int) -> dict[str, int]:
    """A place in a text whose lines end in LF, in UTF-16 units."""
    before = text[:offset].split("\n")
    return {"line": len(before) - 1, "character": len(before[-1].encode("utf-16-le")) // 2}


def random_case(source: random.Random) -> tuple[dict[str, Any], list[str]]:
    """A buffer with disjoint edits of its text, and the lines that they leave."""
    ending, fileformat = source.choice([("\n", "unix"), ("\r\n", "dos")])
    text = "".join(source.choices(LETTERS, k=source.randrange(40)))
    # What Neovim gives the server ends in a line end unless the file has none.
    ended = source.random() < 0.7
    whole = text + "\n" * ended
    bounds = sorted(source.sample(range(len(whole) + 1), k=min(len(whole) + 1, source.choice([2, 4, 6])) // 2 * 2))
    edits: list[dict[str, Any]] = []
    after, done = "", 0
    for start, end in zip(bounds[::2], bounds[1::2], strict=True):
        new = "".join(source.choices(LETTERS, k=source.randrange(6)))
        place = {"start": position(whole, start), "end": position(whole, end)}
        edits.append({"range": place, "newText": new.replace("\n", ending)})
        after, done = after + whole[done:start] + new, end
    after += whole[done:]
    # A buffer keeps whether the file ends in a line end.
    left = after.removesuffix("\n") if ended else after
    return {"fileformat": fileformat, "lines": text.split("\n"), "edits": edits}, left.split("\n")


def test_random_edits_change_what_they_say_and_undo_restores_it(neovim: Neovim, tmp_path: Path) -> None:
    source = random.Random(20)
    cases = [random_case(source) for _ in range(CASES)]
    file, script = tmp_path / "cases.json", tmp_path / "apply.lua"
    file.write_text(json.dumps([case for case, _ in cases]))
    script.write_text(APPLY)
    command = ["--clean", "--headless", "--cmd", f"set runtimepath^={NEOVIM_PLUGIN}", "-c", f"luafile {script}", "+qa!"]
    environment = {**os.environ, **neovim.environment, "CASES": str(file)}
    subprocess.run([neovim.program, *command], env=environment, check=True, capture_output=True, timeout=300)
    for (case, left), (after, undone) in zip(cases, json.loads(file.read_text()), strict=True):
        assert after == left, case
        assert undone == case["lines"], case
