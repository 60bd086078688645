"""``--capture`` and ``--keylog``: a record of the wire, for every command that opens a port."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from hw.capture import Capture, CaptureError, CaptureExistsError
from hw.descriptor import DescriptorPort
from hw.keylog import WARNING, KeyListener, SessionSecret, line_of
from hw.tap import Listener, TappedPort
from thecal.failures import OutsideMissing
from thecal.output import doubtful, tell

PATH = click.Path(path_type=Path)
OWNER_ONLY = 0o600

Tap = Callable[[DescriptorPort], DescriptorPort]

Command = TypeVar("Command", bound=Callable[..., Any])


class Recording(NamedTuple):
    """Where to write what goes over the wire; None for not at all."""

    capture: Path | None = None
    keylog: Path | None = None


def recording_options(command: Command) -> Command:
    """Give a command the options ``--capture`` and ``--keylog``, as ``capture_path`` and ``keylog_path``."""
    keylog = click.option(
        "--keylog",
        "keylog_path",
        type=PATH,
        help="Add the session keys to this file. Whoever has it reads the capture.",
    )
    capture = click.option(
        "--capture",
        "capture_path",
        type=PATH,
        help="Write every byte on the wire to this new pcapng file, or to a named pipe.",
    )
    return capture(keylog(command))


@contextmanager
def recorded(recording: Recording, pump_key: bytes, *, echoing: bool = False) -> Iterator[Tap]:
    """Yield a function that returns a port with everything recorded that is asked for; the port itself if nothing is.

    The files are opened with the first port, so that a port that is not there leaves none, and go on with the next.
    """
    with contextlib.ExitStack() as stack:
        listeners: list[Listener] = []

        def tap(port: DescriptorPort) -> DescriptorPort:
            if not listeners:
                with contextlib.ExitStack() as undo:
                    undo.callback(port.close)
                    listeners.extend(_listeners(stack, recording, port.name, pump_key))
                    undo.pop_all()
            return TappedPort(port, listeners, echoing=echoing) if listeners else port

        yield tap


def _listeners(
    stack: contextlib.ExitStack, recording: Recording, port_name: str, pump_key: bytes
) -> Iterator[Listener]:
    """Yield what hears the wire; the stack closes its files."""
    if recording.capture is not None:
        yield stack.enter_context(_capture(recording.capture, port_name))
    if recording.keylog is not None:
        yield KeyListener(pump_key, stack.enter_context(_keylog(recording.keylog))).hear


@contextmanager
def _capture(path: Path, port_name: str) -> Iterator[Listener]:
    try:
        capture = Capture(path, port_name, complain=lambda words: tell(doubtful(words)))
    except CaptureExistsError as error:
        raise click.BadParameter(str(error), param_hint="--capture") from None
    except CaptureError as error:
        raise OutsideMissing(str(error)) from error
    try:
        yield capture.hear
    finally:
        capture.close()


@contextmanager
def _keylog(path: Path) -> Iterator[Callable[[SessionSecret], None]]:
    """Yield what adds a session to the file, which only its owner can read."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
    except OSError as error:
        raise OutsideMissing(f"cannot write the key log {path}: {error.strerror}") from error
    tell(doubtful(f"{path} gets the session keys: whoever has it can read what is captured of these sessions"))

    def add(line: str) -> None:
        try:
            os.write(descriptor, f"{line}\n".encode("ascii"))
        except OSError as error:
            tell(doubtful(f"the key log {path} lacks a session: {error.strerror}"))

    try:
        if os.fstat(descriptor).st_size == 0:
            add(WARNING)
        yield lambda secret: add(line_of(secret))
    finally:
        os.close(descriptor)
