"""The tables of the decoders for Wireshark and sigrok: every message and number of the wire, as data."""

from __future__ import annotations

import enum
import json
from typing import Any

import protocol_tables

from protocol import frame, link_payloads, vocabulary
from protocol.fields import BytesField, Field, ListField, NumberField, RecordField, TextField
from protocol.messages import MESSAGES, WireRecord
from protocol.units import Quantity

SENDERS = (frame.Direction.FROM_PROGRAMMER, frame.Direction.FROM_PUMP)
NOTE = "Generated from protocol/ by docs/generate.py; do not edit."


def tables() -> dict[str, Any]:
    """Return everything that a decoder has to know of frames, messages and words, as plain values."""
    return {
        "note": NOTE,
        "frame": {
            "version": frame.VERSION,
            "max_payload": frame.MAX_PAYLOAD,
            "min_encoded": frame.MIN_ENCODED,
            "max_encoded": frame.MAX_ENCODED,
            "types": [
                {"number": sender | kind, "kind": kind.name, "sender": sender.name.removeprefix("FROM_").lower()}
                for kind in frame.Kind
                for sender in SENDERS
                if not _never_sent(sender, kind)
            ],
        },
        "enumerations": [_enumeration(cls) for cls in (link_payloads.NakReason, *_vocabulary())],
        "records": [_layout(cls) for cls in _records()],
        "messages": [{"number": number, **_layout(MESSAGES[number])} for number in sorted(MESSAGES)],
    }


def _never_sent(sender: frame.Direction, kind: frame.Kind) -> bool:
    wrong = protocol_tables.FROM_PROGRAMMER_ONLY if sender else protocol_tables.FROM_PUMP_ONLY
    return kind in wrong


def _vocabulary() -> list[enum.EnumMeta]:
    return [item for item in vars(vocabulary).values() if isinstance(item, enum.EnumMeta)]


def _records() -> list[type[WireRecord]]:
    """Return the records inside messages, in the order in which messages use them."""
    found: dict[str, type[WireRecord]] = {}
    for number in sorted(MESSAGES):
        protocol_tables.collect(MESSAGES[number].FIELDS, found)
    return list(found.values())


def _enumeration(cls: enum.EnumMeta) -> dict[str, Any]:
    members: list[enum.Enum] = list(cls)
    return {
        "name": cls.__name__,
        "members": [{"number": int(member.value), "name": member.name} for member in members],
    }


def _layout(cls: type[WireRecord]) -> dict[str, Any]:
    return {"name": cls.__name__, "fields": [_field(field) for field in cls.FIELDS]}


def _field(field: Field) -> dict[str, Any]:
    """Return one field. Its ``kind`` says which of the other entries there are."""
    common = {"name": field.name, "meaning": field.meaning}
    match field:
        case NumberField(octets=octets, type_=type_):
            return common | {"kind": "number", "octets": octets} | _number(type_)
        case BytesField(octets=None):
            return common | {"kind": "rest"}
        case BytesField(octets=octets):
            return common | {"kind": "bytes", "octets": octets}
        case TextField(most=most):
            return common | {"kind": "text", "most": most}
        case RecordField(record=record):
            return common | {"kind": "record", "record": record.__name__}
        case ListField(record=record, most=most):
            return common | {"kind": "list", "record": record.__name__, "most": most}
    raise TypeError(f"no decoder knows a {type(field).__name__}")


def _number(type_: type) -> dict[str, Any]:
    if issubclass(type_, Quantity):
        return {"unit": next(iter(type_.UNITS))}
    if issubclass(type_, bool):
        return {"flag": True}
    if issubclass(type_, enum.Enum):
        return {"enumeration": type_.__name__}
    return {}


# --- as files ---------------------------------------------------------------------------------------------------


def as_json() -> str:
    """Return the tables for the sigrok decoder."""
    return json.dumps(tables(), indent=1, ensure_ascii=True) + "\n"


def as_lua() -> str:
    """Return the tables for the Wireshark dissector."""
    return f"-- {NOTE}\nreturn {_lua(tables(), '')}\n"


def _lua(value: Any, indent: str) -> str:
    """Return a plain value as a Lua expression; short lists and tables stand in one line."""
    match value:
        case dict():
            parts = [f"{name} = {_lua(item, indent + ' ')}" for name, item in value.items()]
        case list():
            parts = [_lua(item, indent + " ") for item in value]
        case bool():
            return "true" if value else "false"
        case _:
            return json.dumps(value, ensure_ascii=False)
    line = "{ " + ", ".join(parts) + " }" if parts else "{}"
    if "\n" not in line and len(indent) + len(line) <= 110:
        return line
    inner = indent + " "
    return "{\n" + "".join(f"{inner}{part},\n" for part in parts) + indent + "}"
