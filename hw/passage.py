"""The time that bytes take, and what happens to them on the way: one direction of a wire, without the wire.

A byte leaves when its last bit would have come through at the rate, never before; idle time and delays are counted
in byte times. The instants are whole nanoseconds from outside, and are computed from the moment at which the line
became busy, so that rounding never adds up.
"""

from __future__ import annotations

from collections import deque

from hw.impairments import Impairer, Step

SECOND_NS = 1_000_000_000
BITS_OF_OCTET = 10
"""Start bit, eight data bits, stop bit."""


class Passage:
    """One direction. Without a rate bytes take no time, and without an impairer they stay as they are."""

    def __init__(self, baud: int | None = None, impairer: Impairer | None = None) -> None:
        self._baud = baud
        self._impairer = impairer
        self._busy_since_ns = 0
        self._slots = 0
        """Byte times used since then, idle ones included."""
        self._queue: deque[tuple[int, bytes]] = deque()
        self.waiting = 0
        """Bytes on their way."""

    @property
    def due_ns(self) -> int | None:
        """When the next byte has come through; None if none is on its way."""
        return self._queue[0][0] if self._queue else None

    def feed(self, data: bytes, now_ns: int) -> None:
        """Let bytes begin their way."""
        if not self._queue and now_ns >= self._after(self._slots):
            self._busy_since_ns, self._slots = now_ns, 0
        for idle, octets in self._damaged(data):
            self._slots += idle
            for octet in octets or b"\0":  # a byte that is lost takes its time all the same
                self._slots += 1
                if octets:
                    self._queue.append((self._after(self._slots), bytes([octet])))
        self.waiting = len(self._queue)

    def take(self, now_ns: int) -> bytes:
        """Return the bytes that have come through by now."""
        through = bytearray()
        while self._queue and self._queue[0][0] <= now_ns:
            through += self._queue.popleft()[1]
        self.waiting = len(self._queue)
        return bytes(through)

    def _damaged(self, data: bytes) -> list[Step]:
        if self._impairer is None:
            return [Step(0, data)]
        return list(self._impairer.feed(data))

    def _after(self, slots: int) -> int:
        if self._baud is None:
            return self._busy_since_ns
        return self._busy_since_ns + slots * BITS_OF_OCTET * SECOND_NS // self._baud
