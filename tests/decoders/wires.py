"""Recorded wires: a whole visit to a pump, every message there is, and what noise makes of them."""

from __future__ import annotations

import importlib
import random
import sys
from pathlib import Path
from types import ModuleType

from cobs import cobs

from hw.capture import Capture, Flow, Packet
from hw.keylog import SessionSecret, line_of
from protocol.channel_seal import Seal, Way
from protocol.crc import crc32_autosar
from protocol.frame import Direction, Frame, Kind, encode_frame
from protocol.keys import SessionKeys
from protocol.link_payloads import NakReason, data_payload, nak_payload, reset_payload
from protocol.messages import encode
from protocol.vocabulary import Role

DOCS = Path(__file__).parents[2] / "docs"
EPOCH = 0x89ABCDEF
SECRET = SessionSecret(Role.CLINICIAN, SessionKeys(bytes(range(32)), bytes(range(32, 64)), bytes(range(8))))
OTHERS = SessionSecret(Role.SERVICE, SessionKeys(bytes(range(1, 33)), bytes(range(33, 65)), bytes(range(1, 9))))


def samples() -> ModuleType:
    """Return the module with one sample of every message."""
    if str(DOCS) not in sys.path:
        sys.path.insert(0, str(DOCS))
    return importlib.import_module("protocol_samples")


def every_message() -> list[tuple[Flow, bytes]]:
    """Return every kind of frame and every message of the protocol, as a programmer would capture them."""
    module = samples()
    pump, programmer = Direction.FROM_PUMP, Direction.FROM_PROGRAMMER
    frames = [
        Frame(programmer, Kind.RESET, 0, reset_payload(EPOCH)),
        Frame(pump, Kind.RESET_ACK, 65_535, reset_payload(EPOCH)),
        *(Frame(pump, Kind.NAK, 3, nak_payload(reason, EPOCH)) for reason in NakReason),
    ]
    for seq, message in enumerate(module.HANDSHAKE):
        frames.append(Frame(programmer, Kind.DATA, seq, data_payload(EPOCH, encode(message))))
    inner = [(programmer, encode(message)) for message in module.REQUESTS]
    inner += [(pump, encode(message)) for message in module.REPLIES]
    frames += [_sealed(sender, number, message) for number, (sender, message) in enumerate(inner, 1)]
    return [_captured(frame) for frame in frames]


def malformed(rng: random.Random) -> list[tuple[Flow, bytes]]:
    """Return intact frames whose messages are cut short, too long, or changed in a byte."""
    module = samples()
    frames = []
    for number, message in enumerate((*module.REQUESTS, *module.REPLIES), 1_000):
        data = encode(message)
        place = rng.randrange(len(data))
        for harmed in (data[:place], data + b"\0", data[:place] + rng.randbytes(1) + data[place + 1 :]):
            frames.append(_sealed(Direction.FROM_PUMP, number, harmed))
            frames.append(Frame(Direction.FROM_PROGRAMMER, Kind.DATA, number, data_payload(EPOCH, harmed)))
    frames.append(Frame(Direction.FROM_PUMP, Kind.NAK, 1, bytes([99]) + reset_payload(EPOCH)))
    frames.append(Frame(Direction.FROM_PUMP, Kind.NAK, 1, reset_payload(EPOCH)))
    frames.append(Frame(Direction.FROM_PROGRAMMER, Kind.RESET, 1, b""))
    frames.append(Frame(Direction.FROM_PROGRAMMER, Kind.DATA, 1, b"\1\2\3"))
    frames.append(Frame(Direction.FROM_PROGRAMMER, Kind.DATA, 1, reset_payload(EPOCH)))
    return [_captured(frame) for frame in frames]


