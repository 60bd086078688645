"""A tap: shows listeners every byte that goes through a port, and changes none of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from hw.capture import Flow
from protocol.carrier import Carrier

Listener = Callable[[Flow, bytes], object]
"""Takes a piece of the stream and which way it went. It must not raise."""


class WaitablePort(Carrier, Protocol):
    """A carrier that a select loop can wait for."""

    @property
    def name(self) -> str:
        """Return what people call it."""

    def fileno(self) -> int:
        """Return the descriptor to wait for."""


class TappedPort:
    """The same port, heard by others too. What is written is heard before it leaves.

    On a wire that echoes, what is written comes back: ``echoing`` then hears what is read only, so that everything
    is heard once, in the order in which it was on the wire.
    """

    def __init__(self, port: WaitablePort, listeners: Sequence[Listener], *, echoing: bool = False) -> None:
        self.name = port.name
        self._port = port
        self._listeners = listeners
        self._echoing = echoing

    def fileno(self) -> int:
        """Return the port's descriptor; ``CarrierLost`` once it is closed."""
        return self._port.fileno()

    def now_ms(self) -> int:
        """Return the port's time in milliseconds."""
        return self._port.now_ms()

    def read(self, timeout_ms: int) -> bytes:
        """Return what arrives; see ``Carrier``."""
        data = self._port.read(timeout_ms)
        if data:
            self._tell(Flow.INBOUND, data)
        return data

    def write(self, data: bytes) -> None:
        """Write all bytes; see ``Carrier``."""
        if not self._echoing:
            self._tell(Flow.OUTBOUND, data)
        self._port.write(data)

    def _tell(self, flow: Flow, data: bytes) -> None:
        for listener in self._listeners:
            listener(flow, data)
