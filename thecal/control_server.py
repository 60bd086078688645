"""The bench's own door: a local socket where one JSON object a line asks and one a line answers.

It is a Unix domain socket in a folder that only its owner can enter, so no other user of the machine, and nobody on
the clinical wire, can inject a fault or move the time.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from thecal.failures import OutsideMissing

Desk = Callable[[dict[str, Any]], dict[str, Any]]
"""Carries out one request and returns its answer; never raises."""

MOST_OCTETS = 65_536
"""A request is a line shorter than this; whoever sends more is cut off."""
ANSWER_PATIENCE_S = 2.0
"""How long an asker may take to fetch its answer before it is cut off; the pump waits meanwhile."""


class ControlServer:
    """Listens at ``path`` until closed, and lives in somebody else's select loop.

    Raises ``OutsideMissing`` if the socket cannot be made there safely.
    """

    def __init__(self, path: Path, desk: Desk, selector: selectors.BaseSelector) -> None:
        self.path = path
        self._desk = desk
        self._selector = selector
        self._askers: dict[socket.socket, bytes] = {}
        make_private(path.parent)
        _remove_dead(path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(str(path))
            self._listener.listen()
        except OSError as error:
            self._listener.close()
            raise OutsideMissing(f"cannot make the control socket {path}: {error.strerror or error}") from error
        self._listener.setblocking(False)
        selector.register(self._listener, selectors.EVENT_READ, self._welcome)

    def _welcome(self) -> None:
        try:
            asker, _ = self._listener.accept()
        except OSError:
            return  # gone again before it was let in
        asker.setblocking(False)
        self._askers[asker] = b""
        self._selector.register(asker, selectors.EVENT_READ, lambda: self._listen(asker))

    def _listen(self, asker: socket.socket) -> None:
        try:
            data = asker.recv(MOST_OCTETS)
            *lines, rest = (self._askers[asker] + data).split(b"\n")
            for line in lines:
                self._answer(asker, line)
        except OSError:
            data, rest = b"", b""
        self._askers[asker] = rest
        if not data or len(rest) > MOST_OCTETS:
            self._dismiss(asker)

    def _answer(self, asker: socket.socket, line: bytes) -> None:
        try:
            request = json.loads(line)
            answer = self._desk(request) if isinstance(request, dict) else _wrong("a request is a JSON object")
        except (ValueError, RecursionError) as error:
            answer = _wrong(f"not JSON: {error}")
        asker.settimeout(ANSWER_PATIENCE_S)
        asker.sendall(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
        asker.setblocking(False)

    def _dismiss(self, asker: socket.socket) -> None:
        del self._askers[asker]
        self._selector.unregister(asker)
        asker.close()

    def close(self) -> None:
        """Close every connection and remove the socket."""
        for asker in list(self._askers):
            self._dismiss(asker)
        self._selector.unregister(self._listener)
        self._listener.close()
        self.path.unlink(missing_ok=True)


def ask(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Send one request to a running pump's bench and return the answer; ``OutsideMissing`` if nobody is there."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
    except OSError as error:
        raise OutsideMissing(
            f"no bench answers at {path} ({error.strerror or error}); start “thecal pump … --control {path}”"
        ) from error
    if not line:
        raise OutsideMissing(f"the pump at {path} ended before it answered")
    answer: dict[str, Any] = json.loads(line)
    return answer


def make_private(folder: Path) -> None:
    """Make the folder, or check that only its owner can enter it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError as error:
        raise OutsideMissing(f"cannot use the folder {folder}: {error.strerror}") from error
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise OutsideMissing(
            f"others can enter {folder}, and whoever can reach the control socket can inject faults; "
            f"put the socket into a folder of its own (one that does not exist yet is made with mode 0700)"
        )


def _remove_dead(path: Path) -> None:
    """Remove a socket that a killed pump left behind; refuse to take one that answers."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise OutsideMissing(f"another pump is listening at {path}")


def _wrong(text: str) -> dict[str, Any]:
    return {"ok": False, "error": text}
