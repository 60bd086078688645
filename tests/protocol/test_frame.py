"""Frames: what goes out comes in, however it is cut, and nothing else does."""

from __future__ import annotations

import itertools
import pickle
import struct
from collections import Counter
from random import Random
from typing import TypeAlias

import pytest
from cobs import cobs
from hypothesis import event, example, given
from hypothesis import strategies as st

from protocol.crc import crc32_autosar
from protocol.errors import LocalProtocolError
from protocol.frame import (
    MAX_ENCODED,
    MAX_PAYLOAD,
    MIN_ENCODED,
    Direction,
    Frame,
    FrameDecoder,
    FrameError,
    FrameFault,
    Kind,
    cobs_is_fast,
    encode_frame,
)

Events: TypeAlias = list[Frame | FrameError]

LEGAL = [
    (Direction.FROM_PROGRAMMER, Kind.RESET),
    (Direction.FROM_PUMP, Kind.RESET_ACK),
    (Direction.FROM_PROGRAMMER, Kind.DATA),
    (Direction.FROM_PUMP, Kind.DATA),
    (Direction.FROM_PUMP, Kind.NAK),
]
PING = Frame(Direction.FROM_PROGRAMMER, Kind.DATA, 7, b"ping")

frames = st.builds(
    lambda way, seq, payload: Frame(way[0], way[1], seq, payload),
    st.sampled_from(LEGAL),
    st.integers(0, 0xFFFF),
    st.binary(max_size=MAX_PAYLOAD) | st.integers(0, MAX_PAYLOAD).map(bytes),
)
noise = st.binary(max_size=40) | st.binary(min_size=MAX_ENCODED - 2, max_size=2 * MAX_ENCODED)
streams = st.lists(frames.map(encode_frame) | noise | st.just(b"\0"), max_size=6).map(b"".join)


def packet(
    version: int = 1,
    type_: int = 3,
    seq: int = 7,
    length: int | None = None,
    payload: bytes = b"ping",
    damage: int = 0,
) -> bytes:
    """Return a packet between delimiters with a correct checksum, unless ``damage`` changes that."""
    header = struct.pack("<BBHH", version, type_, seq, len(payload) if length is None else length)
    checked = header + payload
    encoded: bytes = cobs.encode(checked + struct.pack("<I", crc32_autosar(checked) ^ damage))
    return b"\0" + encoded + b"\0"


def decode(*chunks: bytes) -> Events:
    """Feed a fresh decoder and return all its events."""
    decoder = FrameDecoder()
    return [found for chunk in chunks for found in decoder.feed(chunk)]


def faults(events: Events) -> list[FrameFault]:
    """Return the reasons of events that are all errors."""
    assert all(isinstance(found, FrameError) for found in events)
    return [found.reason for found in events if isinstance(found, FrameError)]


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    """Return the stream in chunks that end at these places."""
    ends = [0, *sorted(places), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(ends)]


def test_known_frame() -> None:
    """A frame looks on the wire as documented, byte for byte."""
    assert encode_frame(PING).hex(" ") == "00 04 01 03 07 02 04 09 70 69 6e 67 1c fb eb 71 00"
    assert encode_frame(PING) == packet()
    assert decode(encode_frame(PING)) == [PING]


@given(frames)
@example(Frame(Direction.FROM_PUMP, Kind.DATA, 0, b""))
@example(Frame(Direction.FROM_PUMP, Kind.DATA, 0xFFFF, b"\xff" * MAX_PAYLOAD))
@example(Frame(Direction.FROM_PUMP, Kind.DATA, 0x0101, b"\x55" * 250))
def test_round_trip(frame: Frame) -> None:
    """Every frame that can be encoded decodes to itself, and holds no zero between its delimiters."""
    encoded = encode_frame(frame)
    assert decode(encoded) == [frame]
    assert encoded[0] == encoded[-1] == 0
    assert 0 not in encoded[1:-1]
    assert MIN_ENCODED <= len(encoded) - 2 <= MAX_ENCODED


def test_size_bounds_are_reached() -> None:
    """The shortest and the longest frame are exactly as long as the decoder's bounds."""
    assert len(encode_frame(PING._replace(payload=b""))) == MIN_ENCODED + 2
    assert len(encode_frame(PING._replace(seq=0x0101, payload=b"\xff" * MAX_PAYLOAD))) == MAX_ENCODED + 2


@pytest.mark.parametrize("payload_size", [0, 1, 247, 248, 249, 250, 251, 252, 253, 254, 255, 256])
def test_every_block_boundary(payload_size: int) -> None:
    """Payloads around the sizes where byte stuffing begins a new block arrive, followed by another frame."""
    frame = PING._replace(seq=0x0101, payload=b"\x55" * payload_size)
    assert decode(encode_frame(frame) + encode_frame(PING)) == [frame, PING]


