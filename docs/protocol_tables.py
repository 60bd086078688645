"""The generated tables of ``protocol.md``, each a function that returns Markdown."""

from __future__ import annotations

import ast
import enum
import inspect
import re
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import protocol_vectors

from protocol import (
    channel,
    channel_backoff,
    channel_seal,
    conversation,
    frame,
    link_payloads,
    link_programmer,
    link_timeout,
    vocabulary,
)
from protocol.fields import Field, ListField, RecordField
from protocol.flips import ACCEPTED, NEIGHBOUR_LOST, OUTCOMES, flip_table
from protocol.messages import MESSAGES, Message, WireRecord
from protocol.vocabulary import Role

DOCS = Path(__file__).parent
FIRST_REQUEST, FIRST_REPLY = 0x10, 0x80

FRAME_TYPES = {
    frame.Kind.RESET: ("epoch:4", "the programmer begins an epoch"),
    frame.Kind.RESET_ACK: ("epoch:4", "the pump has entered it; `seq` is the number of the next request"),
    frame.Kind.DATA: ("epoch:4, record:0..252", "a request or its reply"),
    frame.Kind.NAK: ("reason:1, epoch:4", "the pump will not answer; `seq` is the number it expects"),
}
FROM_PUMP_ONLY = {frame.Kind.RESET_ACK, frame.Kind.NAK}
FROM_PROGRAMMER_ONLY = {frame.Kind.RESET}

