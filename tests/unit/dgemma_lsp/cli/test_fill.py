"""`dgemma-lsp fill` with a scripted engine: what goes in, what comes out, and what is said of bad input."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dgemma_lsp.__main__ import main
from dgemma_lsp.cli import fill
from dgemma_lsp.client.client import EngineClient
from dgemma_lsp.wire.errors import EngineUnavailable
from dgemma_lsp.wire.identity import EngineOptions
from dgemma_lsp.wire.messages import Event
from infill.request import Draft, InfillRequest
from tests.protocol.scripted import ScriptedEngine, offers, rejects

Run = Callable[..., tuple[int, bytes, str]]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    """The engine that the command finds."""
    engine = ScriptedEngine(offers("FIRST", "SECOND"))

    def connect(options: EngineOptions, **where: object) -> EngineClient:
        return engine

    monkeypatch.setattr(fill, "connect", connect)
    return engine


@pytest.fixture
def run(
    engine: ScriptedEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> Run:
    """Runs `fill` on the file `a.py` with these bytes: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(content: bytes, place: str, *options: str) -> tuple[int, bytes, str]:
        Path("a.py").write_bytes(content)
        return command(capfdbinary, f"a.py:{place}", *options)

    return run


def command(captured: pytest.CaptureFixture[bytes], *words: str) -> tuple[int, bytes, str]:
    try:
        code = main(["fill", *words])
    except SystemExit as error:
        code = int(error.code or 0)
    out, err = captured.readouterr()
    return code, out, err.decode()


@pytest.mark.parametrize(
    ("before", "place", "after"),
    [
        pytest.param(b"", "1:1", b"FIRST", id="an empty file"),
        pytest.param(b"ab\ncd\n", "1:1", b"FIRSTab\ncd\n", id="the start"),
        pytest.param(b"ab\ncd\n", "2:2", b"ab\ncFIRSTd\n", id="the middle of a word"),
        pytest.param(b"ab\ncd\n", "1:3", b"abFIRST\ncd\n", id="the end of a line"),
        pytest.param(b"ab\ncd\n", "3:1", b"ab\ncd\nFIRST", id="the end of the file"),
        pytest.param(b"ab\ncd\n", "1:2-2:2", b"aFIRSTd\n", id="a range of lines"),
        pytest.param(b"ab\r\ncd\r\n", "2:1", b"ab\r\nFIRSTcd\r\n", id="CRLF"),
        pytest.param(b"ab\rcd\n\ref", "3:1", b"ab\rcd\nFIRST\ref", id="lone CRs"),
        pytest.param(b"\xef\xbb\xbfab", "1:1", b"\xef\xbb\xbfFIRSTab", id="after a byte order mark"),
        pytest.param("😀é\tb".encode(), "1:4", "😀é\tFIRSTb".encode(), id="code points"),
        pytest.param("a\fb\vc\u2028d\ne".encode(), "2:1", "a\fb\vc\u2028d\nFIRSTe".encode(), id="what ends no line"),
        pytest.param(b"x\n" * 2_500_000, "2400000:2", b"x\n" * 2_399_999 + b"xFIRST\n" + b"x\n" * 100_000, id="5 MB"),
        pytest.param(
            b"x" * 5_000_000, "1:4000000", b"x" * 3_999_999 + b"FIRST" + b"x" * 1_000_001, id="5 MB in a line"
        ),
    ],
)
def test_changes_no_byte_outside_the_hole(run: Run, before: bytes, place: str, after: bytes) -> None:
    code, out, _ = run(before, place)
    # Compared before they are asserted on, because showing how megabytes differ takes minutes.
    same = out == after and Path("a.py").read_bytes() == before
    assert (code, same) == (0, True)


def test_several_holes_are_filled_in_the_order_of_the_text(run: Run, engine: ScriptedEngine) -> None:
    engine.script = offers(("A", "B"))
    code, out, _ = run(b"one\ntwo\nthree\n", "3:1-3:6", "--hole", "1:1-1:4")
    assert (code, out) == (0, b"A\ntwo\nB\n")
    assert engine.requests[0].middles == ("one", "three")


def test_asks_for_what_the_options_say(run: Run, engine: ScriptedEngine) -> None:
    run(b"a = ", "1:5", "-n", "2", "--seed", "7", "--instruction", "add them")
    [request] = engine.requests
    assert (request.path, request.n, request.seed, request.instruction) == ("a.py", 2, 7, "add them")
    assert (request.prefix, request.suffix) == ("a = ", "")
    assert engine.closed


