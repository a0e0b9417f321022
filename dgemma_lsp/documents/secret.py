"""What looks like a secret: files by their names, and texts by what stands in them. Looks at no file itself."""

from __future__ import annotations

import fnmatch
import re

NAMES = (
    ".env*",
    "*.env",
    # Keys and key stores.
    "*.pem",
    "*.key",
    "*.p8",
    "*.p12",
    "*.pfx",
    "*.ppk",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    # Passwords and tokens of tools.
    ".netrc",
    "_netrc",
    ".pgpass",
    ".my.cnf",
    ".htpasswd",
    ".git-credentials",
    ".dockercfg",
    ".vault-token",
    "credentials",
    ".credentials",
    "*credentials.json",
    "credentials.toml",
    "credentials.y*ml",
    "credentials.ini",
    "credentials.xml",
    "secrets.json",
    "secrets.toml",
    "secrets.y*ml",
    "*.tfvars",
)
"""Patterns for the last part of a path, in lower case."""

PUBLIC = re.compile(r"\.(pub|py|pyi|js|ts|go|rs|java|c|h|cpp)$")
"""Files that a pattern means by mistake: the public half of a key, and code."""

TOKENS = {
    ".npmrc": r"_(?:authToken|auth|password)\s*=\s*[^\s$]",
    ".yarnrc.yml": r"npmAuth(?:Token|Ident)\s*:\s*[\"']?[^\s\"'$]",
    ".pypirc": r"(?m)^\s*password\s*[=:]\s*\S",
    "pip.conf": r"://[^/\s:@]+:[^/\s@]+@",
}
"""What makes a secret of a file that often holds none, by its name. A reference to the environment is no secret."""

_MARK = "PRIVATE KEY"
_KEY = re.compile(
    # A marker with nothing of a key behind or before it stands in code that reads or writes keys.
    rf"-----BEGIN [A-Z0-9 ]{{0,40}}{_MARK}(?: BLOCK)?-----[\\nr\s\"'+,]{{1,40}}[A-Za-z0-9+/]{{20}}|"
    rf"-----(?:(?<=[\w+/=][\nr]-----)|(?<=[\w+/=]\r\n-----))END [A-Z0-9 ]{{0,40}}{_MARK}"
)
_NAMES = re.compile("|".join(map(fnmatch.translate, NAMES)))
_TOKENS = {name: re.compile(pattern) for name, pattern in TOKENS.items()}


def is_secret_name(name: str) -> bool:
    """Whether a file of this name, without its folders, holds secrets."""
    name = name.lower()
    return _NAMES.match(name) is not None and PUBLIC.search(name) is None


def holds_secret(name: str, text: str) -> bool:
    """Whether a part of the file of this name holds a private key, or a token where such files have one."""
    # The expression takes many times as long as a look for the word.
    if _MARK in text and _KEY.search(text):
        return True
    tokens = _TOKENS.get(name.lower())
    return tokens is not None and tokens.search(text) is not None
