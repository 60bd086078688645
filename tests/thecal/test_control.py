"""``thecal control`` and the desk behind it."""

from pathlib import Path
from typing import Any

import pytest

from emulator.bench import Bench
from emulator.device import Filling, PumpDevice
from emulator.hardware.profile import load_profile
from emulator.library import Library
from tests.thecal.running import Run, RunningPump, StartPump
from thecal.desk import Desk
from thecal.driver import TimeDriver


@pytest.fixture
def frozen() -> tuple[Desk, TimeDriver]:
    """Return a desk over a new pump whose time stands still, and its driver."""
    library, profile = Library.shipped(), load_profile("peristaltic")
    device = PumpDevice(
        profile=profile, library=library, key=bytes(32), serial="DESK", entropy=bytes, filling=Filling(20_000_000, ())
    )
    driver = TimeDriver(0, 0)
    return Desk(Bench(device, library), driver), driver


def test_time_goes_on_from_where_the_bench_is(frozen: tuple[Desk, TimeDriver]) -> None:
    """After an advance the driver stands where the bench stands."""
    desk, driver = frozen
    assert desk({"do": "advance", "time": "2 h"})["now_ms"] == 7_200_000
    assert driver.now_ms() == 7_200_000
    assert desk({"do": "time"}) == {
        "ok": True,
        "now_ms": 7_200_000,
        "speed": 0,
        "speed_now": 0,
        "next_event_ms": 8_100_000,
    }


def test_a_jump_without_power_is_answered_with_a_reason(frozen: tuple[Desk, TimeDriver]) -> None:
    """While the pump has no power nothing will happen by itself, and the bench says so."""
    desk, _ = frozen
    desk({"do": "cut_power"})
    reply = desk({"do": "jump"})
    assert reply["ok"] is False
    assert "nothing is going to happen" in reply["error"]


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"do": None},
        {"do": ["advance"]},
        {"do": "dance"},
        {"do": "advance"},
        {"do": "advance", "time": 5},
        {"do": "advance", "time": "-1 h"},
        {"do": "speed"},
        {"do": "speed", "factor": 1.5},
        {"do": "speed", "factor": -1},
        {"do": "speed", "factor": 10**9},
        {"do": "inject"},
        {"do": "inject", "fault": "gremlins"},
        {"do": "inject", "fault": "motor_stall", "settings": [1]},
        {"do": "inject", "fault": "motor_stall", "settings": {"how": "much"}},
        {"do": "clear", "fault": "motor_stall"},
        {"do": "refill", "volume": "21 mL"},
        {"do": "refill", "volume": 5},
        {"do": "refill", "volume": "5 mL", "drug": "aspirin", "concentration": "1 mg/mL"},
    ],
)
def test_a_request_that_cannot_be_is_answered_with_a_reason(
    frozen: tuple[Desk, TimeDriver], request_: dict[str, Any]
) -> None:
    """Nothing raises and nothing changes, whatever is asked."""
    desk, driver = frozen
    before = desk({"do": "truth"})
    answer = desk(request_)
    assert answer["ok"] is False
    assert answer["error"]
    assert desk({"do": "truth"}) == before
    assert driver.speed == 0


def test_power_is_cut_and_restored(pump: RunningPump, run: Run) -> None:
    """Without power the pump does not answer; with power it does, and asks to be confirmed again."""
    assert run("control", "cut-power").code == 0
    assert run("control", "--json", "truth").json()["powered"] is False
    assert run("control", "restore-power").code == 0
    alarms = run("program", "--json", "interrogate", "--section", "alarms").json()["alarms"]["alarms"]
    assert "reset" in [alarm["code"] for alarm in alarms]


def test_speed_is_set_by_name(pump: RunningPump, run: Run) -> None:
    """freeze, x60 and back."""
    assert run("control", "--json", "freeze").json()["speed"] == 0
    frozen = run("control", "--json", "time").json()["now_ms"]
    assert run("control", "--json", "time").json()["now_ms"] == frozen
    assert run("control", "--json", "speed", "x60").json()["speed"] == 60
    assert run("control", "--json", "speed", "x1").json()["speed"] == 1


