"""``--capture``, ``--keylog`` and ``thecal hw decode``: a visit recorded at the door, and read again."""

from __future__ import annotations

import json
import shutil
import signal
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hw.capture import Flow, Packet, read_capture
from hw.keylog import KeyRing, read_keylog
from hw.listening import Heard, listen
from protocol.frame import Frame
from protocol.messages import Sealed
from tests.thecal.conftest import FLUID
from tests.thecal.running import Run, RunningPump, StartPump, wait_long
from thecal import cli

SET = ("set", "--fluid", "morphine", "20 mg/mL", "--daily-dose", "1 mg/day", "--yes")


@pytest.fixture
def recorded(start_pump: StartPump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> RunningPump:
    """Return a running pump whose wire is recorded as pump.pcapng and keys, and which this process finds."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("THECAL_PORT", str(tmp_path / "pump"))
    return start_pump("--capture", str(tmp_path / "pump.pcapng"), "--keylog", str(tmp_path / "keys"))


def heard(folder: Path, capture: str = "pump.pcapng", keylog: str = "keys") -> list[Heard]:
    """Return what a capture says with a key log."""
    ring = KeyRing(read_keylog((folder / keylog).read_text().splitlines()))
    return list(listen(read_capture(folder / capture), ring))


def stream(packets: list[Packet], flow: Flow) -> bytes:
    """Return one direction's bytes."""
    return b"".join(packet.data for packet in packets if packet.flow is flow)


@pytest.mark.usefixtures("patient_link")
def test_both_ends_record_the_same_wire(recorded: RunningPump, tmp_path: Path, run: Run) -> None:
    """What went out at one end came in at the other, byte for byte, and both key logs open all of it."""
    began = datetime.now(UTC)
    record = ("--capture", str(tmp_path / "visit.pcapng"), "--keylog", str(tmp_path / "other-keys"))
    assert run("program", *record, *SET).code == 0
    recorded.end()
    ended = datetime.now(UTC)
    pump, programmer = (list(read_capture(tmp_path / name)) for name in ("pump.pcapng", "visit.pcapng"))
    assert stream(pump, Flow.INBOUND) == stream(programmer, Flow.OUTBOUND) != b""
    assert stream(pump, Flow.OUTBOUND) == stream(programmer, Flow.INBOUND) != b""
    for capture, keylog in (("pump.pcapng", "other-keys"), ("visit.pcapng", "keys")):
        said = heard(tmp_path, capture, keylog)
        assert {type(each.inner).__name__ for each in said} > {"Commit", "Accepted", "Closed"}
        assert all(each.inner for each in said if isinstance(each.record, Sealed))
        times = [datetime.fromtimestamp(0, UTC) + timedelta(microseconds=each.at_us) for each in said]
        assert began - timedelta(milliseconds=1) <= times[0]
        assert times == sorted(times)
        assert times[-1] <= ended


def test_a_key_log_grows_and_is_its_owners_alone(recorded: RunningPump, tmp_path: Path, run: Run) -> None:
    """Every visit adds its session; the file warns whoever opens it, and so does the terminal."""
    keylog = tmp_path / "visits"
    for _ in range(2):
        answer = run("program", "--keylog", str(keylog), "interrogate", "--section", "battery")
        assert answer.code == 0
        assert "whoever has it can read" in answer.err
    lines = keylog.read_text().splitlines()
    assert lines[0].startswith("# ")
    assert "whoever has this file" in lines[0]
    assert len(read_keylog(lines)) == len(lines) - 1 == 2
    assert stat.S_IMODE(keylog.stat().st_mode) == 0o600
    assert set(lines[1:]) < set((tmp_path / "keys").read_text().splitlines())


def test_a_killed_pump_leaves_a_readable_capture(recorded: RunningPump, tmp_path: Path, run: Run) -> None:
    """Whatever was answered before the kill is in the file."""
    assert run("program", *SET).code == 0
    recorded.end(signal.SIGKILL)
    assert "Closed" in {type(each.inner).__name__ for each in heard(tmp_path)}


@pytest.mark.usefixtures("patient_link")
def test_one_echoing_wire_is_recorded_once(run: Run, tmp_path: Path) -> None:
    """``thecal loop`` has both ends on one wire: each frame stands in the capture once, from whoever sent it."""
    record = ("--capture", str(tmp_path / "loop.pcapng"), "--keylog", str(tmp_path / "keys"))
    assert run("loop", *record).code == 0
    frames = [each.frame for each in heard(tmp_path, "loop.pcapng") if isinstance(each.frame, Frame)]
    assert len(frames) == len(set(frames)) > 20
    assert len({frame.direction for frame in frames}) == 2


def test_a_capture_is_not_overwritten_and_nothing_is_sent(recorded: RunningPump, tmp_path: Path, run: Run) -> None:
    """A file that is there is wrong usage; a folder that is not there is missing."""
    taken = tmp_path / "taken"
    taken.write_text("precious")
    refused = run("program", "--capture", str(taken), *SET)
    assert (refused.code, taken.read_text()) == (2, "precious")
    for option in ("--capture", "--keylog"):
        missing = run("program", option, str(tmp_path / "nowhere" / "file"), *SET)
        assert missing.code == 3
        assert "No such file" in missing.err
    recorded.end()
    assert heard(tmp_path) == []


def test_a_port_that_is_not_there_leaves_no_files(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command can be given again when the port is there."""
    files = tmp_path / "wire.pcapng", tmp_path / "keys"
    record = ("--capture", str(files[0]), "--keylog", str(files[1]), "--key", "00" * 32)
    assert run("program", *record, "--port", str(tmp_path / "nowhere"), "interrogate").code == 3
    assert run("pump", *record, "--port", str(tmp_path / "nowhere")).code == 3
    assert not any(file.exists() for file in files)


def test_a_full_disk_ends_the_capture_and_not_the_visit(recorded: RunningPump, run: Run) -> None:
    """A key log that cannot be written is said and costs nothing else."""
    answer = run("program", "--keylog", "/dev/full", "interrogate")
    assert answer.code == 0
    assert "lacks a session" in answer.err


@pytest.fixture(scope="module")
def _one_visit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("visit")
    pump = RunningPump(folder, *FLUID, "--capture", str(folder / "pump.pcapng"), "--keylog", str(folder / "keys"))
    try:
        with pytest.MonkeyPatch.context() as patch:
            wait_long(patch)
            patch.setenv("XDG_DATA_HOME", str(folder / "data"))
            assert cli.run(("program", "--port", str(pump.link), *SET)) == 0
    finally:
        assert pump.end() == 0
    return folder


@pytest.fixture
def visit(_one_visit: Path, tmp_path: Path) -> Path:
    """Return a folder of the test's own with the record of one visit."""
    for name in ("pump.pcapng", "keys"):
        shutil.copy(_one_visit / name, tmp_path)
    return tmp_path


def test_decode_prints_every_frame_with_its_fields(visit: Path, run: Run) -> None:
    """Time, direction, link type, number, message, and each field with its unit."""
    answer = run("hw", "decode", str(visit / "pump.pcapng"), "--keylog", str(visit / "keys"))
    assert answer.code == 0
    lines = answer.out.splitlines()
    said = heard(visit)
    assert len([line for line in lines if " programmer -> pump  " in line or " programmer <- pump  " in line]) == len(
        said
    )
    assert "Commit  sealed, counter" in answer.out
    assert "prescription rate" in answer.out
    assert "50 uL/day" in answer.out
    assert lines[-1] == f"{len(said)} frames, 0 damaged, 0 sealed, not opened"


def test_decode_gives_programs_everything(visit: Path, run: Run) -> None:
    """One document; amounts with number and unit."""
    document = run("hw", "decode", str(visit / "pump.pcapng"), "--keylog", str(visit / "keys"), "--json").json()
    frames = document["frames"]
    assert [frame["kind"] for frame in frames[:2]] == ["reset", "reset_ack"]
    (staged,) = [frame for frame in frames if frame.get("message") == "StagePrescription"]
    assert staged["from"] == "programmer"
    assert staged["flow"] == "inbound"
    assert staged["fields"]["prescription"]["rate"] == {"value": 50_000, "unit": "nL/day", "text": "50 uL/day"}
    assert datetime.fromisoformat(staged["time"]).tzinfo is UTC
    assert document["problem"] == ""


def test_decode_without_keys_shows_the_seals(visit: Path, run: Run) -> None:
    """The handshake and the counters are there; no sealed message is."""
    text = run("hw", "decode", str(visit / "pump.pcapng")).out
    assert "HelloReply" in text
    assert "not opened: no key fits" in text
    assert "Commit" not in text
    frames = run("hw", "decode", str(visit / "pump.pcapng"), "--json").json()["frames"]
    assert {frame.get("message") for frame in frames} == {None, "Hello", "HelloReply", "Prove"}
    assert {frame["sealed"]["session"] for frame in frames if "sealed" in frame} == {None}


def test_decode_shows_damage_as_damage(visit: Path, run: Run) -> None:
    """A flipped bit on the wire is one frame less and one line that says which check failed, with the bytes."""
    path = visit / "pump.pcapng"
    longest = max((packet.data for packet in read_capture(path)), key=len)
    flipped = 2 if longest[40] == 1 else 1  # no flip may make a delimiter, which would end the frame early
    harmed = longest[:40] + bytes([longest[40] ^ flipped]) + longest[41:]
    path.write_bytes(path.read_bytes().replace(longest, harmed))
    documents = run("hw", "decode", str(path), "--json").json()["frames"]
    (damaged,) = [frame for frame in documents if "damaged" in frame]
    assert damaged["bytes"] == harmed.strip(b"\0").hex()
    text = run("hw", "decode", str(path)).out
    assert f"damaged ({damaged['damaged']})  {harmed.strip(bytes(1)).hex(' ')}" in text
    assert text.splitlines()[-1].startswith(f"{len(documents) - 1} frames, 1 damaged")


def test_decode_goes_as_far_as_the_file(visit: Path, run: Run) -> None:
    """A capture that was cut off is printed up to there, and the exit code says that something is missing."""
    path = visit / "pump.pcapng"
    whole = run("hw", "decode", str(path)).out.splitlines()
    path.write_bytes(path.read_bytes()[:-20])
    for options in ((), ("--json",)):
        answer = run("hw", "decode", str(path), *options)
        assert answer.code == 3
        assert "cut off" in answer.err
        if options:
            assert "cut off" in json.loads(answer.out)["problem"]
        else:
            assert len(whole) - 3 <= len(answer.out.splitlines()) < len(whole)


@pytest.mark.parametrize(
    ("content", "code", "words"), [("THECAL_SESSION 00", 2, "line 1"), ("\udcff", 3, "cannot read")]
)
def test_a_bad_key_log_is_said(visit: Path, run: Run, content: str, code: int, words: str) -> None:
    """With the line that is wrong, or the reason why it cannot be read."""
    keylog = visit / "bad"
    keylog.write_bytes(content.encode("utf-8", "surrogateescape"))
    answer = run("hw", "decode", str(visit / "pump.pcapng"), "--keylog", str(keylog))
    assert answer.code == code
    assert words in answer.err


def test_the_demo_can_be_recorded(run: Run, tmp_path: Path) -> None:
    """Three days of sessions in two roles, a lost answer among them: all of it is in the capture and opens."""
    record = ("--capture", str(tmp_path / "demo.pcapng"), "--keylog", str(tmp_path / "keys"))
    assert run("demo", "--out", str(tmp_path / "out"), *record).code == 0
    said = heard(tmp_path, "demo.pcapng")
    assert not [each for each in said if each.fault or each.problem]
    assert all(each.inner for each in said if isinstance(each.record, Sealed))
    assert {type(each.inner).__name__ for each in said} > {"PatientBolus", "Refused", "QueryCommand", "CommandReport"}
    secrets = read_keylog((tmp_path / "keys").read_text().splitlines())
    assert {secret.role.name for secret in secrets} == {"CLINICIAN", "PATIENT"}
