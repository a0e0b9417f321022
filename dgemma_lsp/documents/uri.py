"""The parts of a URI, whatever an editor takes for one."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit


def split_uri(uri: str) -> SplitResult:
    """The parts; where the standard library finds none, for a bracket in the place of the host, a scheme and a path."""
    try:
        return urlsplit(uri)
    except ValueError:
        scheme, _, path = uri.partition(":")
        return SplitResult(scheme.lower(), "", "/" + path.lstrip("/"), "", "")
