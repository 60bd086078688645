"""What the programmer objects to: every limit at its boundary, and the rule that decides."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.library import Library, Verdict
from emulator.programmer.dose_change import dose_change_findings
from emulator.programmer.findings import Finding, approves, passes
from emulator.programmer.flow import Flow
from emulator.programmer.limits import examine, examine_bolus
from emulator.programmer.line_change import line_findings, mass_at_tip
from protocol.messages import Drug, IdentityReport, Interrogate, PatientBolusGrant, Prescription
from protocol.units import (
    HOUR_MS,
    Milliseconds,
    Nanolitres,
    NanolitresPerDay,
    Picograms,
    PicogramsPerNanolitre,
)
from protocol.vocabulary import Mode, Section
from verify.suites.fakes import FakePump, empty_prescription
from verify.suites.tiny import HARD_1H, HARD_24H, LIBRARY, LONG, prescribe

CAPACITY = Nanolitres(20_000_000)


def identity() -> IdentityReport:
    """Return who the fake pump is: 48 000 to 24 000 000 nL/day, 6 000 at the minimum rate."""
    report = FakePump(LIBRARY).answer(Interrogate(Section.IDENTITY), 1)
    assert isinstance(report, IdentityReport)
    return report


def found(prescription: Prescription, verdict: Verdict) -> list[str]:
    """Return the words of every finding of one verdict."""
    findings = examine(prescription, LIBRARY, identity(), CAPACITY)
    return [finding.words for finding in findings if finding.verdict is verdict]


@pytest.mark.verifies("DOSE-07")
@pytest.mark.parametrize(
    ("valid", "hard", "soft", "reason"),
    list(itertools.product([False, True], [False, True], [False, True], ["", "why"])),
)
def test_the_rule_of_approval(valid: bool, hard: bool, soft: bool, reason: str) -> None:
    """Of sixteen cases exactly three are approved: valid, nothing hard, and a reason wherever something is soft."""
    approved = {(True, False, False, ""), (True, False, False, "why"), (True, False, True, "why")}
    assert approves(valid=valid, hard=hard, soft=soft, reason=reason) is ((valid, hard, soft, reason) in approved)


def test_blanks_are_no_reason() -> None:
    """A reason has to say something."""
    assert not approves(valid=True, hard=False, soft=True, reason="  \t")


@pytest.mark.verifies("DOSE-06", "DOSE-07")
@given(
    verdicts=st.lists(st.sampled_from([Verdict.SOFT, Verdict.HARD]), max_size=4), reason=st.sampled_from(["", "r"])
)
def test_findings_decide_by_the_rule(verdicts: list[Verdict], reason: str) -> None:
    """One hard finding refuses whatever else there is; soft ones are answered by a reason."""
    findings = [Finding(verdict, "x") for verdict in verdicts]
    if Verdict.HARD in verdicts:
        assert not passes(findings, "r")
    else:
        assert passes(findings, reason) is (not verdicts or reason == "r")


def test_an_ordinary_prescription_has_no_findings() -> None:
    """Nothing is objected to without a cause."""
    assert examine(prescribe(bolus=1_000, count=4), LIBRARY, identity(), CAPACITY) == ()


def test_every_figure_is_judged_on_its_own() -> None:
    """A concentration above its soft limit is said beside a daily dose above its hard one."""
    made = prescribe(strength=11, rate=48_000)
    assert found(made, Verdict.SOFT) == ["drug concentration is 11 ug/mL; the soft limit is 10 ug/mL"]
    assert "drug daily dose is 528 ng/day; the hard limit is 480 ng/day" in found(made, Verdict.HARD)


@pytest.mark.verifies("DOSE-08")
@pytest.mark.parametrize(
    ("strength", "verdict"),
    [(9, None), (10, None), (11, Verdict.SOFT), (19, Verdict.SOFT), (20, Verdict.SOFT), (21, Verdict.HARD)],
)
def test_the_concentration_limits_are_inclusive(strength: int, verdict: Verdict | None) -> None:
    """At the limit is within; one base unit above is not."""
    stopped = prescribe(strength=strength, rate=0, mode=Mode.STOPPED)
    findings = examine(stopped, LIBRARY, identity(), CAPACITY)
    assert [finding.verdict for finding in findings] == ([verdict] if verdict else [])


@pytest.mark.verifies("DOSE-08")
@pytest.mark.parametrize("boluses", [(0, 0), (1_000, 10)])
@pytest.mark.parametrize(
    ("dose", "verdict"),
    [
        (239_999, None),
        (240_000, None),
        (240_001, Verdict.SOFT),
        (479_999, Verdict.SOFT),
        (480_000, Verdict.SOFT),
        (480_001, Verdict.HARD),
    ],
)
def test_the_daily_dose_counts_every_patient_bolus_and_its_limits_are_inclusive(
    dose: int, verdict: Verdict | None, boluses: tuple[int, int]
) -> None:
    """Basal and all granted boluses together are held against the daily limits, to the picogram."""
    volume, count = boluses
    made = prescribe(rate=dose - volume * count, bolus=volume, count=count, limit_24h=HARD_24H)
    words = [line for line in found(made, verdict) if "daily dose" in line] if verdict else []
    assert len(words) == (1 if verdict else 0)
    for other in {Verdict.SOFT, Verdict.HARD} - {verdict}:
        assert found(made, other) == []


@pytest.mark.verifies("DOSE-08")
@pytest.mark.parametrize(
    ("bolus", "verdict"),
    [
        (4_999, None),
        (5_000, None),
        (5_001, Verdict.SOFT),
        (9_999, Verdict.SOFT),
        (10_000, Verdict.SOFT),
        (10_001, Verdict.HARD),
    ],
)
def test_the_bolus_limits_are_inclusive_for_patient_and_clinician(bolus: int, verdict: Verdict | None) -> None:
    """The same dose gets the same verdict whoever gives it."""
    granted = examine(prescribe(bolus=bolus, count=1), LIBRARY, identity(), CAPACITY)
    given_now = examine_bolus(Nanolitres(bolus), LONG, prescribe(), LIBRARY, identity())
    for findings in (granted, given_now):
        assert [finding.verdict for finding in findings] == ([verdict] if verdict else [])


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_a_dose_limit_may_not_be_above_the_librarys(extra: int) -> None:
    """The limits in a prescription can only be as high as the library's hard ones."""
    assert len(found(prescribe(limit_1h=HARD_1H + extra), Verdict.HARD)) == (1 if extra > 0 else 0)
    assert len(found(prescribe(limit_24h=HARD_24H + extra), Verdict.HARD)) == (1 if extra > 0 else 0)


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_the_prescriptions_own_limits_must_admit_what_it_prescribes(extra: int) -> None:
    """A limit below the dose is a contradiction: by the day with every bolus, by the hour with one."""
    day = prescribe(rate=100_000, bolus=1_000, count=10, limit_24h=110_000 - extra)
    hour = prescribe(rate=96_000, bolus=1_000, count=10, limit_1h=5_000 - extra)
    basal = prescribe(rate=96_000, limit_1h=4_000 - extra)
    rounded = prescribe(rate=96_001, limit_1h=4_001 - extra)
    for made in (day, hour, basal, rounded):
        assert len(found(made, Verdict.HARD)) == (1 if extra > 0 else 0)


