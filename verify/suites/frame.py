"""Frames against bytes written by other means: an encoder of its own, bit by bit, and every way to damage a frame.

The other encoder shares nothing with ``protocol.frame`` but the document: it computes the checksum bit by bit and
stuffs bytes by hand. What it writes must be read, what the product writes must be the same bytes, and whatever is
damaged must be refused without costing a neighbour.
"""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Iterator
from random import Random

from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.flips import ACCEPTED, NEIGHBOUR_LOST, SAMPLES, flipped, outcome, sample_frame
from protocol.frame import Direction, Frame, FrameDecoder, FrameError, FrameFault, Kind, encode_frame
from verify.suites.suite import Effort, Property, Suite, require

VERSION, LONGEST = 1, 256
TYPES = {
    0x01: (Direction.FROM_PROGRAMMER, Kind.RESET),
    0x82: (Direction.FROM_PUMP, Kind.RESET_ACK),
    0x03: (Direction.FROM_PROGRAMMER, Kind.DATA),
    0x83: (Direction.FROM_PUMP, Kind.DATA),
    0x84: (Direction.FROM_PUMP, Kind.NAK),
}
"""Every type byte of the document, and no other."""
SHORT = (b"", b"\0", b"\xff\xff", b"pump")
DECODER_OCTETS = 1_000
"""What a decoder may hold, pickled, however much noise it has heard."""


# --- the other encoder ----------------------------------------------------------------------------------------


def checksum(data: bytes) -> int:
    """Return CRC-32/AUTOSAR, one bit at a time: reflected, so the polynomial is turned round as well."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xC8DF352F if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def stuffed(data: bytes) -> bytes:
    """Return the bytes with no zero in them: each block is headed by how far it is to the next zero."""
    blocks, block = [], b""
    for byte in (*data, 0):
        if byte == 0:
            blocks.append(bytes([len(block) + 1]) + block)
            block = b""
        else:
            block += bytes([byte])
            if len(block) == 254:
                blocks.append(b"\xff" + block)
                block = b""
    if blocks and blocks[-1] == b"\x01" and data and data[-1] != 0:
        blocks.pop()  # the zero at the end was ours, and a full block says nothing about it
    return b"".join(blocks)


def written(type_: int, seq: int, payload: bytes, *, version: int = VERSION, length: int | None = None) -> bytes:
    """Return a frame's bytes as the document says, or with a header that it does not allow."""
    length = len(payload) if length is None else length
    header = bytes([version, type_]) + seq.to_bytes(2, "little") + length.to_bytes(2, "little")
    checked = header + payload
    return b"\0" + stuffed(checked + checksum(checked).to_bytes(4, "little")) + b"\0"


def read(stream: bytes, chunk: int = 1 << 20) -> list[Frame | FrameError]:
    """Feed a fresh decoder in chunks."""
    decoder = FrameDecoder()
    return [found for at in range(0, len(stream), chunk) for found in decoder.feed(stream[at : at + chunk])]


# --- properties -----------------------------------------------------------------------------------------------


def as_documented(effort: Effort) -> None:
    """Write frames of every type and length by both encoders and read them, whole and in pieces."""
    fillings = (b"\0", b"\x01", b"\x55", b"\xff")
    sizes = (*range(12), *range(244, LONGEST + 1))
    for (type_, (direction, kind)), size, filling in itertools.product(TYPES.items(), sizes, fillings):
        for seq in (0, 1, 0x00FF, 0x0100, 0xFFFF):
            effort.tried += 1
            frame = Frame(direction, kind, seq, filling * size)
            expected = written(type_, seq, filling * size)
            require(encode_frame(frame) == expected, f"{frame} is written as {encode_frame(frame).hex()}")
            require(read(expected) == [frame], f"the bytes of {frame} are read as {read(expected)}")
        require(read(expected, 1) == [frame], f"one byte at a time, {frame} is read as {read(expected, 1)}")


def what_does_not_fit(effort: Effort) -> None:
    """Ask for frames that the document does not have."""
    legal = set(TYPES.values())
    wrong = [
        Frame(direction, kind, 0, b"") for direction in Direction for kind in Kind if (direction, kind) not in legal
    ]
    wrong += [Frame(Direction.FROM_PUMP, Kind.DATA, seq, b"") for seq in (-1, 1 << 16)]
    wrong += [Frame(Direction.FROM_PUMP, Kind.DATA, 0, bytes(LONGEST + 1))]
    for frame in wrong:
        effort.tried += 1
        try:
            encode_frame(frame)
        except LocalProtocolError:
            continue
        require(False, f"{frame.direction.name} {frame.kind.name} {frame.seq} is encoded, and must not be")


