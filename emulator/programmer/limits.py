"""What the programmer objects to before anything is sent, judged by the same library as the pump's.

The pump checks all of it again, and its dose guard knows what was really delivered; this is where the clinician
hears about it first, and in words.
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.drug import DrugEntry, Limit, Value, Verdict
from emulator.library import Library
from emulator.programmer.findings import Finding
from emulator.programmer.flow import Flow, flow_of
from emulator.programmer.week import step_label, steps_of
from emulator.programmer.words import drug_name
from protocol.messages import Drug, IdentityReport, PatientBolusGrant, Prescription, Schedule
from protocol.units import (
    DAY_MS,
    Milliseconds,
    Nanolitres,
    NanolitresPerDay,
    Picograms,
    PicogramsPerDay,
    PicogramsPerNanolitre,
)
from protocol.vocabulary import Mode

UNKNOWN_SCHEDULE = "the schedule that the prescription names is not known; interrogate the pump"


def examine(
    prescription: Prescription,
    library: Library,
    identity: IdentityReport,
    capacity: Nanolitres,
    schedule: Schedule | None = None,
) -> tuple[Finding, ...]:
    """Return every objection to a prescription for this pump, drug by drug, then the hardware's.

    ``schedule`` is the one that the prescription names; without it there is nothing to judge a flex flow by.
    """
    flow = flow_of(prescription, identity, schedule)
    findings: list[Finding] = []
    for drug in prescription.drugs:
        entry = library.drug(drug.code)
        if entry is None:
            findings.append(_hard(f"{drug_name(drug.code, library)} is not in the drug library"))
        else:
            findings += _about_drug(drug, entry, flow, prescription.patient_bolus)
    findings += _about_hardware(prescription, identity, flow, schedule)
    if prescription.low_reservoir.value >= capacity.value:
        findings.append(_hard(f"low-reservoir alarm at {prescription.low_reservoir}; the reservoir holds {capacity}"))
    return tuple(findings)


def examine_bolus(
    volume: Nanolitres,
    duration: Milliseconds,
    prescription: Prescription,
    library: Library,
    identity: IdentityReport,
    schedule: Schedule | None = None,
) -> tuple[Finding, ...]:
    """Return every objection to one clinician bolus on top of the prescription that runs, and its schedule.

    It may run into any hour of a schedule, so it is judged beside the fullest one.
    """
    flow = flow_of(prescription, identity, schedule)
    findings: list[Finding] = []
    for drug in prescription.drugs:
        entry = library.drug(drug.code)
        if entry is None:
            findings.append(_hard(f"{drug_name(drug.code, library)} is not in the drug library"))
            continue
        dose = volume.value * drug.concentration.value
        findings += _judge(f"{entry.name} bolus", Picograms(dose), entry.bolus)
        findings += _bolus_in_hour(entry, drug, dose, flow)
    if prescription.mode is Mode.FLEX and schedule is None:
        findings.append(_hard(UNKNOWN_SCHEDULE))
    findings += _bolus_flow("bolus", volume, duration, identity, flow)
    return tuple(findings)


def worst_day_volume(flow: Flow, grant: PatientBolusGrant) -> int:
    """Return the volume in nL of the fullest 24 hours in which the patient uses every bolus."""
    return flow.fullest_day + grant.count_24h * grant.volume.value


def bolus_flow(volume: Nanolitres, duration: Milliseconds) -> int:
    """Return the flow of a bolus in nL/day, rounded down."""
    return volume.value * DAY_MS // duration.value if duration.value else 0


def _about_drug(drug: Drug, entry: DrugEntry, flow: Flow, grant: PatientBolusGrant) -> Iterator[Finding]:
    strength = drug.concentration.value
    with_boluses = worst_day_volume(flow, grant) * strength
    yield from _judge(f"{entry.name} concentration", drug.concentration, entry.concentration)
    boluses = " with every patient bolus" if grant.volume.value else ""
    yield from _judge(f"{entry.name} daily dose{boluses}", PicogramsPerDay(with_boluses), entry.daily)
    for name, limit, highest in (("1 h", drug.limit_1h, entry.hard_1h), ("24 h", drug.limit_24h, entry.hard_24h)):
        if limit.value > highest.value:
            yield _hard(f"{entry.name} limit in {name} is {limit}; the library's highest is {highest}")
    if with_boluses > drug.limit_24h.value:
        yield _hard(f"{entry.name} would reach {Picograms(with_boluses)} in 24 h; its limit is {drug.limit_24h}")
    dose = grant.volume.value * strength
    if dose:
        yield from _judge(f"{entry.name} patient bolus", Picograms(dose), entry.bolus)
    yield from _bolus_in_hour(entry, drug, dose, flow)


def _bolus_in_hour(entry: DrugEntry, drug: Drug, dose: int, flow: Flow) -> Iterator[Finding]:
    hour = dose + -(-flow.fullest_hour * drug.concentration.value // 24)
    if hour > drug.limit_1h.value:
        yield _hard(f"{entry.name} would reach {Picograms(hour)} in one hour; its limit is {drug.limit_1h}")


def _about_hardware(
    prescription: Prescription, identity: IdentityReport, flow: Flow, schedule: Schedule | None
) -> Iterator[Finding]:
    yield from _about_rates(prescription, identity, schedule)
    grant = prescription.patient_bolus
    if grant.volume.value:
        yield from _bolus_flow("patient bolus", grant.volume, grant.duration, identity, flow)


def _about_rates(
    prescription: Prescription, identity: IdentityReport, schedule: Schedule | None
) -> Iterator[Finding]:
    rates: list[tuple[str, NanolitresPerDay]] = []
    if prescription.mode is Mode.SIMPLE_CONTINUOUS:
        rates = [("rate", prescription.rate)]
    elif prescription.mode is Mode.FLEX:
        if schedule is None:
            yield _hard(UNKNOWN_SCHEDULE)
            return
        rates = [(step_label(day, step.begins), step.rate) for day, step in steps_of(schedule)]
    for what, rate in rates:
        if not deliverable(rate.value, identity):
            yield _hard(f"{what} {rate}; this pump delivers {identity.rate_min} to {identity.rate_max}")


def deliverable(flow: int, identity: IdentityReport) -> bool:
    """Say whether this pump can infuse at a flow in nL/day."""
    return identity.rate_min.value <= flow <= identity.rate_max.value


def _bolus_flow(
    what: str, volume: Nanolitres, duration: Milliseconds, identity: IdentityReport, flow: Flow
) -> Iterator[Finding]:
    if volume.value == 0 or duration.value == 0:
        yield _hard(f"{what} of {volume} over {duration}; enter both")
    elif flow.highest + bolus_flow(volume, duration) > identity.rate_max.value:
        fastest = NanolitresPerDay(bolus_flow(volume, duration) + flow.highest)
        yield _hard(f"{what} with the basal flow would need {fastest}; this pump delivers up to {identity.rate_max}")


def _judge(
    what: str, value: PicogramsPerNanolitre | PicogramsPerDay | Picograms, limit: Limit[Value]
) -> Iterator[Finding]:
    verdict = limit.judge(value.value)
    if verdict is Verdict.HARD:
        yield _hard(f"{what} is {value}; the hard limit is {limit.hard}")
    elif verdict is Verdict.SOFT:
        yield Finding(Verdict.SOFT, f"{what} is {value}; the soft limit is {limit.soft}")


def _hard(words: str) -> Finding:
    return Finding(Verdict.HARD, words)
