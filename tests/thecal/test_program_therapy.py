"""``thecal program`` with schedules, bridges, primes and dates, against a pump in another process."""

import io
import json
from datetime import datetime

import pytest

from tests.thecal.running import Run, RunningPump
from thecal.looking import this_computers_time

STEPS = ("--step", "all 00:00 1 mg/day", "--step", "mon-fri 06:00 1.4 mg/day", "--step", "mon-fri 22:00 1 mg/day")
FLEX = ("program", "--json", "set", "--flex", *STEPS)


def schedule_rows(run: Run) -> list[str]:
    """Return the lines of the schedule that an interrogation shows."""
    return [
        " ".join(line.split()) for line in run("program", "interrogate", "--section", "schedule").out.splitlines()
    ]


def test_a_schedule_is_set_and_shown_with_its_clock(programmed: RunningPump, run: Run) -> None:
    """Steps as they were typed, with flow and dose, and the day and time that it is for the pump."""
    answer = run(*FLEX, "--local-time", "wed 05:59", "--yes")
    assert answer.code == 0
    assert "step Mon-Fri 06:00: - -> 70 uL/day, 1.4 mg/day of morphine" in answer.err
    assert answer.json()["review"]["schedule"]["steps"][1]["rate"]["value"] == 70_000
    shown = schedule_rows(run)
    assert "step Mon-Fri 22:00 50 uL/day, 1 mg/day of morphine" in shown
    assert any(line.startswith("clock Wed 05:59") or line.startswith("clock Wed 06:00") for line in shown)
    document = run("program", "--json", "interrogate", "--section", "schedule").json()
    assert document["schedule"]["clock"].startswith("Wed ")
    assert run("control", "advance", "2 h").code == 0
    assert "flex" in run("program", "interrogate", "--section", "therapy").out
    assert "70 uL/day" in run("program", "watch", "--count", "1").out


def test_a_first_schedule_begins_with_this_computers_time_and_says_so(programmed: RunningPump, run: Run) -> None:
    """A later one keeps its clock, unless another time is stated; a clock that is far off is said at each look."""
    first = run(*FLEX, "--yes")
    assert "this computer's time" in first.err
    assert "here it is" not in run("program", "interrogate", "--section", "identity").err
    second = run("program", "set", "--flex", "--step", "all 00:00 1.2 mg/day", "--yes")
    assert second.code == 0
    assert "this computer's time" not in second.err
    assert "Monday" not in second.err
    other_day = "sun 12:00" if datetime.now().astimezone().weekday() < 5 else "wed 12:00"
    moved = run("program", "set", "--flex", "--local-time", other_day, "--yes")
    assert moved.code == 0
    assert "the schedule's Monday begins at pump time" in moved.err
    assert "here it is" in run("program", "interrogate", "--section", "identity").err


