"""A package that installs the scripted server under the real one's name, and extensions made from the built one."""

import json
import zipfile
from pathlib import Path

NAME = "dgemma_lsp-0.0.0"
METADATA = "Metadata-Version: 2.1\nName: dgemma-lsp\nVersion: 0.0.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
ENTRY_POINTS = "[console_scripts]\ndgemma-lsp = installed_server:main\n"


def build(folder: Path, command: tuple[str, ...]) -> Path:
    """Builds the package; what it installs runs `command`."""
    files = {
        "installed_server.py": f"import os\n\ndef main():\n    os.execvp({command[0]!r}, {list(command)!r})\n",
        f"{NAME}.dist-info/METADATA": METADATA,
        f"{NAME}.dist-info/WHEEL": WHEEL,
        f"{NAME}.dist-info/entry_points.txt": ENTRY_POINTS,
    }
    wheel = folder / f"{NAME}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
        record = "".join(f"{name},,\n" for name in [*files, f"{NAME}.dist-info/RECORD"])
        archive.writestr(f"{NAME}.dist-info/RECORD", record)
    return wheel


def exchange(extension: Path, wheel: Path) -> Path:
    """Builds an extension beside `wheel` that holds it in the place of its own."""
    changed = wheel.with_suffix(".vsix")
    with zipfile.ZipFile(extension) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            if not name.endswith(".whl"):
                target.writestr(name, source.read(name))
        target.write(wheel, f"extension/server/{wheel.name}")
    return changed


def without_proposals(extension: Path, folder: Path) -> Path:
    """Builds an extension in a folder that asks for no proposed API, as if the user had not allowed it.

    The VS Code of the tests allows it to every extension.
    """
    changed = folder / extension.name
    with zipfile.ZipFile(extension) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "extension/package.json":
                declared = json.loads(content)
                del declared["enabledApiProposals"]
                content = json.dumps(declared).encode()
            target.writestr(name, content)
    return changed
