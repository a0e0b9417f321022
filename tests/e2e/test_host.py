"""Real host processes: started once, shared, killed, left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from dgemma_lsp.__main__ import main
from dgemma_lsp.client import transport
from dgemma_lsp.client.launch import FixedEngine, Launcher
from dgemma_lsp.client.remote import HostClient
from dgemma_lsp.wire import endpoint
from dgemma_lsp.wire.directories import runtime_directory
from dgemma_lsp.wire.errors import EngineUnavailable, EngineUnresponsive, Superseded
from dgemma_lsp.wire.identity import ROOT, EngineOptions
from dgemma_lsp.wire.messages import Answer
from engine.errors import EngineError
from infill.request import Draft
from tests.e2e.hosts import FAKE_HOST, TIMEOUT_S, Desk, ask, follow, owner, until


async def test_a_request_starts_the_host_and_streams_its_events(desk: Desk) -> None:
    events = await ask(desk.client(), "a", drafts=True)
    assert [type(event) for event in events] == [Draft, Draft, Draft, Answer]


async def test_two_clients_share_one_load(desk: Desk) -> None:
    one, other = desk.client(), desk.client()
    await asyncio.gather(ask(one, "a"), ask(other, "b"))
    status = await one.status()
    assert status == await other.status()
    assert (status.loads, status.requests) == (1, 2)
    assert desk.script.lines("loads") == [str(status.pid)]


async def test_front_ends_of_the_same_moment_get_one_host(desk: Desk) -> None:
    """Each client is a front end to itself: none of them knows of another's start."""
    clients = [desk.client() for _ in range(4)]
    await asyncio.gather(*(ask(client, "a") for client in clients))
    pids = {(await client.status()).pid for client in clients}
    assert len(pids) == 1
    assert len(desk.script.lines("loads")) == 1


async def test_a_host_killed_in_mid_request_is_replaced_by_the_next_request(desk: Desk) -> None:
    desk.script.hold("step")
    client = desk.client()
    asking = asyncio.create_task(ask(client, "a"))
    await desk.script.until(lambda: desk.script.lines("ran") == ["a"])
    os.kill((await client.status()).pid, signal.SIGKILL)
    with pytest.raises(EngineUnavailable):
        await asking
    desk.script.release("step")
    assert isinstance((await ask(client, "b"))[-1], Answer)
    assert len(desk.script.lines("loads")) == 2


async def test_a_host_killed_while_loading_is_replaced_by_the_next_request(desk: Desk) -> None:
    desk.script.hold("load")
    client = desk.client()
    asking = asyncio.create_task(ask(client, "a"))
    await client.start()
    status = await until(client, lambda status: status.requests == 1 and status.progress == 0.5)
    assert status.state == "loading"
    os.kill(status.pid, signal.SIGKILL)
    with pytest.raises(EngineUnavailable):
        await asking
    desk.script.release("load")
    assert isinstance((await ask(client, "b"))[-1], Answer)


async def test_a_host_killed_between_requests_is_not_noticed(desk: Desk) -> None:
    client = desk.client()
    await ask(client, "a")
    pid = (await client.status()).pid
    os.kill(pid, signal.SIGKILL)
    await desk.script.until(lambda: not psutil.pid_exists(pid))
    assert isinstance((await ask(client, "b"))[-1], Answer)


