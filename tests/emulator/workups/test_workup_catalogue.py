"""The table of examinations: it agrees with the hazard analysis, is read strictly, and is what the document shows."""

from __future__ import annotations

import doctest
from importlib import resources
from pathlib import Path

import pytest

from emulator.workups.finding import Workup
from emulator.workups.reading import WorkupDataError, load_catalogue, read_catalogue, shipped_catalogue
from emulator.workups.situation import FAILURES, Condition
from emulator.workups.table import render_sight_table, render_workup_table
from protocol.vocabulary import AlarmCode

DOCUMENT = Path(__file__).parents[3] / "docs" / "workups.md"
TEXT = (resources.files("emulator") / "data" / "workups.toml").read_text(encoding="utf-8")
CATALOGUE = shipped_catalogue()

FOUND_BY = {
    "CATH-KINK": {Workup.RESIDUAL, Workup.ASPIRATION, Workup.X_RAY, Workup.DYE_STUDY},
    "CATH-OCCLUSION": {Workup.RESIDUAL, Workup.ASPIRATION, Workup.DYE_STUDY},
    "CATH-DISLODGED": {Workup.X_RAY, Workup.DYE_STUDY},
    "CATH-DISCONNECTED": {Workup.X_RAY, Workup.ASPIRATION, Workup.DYE_STUDY},
    "CATH-LEAK": {Workup.X_RAY, Workup.DYE_STUDY},
    "OVER-INFUSION": {Workup.RESIDUAL},
    "UNDER-INFUSION": {Workup.RESIDUAL, Workup.ROTOR_STUDY},
    "TOTAL-FAILURE": {Workup.INTERROGATION, Workup.ROTOR_STUDY, Workup.EXAMINATION},
    "PUMP-FLIPPED": {Workup.RESIDUAL, Workup.X_RAY},
    "PUMP-EROSION": {Workup.EXAMINATION},
}
"""What the hazard analysis says finds each failure that no alarm announces."""
BESIDES = {
    "CATH-KINK": {Workup.EXAMINATION, Workup.INDIUM_SCAN},
    "CATH-OCCLUSION": {Workup.EXAMINATION, Workup.INDIUM_SCAN},
    "CATH-DISLODGED": {Workup.EXAMINATION, Workup.INDIUM_SCAN, Workup.ASPIRATION},
    "CATH-DISCONNECTED": {Workup.EXAMINATION, Workup.INDIUM_SCAN},
    "CATH-LEAK": {Workup.EXAMINATION, Workup.INDIUM_SCAN},
    "OVER-INFUSION": {Workup.EXAMINATION},
    "UNDER-INFUSION": {Workup.EXAMINATION},
    "TOTAL-FAILURE": {Workup.RESIDUAL, Workup.INDIUM_SCAN},
    "PUMP-FLIPPED": {
        Workup.INTERROGATION, Workup.EXAMINATION, Workup.ULTRASOUND,
        Workup.ASPIRATION, Workup.DYE_STUDY, Workup.INDIUM_SCAN, Workup.ASSAY,
    },
    "PUMP-EROSION": set(),
}  # fmt: skip
"""What finds it besides: the patient's signs, the scan of the last resort, a dry tip, a port that is not found."""


@pytest.mark.parametrize("failure", FOUND_BY)
def test_a_failure_is_found_by_what_the_hazard_analysis_says(failure: str) -> None:
    """Each failure without an alarm is found by all that the analysis names, and by nothing unlisted."""
    assert set(CATALOGUE.found_by(failure)) == FOUND_BY[failure] | BESIDES[failure]


def test_both_directions_of_the_table_agree() -> None:
    """An examination can find a failure exactly if the failure is found by the examination."""
    for failure in CATALOGUE.failures:
        for workup in Workup:
            assert (failure in CATALOGUE.can_find(workup)) == (workup in CATALOGUE.found_by(failure))
    assert CATALOGUE.found_by("NO-SUCH-FAILURE") == ()


def test_every_failure_in_the_table_is_found_by_something() -> None:
    """No failure is named that nothing can find, and every condition belongs to one that is named."""
    assert all(CATALOGUE.found_by(failure) for failure in CATALOGUE.failures)
    assert set(FAILURES) == set(Condition)
    assert set(FAILURES.values()) <= CATALOGUE.failures.keys()


def test_every_condition_is_met_by_an_examination() -> None:
    """What can be wrong shows somewhere: by a row, or, for a pump that runs too fast, by what is left."""
    shown = {condition for plan in CATALOGUE.plans.values() for sight in plan.sights for condition in sight.shows}
    assert set(Condition) - shown == {Condition.OVER_INFUSING}
    assert Workup.RESIDUAL in CATALOGUE.found_by(FAILURES[Condition.OVER_INFUSING])


