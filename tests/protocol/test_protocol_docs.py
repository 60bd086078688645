"""The protocol's documentation: no drift from the code, nothing missing, and its client really talks to a pump."""

from __future__ import annotations

import ast
import enum
import importlib
import os
import pty
import random
import re
import select
import shutil
import subprocess
import sys
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from protocol import channel, channel_seal, crc, frame, keys, vocabulary
from protocol import channel_backoff as backoff
from protocol.channel import PumpChannel
from protocol.channel_events import ChannelEvent, CloseCause, RecordRejected, Request, SessionClosed, SessionOpened
from protocol.flips import ACCEPTED, NEIGHBOUR_LOST
from protocol.link import PumpLink
from protocol.messages import (
    MESSAGES,
    Close,
    Closed,
    IdentityReport,
    Interrogate,
    Message,
    TherapyReport,
)
from protocol.pump_end import PumpEnd
from protocol.units import Milliseconds, Nanolitres, NanolitresPerDay
from protocol.vocabulary import Role, Section, TherapyState

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGE = (DOCS / "protocol.md").read_text(encoding="utf-8")
CLIENT = DOCS / "examples" / "minimal_client.py"
PUMP_KEY = bytes(range(32))


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the generator as a module."""
    monkeypatch.syspath_prepend(DOCS)
    return importlib.import_module("generate")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a Python script to its end."""
    return subprocess.run(  # noqa: S603 - our own scripts
        [sys.executable, *map(str, command)], capture_output=True, text=True, timeout=60, check=False
    )


# --- generated text ---------------------------------------------------------------------------------------------


def test_the_generated_parts_are_up_to_date(generate: ModuleType) -> None:
    """What stands between the markers is what the code gives; if not, run “python docs/generate.py”."""
    assert generate.drifted() == []


def test_drift_is_found_and_mended(tmp_path: Path) -> None:
    """A page that was edited between the markers fails the check, which names it; generating mends it and no more."""
    docs = tmp_path / "docs"
    shutil.copytree(DOCS, docs, ignore=shutil.ignore_patterns("__pycache__"))
    page = docs / "protocol.md"
    page.write_text(PAGE.replace("| 4 | RESERVOIR |", "| 5 | RESERVOIR |"), encoding="utf-8")
    (docs / "vectors" / "protocol-1.json").unlink()
    failed = run(docs / "generate.py", "--check")
    assert failed.returncode == 1
    assert "protocol.md" in failed.stderr
    assert "protocol-1.json" in failed.stderr
    assert page.read_text(encoding="utf-8") != PAGE
    assert run(docs / "generate.py").returncode == 0
    assert page.read_text(encoding="utf-8") == PAGE
    assert run(docs / "generate.py", "--check").returncode == 0


def test_a_page_without_its_markers_is_an_error(generate: ModuleType) -> None:
    """A missing or doubled marker is reported instead of leaving a section out."""
    for page in ("no markers", "<!-- generated: x -->\n<!-- end of x -->\n" * 2, "<!-- generated: x -->\n"):
        with pytest.raises(generate.MarkerError, match="exactly once"):
            generate.with_section(page, "x", "text")
    assert generate.with_section("a\n<!-- generated: x -->\nold\n<!-- end of x -->\nb", "x", "new").count("new") == 1


@pytest.mark.verifies("COM-14")
@pytest.mark.parametrize("cls", MESSAGES.values(), ids=lambda cls: cls.__name__)
def test_every_message_is_described_with_every_field(cls: type[Message]) -> None:
    """Each message stands on the page once, with number, roles and each field with its type and meaning."""
    heading = f"#### `{cls.TYPE:02X}` {cls.__name__}\n"
    assert PAGE.count(heading) == 1
    described = PAGE.split(heading)[1].split("\n#")[0]
    for field in cls.FIELDS:
        assert f"| `{field.name}` | {field.kind()} | {field.meaning} |" in described
    assert ("*Roles: " in described) == bool(cls.ROLES)


