"""What the programmer objects to before anything is sent, judged by the same library as the pump's.

The pump checks all of it again, and its dose guard knows what was really delivered; this is where the clinician
hears about it first, and in words.
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.drug import DrugEntry, Limit, Value, Verdict
from emulator.library import Library
from emulator.programmer.findings import Finding
from emulator.programmer.words import drug_name
from protocol.messages import Drug, IdentityReport, PatientBolusGrant, Prescription
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


def examine(
    prescription: Prescription, library: Library, identity: IdentityReport, capacity: Nanolitres
) -> tuple[Finding, ...]:
    """Return every objection to a prescription for this pump, drug by drug, then the hardware's."""
    flow = basal_flow(prescription, identity)
    findings: list[Finding] = []
    for drug in prescription.drugs:
        entry = library.drug(drug.code)
        if entry is None:
            findings.append(_hard(f"{drug_name(drug.code, library)} is not in the drug library"))
        else:
            findings += _about_drug(drug, entry, flow, prescription.patient_bolus)
    findings += _about_hardware(prescription, identity, flow)
    if prescription.low_reservoir.value >= capacity.value:
        findings.append(_hard(f"low-reservoir alarm at {prescription.low_reservoir}; the reservoir holds {capacity}"))
    return tuple(findings)


def examine_bolus(
    volume: Nanolitres,
    duration: Milliseconds,
    prescription: Prescription,
    library: Library,
    identity: IdentityReport,
) -> tuple[Finding, ...]:
    """Return every objection to one clinician bolus on top of the prescription that runs."""
    flow = basal_flow(prescription, identity)
    findings: list[Finding] = []
    for drug in prescription.drugs:
        entry = library.drug(drug.code)
        if entry is None:
            findings.append(_hard(f"{drug_name(drug.code, library)} is not in the drug library"))
            continue
        dose = volume.value * drug.concentration.value
        findings += _judge(f"{entry.name} bolus", Picograms(dose), entry.bolus)
        findings += _bolus_in_hour(entry, drug, dose, flow)
    findings += _bolus_flow("bolus", volume, duration, identity, flow)
    return tuple(findings)


def basal_flow(prescription: Prescription, identity: IdentityReport) -> int:
    """Return the flow in nL/day that a prescription asks for apart from any bolus."""
    if prescription.mode is Mode.MINIMUM_RATE:
        return identity.rate_minimum_mode.value
    return prescription.rate.value


def worst_day_volume(prescription: Prescription, identity: IdentityReport) -> int:
    """Return the volume in nL of a day on which the patient uses every bolus."""
    grant = prescription.patient_bolus
    return basal_flow(prescription, identity) + grant.count_24h * grant.volume.value


def bolus_flow(volume: Nanolitres, duration: Milliseconds) -> int:
    """Return the flow of a bolus in nL/day, rounded down."""
    return volume.value * DAY_MS // duration.value if duration.value else 0


def _about_drug(drug: Drug, entry: DrugEntry, flow: int, grant: PatientBolusGrant) -> Iterator[Finding]:
    strength = drug.concentration.value
    with_boluses = (flow + grant.count_24h * grant.volume.value) * strength
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


def _bolus_in_hour(entry: DrugEntry, drug: Drug, dose: int, flow: int) -> Iterator[Finding]:
    hour = dose + -(-flow * drug.concentration.value // 24)
    if hour > drug.limit_1h.value:
        yield _hard(f"{entry.name} would reach {Picograms(hour)} in one hour; its limit is {drug.limit_1h}")


def _about_hardware(prescription: Prescription, identity: IdentityReport, flow: int) -> Iterator[Finding]:
    if prescription.mode is Mode.SIMPLE_CONTINUOUS:
        lowest, highest = identity.rate_min, identity.rate_max
        if not lowest.value <= flow <= highest.value:
            yield _hard(f"rate {NanolitresPerDay(flow)}; this pump delivers {lowest} to {highest}")
    grant = prescription.patient_bolus
    if grant.volume.value:
        yield from _bolus_flow("patient bolus", grant.volume, grant.duration, identity, flow)


def _bolus_flow(
    what: str, volume: Nanolitres, duration: Milliseconds, identity: IdentityReport, flow: int
) -> Iterator[Finding]:
    if volume.value == 0 or duration.value == 0:
        yield _hard(f"{what} of {volume} over {duration}; enter both")
    elif flow + bolus_flow(volume, duration) > identity.rate_max.value:
        fastest = NanolitresPerDay(bolus_flow(volume, duration) + flow)
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