@pytest.mark.parametrize(
    "frame",
    [
        PING._replace(payload=bytes(MAX_PAYLOAD + 1)),
        PING._replace(seq=-1),
        PING._replace(seq=0x1_0000),
        Frame(Direction.FROM_PUMP, Kind.RESET, 0, b""),
        Frame(Direction.FROM_PROGRAMMER, Kind.RESET_ACK, 0, b""),
        Frame(Direction.FROM_PROGRAMMER, Kind.NAK, 0, b""),
    ],
)
def test_impossible_frame_is_our_own_mistake(frame: Frame) -> None:
    """A frame that the wire cannot carry is refused before it is sent."""
    with pytest.raises(LocalProtocolError):
        encode_frame(frame)


@pytest.mark.verifies("COM-01")
@pytest.mark.parametrize(
    ("stream", "fault"),
    [
        (b"\0" + b"\x11" * (MAX_ENCODED + 1) + b"\0", FrameFault.OVERLONG),
        (b"\0" + b"\x01" * (MIN_ENCODED - 1) + b"\0", FrameFault.SHORT),
        (b"\0\x01\0", FrameFault.SHORT),
        (b"\0" + b"\xee" * MIN_ENCODED + b"\0", FrameFault.STUFFING),
        (packet(length=3), FrameFault.LENGTH),
        (packet(length=5), FrameFault.LENGTH),
        (packet(length=0xFFFF), FrameFault.LENGTH),
        (packet(payload=bytes(MAX_PAYLOAD + 1)), FrameFault.LENGTH),
        (packet(damage=1), FrameFault.CHECKSUM),
        (packet(damage=0xFFFFFFFF), FrameFault.CHECKSUM),
        (packet(version=2), FrameFault.VERSION),
        (packet(version=0), FrameFault.VERSION),
        (packet(type_=0), FrameFault.KIND),
        (packet(type_=5), FrameFault.KIND),
        (packet(type_=0x43), FrameFault.KIND),
        (packet(type_=0x81), FrameFault.KIND),
        (packet(type_=0x04), FrameFault.KIND),
    ],
)
def test_each_fault_is_named(stream: bytes, fault: FrameFault) -> None:
    """Each way of not being a frame is reported by its name, once, with the bytes, and the next frame arrives."""
    decoder = FrameDecoder()
    assert decoder.feed(stream) == [FrameError(fault, stream[1:-1][:MAX_ENCODED])]
    assert decoder.feed(encode_frame(PING)) == [PING]
    assert (decoder.good, decoder.bad) == (1, 1)


def test_damage_is_named_before_meaning() -> None:
    """A damaged frame of another version and kind is reported as damaged: noise is never a foreign peer."""
    assert faults(decode(packet(version=9, type_=9, damage=1))) == [FrameFault.CHECKSUM]
    assert faults(decode(packet(version=9, type_=9, length=9))) == [FrameFault.LENGTH]
    assert faults(decode(packet(version=9, type_=9))) == [FrameFault.VERSION]


@pytest.mark.verifies("COM-01")
def test_only_the_legal_types_pass() -> None:
    """Of all 256 type bytes exactly the five that a peer can send are accepted."""
    accepted = [type_ for type_ in range(256) if not isinstance(decode(packet(type_=type_))[0], FrameError)]
    assert accepted == sorted(direction | kind for direction, kind in LEGAL)


def test_missing_length_under_checksum_is_not_enough() -> None:
    """A frame with a zero appended, as a flipped delimiter leaves it, is rejected although its checksum is intact."""
    good = encode_frame(PING)
    assert faults(decode(good[:-1] + b"\x01\0")) == [FrameFault.LENGTH]


@given(streams, st.data())
def test_chunking_changes_nothing(stream: bytes, data: st.DataObject) -> None:
    """Frames, noise and over-long runs give the same events in one piece, cut anywhere, and one byte at a time."""
    whole = decode(stream)
    places = data.draw(st.lists(st.integers(0, len(stream)), max_size=12))
    assert decode(*cut(stream, places)) == whole
    assert decode(*(stream[at : at + 1] for at in range(len(stream)))) == whole
    for found in whole:
        event(found.reason.name if isinstance(found, FrameError) else "frame")