def faulty() -> list[tuple[Flow, bytes]]:
    """Return bytes between delimiters that fail each check of a frame, the rare ones too, as noise seldom does."""
    header = bytes([1, 3, 7, 0, 4, 0])
    packets = [
        bytes([1, 3, 7, 0, 5, 0]) + reset_payload(EPOCH),
        bytes([2]) + header[1:] + reset_payload(EPOCH),
        header[:1] + bytes([9]) + header[2:] + reset_payload(EPOCH),
    ]
    pieces = [cobs.encode(packet + _checksum(packet)) for packet in packets]
    pieces += [b"\1" * 10, b"\1" * 11, b"\x20" * 20, b"\xff" * 300, b"\1" * 268, b"\1" * 269, _not_shortest()]
    return [(flow, b"\0" + piece + b"\0") for piece in pieces for flow in Flow]


def _not_shortest() -> bytes:
    """Return a frame that ends with a full block, and a code byte behind it that adds nothing."""
    for filling in range(1, 256):
        payload = bytes([filling] * 5) + b"\0" + bytes([filling] * 250)
        encoded = encode_frame(Frame(Direction.FROM_PROGRAMMER, Kind.DATA, 1, payload)).strip(b"\0")
        if len(encoded) == 267 and encoded[-255] == 0xFF:
            return encoded + b"\1"
    raise AssertionError("no frame ends with a full block")


def _checksum(packet: bytes) -> bytes:
    return crc32_autosar(packet).to_bytes(4, "little")


def harmed(pieces: list[tuple[Flow, bytes]], rng: random.Random) -> list[tuple[Flow, bytes]]:
    """Return the pieces with bytes flipped, lost, doubled and added, and the stream cut anywhere."""
    out: list[tuple[Flow, bytes]] = []
    for flow, data in pieces:
        rest = _harmed(data, rng)
        while rest:
            size = rng.randrange(1, len(rest) + 1)
            out.append((flow, rest[:size]))
            rest = rest[size:]
    return out


def _harmed(data: bytes, rng: random.Random) -> bytes:
    """Return the bytes after one accident, or after none."""
    at = rng.randrange(len(data))
    accidents = (
        data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :],
        data[:at] + data[at + 1 :],
        data[:at] + data[at : at + 1] + data[at:],
        rng.randbytes(rng.randrange(1, 40)) + data,
        bytes(rng.randrange(1, 256) for _ in range(rng.randrange(200, 700))) + data,
        data + data,
        data,
        data,
    )
    return rng.choice(accidents)


def write(folder: Path, pieces: list[tuple[Flow, bytes]]) -> tuple[Path, Path, list[Packet]]:
    """Write a capture and its key log; return both and the packets."""
    capture, keylog = folder / "wire.pcapng", folder / "keys"
    start_us = 1_800_000_000_000_000
    packets = [Packet(start_us + 1_001 * number, *piece) for number, piece in enumerate(pieces)]
    times = iter([packet.at_us * 1_000 for packet in packets])
    writer = Capture(capture, "test", complain=_fail, clock_ns=lambda: next(times))
    for flow, data in pieces:
        writer.hear(flow, data)
    writer.close()
    keylog.write_text(f"# a key log\n{line_of(OTHERS)}\n{line_of(SECRET)}\n")
    return capture, keylog, packets


def _sealed(sender: Direction, counter: int, message: bytes) -> Frame:
    way = Way.TO_PUMP if sender is Direction.FROM_PROGRAMMER else Way.TO_PROGRAMMER
    key = SECRET.keys.to_pump if way is Way.TO_PUMP else SECRET.keys.to_programmer
    record = Seal(key, SECRET.keys.session, way).close(counter, message)
    return Frame(sender, Kind.DATA, counter, data_payload(EPOCH, record))


def _captured(frame: Frame) -> tuple[Flow, bytes]:
    flow = Flow.INBOUND if frame.direction is Direction.FROM_PUMP else Flow.OUTBOUND
    return flow, encode_frame(frame)


def _fail(words: str) -> None:
    raise AssertionError(words)
