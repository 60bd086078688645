"""Fixtures: running pumps that this process's commands find by themselves."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.thecal.running import Answer, Run, RunningPump, StartPump, wait_long
from thecal import cli

FLUID = ("--fluid", "morphine", "20 mg/mL")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that calls ``thecal`` with arguments and gives what became of it."""
    monkeypatch.setenv("NO_COLOR", "1")
    for name in ("THECAL_PORT", "THECAL_KEY", "THECAL_CONTROL"):
        monkeypatch.delenv(name, raising=False)

    def thecal(*arguments: str) -> Answer:
        capsys.readouterr()
        code = cli.run(arguments)
        return Answer(code, *capsys.readouterr())

    return thecal


@pytest.fixture
def patient_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process's programmers wait for answers as long as it takes, so that a busy machine repeats no frame.

    For tests that count frames; that repeated ones do no harm is shown elsewhere.
    """
    wait_long(monkeypatch)


@pytest.fixture(scope="session")
def _session_pump(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPump]:
    running = RunningPump(tmp_path_factory.mktemp("pump"), *FLUID)
    yield running
    assert running.end() == 0


@pytest.fixture
def pump(_session_pump: RunningPump, monkeypatch: pytest.MonkeyPatch, run: Run) -> RunningPump:
    """Return a running pump that this process's commands find by themselves."""
    monkeypatch.setenv("XDG_DATA_HOME", str(_session_pump.folder / "data"))
    monkeypatch.setenv("THECAL_PORT", str(_session_pump.link))
    monkeypatch.setenv("THECAL_CONTROL", str(_session_pump.control))
    return _session_pump


@pytest.fixture
def programmed(pump: RunningPump, run: Run) -> RunningPump:
    """Return the pump infusing 1 mg of morphine a day, with nothing left over from other tests."""
    usual = ("--daily-dose", "1 mg/day", "--no-patient-bolus", "--limit-24h", "morphine", "20 mg")
    answer = run("program", "set", "--fluid", "morphine", "20 mg/mL", *usual, "--reason", "a new test", "--yes")
    assert answer.code == 0, answer
    for alarm in run("program", "--json", "interrogate", "--section", "alarms").json()["alarms"]["alarms"]:
        assert run("program", "acknowledge", alarm["code"]).code == 0
    run("program", "cancel-bolus")
    run("program", "start")
    return pump


@pytest.fixture
def start_pump(tmp_path: Path) -> Iterator[StartPump]:
    """Return a function that starts a pump in the test's folder; what still runs at the end is killed."""
    started: list[RunningPump] = []

    def start(*options: str) -> RunningPump:
        started.append(RunningPump(tmp_path, *FLUID, *options))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.end(signal.SIGKILL)