async def test_a_host_that_hangs_is_one_clear_message_and_can_be_ended(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    earlier = desk.client()
    await ask(earlier, "a")
    process = psutil.Process((await earlier.status()).pid)
    process.suspend()
    with monkeypatch.context() as patch:
        # It takes connections and requests, and never answers them.
        patch.setattr(transport, "RESPONSE_TIMEOUT_S", 0.2)
        client = desk.client()
        with pytest.raises(EngineUnresponsive, match="does not answer; end it with: dgemma-lsp host stop"):
            await client.start()
        with pytest.raises(EngineUnresponsive, match="does not answer"):
            await ask(client, "b")
        assert await asyncio.to_thread(main, ["host", "stop", "--checkpoint", desk.options.checkpoint]) == 0
        assert capfd.readouterr().out == f"killed process {process.pid}, which did not answer\n"
    assert isinstance((await ask(earlier, "c"))[-1], Answer)


async def test_status_and_stop_know_every_host_of_the_user(desk: Desk, capfd: pytest.CaptureFixture[str]) -> None:
    clients = [desk.client(replace(desk.options, device=device)) for device in ("auto", "cpu")]
    async with contextlib.AsyncExitStack() as stack:
        for client in clients:
            await client.start()
            await follow(await stack.enter_async_context(contextlib.aclosing(client.watch())), "ready")
        pids = {(await client.status()).pid for client in clients}
        assert len(pids) == 2
        assert await asyncio.to_thread(main, ["host", "status", "--json"]) == 0
        shown = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
        assert {status["pid"] for status in shown} == pids
        assert await asyncio.to_thread(main, ["host", "stop"]) == 0
        assert not any(map(_runs, pids))
        assert set(capfd.readouterr().out.splitlines()) == {f"stopped process {pid}" for pid in pids}
    assert await asyncio.to_thread(main, ["host", "stop"]) == 0
    assert await asyncio.to_thread(main, ["host", "status"]) == 1
    out, err = capfd.readouterr()
    assert (out, err) == ("no host runs\n", "dgemma-lsp: no host runs\n")


@pytest.mark.parametrize("watched", [False, True])
async def test_a_host_of_other_settings_ends_another_that_nobody_uses(desk: Desk, *, watched: bool) -> None:
    old, new = desk.client(), desk.client(replace(desk.options, device="cpu"))
    await ask(old, "a")
    pid = (await old.status()).pid
    async with contextlib.AsyncExitStack() as stack:
        if watched:
            await follow(await stack.enter_async_context(contextlib.aclosing(old.watch())), "ready")
        await ask(new, "b")
        assert _runs(pid) == watched


async def test_of_200_requests_for_one_document_the_last_is_answered(desk: Desk) -> None:
    desk.script.hold("step")
    client = desk.client()
    await client.start()
    asking = [asyncio.create_task(ask(client, str(i), text="x" * i, owner=owner())) for i in range(200)]
    await until(client, lambda status: status.requests == 200)
    desk.script.release("step")
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(outcomes[-1], list)
    assert all(isinstance(outcome, Superseded) for outcome in outcomes[:-1])
    status = await client.status()
    assert status.superseded == 199
    assert status.steps_after_cancel_max <= 1
    assert len(desk.script.lines("ran")) <= 1 + 3


async def test_an_inline_request_during_a_rewrite_is_served_at_the_next_step(desk: Desk) -> None:
    desk.script.hold("step")
    client = desk.client()
    rewrite = asyncio.create_task(ask(client, "rewrite", priority="rewrite"))
    await desk.script.until(lambda: desk.script.lines("ran") == ["rewrite"])
    inline = asyncio.create_task(ask(client, "inline", steps=2))
    await until(client, lambda status: status.requests == 2)
    desk.script.release("step")
    await asyncio.gather(rewrite, inline)
    assert desk.script.lines("ran") == ["rewrite", "inline", "inline", "rewrite", "rewrite"]


async def test_hanging_up_cancels(desk: Desk) -> None:
    desk.script.hold("step")
    client = desk.client()
    asking = asyncio.create_task(ask(client, "a"))
    await desk.script.until(lambda: desk.script.lines("ran") == ["a"])
    asking.cancel()
    status = await until(client, lambda status: status.cancelled == 1)
    assert status.state == "ready"
    desk.script.release("step")
    await ask(client, "b", steps=1)
    assert desk.script.lines("ran") == ["a", "b"]
    assert (await client.status()).steps_after_cancel_max == 1


async def test_answered_superseded_and_cancelled_requests_leave_no_handles(desk: Desk) -> None:
    client = desk.client()
    await ask(client, "a")
    process = psutil.Process((await client.status()).pid)
    before = process.num_fds()
    for _ in range(20):
        asking = [asyncio.create_task(ask(client, str(i), owner=owner())) for i in range(10)]
        cancelled = asyncio.create_task(ask(client, "cancelled"))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.gather(*asking, cancelled, return_exceptions=True)
    status = await until(client, lambda status: status.state == "ready")
    assert (status.failed, status.clients) == (0, 0)
    # Idle connections are kept for the next request, but no more than eight.
    await desk.script.until(lambda: process.num_fds() <= before + 8)


async def test_a_watch_tells_of_loading_and_of_the_hosts_end(desk: Desk) -> None:
    desk.script.hold("load")
    client = desk.client()
    await client.start()
    async with contextlib.aclosing(client.watch()) as statuses:
        loading = await follow(statuses, "loading")
        assert loading.clients == 1
        desk.script.release("load")
        await follow(statuses, "ready")
        await client.stop()
        assert [status async for status in statuses] == []
    with pytest.raises(EngineUnavailable):
        await client.status()


async def test_only_the_user_may_use_the_socket_and_nothing_listens_on_a_network(desk: Desk) -> None:
    client = desk.client()
    await ask(client, "a")
    [path] = runtime_directory().glob("*.sock")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert psutil.Process((await client.status()).pid).net_connections(kind="inet") == []


async def test_without_unix_sockets_a_loopback_port_needs_the_token(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "UNIX", False)
    desk.script.set("loopback")
    client = desk.client()
    assert isinstance((await ask(client, "a"))[-1], Answer)
    status = await client.status()
    listening = [
        connection.laddr
        for connection in psutil.Process(status.pid).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    [(host, port)] = listening
    assert host == "127.0.0.1"
    [file] = runtime_directory().glob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    stranger = HostClient(FixedEngine(f"http://127.0.0.1:{port}"))
    with pytest.raises(EngineError, match="token is missing"):
        await ask(stranger, "b")
    await stranger.close()
    assert (await client.status()).requests == 1


async def test_no_source_text_is_logged(desk: Desk) -> None:
    client = desk.client()
    await ask(client, "secret path", text="secret text")
    log = Launcher(desk.options, FAKE_HOST).log.read_text()
    assert "request 1 inline: context 0, cached 0, free 0 tokens; 3 passes" in log
    assert "secret" not in log


async def test_leftovers_do_not_block_a_start(desk: Desk) -> None:
    launcher = Launcher(desk.options, FAKE_HOST)
    directory = runtime_directory()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(directory / f"{launcher.key}.sock"))
    (directory / f"{launcher.key}.lock").write_text("12345")
    assert isinstance((await ask(desk.client(), "a"))[-1], Answer)


async def test_a_start_waits_for_a_lock_that_is_given_back(desk: Desk) -> None:
    launcher = Launcher(desk.options, FAKE_HOST)
    with FileLock(runtime_directory() / f"{launcher.key}.lock"):
        asking = asyncio.create_task(ask(desk.client(), "a"))
        await desk.script.until(lambda: len(desk.script.lines("pids")) == 2)
    await asking
    assert len(desk.script.lines("loads")) == 1


async def test_a_host_that_dies_at_once_is_one_clear_message(desk: Desk) -> None:
    client = desk.client(command=(sys.executable, "-m", "tests.e2e.no_such_module"))
    with pytest.raises(EngineUnavailable, match=r"could not be started: .*no_such_module.* \(log: .*\.log\)"):
        await client.start()


async def test_a_host_without_a_log_directory_is_one_clear_message(desk: Desk) -> None:
    _replace_by_file(Path(os.environ["XDG_STATE_HOME"]))
    with pytest.raises(EngineUnavailable, match=r"could not be started: .*Not a directory"):
        await desk.client().start()


async def test_a_missing_checkpoint_is_one_clear_message(desk: Desk) -> None:
    client = desk.client(EngineOptions(checkpoint="/no/such/checkpoint"))
    with pytest.raises(EngineError, match="no checkpoint directory /no/such/checkpoint"):
        await ask(client, "a")


async def test_a_host_whose_log_cannot_grow_serves_all_the_same(desk: Desk) -> None:
    limited = ("sh", "-c", 'ulimit -f 0; exec "$0" -m tests.e2e.fake_host "$@"', sys.executable)
    client = desk.client(command=limited)
    assert isinstance((await ask(client, "a"))[-1], Answer)
    await client.stop()


async def test_a_host_nobody_uses_ends(desk: Desk) -> None:
    options = EngineOptions(checkpoint=desk.options.checkpoint, exit_minutes=0.001)
    client = desk.client(options)
    await client.start()
    [pid] = map(int, desk.script.lines("pids"))
    await desk.script.until(lambda: not psutil.pid_exists(pid))
    assert list(runtime_directory().glob("*.sock")) == []


async def test_a_watched_host_stays(desk: Desk) -> None:
    options = EngineOptions(checkpoint=desk.options.checkpoint, exit_minutes=0.03, idle_unload_minutes=0.0001)
    client = desk.client(options)
    await client.start()
    async with contextlib.aclosing(client.watch()) as statuses:
        pid = (await follow(statuses, "paused")).pid
        await asyncio.sleep(1.5 * options.exit_minutes * 60)
        assert isinstance((await ask(client, "a"))[-1], Answer)
        assert (await follow(statuses, "paused")).pid == pid
    assert len(desk.script.lines("loads")) == 2
    await desk.script.until(lambda: not psutil.pid_exists(pid))


async def test_a_terminated_host_tells_its_clients(desk: Desk) -> None:
    desk.script.hold("step")
    client = desk.client()
    asking = asyncio.create_task(ask(client, "a"))
    await desk.script.until(lambda: desk.script.lines("ran") == ["a"])
    process = psutil.Process((await client.status()).pid)
    process.terminate()
    with pytest.raises(EngineUnavailable, match="stopped"):
        await asking
    desk.script.release("step")
    await asyncio.to_thread(process.wait, TIMEOUT_S)


async def test_a_host_whose_installation_was_deleted_serves_on_and_is_replaced(desk: Desk, tmp_path: Path) -> None:
    launcher = Launcher(desk.options, FAKE_HOST)
    process = _start_copy(tmp_path, launcher.key, f'{{"checkpoint": "{desk.options.checkpoint}"}}')
    client = desk.client()
    await ask(client, "a")
    assert (await client.status()).pid == process.pid
    shutil.rmtree(tmp_path)
    assert isinstance((await ask(client, "b"))[-1], Answer)
    process.kill()
    await asyncio.to_thread(process.wait)
    assert isinstance((await ask(client, "c"))[-1], Answer)


def _runs(pid: int) -> bool:
    """Whether a process lives; where nobody takes note of its end it stays a zombie."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def _replace_by_file(directory: Path) -> None:
    directory.rmdir()
    directory.write_text("in the way")


def _start_copy(directory: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a host from an installation of its own in `directory`; returns once it listens."""
    for package in ("dgemma_lsp", "engine", "infill", "tests"):
        shutil.copytree(
            ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors")
        )
    process = subprocess.Popen([*FAKE_HOST, *arguments], cwd=directory, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read() == b"ready\n"
    return process