def test_every_value_of_every_enumeration_is_listed() -> None:
    """Each member of each enumeration stands in its table with its number."""
    classes = [item for item in vars(vocabulary).values() if isinstance(item, enum.EnumMeta)]
    assert len(classes) > 8
    for cls in classes:
        listed = PAGE.split(f"#### {cls.__name__}\n")[1].split("\n#")[0]
        members: list[enum.IntEnum] = list(cls)
        for member in members:
            assert re.search(rf"^\| {member.value} \| {member.name} \|", listed, flags=re.MULTILINE)


def test_what_people_wrote_agrees_with_the_code() -> None:
    """Labels, limits and check values in the prose are the constants of the code."""
    prose = " ".join(PAGE.split())
    for label in (keys.ROLE_LABEL, keys.TRANSCRIPT_LABEL, keys.PUMP_PROOF_LABEL, keys.PROGRAMMER_PROOF_LABEL):
        assert f'"{label.decode()}"' in prose
    assert f'info = "{keys.SESSION_LABEL.decode()}", length = {2 * keys.KEY_OCTETS + 8})' in prose
    assert f"**{crc.CHECK_VALUE:08X}**" in prose
    assert f"0 to {frame.MAX_PAYLOAD}" in prose
    assert f"at most {channel_seal.MESSAGE_OCTETS_MAX} bytes" in prose
    numbers = (channel.HANDSHAKE_MS, channel.SESSION_IDLE_MS, backoff.FAILURES_TO_PAUSE)
    assert numbers == (30_000, 300_000, 3)
    assert (backoff.FIRST_PAUSE_MS, backoff.LONGEST_PAUSE_MS, backoff.OPEN_MS) == (1_000, 8_000, 2_000)
    for phrase in (
        "within 30 s of its hello",
        "after five minutes without a request",
        "After three wrong proofs in a row",
        "Pauses grow from 1 to 8 s",
        "examines whatever comes for 2 s",
    ):
        assert phrase in prose, phrase
    assert "not for clinical use" in prose.lower()
    assert "Forward secrecy" in prose


def test_the_table_of_flipped_bits_shows_none_accepted() -> None:
    """In the published table no flipped bit is accepted and none costs a neighbour."""
    lines = PAGE.split("<!-- generated: flip table -->")[1].split("<!-- end of")[0].strip().splitlines()
    heads, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert len(rows) > 5
    for name in (ACCEPTED, NEIGHBOUR_LOST):
        assert {row[heads.index(name)] for row in rows} == {"0"}


def test_every_link_of_the_page_leads_somewhere(generate: ModuleType) -> None:
    """Links to files name existing files, and links within the page name existing headings."""
    anchors = {
        importlib.import_module("protocol_tables").anchor(text) for text in re.findall(r"^#+ (.+)$", PAGE, re.M)
    }
    targets = re.findall(r"\]\(([^)]+)\)", PAGE)
    assert len(targets) > 20
    for target in targets:
        assert target[1:] in anchors if target.startswith("#") else (DOCS / target).exists(), target


# --- the minimal client -----------------------------------------------------------------------------------------


