"""The way of a drug through the body: linear, exact at any step, nothing lost, equal to a numeric solver."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.patient.experiments import bolus, greatest, infuse
from emulator.patient.kinetics import AVERAGE, Individual, Kinetics, Levels
from emulator.patient.parameters import DrugModel, Family, Route
from emulator.patient.patient import Patient, drawn
from emulator.patient.reading import shipped_patient_model
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS

MODEL = shipped_patient_model()
MG = 1_000_000_000
UG = 1_000_000
ACTIVE = (Route.INTRATHECAL, Route.POCKET)

drugs = st.sampled_from(sorted(MODEL.drugs))
doses = st.lists(
    st.tuples(st.integers(0, 3 * DAY_MS), st.integers(0, MG), st.sampled_from(Route)), min_size=1, max_size=12
)
Dose = tuple[int, int, Route]


def family_of(drug: str) -> Family:
    """Return the family of a drug of the shipped model."""
    return MODEL.families[MODEL.drugs[drug].family]


def after(drug: str, given_doses: list[Dose], at_ms: int) -> Levels:
    """Return the levels at an instant after some doses."""
    patient = Patient("volunteer")
    for dose_at_ms, mass_pg, route in sorted(given_doses, key=lambda dose: dose[0]):
        patient.receive(dose_at_ms, drug, mass_pg, route)
    patient.advance(at_ms)
    return patient.levels(drug)


def close(one: Levels, other: Levels, tolerance: float = 1e-9) -> None:
    """Assert that two levels are the same but for rounding."""
    scale = max(1e-3, *(abs(value) for value in (*one, *other)))
    assert one == pytest.approx(other, rel=tolerance, abs=tolerance * scale)


@given(drug=drugs, given_doses=doses, factor=st.integers(2, 50))
def test_levels_are_linear_in_the_dose(drug: str, given_doses: list[Dose], factor: int) -> None:
    """So many times the dose gives so many times every level."""
    more = [(at_ms, mass_pg * factor, route) for at_ms, mass_pg, route in given_doses]
    expected = Levels(*(factor * level for level in after(drug, given_doses, 4 * DAY_MS)))
    close(after(drug, more, 4 * DAY_MS), expected)


@given(drug=drugs, given_doses=doses)
def test_doses_superpose(drug: str, given_doses: list[Dose]) -> None:
    """Doses together give the sum of what each gives alone."""
    total = Levels()
    for dose in given_doses:
        total = total.plus(after(drug, [dose], 4 * DAY_MS))
    close(after(drug, given_doses, 4 * DAY_MS), total)


@given(drug=drugs, given_doses=doses, seed=st.integers(0, 1000))
def test_no_mass_is_lost_or_made(drug: str, given_doses: list[Dose], seed: int) -> None:
    """Pocket, fluid, plasma, eliminated and lost add up to what was received, at any instant, in any subject."""
    generator = random.Random(seed)
    patient = Patient("volunteer", individual=drawn(seed))
    for at_ms, mass_pg, route in sorted(given_doses, key=lambda dose: dose[0]):
        patient.receive(at_ms, drug, mass_pg, route)
    for _ in range(3):
        patient.advance(patient.now_ms + generator.randrange(0, 5 * DAY_MS))
        balance = patient.balance(drug)
        parts = (balance.pocket_ug, balance.fluid_ug, balance.plasma_ug, balance.eliminated_ug)
        assert all(part >= -1e-6 for part in parts)
        assert balance.received_pg == sum(mass_pg for _, mass_pg, _ in given_doses)
        assert sum(parts) * UG + balance.lost_pg == pytest.approx(balance.received_pg, rel=1e-9, abs=1.0)


@given(drug=drugs, seed=st.integers(0, 1000))
def test_time_may_be_divided_in_any_way(drug: str, seed: int) -> None:
    """Advancing in one go and in many steps, asking in between, gives the same bits."""
    generator = random.Random(seed)
    straight, divided = Patient("volunteer"), Patient("volunteer")
    for patient in (straight, divided):
        patient.receive(HOUR_MS, drug, MG, Route.INTRATHECAL)
        patient.receive(HOUR_MS, drug, MG, Route.POCKET)
    for at_ms in sorted(generator.randrange(HOUR_MS, 6 * DAY_MS) for _ in range(20)):
        divided.advance(at_ms)
        divided.signs()
    for patient in (straight, divided):
        patient.receive(6 * DAY_MS, drug, MG)
        patient.advance(9 * DAY_MS)
    assert divided.levels(drug) == straight.levels(drug)
    assert divided.signs() == straight.signs()


def derivatives(drug: DrugModel, family: Family, state: list[float]) -> list[float]:
    """Return the rates of change as ``docs/patient.md`` writes them, in micrograms, millilitres and hours."""
    pocket, lumbar, deep, plasma, _, spinal, *transit, risen, systemic, adapted, deficit = state
    lumbar_ug_ml = lumbar / drug.lumbar_volume_ml
    deep_ug_ml = deep / drug.deep_volume_ml if drug.deep_volume_ml else 0.0
    absorbed = math.log(2) / drug.pocket_half_life_h * pocket
    cleared = drug.clearance_ml_h * lumbar_ug_ml
    across = drug.exchange_ml_h * (lumbar_ug_ml - deep_ug_ml)
    removed = drug.plasma_clearance_l_h / drug.plasma_volume_l * plasma
    equal_ug_ml = (
        plasma / drug.plasma_volume_l * drug.systemic_potency * drug.plasma_clearance_l_h / drug.clearance_ml_h
    )
    site = math.log(2) / drug.site_half_life_h
    felt = spinal + systemic
    stages = [3 / (drug.transit_h * share) for share in (0.8, 1.0, 1.2)]
    before = [drug.brain_share * lumbar_ug_ml, *transit]
    adaptation = 1 / family.adaptation.time_h if family.adaptation else 0.0
    lag = 1 / family.withdrawal.lag_h if family.withdrawal else 0.0
    return [
        -absorbed,
        -cleared - across,
        across,
        absorbed + cleared - removed,
        removed,
        site * (lumbar_ug_ml - spinal),
        *(rate * (source - own) for rate, source, own in zip(stages, before, transit, strict=False)),
        site * (transit[-1] - risen),
        math.log(2) / drug.plasma_site_half_life_h * (equal_ug_ml - systemic),
        adaptation * (felt - adapted),
        lag * (adapted - felt - deficit),
    ]


def solved(drug: DrugModel, family: Family, state: list[float], hours: float, step_h: float) -> list[float]:
    """Return the state after some hours, by the classical Runge-Kutta method."""

    def moved(start: list[float], slope: list[float], by: float) -> list[float]:
        return [value + by * change for value, change in zip(start, slope, strict=True)]

    for _ in range(round(hours / step_h)):
        first = derivatives(drug, family, state)
        second = derivatives(drug, family, moved(state, first, step_h / 2))
        third = derivatives(drug, family, moved(state, second, step_h / 2))
        fourth = derivatives(drug, family, moved(state, third, step_h))
        slope = [(a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(first, second, third, fourth, strict=True)]
        state = moved(state, slope, step_h)
    return state


@pytest.mark.parametrize("name", sorted(MODEL.drugs))
@pytest.mark.parametrize("route", ACTIVE)
def test_the_closed_form_solves_the_differential_equations(name: str, route: Route) -> None:
    """For every drug and route the curves agree with a numeric solver of the written equations."""
    drug, family, hours = MODEL.drugs[name], family_of(name), 7.0
    state = [0.0] * 13
    state[0 if route is Route.POCKET else 1] = 1000.0
    pocket, lumbar, deep, plasma, eliminated, spinal, _, _, _, risen, systemic, adapted, deficit = solved(
        drug, family, state, hours, 0.01
    )
    levels = after(name, [(0, MG, route)], round(hours * HOUR_MS))
    expected = Levels(
        pocket,
        lumbar,
        deep,
        plasma,
        eliminated,
        lumbar / drug.lumbar_volume_ml,
        plasma / drug.plasma_volume_l,
        spinal + systemic,
        risen + systemic,
        adapted,
        deficit,
    )
    # Rates of one chain that happen to be equal are moved apart by some thousandths, hence not closer than this.
    assert levels == pytest.approx(expected, rel=5e-3, abs=1e-6)


def test_drug_in_tissue_does_nothing() -> None:
    """Drug beside the fluid is counted and lost."""
    patient = bolus("volunteer", "morphine", MG, Route.TISSUE)
    before = patient.signs()
    patient.advance(DAY_MS)
    assert patient.levels("morphine") == Levels()
    assert patient.balance("morphine").lost_pg == MG
    assert patient.signs().pain == before.pain == patient.indication.pain


@pytest.mark.parametrize("name", sorted(MODEL.drugs))
def test_an_infusion_settles_at_dose_over_clearance(name: str) -> None:
    """At steady state the lumbar concentration is the dose rate divided by the clearance, as it has to be."""
    patient = Patient("volunteer")
    infuse(patient, name, 24 * UG, 10 * DAY_MS, every_ms=10 * MINUTE_MS)
    plateau = 1.0 / MODEL.drugs[name].clearance_ml_h
    assert patient.levels(name).lumbar_ug_ml == pytest.approx(plateau, rel=0.06)
    assert (
        plateau * 0.94 <= patient.levels(name).spinal_ug_ml <= plateau * (1.06 + MODEL.drugs[name].systemic_potency)
    )


def test_shares_of_half_an_hour_stand_for_single_strokes() -> None:
    """Gathering the strokes of an infusion into shares changes what the sites feel by less than one percent."""
    fine, coarse = Patient("volunteer"), Patient("volunteer")
    for _ in range(8):
        infuse(fine, "morphine", MG, 6 * HOUR_MS, every_ms=MINUTE_MS)
        infuse(coarse, "morphine", MG, 6 * HOUR_MS, every_ms=30 * MINUTE_MS)
        for site in ("spinal_ug_ml", "brain_ug_ml", "adapted_ug_ml"):
            one, other = getattr(fine.levels("morphine"), site), getattr(coarse.levels("morphine"), site)
            assert other == pytest.approx(one, rel=0.01)
    assert fine.balance("morphine").received_pg == coarse.balance("morphine").received_pg == 2 * MG


@pytest.mark.parametrize(("level", "hours", "left_percent"), [("spinal_ug_ml", 1.8, 7), ("brain_ug_ml", 6.2, 13)])
def test_morphine_peaks_when_its_structure_says(level: str, hours: float, left_percent: float) -> None:
    """A bolus peaks at the cord after 1.8 h and at the brain after 6.2 h, and so much of it is left at 24 h."""
    peak, when = greatest(bolus("volunteer", "morphine", MG // 2), lambda now: getattr(now.levels(1), level), DAY_MS)
    patient = bolus("volunteer", "morphine", MG // 2)
    patient.advance(DAY_MS)
    assert when == pytest.approx(hours, abs=0.1)
    assert 100 * getattr(patient.levels("morphine"), level) / peak == pytest.approx(left_percent, abs=0.5)


@pytest.mark.parametrize(
    ("drug", "course"),
    [
        ("morphine", {6.5: 50, 17.9: 90}),
        ("baclofen", {6: 34, 8: 46, 24: 91}),
    ],
)
def test_an_infusion_builds_up_as_published(drug: str, course: dict[float, float]) -> None:
    """The spinal site reaches half and nine tenths of its plateau when the published effect sets in and is full."""
    patient = Patient("volunteer")
    plateau = 1000 / 24 / MODEL.drugs[drug].clearance_ml_h
    begin_h = 0.0
    for hours, percent in course.items():
        infuse(patient, drug, MG, round((hours - begin_h) * HOUR_MS), every_ms=5 * MINUTE_MS)
        begin_h = hours
        assert 100 * patient.levels(drug).spinal_ug_ml / plateau == pytest.approx(percent, abs=1.0)


def test_baclofen_leaves_its_site_as_published() -> None:
    """After a long infusion 54 % is left at 8 h, 35 % at 12 h and 9 % at 24 h."""
    patient = Patient("spinal-spasticity")
    infuse(patient, "baclofen", 300 * UG, 20 * DAY_MS)
    full, stopped_ms = patient.levels("baclofen").spinal_ug_ml, patient.now_ms
    for hours, percent in ((8, 54), (12, 35), (24, 9)):
        patient.advance(stopped_ms + hours * HOUR_MS)
        assert 100 * patient.levels("baclofen").spinal_ug_ml / full == pytest.approx(percent, abs=1.0)


def test_intrathecal_drug_reaches_the_blood_whole() -> None:
    """All of an intrathecal dose is eliminated through the blood in the end."""
    patient = bolus("volunteer", "morphine", MG)
    patient.advance(5 * DAY_MS)
    assert patient.balance("morphine").eliminated_ug == pytest.approx(1000.0, rel=1e-6)


def test_a_life_of_six_years_stays_exact() -> None:
    """After six years of twenty doses a day nothing has drifted: the balance closes and the plateau stands."""
    patient, every_ms, share_pg = Patient("cancer-pain"), DAY_MS // 20, MG // 20
    for at_ms in range(0, 6 * 365 * DAY_MS, every_ms):
        patient.receive(at_ms, 1, share_pg)
    balance, levels = patient.balance("morphine"), patient.levels("morphine")
    inside = balance.pocket_ug + balance.fluid_ug + balance.plasma_ug + balance.eliminated_ug
    assert inside * UG == pytest.approx(balance.received_pg, rel=1e-9)
    assert levels.adapted_ug_ml == pytest.approx(1000 / 24 / 20.4, rel=0.01)


@given(seed=st.integers(0, 10_000))
def test_subjects_are_drawn_by_seed(seed: int) -> None:
    """The same seed is the same subject, and its factors are positive."""
    assert drawn(seed) == drawn(seed)
    assert drawn(seed) != drawn(seed + 1)
    subject = drawn(seed)
    assert min(subject.volume, subject.clearance, subject.equilibration, subject.half_effect) > 0


def test_subjects_spread_as_the_model_says() -> None:
    """Over many subjects the factors have about the model's coefficient of variation and a median of one."""
    clearances = sorted(drawn(seed).clearance for seed in range(2000))
    mean = sum(clearances) / len(clearances)
    spread = math.sqrt(sum((value - mean) ** 2 for value in clearances) / len(clearances)) / mean
    assert clearances[1000] == pytest.approx(1.0, abs=0.05)
    assert spread == pytest.approx(MODEL.spread, abs=0.05)


def test_a_subject_of_low_clearance_has_more_drug() -> None:
    """Half the clearance is twice the plateau, while the average subject is the model itself."""
    slow = Kinetics(MODEL.drugs["baclofen"], family_of("baclofen"), Individual(clearance=0.5))
    usual = Kinetics(MODEL.drugs["baclofen"], family_of("baclofen"), AVERAGE)
    assert slow.fluid_half_lives_h[0] == pytest.approx(2 * usual.fluid_half_lives_h[0])
