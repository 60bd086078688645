"""What makes a prescription acceptable to the pump, apart from what it has delivered already.

The pump checks everything again that the programmer checked: hard limits are refused whatever is confirmed, a
soft limit needs a reason, and nothing is filled in or rounded.
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.drug import DrugEntry, Verdict
from emulator.firmware.basal import Basal, basal_of
from emulator.firmware.metering import bolus_rate
from emulator.hardware.line import Fluid
from emulator.hardware.profile import Profile
from emulator.library import Library
from emulator.schedule import problem_with
from protocol.messages import NO_DIGEST, NO_GRANT, NO_SUBJECT, Drug, Prescription, Refused, Schedule
from protocol.units import HOUR_MS, MINUTE_MS, Milliseconds, Picograms
from protocol.vocabulary import Mode, Reason

BOLUS_DURATION_MS = range(MINUTE_MS, 24 * HOUR_MS + 1)
"""A bolus takes a minute to a day: the range of patient controllers (domain figure, low confidence)."""
LOCKOUT_MS = range(5 * MINUTE_MS, 24 * HOUR_MS + 1)
"""Lockouts go from five minutes to a day (domain figure, low confidence)."""


def refusal(reason: Reason, subject: int = NO_SUBJECT, *, retry_after_ms: int = 0, limit_pg: int = 0) -> Refused:
    """Return a refusal with only what it is about filled in."""
    return Refused(reason, subject, Milliseconds(retry_after_ms), Picograms(limit_pg))


def fluid_of(prescription: Prescription) -> Fluid:
    """Return the fluid that a prescription says is in the reservoir, in the order of the drugs' codes."""
    return tuple(sorted((drug.code, drug.concentration.value) for drug in prescription.drugs))


def objection(
    prescription: Prescription, library: Library, profile: Profile, schedule: Schedule | None = None
) -> Refused | None:
    """Return why a prescription is not acceptable, hard reasons first, or None if it is.

    ``schedule`` is the one that it names.
    """
    hard = next(_hard_objections(prescription, schedule, library, profile), None)
    if hard:
        return hard
    if not prescription.override_reason.strip():
        return next(_soft_objections(prescription, schedule, library, profile), None)
    return None


def bolus_objection(volume_nl: int, prescription: Prescription, library: Library, reason: str) -> Refused | None:
    """Return why a single bolus of this volume is not acceptable by the library, or None."""
    soft = None
    for drug, entry in _known(prescription, library):
        verdict = entry.bolus.judge(volume_nl * drug.concentration.value)
        if verdict is Verdict.HARD:
            return refusal(Reason.BOLUS_LIMIT, drug.code, limit_pg=entry.bolus.hard.value)
        if verdict is Verdict.SOFT and not reason.strip():
            soft = soft or refusal(Reason.SOFT_LIMIT, drug.code, limit_pg=entry.bolus.soft.value)
    return soft


def _known(prescription: Prescription, library: Library) -> Iterator[tuple[Drug, DrugEntry]]:
    for drug in prescription.drugs:
        entry = library.drug(drug.code)
        if entry:
            yield drug, entry


def _hard_objections(
    prescription: Prescription, schedule: Schedule | None, library: Library, profile: Profile
) -> Iterator[Refused]:
    if prescription.library != library.digest:
        yield refusal(Reason.LIBRARY_MISMATCH)
    codes = [drug.code for drug in prescription.drugs]
    if not codes or len(set(codes)) != len(codes):
        yield refusal(Reason.INCOMPLETE)
    for drug in prescription.drugs:
        yield from _drug_objections(drug, library)
    if (prescription.mode is Mode.FLEX) != (schedule is not None):
        yield refusal(Reason.NO_SCHEDULE)
        return
    basal = basal_of(prescription, schedule, profile)
    yield from _rate_objections(prescription, basal, profile)
    yield from _bridge_objections(prescription, profile)
    yield from _grant_objections(prescription, basal, library, profile)
    if prescription.low_reservoir.value >= profile.capacity.value:
        yield refusal(Reason.CAPACITY)


