"""What one end of a serial wire hears of what the other sends, bit by bit.

Two ends with the same settings hear each other perfectly. With different ones the receiver samples the sender's
levels at its own instants, and the bytes that come out are those that a real receiver would find: wrong rates and
wrong parity look here as they look on a bench. Times are whole numbers of a unit that divides both bit times.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

PARITY_OF = {"E": 0, "O": 1}
"""What the parity bit adds to the ones of the data, modulo two."""
LEVEL_OF = {"M": 1, "S": 0}
"""Parity bits that do not depend on the data: mark and space."""


class Framing(NamedTuple):
    """How a byte becomes levels: rate in baud, data bits, parity as pyserial writes it, half stop bits."""

    baud: int = 115_200
    data_bits: int = 8
    parity: str = "N"
    stop_halves: int = 2

    @property
    def halves(self) -> int:
        """Half bits that one byte takes on the wire, start and stop bits included."""
        return 2 * (1 + self.data_bits + (self.parity != "N")) + self.stop_halves


def heard(octets: bytes, sender: Framing, receiver: Framing) -> bytes:
    """Return what the receiver makes of these bytes, sent one after the other on a line that was idle."""
    if sender == receiver:
        mask = (1 << sender.data_bits) - 1
        return octets if mask == 0xFF else bytes(octet & mask for octet in octets)
    starts, levels = _wave(octets, sender, unit=receiver.baud)
    return bytes(_sampled(starts, levels, receiver, unit=sender.baud))


def _wave(octets: bytes, framing: Framing, unit: int) -> tuple[list[int], list[int]]:
    """Return when each level begins and what it is; a half bit lasts ``unit``."""
    starts, levels, now = [-1], [1], 0
    for octet in octets:
        data = [octet >> bit & 1 for bit in range(framing.data_bits)]
        for level in [0, *data, *_parity(data, framing.parity)]:
            starts.append(now)
            levels.append(level)
            now += 2 * unit
        starts.append(now)
        levels.append(1)
        now += framing.stop_halves * unit
    return starts, levels


def _parity(data: list[int], parity: str) -> list[int]:
    if parity == "N":
        return []
    return [LEVEL_OF[parity] if parity in LEVEL_OF else (sum(data) + PARITY_OF[parity]) % 2]


def _sampled(starts: list[int], levels: list[int], framing: Framing, unit: int) -> Iterator[int]:
    """Yield the byte after each falling edge. One with a wrong parity or stop bit is delivered like any other."""

    def level(at: int) -> int:
        return levels[bisect_right(starts, at) - 1]

    free_at = 0
    for index in range(1, len(starts)):
        edge = starts[index]
        if edge < free_at or levels[index] or not levels[index - 1] or level(edge + unit):
            continue
        yield sum(level(edge + (3 + 2 * bit) * unit) << bit for bit in range(framing.data_bits))
        free_at = edge + (framing.halves - framing.stop_halves + 1) * unit  # the middle of the stop bit