@pytest.mark.verifies("MODE-09", "MODE-10")
@pytest.mark.parametrize(
    ("rate", "refused"), [(0, True), (47_999, True), (48_000, False), (24_000_000, False), (24_000_001, True)]
)
def test_the_rate_is_within_what_the_pump_delivers(rate: int, refused: bool) -> None:
    """Both ends of the pump's range are usable; beyond them nothing is rounded, it is refused."""
    words = [line for line in found(prescribe(rate=rate, strength=1), Verdict.HARD) if line.startswith("rate ")]
    assert len(words) == (1 if refused else 0)


@pytest.mark.verifies("BOL-12", "MODE-05", "MODE-06")
def test_a_bolus_must_fit_the_pumps_highest_rate_together_with_the_basal_flow() -> None:
    """One hour at the pump's 1 mL/h, less the basal flow, is the largest bolus for an hour."""
    fast = identity()
    basal = prescribe(rate=240_000, strength=1, limit_24h=HARD_24H)
    most = (fast.rate_max.value - 240_000) // 24
    for volume, refused in ((most, False), (most + 1, True)):
        findings = examine_bolus(Nanolitres(volume), LONG, basal, LIBRARY, fast)
        assert any("would need" in finding.words for finding in findings) is refused
    granted = replace(basal, patient_bolus=PatientBolusGrant(Nanolitres(most + 1), LONG, LONG, 1))
    assert any("patient bolus with the basal flow" in words for words in found(granted, Verdict.HARD))


