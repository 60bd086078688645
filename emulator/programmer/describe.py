"""A prescription in lines a clinician reads: a label and a text for everything in it, and for what follows from it.

Two prescriptions that differ in anything differ in a line; the review and the comparison of the pump's echo rest
on that, and a test checks it.
"""

from __future__ import annotations

from emulator.library import Library
from emulator.programmer.limits import basal_flow, bolus_flow, worst_day_volume
from emulator.programmer.words import MODES, drug_name
from protocol.messages import Drug, IdentityReport, Prescription
from protocol.units import NanolitresPerDay, Picograms, PicogramsPerDay

Lines = dict[str, str]
ABSENT = "-"


def describe(prescription: Prescription, library: Library) -> Lines:
    """Return everything that the prescription says, in the order of the review."""
    grant = prescription.patient_bolus
    lines = {"mode": MODES[prescription.mode], "rate": str(prescription.rate)}
    for number, drug in enumerate(prescription.drugs, 1):
        lines |= _drug_lines(number, drug, library)
    return lines | {
        "patient bolus volume": str(grant.volume),
        "patient bolus duration": str(grant.duration),
        "patient bolus lockout": str(grant.lockout),
        "patient boluses in 24 h": str(grant.count_24h),
        "low-reservoir alarm at": str(prescription.low_reservoir),
        "drug library": prescription.library.hex(),
        "reason for passing a soft limit": f"“{prescription.override_reason}”"
        if prescription.override_reason
        else ABSENT,
    }


def derive(prescription: Prescription, library: Library, identity: IdentityReport) -> Lines:
    """Return what follows from the prescription on this pump: flows and doses, boluses included."""
    grant = prescription.patient_bolus
    flow = basal_flow(prescription, identity)
    day = worst_day_volume(prescription, identity)
    lines = {"basal flow": str(NanolitresPerDay(flow)), "flow with every patient bolus": str(NanolitresPerDay(day))}
    if grant.volume.value:
        lines["patient bolus flow"] = str(NanolitresPerDay(bolus_flow(grant.volume, grant.duration)))
    for drug in prescription.drugs:
        name, strength = drug_name(drug.code, library), drug.concentration.value
        lines[f"{name} basal dose"] = str(PicogramsPerDay(flow * strength))
        lines[f"{name} most in a day with every patient bolus"] = str(PicogramsPerDay(day * strength))
        if grant.volume.value:
            lines[f"{name} in one patient bolus"] = str(Picograms(grant.volume.value * strength))
    return lines


def _drug_lines(number: int, drug: Drug, library: Library) -> Lines:
    label = "primary drug" if number == 1 else f"drug {number}"
    return {
        label: drug_name(drug.code, library),
        f"{label} concentration": str(drug.concentration),
        f"{label} limit in 1 h": str(drug.limit_1h),
        f"{label} limit in 24 h": str(drug.limit_24h),
    }
