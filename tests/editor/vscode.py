"""A real VS Code in a real browser, with the built extension installed in it, driven by its keyboard."""

import base64
import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import IO, Self, cast
from xml.etree import ElementTree

from tests.editor.editors import SCREENS, Code
from tests.editor.waiting import LIMIT_S, wait_for

DRIVER = Path(__file__).with_name("browser.mjs")
GHOST = ".view-line .ghost-text-decoration"
GHOST_LINES_BELOW = ".view-line:has(.ghost-text)"
EDITOR = ".editor-group-container.active .monaco-editor .view-lines"
ROW = ".quick-input-list .monaco-list-row"
TOAST = ".notification-toast"
STATUS_BAR = ".statusbar-item"
STATUS = '[id="dgemma-lsp.dgemma.dgemma.status"][aria-label^="dgemma: {}"]'
LENS = ".codelens-decoration a"
INPUT = ".quick-input-widget:visible"
PICTURE = "data:image/svg+xml;base64,"
LISTENING = re.compile(r"HTTP server listening on (\S+)")

SETTINGS: dict[str, object] = {
    "extensions.autoCheckUpdates": False,
    "extensions.autoUpdate": "off",
    "extensions.ignoreRecommendations": True,
    "git.enabled": False,
    "security.workspace.trust.enabled": False,
    "telemetry.telemetryLevel": "off",
    "update.mode": "none",
    "workbench.reduceMotion": "on",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.startupEditor": "none",
    "workbench.colorTheme": "Light Modern",
}


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], environment: Mapping[str, str], cwd: Path, log: IO[bytes] | None = None
) -> Generator[subprocess.Popen[bytes]]:
    """A process, which is ended afterwards with all that it has started.

    log: where what it prints goes; without one its output is a pipe, as its input always is.
    """
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=log or subprocess.PIPE,
        stderr=log,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def command_line(code: Code, home: Path) -> list[str]:
    """What runs the VS Code of the user with this home."""
    folders = (f"--user-data-dir={home / 'data'}", f"--extensions-dir={home / 'extensions'}")
    return [str(code.node), str(code.server), *folders]


