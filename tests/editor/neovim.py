"""A real Neovim with the plug-in linked from a clone, driven by its keyboard and seen on its screen."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self, cast

from tests.editor.editors import NEOVIM_PLUGIN, SCREENS, Neovim
from tests.editor.terminal import Terminal
from tests.editor.waiting import wait_for

SUGGESTED = "9b9ea4"
"""The colour of suggestions, which is that of comments in Neovim's default colour scheme."""

CLONE = Path("src/dgemma-lsp")
"""Where in a user's home the clone is that the plug-in is linked from."""


class RunningNeovim:
    """Neovim started on one file in a home that is as it is, within a `with` statement.

    environment: all of its environment but what this Neovim itself needs.
    """

    def __init__(self, neovim: Neovim, home: Path, environment: Mapping[str, str], file: str = "work.py") -> None:
        self.file = home / file
        self._address = home / "nvim.sock"
        self._program = neovim.program
        self._environment = {**environment, **neovim.environment, "NVIM_LOG_FILE": str(home / "nvim.log")}
        self.terminal = Terminal(
            [neovim.program, "--listen", str(self._address), str(self.file)], self._environment, home
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.terminal.close()

    def press(self, keys: str) -> None:
        """Types."""
        self.terminal.press(keys)

    def lua(self, expression: str) -> object:
        """The value of a Lua expression in this Neovim."""
        said = subprocess.run(
            [self._program, "--server", self._address, "--remote-expr", f"json_encode(luaeval({_quoted(expression)}))"],
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return json.loads(said.stdout)

    def buffer(self) -> str:
        """The text that is edited."""
        return "\n".join(cast(list[str], self.lua("vim.api.nvim_buf_get_lines(0, 0, -1, false)")))

    def messages(self) -> str:
        """What the user has been told so far."""
        return str(self.lua("vim.fn.execute('messages')"))

    def screen(self) -> str:
        """All that is to be seen."""
        return "\n".join(self.terminal.lines())

    def keep_screen(self, name: str) -> None:
        """Keeps a picture of the screen, to look at."""
        SCREENS.mkdir(exist_ok=True)
        (SCREENS / f"{name}.svg").write_text(self.terminal.picture())

    def wait_for_server(self) -> None:
        """Waits until the language server answers for the file."""
        self.wait_for_screen(self.file.name)
        ready = "#vim.tbl_filter(function(c) return c.initialized end, vim.lsp.get_clients({ name = 'dgemma' })) > 0"
        wait_for(lambda: self.lua(ready), "the language server", self.screen)

    def wait_for_status(self, state: str) -> None:
        """Waits until the plug-in's word for the status line names this state."""
        wait_for(lambda: self.lua("require('dgemma').status()") == f"dgemma: {state}", f"state {state}", self.screen)

    def wait_for_screen(self, text: str) -> None:
        """Waits until a text is to be seen."""
        wait_for(lambda: text in self.screen(), f"{text!r} on the screen", self.screen)

    def wait_for_buffer(self, text: str) -> None:
        """Waits until the text that is edited is this."""
        wait_for(lambda: self.buffer() == text, f"{text!r} in the buffer", lambda: self.buffer() + "\n" + self.screen())

    def ghost(self) -> str:
        """What is suggested on the cursor's line: its characters from the cursor on, if they have the colour of
        suggestions."""
        line, column = self.terminal.cursor()
        suggested = self.terminal.colours(line)[column] == SUGGESTED
        return self.terminal.lines()[line][column:] if suggested else ""

    def wait_for_ghost(self, text: str) -> None:
        """Waits until this is suggested on the cursor's line; "" until nothing is."""
        wait_for(lambda: self.ghost() == text, f"the suggestion {text!r}", self.screen)


class NeovimSession(RunningNeovim):
    """A user's home with a configuration in it, and Neovim started there on one file.

    server: the language server's command line; with none the plug-in has to find it. lua: what else the user has in
    `init.lua`.
    """

    def __init__(
        self,
        neovim: Neovim,
        home: Path,
        server: Sequence[str] = (),
        lua: str = "",
        file: str = "work.py",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        package = home / "data" / "nvim" / "site" / "pack" / "dgemma" / "start" / "dgemma"
        package.parent.mkdir(parents=True)
        package.symlink_to(shutil.copytree(NEOVIM_PLUGIN, home / CLONE / "editors" / "nvim"))
        if server:
            command = ", ".join(json.dumps(word) for word in server)
            lua = f"vim.lsp.config('dgemma', {{ cmd = {{ {command} }} }})\n{lua}"
        config = home / "config" / "nvim" / "init.lua"
        config.parent.mkdir(parents=True)
        config.write_text(f"vim.o.swapfile = false\n{lua}\n")
        folders = {f"XDG_{name.upper()}_HOME": str(home / name) for name in ("config", "data", "state", "cache")}
        user = {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), **folders}
        super().__init__(neovim, home, {**os.environ, **user, **(environment or {})}, file)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
