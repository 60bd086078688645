"""What drugs do: more drug does more, families add up, patients get used to a drug, and miss it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.patient.effects import NO_STAGE, FamilyLevel, effects, together, tolerance, withdrawal
from emulator.patient.experiments import bolus, hours_until, infuse, infused
from emulator.patient.parameters import Effect, Route
from emulator.patient.patient import Patient, drawn
from emulator.patient.reading import shipped_patient_model
from emulator.patient.signs import Alertness, Breathing, Outcome
from protocol.units import DAY_MS, HOUR_MS

MODEL = shipped_patient_model()
MG = 1_000_000_000
UG = 1_000_000
LONG_MS = 30 * DAY_MS

families = st.sampled_from(sorted(MODEL.families))
drugs = st.sampled_from(sorted(MODEL.drugs))
indications = st.sampled_from(sorted(MODEL.indications))


def begins_h(patient: Patient, drug: str, stage: int, within_ms: int = 5 * DAY_MS) -> float | None:
    """Return when a stage of withdrawal begins."""

    def reached(now: Patient) -> bool:
        missed = now.signs().withdrawal(drug)
        return missed is not None and missed.stage >= stage

    return hours_until(patient, reached, within_ms)


def stage_of(patient: Patient, drug: str) -> int:
    """Return the present stage of withdrawal; none counts as 0."""
    missed = patient.signs().withdrawal(drug)
    return missed.stage if missed else 0


@given(
    family=families,
    indication=indications,
    spinal=st.floats(0, 500),
    adapted=st.floats(0, 500),
    more=st.floats(1.0, 100.0),
)
def test_more_drug_does_more(family: str, indication: str, spinal: float, adapted: float, more: float) -> None:
    """With all doses scaled up, adaptation included, no effect gets smaller, and all stay fractions."""
    place = MODEL.indications[indication]
    less_level = FamilyLevel(spinal, spinal, adapted, 0.0)
    more_level = FamilyLevel(*(more * value for value in less_level))
    less = effects(MODEL.families[family], less_level, place, 1.0)
    greater = effects(MODEL.families[family], more_level, place, 1.0)
    for effect, size in less.items():
        assert 0.0 <= size <= greater[effect] + 1e-12 <= 1.0 + 1e-9


@given(drug=drugs, indication=indications, dose_pg=st.integers(0, 20 * MG), more=st.integers(2, 20))
def test_a_larger_dose_is_felt_more(drug: str, indication: str, dose_pg: int, more: int) -> None:
    """Hours after a bolus, the larger dose leaves no more pain, spasticity, breath, pressure or wakefulness."""
    small, large = bolus(indication, drug, dose_pg), bolus(indication, drug, dose_pg * more)
    for patient in (small, large):
        patient.advance(3 * HOUR_MS)
    one, other = small.signs(), large.signs()
    for sign in ("pain", "spasticity", "breaths_per_min", "systolic_mmhg"):
        assert getattr(other, sign) <= getattr(one, sign) + 1e-9
    for sign in ("sedation", "weakness", "confusion", "respiratory_depression"):
        assert getattr(other, sign) >= getattr(one, sign) - 1e-9


@given(family=families, adapted=st.floats(0, 1000), more=st.floats(0, 1000))
def test_tolerance_rises_with_what_one_is_used_to(family: str, adapted: float, more: float) -> None:
    """Tolerance is 1 for the naive, never falls with more adaptation, and rises more slowly than it."""
    kind = MODEL.families[family]
    assert tolerance(kind, FamilyLevel()) == 1.0
    low = tolerance(kind, FamilyLevel(adapted=adapted))
    high = tolerance(kind, FamilyLevel(adapted=adapted + more))
    assert low <= high <= low * (adapted + more + 1e-9) / max(adapted, 1e-9) or low == high


def test_families_act_independently() -> None:
    """What one family leaves, the other takes its part of; nothing together is nothing."""
    joint = together([{Effect.PAIN: 0.5}, {Effect.PAIN: 0.5, Effect.BREATHING: 0.2}])
    assert joint[Effect.PAIN] == pytest.approx(0.75)
    assert joint[Effect.BREATHING] == pytest.approx(0.2)
    assert set(together([]).values()) == {0.0}


def test_drugs_of_one_family_replace_each_other() -> None:
    """Six times less hydromorphone at steady state relieves like morphine, and its patient is used to morphine."""
    on_morphine = infused("cancer-pain", "morphine", 6 * MG, LONG_MS)
    on_hydromorphone = infused("cancer-pain", "hydromorphone", MG, LONG_MS)
    assert on_hydromorphone.signs().pain == pytest.approx(on_morphine.signs().pain, abs=0.1)
    infuse(on_morphine, "hydromorphone", MG, 5 * DAY_MS)
    assert stage_of(on_morphine, "morphine") == 0
    missed = on_morphine.signs().withdrawal("hydromorphone")
    assert missed is not None
    assert missed.drugs == ("morphine", "hydromorphone")


@pytest.mark.parametrize(
    ("drug", "indication", "daily_pg"),
    [
        ("morphine", "back-pain", MG),
        ("hydromorphone", "back-pain", 150 * UG),
        ("fentanyl", "back-pain", 200 * UG),
        ("sufentanil", "back-pain", 60 * UG),
        ("bupivacaine", "back-pain", 15 * MG),
        ("clonidine", "back-pain", 300 * UG),
        ("ziconotide", "back-pain", 19_200_000),
        ("baclofen", "spinal-spasticity", 300 * UG),
    ],
)
def test_usual_doses_help_and_do_not_poison(drug: str, indication: str, daily_pg: int) -> None:
    """A usual maintenance dose takes a third off pain or spasticity without any sign of overdose."""
    untreated = Patient(indication).signs()
    treated = infused(indication, drug, daily_pg, LONG_MS).signs()
    helped = treated.spasticity / untreated.spasticity if untreated.spasticity else treated.pain / untreated.pain
    assert helped < 0.7
    assert Outcome.OVERDOSE not in treated.outcomes
    assert Outcome.WITHDRAWAL not in treated.outcomes


@pytest.mark.parametrize("daily_mg", [1, 5, 15])
def test_the_whole_range_of_practice_is_survivable(daily_mg: int) -> None:
    """A patient used to up to 15 mg of morphine a day breathes; a volunteer given it as one bolus does not."""
    used = infused("back-pain", "morphine", daily_mg * MG, 60 * DAY_MS).signs()
    assert used.breathing is Breathing.NORMAL
    naive = bolus("volunteer", "morphine", max(daily_mg, 3) * MG)
    naive.advance(6 * HOUR_MS)
    assert naive.signs().breathing is Breathing.APNOEA


def test_a_dose_kept_up_does_less_in_time() -> None:
    """The same daily dose relieves less after a month than after two days."""
    patient = Patient("back-pain")
    infuse(patient, "morphine", MG // 4, 2 * DAY_MS)
    early = patient.signs().pain
    infuse(patient, "morphine", MG // 4, LONG_MS)
    assert patient.signs().pain > early + 0.2


def test_tolerance_is_lost_after_a_pause() -> None:
    """The dose that a patient breathed well on slows the breath when it comes at once after weeks without."""
    patient = infused("volunteer", "morphine", 3 * MG, LONG_MS)
    assert patient.signs().breathing is Breathing.NORMAL
    patient.receive(patient.now_ms, "morphine", MG // 2)
    patient.advance(patient.now_ms + 6 * HOUR_MS)
    used = patient.signs().respiratory_depression
    patient.advance(patient.now_ms + 40 * DAY_MS)
    patient.receive(patient.now_ms, "morphine", 3 * MG // 2)
    patient.advance(patient.now_ms + 6 * HOUR_MS)
    assert patient.signs().breathing is not Breathing.NORMAL
    assert patient.signs().respiratory_depression > used


def test_a_tenfold_rate_poisons() -> None:
    """Ten times the usual dose, a decimal point lost, is an overdose within a day or two."""
    for indication, drug, daily_pg in (("back-pain", "morphine", MG), ("spinal-spasticity", "baclofen", 500 * UG)):
        patient = infused(indication, drug, daily_pg, LONG_MS)
        infuse(patient, drug, 10 * daily_pg, 2 * DAY_MS)
        assert Outcome.OVERDOSE in patient.signs().outcomes


# --- withdrawal ---


@pytest.mark.parametrize("daily_ug", [1000, 2000, 5000, 10_000, 15_000])
def test_opioid_withdrawal_begins_within_a_day(daily_ug: int) -> None:
    """After 1 to 15 mg a day, signs begin between 8 and 24 h after the last drug at the tip."""
    begun = begins_h(infused("cancer-pain", "morphine", daily_ug * UG, LONG_MS), "morphine", 1)
    assert begun is not None
    assert 8 <= begun <= 24


@pytest.mark.parametrize("daily_ug", [100, 300, 800, 2000])
def test_baclofen_withdrawal_runs_by_the_published_clock(daily_ug: int) -> None:
    """Over the range of doses it is mild after 12 to 24 h and severe after 24 to 72 h."""
    patient = infused("spinal-spasticity", "baclofen", daily_ug * UG, LONG_MS)
    stopped_ms = patient.now_ms
    mild = begins_h(patient, "baclofen", 1)
    assert mild is not None
    assert 12 <= mild <= 24
    patient.advance(stopped_ms + 24 * HOUR_MS)
    assert stage_of(patient, "baclofen") == 1
    assert patient.signs().spasticity >= patient.indication.spasticity
    assert begins_h(patient, "baclofen", 2, 2 * DAY_MS) is not None


@pytest.mark.parametrize("daily_ug", [300, 800, 2000])
def test_usual_baclofen_doses_become_life_threatening_when_stopped(daily_ug: int) -> None:
    """From 300 ug a day on, the third stage with fever and rigidity comes between 24 and 72 h."""
    patient = infused("spinal-spasticity", "baclofen", daily_ug * UG, LONG_MS)
    begun = begins_h(patient, "baclofen", 3)
    assert begun is not None
    assert 24 <= begun <= 72
    missed = patient.signs().withdrawal("baclofen")
    assert missed is not None
    assert missed.name == "life-threatening"
    assert {"itching", "seizures", "high fever"} <= set(missed.signs)


@pytest.mark.parametrize(
    ("drug", "mass_pg"), [("morphine", 5 * MG // 2), ("hydromorphone", 400 * UG), ("baclofen", 100 * UG)]
)
def test_a_single_bolus_makes_nobody_dependent(drug: str, mass_pg: int) -> None:
    """One dose, even a large one, is not missed when it is gone."""
    assert begins_h(bolus("volunteer", drug, mass_pg), drug, 1) is None


def test_small_dose_reductions_are_not_missed() -> None:
    """A reduction by a fifth brings no withdrawal; a reduction to a tenth does."""
    for part, stage in ((8, 0), (1, 1)):
        patient = infused("back-pain", "morphine", 5 * MG, LONG_MS)
        infuse(patient, "morphine", 5 * MG * part // 10, 2 * DAY_MS)
        assert min(stage_of(patient, "morphine"), 1) == stage


@pytest.mark.parametrize("drug", ["bupivacaine", "ziconotide"])
def test_some_drugs_are_never_missed(drug: str) -> None:
    """Bupivacaine and ziconotide have no withdrawal, however long and however suddenly stopped."""
    patient = infused("back-pain", drug, 15 * UG, LONG_MS)
    patient.advance(patient.now_ms + 3 * DAY_MS)
    assert patient.signs().withdrawals == ()
    assert patient.signs().withdrawal(drug) is None


def test_clonidine_stopped_raises_the_pressure() -> None:
    """Clonidine lowers the pressure while it runs, and in a day or two without it the pressure overshoots."""
    patient = infused("back-pain", "clonidine", 300 * UG, LONG_MS)
    treated = patient.signs().systolic_mmhg
    patient.advance(patient.now_ms + 36 * HOUR_MS)
    assert treated < patient.indication.systolic_mmhg < patient.signs().systolic_mmhg - 40
    assert stage_of(patient, "clonidine") == 2


def test_drug_that_is_back_relieves_withdrawal() -> None:
    """A patient in severe withdrawal is better within hours of a bolus and well a day after the infusion is back."""
    patient = infused("spinal-spasticity", "baclofen", 300 * UG, LONG_MS)
    patient.advance(patient.now_ms + 40 * HOUR_MS)
    before = patient.signs().withdrawal("baclofen")
    patient.receive(patient.now_ms, "baclofen", 100 * UG)
    infuse(patient, "baclofen", 300 * UG, 6 * HOUR_MS)
    after = patient.signs().withdrawal("baclofen")
    assert before is not None
    assert after is not None
    assert after.intensity < before.intensity / 2
    infuse(patient, "baclofen", 300 * UG, DAY_MS)
    assert stage_of(patient, "baclofen") == 0


@given(seed=st.integers(0, 500))
def test_subjects_differ_but_stages_keep_their_order(seed: int) -> None:
    """In any drawn subject withdrawal begins after some hours and gets worse stage by stage for 40 hours."""
    patient = Patient("spinal-spasticity", individual=drawn(seed))
    infuse(patient, "baclofen", 300 * UG, LONG_MS, every_ms=6 * HOUR_MS)
    stopped_ms, stages = patient.now_ms, []
    for hours in range(0, 42, 2):
        patient.advance(stopped_ms + hours * HOUR_MS)
        stages.append(stage_of(patient, "baclofen"))
    assert stages == sorted(stages)
    assert stages[:3] == [0, 0, 0]


def test_a_disconnected_catheter_is_withdrawal_with_the_pump_running() -> None:
    """When the whole dose goes to the pocket, the blood cannot replace it, and withdrawal follows in a day or two."""
    patient = infused("back-pain", "morphine", 3 * MG, LONG_MS)
    infuse(patient, "morphine", 3 * MG, 2 * DAY_MS, route=Route.POCKET)
    assert stage_of(patient, "morphine") > 0
    assert patient.levels("morphine").plasma_ng_ml > 0.5
    assert Outcome.OVERDOSE not in patient.signs().outcomes


def test_a_dislodged_catheter_is_withdrawal_without_a_trace() -> None:
    """When the whole dose goes beside the fluid, withdrawal follows as after a stop."""
    patient = infused("back-pain", "morphine", 3 * MG, LONG_MS)
    infuse(patient, "morphine", 3 * MG, 2 * DAY_MS, route=Route.TISSUE)
    assert stage_of(patient, "morphine") > 0


@pytest.mark.parametrize(
    ("drug", "indication", "daily_pg", "filled_pg"),
    [
        ("morphine", "cancer-pain", MG, 400 * MG),
        ("hydromorphone", "back-pain", 500 * UG, 200 * MG),
        ("fentanyl", "back-pain", 300 * UG, 40 * MG),
        ("baclofen", "spinal-spasticity", 300 * UG, 40 * MG),
        ("clonidine", "back-pain", 200 * UG, 18 * MG),
    ],
)
def test_a_pocket_fill_shows_within_hours(drug: str, indication: str, daily_pg: int, filled_pg: int) -> None:
    """A reservoir's content in the pocket is an overdose within 8 h, not at once, and later withdrawal."""
    patient = infused(indication, drug, daily_pg, LONG_MS)
    patient.receive(patient.now_ms, drug, filled_pg, Route.POCKET)
    assert Outcome.OVERDOSE not in patient.signs().outcomes
    shown = hours_until(patient, lambda now: Outcome.OVERDOSE in now.signs().outcomes, 8 * HOUR_MS)
    assert shown is not None
    assert begins_h(patient, drug, 1) is not None


def test_withdrawal_needs_something_to_miss() -> None:
    """Nobody misses what he is not used to, and a site above what it is used to misses nothing."""
    opioid = MODEL.families["opioid"]
    for level in (FamilyLevel(), FamilyLevel(3.0, 3.0, 2.0, 1.0), FamilyLevel(0.0, 0.0, 0.0, 1.0)):
        missed = withdrawal(opioid, level, ("morphine",))
        assert missed is not None
        assert (missed.intensity, missed.stage, missed.name, missed.signs) == (0.0, 0, NO_STAGE, ())


def test_baclofen_overdose_is_coma_and_apnoea() -> None:
    """Ten milligrams of baclofen in the fluid, a hundred times a screening dose, stop breath and consciousness."""
    patient = bolus("spinal-spasticity", "baclofen", 10 * MG)
    patient.advance(4 * HOUR_MS)
    signs = patient.signs()
    assert signs.breathing is Breathing.APNOEA
    assert signs.alertness is Alertness.UNRESPONSIVE
    assert signs.weakness > 0.9
