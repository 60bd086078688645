"""Pump and programmer in one process: on one echoing port (TX joined to RX, ``loop://``), or on two that are joined.

On an echoing port everything either end writes comes back to both. Each end's link drops its own echo by the
direction bit in the frame, so pump and programmer can talk over a single adapter. The far end is a function that
answers bytes with bytes; it is called whenever the near end reads, so no thread is needed and nothing depends on a
scheduler.
"""

from __future__ import annotations

import select
from collections.abc import Callable

from hw.descriptor import AwaitedCarrier
from protocol.carrier import Carrier

Listener = Callable[[bytes], bytes]
"""Takes every byte on the wire, its own echo included, and returns what to write in answer."""


class SharedWire:
    """A carrier for the near end that lets a far end live on the same port."""

    def __init__(self, port: Carrier, far_end: Listener) -> None:
        self._port = port
        self._far_end = far_end

    def now_ms(self) -> int:
        """Return the port's time in milliseconds."""
        return self._port.now_ms()

    def write(self, data: bytes) -> None:
        """Write to the wire; ``CarrierLost`` when it is gone."""
        self._port.write(data)

    def read(self, timeout_ms: int) -> bytes:
        """Return what is on the wire, after the far end has heard it and answered; see ``Carrier``."""
        data = self._port.read(timeout_ms)
        if data:
            answer = self._far_end(data)
            if answer:
                self._port.write(answer)
        return data


class JoinedWire:
    """A carrier for the near end of two ports that are joined; the far end lives on the other port.

    Both are read in one place, so no thread is needed here either.
    """

    def __init__(self, near: AwaitedCarrier, far: AwaitedCarrier, far_end: Listener) -> None:
        self._near = near
        self._far = far
        self._far_end = far_end
        self._either = select.poll()
        for port in (near, far):
            self._either.register(port.fileno(), select.POLLIN)

    def now_ms(self) -> int:
        """Return the near port's time in milliseconds."""
        return self._near.now_ms()

    def write(self, data: bytes) -> None:
        """Write to the wire; ``CarrierLost`` when it is gone."""
        self._near.write(data)

    def read(self, timeout_ms: int) -> bytes:
        """Return what the near end hears, letting the far end answer meanwhile; see ``Carrier``."""
        end_ms = self.now_ms() + timeout_ms
        while True:
            self._either.poll(max(0, end_ms - self.now_ms()))
            if heard := self._far.read(0):
                self._far.write(self._far_end(heard))
            if data := self._near.read(0):
                return data
            if self.now_ms() >= end_ms:
                return b""
