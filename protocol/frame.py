"""Frames: a checked packet between two delimiters.

::

    00 | COBS( version:1  type:1  seq:2  length:2  payload:0..256  crc:4 ) | 00        little-endian

COBS leaves no zero inside, so a zero always ends a frame and a receiver that joins late or was hit by noise is in
step again at the next one. Every frame brings its own delimiter at both ends: between two frames stand two zeros,
damage to one of them leaves the other, and so a damaged frame never costs its neighbour.

What stands between two zeros is a frame if it passes these checks, in this order, and is otherwise reported by the
first that fails:

1. ``OVERLONG``, ``SHORT``: no frame has this many bytes.
2. ``STUFFING``: COBS cannot have written it.
3. ``LENGTH``: the length field does not say what came.
4. ``CHECKSUM``: the bytes are not the sender's.
5. ``VERSION``, ``KIND``: the frame is intact, but from a peer that speaks something else.

The first four mean damage. The checks of meaning come last, so that noise is never mistaken for a foreign peer.
There is no clock in here: a frame may take as long as its bytes take.
"""

from __future__ import annotations

import enum
import struct
from typing import NamedTuple

from cobs import cobs

from protocol.crc import crc32_autosar
from protocol.errors import LocalProtocolError

VERSION = 1
DELIMITER = b"\0"
MAX_PAYLOAD = 256
SEQUENCE_NUMBERS = 1 << 16

_HEADER = struct.Struct("<BBHH")
_CHECKSUM = struct.Struct("<I")
MIN_PACKET = _HEADER.size + _CHECKSUM.size
MAX_PACKET = MIN_PACKET + MAX_PAYLOAD
MIN_ENCODED = MIN_PACKET + 1
MAX_ENCODED = MAX_PACKET + 2
"""COBS adds one byte for each 254 begun: one to the shortest packet, two to the longest."""


class Direction(enum.IntEnum):
    """Who sends. On one shared, echoing wire it tells an end its own bytes from the peer's."""

    FROM_PROGRAMMER = 0
    FROM_PUMP = 0x80


class Kind(enum.IntEnum):
    """What a frame is for; see ``protocol.link``."""

    RESET = 1
    RESET_ACK = 2
    DATA = 3
    NAK = 4


class FrameFault(enum.Enum):
    """Why bytes between two delimiters are no frame, in the order of the checks."""

    OVERLONG = "overlong"
    SHORT = "short"
    STUFFING = "stuffing"
    LENGTH = "length"
    CHECKSUM = "checksum"
    VERSION = "version"
    KIND = "kind"


class Frame(NamedTuple):
    """One frame, decoded or to be encoded."""

    direction: Direction
    kind: Kind
    seq: int
    payload: bytes


class FrameError(NamedTuple):
    """Bytes between two delimiters that are no frame."""

    reason: FrameFault
    encoded: bytes
    """The bytes as they came, without delimiters; of an over-long run only the first ``MAX_ENCODED``."""


_TYPES = {
    direction | kind: (direction, kind)
    for direction, kind in (
        (Direction.FROM_PROGRAMMER, Kind.RESET),
        (Direction.FROM_PUMP, Kind.RESET_ACK),
        (Direction.FROM_PROGRAMMER, Kind.DATA),
        (Direction.FROM_PUMP, Kind.DATA),
        (Direction.FROM_PUMP, Kind.NAK),
    )
}
"""Every type byte there is. Only the programmer resets, only the pump acknowledges and refuses."""


def encode_frame(frame: Frame) -> bytes:
    """Return the frame as it goes on the wire, with a delimiter at both ends.

    Raises ``LocalProtocolError`` for a payload over ``MAX_PAYLOAD`` bytes, a sequence number that is not 16 bits,
    or a kind that this direction does not send.
    """
    direction, kind, seq, payload = frame
    if direction | kind not in _TYPES:
        raise LocalProtocolError(f"{direction.name} never sends {kind.name}")
    if not 0 <= seq < SEQUENCE_NUMBERS:
        raise LocalProtocolError(f"sequence number {seq} does not fit 16 bits")
    if len(payload) > MAX_PAYLOAD:
        raise LocalProtocolError(f"payload of {len(payload)} bytes; at most {MAX_PAYLOAD} fit a frame")
    checked = _HEADER.pack(VERSION, direction | kind, seq, len(payload)) + payload
    encoded: bytes = cobs.encode(checked + _CHECKSUM.pack(crc32_autosar(checked)))
    return DELIMITER + encoded + DELIMITER


def cobs_is_fast() -> bool:
    """Say whether the C extension does the byte stuffing; without it everything works, but slowly."""
    return bool(cobs._using_extension)


class FrameDecoder:
    """Finds frames in a stream of bytes, however it is cut into chunks.

    Holds at most ``MAX_ENCODED`` bytes between two calls.
    """

    def __init__(self) -> None:
        self.good = 0
        """Frames so far."""
        self.bad = 0
        """Frame errors so far."""
        self._partial = b""
        self._discarding = False  # an over-long run was reported; what is left of it is not looked at

    def feed(self, data: bytes) -> list[Frame | FrameError]:
        """Take the next bytes; return the frames and errors that they complete. Raises nothing, whatever comes."""
        if self._discarding:
            _, delimiter, data = data.partition(DELIMITER)
            if not delimiter:
                return []
            self._discarding = False
        partial = self._partial + data
        if DELIMITER not in data and len(partial) <= MAX_ENCODED:
            self._partial = partial
            return []
        *pieces, self._partial = partial.split(DELIMITER)
        events = [decode_piece(piece) for piece in pieces if piece]
        if len(self._partial) > MAX_ENCODED:
            events.append(decode_piece(self._partial))
            self._partial, self._discarding = b"", True
        self._count(events)
        return events

    def _count(self, events: list[Frame | FrameError]) -> None:
        for event in events:
            if type(event) is Frame:
                self.good += 1
            else:
                self.bad += 1


def decode_piece(encoded: bytes) -> Frame | FrameError:
    """Return the frame that these bytes from between two delimiters are, or the first check that they fail."""
    packet = _unstuff(encoded)
    if isinstance(packet, FrameFault):
        return FrameError(packet, encoded[:MAX_ENCODED])
    version, type_, seq, length = _HEADER.unpack_from(packet)
    checked = packet[: -_CHECKSUM.size]
    if length != len(packet) - MIN_PACKET or length > MAX_PAYLOAD:
        return FrameError(FrameFault.LENGTH, encoded)
    if crc32_autosar(checked) != _CHECKSUM.unpack_from(packet, len(checked))[0]:
        return FrameError(FrameFault.CHECKSUM, encoded)
    if version != VERSION:
        return FrameError(FrameFault.VERSION, encoded)
    if type_ not in _TYPES:
        return FrameError(FrameFault.KIND, encoded)
    direction, kind = _TYPES[type_]
    return Frame(direction, kind, seq, checked[_HEADER.size :])


def _unstuff(encoded: bytes) -> bytes | FrameFault:
    if len(encoded) > MAX_ENCODED:
        return FrameFault.OVERLONG
    if len(encoded) < MIN_ENCODED:
        return FrameFault.SHORT
    try:
        packet: bytes = cobs.decode(encoded)
    except cobs.DecodeError:
        return FrameFault.STUFFING
    # A full last block may be followed by 01 without changing what it decodes to. Only the shortest form is ours:
    # otherwise a delimiter flipped from 00 to 01 could go unseen.
    return packet if cobs.encode(packet) == encoded else FrameFault.STUFFING
