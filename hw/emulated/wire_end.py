"""The serial side of a chip: one end of a wire, on which octets take their time and arrive as they are sampled.

Nothing here has a clock: every call is told the time, in nanoseconds.
"""

from __future__ import annotations

import enum
from collections import deque
from typing import NamedTuple

from hw.uart import Framing, heard

SECOND_NS = 1_000_000_000
POWER_ON = Framing(baud=9_600)


class Damage(enum.Flag):
    """What a receiver notices about one octet."""

    NONE = 0
    PARITY = enum.auto()
    FRAMING = enum.auto()
    BREAK = enum.auto()
    OVERRUN = enum.auto()


class Lines(NamedTuple):
    """The modem lines that a chip sees."""

    clear_to_send: bool
    data_set_ready: bool
    carrier: bool
    ring: bool


class Received(NamedTuple):
    """An octet that has arrived."""

    octet: int
    damage: Damage


class _Sending(NamedTuple):
    """Octets on their way, one after the other from the moment ``start_ns``."""

    octets: bytes
    framing: Framing
    start_ns: int
    octet_ns: int

    def passed(self, now_ns: int) -> int:
        """Return how many octets have left completely."""
        return max(0, min(len(self.octets), (now_ns - self.start_ns) // self.octet_ns))


class WireEnd:
    """One end of a wire. Until it is joined with another it hears itself: TX on RX, RTS on CTS, DTR on DSR and DCD.

    What arrives and is not fetched stays: how soon the host fetches it depends on the machine that plays the host,
    not on the chip, so a full buffer here would mean nothing. An overrun comes only by ``spoil``.
    """

    def __init__(self) -> None:
        self.framing = POWER_ON
        self.ready = False  # DTR
        self.request = False  # RTS
        self.ringing = False
        self.breaking = False
        self.breaks = 0
        self.received: deque[Received] = deque()
        self._peer: WireEnd = self
        self._sending: deque[_Sending] = deque()
        self._idle_at_ns = 0
        self._spoiled = Damage.NONE

    def join(self, other: WireEnd) -> None:
        """Cross the wires of two ends, as a null-modem cable does."""
        self._peer, other._peer = other, self

    def power_on(self) -> None:
        """Be as after plugging in; the wire stays where it is."""
        self.framing = POWER_ON
        self.ready = self.request = self.breaking = False
        self.received.clear()
        self.purge_sending(0)

    def lines(self) -> Lines:
        """Return the modem lines as the other end drives them."""
        peer = self._peer
        return Lines(peer.request, peer.ready, peer.ready, self.ringing)

    def spoil(self, damage: Damage) -> None:
        """Let the next octet that arrives here be noticed as damaged."""
        self._spoiled |= damage

    def send(self, octets: bytes, now_ns: int) -> None:
        """Put octets on the wire behind those that are still being sent."""
        octet_ns = self.framing.halves * SECOND_NS // (2 * self.framing.baud)
        start_ns = max(now_ns, self._idle_at_ns)
        self._sending.append(_Sending(octets, self.framing, start_ns, octet_ns))
        self._idle_at_ns = start_ns + len(octets) * octet_ns

    def set_break(self, on: bool) -> None:
        """Hold the wire low, or let go of it. The other end hears one broken octet."""
        if on and not self.breaking:
            self.breaks += 1
            self._peer._hear(b"\0", Damage.BREAK)
        self.breaking = on

    def unsent(self, now_ns: int) -> int:
        """Return how many octets are not on the wire yet."""
        return sum(len(piece.octets) - piece.passed(now_ns) for piece in self._sending)

    def room_at_ns(self, buffer_octets: int) -> int:
        """Return when all that was sent will fit into a buffer of that size."""
        octet_ns = self._sending[-1].octet_ns if self._sending else 0
        return self._idle_at_ns - buffer_octets * octet_ns

    def next_at_ns(self, octets: int) -> int | None:
        """Return when so many octets will have left, or all if they are fewer; None if nothing is being sent."""
        if not self._sending:
            return None
        first = self._sending[0]
        return first.start_ns + min(octets, len(first.octets)) * first.octet_ns

    def carry(self, now_ns: int) -> None:
        """Let every octet arrive at the other end whose last bit has been sent by now."""
        while self._sending:
            piece = self._sending[0]
            passed = piece.passed(now_ns)
            if passed == 0:
                return
            self._peer._hear(heard(piece.octets[:passed], piece.framing, self._peer.framing), Damage.NONE)
            if passed < len(piece.octets):
                start_ns = piece.start_ns + passed * piece.octet_ns
                self._sending[0] = piece._replace(octets=piece.octets[passed:], start_ns=start_ns)
                return
            self._sending.popleft()

    def purge_received(self) -> None:
        """Forget what has arrived and was not fetched."""
        self.received.clear()

    def purge_sending(self, now_ns: int) -> None:
        """Forget what has not been sent."""
        self._sending.clear()
        self._idle_at_ns = now_ns

    def _hear(self, octets: bytes, damage: Damage) -> None:
        for octet in octets:
            self.received.append(Received(octet, damage | self._spoiled))
            self._spoiled = Damage.NONE