def test_json_has_the_agreed_shape(run: Run) -> None:
    code, out, err = run(b"a = ", "1:5", "-n", "2", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "texts": ["FIRST"],
        "candidates": [
            {"texts": ["FIRST"], "score": 0.0, "worst_entropy": 0.1},
            {"texts": ["SECOND"], "score": -1.0, "worst_entropy": 0.1},
        ],
        "passes": 3,
        "ms": {"queue": 0.0, "prefill": 1.0, "denoise": 2.0, "rank": 0.5},
        "stop_reason": "settled",
    }


def test_diff_shows_the_change(run: Run) -> None:
    code, out, err = run(b"a\nb\n", "2:1-2:2", "--diff")
    assert (code, err) == (0, "")
    assert out == b"--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n a\n-b\n+FIRST\n"


def test_what_it_cost_is_told_in_words_where_one_asks(run: Run) -> None:
    assert run(b"a = ", "1:5")[2] == ""
    assert run(b"a = ", "1:5", "-v")[2] == (
        "waited 0 ms, read the context 1 ms, denoised 2 ms, compared 0 ms; 3 passes of the model over 90 tokens, 64 of "
        "context (32 known from before), 5 filled in; the text had settled\n"
    )


def test_several_diffs_are_numbered_and_scored(run: Run) -> None:
    out = run(b"a", "1:1", "--diff", "-n", "2")[1].decode()
    assert [line for line in out.splitlines() if line.startswith("candidate")] == [
        "candidate 1 of 2, score 0.00",
        "candidate 2 of 2, score -1.00",
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.py", b"\xef\xbb\xbfa\r\nb\r\n"),
        ("a.py", b""),
        ("a b.py", b"a"),
        ("new\nline\t.py", b"a\n"),
        ('"quoted\\".py', b"a\n"),
        ("\u00fcml\u00e4ut.py", b"a\n"),
        (os.fsdecode(b"bytes\xff.py"), b"a\n"),
    ],
)
@pytest.mark.usefixtures("engine", "run")
def test_git_applies_a_diff(name: str, content: bytes, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    Path(name).write_bytes(content)
    code, out, _ = command(capfdbinary, f"{name}:1:1", "--diff")
    subprocess.run(["git", "apply", "--unsafe-paths"], input=out, check=True)
    mark = content[:3] if content.startswith(b"\xef\xbb\xbf") else b""
    assert (code, Path(name).read_bytes()) == (0, mark + b"FIRST" + content[len(mark) :])


def test_write_changes_the_file_as_an_editor_does(run: Run) -> None:
    Path("a.py").touch()
    Path("a.py").chmod(0o2640)
    os.link("a.py", "b.py")
    with contextlib.suppress(OSError):
        os.setxattr("a.py", "user.note", b"mine")
    before, attributes = Path("a.py").stat(), os.listxattr("a.py")
    code, out, _ = run(b"a = \r\n", "1:5", "--write")
    assert (code, out) == (0, b"")
    assert Path("b.py").read_bytes() == b"a = FIRST\r\n"
    after = Path("a.py").stat()
    assert (after.st_ino, after.st_mode, after.st_uid) == (before.st_ino, before.st_mode, before.st_uid)
    assert os.listxattr("a.py") == attributes
    assert sorted(os.listdir()) == ["a.py", "b.py"]


def test_write_makes_a_file_shorter(run: Run) -> None:
    assert run(b"one long line\nb\n", "1:1-1:14", "--write")[0] == 0
    assert Path("a.py").read_bytes() == b"FIRST\nb\n"


def test_write_leaves_a_read_only_file_alone(run: Run, engine: ScriptedEngine) -> None:
    def script(request: InfillRequest) -> list[Event]:
        Path("a.py").chmod(0o444)
        return offers("FIRST")(request)

    engine.script = script
    assert run(b"a = ", "1:5", "--write") == (1, b"", "dgemma-lsp: a.py is read-only and was not written\n")
    assert Path("a.py").read_bytes() == b"a = "


def test_write_needs_no_right_to_its_directory(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("tmp")
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    seen = backups_seen(monkeypatch, elsewhere)

    def access(path: Path, mode: int) -> bool:
        return False

    monkeypatch.setattr(os, "access", access)
    assert run(b"a = ", "1:5", "--write")[0] == 0
    assert (Path("a.py").read_bytes(), seen) == (b"a = FIRST", [b"a = ", b"a = "])
    assert os.listdir(elsewhere) == []


def test_write_keeps_the_old_content_beside_the_file_until_the_new_one_is_on_the_disk(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = backups_seen(monkeypatch, Path.cwd())
    assert run(b"a = ", "1:5", "--write")[0] == 0
    assert seen == [b"a = ", b"a = "]
    assert os.listdir() == ["a.py"]


def backups_seen(monkeypatch: pytest.MonkeyPatch, directory: Path) -> list[bytes]:
    """What the backup held each time that something was brought to the disk."""
    seen: list[bytes] = []
    to_disk = os.fsync

    def fsync(descriptor: int) -> None:
        seen.extend(path.read_bytes() for path in directory.glob(".a.py.*~"))
        to_disk(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return seen


def test_a_write_that_fails_on_the_way_is_undone(run: Run) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    content = b"x" * 3_998
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, limits[1]))
    try:
        outcome = run(content, "1:1", "--write")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert outcome == (1, b"", "dgemma-lsp: cannot write a.py: File too large\n")
    assert Path("a.py").read_bytes() == content
    assert os.listdir() == ["a.py"]


def test_write_leaves_a_file_alone_that_has_changed_meanwhile(run: Run, engine: ScriptedEngine) -> None:
    def script(request: InfillRequest) -> list[Event]:
        Path("a.py").write_text("b = ")
        return offers("FIRST")(request)

    engine.script = script
    assert run(b"a = ", "1:5", "--write") == (1, b"", "dgemma-lsp: a.py has changed meanwhile and was not written\n")
    assert Path("a.py").read_text() == "b = "


def test_a_watched_result_keeps_the_colours_of_its_last_step(
    run: Run, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    engine.script = offers("FIRST", drafts=[Draft(pieces=((("FI", 0.01), ("RST\n", 2.0)),))])
    frames = run(b"a = ", "1:5", "--watch", "--slow")[1].decode().split("done")
    assert "\x1b[32mFI\x1b[0m\x1b[31mRST" in frames[-1]
    assert sum(pauses) > 0


def test_a_screen_has_room_for_the_part_of_a_long_rewrite_that_is_under_way(
    run: Run, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    done, to_do = ("".join(f"{name}{number}\n" for number in range(90)) for name in ("new", "old"))
    engine.script = offers("b", drafts=[Draft(pieces=(((done, 0.0), ("now\n", 2.0), (to_do, 0.0)),))])
    shown = run(b"a = 1", "1:5-1:6", "--instruction", "do it", "--watch")[1].decode()
    assert [each for each in ("new80", "new89", "now", "old0", "old9") if each in shown] == ["new89", "now", "old0"]


def test_watch_prints_a_line_a_step_where_there_is_no_terminal(run: Run, engine: ScriptedEngine) -> None:
    drafts = [Draft(pieces=((("fo", 2.0), ("o\n", 0.5)),)), Draft(pieces=((("bar\x1b[2J", 0.01),),))]
    engine.script = offers("FIRST", drafts=drafts)
    code, out, _ = run(b"a = ", "1:5", "--watch")
    assert (code, out.decode()) == (0, "step 1: foo⏎\nstep 2: bar\\x1b[2J\ndone: FIRST\n")


@pytest.mark.parametrize("options", [(), ("--diff",), ("--watch",), ("--write",)])
def test_nothing_to_offer_is_said_and_has_an_exit_code_of_its_own(
    run: Run, engine: ScriptedEngine, options: tuple[str, ...]
) -> None:
    engine.script = rejects("repeats_suffix")
    assert run(b"a = ", "1:5", *options) == (
        3,
        b"",
        "dgemma-lsp: nothing to offer: what the model offers only repeats the code after the hole\n",
    )
    assert Path("a.py").read_bytes() == b"a = "


def test_nothing_to_offer_in_json_names_the_reason(run: Run, engine: ScriptedEngine) -> None:
    engine.script = rejects("empty")
    code, out, _ = run(b"a = ", "1:5", "--json")
    answer = json.loads(out)
    assert (code, answer["texts"], answer["stop_reason"]) == (3, [], "empty")


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (b"a\nb", "3:1", "a.py has 2 lines; there is no line 3"),
        (b"a\nb\n", "4:1", "a.py has 2 lines; there is no line 4"),
        (b"", "2:1", "a.py has 1 line; there is no line 2"),
        (b"ab\r\n", "1:4", "line 1 of a.py ends at column 3; there is no column 4"),
        (b"ab", "1:1-1:9", "line 1 of a.py ends at column 3; there is no column 9"),
        (b"a\0b", "1:1", "a.py is a binary file: byte 1 is NUL"),
        ("é".encode("utf-16"), "1:1", "a.py is a binary file: byte 3 is NUL"),
        (b"a\nb\xe9c", "1:1", "a.py is not UTF-8: byte 3, on line 2, is 0xe9"),
        (b"\xed\xa0\xbd", "1:1", "a.py is not UTF-8: byte 0, on line 1, is 0xed"),
    ],
)
def test_a_file_or_position_that_cannot_be_used_is_one_message(
    run: Run, engine: ScriptedEngine, content: bytes, place: str, message: str
) -> None:
    assert run(content, place) == (1, b"", f"dgemma-lsp: {message}\n")
    assert engine.requests == []


@pytest.mark.usefixtures("engine", "run")
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("none.py", "cannot read none.py: No such file or directory"),
        (".", ". is not a regular file"),
        ("/dev/null", "/dev/null is not a regular file"),
    ],
)
def test_what_is_no_file_is_one_message(capfdbinary: pytest.CaptureFixture[bytes], path: str, message: str) -> None:
    assert command(capfdbinary, f"{path}:1:1") == (1, b"", f"dgemma-lsp: {message}\n")


