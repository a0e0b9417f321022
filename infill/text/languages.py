"""Names of languages, as a code fence writes them; editors' ids and file extensions lead to them."""

from __future__ import annotations

from pathlib import PurePath

_BY_EXTENSION = {
    "bash": "bash",
    "c": "c",
    "cc": "cpp",
    "cpp": "cpp",
    "cs": "csharp",
    "css": "css",
    "cxx": "cpp",
    "go": "go",
    "h": "c",
    "hpp": "cpp",
    "html": "html",
    "java": "java",
    "js": "javascript",
    "json": "json",
    "jsx": "jsx",
    "kt": "kotlin",
    "lua": "lua",
    "md": "markdown",
    "mjs": "javascript",
    "php": "php",
    "py": "python",
    "pyi": "python",
    "rb": "ruby",
    "rs": "rust",
    "scala": "scala",
    "sh": "bash",
    "sql": "sql",
    "swift": "swift",
    "toml": "toml",
    "ts": "typescript",
    "tsx": "tsx",
    "yaml": "yaml",
    "yml": "yaml",
}
# Editors' language ids are fence names already, but for these.
_BY_LANGUAGE_ID = {
    "javascriptreact": "jsx",
    "plaintext": "",
    "shellscript": "bash",
    "typescriptreact": "tsx",
}


def language_of(path: str, language_id: str) -> str:
    """A code fence's name for the language: from the editor's id, else from the path's extension, else ""."""
    if language_id:
        return _BY_LANGUAGE_ID.get(language_id, language_id)
    return _BY_EXTENSION.get(PurePath(path).suffix.removeprefix(".").lower(), "")
