"""Every failure of the table is real: it can be caused, has its effect, and is noticed as its class claims."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from emulator.bench_faults import FAULTS
from emulator.firmware.alarm_table import ALARMS, BY_CODE
from emulator.firmware.alarms import Timing
from emulator.workups.finding import Workup
from emulator.workups.reading import shipped_catalogue
from protocol.units import HOUR_MS, MINUTE_MS
from protocol.vocabulary import AlarmCode
from tests.verify.alarm_properties import ALARM_PROPERTIES
from thecal.faults import faults
from verify.deadlines import load_deadlines
from verify.faults.catalogue import CLASSES, Failure, failures
from verify.faults.report import Outcome
from verify.faults.run import SCENES, run, runs

EVERY = list(runs())
FLOWS = {"keep": "keep", "minimum": "minimum", "stop": "stop"}
NO_FAILURE = {"ACCURACY"}
"""What the bench can cause that is no failure, only how pumps are."""


@pytest.mark.verifies("ALM-23", "ALM-24", "FLT-17")
@pytest.mark.safety
@pytest.mark.parametrize(("failure", "profile"), EVERY, ids=[f"{failure.id}-{profile}" for failure, profile in EVERY])
def test_every_failure_is_noticed_as_its_class_claims(
    failure: Failure, profile: str, record_property: Callable[[str, object], None]
) -> None:
    """Caused in a fresh pump, the failure is noticed by what its row says, in time and with nothing amiss.

    Its journal breaks no claim and no formula, and puts to the test the formula that demands its alarm.
    """
    outcome = run(failure, profile)
    record_property("premises", outcome.premises)
    assert outcome.problems == ()
    demanded = {ALARM_PROPERTIES[alarm] for alarm in failure.alarms}
    assert not demanded or demanded & set(outcome.premises)
    assert len(demanded) != 1 or demanded <= set(outcome.premises)
    assert outcome.noticed_by
    if outcome.deadline_ms is not None and outcome.after_ms is not None:
        assert outcome.after_ms <= outcome.deadline_ms


def test_every_row_has_a_scene_and_every_scene_a_row() -> None:
    """No failure is listed that cannot be caused, and none is caused that is not listed."""
    assert set(SCENES) == set(failures())
    assert {failure.claim for failure in failures().values()} == set(CLASSES)


def test_every_fault_of_the_bench_belongs_to_a_failure() -> None:
    """What the bench can make go wrong is in the table."""
    assert {fault.id for fault in FAULTS.values()} - NO_FAILURE <= set(failures())


def test_every_alarm_is_put_to_the_test_by_a_failure_of_its_own() -> None:
    """Each alarm is the only one of some failure, whose scene then shows the formula that demands it."""
    alone = {failure.alarms[0] for failure in failures().values() if len(failure.alarms) == 1}
    assert alone == set(ALARM_PROPERTIES)


@pytest.mark.verifies("ALM-02", "ALM-24")
def test_every_alarm_answers_a_failure_and_agrees_with_its_tables() -> None:
    """Each alarm code has a detector, a failure that causes it, a deadline, and one flow in all."""
    named = {alarm for failure in failures().values() for alarm in failure.alarms}
    assert named == {code.name.lower() for code in AlarmCode} == set(load_deadlines().alarms)
    assert set(BY_CODE) == set(AlarmCode)
    for failure in failures().values():
        for alarm in failure.alarms:
            row = load_deadlines().alarms[alarm]
            flow = BY_CODE[AlarmCode[alarm.upper()]].flow.name
            assert row.flow == flow
            assert row.priority == BY_CODE[AlarmCode[alarm.upper()]].priority.name.lower()
            if failure.flow in FLOWS and len(failure.alarms) == 1:
                assert failure.flow == flow
        assert bool(failure.alarms) <= bool(failure.clears)
        assert failure.claim != "clinical" or not failure.alarms


def test_examinations_that_are_named_can_find_it() -> None:
    """Each examination that a row names can speak for that failure at all."""
    catalogue = shipped_catalogue()
    for failure in failures().values():
        for name in failure.found_by:
            workup = Workup(name)
            can = failure.id in catalogue.can_find(workup) or workup is Workup.EXAMINATION
            assert can or failure.id in ("MRI", "BATTERY-PREMATURE"), (failure.id, name)


def test_a_clinical_failure_is_never_claimed_for_the_device() -> None:
    """What only a patient or an examination shows has no alarm and no deadline."""
    for failure in failures().values():
        if failure.claim == "clinical":
            assert (failure.alarms, failure.deadline) == ((), "")


def test_an_outcome_that_falls_short_says_so() -> None:
    """A problem makes an outcome fail, and its words are the problem's."""
    late = Outcome("MOTOR-STALL", "peristaltic", "device", "", None, None, ("too late",), 0, 0, 0, 0, (), ())
    assert not late.holds
    assert late.words() == "too late"
    assert late.as_json()["holds"] is False


def test_a_scene_whose_journal_breaks_a_claim_falls_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scene that is content with a pump that the judge is not content with is not good enough."""
    seldom = Timing(critical_ms=HOUR_MS, non_critical_ms=HOUR_MS, silence_ms=MINUTE_MS)
    monkeypatch.setattr("emulator.firmware.watching.timing_of", lambda _: seldom)
    outcome = run(failures()["MOTOR-STALL"], "peristaltic")
    assert not outcome.holds
    assert any(problem.startswith("the judge: ") for problem in outcome.problems)


def test_a_pump_without_its_detector_falls_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the row of an alarm lost its detector, the run says that nothing noticed the failure."""
    without = tuple(row for row in ALARMS if row.code is not AlarmCode.MOTOR_STALL)
    monkeypatch.setattr("emulator.firmware.watching.ALARMS", without)
    outcome = run(failures()["MOTOR-STALL"], "peristaltic")
    assert not outcome.holds
    assert "nothing noticed it" in outcome.problems


def test_outcomes_can_be_kept_in_a_file_for_a_report(tmp_path: Path) -> None:
    """What "faults run" finds is written to a file as JSON, beside what it prints."""
    out = tmp_path / "faults.json"
    result = CliRunner().invoke(faults, ["run", "MOTOR-STALL", "--profile", "peristaltic", "--out", str(out)])
    assert result.exit_code == 0
    document = json.loads(out.read_text("utf-8"))
    assert [outcome["failure"] for outcome in document["outcomes"]] == ["MOTOR-STALL"]
    assert {"commit", "dirty", "started", "ended", "seed", "versions"} == set(document["made"])


def test_what_reached_the_patient_is_counted_over_the_time_in_which_it_did() -> None:
    """A failure that begins days after its cause does not make days of therapy look like an overdose."""
    outcome = run(failures()["BATTERY-PREMATURE"], "peristaltic")
    assert outcome.reached_permille is not None
    assert 900 <= outcome.reached_permille <= 1_050
    assert outcome.note


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_caused(tmp_path: Path) -> None:
    """A wrong place for the outcomes is told at once, and not after all failures have been caused."""
    wanted = ["run", "MOTOR-STALL", "--profile", "peristaltic", "--out", str(tmp_path / "nowhere" / "faults.json")]
    result = CliRunner().invoke(faults, wanted)
    assert result.exit_code == 3
    assert "[1/1]" not in result.output