def intact_but_foreign(effort: Effort) -> None:
    """Read frames whose checksum is right and whose header is not."""
    for type_ in range(256):
        found = read(written(type_, 7, b"ping"))
        effort.tried += 1
        if type_ in TYPES:
            require(found == [Frame(*TYPES[type_], 7, b"ping")], f"type {type_:#04x} is read as {found}")
        else:
            _refused(found, FrameFault.KIND, f"type {type_:#04x}")
    for version in range(256):
        effort.tried += 1
        if version != VERSION:
            _refused(read(written(3, 7, b"ping", version=version)), FrameFault.VERSION, f"version {version}")
    for size, length in ((4, 0), (4, 3), (4, 5), (4, 256), (4, 260), (4, 0xFFFF), (0, 256), (256, 0), (256, 512)):
        effort.tried += 1
        found = read(written(3, 7, b"p" * size, length=length))
        _refused(found, FrameFault.LENGTH, f"a length of {length} for {size} bytes")
    _refused(
        read(written(3, 7, bytes(LONGEST + 1))), FrameFault.LENGTH, "a payload of 257 bytes", FrameFault.OVERLONG
    )
    # The checks of meaning come last: damage is never mistaken for a foreign peer.
    damaged = bytearray(written(3, 7, b"ping", version=9))
    damaged[-3] ^= 0x10
    _refused(read(bytes(damaged)), FrameFault.CHECKSUM, "a damaged frame of another version", FrameFault.STUFFING)


def _refused(found: list[Frame | FrameError], why: FrameFault, what: str, or_: FrameFault | None = None) -> None:
    reasons = [event.reason for event in found if isinstance(event, FrameError)]
    require(reasons in ([why], [or_]) and len(found) == 1, f"{what} is read as {found}")


def flips(effort: Effort) -> None:
    """Flip every bit of many frames, every pair of the short ones, and triples drawn at random."""
    random = Random(effort.seed)  # noqa: S311 - an experiment must be repeatable
    for bits, encoded in _flips(random, effort.examples):
        effort.tried += 1
        found = outcome(flipped(encoded, *bits))
        require(found not in (ACCEPTED, NEIGHBOUR_LOST), f"bits {bits} of {encoded.hex()} flipped: {found}")


def _flips(random: Random, triples: int) -> Iterator[tuple[tuple[int, ...], bytes]]:
    for encoded in map(sample_frame, SAMPLES.values()):
        yield from (((bit,), encoded) for bit in range(8 * len(encoded)))
    for encoded in map(sample_frame, SHORT[:2]):
        yield from ((pair, encoded) for pair in itertools.combinations(range(8 * len(encoded)), 2))
    for encoded in map(sample_frame, SAMPLES.values()):
        for _ in range(triples):
            yield tuple(random.sample(range(8 * len(encoded)), 3)), encoded


def noise(effort: Effort) -> None:
    """Put noise between frames, in any chunks; both frames must come through and nothing else may."""
    good = written(3, 7, b"ping")
    frame = Frame(*TYPES[3], 7, b"ping")

    def check(heard: bytes, chunk: int) -> None:
        stream = good + heard + good
        found = read(stream)
        frames = [event for event in found if isinstance(event, Frame)]
        require(frames == [frame, frame], f"between two frames, {heard.hex()} is read as {frames}")
        require(read(stream, chunk) == found, f"in chunks of {chunk}, {heard.hex()} is read as something else")
        decoder = FrameDecoder()
        decoder.feed(stream)
        seen = (decoder.good, decoder.bad)
        require(seen == (2, len(found) - 2), f"{seen} frames and errors are counted of {found}")
        effort.reached["noise with a delimiter"] += 0 in heard
        effort.reached["noise longer than a frame"] += len(heard) > 300

    heard = st.one_of(
        st.binary(max_size=40),
        st.integers(265, 700).map(lambda size: b"\x55" * size),
        st.binary(min_size=250, max_size=600),
    )
    effort.search(check, heard=heard, chunk=st.integers(1, 300))


def bounded(effort: Effort) -> None:
    """Let a decoder hear a lot of noise without any delimiter, and then a frame."""
    decoder, good = FrameDecoder(), written(3, 7, b"ping")
    reported = 0
    for size in (1, 7, 269, 270, 1_000, 100_000):
        for _ in range(20):
            effort.tried += 1
            reported += len(decoder.feed(b"\x55" * size))
            held = len(pickle.dumps(decoder))
            require(held < DECODER_OCTETS, f"a decoder that heard noise holds {held} bytes")
    require(reported == 1, f"one over-long run is reported {reported} times")
    require(decoder.feed(good)[-1] == Frame(*TYPES[3], 7, b"ping"), "after a long noise the next frame is lost")


SUITE = Suite(
    "frame",
    "frames",
    (
        Property("frame.as documented", "Frames are written and read byte for byte as documented.", as_documented),
        Property("frame.what does not fit", "What no frame can carry is refused, not sent.", what_does_not_fit),
        Property(
            "frame.foreign",
            "An intact frame with a foreign header is told from a damaged one.",
            intact_but_foreign,
            verifies=("COM-01",),
        ),
        Property(
            "frame.flips",
            "One, two or three flipped bits never pass, and never cost a neighbour.",
            flips,
            300,
            verifies=("COM-01",),
        ),
        Property(
            "frame.noise",
            "Noise between two frames costs neither, becomes none, and is counted.",
            noise,
            300,
            ("noise with a delimiter", "noise longer than a frame"),
            verifies=("COM-03",),
        ),
        Property(
            "frame.bounded",
            "However much noise comes, a decoder holds no more than a frame.",
            bounded,
            verifies=("COM-02",),
        ),
    ),
)
