"""`dgemma-lsp doctor`: what an installation needs, whether it is there, and what to do where it is not.

Loads no weights, starts no host and asks no network.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib import metadata

from dgemma_lsp.cli.common import read_settings
from dgemma_lsp.cli.findings.editors import examine_editors
from dgemma_lsp.cli.findings.finding import Finding, Verdict
from dgemma_lsp.cli.findings.machine import examine_machine
from dgemma_lsp.cli.host import host_status
from dgemma_lsp.client.hosts import running
from dgemma_lsp.config import ConfigError
from dgemma_lsp.wire.directories import runtime_directory
from dgemma_lsp.wire.errors import EngineUnavailable
from dgemma_lsp.wire.identity import EngineOptions, version
from engine.errors import EngineError

_COLOURS: dict[Verdict, str] = {"ok": "green", "note": "yellow", "problem": "bold red"}

PACKAGES = (
    "torch",
    "accelerate",
    "bitsandbytes",
    "transformers",
    "tokenizers",
    "tree-sitter",
    "pygls",
    "lsprotocol",
    "httpx2",
    "starlette",
    "uvicorn",
)


def doctor(arguments: argparse.Namespace) -> int:
    """Run the command; 1 if anything would keep the engine from working."""
    findings = list(_examine(arguments))
    if arguments.json:
        print(json.dumps({"version": version(), "findings": [asdict(finding) for finding in findings]}, indent=2))
    else:
        print(f"dgemma-lsp {version()}")
        (_print_table if sys.stdout.isatty() else _print_lines)(findings)
    return 1 if any(finding.verdict == "problem" for finding in findings) else 0


def _print_lines(findings: list[Finding]) -> None:
    for finding in findings:
        print(f"{finding.verdict:8}{finding.name}: {finding.detail}")
        if finding.remedy:
            print(f"{'':8}-> {finding.remedy}")


def _print_table(findings: list[Finding]) -> None:
    # Imported here because it takes a tenth of a second.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for finding in findings:
        detail = Text(finding.detail)
        if finding.remedy:
            detail.append(f"\n\u2192 {finding.remedy}", "bold")
        table.add_row(Text(finding.verdict, _COLOURS[finding.verdict]), Text(finding.name, "bold"), detail)
    Console(file=sys.stdout, highlight=False).print(table)


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
    yield from examine_machine(options)
    yield _runtime_directory()
    yield from _hosts()
    yield from examine_editors()


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


def _runtime_directory() -> Finding:
    try:
        directory = runtime_directory()
    except EngineUnavailable as error:
        remedy = "make it writable, or set XDG_RUNTIME_DIR to a directory that is"
        return Finding(name="runtime directory", verdict="problem", detail=str(error), remedy=remedy)
    return Finding(name="runtime directory", verdict="ok", detail=str(directory))


def _hosts() -> Iterator[Finding]:
    try:
        hosts = running()
    except EngineUnavailable:
        # The runtime directory's own finding says why.
        return
    if not hosts:
        yield Finding(name="host", verdict="ok", detail="none runs; the first request starts one")
    for host in hosts:
        try:
            status = asyncio.run(host_status(host))
        except EngineError as error:
            yield Finding(name="host", verdict="note", detail=str(error))
            continue
        detail = f"{status.state} with {status.checkpoint} on {status.device}, process {status.pid}, log {host.log}"
        if status.state == "failed":
            remedy = f"{status.message}; see: dgemma-lsp host log"
            yield Finding(name="host", verdict="problem", detail=detail, remedy=remedy)
        else:
            yield Finding(name="host", verdict="ok", detail=detail)
