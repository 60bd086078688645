"""Wireshark's dissector and sigrok's decoder, run by the real tools: they see what we see."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from hw.capture import read_capture
from protocol.channel_seal import Seal
from protocol.frame import FrameFault
from protocol.messages import MESSAGES, Sealed
from tests.decoders import views, wires
from tests.thecal.running import Run, StartPump

SEEDS = [1, 2, 3]


def test_wireshark_sees_every_message(tmp_path: Path) -> None:
    """Every kind of frame and every message, sealed ones opened: each field has our value."""
    capture, keylog, packets = wires.write(tmp_path, wires.every_message())
    expected = [views.as_wireshark(each) for each in views.heard(packets, keylog)]
    assert views.seen_by_wireshark(capture, keylog) == expected
    assert _names(expected) == {cls.__name__ for cls in MESSAGES.values()}


def test_sigrok_sees_every_message(tmp_path: Path) -> None:
    """Every kind of frame and every message, sealed ones opened: each field has our value and unit."""
    capture, keylog, packets = wires.write(tmp_path, wires.every_message())
    expected = [views.as_sigrok(each) for each in views.heard(packets, keylog)]
    assert views.seen_by_sigrok(capture, keylog) == expected
    assert _names(expected) == {cls.__name__ for cls in MESSAGES.values()}


@pytest.mark.parametrize("seed", SEEDS)
def test_wireshark_sees_damage_as_we_do(tmp_path: Path, seed: int) -> None:
    """Noise, lost and doubled bytes, malformed messages, any cut of the stream: the same frames and faults."""
    rng = random.Random(seed)
    pieces = wires.harmed(wires.every_message() + wires.malformed(rng), rng)
    capture, keylog, packets = wires.write(tmp_path, pieces)
    expected = [views.as_wireshark(each) for each in views.heard(packets, keylog)]
    assert views.seen_by_wireshark(capture, keylog) == expected
    _is_hostile(expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_sigrok_sees_damage_as_we_do(tmp_path: Path, seed: int) -> None:
    """The same for sigrok, sampled from two lines."""
    rng = random.Random(seed)
    pieces = wires.harmed(wires.every_message() + wires.malformed(rng), rng)
    capture, keylog, packets = wires.write(tmp_path, pieces)
    expected = [views.as_sigrok(each) for each in views.heard(packets, keylog)]
    assert views.seen_by_sigrok(capture, keylog) == expected
    _is_hostile(expected)


def test_every_check_of_a_frame_is_made(tmp_path: Path) -> None:
    """Each fault has its name in both tools, and a frame that is not stuffed in the shortest form is none."""
    capture, keylog, packets = wires.write(tmp_path, wires.faulty())
    heard = views.heard(packets, keylog)
    assert {each.fault for each in heard} == set(FrameFault)
    assert views.seen_by_wireshark(capture, keylog) == [views.as_wireshark(each) for each in heard]
    assert views.seen_by_sigrok(capture, keylog) == [views.as_sigrok(each) for each in heard]


def _names(seen: list[views.View]) -> set[str]:
    return {name for view in seen for name in view.messages}


def _is_hostile(seen: list[views.View]) -> None:
    """The premise: faults of several kinds, malformed messages and good ones all occur."""
    assert {FrameFault.OVERLONG.value, FrameFault.SHORT.value, FrameFault.CHECKSUM.value} < {
        view.fault for view in seen
    }
    assert any(view.malformed for view in seen)
    assert len(_names(seen)) > len(MESSAGES) / 2


@pytest.fixture
def recorded_visit(
    tmp_path: Path, start_pump: StartPump, run: Run, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Path]:
    """Return the capture and key log of a whole programming visit to a pump in another process."""
    capture, keylog = tmp_path / "visit.pcapng", tmp_path / "keys"
    running = start_pump("--capture", str(capture), "--keylog", str(keylog))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("THECAL_PORT", str(running.link))
    fluid = ("--fluid", "morphine", "20 mg/mL")
    assert run("program", "interrogate").code == 0
    assert run("program", "set", *fluid, "--daily-dose", "1 mg/day", "--yes").code == 0
    assert run("program", "bolus", "0.1 mg", "--over", "10 min").code == 0
    assert run("program", "log").code == 0
    assert run("program", "self-test").code == 0
    assert run("program", "stop").code == 0
    assert running.end() == 0
    return capture, keylog


def test_wireshark_finds_every_frame_of_a_visit(recorded_visit: tuple[Path, Path]) -> None:
    """A whole programming visit, from reset to close: every frame, opened, and every request beside its reply."""
    capture, keylog = recorded_visit
    expected = [views.as_wireshark(each) for each in views.heard(list(read_capture(capture)), keylog)]
    assert views.seen_by_wireshark(capture, keylog) == expected
    assert {"Commit", "Accepted", "ClinicianBolus", "LogPage", "Closed"} < _names(expected)
    assert not any(view.malformed or view.fault for view in expected)
    rows = views.tshark(capture, "-2", "-T", "fields", "-e", "thecal.type", "-e", "thecal.reply_in").split("\n")
    requests = [row.split("\t") for row in rows if row.startswith(("0x01", "0x03"))]
    assert len(requests) == len([view for view in expected if view.sender == "programmer"])
    assert all(reply for _, reply in requests)


def test_sigrok_finds_every_frame_of_a_visit(recorded_visit: tuple[Path, Path]) -> None:
    """A whole programming visit on two sampled lines: every frame, opened."""
    capture, keylog = recorded_visit
    expected = [views.as_sigrok(each) for each in views.heard(list(read_capture(capture)), keylog)]
    assert views.seen_by_sigrok(capture, keylog) == expected
    assert {"Commit", "Accepted", "ClinicianBolus", "LogPage", "Closed"} < _names(expected)


def test_without_the_key_log_sealed_records_stay_closed(tmp_path: Path) -> None:
    """Both tools then show the frames and the seals, and no message that was under one."""
    capture, _, packets = wires.write(tmp_path, wires.every_message())
    empty = tmp_path / "empty"
    empty.write_text("")
    heard = views.heard(packets, empty)
    assert all(each.inner is None for each in heard)
    assert views.seen_by_wireshark(capture, empty) == [views.as_wireshark(each) for each in heard]
    assert views.seen_by_sigrok(capture, empty) == [views.as_sigrok(each) for each in heard]


def test_a_seal_with_a_changed_tag_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither tool shows a message whose seal does not verify, though the cipher alone would give one."""
    honest = Seal.close
    monkeypatch.setattr(Seal, "close", lambda *args: (record := honest(*args))[:-1] + bytes([record[-1] ^ 0x80]))
    capture, keylog, packets = wires.write(tmp_path, wires.every_message())
    heard = views.heard(packets, keylog)
    assert any(isinstance(each.record, Sealed) for each in heard)
    assert all(each.inner is None for each in heard)
    assert views.seen_by_wireshark(capture, keylog) == [views.as_wireshark(each) for each in heard]
    assert views.seen_by_sigrok(capture, keylog) == [views.as_sigrok(each) for each in heard]