def _drug_objections(drug: Drug, library: Library) -> Iterator[Refused]:
    entry = library.drug(drug.code)
    if entry is None:
        yield refusal(Reason.UNKNOWN_DRUG, drug.code)
        return
    if drug.concentration.value == 0 or entry.concentration.judge(drug.concentration.value) is Verdict.HARD:
        yield refusal(Reason.CONCENTRATION_LIMIT, drug.code)
    for limit, most in ((drug.limit_1h, entry.hard_1h), (drug.limit_24h, entry.hard_24h)):
        if limit.value > most.value:
            yield refusal(Reason.LIMIT_ABOVE_LIBRARY, drug.code, limit_pg=most.value)


def _rate_objections(prescription: Prescription, basal: Basal, profile: Profile) -> Iterator[Refused]:
    rate = prescription.rate.value
    if prescription.mode is Mode.SIMPLE_CONTINUOUS:
        if not deliverable(rate, profile):
            yield refusal(Reason.RATE_RANGE)
    elif rate:
        yield refusal(Reason.INCOMPLETE)
    if basal.schedule:
        yield from schedule_objections(basal.schedule, profile)
    elif prescription.schedule != NO_DIGEST:
        yield refusal(Reason.INCOMPLETE)


def schedule_objections(schedule: Schedule, profile: Profile) -> Iterator[Refused]:
    """Yield why a schedule cannot be infused by this hardware."""
    if problem_with(schedule) is not None:
        yield refusal(Reason.SCHEDULE_INVALID)
    elif not all(deliverable(step.rate.value, profile) for step in schedule.steps):
        yield refusal(Reason.RATE_RANGE)


def _bridge_objections(prescription: Prescription, profile: Profile) -> Iterator[Refused]:
    if prescription.bridge.value:
        if prescription.mode is Mode.STOPPED:
            yield refusal(Reason.INCOMPLETE)
        if not deliverable(prescription.bridge.value, profile):
            yield refusal(Reason.RATE_RANGE)


def _grant_objections(
    prescription: Prescription, basal: Basal, library: Library, profile: Profile
) -> Iterator[Refused]:
    grant = prescription.patient_bolus
    if grant.volume.value == 0:
        if grant != NO_GRANT:
            yield refusal(Reason.INCOMPLETE)
        return
    if prescription.mode is Mode.STOPPED or grant.count_24h == 0:
        yield refusal(Reason.INCOMPLETE)
    if grant.duration.value not in BOLUS_DURATION_MS or grant.lockout.value not in LOCKOUT_MS:
        yield refusal(Reason.DURATION_RANGE)
        return
    if not deliverable(basal.peak + bolus_rate(grant.volume.value, grant.duration.value), profile):
        yield refusal(Reason.RATE_RANGE)
    hard = bolus_objection(grant.volume.value, prescription, library, "any soft limit is passed knowingly")
    if hard:
        yield hard
    for drug in prescription.drugs:
        if worst_day_nl(prescription, basal) * drug.concentration.value > drug.limit_24h.value:
            yield refusal(Reason.DAY_LIMIT, drug.code, limit_pg=drug.limit_24h.value)


def _soft_objections(
    prescription: Prescription, schedule: Schedule | None, library: Library, profile: Profile
) -> Iterator[Refused]:
    basal = basal_of(prescription, schedule, profile)
    for drug, entry in _known(prescription, library):
        concentration = drug.concentration.value
        if entry.concentration.judge(concentration) is Verdict.SOFT:
            yield refusal(Reason.SOFT_LIMIT, drug.code)
        if entry.daily.judge(basal.fullest_day_nl * concentration) is Verdict.SOFT:
            yield refusal(Reason.SOFT_LIMIT, drug.code, limit_pg=entry.daily.soft.value)
    soft = bolus_objection(prescription.patient_bolus.volume.value, prescription, library, "")
    if soft:
        yield soft


def deliverable(rate: int, profile: Profile) -> bool:
    """Whether a flow in nL/day, boluses included, is in the hardware's therapeutic range."""
    return profile.rate_min.value <= rate <= profile.rate_max.value


def worst_day_nl(prescription: Prescription, basal: Basal) -> int:
    """Return the volume of a day in which every patient bolus is used."""
    grant = prescription.patient_bolus
    return basal.fullest_day_nl + grant.count_24h * grant.volume.value
