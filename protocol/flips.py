"""What becomes of a frame when bits of it flip: the evidence for the frame's design, and its table.

A damaged frame stands on the wire between two good ones. Two things must never happen: that it passes for a frame
(``ACCEPTED``), and that it takes a good frame with it (``NEIGHBOUR_LOST``). Whatever else happens is harmless, and
the table tells how often which.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import NamedTuple

from cobs import cobs

from protocol.frame import MAX_PAYLOAD, MIN_PACKET, Direction, Frame, FrameDecoder, FrameFault, Kind, encode_frame

SPLIT = "split"
"""A zero came up inside: two or more pieces were rejected."""
VANISHED = "vanished"
"""Nothing was reported at all."""
ACCEPTED = "accepted"
NEIGHBOUR_LOST = "neighbour lost"
OUTCOMES = (*(fault.value for fault in FrameFault), SPLIT, VANISHED, ACCEPTED, NEIGHBOUR_LOST)
"""Everything that can become of a damaged frame, in the order of the table's columns."""

_HEADER_PARTS = ("version", "type", "sequence", "sequence", "length", "length")
_FULL_BLOCK = 0xFF  # the one COBS code behind whose block no zero is left out
PARTS = ("delimiter", "COBS code", "version", "type", "sequence", "length", "payload", "checksum")
"""The parts of a frame, in the order of the table's rows. A zero of the packet is a number in a COBS code."""

SAMPLES = {
    "empty": b"",
    "all zeros": bytes(64),
    "all ones": b"\xff" * 64,
    "text": b"not for clinical use",
    "noise": hashlib.shake_256(b"thecal flips").digest(64),
    "longest": hashlib.shake_256(b"thecal flips").digest(MAX_PAYLOAD),
    # The 254 bytes behind the length field hold no zero and fill a block of the byte stuffing to the last place.
    "full block": b"\x55" * 250,
}
"""The payloads of the table's frames."""

_BEFORE = Frame(Direction.FROM_PROGRAMMER, Kind.DATA, 1, b"before")
_AFTER = Frame(Direction.FROM_PROGRAMMER, Kind.DATA, 3, b"after")
_BEFORE_ENCODED = encode_frame(_BEFORE)
_AFTER_ENCODED = encode_frame(_AFTER)


class FlipRow(NamedTuple):
    """One row of the table: what became of flipping each bit of one part of the frame, over all samples."""

    part: str
    flips: int
    outcomes: dict[str, int]
    """How often each of ``OUTCOMES`` happened."""


def sample_frame(payload: bytes) -> bytes:
    """Return the bytes on the wire of the table's frame with this payload."""
    return encode_frame(Frame(Direction.FROM_PROGRAMMER, Kind.DATA, 2, payload))


def flipped(encoded: bytes, *bits: int) -> bytes:
    """Return the bytes with these bits flipped, counted from the lowest bit of the first byte."""
    damaged = bytearray(encoded)
    for bit in bits:
        damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def outcome(damaged: bytes) -> str:
    """Put damaged bytes between two good frames and say what a decoder makes of them; one of ``OUTCOMES``."""
    events = FrameDecoder().feed(_BEFORE_ENCODED + damaged + _AFTER_ENCODED)
    if events[:1] != [_BEFORE] or events[-1:] != [_AFTER]:
        return NEIGHBOUR_LOST
    between = events[1:-1]
    if any(isinstance(event, Frame) for event in between):
        return ACCEPTED
    faults = [event.reason.value for event in between if not isinstance(event, Frame)]
    if len(faults) > 1:
        return SPLIT
    return faults[0] if faults else VANISHED


def parts_of(encoded: bytes) -> list[str]:
    """Return, for each byte of a good frame on the wire, which of ``PARTS`` it belongs to."""
    body = encoded[1:-1]
    packet_parts = iter(_layout(len(cobs.decode(body))))
    parts = []
    code = next_code_at = 0
    for position, byte in enumerate(body):
        if position == next_code_at:
            parts.append("COBS code")
            if 0 < code < _FULL_BLOCK:
                next(packet_parts)  # the zero that this byte stands for
            code, next_code_at = byte, position + byte
        else:
            parts.append(next(packet_parts))
    return ["delimiter", *parts, "delimiter"]


def flip_table() -> list[FlipRow]:
    """Flip every bit of every sample, one at a time, and count what becomes of it. The same at every call."""
    outcomes: dict[str, Counter[str]] = {part: Counter() for part in PARTS}
    for payload in SAMPLES.values():
        encoded = sample_frame(payload)
        for position, part in enumerate(parts_of(encoded)):
            outcomes[part].update(outcome(flipped(encoded, 8 * position + bit)) for bit in range(8))
    return [
        FlipRow(part, count.total(), {name: count[name] for name in OUTCOMES}) for part, count in outcomes.items()
    ]


def _layout(packet_size: int) -> list[str]:
    payload_size = packet_size - MIN_PACKET
    checksum_size = MIN_PACKET - len(_HEADER_PARTS)
    return [*_HEADER_PARTS, *["payload"] * payload_size, *["checksum"] * checksum_size]
