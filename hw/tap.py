"""A tap: shows listeners every byte that goes through a port, and changes none of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hw.capture import Flow
from hw.descriptor import DescriptorPort

Listener = Callable[[Flow, bytes], object]
"""Takes a piece of the stream and which way it went. It must not raise."""


class TappedPort(DescriptorPort):
    """Behaves like the port that it is put before, and is heard by others too. Closing it closes that port.

    What is written is heard before it leaves. On a wire that echoes, what is written comes back: ``echoing`` then
    hears what is read only, so that everything is heard once, in the order in which it was on the wire.
    """

    def __init__(self, port: DescriptorPort, listeners: Sequence[Listener], *, echoing: bool = False) -> None:
        super().__init__(port.fileno(), port.name)
        self._port = port
        self._listeners = listeners
        self._echoing = echoing

    def read(self, timeout_ms: int) -> bytes:
        """Return what arrives; see ``DescriptorPort``."""
        data = self._port.read(timeout_ms)
        if data:
            self._tell(Flow.INBOUND, data)
        return data

    def write(self, data: bytes) -> None:
        """Write all bytes; see ``DescriptorPort``."""
        if not self._echoing:
            self._tell(Flow.OUTBOUND, data)
        self._port.write(data)

    def _tell(self, flow: Flow, data: bytes) -> None:
        for listener in self._listeners:
            listener(flow, data)

    def _release(self) -> None:
        self._port.close()
