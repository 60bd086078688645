"""What a capture holds, as we and as others see it, in one form that can be compared."""

from __future__ import annotations

import enum
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest

from hw.capture import Flow, Packet, read_capture
from hw.keylog import KeyRing, read_keylog
from hw.listening import Heard, listen
from protocol.fields import ListField, RecordField
from protocol.frame import Direction, Frame
from protocol.messages import Message, WireRecord
from protocol.units import Quantity
from tests.decoders.analyser import BAUD, RATE, samples

ROOT = Path(__file__).parents[2]
DISSECTOR = ROOT / "hw" / "wireshark" / "thecal.lua"
SIGROK = ROOT / "hw" / "sigrok"
PATIENCE_S = 120


class Leaf(NamedTuple):
    """One field of a message."""

    path: str
    """From the message down, as sigrok names it: ``prescription.drugs[1].code``."""
    owner: str
    """As Wireshark's filter names it, without ``thecal.``: ``drug.code``."""
    value: Any


class View(NamedTuple):
    """One frame, or bytes that are none."""

    fault: str = ""
    sender: str = ""
    kind: str = ""
    seq: int = 0
    epoch: int | None = None
    messages: tuple[str, ...] = ()
    malformed: bool = False
    leaves: tuple[tuple[str, str], ...] = ()
    """Name and value of every field; not looked at in a malformed message."""


def tool(name: str) -> str:
    """Return the path of a tool; skip the test where it is not installed."""
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"{name} is not installed (Debian: apt install tshark sigrok-cli libsigrokdecode4)")
    return program


# --- ours -------------------------------------------------------------------------------------------------------


def heard(packets: list[Packet], keylog: Path) -> list[Heard]:
    """Return what our own reader hears."""
    return list(listen(packets, KeyRing(read_keylog(keylog.read_text().splitlines()))))


def messages_of(each: Heard) -> list[Message]:
    """Return the record and what was under its seal."""
    return [message for message in (each.record, each.inner) if message is not None]


def leaves_of(record: WireRecord, path: str = "") -> Iterator[Leaf]:
    """Yield every field of a message, in the order of the wire."""
    for field in record.FIELDS:
        value = getattr(record, field.name)
        if isinstance(field, RecordField):
            yield from leaves_of(value, f"{path}{field.name}.")
        elif isinstance(field, ListField):
            yield Leaf(path + field.name, "", len(value))
            for index, item in enumerate(value, 1):
                yield from leaves_of(item, f"{path}{field.name}[{index}].")
        else:
            yield Leaf(path + field.name, f"{type(record).__name__}.{field.name}".lower(), value)


def _view(each: Heard, leaves: tuple[tuple[str, str], ...]) -> View:
    if not isinstance(each.frame, Frame):
        assert each.fault
        return View(each.fault.value)
    malformed = bool(each.problem)
    return View(
        "",
        "pump" if each.frame.direction is Direction.FROM_PUMP else "programmer",
        each.frame.kind.name,
        each.frame.seq,
        None if malformed else each.epoch,
        () if malformed else tuple(type(message).__name__ for message in messages_of(each)),
        malformed,
        () if malformed else leaves,
    )


# --- Wireshark --------------------------------------------------------------------------------------------------


def as_wireshark(each: Heard) -> View:
    """Return our view in Wireshark's words."""
    leaves = [("nak.reason", str(int(each.nak)))] if each.nak else []
    for message in messages_of(each):
        leaves += [
            (leaf.owner, _shown(leaf.value)) for leaf in leaves_of(message) if leaf.owner and leaf.value != b""
        ]
    return _view(each, tuple(leaves))


def _shown(value: Any) -> str:
    match value:
        case Quantity():
            return str(value.value)
        case bytes():
            return value.hex(":")
        case str():
            return value
    return str(int(value))


