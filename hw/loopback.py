"""One echoing wire for both ends: an adapter with TX joined to RX, or ``loop://``.

Everything either end writes comes back to both. Each end's link drops its own echo by the direction bit in the
frame, so pump and programmer can talk over a single adapter. The far end is a function that answers bytes with
bytes; it is called whenever the near end reads, so no thread is needed and nothing depends on a scheduler.
"""

from __future__ import annotations

from collections.abc import Callable

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