CONSTANTS: list[tuple[ModuleType, str, str]] = [
    (frame, "MAX_PAYLOAD", "bytes in a frame's payload, at most"),
    (frame, "MAX_ENCODED", "bytes between two delimiters, at most"),
    (link_payloads, "MAX_RECORD", "bytes in a record, at most"),
    (channel_seal, "MESSAGE_OCTETS_MAX", "bytes of a message under a seal, at most"),
    (link_timeout, "INITIAL_MS", "ms to wait for an answer before anything is measured"),
    (link_timeout, "MINIMUM_MS", "ms to wait, at least"),
    (link_timeout, "MAXIMUM_MS", "ms to wait, at most"),
    (link_programmer, "MAX_ATTEMPTS", "times that one frame is sent before giving up"),
    (channel, "HANDSHAKE_MS", "ms after a hello for which its proof is accepted, at least; at most twice that"),
    (channel, "SESSION_IDLE_MS", "ms without a request after which the pump ends a session"),
    (channel_backoff, "FAILURES_TO_PAUSE", "wrong proofs in a row that start a pause"),
    (channel_backoff, "FIRST_PAUSE_MS", "ms of the first pause; each following one is twice as long"),
    (channel_backoff, "LONGEST_PAUSE_MS", "ms of the longest pause, and the longest wait a client should obey"),
    (channel_backoff, "OPEN_MS", "ms after a pause in which handshakes are examined whatever fails"),
    (conversation, "CONNECT_ATTEMPTS", "handshakes that our client tries before it gives up connecting"),
]


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    heads = list(heads)
    lines = [heads, ["---"] * len(heads), *([str(cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def contents() -> str:
    """Return the list of the page's headings."""
    page = (DOCS / "protocol.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", page, flags=re.MULTILINE)
    return "\n".join(f"* [{heading}](#{anchor(heading)})" for heading in headings)


def anchor(heading: str) -> str:
    """Return the anchor that a Markdown heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


# --- frames and link ------------------------------------------------------------------------------------------


def frame_types() -> str:
    """Return every type byte."""
    rows = []
    for kind, (payload, meaning) in FRAME_TYPES.items():
        from_programmer = "–" if kind in FROM_PUMP_ONLY else f"`{kind:02X}`"
        from_pump = "–" if kind in FROM_PROGRAMMER_ONLY else f"`{frame.Direction.FROM_PUMP | kind:02X}`"
        rows.append((kind.name, from_programmer, from_pump, payload, meaning))
    return table(("kind", "from programmer", "from pump", "payload", "meaning"), rows)


def frame_faults() -> str:
    """Return what can be wrong with a frame, in the order of the checks."""
    meanings = {
        frame.FrameFault.OVERLONG: f"more than {frame.MAX_ENCODED} bytes without a delimiter",
        frame.FrameFault.SHORT: f"fewer than {frame.MIN_ENCODED} bytes between delimiters",
        frame.FrameFault.STUFFING: "not what COBS writes, or not its shortest form",
        frame.FrameFault.LENGTH: "the length field is not the length of the payload",
        frame.FrameFault.CHECKSUM: "the CRC is wrong",
        frame.FrameFault.VERSION: "the CRC is right, but the version is unknown",
        frame.FrameFault.KIND: "the CRC is right, but the type byte is not in the table",
    }
    return table(("check", "fails when"), ((fault.value, meanings[fault]) for fault in frame.FrameFault))


def link_refusals() -> str:
    """Return the reasons of a NAK."""
    return enumeration(link_payloads.NakReason)


def constants() -> str:
    """Return the numbers that both ends go by."""
    rows = (
        (f"{getattr(module, name):,}".replace(",", " "), meaning, f"`{name}`") for module, name, meaning in CONSTANTS
    )
    return table(("value", "meaning", "name in the code"), rows)


def flips() -> str:
    """Return what becomes of every single bit flip."""
    rows = flip_table()
    used = [
        name for name in OUTCOMES if name in (ACCEPTED, NEIGHBOUR_LOST) or any(row.outcomes[name] for row in rows)
    ]
    return table(
        ("part of the frame", "flips", *used),
        ((row.part, row.flips, *(row.outcomes[name] for name in used)) for row in rows),
    )


# --- messages -------------------------------------------------------------------------------------------------


def handshake_messages() -> str:
    """Return the records that travel without a seal, and the seal itself."""
    return describe(number for number in MESSAGES if number < FIRST_REQUEST)


def requests() -> str:
    """Return what a programmer may ask, and in which roles."""
    return describe(number for number in MESSAGES if FIRST_REQUEST <= number < FIRST_REPLY)


def replies() -> str:
    """Return what a pump may answer."""
    return describe(number for number in MESSAGES if number >= FIRST_REPLY)


def records() -> str:
    """Return the records inside messages, in the order in which messages use them."""
    found: dict[str, type[WireRecord]] = {}
    for number in sorted(MESSAGES):
        collect(MESSAGES[number].FIELDS, found)
    return "\n\n".join(f"**{name}.** {summary(cls)}\n\n{field_table(cls)}" for name, cls in found.items())


def collect(fields: Iterable[Field], found: dict[str, type[WireRecord]]) -> None:
    """Enter the records that the fields contain, outer before inner."""
    for field in fields:
        if isinstance(field, RecordField | ListField) and issubclass(field.record, WireRecord):
            found[field.record.__name__] = field.record
            collect(field.record.FIELDS, found)


def describe(numbers: Iterable[int]) -> str:
    """Return heading, summary and field table of each message."""
    return "\n\n".join(description(MESSAGES[number]) for number in sorted(numbers))


def description(cls: type[Message]) -> str:
    """Return heading, summary and field table of one message."""
    lines = [f"#### `{cls.TYPE:02X}` {cls.__name__}", "", summary(cls)]
    if cls.ROLES:
        who = (
            "every role"
            if frozenset(Role) == cls.ROLES
            else ", ".join(role.name.lower() for role in sorted(cls.ROLES))
        )
        effect = "; an executed command that `QueryCommand` reports" if cls.CHANGES_STATE else ""
        lines[-1] += f" *Roles: {who}{effect}.*"
    if cls.FIELDS:
        lines += ["", field_table(cls)]
    return "\n".join(lines)


def field_table(cls: type[WireRecord]) -> str:
    """Return the fields of a record."""
    return table(
        ("field", "type", "meaning"), ((f"`{field.name}`", field.kind(), field.meaning) for field in cls.FIELDS)
    )


def summary(cls: type) -> str:
    """Return a class's docstring as one paragraph."""
    return " ".join((inspect.getdoc(cls) or "").replace("``", "`").split())


# --- enumerations ---------------------------------------------------------------------------------------------


def enumerations() -> str:
    """Return every enumeration that a message carries."""
    classes = [item for item in vars(vocabulary).values() if isinstance(item, enum.EnumMeta)]
    return "\n\n".join(f"#### {cls.__name__}\n\n{summary(cls)}\n\n{enumeration(cls)}" for cls in classes)


def enumeration(cls: enum.EnumMeta) -> str:
    """Return the members of an enumeration with the comments that stand under them in the code."""
    members: list[enum.Enum] = list(cls)
    comments = member_comments(cls)
    if not comments:
        return table(("value", "name"), ((member.value, member.name) for member in members))
    rows = ((member.value, member.name, comments.get(member.name, "")) for member in members)
    return table(("value", "name", "meaning"), rows)


def member_comments(cls: enum.EnumMeta) -> dict[str, str]:
    """Return the string under each member in the source."""
    body = ast.parse(inspect.getsource(cls)).body[0]
    if not isinstance(body, ast.ClassDef):
        raise TypeError(f"{cls.__name__} is not written as a class")
    comments = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        match statement, following:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(comment))):
                comments[name] = " ".join(comment.replace("``", "`").split())
    return comments


# --- samples --------------------------------------------------------------------------------------------------


def sample_conversation() -> str:
    """Return every frame of the sample conversation."""
    vectors = protocol_vectors.vectors()
    lines = []
    for each in vectors["conversation"]:
        arrow = "→" if each["from"] == "programmer" else "←"
        lines += [f"{arrow} {each['what']}", *(f"    {piece}" for piece in wrapped(each["wire"]))]
    return "```text\n" + "\n".join(lines) + "\n```"


def wrapped(text: str, width: int = 100) -> list[str]:
    """Return the text in lines."""
    return [text[at : at + width] for at in range(0, len(text), width)]


def minimal_client() -> str:
    """Return the listing of the example client."""
    return "```python\n" + (DOCS / "examples" / "minimal_client.py").read_text(encoding="utf-8").strip() + "\n```"
