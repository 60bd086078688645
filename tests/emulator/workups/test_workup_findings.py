"""What each examination answers, one by one."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest

from emulator.patient.effects import Withdrawal
from emulator.patient.signs import Outcome, Signs
from emulator.programmer.refill import RATIO_PERMILLE, SYRINGE_NL, check_residual
from emulator.workups.clinic import order
from emulator.workups.finding import Aftermath, Finding, Verdict, Workup
from emulator.workups.reading import shipped_catalogue
from emulator.workups.residual import READING_NL
from emulator.workups.situation import Condition, Situation, SituationError
from protocol.units import Nanolitres

SOUND = Situation(
    seed=0, reservoir_nl=10_000_000, computed_nl=10_000_000, capacity_nl=20_000_000, filled_nl=20_000_000
)
CALM = Signs(
    at_ms=0, pain=2, spasticity=0, breaths_per_min=14, respiratory_depression=0, sedation=0, weakness=0,
    confusion=0, systolic_mmhg=130, withdrawals=(),
)  # fmt: skip
MISSED = Withdrawal("baclofen", ("baclofen",), 0.5, 2, "severe", ("seizures",))


def ask(workup: Workup, situation: Situation, seed: int = 0, earlier: tuple[Finding, ...] = ()) -> Finding:
    """Order one examination with a fixed generator."""
    return order(workup, situation, random.Random(seed), earlier)


# --- interrogation ---


def test_an_interrogation_repeats_the_alarms_of_the_pump() -> None:
    """An alarm that is shown speaks for its failure, and the others are not seen."""
    found = ask(Workup.INTERROGATION, replace(SOUND, alarms=frozenset({"motor_stall"})))
    assert found.failures(Verdict.POSITIVE) == ("MOTOR-STALL",)
    assert found.verdict("MEMORY-CORRUPT") is Verdict.NEGATIVE
    assert "motor_stall" in found.seen[0]


def test_a_silent_pump_tells_no_alarm() -> None:
    """No answer speaks for a dead or a flipped pump, and leaves every alarm untold."""
    found = ask(Workup.INTERROGATION, replace(SOUND, answering=False, alarms=frozenset({"motor_stall"})))
    assert found.failures(Verdict.POSITIVE) == ("PUMP-FLIPPED", "TOTAL-FAILURE")
    assert found.verdict("MOTOR-STALL") is Verdict.INCONCLUSIVE


def test_an_alarm_without_a_row_is_still_shown() -> None:
    """What the pump reports is never swallowed, also if the table does not know it."""
    assert "new_alarm" in ask(Workup.INTERROGATION, replace(SOUND, alarms=frozenset({"new_alarm"}))).seen[0]


# --- physical examination ---


@pytest.mark.parametrize(
    ("signs", "outcome", "positive", "negative"),
    [
        (replace(CALM, withdrawals=(MISSED,)), Outcome.WITHDRAWAL, "TOTAL-FAILURE", "REFILL-POCKET"),
        (replace(CALM, breaths_per_min=7), Outcome.OVERDOSE, "REFILL-POCKET", "TOTAL-FAILURE"),
    ],
)
def test_the_patient_speaks_for_what_explains_the_signs(
    signs: Signs, outcome: Outcome, positive: str, negative: str
) -> None:
    """Withdrawal speaks for everything that keeps drug away, overdose for everything that gives too much."""
    assert outcome in signs.outcomes
    found = ask(Workup.EXAMINATION, replace(SOUND, signs=signs), seed=1)
    assert found.verdict(positive) is Verdict.POSITIVE
    assert found.verdict(negative) is Verdict.NEGATIVE
    assert set(signs.words()) < set(found.seen)


def test_who_does_not_look_at_the_patient_learns_nothing_of_the_patient() -> None:
    """Without signs the failures that only the patient shows are left open."""
    found = ask(Workup.EXAMINATION, SOUND, seed=1)
    assert found.verdict("TOTAL-FAILURE") is Verdict.INCONCLUSIVE
    assert found.verdict("PUMP-EROSION") is Verdict.NEGATIVE


def test_a_well_patient_is_described_beside_a_well_pocket() -> None:
    """With nothing wrong one reads that nothing is, and how the patient is."""
    found = ask(Workup.EXAMINATION, replace(SOUND, signs=CALM), seed=1)
    assert found.failures(Verdict.POSITIVE) == ()
    assert found.seen == (shipped_catalogue().plans[Workup.EXAMINATION].nothing, *CALM.words())


# --- residual volume ---


@pytest.mark.parametrize(
    ("reservoir_nl", "positive", "negative"),
    [
        (18_000_000, "CATH-OCCLUSION", "OVER-INFUSION"),
        (2_000_000, "OVER-INFUSION", "CATH-OCCLUSION"),
    ],
)
def test_a_great_difference_is_found_by_nearly_all(reservoir_nl: int, positive: str, negative: str) -> None:
    """Eight millilitres too many or too few are found at any refill, in the right direction."""
    for refills in range(60):
        found = ask(Workup.RESIDUAL, replace(SOUND, reservoir_nl=reservoir_nl, refills=refills))
        assert found.verdict(positive) is Verdict.POSITIVE
        assert found.verdict(negative) is Verdict.NEGATIVE


def test_an_empty_reservoir_yields_nothing() -> None:
    """The error of a measurement cannot draw fluid out of an empty reservoir."""
    for refills in range(60):
        assert ask(Workup.RESIDUAL, replace(SOUND, reservoir_nl=0, refills=refills)).measured_nl == 0


@pytest.mark.parametrize("told", [{"filled_nl": None}, {"filled_nl": 10_500_000}, {"filled_nl": 9_000_000}])
def test_shortly_after_a_refill_the_residual_tells_nothing(told: dict[str, int | None]) -> None:
    """With hardly anything to be delivered, or nothing known, a difference is within the syringe's reading."""
    found = ask(Workup.RESIDUAL, replace(SOUND, **told))  # type: ignore[arg-type]
    assert found.verdict("CATH-OCCLUSION") is Verdict.INCONCLUSIVE
    assert found.verdict("PUMP-FLIPPED") is Verdict.NEGATIVE


