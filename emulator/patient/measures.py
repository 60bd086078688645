"""What the anchors measure on the virtual patient; ``emulator.patient.anchors`` says what was published."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from emulator.patient.experiments import bolus, greatest, hours_until, infuse, infused
from emulator.patient.kinetics import Kinetics
from emulator.patient.parameters import Route
from emulator.patient.patient import Patient
from emulator.patient.reading import shipped_patient_model
from emulator.patient.signs import Alertness, Breathing
from protocol.units import DAY_MS, HOUR_MS

MICROGRAMS_OF_MG = 1000.0
MG = 1_000_000_000
"""A milligram in picograms."""
LONG_MS = 60 * DAY_MS
"""Long enough on a drug for adaptation to be complete."""
RELIEF = 0.3
"""So much less pain is what patients in trials call worthwhile (M-H)."""


def fluid_at(dose_pg: int, at_ms: int) -> float:
    """Return the lumbar concentration of morphine, in ug/mL, some time after a bolus."""
    patient = bolus("volunteer", "morphine", dose_pg)
    patient.advance(at_ms)
    return patient.levels("morphine").lumbar_ug_ml


def fluid_half_lives_h(drug: str) -> list[float]:
    """Return the half-lives of a drug in the fluid, the terminal one last."""
    model = shipped_patient_model()
    return Kinetics(model.drugs[drug], model.families[model.drugs[drug].family]).fluid_half_lives_h


def residence_min() -> float:
    """Return how long a molecule of morphine stays in the fluid: the area under the fraction left."""
    patient, area, step_ms = bolus("volunteer", "morphine", MG), 0.0, HOUR_MS // 60
    for at_ms in range(step_ms // 2, 2 * DAY_MS, step_ms):
        patient.advance(at_ms)
        levels = patient.levels("morphine")
        area += (levels.lumbar_ug + levels.deep_ug) / MICROGRAMS_OF_MG
    return area


def plasma_peak_ng_ml(dose_pg: int) -> float:
    """Return the greatest plasma concentration after a bolus of morphine."""
    patient = bolus("volunteer", "morphine", dose_pg)
    return greatest(patient, lambda now: now.levels("morphine").plasma_ng_ml, DAY_MS)[0]


def reached_in_a_day_percent() -> float:
    """Return how far the spinal site has come after a day of 1 mg/day of morphine."""
    patient = Patient("volunteer")
    infuse(patient, "morphine", MG, DAY_MS)
    after_a_day = patient.levels("morphine").spinal_ug_ml
    infuse(patient, "morphine", MG, 10 * DAY_MS)
    return 100 * after_a_day / patient.levels("morphine").spinal_ug_ml


def analgesia_h() -> float:
    """Return how long 0.3 mg of morphine keeps experimental pain down by ``RELIEF``."""
    patient = bolus("volunteer", "morphine", 3 * MG // 10)
    relieved = patient.indication.pain * (1 - RELIEF)
    patient.advance(4 * HOUR_MS)
    return 4 + _hours(hours_until(patient, lambda now: now.signs().pain > relieved, 3 * DAY_MS))


def _depression(patient: Patient) -> float:
    return patient.signs().respiratory_depression


def slowest_breathing(dose_pg: int) -> float:
    """Return the fewest breaths a minute in the day after a bolus of morphine."""
    patient = bolus("volunteer", "morphine", dose_pg)
    return patient.indication.breaths_per_min * (1 - greatest(patient, _depression, DAY_MS)[0])


def time_of_slowest_breathing_h(dose_pg: int) -> float:
    """Return when, after a bolus of morphine, the breaths are fewest."""
    return greatest(bolus("volunteer", "morphine", dose_pg), _depression, DAY_MS)[1]


def depression_left_percent() -> float:
    """Return what is left of the breathing depression 22 h after 1 mg of morphine."""
    patient = bolus("volunteer", "morphine", MG)
    most, _ = greatest(patient, _depression, 22 * HOUR_MS)
    return 100 * _depression(patient) / most


def bolus_onset_h(dose_pg: int) -> float:
    """Return when a bolus of baclofen has taken a point off the Ashworth score."""
    return _hours(hours_until(bolus("spinal-spasticity", "baclofen", dose_pg), one_point_less, DAY_MS))


def bolus_peak_h(dose_pg: int) -> float:
    """Return when a bolus of baclofen has taken most off the Ashworth score."""
    return greatest(bolus("spinal-spasticity", "baclofen", dose_pg), looseness, DAY_MS)[1]


def looseness(patient: Patient) -> float:
    """Return how many points of the Ashworth score are gone."""
    return patient.indication.spasticity - patient.signs().spasticity


def one_point_less(patient: Patient) -> bool:
    """Say whether a point of the Ashworth score is gone."""
    return looseness(patient) >= 1


def _begun(daily_pg: int) -> Iterator[Patient]:
    """Yield a patient at every quarter of an hour of the first week of an infusion."""
    patient = Patient("spinal-spasticity")
    while patient.now_ms < 7 * DAY_MS:
        infuse(patient, "baclofen", daily_pg, HOUR_MS // 4, every_ms=HOUR_MS // 4)
        yield patient


def infusion_onset_h(daily_pg: int) -> float:
    """Return when an infusion of baclofen has taken a point off the Ashworth score."""
    return next(patient.now_ms / HOUR_MS for patient in _begun(daily_pg) if one_point_less(patient))


def infusion_peak_h(daily_pg: int) -> float:
    """Return when, within a week, an infusion of baclofen has taken most off the Ashworth score."""
    return max((looseness(patient), patient.now_ms / HOUR_MS) for patient in _begun(daily_pg))[1]


def withdrawal_h(indication: str, drug: str, daily_pg: int, stage: int) -> float:
    """Return when a stage of withdrawal begins after a long infusion stops."""

    def reached(patient: Patient) -> bool:
        missed = patient.signs().withdrawal(drug)
        return missed is not None and missed.stage >= stage

    return _hours(hours_until(infused(indication, drug, daily_pg, LONG_MS), reached, 5 * DAY_MS))


def pocket_fill_h(
    indication: str, drug: str, daily_pg: int, filled_pg: int, seen: Callable[[Patient], bool]
) -> float:
    """Return when something is seen after a fill beside the pump, the infusion having run out."""
    patient = infused(indication, drug, daily_pg, LONG_MS)
    patient.receive(patient.now_ms, drug, filled_pg, Route.POCKET)
    return _hours(hours_until(patient, seen, DAY_MS))


def breathes_slowly(patient: Patient) -> bool:
    """Say whether the patient breathes too slowly."""
    return patient.signs().breathing is not Breathing.NORMAL


def hard_to_rouse(patient: Patient) -> bool:
    """Say whether the patient is hard to rouse or worse."""
    return patient.signs().alertness in (Alertness.HARD_TO_ROUSE, Alertness.UNRESPONSIVE)


def unresponsive(patient: Patient) -> bool:
    """Say whether the patient cannot be roused."""
    return patient.signs().alertness is Alertness.UNRESPONSIVE


def _hours(found: float | None) -> float:
    return float("inf") if found is None else found