def test_this_computers_time_is_a_day_and_a_time() -> None:
    """As a clinician would write it."""
    day, _, time = this_computers_time().partition(" ")
    assert day in {"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
    assert len(time.split(":")) == 3


@pytest.mark.verifies("PRG-08")
@pytest.mark.parametrize(
    ("entries", "says"),
    [
        (("--flex",), "--flex needs --step"),
        (STEPS, "--step belongs to --flex"),
        (("--flex", *STEPS, "--daily-dose", "1 mg/day"), "choose one of"),
        (("--flex", "--step", "mon 00:00 1 mg/day"), "no step begins at 00:00 on Tue"),
        (("--flex", "--step", "all 00:00 1"), "“all 00:00 1”"),
        (("--flex", *STEPS, "--local-time", "noon"), "mon 14:30"),
        (("--bridge", "50 uL/day", "--no-bridge", "because"), "choose --bridge or --no-bridge"),
        (("--bridge", "50"), "no unit"),
        (("--no-bridge", "  "), "say why there is to be no bridge"),
        (("--local-time", "mon 14:30"), "no schedule to set"),
    ],
)
def test_entries_that_make_no_sense_say_what_and_where(
    programmed: RunningPump, run: Run, entries: tuple[str, ...], says: str
) -> None:
    """Wrong usage, and the pump is untouched."""
    answer = run("program", "set", *entries, "--yes")
    assert (answer.code, says in answer.err) == (2, True), answer.err
    held = run("program", "--json", "interrogate", "--section", "prescription").json()["prescription"]["prescription"]
    assert held["mode"] == "simple_continuous"


@pytest.mark.verifies("DOSE-06")
def test_a_slip_in_one_step_is_not_sent(programmed: RunningPump, run: Run) -> None:
    """A tenfold step is shown beside the others and refused."""
    slip = ("--step", "all 00:00 1 mg/day", "--step", "all 06:00 14 mg/day", "--step", "all 07:00 1 mg/day")
    refused = run("program", "--json", "set", "--flex", *slip, "--local-time", "mon 00:00", "--yes")
    assert refused.code == 1
    assert "highest step goes from 1 mg/day to 14 mg/day" in refused.err
    assert refused.json()["result"] == "not_done"


def test_a_change_of_strength_is_bridged_and_the_review_says_for_how_long(programmed: RunningPump, run: Run) -> None:
    """The bridge is shown before anything is sent, the pump then bridges, and a bolus waits."""
    answer = run("program", "--json", "set", "--fluid", "morphine", "10 mg/mL", "--yes")
    assert answer.code == 0
    assert "bridge: - -> 50 uL/day" in answer.err
    assert "50 uL/day for 6 days 12 h, until the old fluid (327 uL) has left the line" in answer.err
    assert "state bridge" in " ".join(run("program", "interrogate", "--section", "therapy").out.split())
    assert run("program", "bolus", "0.1 mg", "--over", "10 min").code == 1
    back = run("program", "set", "--fluid", "morphine", "20 mg/mL", "--no-bridge", "wrong label", "--yes")
    assert back.code == 0
    assert "meant (“wrong label”): the bridge under way is broken off" in back.err
    assert run("control", "advance", "10 days").code == 0


def test_a_prime_is_shown_confirmed_and_sent(programmed: RunningPump, run: Run) -> None:
    """A full line is not primed; one that is declared emptied is, as shown, and priming is no stop."""
    assert run("program", "prime", "--yes").code == 1
    assert run("program", "prime", "--line-emptied", "--volume", "400 uL", "--yes").code == 2
    answer = run("program", "--json", "prime", "--line-emptied", "--volume", "10 uL", "--over", "1 h", "--yes")
    assert answer.code == 0, answer
    assert "EMPTIED" in answer.err
    assert answer.json()["prime"]["prime"]["volume"]["value"] == 10_000
    assert "THE PUMP" not in answer.err
    assert "state priming" in " ".join(run("program", "interrogate", "--section", "therapy").out.split())
    assert run("control", "advance", "2 h").code == 0
    assert "simple continuous" in run("program", "interrogate", "--section", "therapy").out
    assert run("control", "advance", "10 days").code == 0


@pytest.mark.verifies("PRM-05")
def test_without_a_yes_nothing_is_primed(programmed: RunningPump, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody to ask is a no."""
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    refused = run("program", "--json", "prime", "--line-emptied")
    assert refused.code == 1
    assert refused.json()["words"] == "not confirmed"
    assert "simple continuous" in run("program", "interrogate", "--section", "therapy").out


@pytest.mark.verifies("RES-04")
def test_an_interrogation_says_when_a_refill_is_due(programmed: RunningPump, run: Run) -> None:
    """With what decides it; as a date once the pump's wall clock is set."""
    run("program", "refill", "--residual", "19 mL", "--contents", "20 mL")
    assert run("program", "clock", "2028-02-28T12:00Z").code == 0
    shown = run("program", "interrogate", "--section", "dates").out
    assert "refill due" in shown
    assert "replacement due" in shown
    assert "2028-05-28 (in " in shown
    assert "morphine is stable for 90 days" in shown
    document = json.loads(run("program", "--json", "interrogate", "--section", "dates").out)
    assert document["dates"]["refill"]["date"] == "2028-05-28"
    assert run("program", "--role", "observer", "interrogate", "--section", "dates").code == 0