def tshark(capture: Path, *options: str) -> str:
    """Return what tshark prints of a capture with our dissector; skip the test where there is no tshark."""
    command = [tool("tshark"), "-X", f"lua_script:{DISSECTOR}", "-r", str(capture), *options]
    done = subprocess.run(  # noqa: S603 - a program that was looked for
        command, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Lua" not in done.stderr, done.stderr
    return done.stdout


def seen_by_wireshark(capture: Path, keylog: Path) -> list[View]:
    """Return Wireshark's view of a capture."""
    document = ElementTree.fromstring(tshark(capture, "-o", f"thecal.keylog:{keylog}", "-T", "pdml"))  # noqa: S314
    trees = document.iterfind("./packet/proto[@name='thecal']/field")
    return [
        _frame_of(field) if field.get("name") == "thecal.frame" else View(field.get("show", ""))
        for field in trees
        if field.get("name") in {"thecal.frame", "thecal.damaged"}
    ]


OF_THE_FRAME = {"frame", "version", "type", "seq", "length", "crc", "epoch", "message", "session"}


def _frame_of(tree: ElementTree.Element) -> View:
    found = [
        (field.get("name", "").removeprefix("thecal."), field)
        for field in tree.iter("field")
        if field.get("name", "").startswith("thecal.")
    ]
    first = {name: field.get("show", "") for name, field in reversed(found)}
    malformed = "malformed" in first
    kind, _, sender = _named(dict(found)["type"]).partition(" from ")
    links = {"reply_in", "request_in", "repeats", "reply_time"}
    leaves = [(name, field.get("show", "")) for name, field in found if name not in OF_THE_FRAME | links]
    return View(
        "",
        sender,
        kind,
        int(first["seq"]),
        None if malformed else int(first["epoch"], 16),
        () if malformed else tuple(_named(field) for name, field in found if name == "message"),
        malformed,
        () if malformed else tuple(leaves),
    )


def _named(field: ElementTree.Element) -> str:
    """Return the name of a number: “Message: Hello (0x01)” is Hello."""
    return field.get("showname", "").partition(": ")[2].rpartition(" (")[0]


# --- sigrok -----------------------------------------------------------------------------------------------------


def as_sigrok(each: Heard) -> View:
    """Return our view in sigrok's words."""
    leaves = [("reason", f"{each.nak.name} ({int(each.nak)})")] if each.nak else []
    for message in messages_of(each):
        leaves += [(leaf.path, _annotated(leaf.value)) for leaf in leaves_of(message) if leaf.value != b""]
    return _view(each, tuple(leaves))


def _annotated(value: Any) -> str:
    match value:
        case Quantity():
            return f"{value.value} {next(iter(value.UNITS))}"
        case enum.Enum():
            return f"{value.name} ({value.value})"
        case bool():
            return "yes" if value else "no"
        case bytes():
            return value.hex()
    return str(value)


def sigrok(binary: Path, pieces: list[tuple[Flow, bytes]], *options: str) -> list[str]:
    """Return what sigrok-cli prints of the pieces on two lines; skip the test where it is not installed.

    It ends with 0 also when a decoder has crashed, so nothing may stand on stderr.
    """
    program = tool("sigrok-cli")
    binary.write_bytes(samples(pieces))
    decoder = ":".join(("thecal", *options))
    done = subprocess.run(  # noqa: S603 - a program that was looked for
        [
            *(program, "-I", f"binary:numchannels=2:samplerate={RATE}", "-i", str(binary)),
            *("-P", f"uart:baudrate={BAUD}:rx=0:tx=1,{decoder}", "-A", "thecal"),
        ],
        env={**os.environ, "SIGROKDECODE_DIR": str(SIGROK), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def seen_by_sigrok(capture: Path, keylog: Path) -> list[View]:
    """Return sigrok's view of what is in a capture."""
    pieces = [(packet.flow, packet.data) for packet in read_capture(capture) if packet.flow]
    views: list[View] = []
    found: list[tuple[str, str]] = []
    for line in sigrok(capture.with_suffix(".bin"), pieces, f"keylog={keylog}"):
        text = line.partition(": ")[2]
        if text.startswith("damaged ("):
            views.append(View(text.removeprefix("damaged (").partition(")")[0]))
        elif text.startswith("malformed: "):
            views[-1] = views[-1]._replace(malformed=True, epoch=None, messages=(), leaves=())
        elif text.startswith(("programmer -> pump ", "programmer <- pump ")):
            views.append(_annotated_frame(text, found))
            found = []
        else:
            name, _, value = text.partition(" = ")
            found.append((name, value))
    return views


def _annotated_frame(text: str, found: list[tuple[str, str]]) -> View:
    sender = "pump" if "<-" in text else "programmer"
    first = dict(reversed(found))
    return View(
        "",
        sender,
        text.split()[3],
        int(first["seq"]),
        int(first["epoch"], 16) if "epoch" in first else None,
        tuple(value for name, value in found if name == "message"),
        False,
        tuple((name, value) for name, value in found if name not in {"seq", "crc", "epoch", "message"}),
    )
