"""What carries bytes for a conversation: a port, a socket, or a pump in the same process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from protocol.errors import ProtocolError


class CarrierLost(ProtocolError):  # noqa: N818 - says what happened
    """The line is gone: unplugged, closed, or refused by the operating system. Open a new carrier."""


class Carrier(Protocol):
    """Bytes both ways, and a clock to wait by. All times are whole milliseconds.

    Once the line is gone, ``write`` and ``read`` raise ``CarrierLost`` and nothing else; the clock never fails.
    """

    def write(self, data: bytes) -> None:
        """Send all the bytes, waiting if need be."""

    def read(self, timeout_ms: int) -> bytes:
        """Return whatever has come in, as soon as there is anything; ``b""`` when the time is over."""

    def now_ms(self) -> int:
        """Return a time that never runs back. Its zero means nothing."""


class DirectCarrier:
    """A carrier with no wire: hands bytes to the peer's function and keeps its answer. Deterministic.

    Its clock moves only while somebody waits for bytes that do not come, so a conversation over it
    takes no real time at all. ``pass_time``, if given, is told of every such wait and may return bytes that the
    peer sends meanwhile.
    """

    def __init__(
        self,
        peer: Callable[[bytes], bytes],
        pass_time: Callable[[int], bytes] = lambda _ms: b"",
        start_ms: int = 0,
    ) -> None:
        self._peer = peer
        self._pass_time = pass_time
        self._now_ms = start_ms
        self._waiting = b""

    def write(self, data: bytes) -> None:
        """Hand the bytes to the peer at once."""
        self._waiting += self._peer(data)

    def read(self, timeout_ms: int) -> bytes:
        """Return what the peer answered, or let the time pass."""
        if not self._waiting and timeout_ms > 0:
            self._now_ms += timeout_ms
            self._waiting = self._pass_time(timeout_ms)
        data, self._waiting = self._waiting, b""
        return data

    def now_ms(self) -> int:
        """Return the start plus all the time waited so far."""
        return self._now_ms
