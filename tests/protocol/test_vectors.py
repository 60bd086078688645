"""The published test vectors: up to date, complete, and usable from the documentation's description alone."""

from __future__ import annotations

import hashlib
import hmac
import importlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from cobs import cobs
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from protocol.crc import crc32_autosar
from protocol.frame import Direction, Frame, FrameDecoder, FrameError, FrameFault, Kind, encode_frame
from protocol.messages import MESSAGES, Closed, Hello, IdentityReport, Prove, Staged, Welcome, decode, encode

DOCS = Path(__file__).parents[2] / "docs"
FILE = DOCS / "vectors" / "protocol-1.json"
VECTORS: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
HANDSHAKE: dict[str, Any] = VECTORS["handshake"]


def octets(text: str) -> bytes:
    """Return the bytes of a hex text."""
    return bytes.fromhex(text)


def hkdf(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256 as RFC 5869 writes it, from the standard library alone."""
    extracted = hmac.digest(salt, key, "sha256")
    blocks = block = b""
    while len(blocks) < length:
        block = hmac.digest(extracted, block + info + bytes((len(blocks) // 32 + 1,)), "sha256")
        blocks += block
    return blocks[:length]


def transcript(role: int, programmer_nonce: bytes, hello_reply: bytes) -> bytes:
    """Build the transcript by the documentation's table, from the bytes of a HelloReply."""
    end = 2 + hello_reply[1]
    serial, pump_nonce, ordinal = hello_reply[1:end], hello_reply[end : end + 16], hello_reply[end + 16 : end + 24]
    return b"thecal channel 1" + bytes((role,)) + programmer_nonce + pump_nonce + ordinal + serial


def test_the_vectors_are_what_the_code_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Computed again from their fixed inputs, the vectors are the published file to the last byte."""
    monkeypatch.syspath_prepend(DOCS)
    assert importlib.import_module("protocol_vectors").text() == FILE.read_text(encoding="utf-8")


def test_every_message_is_among_the_vectors_once() -> None:
    """Each record of the handshake stands there in plain, each request and reply in plain and sealed."""
    plain = Counter(each["message"] for each in VECTORS["handshake_messages"])
    sealed = Counter(each["message"] for each in VECTORS["messages"])
    assert plain == Counter(cls.__name__ for number, cls in MESSAGES.items() if number < 0x10)
    assert sealed == Counter(cls.__name__ for number, cls in MESSAGES.items() if number >= 0x10)


def test_the_check_value() -> None:
    """The CRC of the published input is the published value."""
    assert f"{crc32_autosar(octets(VECTORS['crc']['input'])):08x}" == VECTORS["crc"]["crc"]


@pytest.mark.parametrize("vector", VECTORS["frames"], ids=lambda vector: vector["name"])
def test_frames_encode_and_decode(vector: dict[str, Any]) -> None:
    """Each sample frame is written as published and read back; its packet is header, payload and CRC in order."""
    frame = Frame(Direction[vector["direction"]], Kind[vector["kind"]], vector["seq"], octets(vector["payload"]))
    packet, wire = octets(vector["packet"]), octets(vector["wire"])
    assert encode_frame(frame) == wire
    assert FrameDecoder().feed(wire) == [frame]
    assert wire == b"\0" + cobs.encode(packet) + b"\0"
    header = bytes((1, frame.direction | frame.kind)) + frame.seq.to_bytes(2, "little")
    checked = header + len(frame.payload).to_bytes(2, "little") + frame.payload
    assert packet == checked + crc32_autosar(checked).to_bytes(4, "little")


def test_every_fault_of_a_frame_has_its_sample() -> None:
    """There is one faulty frame for each check, and exactly that check finds it."""
    assert [vector["fault"] for vector in VECTORS["faulty_frames"]] == [fault.value for fault in FrameFault]
    for vector in VECTORS["faulty_frames"]:
        (error,) = FrameDecoder().feed(octets(vector["wire"]))
        assert isinstance(error, FrameError)
        assert error.reason.value == vector["fault"]


def test_the_handshake_follows_from_its_inputs() -> None:
    """Role keys, transcript, proofs and session keys, computed as the documentation says, are the published ones."""
    pump_key = octets(VECTORS["role_keys"]["pump_key"])
    for name in ("OBSERVER", "PATIENT", "CLINICIAN", "SERVICE"):
        derived = hkdf(pump_key, bytes(32), b"thecal role " + name.lower().encode(), 32)
        assert derived.hex() == VECTORS["role_keys"][name]
    key = octets(HANDSHAKE["role_key"])
    hello, hello_reply, prove, _ = (octets(each["record"]) for each in HANDSHAKE["records"])
    said = transcript(2, octets(HANDSHAKE["programmer_nonce"]), hello_reply)
    assert said.hex() == HANDSHAKE["transcript"]
    assert hmac.digest(key, b"thecal proof of the pump" + said, "sha256").hex() == HANDSHAKE["pump_proof"]
    assert hello_reply.endswith(octets(HANDSHAKE["pump_proof"]))
    assert hmac.digest(key, b"thecal proof of the programmer" + said, "sha256").hex() == HANDSHAKE["programmer_proof"]
    assert prove.endswith(octets(HANDSHAKE["programmer_proof"]))
    assert hello == b"\x01\x02" + octets(HANDSHAKE["programmer_nonce"])
    material = hkdf(key, hashlib.sha256(said).digest(), b"thecal session", 72)
    published = [HANDSHAKE[name] for name in ("key_to_pump", "key_to_programmer", "session")]
    assert [material[:32].hex(), material[32:64].hex(), material[64:].hex()] == published


@pytest.mark.parametrize(
    "vector", VECTORS["handshake_messages"] + VECTORS["messages"], ids=lambda vector: vector["message"]
)
def test_messages_decode_to_their_published_fields(vector: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain bytes of each message give its class and the published fields, and encode to the same bytes."""
    monkeypatch.syspath_prepend(DOCS)
    item = decode(octets(vector["plain"]))
    assert type(item).__name__ == vector["message"]
    assert encode(item).hex() == vector["plain"]
    assert importlib.import_module("protocol_vectors")._plain(item)["fields"] == vector["fields"]


@pytest.mark.parametrize("vector", VECTORS["messages"], ids=lambda vector: vector["message"])
def test_sealed_messages_open_by_the_published_parts(vector: dict[str, Any]) -> None:
    """Each sealed sample opens with nothing but the primitive, the published key, nonce and associated data."""
    to_pump = vector["way"] == "TO_PUMP"
    key = octets(HANDSHAKE["key_to_pump" if to_pump else "key_to_programmer"])
    counter = vector["counter"].to_bytes(8, "little")
    nonce = bytes((0 if to_pump else 1, 0, 0, 0)) + counter
    record = octets(vector["sealed"])
    assert (nonce.hex(), HANDSHAKE["session"] + nonce.hex()) == (vector["nonce"], vector["associated_data"])
    assert record[:9] == b"\x04" + counter
    opened = ChaCha20Poly1305(key).decrypt(nonce, record[9:], octets(vector["associated_data"]))
    assert opened.hex() == vector["plain"]


def test_no_two_sealed_samples_of_a_direction_share_a_nonce() -> None:
    """The vectors themselves keep the rule that a nonce is used once."""
    nonces = [vector["nonce"] for vector in VECTORS["messages"]]
    assert len(set(nonces)) == len(nonces)


def test_the_sample_conversation_can_be_followed_from_the_wire() -> None:
    """With the pump key and the frames alone, every step of the conversation can be checked and read."""
    frames = []
    for each in VECTORS["conversation"]:
        (frame,) = FrameDecoder().feed(octets(each["wire"]))
        assert isinstance(frame, Frame)
        assert frame.direction is Direction["FROM_" + each["from"].upper()]
        frames.append(frame)
    reset, acknowledged, *data = frames
    assert (reset.kind, acknowledged.kind) == (Kind.RESET, Kind.RESET_ACK)
    assert {frame.payload[:4] for frame in frames} == {reset.payload}
    assert [frame.seq for frame in data[::2]] == [frame.seq for frame in data[1::2]] == [0xFFFE, 0xFFFF, 0, 1, 2, 3]
    assert acknowledged.seq == 0xFFFE
    hello, hello_reply, prove, *sealed = (frame.payload[4:] for frame in data)
    first, proof = decode(hello), decode(prove)
    assert isinstance(first, Hello)
    assert isinstance(proof, Prove)
    key = octets(VECTORS["role_keys"]["CLINICIAN"])
    said = transcript(2, first.nonce, hello_reply)
    assert proof.proof == hmac.digest(key, b"thecal proof of the programmer" + said, "sha256")
    material = hkdf(key, hashlib.sha256(said).digest(), b"thecal session", 72)
    keys = {1: ChaCha20Poly1305(material[32:64]), 0: ChaCha20Poly1305(material[:32])}
    opened = []
    for number, record in enumerate(sealed):
        nonce = bytes((1 - number % 2, 0, 0, 0)) + record[1:9]
        assert int.from_bytes(record[1:9], "little") == (number + 1) // 2
        opened.append(decode(keys[1 - number % 2].decrypt(nonce, record[9:], material[64:] + nonce)))
    assert [type(message) for message in opened[::2]][:3] == [Welcome, IdentityReport, Staged]
    assert isinstance(opened[-1], Closed)
    names = ["Sealed " + type(message).__name__ for message in opened]
    assert names == [each["what"] for each in VECTORS["conversation"]][5:]
