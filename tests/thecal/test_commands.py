"""``thecal doctor``, ``thecal loop`` and ``thecal bench``."""

import os
import sys
from importlib import metadata
from pathlib import Path

import pytest

from protocol.frame import FrameDecoder
from tests.thecal.running import Run
from thecal import doctor
from thecal.benchmarks import codec, measure
from thecal.benchmarks.command import PARTS


def test_the_doctor_finds_everything_here(run: Run) -> None:
    """In this environment nothing is missing; every dependency is named with its version."""
    answer = run("doctor", "--json")
    found = {finding["name"]: finding for finding in answer.json()["findings"]}
    assert found["click"]["detail"] == metadata.version("click")
    assert found["crc-32/autosar"]["detail"] == "check value 1697D06A"
    assert found["pty"]["ok"] is True
    text = run("doctor")
    assert text.code == answer.code
    assert "python" in text.out


def test_a_missing_library_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor ends with 3 and says what to install."""
    monkeypatch.setattr(metadata, "requires", lambda name: ["no-such-library>=3"])
    answer = run("doctor")
    assert answer.code == 3
    assert "pip install 'no-such-library>=3'" in answer.out


def test_a_broken_library_does_not_break_the_doctor(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be imported is a finding."""
    monkeypatch.setitem(sys.modules, "protocol.crc", None)
    answer = run("doctor")
    assert answer.code == 3
    assert "MISSING" in answer.out


def test_a_machine_without_terminals_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container without /dev/pts has no virtual ports."""

    def fails() -> None:
        raise OSError(2, "No such file or directory")

    monkeypatch.setattr(os, "openpty", fails)
    assert run("doctor").code == 3


def test_a_port_without_permission_is_found() -> None:
    """The finding names the group."""
    finding = doctor._port("/no/such/port", "an adapter")
    assert finding.ok is False
    assert "dialout" in finding.detail


def test_slow_arithmetic_is_told_but_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the C extensions everything works."""
    monkeypatch.setattr("protocol.crc.crc_is_fast", lambda: False)
    finding = doctor._c_extensions()
    assert finding.ok is None
    assert "crcmod" in finding.detail


def test_both_ends_talk_through_one_echoing_port(run: Run) -> None:
    """Interrogation, programming and a bolus come through ``loop://``, each end dropping its own echo."""
    answer = run("loop", "--json")
    assert answer.code == 0
    assert answer.json()["therapy"]["state"] == "clinician_bolus"
    assert "clinician bolus" in run("loop").out


def test_a_loop_without_its_port_is_something_missing(run: Run, tmp_path: Path) -> None:
    """Exit code 3, as for every port."""
    assert run("loop", "--port", str(tmp_path / "none")).code == 3


def test_the_codec_is_measured() -> None:
    """Every way through the codec has a figure above zero, and the decoder's answers are checked meanwhile."""
    figures = codec.codec(0.01)
    assert len(figures) == 4
    assert all(figure.value > 0 for figure in figures)


def test_a_measurement_that_decodes_wrongly_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fast decoder that loses frames is not fast."""
    monkeypatch.setattr(FrameDecoder, "feed", lambda self, data: [])
    with pytest.raises(RuntimeError, match="frames decoded"):
        codec.codec(0.01)


def test_the_median_counts() -> None:
    """One lucky and one unlucky round change nothing, and works take turns."""
    order: list[str] = []

    def work(name: str) -> int:
        order.append(name)
        return 1

    speeds = measure.median_speeds({"a": lambda: work("a"), "b": lambda: work("b")}, 0.0)
    assert set(speeds) == {"a", "b"}
    assert order == ["a", "b"] * (measure.ROUNDS + 1)


def test_the_whole_bench_runs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Codec, wire (with pumps and peers in other processes) and simulation give figures in one document."""
    monkeypatch.setattr("thecal.benchmarks.command.QUICK_SECONDS", 0.01)
    monkeypatch.setattr("thecal.benchmarks.simulation.DAYS", 1)
    monkeypatch.setattr("thecal.benchmarks.simulation.YEARS", 1)
    answer = run("bench", "--quick", "--json")
    assert answer.code == 0, answer
    document = answer.json()
    assert document["quick"] is True
    names = [figure["name"] for part in PARTS for figure in document[part]]
    assert "sealed over bare" in names
    assert "simulated time at 2 mg/day" in names
