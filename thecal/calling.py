"""Whom a programmer's command calls, and as whom: the options of ``thecal program`` made into a call.

They are looked at only when a command runs, so that ``thecal program set --help`` needs neither a port nor a key.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

from emulator.library import Library
from hw.ports import VIRTUAL
from protocol.vocabulary import Role
from thecal.failures import OutsideMissing, document_of
from thecal.keys import key_file, stored_key
from thecal.making import DEFAULT_SERIAL, library_from
from thecal.output import NOT_CLINICAL, emit, tell
from thecal.recording import Recording

ROLES = {role.name.lower(): role for role in Role}


class Call(NamedTuple):
    """Whom to call, and as whom."""

    port: str
    baud: int
    key: bytes
    role: Role
    serial: str | None
    library: Library
    as_json: bool
    recording: Recording = Recording()


def pass_call(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the call that its group's options describe, as its first argument.

    With ``--json`` an error is a document on stdout, too.
    """

    @functools.wraps(command)
    def with_call(*arguments: Any, **options: Any) -> None:
        raw = click.get_current_context().obj
        try:
            command(call_from(**raw), *arguments, **options)
        except click.ClickException as error:
            if raw["as_json"]:
                emit(document_of(error))
            raise

    return with_call


def refuse_virtual(port: str) -> None:
    """Refuse the name that makes a new virtual port: whoever calls a pump needs a port where one already is."""
    if port.startswith(VIRTUAL):
        raise click.UsageError(f"“{port}” would make a new port with nobody on it; give the link without “{VIRTUAL}”")


def call_from(
    *,
    port: str | None,
    baud: int,
    key: bytes | None,
    serial: str | None,
    role: str,
    library_path: Path | None,
    as_json: bool,
    capture_path: Path | None = None,
    keylog_path: Path | None = None,
) -> Call:
    """Return the call; ``click.UsageError`` without a port, ``OutsideMissing`` if no key is kept for the pump."""
    if port is None:
        raise click.UsageError("where is the pump? Give --port before the command, or set THECAL_PORT")
    refuse_virtual(port)
    number = serial or DEFAULT_SERIAL
    key = key or stored_key(number)
    if key is None:
        raise OutsideMissing(
            f"no key is kept for pump {number} ({key_file(number)}); give --key, or --serial if the pump has "
            f"another number"
        )
    tell(NOT_CLINICAL)
    return Call(
        port,
        baud,
        key,
        ROLES[role],
        serial,
        library_from(library_path),
        as_json,
        Recording(capture_path, keylog_path),
    )