def test_the_minimal_client_uses_nothing_of_ours() -> None:
    """The example is written from the page alone: it imports no package of this project."""
    tree = ast.parse(CLIENT.read_text(encoding="utf-8"))
    imported = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {str(node.module).split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported - set(sys.stdlib_module_names) == {"serial", "cobs", "crcmod", "cryptography"}


class PtyPump:
    """A pump's end of the wire on a pseudo-terminal, served by a thread until it is closed."""

    def __init__(self, harm: Callable[[bytes], bytes]) -> None:
        self.asked: list[Message] = []
        self.events: list[ChannelEvent] = []
        self._harm = harm
        channel = PumpChannel(PUMP_KEY, "TC000042", random.Random(1).randbytes, 1)
        self._end = PumpEnd(PumpLink(65_534), channel, self._execute, self.events.append)
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread and close the terminal."""
        os.write(self._waker, b"x")
        self._thread.join()
        for descriptor in (self._master, self._slave, self._wake, self._waker):
            os.close(descriptor)

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._master, self._wake], [], [])
            if self._wake in ready:
                return
            os.write(self._master, self._harm(self._end.receive(os.read(self._master, 4_096), 0)))

    def _execute(self, request: Request) -> Message:
        self.asked.append(request.message)
        match request.message:
            case Interrogate(Section.IDENTITY):
                return identity()
            case Interrogate(Section.THERAPY):
                return therapy()
            case _:
                return Closed()


def identity() -> IdentityReport:
    """Return what the pump says about itself."""
    rate, volume = NanolitresPerDay(48_000), Nanolitres(500)
    return IdentityReport(
        "TC000042", "model", "peristaltic", "0.1.0", bytes(16), rate, rate, rate, volume, volume, volume
    )


def therapy() -> TherapyReport:
    """Return what the pump says it is doing."""
    nothing, no_time = Nanolitres(0), Milliseconds(0)
    rate = NanolitresPerDay(100_000)
    state = TherapyState.SIMPLE_CONTINUOUS
    return TherapyReport(Milliseconds(2**40), 0, state, rate, nothing, nothing, no_time, 3, 0, no_time)


@pytest.fixture
def pump_on() -> Iterator[Callable[[Callable[[bytes], bytes]], PtyPump]]:
    """Return a function that puts a pump on a pseudo-terminal; all are taken down at the end."""
    pumps: list[PtyPump] = []

    def put(harm: Callable[[bytes], bytes] = bytes) -> PtyPump:
        pumps.append(PtyPump(harm))
        return pumps[-1]

    yield put
    for pump in pumps:
        pump.close()


PumpOn = Callable[..., PtyPump]


def test_the_minimal_client_interrogates_a_pump(pump_on: PumpOn) -> None:
    """Run for real over a pseudo-terminal, the client of the page connects, reads the pump's state and closes."""
    pump = pump_on()
    client = run(CLIENT, pump.port, PUMP_KEY.hex())
    assert client.stderr == ""
    expected = (
        "serial number: TC000042\ntherapy: simple continuous\nrate: 100000 nL/day\npump time: 1099511627776 ms\n"
    )
    assert (client.stdout, client.returncode) == (expected, 0)
    assert pump.asked == [Interrogate(Section.IDENTITY), Interrogate(Section.THERAPY), Close(True)]
    opened, closed = pump.events
    assert isinstance(opened, SessionOpened)
    assert opened.role is Role.OBSERVER
    assert closed == SessionClosed(Role.OBSERVER, opened.session, CloseCause.ASKED)


def test_the_minimal_client_survives_a_bad_line(pump_on: PumpOn) -> None:
    """With the pump's second frame lost, its third damaged and its fourth doubled, every request is executed once."""
    sent = 0

    def harm(data: bytes) -> bytes:
        nonlocal sent
        sent += 1
        damaged = data[:12] + bytes((data[12] ^ 1,)) + data[13:] if len(data) > 12 else data
        return {2: b"", 3: damaged, 5: data + data}.get(sent, data)

    pump = pump_on(harm)
    client = run(CLIENT, pump.port, PUMP_KEY.hex())
    assert (client.stderr, client.returncode) == ("", 0)
    assert pump.asked == [Interrogate(Section.IDENTITY), Interrogate(Section.THERAPY), Close(True)]


def test_the_minimal_client_stops_at_a_pump_with_another_key(pump_on: PumpOn) -> None:
    """If the pump's proof is wrong the client ends before it sends its own."""
    pump = pump_on()
    client = run(CLIENT, pump.port, bytes(32).hex())
    assert client.returncode != 0
    assert "InvalidSignature" in client.stderr
    assert pump.events == []
    assert not any(isinstance(event, RecordRejected) for event in pump.events)