@pytest.mark.parametrize(
    ("place", "hole", "message"),
    [
        ("1:1-1:4", "1:3-1:5", "the holes overlap at 1:3"),
        ("1:2", "1:2", "two holes meet at 1:2: name one"),
        ("1:1-1:4", "1:4", "two holes meet at 1:4: name one"),
    ],
)
def test_holes_with_nothing_between_them_are_one_message(run: Run, place: str, hole: str, message: str) -> None:
    assert run(b"abcdef", place, "--hole", hole) == (1, b"", f"dgemma-lsp: {message}\n")


def test_what_breaks_the_syntax_is_taken_by_force_only(run: Run, engine: ScriptedEngine) -> None:
    def script(request: InfillRequest) -> list[Event]:
        return (offers("FIRST") if request.force else rejects("breaks_syntax"))(request)

    engine.script = script
    code, out, err = run(b"a = b", "1:5-1:6")
    assert (code, out) == (3, b"")
    message = "what the model offers breaks the syntax; --force takes it all the same"
    assert err == f"dgemma-lsp: nothing to offer: {message}\n"
    assert run(b"a = b", "1:5-1:6", "--force")[:2] == (0, b"a = FIRST")


@pytest.mark.parametrize(("follows", "told"), [(True, False), (False, True)])
def test_a_checkpoint_that_follows_no_instructions_says_so(
    run: Run, engine: ScriptedEngine, *, follows: bool, told: bool
) -> None:
    engine.follows_instructions = follows
    assert "not trained to follow instructions" not in run(b"a = ", "1:5")[2]
    err = run(b"a = ", "1:5", "--instruction", "add them")[2]
    assert ("the checkpoint nano was not trained to follow instructions" in err, err.count("\n")) == (told, int(told))


