"""The two ends that a check works with, and how it sends and listens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import serial

from hw.abilities import Ability, Kind
from hw.bridge import PORT_FAILURES
from hw.check.report import Part, Verdict
from hw.descriptor import DescriptorPort
from protocol.carrier import CarrierLost

QUIET_MS = 300
"""A line on which nothing came for so long is quiet: a network or a virtual machine may hold bytes for tens of ms."""
SLACK_MS = 2_000
"""Added to the time that bytes take at the rate; what has not come then does not come."""
BITS_OF_OCTET = 10
LOOK_EVERY_S = 0.01


class Ends(NamedTuple):
    """Both ends of the wire, open; the same port twice where TX is joined to RX."""

    near: DescriptorPort
    far: DescriptorPort
    kind: Kind
    baud: int

    @property
    def looped(self) -> bool:
        """Whether one port is joined to itself."""
        return self.near is self.far

    @property
    def directions(self) -> list[tuple[DescriptorPort, DescriptorPort]]:
        """Who sends and who receives, each way that there is."""
        return [(self.near, self.far)] if self.looped else [(self.near, self.far), (self.far, self.near)]

    @property
    def lines(self) -> list[serial.SerialBase]:
        """The pyserial ports whose settings concern this wire."""
        ports = [self.near] if self.looped else [self.near, self.far]
        return [port.line for port in ports if port.line is not None]

    def time_ms(self, octets: int) -> int:
        """Return how long so many bytes take at the rate."""
        return octets * BITS_OF_OCTET * 1_000 // self.baud


Check = Callable[[Ends], Part]


def receive(port: DescriptorPort, count: int, patience_ms: int) -> bytes:
    """Return so many bytes, or those that came before the time was over."""
    end_ms = port.now_ms() + patience_ms
    data = b""
    while len(data) < count and (left_ms := end_ms - port.now_ms()) > 0:
        data += port.read(left_ms)
    return data


def passed(ends: Ends, sender: DescriptorPort, receiver: DescriptorPort, data: bytes) -> bytes:
    """Send bytes and return what arrived of them."""
    sender.write(data)
    return receive(receiver, len(data), ends.time_ms(len(data)) + SLACK_MS)


def drain(port: DescriptorPort) -> bytes:
    """Read until the line is quiet, and return what there was, up to a second's worth."""
    data, end_ms = b"", port.now_ms() + 1_000
    while port.now_ms() < end_ms and (piece := port.read(QUIET_MS)):
        data += piece
    return data


def becomes(line: serial.SerialBase, entry: str, wanted: bool, patience_ms: int = SLACK_MS) -> bool:
    """Say whether a modem line takes that level in time."""
    end = time.monotonic() + patience_ms / 1_000
    while bool(getattr(line, entry)) is not wanted:
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_EVERY_S)
    return True


def needing(ability: Ability, name: str, check: Check) -> Check:
    """Return a check that reports why it is not possible where the kind of port cannot do that."""

    def where_possible(ends: Ends) -> Part:
        if not ends.kind.can(ability):
            return Part(name, Verdict.NOT_POSSIBLE, ends.kind.cannot[ability])
        return check(ends)

    return where_possible


def guarded(name: str, check: Check) -> Check:
    """Return a check whose port may fail under it: what the driver says is then what was found."""

    def reported(ends: Ends) -> Part:
        try:
            return check(ends)
        except (*PORT_FAILURES, CarrierLost, ValueError, NotImplementedError) as error:
            return Part(name, Verdict.BAD, f"the port failed: {error}")

    return reported


def blocks(data: bytes, size: int) -> Iterator[bytes]:
    """Yield the bytes in pieces."""
    for start in range(0, len(data), size):
        yield data[start : start + size]