def test_every_alarm_of_the_pump_has_a_failure() -> None:
    """An interrogation can name the failure behind each alarm that the pump has."""
    alarms = CATALOGUE.plans[Workup.INTERROGATION].alarms
    assert {code.name.lower() for code in AlarmCode} <= alarms.keys()


def test_the_published_order_is_kept() -> None:
    """What costs and risks least comes first, and no contrast is ordered before the aspiration."""
    published = [
        Workup.INTERROGATION, Workup.RESIDUAL, Workup.X_RAY, Workup.ROTOR_STUDY,
        Workup.ASPIRATION, Workup.DYE_STUDY, Workup.INDIUM_SCAN,
    ]  # fmt: skip
    assert [workup for workup in CATALOGUE.order if workup in published] == published
    assert sorted(CATALOGUE.order, key=str) == sorted(Workup, key=str)


@pytest.mark.parametrize("table", [render_workup_table(), render_sight_table()], ids=["examinations", "sights"])
def test_the_document_shows_the_table(table: str) -> None:
    """The tables in docs/workups.md are those of the data, so they cannot drift."""
    assert table in DOCUMENT.read_text(encoding="utf-8")


def test_the_document_names_every_failure() -> None:
    """No failure that an examination speaks about is missing from the document."""
    page = DOCUMENT.read_text(encoding="utf-8")
    assert all(failure in page for failure in CATALOGUE.failures)


def test_the_examples_in_the_document_run() -> None:
    """What the document shows as a session is what Python answers."""
    outcome = doctest.testfile(str(DOCUMENT), module_relative=False, encoding="utf-8")
    assert outcome.attempted >= 6
    assert outcome.failed == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('value = "13/37", from', 'value = "38/37", from', "from 0 to 1"),
        ('value = "13/37", from', 'value = "much", from', "from 0 to 1"),
        ('value = "13/37", from', 'value = "1/0", from', "from 0 to 1"),
        ('confidence = "D"', 'confidence = "sure"', "confidence"),
        ('source = "as obstructed"', 'source = " "', "not empty"),
        ("from_permille = 300", "from_permille = 1001", "from 1 to 1000"),
        ("least = 60", "least = 91", "above"),
        ("least = 60", "least = 360", "from 0 to 359"),
        ("shows.eroded", "shows.corroded", "corroded"),
        ('outcome = "OVERDOSE"', 'outcome = "DEATH"', "DEATH"),
        ('outcome = "OVERDOSE"\n', "", "only the residual"),
        ('aftermath = "nothing"', 'aftermath = "something"', "something"),
        ('repeats = "lasting"', 'repeats = "never"', "lasting"),
        ("needs_port = false", 'needs_port = "no"', "true or false"),
        ('CATH-LEAK = "the catheter leaks"\n', "", "CATH-LEAK"),
        ('"indium_scan", "assay"', '"indium_scan", "indium_scan"', "once"),
        ('"indium_scan", "assay"', '"indium_scan", "tasting"', "tasting"),
        ("[workup.residual.sight.high]", "[workup.residual.sight.more]", "high"),
        ('words = "The pump does not answer."\n', "", "missing"),
        ('cost = "none"', 'cost = "none"\nprice = "none"', "price"),
        ("[workup.interrogation.alarms]", "[workup.ultrasound.alarms]", "ultrasound"),
        ('shows.wrong_drug = {', 'unknown = {', "missing|unknown|write either"),
        ('name = "Thecal', 'name = 5 # "', "text"),
        ("order = [", "order = [[], ", "list"),
        ("[failure]", "failure = 3\n[failures]", "table"),
        ("[failure]", "[failure", "not TOML"),
    ],
)  # fmt: skip
def test_a_damaged_table_is_refused_with_the_place(old: str, new: str, message: str) -> None:
    """Whatever is missing, unknown or impossible is refused, and the message says where and what."""
    assert old in TEXT
    with pytest.raises(WorkupDataError, match=message) as caught:
        read_catalogue(TEXT.replace(old, new, 1), "my table")
    assert str(caught.value).startswith("my table")


def test_a_table_can_be_read_from_a_file(tmp_path: Path) -> None:
    """The shipped table, copied, reads as the shipped one; a missing file is a plain error."""
    path = tmp_path / "mine.toml"
    path.write_text(TEXT, encoding="utf-8")
    assert load_catalogue(path) == CATALOGUE
    with pytest.raises(WorkupDataError, match="cannot be read"):
        load_catalogue(tmp_path / "other.toml")
