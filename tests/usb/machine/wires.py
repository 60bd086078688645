"""What leaves the machine: wires between its devices, carried by the host.

A wire takes what comes from one socket to another. It never stops reading because it cannot write: two devices joined
inside QEMU would do that to each other, and freeze.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

PIECE = 65_536


class Plug:
    """One end: where a device of the machine connects, again after each time that it was pulled out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.listener.setblocking(False)
        self.line: socket.socket | None = None
        self.waiting = bytearray()
        self.target = self


class Wires:
    """Plugs and a thread that carries bytes between them. Use it as a context."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._plugs: list[Plug] = []
        self._stop, self._stopper = socket.socketpair()
        self._thread = threading.Thread(target=self._carry, name="wires", daemon=True)

    def pair(self, one: str, other: str) -> tuple[Path, Path]:
        """Add two plugs that hear each other; return their addresses."""
        first, second = Plug(self._folder / one), Plug(self._folder / other)
        first.target, second.target = second, first
        self._plugs += [first, second]
        return first.path, second.path

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopper.close()
        self._thread.join()
        self._stop.close()
        for plug in self._plugs:
            plug.listener.close()
            if plug.line is not None:
                plug.line.close()

    def _carry(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._stop, selectors.EVENT_READ)
            for plug in self._plugs:
                selector.register(plug.listener, selectors.EVENT_READ, plug)
            while True:
                for key, events in selector.select():
                    if key.data is None:
                        return
                    self._serve(selector, key.data, key.fileobj is key.data.listener, events)
                for plug in self._plugs:
                    _await(selector, plug)

    @staticmethod
    def _serve(selector: selectors.BaseSelector, plug: Plug, connecting: bool, events: int) -> None:
        if connecting:
            _disconnect(selector, plug)
            plug.line, _ = plug.listener.accept()
            plug.line.setblocking(False)
            selector.register(plug.line, selectors.EVENT_READ, plug)
            return
        if plug.line is None:
            return
        try:
            if events & selectors.EVENT_WRITE and plug.waiting:
                del plug.waiting[: plug.line.send(plug.waiting)]
            if events & selectors.EVENT_READ:
                data = plug.line.recv(PIECE)
                if not data:
                    _disconnect(selector, plug)
                elif plug.target.line is not None:  # a wire that ends in the air loses what is sent
                    plug.target.waiting += data
        except OSError:
            _disconnect(selector, plug)


def _disconnect(selector: selectors.BaseSelector, plug: Plug) -> None:
    if plug.line is not None:
        with contextlib.suppress(KeyError):
            selector.unregister(plug.line)
        plug.line.close()
        plug.line = None
        plug.waiting.clear()


def _await(selector: selectors.BaseSelector, plug: Plug) -> None:
    """Wait for room in a line only while something is to be written to it."""
    if plug.line is not None:
        writing = selectors.EVENT_WRITE if plug.waiting else 0
        selector.modify(plug.line, selectors.EVENT_READ | writing, plug)