@pytest.mark.verifies("BOL-12")
def test_a_bolus_without_volume_or_time_is_refused() -> None:
    """Neither may be zero."""
    for volume, span in ((0, HOUR_MS), (1_000, 0)):
        findings = examine_bolus(Nanolitres(volume), Milliseconds(span), prescribe(), LIBRARY, identity())
        assert [finding.verdict for finding in findings] == [Verdict.HARD]


def test_a_clinician_bolus_must_fit_the_hour() -> None:
    """The basal flow of an hour and the bolus together stay within the prescription's limit of the hour."""
    basal = prescribe(rate=96_000, limit_1h=5_000)
    for volume, refused in ((1_000, False), (1_001, True)):
        findings = examine_bolus(Nanolitres(volume), LONG, basal, LIBRARY, identity())
        assert [finding.verdict for finding in findings] == ([Verdict.HARD] if refused else [])


@pytest.mark.verifies("PRG-16")
def test_a_drug_outside_the_library_is_refused() -> None:
    """An unknown code can be neither prescribed nor given."""
    drug = replace(prescribe().drugs[0], code=77)
    unknown = replace(prescribe(), drugs=(drug,))
    assert found(unknown, Verdict.HARD) == ["drug 77 is not in the drug library"]
    findings = examine_bolus(Nanolitres(1), LONG, unknown, LIBRARY, identity())
    assert [finding.verdict for finding in findings] == [Verdict.HARD]


def test_the_low_reservoir_alarm_must_be_below_the_capacity() -> None:
    """A threshold that a full reservoir is under says nothing."""
    for low, refused in ((CAPACITY.value - 1, False), (CAPACITY.value, True)):
        made = replace(prescribe(), low_reservoir=Nanolitres(low))
        assert bool(found(made, Verdict.HARD)) is refused


def test_the_minimum_rate_is_a_dose_too() -> None:
    """What the minimum-rate mode delivers is judged like any other flow."""
    slow = prescribe(mode=Mode.MINIMUM_RATE, rate=0, strength=20, limit_24h=119_999)
    assert any("24 h" in words for words in found(slow, Verdict.HARD))
    assert found(replace(slow, drugs=(replace(slow.drugs[0], limit_24h=Picograms(120_000)),)), Verdict.HARD) == []


# --- a change of fluid ---------------------------------------------------------------------------------------

SHIPPED = Library.shipped()
LINE = 327_000


def steady(rate: int) -> Flow:
    """Return a flow that is the same all the time."""
    return Flow(rate, rate, rate, rate, rate)


def morphine(strength: int, rate: int) -> Prescription:
    """Return morphine at a concentration and a rate."""
    drug = Drug(1, PicogramsPerNanolitre(strength), Picograms(0), Picograms(0))
    return replace(
        empty_prescription(SHIPPED), mode=Mode.SIMPLE_CONTINUOUS, drugs=(drug,), rate=NanolitresPerDay(rate)
    )


@pytest.mark.verifies("PRM-06")
def test_the_published_case_of_a_missing_bridge() -> None:
    """From 25 to 5 mg/mL at 5 mg a day, 25 mg a day reach the patient for seven hours and fifty minutes."""
    findings = list(
        line_findings(morphine(25_000, 200_000), morphine(5_000, 1_000_000), steady(1_000_000), LINE, SHIPPED)
    )
    assert [finding.verdict for finding in findings] == [Verdict.SOFT]
    for words in ("327 uL", "7 h 50 min", "25 mg/day instead of 5 mg/day"):
        assert words in findings[0].words


def test_a_weaker_line_is_said_as_well() -> None:
    """From 5 to 25 mg/mL the patient gets a fifth for a day and a half: withdrawal, not overdose."""
    findings = list(
        line_findings(morphine(5_000, 1_000_000), morphine(25_000, 200_000), steady(200_000), LINE, SHIPPED)
    )
    assert "1 mg/day instead of 5 mg/day" in findings[0].words
    assert "1 day 15 h" in findings[0].words


@pytest.mark.parametrize(("rate", "verdict"), [(200_000, Verdict.SOFT), (200_001, Verdict.HARD)])
def test_the_line_may_not_bring_the_day_above_the_hard_limit(rate: int, verdict: Verdict) -> None:
    """What leaves the tip in a day, old fluid first, is held against the hard limit to the picogram."""
    old, new, line = prescribe(strength=3), prescribe(strength=2), 80_000
    assert mass_at_tip(200_000, line, 3, 2) == HARD_24H
    assert mass_at_tip(line - 1, line, 3, 2) == 3 * (line - 1)
    assert [finding.verdict for finding in line_findings(old, new, steady(rate), line, LIBRARY)] == [verdict]


