"""What is left alone: secrets by name and by content, what ignore files exclude, and what the user says of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dgemma_lsp.documents.exclude import exclusion, text_exclusion
from dgemma_lsp.documents.ignore import pattern_problem

SECRET = "excluded: looks like a secret"
SETTING = "excluded by the setting `exclude`"
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7\n"


def reason(path: Path | str, *folders: Path, exclude: tuple[str, ...] = ()) -> str | None:
    uri = path.as_uri() if isinstance(path, Path) else path
    silence = exclusion(uri, [folder.as_uri() for folder in folders], exclude)
    return None if silence is None else str(silence)


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        ".env.local",
        ".envrc",
        "production.env",
        "id_rsa",
        "id_ed25519.bak",
        "server.pem",
        "SERVER.KEY",
        "store.p12",
        ".netrc",
        ".pgpass",
        ".git-credentials",
        ".aws/credentials",
        "client-credentials.json",
        ".cargo/credentials.toml",
        "secrets.yaml",
        "terraform.tfvars",
    ],
)
@pytest.mark.parametrize("scheme", ["file", "untitled", "vscode-notebook-cell"])
def test_files_that_hold_secrets_are_known_by_their_names(name: str, scheme: str) -> None:
    assert reason(f"{scheme}:///w/{name}") == SECRET


@pytest.mark.parametrize(
    "name",
    ["id_rsa.pub", "environment.py", "credentials.py", "key.go", ".env/lib/a.py", ".npmrc", "secrets.py", "pem.md"],
)
def test_other_files_are_not(name: str) -> None:
    assert reason(f"file:///w/{name}") is None


@pytest.mark.parametrize(
    ("name", "text", "secret"),
    [
        ("a.txt", f"-----BEGIN PRIVATE KEY-----\n{BODY}", True),
        ("a.txt", f"-----BEGIN OPENSSH PRIVATE KEY-----\r\n{BODY}", True),
        ("a.py", "-----BEGIN RSA PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC", True),
        ("a.asc", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBF+m1xgBCADC3pUlb2K8gJ5d", True),
        ("a.txt", f"{BODY}-----END EC PRIVATE KEY-----\n", True),
        ("a.txt", f"-----BEGIN PUBLIC KEY-----\n{BODY}", False),
        ("a.py", 'if line.startswith("-----BEGIN PRIVATE KEY-----"):\n    return read(key)\n', False),
        (".npmrc", "//registry.npmjs.org/:_authToken=npm_1234567890\n", True),
        (".npmrc", "//registry.npmjs.org/:_authToken=${NPM_TOKEN}\nsave-exact=true\n", False),
        ("notes.txt", "//registry.npmjs.org/:_authToken=npm_1234567890\n", False),
        (".pypirc", "[pypi]\nusername = __token__\npassword = pypi-AgEIcHlwaS5vcmc\n", True),
        (".pypirc", "[distutils]\nindex-servers = pypi\n", False),
        ("pip.conf", "index-url = https://user:pass@host/simple\n", True),
        ("pip.conf", "index-url = https://host/simple\n", False),
    ],
)
def test_secrets_are_known_by_what_stands_in_a_text(name: str, text: str, secret: bool) -> None:
    silence = text_exclusion(f"file:///w/{name}", text)
    assert (silence is not None) == secret
    assert silence is None or str(silence) == SECRET


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with nested ignore files."""
    files = {
        ".git/info/exclude": "mine.py\n",
        ".gitignore": "# built\n/build/\n*.log\n!keep.log\n__pycache__/\ngenerated/**\n!\n",
        ".dgemmaignore": "vendor/\n",
        "src/.gitignore": "*.tmp.py\n!loud.log\n",
        "src/deep/.dgemmaignore": "!b.tmp.py\n",
        "build/.gitignore": "!back.py\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("a.py", None),
        ("build/a.py", ".gitignore"),
        ("build/back.py", ".gitignore"),
        ("src/build/a.py", None),
        ("a.log", ".gitignore"),
        ("keep.log", None),
        ("src/loud.log", None),
        ("src/deep/a.log", ".gitignore"),
        ("src/a.tmp.py", "src/.gitignore"),
        ("src/deep/a.tmp.py", "src/.gitignore"),
        ("src/deep/b.tmp.py", None),
        ("src/__pycache__/a.py", ".gitignore"),
        ("generated/deep/a.py", ".gitignore"),
        ("src/vendor/a.py", ".dgemmaignore"),
        ("src/mine.py", ".git/info/exclude"),
    ],
)
@pytest.mark.parametrize("folder", ["", "src", None])
def test_ignore_files_exclude_as_git_does_whatever_folder_is_open(
    tree: Path, path: str, why: str | None, folder: str | None
) -> None:
    folders = [] if folder is None else [tree / folder]
    assert reason(tree / path, *folders) == (None if why is None else f"excluded by {why}")


def test_outside_a_repository_the_workspace_folder_counts(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.py\n")
    inside = tmp_path / "w" / "deep"
    inside.mkdir(parents=True)
    assert reason(inside / "a.py", tmp_path / "w") is None
    (tmp_path / "w" / ".dgemmaignore").write_text("deep\n")
    assert reason(inside / "a.py", tmp_path / "w") == "excluded by .dgemmaignore"
    assert reason(inside / "a.py") is None


@pytest.mark.parametrize("name", ["a%00b/c.py", "a%00b/.env", "\ud800/c.py", "a/" * 3_000 + "c.py"])
def test_a_name_that_no_file_has_is_looked_for_nowhere(name: str) -> None:
    assert reason(f"file:///w/{name}", Path("/w")) == (SECRET if name.endswith(".env") else None)


def test_ignore_files_are_read_again_when_they_change(tree: Path) -> None:
    ignore = tree / "src" / ".gitignore"
    for content, why in (
        ("new.py\n", "excluded by src/.gitignore"),
        ("old.py\n", None),
        ("new.*\n\n", "excluded by src/.gitignore"),
    ):
        ignore.write_text(content)
        assert reason(tree / "src" / "new.py") == why
    ignore.unlink()
    assert reason(tree / "src" / "new.py") is None


def test_an_ignore_file_that_cannot_be_read_excludes_nothing(tree: Path) -> None:
    (tree / ".gitignore").unlink()
    (tree / ".gitignore").mkdir()
    assert reason(tree / "a.log") is None


@pytest.mark.parametrize(
    ("path", "exclude", "why"),
    [
        ("src/a.py", ("*.py",), SETTING),
        ("src/a.py", ("/a.py",), None),
        ("src/a.py", ("src/",), SETTING),
        ("src/a.py", ("*.py", "!a.py"), None),
        (".env.example", (), SECRET),
        (".env.example", ("!.env.example",), None),
        ("build/a.py", ("!/build/",), None),
    ],
)
def test_the_setting_outweighs_names_and_ignore_files(
    tree: Path, path: str, exclude: tuple[str, ...], why: str | None
) -> None:
    assert reason(tree / path, tree, exclude=exclude) == why


@pytest.mark.parametrize(("pattern", "sound"), [("*.py", True), ("!/build/", True), ("", True), ("!", False)])
def test_patterns_are_those_of_gitignore(pattern: str, sound: bool) -> None:
    assert (pattern_problem(pattern) is None) == sound