class CodeSession:
    """VS Code on an empty workspace, in a browser, within a `with` statement.

    extension: the `.vsix` to install; None where the user has installed it. settings: what the user has set on this
    machine. programs: a folder that the user has on `PATH`. environment: what else is in the user's environment.
    """

    def __init__(
        self,
        code: Code,
        extension: Path | None,
        home: Path,
        settings: Mapping[str, object],
        programs: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.workspace = home / "workspace"
        self.workspace.mkdir(parents=True)
        # A browser's VS Code is a remote one: what depends on the machine is set on that machine.
        self._logs = home / "data" / "logs"
        self._settings = home / "data" / "User" / "settings.json"
        for level, values in {"User": SETTINGS, "Machine": settings}.items():
            folder = home / "data" / level
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "settings.json").write_text(json.dumps(values))
        self._log = home / "code.log"
        self._code = code
        self._extension = extension
        if programs is not None:
            # VS Code asks a login shell for the user's `PATH`.
            (home / ".profile").write_text(f"PATH={shlex.quote(str(programs))}:$PATH\n")
        user = {"HOME": str(home), "SHELL": "/bin/bash", "XDG_RUNTIME_DIR": str(home)}
        self._environment = {**os.environ, **user, "PATH": code.path, **(environment or {})}
        self._command = command_line(code, home)
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as starting:
            if self._extension is not None:
                installing = starting.enter_context(self._code_server("--install-extension", str(self._extension)))
                if installing.wait(LIMIT_S) != 0:
                    raise AssertionError(f"{self._extension} could not be installed:\n{self.log()}")
            quiet = ("--auth=none", "--disable-telemetry", "--disable-update-check", "--disable-workspace-trust")
            starting.enter_context(self._code_server("--bind-addr=127.0.0.1:0", *quiet, str(self.workspace)))
            address = wait_for(lambda: LISTENING.search(self.log()), "VS Code to listen", self.log)[1]
            driver = [self._code.node, DRIVER, self._code.modules, self._code.browser]
            self._driver = starting.enter_context(running(driver, self._environment, self.workspace))
            self.do("open", f"{address.rstrip('/')}/?folder={self.workspace}")
            self._running = starting.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @contextlib.contextmanager
    def _code_server(self, *arguments: str) -> Generator[subprocess.Popen[bytes]]:
        with (
            self._log.open("ab") as log,
            running([*self._command, *arguments], self._environment, self.workspace, log) as process,
        ):
            yield process

    def do(self, action: str, argument: str = "") -> object:
        """Has the browser do something; `browser.mjs` says what there is."""
        keyboard, answers = cast(IO[bytes], self._driver.stdin), cast(IO[bytes], self._driver.stdout)
        keyboard.write(json.dumps({"action": action, "argument": argument}).encode() + b"\n")
        keyboard.flush()
        answer = cast(dict[str, object], json.loads(answers.readline()))
        if "error" in answer:
            raise AssertionError(f"{action} {argument!r}: {answer['error']}")
        return answer["value"]

    def texts(self, selector: str) -> list[str]:
        """The texts of all elements that a CSS selector finds."""
        return [text.replace("\xa0", " ") for text in cast(list[str], self.do("texts", selector))]

    def attached(self) -> list[str]:
        """The texts that decorations show in the active editor."""
        contents = (content for content in cast(list[str], self.do("attached", EDITOR)) if PICTURE not in content)
        return [content.strip('"').replace("\xa0", " ") for content in contents]

    def pictures(self) -> list[ElementTree.Element]:
        """The pictures, in SVG, that decorations show in the active editor."""
        found = (content.partition(PICTURE)[2] for content in cast(list[str], self.do("attached", EDITOR)))
        return [ElementTree.fromstring(base64.b64decode(data.rstrip('")'))) for data in found if data]

    def pictured(self) -> list[str]:
        """What is written in these pictures."""
        rows = ([row for row in picture if row.tag.endswith("text")] for picture in self.pictures())
        return ["\n".join("".join(row.itertext()).rstrip() for row in picture) for picture in rows]

    def lenses(self) -> list[str]:
        """What the code lenses of the active editor offer."""
        return [text.strip() for text in self.texts(LENS)]

    def ghost(self) -> list[str]:
        """What is suggested, line by line."""
        first = "".join(self.texts(GHOST))
        return [first, *self.texts(GHOST_LINES_BELOW)] if first else []

    def wait_for_text(self, selector: str, text: str) -> None:
        """Waits until an element that a CSS selector finds holds a text."""
        wait_for(
            lambda: any(text in found for found in self.texts(selector)), f"{text!r} in {selector}", self._describe
        )

    def wait_for(self, look: Callable[[], bool], what: str) -> None:
        """Waits until something is to be seen. what: in words, for the failure's message."""
        wait_for(look, what, self._describe)

    def wait_for_ghost(self, lines: list[str]) -> None:
        """Waits until this is suggested."""
        wait_for(lambda: self.ghost() == lines, f"the suggestion {lines}", self._describe)

    def wait_for_status(self, status: str, limit_s: float = LIMIT_S) -> None:
        """Waits until the status bar's item says this."""
        wait_for(lambda: self.texts(STATUS.format(status)), f"the status {status!r}", self._describe, limit_s)

    def open_file(self, name: str, text: str = "") -> Path:
        """Puts a file into the workspace, opens it as a person does, and puts the cursor to its end."""
        file = self.workspace / name
        file.write_text(text, newline="")
        row = f'.explorer-viewlet .monaco-list-row:has-text("{name}")'
        self.wait_for_text(row, name)

        def opened() -> bool:
            self.do("double_click", row)  # Again where the list was drawn anew in between.
            return name in self.texts(".tab.active")

        wait_for(opened, f"{name} to open", self._describe)
        self.do("click", EDITOR)
        self.do("press", "Control+End")
        return file

    def select_lines(self, first: int, last: int) -> None:
        """Selects lines, counted from 0, up to the beginning of `last`."""
        self._go_to(first, 0)
        for _ in range(last - first):
            self.do("press", "Shift+ArrowDown")

    def type_over(self, line: int, column: int, length: int, text: str) -> None:
        """Types a text over what stands at a place, counted from 0."""
        self._go_to(line, column)
        for _ in range(length):
            self.do("press", "Shift+ArrowRight")
        self.do("type", text)

    def _go_to(self, line: int, column: int) -> None:
        self.do("press", "Control+Home")
        for key, times in {"ArrowDown": line, "ArrowRight": column}.items():
            for _ in range(times):
                self.do("press", key)

    def ask_for_rewrite(self, instruction: str) -> None:
        """Has the selection rewritten."""
        self.do("press", "Control+Alt+r")
        self.wait_for_text(INPUT, "Rewrite the selection")
        self.do("type", instruction)
        self.wait_for_text(f"{INPUT} {ROW}", instruction)
        self.do("press", "Enter")

    def wait_for_document(self, file: Path, text: str) -> None:
        """Saves the active editor's document until the file holds this text."""

        def saved() -> bool:
            self.do("press", "Control+s")
            return file.read_bytes().decode() == text

        wait_for(saved, f"{text!r} in {file.name}", self._describe)

    def wait_for_settings(self, values: Mapping[str, object]) -> None:
        """Waits until the user's settings hold these values."""

        def settings() -> dict[str, object]:
            return json.loads(self._settings.read_text() or "{}")  # It is emptied before it is written.

        wait_for(lambda: values.items() <= settings().items(), f"{values}", self._describe)

    def run_command(self, title: str) -> None:
        """Runs a command from the palette."""
        self.do("press", "F1")
        self.do("type", title)
        self.wait_for_text(ROW, title)
        self.do("press", "Enter")

    def choose_from_menu(self, label: str) -> None:
        """Clicks the status bar's item and chooses from the menu that it opens."""

        def offered() -> bool:
            self.do("press", "Escape")  # A menu shows what was so when it was opened.
            self.do("click", STATUS.format(""))
            wait_for(lambda: any(self.texts(ROW)), "the menu", self._describe)
            return any(label in row for row in self.texts(ROW))

        wait_for(offered, f"{label!r} in the menu", self._describe)
        self.screenshot("menu")
        self.do("click", f'{ROW}:has-text("{label}")')

    def screenshot(self, name: str) -> Path:
        """Keeps a picture of what is to be seen."""
        SCREENS.mkdir(exist_ok=True)
        self.do("screenshot", str(SCREENS / f"{name}.png"))
        return SCREENS / f"{name}.png"

    def extension_log(self) -> str:
        """What stands in the output channel of the extension."""
        return "".join(file.read_text() for file in self._logs.glob("*/exthost*/dgemma-lsp.dgemma/dgemma.log"))

    def log(self) -> str:
        """What VS Code has printed."""
        return self._log.read_text()

    def _describe(self) -> str:
        return f"{self.screenshot('failure')}; {self.texts('.view-line')}\n{self.log()}"
