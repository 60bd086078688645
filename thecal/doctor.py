"""``thecal doctor``: is everything here that thecal needs from outside?

Imports what it examines only when it examines it, so that a broken installation can still be diagnosed.
"""

from __future__ import annotations

import importlib
import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import NamedTuple

import click

from thecal.failures import GOOD, OUTSIDE_MISSING
from thecal.output import NOT_CLINICAL, bad, doubtful, emit, good, say, table, tell

OLDEST_PYTHON = (3, 11)


class Finding(NamedTuple):
    """One thing examined. ``ok`` None means: works, but not as well as it could."""

    name: str
    ok: bool | None
    detail: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def doctor(as_json: bool) -> int:
    """Check the installation: Python, libraries, ports and permissions.

    Exit code 0 if everything needed is here, 3 if something is missing.
    """
    findings = list(examine())
    missing = [finding for finding in findings if finding.ok is False]
    if as_json:
        emit({"good": not missing, "findings": [finding._asdict() for finding in findings]})
    else:
        say(table([(finding.name, _mark(finding.ok), finding.detail) for finding in findings]))
        tell(bad(f"{len(missing)} missing") if missing else good("everything needed is here"))
        tell(NOT_CLINICAL)
    return OUTSIDE_MISSING if missing else GOOD


def examine() -> Iterator[Finding]:
    """Yield every finding, in the order a reader wants them."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding(
        "python", sys.version_info >= OLDEST_PYTHON, f"{version} on {platform.system()} {platform.machine()}"
    )
    yield from _libraries()
    for examination in (_checksum, _c_extensions, _pty):
        yield _guarded(examination)
    yield from _ports()


def _libraries() -> Iterator[Finding]:
    """Yield the version of thecal and of everything that it says it depends on."""
    try:
        yield Finding("thecal", True, metadata.version("thecal"))
        requirements = metadata.requires("thecal") or []
    except metadata.PackageNotFoundError:
        yield Finding("thecal", False, "not installed; run “pip install thecal”")
        return
    for requirement in requirements:
        match = re.match(r"[A-Za-z0-9._-]+", requirement)
        if match and "extra ==" not in requirement:
            yield _library(match.group(), requirement)


def _library(name: str, requirement: str) -> Finding:
    try:
        return Finding(name, True, metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name, False, f"missing; run “pip install '{requirement}'”")


def _checksum() -> Finding:
    crc = importlib.import_module("protocol.crc")
    return Finding("crc-32/autosar", True, f"check value {crc.crc32_autosar(b'123456789'):08X}")


def _c_extensions() -> Finding:
    crc, frame = importlib.import_module("protocol.crc"), importlib.import_module("protocol.frame")
    slow = [name for name, fast in (("crcmod", crc.crc_is_fast()), ("cobs", frame.cobs_is_fast())) if not fast]
    if slow:
        return Finding("C extensions", None, f"not in use for {' and '.join(slow)}: everything works, but slowly")
    return Finding("C extensions", True, "in use for crcmod and cobs")


def _pty() -> Finding:
    for descriptor in os.openpty():
        os.close(descriptor)
    return Finding("pty", True, "virtual ports can be made")


def _guarded(examination: Callable[[], Finding]) -> Finding:
    """Return the finding, or the failure as one."""
    try:
        return examination()
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        return Finding(examination.__name__.removeprefix("_"), False, f"{type(error).__name__}: {error}")


def _ports() -> Iterator[Finding]:
    """Yield every serial port and whether this user may open it."""
    try:
        list_ports = importlib.import_module("serial.tools.list_ports")
    except ImportError as error:
        yield Finding("ports", False, str(error))
        return
    ports = sorted(list_ports.comports())
    if not ports:
        yield Finding("ports", True, "no adapter found; virtual ports need none")
    for port in ports:
        yield _port(port.device, port.description)


def _port(device: str, description: str) -> Finding:
    if os.access(device, os.R_OK | os.W_OK):
        return Finding(device, True, description)
    return Finding(device, False, f"{description}: no permission; join the group that owns it, often dialout")


def _mark(ok: bool | None) -> str:
    return {True: good("ok"), None: doubtful("slow"), False: bad("MISSING")}[ok]
