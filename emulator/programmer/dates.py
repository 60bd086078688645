"""When the pump should be refilled and replaced, in pump time and, if its wall clock is set, as a date.

A refill is due at the earlier of two moments: when the reservoir, by the pump's reckoning, falls to the low-reservoir
threshold if the patient uses every bolus as early as is granted; and when the fluid is no longer stable by the drug
library, counted from the last refill in the pump's log. Pump time stands still while the pump is without power, so a
date can only be too late by as long as that was.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from emulator.library import Library
from emulator.programmer.bridge import NOT_FLOWING
from emulator.programmer.flow import flow_of
from emulator.programmer.view import PumpView
from emulator.programmer.words import clock
from emulator.schedule import credit_from
from protocol.units import DAY_MS, Milliseconds
from protocol.vocabulary import Mode

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FURTHEST_MS = 200 * 365 * DAY_MS
"""Beyond any pump's service life: what is due later is due never."""


@dataclass(frozen=True, slots=True)
class Due:
    """Something that is due, or is not and why."""

    at: Milliseconds | None
    """Pump time; None if it is not known or never comes."""
    words: str
    date: str | None = None
    """The day, in UTC by the pump's wall clock; None if that is not set."""


@dataclass(frozen=True, slots=True)
class Dates:
    """What is due when: the refill, and the two moments that it is the earlier of; the replacement of the pump."""

    refill: Due
    volume: Due
    stability: Due
    replacement: Due


def dates(view: PumpView, library: Library, refilled: Milliseconds | None) -> Dates:
    """Return what is due; ``refilled`` is the pump time of the last refill in the log, or None."""
    volume, stability = _dated(_volume(view), view), _dated(_stability(view, library, refilled), view)
    known = [due for due in (volume, stability) if due.at is not None]
    refill = min(known, key=lambda due: due.at or Milliseconds(0)) if known else Due(None, "not known")
    return Dates(refill, volume, stability, _dated(_replacement(view), view))


def worst_use_nl(view: PumpView, for_ms: int) -> int:
    """Return the most volume that the prescription can use from now on, rounded up: basal flow, what is left of
    boluses under way, and every patient bolus as early as the sliding 24 hours could grant it, whenever the last
    ones were.
    """
    therapy, grant = view.therapy, view.prescription.prescription.patient_bolus
    boluses = (for_ms // DAY_MS + 1) * grant.count_24h if for_ms else therapy.boluses_left
    under_way = therapy.bolus_remaining.value + therapy.suspended_remaining.value
    return -(-_basal_credit(view, for_ms) // DAY_MS) + boluses * grant.volume.value + under_way


def date_of(view: PumpView, at: Milliseconds) -> str | None:
    """Return the day of a pump time, such as ``2028-02-29``; None if the pump's wall clock is not set."""
    if view.therapy.wall_clock == 0:
        return None
    unix_ms = view.therapy.wall_clock + at.value - view.therapy.pump_time.value
    try:
        return f"{EPOCH + timedelta(milliseconds=unix_ms):%Y-%m-%d}"
    except OverflowError:
        return "beyond every calendar"


def _basal_credit(view: PumpView, for_ms: int) -> int:
    """Return what flows apart from boluses, in nL·ms/day: the rest of a bridge, then the schedule or the rate."""
    prescription, bridge = view.prescription.prescription, view.therapy.bridge_remaining.value
    bridged_ms = 0
    if bridge and prescription.bridge.value:
        bridged_ms = min(for_ms, -(-bridge * DAY_MS // prescription.bridge.value))
    rest_ms = for_ms - bridged_ms
    begins = view.therapy.pump_time.value + bridged_ms
    schedule = view.in_force
    if prescription.mode is Mode.FLEX and schedule is not None:
        basal = credit_from(schedule, begins, rest_ms)
    else:
        basal = flow_of(prescription, view.identity).average * rest_ms
    return bridged_ms * prescription.bridge.value + basal


def _volume(view: PumpView) -> Due:
    now, left = view.therapy.pump_time.value, view.reservoir.computed.value - view.reservoir.low.value
    prescription = view.prescription.prescription
    if not prescription.drugs or prescription.mode is Mode.STOPPED:
        return Due(None, "nothing is prescribed to flow")
    if prescription.mode is Mode.FLEX and view.in_force is None:
        return Due(None, "the schedule is not known")
    if left <= 0:
        return Due(Milliseconds(now), "the reservoir is at the low-reservoir threshold, by the pump's reckoning")
    span = bisect_left(range(FURTHEST_MS), left, key=lambda for_ms: worst_use_nl(view, for_ms))
    if span >= FURTHEST_MS:
        return Due(None, "the reservoir outlasts every service life")
    every = ", every patient bolus used" if prescription.patient_bolus.volume.value else ""
    begun = " and the infusion started now" if view.therapy.state in NOT_FLOWING else ""
    low = view.reservoir.low
    return Due(Milliseconds(now + span), f"reservoir at {low} by the pump's reckoning{every}{begun}")


def _stability(view: PumpView, library: Library, refilled: Milliseconds | None) -> Due:
    if refilled is None:
        return Due(None, "no refill is known, so the fluid's age is not either")
    entries = [library.drug(drug.code) for drug in view.prescription.prescription.drugs]
    known = [entry for entry in entries if entry is not None]
    if not known or len(known) != len(entries):
        return Due(None, "the drug library does not know the fluid")
    first = min(known, key=lambda entry: entry.stability)
    at = refilled + first.stability
    return Due(at, f"{first.name} is stable for {clock(first.stability.value)} after the refill")


def _replacement(view: PumpView) -> Due:
    """Return when the pump must be replaced at the latest, as it reckons itself: a date that only comes nearer."""
    at = view.therapy.pump_time + view.battery.replace_in
    if view.battery.eri:
        return Due(at, "ELECTIVE REPLACEMENT INDICATOR: replace the pump, within 90 days of the indicator")
    return Due(at, "battery at its replacement indicator, or end of the design life, if the flow stays as it is")


def _dated(due: Due, view: PumpView) -> Due:
    return Due(due.at, due.words, date_of(view, due.at)) if due.at is not None else due