def test_a_jump_goes_to_the_next_event(programmed: RunningPump, run: Run) -> None:
    """It lands on the instant that was announced."""
    assert run("control", "freeze").code == 0
    announced = run("control", "--json", "time").json()["next_event_ms"]
    assert run("control", "--json", "jump").json()["now_ms"] == announced
    assert run("control", "speed", "x1").code == 0


def test_the_needle_fills_behind_the_pumps_back(pump: RunningPump, run: Run) -> None:
    """What is filled in is true at once, and drug and concentration belong together."""
    filled = run("control", "--json", "refill", "10 mL", "--drug", "morphine", "--concentration", "20 mg/mL").json()
    assert filled["reservoir_nl"] == 10_000_000
    assert run("control", "refill", "20 mL").code == 0
    assert run("control", "refill", "10 mL", "--drug", "morphine").code == 2
    assert run("control", "refill", "10").code == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("inject", "gremlins"), 1),
        (("inject", "memory", "bit=99999999"), 1),
        (("inject", "memory", "bit"), 2),
        (("inject", "memory", "bit=1.5"), 1),
        (("clear", "motor_stall"), 1),
        (("advance", "2"), 2),
        (("speed", "fast"), 2),
        (("dance",), 2),
    ],
)
def test_what_the_bench_cannot_do_is_refused(
    pump: RunningPump, run: Run, arguments: tuple[str, ...], code: int
) -> None:
    """A fault that is not there is 1, an argument that makes no sense is 2."""
    assert run("control", *arguments).code == code


def test_where_nobody_listens_is_named(run: Run, tmp_path: Path) -> None:
    """Exit code 3, and the way to start a pump that listens."""
    answer = run("control", "--control", str(tmp_path / "none"), "truth")
    assert answer.code == 3
    assert "--control" in answer.err


def test_help_needs_no_pump_and_lists_the_faults(run: Run) -> None:
    """What can be injected is in the help; only carrying it out needs a socket."""
    assert "motor_stall" in run("control", "inject", "--help").out
    assert run("control", "truth").code == 2


def test_a_patient_is_seen_and_examined(start_pump: StartPump, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --patient the bench shows signs and carries examinations out; an unknown one is refused with the list."""
    pump = start_pump("--patient", "back-pain", "--speed", "freeze")
    monkeypatch.setenv("THECAL_CONTROL", str(pump.control))
    assert run("control", "advance", "2 h").code == 0
    assert run("control", "--json", "patient").json()["signs"][0].startswith("pain")
    assert run("control", "--json", "order", "x_ray").json()["workup"] == "x_ray"
    refused = run("control", "order", "biopsy")
    assert refused.code == 1
    assert "there are: interrogation" in refused.err


@pytest.mark.parametrize("request_", [{"do": "patient"}, {"do": "order", "workup": "x_ray"}])
def test_without_a_patient_the_bench_says_how_to_have_one(
    frozen: tuple[Desk, TimeDriver], request_: dict[str, Any]
) -> None:
    """Nobody can be examined who is not there."""
    answer = frozen[0](request_)
    assert answer["ok"] is False
    assert "--patient" in answer["error"]


def test_settings_are_written_as_people_write_them(pump: RunningPump, run: Run) -> None:
    """Shares in per cent, rates and times with units, and numbers below zero reach the bench as they are meant."""
    settings = ("severity=70%", "ramp=2 h", "lasts=90 min")
    assert run("control", "inject", "cath_kink", *settings).code == 0
    assert run("control", "inject", "drive_runaway", "rate=1 mL/h", "at=400 days").code == 0
    assert run("control", "inject", "inaccuracy", "drift=-2", "spread=1%").code == 0
    planned = run("control", "--json", "truth").json()
    assert {"cath_kink", "inaccuracy"} <= set(planned["faults"])
    for fault in ("cath_kink", "drive_runaway", "inaccuracy"):
        assert run("control", "clear", fault).code == 0
