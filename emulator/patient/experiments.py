"""Small experiments with a virtual patient: a bolus, an infusion, and when something is first seen.

They serve the comparison with published figures, the tests, and whoever wants to try a dose.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.patient.parameters import Route
from emulator.patient.patient import Patient
from protocol.units import DAY_MS, HOUR_MS

STROKE_MS = HOUR_MS // 2
"""How often an infusion gives its share. Half an hour is far below every equilibration time of infused drugs."""
LOOK_MS = HOUR_MS // 20
"""How often one looks at the patient when waiting for something: every three minutes."""


def bolus(indication: str, drug: str, mass_pg: int, route: Route = Route.INTRATHECAL) -> Patient:
    """Return a new patient who has just received one dose."""
    patient = Patient(indication)
    patient.receive(0, drug, mass_pg, route)
    return patient


def infuse(
    patient: Patient,
    drug: str,
    daily_pg: int,
    for_ms: int,
    *,
    route: Route = Route.INTRATHECAL,
    every_ms: int = STROKE_MS,
) -> None:
    """Let a patient receive a daily dose evenly for a span of time, a share in the middle of each interval.

    The shares add up exactly to the dose of the span, rounded down to a whole picogram. In the middle, because the
    error of gathering is then of second order in the interval.
    """
    begin_ms, given_pg = patient.now_ms, 0
    for past_ms in range(every_ms, for_ms + 1, every_ms):
        due_pg = daily_pg * past_ms // DAY_MS
        patient.receive(begin_ms + past_ms - every_ms // 2, drug, due_pg - given_pg, route)
        given_pg = due_pg
    patient.advance(begin_ms + for_ms)


def infused(indication: str, drug: str, daily_pg: int, for_ms: int) -> Patient:
    """Return a patient who has had an infusion for a span of time, which now stops."""
    patient = Patient(indication)
    infuse(patient, drug, daily_pg, for_ms)
    return patient


def hours_until(patient: Patient, seen: Callable[[Patient], bool], within_ms: int) -> float | None:
    """Let time pass until something is seen; return the hours it took, or None if it was not seen in time."""
    begin_ms = patient.now_ms
    while patient.now_ms - begin_ms < within_ms:
        patient.advance(patient.now_ms + LOOK_MS)
        if seen(patient):
            return (patient.now_ms - begin_ms) / HOUR_MS
    return None


def greatest(patient: Patient, measure: Callable[[Patient], float], within_ms: int) -> tuple[float, float]:
    """Let time pass and return the greatest value of a measure, and after how many hours it came."""
    begin_ms, best, when_ms = patient.now_ms, measure(patient), patient.now_ms
    while patient.now_ms - begin_ms < within_ms:
        patient.advance(patient.now_ms + LOOK_MS)
        value = measure(patient)
        if value > best:
            best, when_ms = value, patient.now_ms
    return best, (when_ms - begin_ms) / HOUR_MS
