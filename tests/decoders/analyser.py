"""What a logic analyser would have sampled on the two lines of a serial port."""

from collections.abc import Iterable

from hw.capture import Flow

SAMPLES_PER_BIT = 4
BAUD = 115_200
RATE = BAUD * SAMPLES_PER_BIT
IDLE_BITS = 20
"""Silence before, between and after the pieces."""

LINES = {Flow.INBOUND: 0b01, Flow.OUTBOUND: 0b10}
"""Which channel of a sample a direction is on: RX is channel 0, TX is channel 1."""
HIGH = 0b11


def samples(pieces: Iterable[tuple[Flow, bytes]]) -> bytes:
    """Return one byte for each sample: 8 data bits, no parity, 1 stop bit, one piece after the other."""
    out = bytearray(_bits([1] * IDLE_BITS, 0))
    for flow, data in pieces:
        for byte in data:
            bits = [0, *((byte >> place) & 1 for place in range(8)), 1]
            out += _bits(bits, LINES[flow])
        out += _bits([1] * IDLE_BITS, 0)
    return bytes(out)


def _bits(bits: list[int], line: int) -> bytes:
    return b"".join(bytes([HIGH if bit else HIGH & ~line]) * SAMPLES_PER_BIT for bit in bits)
