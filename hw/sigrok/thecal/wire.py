"""From bytes between two delimiters to frame, record, message and fields, with the standard library alone.

Everything that has a name or a number in Thecal's protocol comes from ``tables.json``, which is generated from the
code. Each field remembers which bytes of the packet it is made of.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .seal import Session, open_box

TABLES: dict[str, Any] = json.loads((Path(__file__).parent / "tables.json").read_text("utf-8"))
FRAME = TABLES["frame"]
TYPES = {entry["number"]: entry for entry in FRAME["types"]}
MESSAGES = {entry["number"]: entry for entry in TABLES["messages"]}
RECORDS = {entry["name"]: entry for entry in TABLES["records"]}
ENUMERATIONS = {
    entry["name"]: {member["number"]: member["name"] for member in entry["members"]}
    for entry in TABLES["enumerations"]
}
SEALED = next(number for number, entry in MESSAGES.items() if entry["name"] == "Sealed")
HEADER_OCTETS, CRC_OCTETS, EPOCH_OCTETS = 6, 4, 4
BOX_AT = 9
"""Where the box of a sealed record begins, behind type and counter."""
REFLECTED_POLYNOMIAL = 0xC8DF352F
"""F4ACFB13, bit by bit from the other end."""


class Malformed(Exception):  # noqa: N818 - says what happened
    """An intact frame carries what the protocol does not have."""


@dataclass(frozen=True)
class Leaf:
    """One field: where it stands in the packet, its name and its value for reading."""

    at: int
    octets: int
    name: str
    text: str
    opened: bool = False
    """Whether it stood under a seal."""


@dataclass
class Sight:
    """Everything that can be said of one frame; ``fault`` alone for bytes that are none."""

    fault: str = ""
    sender: str = ""
    kind: str = ""
    seq: int = 0
    places: list[int] = field(default_factory=list)
    """Of each byte of the packet, its place in the stuffed bytes."""
    leaves: list[Leaf] = field(default_factory=list)
    message: str = ""
    """Name of the message, of the inner one if the seal was opened."""
    session: bytes | None = None
    problem: str = ""


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (REFLECTED_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return table


CRC_TABLE = _crc_table()


def crc32_autosar(data: bytes) -> int:
    """Return the checksum of a frame."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def unstuff(encoded: bytes) -> tuple[bytes, list[int]] | None:
    """Undo COBS; return the packet and each byte's place in the code. None unless it is the shortest form."""
    packet, at, full = bytearray(), 0, False
    places: list[int] = []
    while at < len(encoded):
        code = encoded[at]
        if at + code > len(encoded) or (full and code == 1 and at == len(encoded) - 1):
            return None
        packet += encoded[at + 1 : at + code]
        places += range(at + 1, at + code)
        full = code == 0xFF
        at += code
        if at < len(encoded) and not full:
            packet.append(0)
            places.append(at)
    return bytes(packet), places


def look(encoded: bytes, sessions: list[Session]) -> Sight:
    """Return what the bytes between two delimiters are. The checks are the specification's, in its order."""
    if not FRAME["min_encoded"] <= len(encoded) <= FRAME["max_encoded"]:
        return Sight("short" if len(encoded) < FRAME["min_encoded"] else "overlong")
    unstuffed = unstuff(encoded)
    if unstuffed is None:
        return Sight("stuffing")
    packet, places = unstuffed
    if fault := _fault(packet):
        return Sight(fault)
    sight = Sight("", TYPES[packet[1]]["sender"], TYPES[packet[1]]["kind"], int.from_bytes(packet[2:4], "little"))
    sight.places = places
    try:
        _read_payload(sight, packet, sessions)
    except Malformed as malformed:
        sight.problem = str(malformed)
    return sight


def _fault(packet: bytes) -> str:
    """Return the first check that the packet fails; empty for none."""
    length = int.from_bytes(packet[4:6], "little")
    checks = {
        "length": length == len(packet) - HEADER_OCTETS - CRC_OCTETS and length <= FRAME["max_payload"],
        "checksum": crc32_autosar(packet[:-CRC_OCTETS]) == int.from_bytes(packet[-CRC_OCTETS:], "little"),
        "version": packet[0] == FRAME["version"],
        "kind": packet[1] in TYPES,
    }
    return next((name for name, good in checks.items() if not good), "")


def _read_payload(sight: Sight, packet: bytes, sessions: list[Session]) -> None:
    end = len(packet) - CRC_OCTETS
    at = HEADER_OCTETS
    sight.leaves.append(Leaf(2, 2, "seq", str(sight.seq)))
    sight.leaves.append(Leaf(end, CRC_OCTETS, "crc", "correct"))
    if end - at < EPOCH_OCTETS or end - at != {"RESET": 4, "RESET_ACK": 4, "NAK": 5}.get(sight.kind, end - at):
        raise Malformed(f"{end - at} bytes are no payload of {sight.kind}")
    if sight.kind == "NAK":
        layout = {"kind": "number", "name": "reason", "octets": 1, "enumeration": "NakReason"}
        at = _Reader(sight, packet, end).read_field(layout, at, "")
    epoch = int.from_bytes(packet[at : at + EPOCH_OCTETS], "little")
    sight.leaves.append(Leaf(at, EPOCH_OCTETS, "epoch", f"{epoch:08x}"))
    if sight.kind == "DATA":
        _read_record(sight, packet, at + EPOCH_OCTETS, end, sessions)


