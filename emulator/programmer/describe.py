"""A prescription in lines a clinician reads: a label and a text for everything in it, and for what follows from it.

Two prescriptions that differ in anything differ in a line; the review and the comparison of the pump's echo rest
on that, and a test checks it.
"""

from __future__ import annotations

from emulator.library import Library
from emulator.programmer.flow import Flow, flow_of
from emulator.programmer.limits import bolus_flow, worst_day_volume
from emulator.programmer.week import local_time, step_label, steps_of
from emulator.programmer.words import MODES, drug_name
from protocol.messages import NO_BRIDGE, NO_DIGEST, Drug, IdentityReport, Prescription, Schedule, Step
from protocol.units import Milliseconds, NanolitresPerDay, Picograms, PicogramsPerDay, daily_dose
from protocol.vocabulary import Mode

Lines = dict[str, str]
ABSENT = "-"
REASON = "reason for passing a soft limit"
"""Also the one for leaving out a bridge: the prescription has one field for both."""


def describe(prescription: Prescription, library: Library, schedule: Schedule | None = None) -> Lines:
    """Return everything that the prescription and its schedule say, in the order of the review."""
    grant = prescription.patient_bolus
    lines = {"mode": MODES[prescription.mode], "rate": _rate_text(prescription)}
    lines |= schedule_lines(schedule, prescription.drugs, library) if schedule else {}
    for number, drug in enumerate(prescription.drugs, 1):
        lines |= _drug_lines(number, drug, library)
    return lines | {
        "patient bolus volume": str(grant.volume),
        "patient bolus duration": str(grant.duration),
        "patient bolus lockout": str(grant.lockout),
        "patient boluses in 24 h": str(grant.count_24h),
        "low-reservoir alarm at": str(prescription.low_reservoir),
        "bridge": ABSENT if prescription.bridge == NO_BRIDGE else str(prescription.bridge),
        "drug library": prescription.library.hex(),
        "digest of the schedule": ABSENT if prescription.schedule == NO_DIGEST else prescription.schedule.hex(),
        REASON: f"“{prescription.override_reason}”" if prescription.override_reason else ABSENT,
    }


def derive(
    prescription: Prescription,
    library: Library,
    identity: IdentityReport,
    schedule: Schedule | None = None,
    pump_time: Milliseconds | None = None,
) -> Lines:
    """Return what follows from the prescription on this pump: flows and doses, boluses included; at ``pump_time``,
    which day and time it is for the schedule.
    """
    grant = prescription.patient_bolus
    flow = flow_of(prescription, identity, schedule)
    day = worst_day_volume(flow, grant)
    lines = {"basal flow": _flow_text(flow), "flow with every patient bolus": str(NanolitresPerDay(day))}
    if schedule is not None and pump_time is not None:
        lines["the schedule's clock at the interrogation"] = local_time(schedule, pump_time)
    if grant.volume.value:
        lines["patient bolus flow"] = str(NanolitresPerDay(bolus_flow(grant.volume, grant.duration)))
    for drug in prescription.drugs:
        name, strength = drug_name(drug.code, library), drug.concentration.value
        lines[f"{name} basal dose"] = str(PicogramsPerDay(flow.average * strength)) + _on_average(flow)
        if flow.varies:
            lines[f"{name} lowest step"] = str(PicogramsPerDay(flow.lowest * strength))
            lines[f"{name} highest step"] = str(PicogramsPerDay(flow.highest * strength))
            lines[f"{name} in the fullest 24 h"] = str(Picograms(flow.fullest_day * strength))
        lines[f"{name} most in a day with every patient bolus"] = str(PicogramsPerDay(day * strength))
        if grant.volume.value:
            lines[f"{name} in one patient bolus"] = str(Picograms(grant.volume.value * strength))
    return lines


def _rate_text(prescription: Prescription) -> str:
    scheduled = prescription.mode is Mode.FLEX and prescription.rate.value == 0
    return "by the schedule" if scheduled else str(prescription.rate)


def _flow_text(flow: Flow) -> str:
    average = str(NanolitresPerDay(flow.average))
    if not flow.varies:
        return average
    return f"{NanolitresPerDay(flow.lowest)} to {NanolitresPerDay(flow.highest)}, {average}{_on_average(flow)}"


def _on_average(flow: Flow) -> str:
    return " on average" if flow.varies else ""


def schedule_lines(schedule: Schedule, drugs: tuple[Drug, ...], library: Library) -> Lines:
    """Return one line for each step of each day, with each drug's dose, and when the week begins."""
    lines = {"the schedule's Monday begins at pump time": f"{schedule.anchor.value} ms, modulo a week"}
    texts = {step: _step_text(step, drugs, library) for step in schedule.steps}
    return lines | {step_label(day, step.begins): texts[step] for day, step in steps_of(schedule)}


def _step_text(step: Step, drugs: tuple[Drug, ...], library: Library) -> str:
    doses = (f"{daily_dose(step.rate, drug.concentration)} of {drug_name(drug.code, library)}" for drug in drugs)
    return ", ".join((str(step.rate), *doses))


def _drug_lines(number: int, drug: Drug, library: Library) -> Lines:
    label = "primary drug" if number == 1 else f"drug {number}"
    return {
        label: drug_name(drug.code, library),
        f"{label} concentration": str(drug.concentration),
        f"{label} limit in 1 h": str(drug.limit_1h),
        f"{label} limit in 24 h": str(drug.limit_24h),
    }