@pytest.mark.parametrize(
    ("place", "options", "message"),
    [
        ("1", (), "expected FILE:LINE:COL"),
        ("1:0", (), "lines and columns count from 1"),
        ("1:2-1:0", (), "lines and columns count from 1"),
        ("2:1-1:1", (), "a hole ends before it starts"),
        ("1:" + "9" * 5000, (), "a line or column number is too long"),
        ("1:1", ("--hole", "1"), "expected LINE:COL"),
        ("1:1", ("-n", "0"), "expected 1 to 16"),
        ("1:1", ("-n", "17"), "expected 1 to 16"),
        ("1:1", ("-n", "x"), "invalid"),
        ("1:1", ("--json", "--diff"), "not allowed with argument"),
    ],
)
def test_wrong_usage_ends_with_2(run: Run, place: str, options: tuple[str, ...], message: str) -> None:
    code, out, err = run(b"a", place, *options)
    assert (code, out) == (2, b"")
    assert message in err


def test_an_engine_that_cannot_serve_is_one_message(run: Run, engine: ScriptedEngine) -> None:
    engine.failure = EngineUnavailable("The engine could not be started.")
    assert run(b"a", "1:1") == (1, b"", "dgemma-lsp: The engine could not be started.\n")


def test_a_bad_configuration_file_is_one_message(run: Run) -> None:
    Path("bad.toml").write_text("= 1")
    code, _, err = run(b"a", "1:1", "--config", "bad.toml")
    assert code == 1
    assert err.startswith("dgemma-lsp: cannot read the configuration file bad.toml: ")


def test_settings_that_are_not_used_are_told_and_the_others_apply(run: Run, engine: ScriptedEngine) -> None:
    Path("some.toml").write_text("colour = 1\n[context]\nbefore = 2\n")
    code, _, err = run(b"abcdef", "1:5", "--config", "some.toml")
    assert code == 0
    assert err.startswith("dgemma-lsp: some.toml: colour: unknown setting\n")
    assert engine.requests[0].prefix == "cd"


def test_a_name_with_colons_or_bytes_that_are_no_text_is_still_a_file(
    run: Run, engine: ScriptedEngine, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    name = os.fsdecode(b"a:1:2\xff.py")
    Path(name).write_bytes(b"ab")
    assert command(capfdbinary, f"{name}:1:2")[:2] == (0, b"aFIRSTb")
    assert engine.requests[0].path == "a:1:2\N{REPLACEMENT CHARACTER}.py"
