"""Which documents are left alone: what the user excludes, what looks like a secret, and what ignore files exclude.

Nothing of them is suggested in, and nothing of them enters a prompt. Reads ignore files only.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache

from pygls.uris import to_fs_path

from dgemma_lsp.documents.ignore import excluding_file, spec
from dgemma_lsp.documents.secret import holds_secret, is_secret_name
from dgemma_lsp.documents.uri import split_uri
from dgemma_lsp.documents.window import readable
from dgemma_lsp.silence import Silence

SECRET = Silence("secret")


def exclusion(uri: str, folders: Iterable[str], exclude: tuple[str, ...]) -> Silence | None:
    """Why a document is left alone whatever stands in it, or None.

    folders: URIs of the workspace's. exclude: patterns in the syntax of `.gitignore`; what they say, a `!` before one
    included, outweighs everything else.
    """
    path = _path(uri)
    base = _base(path, tuple(map(_path, folders)))
    own = spec(exclude).check_file(path[len(base) :]).include if exclude else None
    if own is not None:
        return Silence("excluded") if own else None
    if is_secret_name(path.rpartition("/")[2]):
        return SECRET
    file = excluding_file(path, base)
    return None if file is None else Silence("ignored", file)


def text_exclusion(uri: str, text: str) -> Silence | None:
    """Why a part of a document is left alone for what stands in it, or None."""
    return SECRET if holds_secret(_path(uri).rpartition("/")[2], text) else None


@lru_cache(maxsize=1024)
def _path(uri: str) -> str:
    """The path of a document or folder, or what an unsaved one has in its stead, with `/` between its parts."""
    # What stands for a cell or an unsaved document has the path of a file behind another scheme.
    path = to_fs_path(split_uri(uri)._replace(scheme="file", fragment="").geturl())
    # No file has a NUL or half a character in its name, and a system refuses to look for one.
    return readable(path or "").replace("\0", "\N{REPLACEMENT CHARACTER}").replace(os.sep, "/")


def _base(path: str, roots: tuple[str, ...]) -> str:
    """The folder, with a `/` at its end, that patterns for `path` are relative to: the workspace's or the repository's,
    whichever holds the other; where there is neither, its own."""
    folder = path[: path.rfind("/") + 1]
    bases = [root for root in (root.rstrip("/") + "/" for root in roots) if path.startswith(root)]
    above = folder
    while above:
        if os.access(above + ".git", os.F_OK):
            bases.append(above)
            break
        above = above[: above.rfind("/", 0, len(above) - 1) + 1]
    return min(bases, key=len, default=folder)
