"""The test vectors of the protocol: everything a client in another language can be checked against, as one JSON text.

All inputs are fixed, so the text is the same on every machine. Bytes are lower-case hex, enumerations are written by
name, quantities as whole numbers of the base unit that the message tables name.
"""

from __future__ import annotations

import enum
import hashlib
import json
import struct
from collections.abc import Callable
from typing import Any

from cobs import cobs
from protocol_samples import HANDSHAKE, REPLIES, REQUESTS, SERIAL

from protocol.carrier import DirectCarrier
from protocol.channel import PumpChannel
from protocol.channel_events import Answer
from protocol.channel_programmer import ProgrammerChannel
from protocol.channel_seal import Seal, Way
from protocol.conversation import Conversation
from protocol.crc import CHECK_INPUT, CHECK_VALUE, crc32_autosar
from protocol.frame import MAX_PAYLOAD, VERSION, Direction, Frame, FrameDecoder, FrameError, Kind, encode_frame
from protocol.keys import SessionKeys, Transcript, programmer_proof, pump_proof, role_key, session_keys
from protocol.link import PumpLink
from protocol.messages import (
    Accepted,
    Close,
    Closed,
    Commit,
    HelloReply,
    IdentityReport,
    Interrogate,
    Message,
    Prove,
    Staged,
    StagePrescription,
    WireRecord,
    decode,
    encode,
)
from protocol.pump_end import PumpEnd
from protocol.units import Quantity
from protocol.vocabulary import Role, Section

Json = dict[str, Any]

PUMP_KEY = bytes(range(32))
POWER_UPS = 3
FIRST_SEQUENCE = 65_534
"""Of the sample conversation, so that its numbers pass the wrap-around."""


def text() -> str:
    """Return the whole file."""
    return json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n"


def vectors() -> Json:
    """Return all vectors."""
    handshake, keys = _handshake()
    return {
        "title": "Thecal protocol 1, test vectors. An emulated pump: not for clinical use.",
        "crc": {"input": CHECK_INPUT.hex(), "crc": f"{CHECK_VALUE:08x}"},
        "frames": [_frame(*each) for each in _sample_frames()],
        "faulty_frames": [_faulty(wire) for wire in _sample_faults()],
        "role_keys": {"pump_key": PUMP_KEY.hex()} | {role.name: role_key(PUMP_KEY, role).hex() for role in Role},
        "handshake": handshake,
        "handshake_messages": [_plain(message) for message in HANDSHAKE],
        "messages": [
            *(_sealed(message, keys, Way.TO_PUMP, counter) for counter, message in enumerate(REQUESTS, 1)),
            *(_sealed(message, keys, Way.TO_PROGRAMMER, counter) for counter, message in enumerate(REPLIES)),
        ],
        "conversation": _conversation(),
    }


def entropy(label: str) -> Callable[[int], bytes]:
    """Return a source of fixed bytes, different for each label."""
    reservoir = hashlib.shake_256(label.encode()).digest(4_096)
    at = 0

    def take(octets: int) -> bytes:
        nonlocal at
        at += octets
        return reservoir[at - octets : at]

    return take


# --- frames ---------------------------------------------------------------------------------------------------


def _sample_frames() -> list[tuple[str, Frame]]:
    programmer, pump = Direction.FROM_PROGRAMMER, Direction.FROM_PUMP
    return [
        ("reset", Frame(programmer, Kind.RESET, 0, b"\x11\x22\x33\x44")),
        ("its acknowledgement", Frame(pump, Kind.RESET_ACK, 0xFFFE, b"\x11\x22\x33\x44")),
        ("refusal", Frame(pump, Kind.NAK, 0x0102, b"\x02\x11\x22\x33\x44")),
        ("data with an empty record", Frame(programmer, Kind.DATA, 0xFFFE, b"\x11\x22\x33\x44")),
        ("data of zeros", Frame(pump, Kind.DATA, 0, bytes(20))),
        ("data without a zero, one COBS block full", Frame(programmer, Kind.DATA, 0x0101, b"\x55" * 250)),
        ("data, the longest", Frame(pump, Kind.DATA, 0xFFFF, b"\xff" * MAX_PAYLOAD)),
    ]


def _frame(name: str, frame: Frame) -> Json:
    wire = encode_frame(frame)
    return {
        "name": name,
        "direction": frame.direction.name,
        "kind": frame.kind.name,
        "seq": frame.seq,
        "payload": frame.payload.hex(),
        "packet": cobs.decode(wire[1:-1]).hex(),
        "wire": wire.hex(),
    }


def _sample_faults() -> list[bytes]:
    """Return one run of bytes for each way in which a frame can be wrong."""
    good = encode_frame(Frame(Direction.FROM_PROGRAMMER, Kind.DATA, 1, b"\x11\x22\x33\x44\x55"))
    return [
        b"\0" + b"\x01" * 300 + b"\0",
        b"\0\x03\x01\x02\0",
        good[:1] + b"\x30" + good[2:],
        _packed(VERSION, 0x03, 1, 9, b"\x11\x22\x33\x44"),
        good[:8] + bytes((good[8] ^ 1,)) + good[9:],
        _packed(2, 0x03, 1, 4, b"\x11\x22\x33\x44"),
        _packed(VERSION, 0x05, 1, 4, b"\x11\x22\x33\x44"),
    ]