def test_the_limits_are_those_of_the_programmer() -> None:
    """The finding and the programmer's own check use one accuracy and one reading of the syringe."""
    limit_permille = 1000 * shipped_catalogue().limit.value
    assert range(1000 - int(limit_permille), 1001 + int(limit_permille)) == RATIO_PERMILLE
    assert READING_NL == SYRINGE_NL


def test_what_is_drawn_out_can_be_entered_into_the_programmer() -> None:
    """A finding is never positive where the programmer, told the same volumes, sees no mismatch."""
    flagged = 0
    for refills in range(200):
        found = ask(Workup.RESIDUAL, replace(SOUND, refills=refills))
        measured = Nanolitres(found.measured_nl or 0)
        check = check_residual(measured, Nanolitres(10_000_000), Nanolitres(20_000_000), Nanolitres(20_000_000))
        positive = bool(found.failures(Verdict.POSITIVE))
        assert check.flagged or not positive
        flagged += positive
    assert flagged > 0


# --- ports ---


@pytest.mark.parametrize("workup", Workup)
def test_a_flipped_pump_hides_its_ports(workup: Workup) -> None:
    """An examination that needs a port finds the flip and nothing else; nothing is drawn or injected."""
    plan = shipped_catalogue().plans[workup]
    found = ask(workup, replace(SOUND, flipped=True, obstructed_permille=1000))
    if plan.needs_port:
        assert found.failures(Verdict.POSITIVE) == ("PUMP-FLIPPED",)
        assert set(found.failures(Verdict.INCONCLUSIVE)) == plan.failures - {"PUMP-FLIPPED"}
        assert found.aftermath is Aftermath.NONE
        assert found.measured_nl is None
    else:
        assert found.seen != ("The needle does not find the port.",)


def test_aspiration_empties_the_catheter_only_if_it_flows() -> None:
    """What has been drawn out must be primed again; where nothing came, nothing changed."""
    found = [ask(Workup.ASPIRATION, replace(SOUND, seed=seed, obstructed_permille=1000)) for seed in range(60)]
    dry = [finding for finding in found if finding.verdict("CATH-OCCLUSION") is Verdict.POSITIVE]
    assert 0 < len(dry) < len(found)
    for finding in found:
        assert (finding.aftermath is Aftermath.NONE) == (finding in dry)


def test_nothing_is_injected_where_nothing_could_be_drawn() -> None:
    """After a dry aspiration the dye study is not done and says nothing."""
    dry = Finding(Workup.ASPIRATION, (), (), Aftermath.NONE)
    flowed = replace(dry, aftermath=Aftermath.CATHETER_EMPTIED)
    blocked = replace(SOUND, obstructed_permille=1000)
    found = ask(Workup.DYE_STUDY, blocked, earlier=(flowed, dry))
    assert found.aftermath is Aftermath.NONE
    assert {verdict for _, verdict in found.verdicts} == {Verdict.INCONCLUSIVE}
    assert ask(Workup.DYE_STUDY, blocked, earlier=(dry, flowed)).aftermath is Aftermath.CONTRAST_INJECTED


def test_injecting_without_aspirating_gives_what_stands_in_the_catheter() -> None:
    """The bolus is named by drug and mass, and the finding says that it happened."""
    found = ask(Workup.DYE_STUDY, replace(SOUND, catheter_pg=(("baclofen", 374_000_000),)))
    assert found.aftermath is Aftermath.CATHETER_INJECTED
    assert "baclofen 374 ug" in found.seen[-1]
    assert "no drug" in ask(Workup.DYE_STUDY, SOUND).seen[-1]


# --- imaging ---