def _read_record(sight: Sight, packet: bytes, at: int, end: int, sessions: list[Session]) -> None:
    _Reader(sight, packet, end).read_message(at)
    if packet[at] != SEALED:
        return
    record = packet[at:end]
    nonce = (b"\1" if sight.sender == "pump" else b"\0") + bytes(3) + record[1:BOX_AT]
    for session in sessions:
        inner = open_box(session.keys[sight.sender], nonce, record[BOX_AT:], session.name + nonce)
        if inner is not None:
            sight.session = session.name
            opened = packet[: at + BOX_AT] + inner  # as long as the ciphertext: each byte keeps its place
            _Reader(sight, opened, len(opened), opened=True).read_message(at + BOX_AT)
            return


class _Reader:
    """Reads messages from a packet up to ``end`` and adds their fields to what is seen."""

    def __init__(self, sight: Sight, packet: bytes, end: int, *, opened: bool = False) -> None:
        self._sight = sight
        self._packet = packet
        self._end = end
        self._opened = opened

    def read_message(self, at: int) -> None:
        if at >= self._end:
            raise Malformed("an empty message has no type")
        number = self._packet[at]
        if number not in MESSAGES:
            raise Malformed(f"no message has the number {number:#04x}")
        self._sight.message = MESSAGES[number]["name"]
        self._add(at, 1, "message", self._sight.message)
        behind = self._read_fields(MESSAGES[number], at + 1, "")
        if behind != self._end:
            raise Malformed(f"{self._end - behind} bytes too many after {self._sight.message}")

    def _read_fields(self, layout: dict[str, Any], at: int, path: str) -> int:
        for entry in layout["fields"]:
            at = self.read_field(entry, at, path)
        return at

    def read_field(self, entry: dict[str, Any], at: int, path: str) -> int:
        """Read one field; return the place behind it."""
        name = path + entry["name"]
        match entry["kind"]:
            case "number":
                data = self._slice(at, entry["octets"], name)
                self._add(at, len(data), name, _number_text(entry, int.from_bytes(data, "little"), name))
                return at + len(data)
            case "record":
                return self._read_fields(RECORDS[entry["record"]], at, name + ".")
            case "list":
                return self._read_list(entry, at, name)
            case "text":
                return self._read_text(entry, at, name)
        data = self._slice(at, entry.get("octets", self._end - at), name)
        self._add(at, len(data), name, data.hex())
        return at + len(data)

    def _read_list(self, entry: dict[str, Any], at: int, name: str) -> int:
        count = self._count(entry, at, name)
        self._add(at, 1, name, str(count))
        at += 1
        for index in range(1, count + 1):
            at = self._read_fields(RECORDS[entry["record"]], at, f"{name}[{index}].")
        return at

    def _read_text(self, entry: dict[str, Any], at: int, name: str) -> int:
        data = self._slice(at + 1, self._count(entry, at, name), name)
        try:
            self._add(at, 1 + len(data), name, data.decode())
        except UnicodeDecodeError:
            raise Malformed(f"{name} is not UTF-8") from None
        return at + 1 + len(data)

    def _count(self, entry: dict[str, Any], at: int, name: str) -> int:
        count = self._slice(at, 1, name)[0]
        if count > entry["most"]:
            raise Malformed(f"{name} has {count} entries, at most {entry['most']} fit")
        return count

    def _slice(self, at: int, octets: int, name: str) -> bytes:
        if at + octets > self._end:
            raise Malformed(f"message ends inside {name}")
        return self._packet[at : at + octets]

    def _add(self, at: int, octets: int, name: str, text: str) -> None:
        self._sight.leaves.append(Leaf(at, octets, name, text, self._opened))


def _number_text(entry: dict[str, Any], number: int, name: str) -> str:
    if "enumeration" in entry:
        members = ENUMERATIONS[entry["enumeration"]]
        if number not in members:
            raise Malformed(f"{name} = {number} is no {entry['enumeration']}")
        return f"{members[number]} ({number})"
    if "flag" in entry:
        if number > 1:
            raise Malformed(f"{name} = {number} is neither 0 nor 1")
        return "yes" if number else "no"
    return f"{number} {entry['unit']}" if "unit" in entry else str(number)


class Cutter:
    """Cuts one direction at the delimiters. Each byte comes with a tag, which is given back with the piece."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._tags: list[Any] = []
        self._discarding = False

    def feed(self, byte: int, tag: Any) -> Iterator[tuple[bytes, list[Any]]]:
        """Take one byte; yield the piece that it completes, if it completes one."""
        if byte:
            if not self._discarding:
                self._bytes.append(byte)
                self._tags.append(tag)
                if len(self._bytes) > FRAME["max_encoded"]:
                    self._discarding = True
                    yield self._take()
        else:
            self._discarding = False
            if self._bytes:
                yield self._take()

    def _take(self) -> tuple[bytes, list[Any]]:
        piece = bytes(self._bytes), self._tags
        self._bytes, self._tags = bytearray(), []
        return piece