def test_chunking_premises_happen() -> None:
    """Among seeded noise every kind of damage that noise can do occurs, and chunking never matters."""
    random = Random(1)
    seen: Counter[str] = Counter()
    for _ in range(400):
        pieces = [encode_frame(PING._replace(payload=random.randbytes(random.randrange(257)))) for _ in range(3)]
        pieces += [random.randbytes(random.choice([3, 30, 600])), packet(damage=random.randrange(2)), b"\x11" * 300]
        pieces += [packet(length=random.randrange(6))]
        random.shuffle(pieces)
        stream = bytearray(b"".join(pieces))
        stream[random.randrange(len(stream))] ^= 1 << random.randrange(8)
        whole = decode(bytes(stream))
        seen.update(found.reason.name if isinstance(found, FrameError) else "frame" for found in whole)
        assert decode(*cut(bytes(stream), random.choices(range(len(stream)), k=20))) == whole
    assert seen["frame"] > 900
    damage = ("OVERLONG", "SHORT", "STUFFING", "LENGTH", "CHECKSUM")
    assert all(seen[name] >= 10 for name in damage), seen


@given(st.lists(st.binary(max_size=2 * MAX_ENCODED), max_size=8))
def test_no_bytes_raise(chunks: list[bytes]) -> None:
    """Whatever bytes come, the decoder reports and never raises, and a frame behind them arrives."""
    assert decode(*chunks, encode_frame(PING))[-1] == PING


@pytest.mark.verifies("COM-03")
def test_noise_is_never_a_frame() -> None:
    """In two million random bytes, and as many full of delimiters, there is no frame, only reported damage."""
    random = Random(2)
    plain = random.randbytes(2_000_000)
    dense = random.randbytes(2_000_000).translate(bytes(0 if byte < 10 else byte for byte in range(256)))
    for stream, least in ((plain, 7_000), (dense, 70_000)):
        decoder = FrameDecoder()
        for at in range(0, len(stream), 997):
            decoder.feed(stream[at : at + 997])
        assert decoder.good == 0
        assert decoder.bad >= least


@pytest.mark.verifies("COM-02")
def test_over_long_run_is_one_error_at_once() -> None:
    """An endless run without a delimiter is reported once, as soon as it is too long, and kept out of the memory."""
    decoder = FrameDecoder()
    assert decoder.feed(b"\x11" * MAX_ENCODED) == []
    assert faults(decoder.feed(b"\x11")) == [FrameFault.OVERLONG]
    assert [decoder.feed(b"\x11" * 100_000) for _ in range(20)] == [[]] * 20
    assert len(pickle.dumps(decoder)) < 1_000
    assert decoder.feed(b"\x11\0" + encode_frame(PING)) == [PING]


def test_longest_run_that_could_be_a_frame_is_kept() -> None:
    """The longest frame arrives even when its last byte is the chunk that could have made it over-long."""
    longest = PING._replace(seq=0x0101, payload=b"\xff" * MAX_PAYLOAD)
    encoded = encode_frame(longest)
    assert decode(encoded[:-1], encoded[-1:]) == [longest]


@pytest.mark.verifies("COM-02")
def test_memory_is_bounded() -> None:
    """After a flood of anything the decoder holds no more than one frame's worth of bytes."""
    random = Random(4)
    decoder = FrameDecoder()
    for _ in range(300):
        decoder.feed(random.choice([random.randbytes(5_000), b"\x11" * 5_000, encode_frame(PING) * 50]))
        assert len(pickle.dumps(decoder)) < 1_000


def test_joining_late_costs_one_frame() -> None:
    """A receiver that joins in the middle of a frame rejects the rest of it, once, and takes the next."""
    encoded = encode_frame(PING)
    for start in range(2, len(encoded) - 1):
        rest, following = decode(encoded[start:] + encoded)
        assert isinstance(rest, FrameError)
        assert following == PING


def test_delimiters_alone_are_silence() -> None:
    """Any number of delimiters between frames is neither a frame nor an error."""
    assert decode(b"\0" * 1_000 + encode_frame(PING) + b"\0" * 1_000 + encode_frame(PING)) == [PING, PING]


def test_counters_add_up() -> None:
    """The counters of good frames and errors are the number of events of each kind."""
    decoder = FrameDecoder()
    events = decoder.feed((encode_frame(PING) + packet(damage=1) + b"\x11" * 1_000) * 3)
    assert (decoder.good, decoder.bad) == (3, 6)
    assert len(events) == 9


@pytest.mark.parametrize("compiled", [True, False])
def test_tells_which_implementation(monkeypatch: pytest.MonkeyPatch, compiled: bool) -> None:
    """It can be asked whether the compiled byte stuffing is in use."""
    monkeypatch.setattr(cobs, "_using_extension", compiled)
    assert cobs_is_fast() is compiled