@pytest.mark.parametrize(
    ("wrong", "least", "greatest"),
    [({}, 60, 90), ({"rotor_turning": False}, 0, 5), ({"delivery_permille": 700}, 15, 45)],
)
def test_the_rollers_turn_by_an_angle_that_fits(wrong: dict[str, int], least: int, greatest: int) -> None:
    """The angle in the words belongs to what is positive, and occurs for each kind of rotor."""
    angles = [
        int(re.search(r"by (\d+) degrees", ask(Workup.ROTOR_STUDY, replace(SOUND, **wrong), seed).seen[-1])[1])  # type: ignore[index, arg-type]
        for seed in range(60)
    ]
    assert any(least <= angle <= greatest for angle in angles)
    assert all(angle <= 5 or 15 <= angle <= 45 or 60 <= angle <= 90 for angle in angles)


def test_a_pump_without_a_rotor_cannot_be_studied() -> None:
    """A valve-metered pump shows nothing between two films, whatever is wrong with it."""
    found = ask(Workup.ROTOR_STUDY, replace(SOUND, has_rotor=False, rotor_turning=False))
    assert {verdict for _, verdict in found.verdicts} == {Verdict.INCONCLUSIVE}
    assert found.aftermath is Aftermath.NONE


def test_an_overfilled_reservoir_gives_back_what_is_in_it() -> None:
    """What is drawn out is not cut off at the nominal capacity if more was forced in."""
    overfilled = replace(SOUND, reservoir_nl=23_000_000, computed_nl=19_500_000)
    assert ask(Workup.RESIDUAL, overfilled).measured_nl in range(22_800_000, 23_100_000)


def test_a_rotor_that_stands_gives_no_bolus() -> None:
    """The small bolus of the study only flows if the rotor turns."""
    assert ask(Workup.ROTOR_STUDY, SOUND).aftermath is Aftermath.SMALL_BOLUS
    assert ask(Workup.ROTOR_STUDY, replace(SOUND, rotor_turning=False)).aftermath is Aftermath.NONE


def test_a_subdural_tip_shows_with_contrast_and_not_on_a_film() -> None:
    """The same failure by two conditions: a film sees a tip that has moved, contrast also one that lies wrong."""
    subdural = [replace(SOUND, seed=seed, subdural=True) for seed in range(60)]
    aspirated = Finding(Workup.ASPIRATION, (), (), Aftermath.CATHETER_EMPTIED)
    dye = [ask(Workup.DYE_STUDY, tip, earlier=(aspirated,)).seen for tip in subdural]
    assert ("Contrast spreads under the dura and not in the fluid.",) in dye
    sound = [ask(Workup.X_RAY, replace(SOUND, seed=seed)) for seed in range(60)]
    assert [ask(Workup.X_RAY, tip) for tip in subdural] == sound


def test_every_finding_says_what_it_costs() -> None:
    """Time, cost and risk come with each answer."""
    for workup in Workup:
        found = ask(workup, SOUND)
        assert [note.split()[0] for note in found.notes] == ["takes", "cost:", "risk:"]
        assert found.verdict("NO-SUCH-FAILURE") is None


# --- situations ---


@pytest.mark.parametrize(
    "wrong",
    [
        {"reservoir_nl": -1},
        {"kinked_permille": 1001},
        {"leak_permille": -1},
        {"delivery_permille": -1},
        {"dead": True},
        {"dead": True, "answering": False},
    ],
)
def test_a_situation_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    """Negative volumes, impossible shares and a dead pump that answers are errors of whoever built them."""
    with pytest.raises(SituationError):
        replace(SOUND, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fluid", "programmed", "extent"),
    [
        ((("morphine", 1100),), (("morphine", 1000),), 100),
        ((("morphine", 5000),), (("morphine", 1000),), 1000),
        ((("hydromorphone", 1000),), (("morphine", 1000),), 1000),
        ((), (("morphine", 1000),), 1000),
        ((("morphine", 1000), ("clonidine", 1)), (("morphine", 1000),), 1000),
    ],
)
def test_a_wrong_fluid_is_wrong_by_its_greatest_difference(
    fluid: tuple[tuple[str, int], ...], programmed: tuple[tuple[str, int], ...], extent: int
) -> None:
    """Concentrations count in proportion; a drug that is missing or should not be there counts as all."""
    assert replace(SOUND, fluid=fluid, programmed_fluid=programmed).conditions == {Condition.WRONG_DRUG: extent}


def test_a_rotor_that_stands_neither_delivers_too_much_nor_too_little() -> None:
    """How well the turning rotor delivers is no condition of one that stands: the stall is."""
    for permille in (700, 1300):
        assert set(replace(SOUND, delivery_permille=permille, rotor_turning=False).conditions) == {Condition.STALLED}
        assert Condition.STALLED not in replace(SOUND, delivery_permille=permille).conditions


def test_a_sound_system_has_no_condition() -> None:
    """Nothing is wrong where nothing was said to be."""
    assert SOUND.conditions == {}