def _packed(version: int, type_: int, seq: int, length: int, payload: bytes) -> bytes:
    checked = struct.pack("<BBHH", version, type_, seq, length) + payload
    stuffed: bytes = cobs.encode(checked + struct.pack("<I", crc32_autosar(checked)))
    return b"\0" + stuffed + b"\0"


def _faulty(wire: bytes) -> Json:
    (error,) = FrameDecoder().feed(wire)
    if not isinstance(error, FrameError):
        raise TypeError(f"a good frame among the faulty ones: {wire.hex()}")
    return {"fault": error.reason.value, "wire": wire.hex()}


# --- channel --------------------------------------------------------------------------------------------------


def _handshake() -> tuple[Json, SessionKeys]:
    """Run a handshake between two real ends and write down everything that goes into it and comes out of it."""
    role, key = Role.CLINICIAN, role_key(PUMP_KEY, Role.CLINICIAN)
    pump = PumpChannel(PUMP_KEY, SERIAL, entropy("vectors pump"), POWER_UPS)
    programmer = ProgrammerChannel(key, role, entropy("vectors programmer"))
    hello = programmer.hello()
    hello_reply = _answer(pump, hello)
    prove = programmer.prove(hello_reply)
    welcome = _answer(pump, prove)
    programmer.welcome(welcome)
    proof, reply = decode(prove), decode(hello_reply)
    if not isinstance(proof, Prove) or not isinstance(reply, HelloReply):
        raise TypeError("the handshake went wrong")
    transcript = Transcript(role, proof.nonce, reply.nonce, reply.ordinal, reply.serial)
    keys = session_keys(key, transcript)
    return {
        "role": role.name,
        "role_key": key.hex(),
        "programmer_nonce": proof.nonce.hex(),
        "pump_nonce": reply.nonce.hex(),
        "ordinal": reply.ordinal,
        "serial": reply.serial,
        "transcript": transcript.pack().hex(),
        "pump_proof": pump_proof(key, transcript).hex(),
        "programmer_proof": programmer_proof(key, transcript).hex(),
        "salt": hashlib.sha256(transcript.pack()).hexdigest(),
        "key_to_pump": keys.to_pump.hex(),
        "key_to_programmer": keys.to_programmer.hex(),
        "session": keys.session.hex(),
        "records": [
            {"from": "programmer", "message": "Hello", "record": hello.hex()},
            {"from": "pump", "message": "HelloReply", "record": hello_reply.hex()},
            {"from": "programmer", "message": "Prove", "record": prove.hex()},
            {"from": "pump", "message": "Sealed Welcome", "record": welcome.hex()},
        ],
    }, keys


def _answer(pump: PumpChannel, record: bytes) -> bytes:
    answer = pump.receive(record, 0)[-1]
    if not isinstance(answer, Answer):
        raise TypeError("the pump does not answer")
    return answer.record


def _plain(message: Message) -> Json:
    return {
        "message": type(message).__name__,
        "fields": {field.name: _value(getattr(message, field.name)) for field in message.FIELDS},
        "plain": encode(message).hex(),
    }


def _sealed(message: Message, keys: SessionKeys, way: Way, counter: int) -> Json:
    seal = Seal(keys.to_pump if way is Way.TO_PUMP else keys.to_programmer, keys.session, way)
    nonce = struct.pack("<IQ", way, counter)
    return _plain(message) | {
        "way": way.name,
        "counter": counter,
        "nonce": nonce.hex(),
        "associated_data": (keys.session + nonce).hex(),
        "sealed": seal.close(counter, encode(message)).hex(),
    }


def _value(value: Any) -> Any:
    match value:
        case Quantity():
            return value.value
        case enum.Enum():
            return value.name
        case bytes():
            return value.hex()
        case tuple():
            return [_value(each) for each in value]
        case WireRecord():
            return {field.name: _value(getattr(value, field.name)) for field in value.FIELDS}
        case _:
            return value


# --- a whole conversation -------------------------------------------------------------------------------------


def _conversation() -> list[Json]:
    """Run a short programming session through both whole ends and write down every frame on the wire."""
    replies = {type(reply): reply for reply in REPLIES}
    answers = {Interrogate: IdentityReport, StagePrescription: Staged, Commit: Accepted, Close: Closed}
    channel = PumpChannel(PUMP_KEY, SERIAL, entropy("vectors conversation, pump"), POWER_UPS)
    end = PumpEnd(PumpLink(FIRST_SEQUENCE), channel, lambda request: replies[answers[type(request.message)]])
    seen: list[Json] = []

    def peer(data: bytes) -> bytes:
        reply = end.receive(data, 0)
        seen.extend({"from": who, "wire": wire.hex()} for who, wire in (("programmer", data), ("pump", reply)))
        return reply

    key = role_key(PUMP_KEY, Role.CLINICIAN)
    source = entropy("vectors conversation, programmer")
    conversation = Conversation(DirectCarrier(peer), key, Role.CLINICIAN, source, SERIAL)
    conversation.connect()
    rest = [message for message in REQUESTS if isinstance(message, StagePrescription | Commit | Close)]
    for message in (Interrogate(Section.IDENTITY), *rest):
        conversation.request(message)
    handshake = ["RESET", "RESET_ACK", "Hello", "HelloReply", "Prove", "Sealed Welcome"]
    sealed = [
        name
        for asked_, reply in answers.items()
        for name in (f"Sealed {asked_.__name__}", f"Sealed {reply.__name__}")
    ]
    return [{"what": what} | frame for what, frame in zip(handshake + sealed, seen, strict=True)]