def test_an_hour_of_old_fluid_may_be_too_much_by_itself() -> None:
    """A day within its limit can hold an hour that is not."""
    old, new, line = prescribe(strength=10), prescribe(strength=1), 10_000
    at_limit = list(line_findings(old, new, steady(24 * 3_000), line, LIBRARY))
    above = list(line_findings(old, new, steady(24 * 3_000 + 1), line, LIBRARY))
    assert [finding.verdict for finding in (*at_limit, *above)] == [Verdict.SOFT, Verdict.HARD]
    assert "in an hour" in above[0].words


def test_no_change_no_flow_or_nothing_before_is_no_finding() -> None:
    """The line matters only if it holds something else and moves."""
    old = morphine(20_000, 50_000)
    assert list(line_findings(old, morphine(20_000, 100_000), steady(100_000), LINE, SHIPPED)) == []
    assert list(line_findings(old, morphine(10_000, 0), steady(0), LINE, SHIPPED)) == []
    assert list(line_findings(empty_prescription(SHIPPED), old, steady(50_000), LINE, SHIPPED)) == []


def test_a_drug_that_comes_or_goes_is_a_change_too() -> None:
    """Another drug in the line is found under both names."""
    baclofen = replace(morphine(2_000, 100_000), drugs=(replace(morphine(2_000, 1).drugs[0], code=8),))
    findings = list(line_findings(morphine(20_000, 50_000), baclofen, steady(100_000), LINE, SHIPPED))
    assert [finding.words.split(":")[0] for finding in findings] == ["morphine", "baclofen"]


# --- how far a dose moves ------------------------------------------------------------------------------------


def moved(old: Prescription, new: Prescription, library: Library = LIBRARY) -> list[str]:
    """Return the findings about the step from one dose to another."""
    findings = list(dose_change_findings(old, new, identity(), library))
    assert all(finding.verdict is Verdict.SOFT for finding in findings)
    return [finding.words for finding in findings]


@pytest.mark.parametrize(
    ("rate", "says"), [(49_999, "less than half"), (50_000, None), (200_000, None), (200_001, "more than 2 times")]
)
def test_a_step_beyond_double_or_half_needs_a_reason(rate: int, says: str | None) -> None:
    """Twice and half as much are still ordinary; a decimal point is not."""
    words = moved(prescribe(rate=100_000), prescribe(rate=rate))
    assert len(words) == (0 if says is None else 1)
    assert all(says is not None and says in line for line in words)


@pytest.mark.verifies("DOSE-06")
def test_a_tenfold_dose_within_every_limit_still_needs_a_reason() -> None:
    """0.5 to 5 mg/day of morphine passes no limit, and is what a slipped decimal point looks like."""
    words = moved(morphine(20_000, 25_000), morphine(20_000, 250_000), SHIPPED)
    assert words == ["morphine daily dose goes from 500 ug/day to 5 mg/day, more than 2 times as much"]


def test_taking_away_a_drug_says_what_its_withdrawal_can_be() -> None:
    """Stopping, or leaving the drug out, is a step to nothing; for a drug without withdrawal it is none."""
    stopped = prescribe(mode=Mode.STOPPED, rate=0)
    assert len(moved(prescribe(), stopped)) == 1
    assert "lethal" in moved(prescribe(), stopped)[0]
    assert len(moved(prescribe(), replace(prescribe(), drugs=()))) == 1
    ziconotide = replace(morphine(25, 50_000), drugs=(replace(morphine(25, 1).drugs[0], code=7),))
    assert moved(ziconotide, replace(ziconotide, mode=Mode.STOPPED, rate=NanolitresPerDay(0)), SHIPPED) == []


def test_a_patient_bolus_more_than_doubled_needs_a_reason() -> None:
    """A bolus is compared by its dose; a first one is not compared."""
    assert moved(prescribe(bolus=1_000, count=1), prescribe(bolus=2_000, count=1)) == []
    assert "patient bolus" in moved(prescribe(bolus=1_000, count=1), prescribe(bolus=2_001, count=1))[0]
    assert moved(prescribe(), prescribe(bolus=5_000, count=1)) == []


def test_after_a_stop_there_is_nothing_to_compare_with() -> None:
    """A restart is judged by the limits alone."""
    assert moved(prescribe(mode=Mode.STOPPED, rate=0), prescribe(rate=200_000)) == []
