"""Wires without a thread: what was sent has arrived, changed or not, when ``write`` returns.

So what is not there never comes, and nobody who listens has to wait for it or can miss it on a busy machine.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

import serial

from hw.descriptor import DescriptorPort
from hw.modelled import ModelledPort

Sink = Callable[[bytes], None]


class DirectPort(DescriptorPort):
    """A port whose bytes go where it is told; ``hear`` is what its user reads."""

    def __init__(self, name: str, line: ModelledPort | None = None) -> None:
        self._line = line
        self._inside, self._outside = socket.socketpair()
        self._outside.setblocking(False)
        self.sends_to: Sink = lambda data: None
        super().__init__(self._outside.fileno(), name)

    @property
    def line(self) -> serial.SerialBase | None:
        """The modelled port that this one stands for."""
        return self._line

    def write(self, data: bytes) -> None:
        """Send the bytes all the way."""
        self.fileno()
        self.sends_to(data)

    def hear(self, data: bytes) -> None:
        """Let bytes arrive."""
        self._inside.sendall(data)

    def _release(self) -> None:
        self._inside.close()
        self._outside.close()


def modelled(near: ModelledPort, far: ModelledPort) -> tuple[DirectPort, DirectPort]:
    """Return two ports that go over a modelled wire, with its rates and parities."""
    ports = DirectPort("near", near), DirectPort("far", far)
    for out, into, hearer in ((near, far, ports[1]), (far, near, ports[0])):
        ports[out is far].sends_to = _over(out, into, hearer)
    return ports


def _over(out: ModelledPort, into: ModelledPort, hearer: DirectPort) -> Sink:
    def send(data: bytes) -> None:
        out.write(data)
        hearer.hear(into.read(into.in_waiting))

    return send
