"""`dgemma-lsp doctor`: what an installation needs, whether it is there, and what to do where it is not.

Together with the host's composition the one place above the engine that may load it: it looks at what the host would
use. Loads no weights, starts no host and asks no network.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from typing import Literal, TypeAlias

from dgemma_lsp.cli.common import read_settings
from dgemma_lsp.config import ConfigError
from dgemma_lsp.host.checkpoint import resolve
from dgemma_lsp.host.client import EngineUnavailable, HostClient
from dgemma_lsp.host.directories import runtime_directory
from dgemma_lsp.host.identity import EngineOptions, version
from dgemma_lsp.host.spawn import Launcher
from dgemma_lsp.host.wire import HostStatus
from engine.errors import EngineError

Verdict: TypeAlias = Literal["ok", "note", "problem"]

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "tree-sitter",
    "pygls",
    "lsprotocol",
    "httpx2",
    "starlette",
    "uvicorn",
)
EDITORS = {"nvim": ((0, 12), "Neovim"), "code": ((1, 91), "VS Code")}
EDITOR_TIMEOUT_S = 10.0
MIB, GIB = 2**20, 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at. remedy: what to do about it; empty where all is well."""

    name: str
    verdict: Verdict
    detail: str
    remedy: str = ""


def doctor(arguments: argparse.Namespace) -> int:
    """Run the command; 1 if anything would keep the engine from working."""
    findings = list(_examine(arguments))
    if arguments.json:
        print(json.dumps({"version": version(), "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        print(f"dgemma-lsp {version()}")
        for finding in findings:
            print(f"{finding.verdict:8}{finding.name}: {finding.detail}")
            if finding.remedy:
                print(f"{'':8}-> {finding.remedy}")
    return 1 if any(finding.verdict == "problem" for finding in findings) else 0


def _examine(arguments: argparse.Namespace) -> Iterator[Finding]:
    options = EngineOptions()
    try:
        settings, problems = read_settings(arguments)
        options = settings.config.engine
        for problem in problems:
            yield Finding(name="settings", verdict="note", detail=problem, remedy="correct or remove this setting")
    except ConfigError as error:
        yield Finding(name="settings", verdict="problem", detail=str(error), remedy="name another --config file")
    yield Finding(name="python", verdict="ok", detail=f"{platform.python_version()} ({sys.executable})")
    yield _packages()
    for examine in (_device, _checkpoint, _runtime_directory, _host):
        yield examine(options)
    for command, (oldest, name) in EDITORS.items():
        yield _editor(command, name, oldest)


def _packages() -> Finding:
    versions: list[str] = []
    missing: list[str] = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            missing.append(package)
    if missing:
        detail = f"not installed: {', '.join(missing)}"
        return Finding(name="packages", verdict="problem", detail=detail, remedy="install dgemma-lsp again")
    return Finding(name="packages", verdict="ok", detail=", ".join(versions))


def _device(options: EngineOptions) -> Finding:
    try:
        import torch
    except (ImportError, OSError) as error:
        return Finding(name="device", verdict="problem", detail=str(error), remedy="install PyTorch again")
    if not torch.cuda.is_available():
        if options.device == "cuda":
            remedy = "install a PyTorch built for CUDA and the card's driver, or use --device auto"
            return Finding(name="device", verdict="problem", detail="PyTorch sees no CUDA device", remedy=remedy)
        detail = "CPU; PyTorch sees no CUDA device, and only the demo checkpoint is quick enough without one"
        return Finding(name="device", verdict="note", detail=detail)
    free, total = torch.cuda.mem_get_info()
    detail = f"{torch.cuda.get_device_name()}, {free / GIB:.1f} of {total / GIB:.1f} GiB free"
    return Finding(name="device", verdict="ok", detail=detail)


def _checkpoint(options: EngineOptions) -> Finding:
    try:
        # Imports torch, which is why the device is looked at first.
        from engine.checkpoint import stored_tensors

        checkpoint = resolve(options.checkpoint)
        tensors = stored_tensors(checkpoint.directory)
        size = sum(shard.stat().st_size for shard in {tensor.shard for tensor in tensors.values()})
    except EngineError as error:
        return Finding(name="checkpoint", verdict="problem", detail=str(error), remedy="choose another --checkpoint")
    except ImportError as error:
        return Finding(name="checkpoint", verdict="problem", detail=str(error), remedy="install dgemma-lsp again")
    weights = sum(tensor.elements for tensor in tensors.values())
    detail = f"{checkpoint.name}, {weights / 1e6:,.1f} M weights, {size / MIB:,.0f} MiB in {checkpoint.directory}"
    if options.checkpoint == "auto":
        detail += "; the demo checkpoint, because none was chosen"
    return Finding(name="checkpoint", verdict="ok", detail=detail)


def _runtime_directory(options: EngineOptions) -> Finding:
    try:
        directory = runtime_directory()
    except EngineUnavailable as error:
        remedy = "make it writable, or set XDG_RUNTIME_DIR to a directory that is"
        return Finding(name="runtime directory", verdict="problem", detail=str(error), remedy=remedy)
    return Finding(name="runtime directory", verdict="ok", detail=str(directory))


def _host(options: EngineOptions) -> Finding:
    try:
        launcher = Launcher(options)
        status = asyncio.run(_host_status(launcher))
    except EngineUnavailable:
        return Finding(name="host", verdict="ok", detail="none runs; the first request starts one")
    except EngineError as error:
        return Finding(name="host", verdict="note", detail=str(error))
    detail = f"{status.state} with {status.checkpoint} on {status.device}, process {status.pid}, log {launcher.log}"
    if status.state == "failed":
        remedy = f"{status.message}; see: dgemma-lsp host log"
        return Finding(name="host", verdict="problem", detail=detail, remedy=remedy)
    return Finding(name="host", verdict="ok", detail=detail)


async def _host_status(launcher: Launcher) -> HostStatus:
    client = HostClient(launcher)
    try:
        return await client.status()
    finally:
        await client.close()


def _editor(command: str, name: str, oldest: tuple[int, int]) -> Finding:
    path = shutil.which(command)
    if path is None:
        return Finding(name=name, verdict="note", detail=f"no {command} on PATH")
    try:
        run = subprocess.run(  # noqa: S603 - the user's own editor
            [path, "--version"], capture_output=True, text=True, timeout=EDITOR_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(name=name, verdict="note", detail=f"{path} does not tell its version: {error}")
    numbers = re.search(r"(\d+)\.(\d+)(?:\.\d+)?", run.stdout)
    if numbers is None:
        return Finding(name=name, verdict="note", detail=f"{path} does not tell its version")
    if (int(numbers[1]), int(numbers[2])) < oldest:
        wanted = ".".join(map(str, oldest))
        return Finding(
            name=name, verdict="note", detail=f"{numbers[0]} is too old", remedy=f"install {name} {wanted} or newer"
        )
    return Finding(name=name, verdict="ok", detail=f"{numbers[0]} ({path})")
