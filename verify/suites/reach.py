"""What the scripts over the real wire must have reached: a run that misses one of these has not shown the claim.

Every state, every change of state, every alarm, every reason to refuse and every premise of a formula must have come
about, but for the few that no script of this length can reach; each of those has its reason here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from protocol.messages import MESSAGES
from protocol.vocabulary import AlarmCode, Reason
from verify.encounters import NO_ALARM
from verify.hostile import Weather
from verify.properties import load_properties
from verify.report import coverage as coverage_table
from verify.report.coverage import ALARMS, STATES, TRANSITIONS, coverage
from verify.scripts.mistakes import MISTAKES
from verify.scripts.unseen import CATHETER, DRIVE, NEEDLE
from verify.starts import STARTS
from verify.temporal.formula import Implies
from verify.verdict import FORMULA

ALWAYS = (
    *(f"began {start}" for start in STARTS),
    "a command without an answer",
    "a stranger was turned away",
    *(f"weather {kind}" for kind in Weather._fields),
    "bench.refill",
    "drive.strokes",
    "alarm.raised reservoir_low",
    "alarm.raised reservoir_empty",
    "alarm.cleared reservoir_low",
    "alarm.cleared reservoir_empty",
    "alarm.raised stopped_48h",
    "alarm.silenced",
    "SilenceAlarms refused silence_spent",
    "AcknowledgeAlarm refused cause_present",
    "pump.bolus clinician started",
    "pump.bolus clinician ended",
    "pump.bolus patient started",
    "pump.bolus patient ended",
    "pump.bolus prime started",
    "pump.bolus prime ended",
    "ClinicianBolus refused hour_limit",
    "PatientBolus refused lockout",
    "other fluid done",
    "bridged fluid done",
    "flex done",
    *(f"mistake {what} refused {wrong.reason.name.lower()}" for what, wrong in MISTAKES.items()),
    "commit of another refused digest_mismatch",
    *(f"carried out {message.__name__}" for message in MESSAGES.values() if message.ROLES),
)
HEALTHY = (
    *ALWAYS,
    *(f"program refused {reason}" for reason in ("hour_limit", "day_limit")),
    *(f"ClinicianBolus refused {reason}" for reason in ("day_limit", "bolus_running", "rate_range")),
    *(f"PatientBolus refused {reason}" for reason in ("count_limit", "patient_bolus_off", "bolus_running")),
    "a window of an hour at 90 % of its limit",
    "a window of a day at 90 % of its limit",
)
FAULTY = (
    *ALWAYS,
    *(f"alarm.raised {code.name.lower()}" for code in AlarmCode),
    *(f"alarm.cleared {code.name.lower()}" for code in AlarmCode),
    *(
        f"fault.injected {fault}"
        for fault in (
            "memory",
            "motor_stall",
            "mri",
            "drive_runaway",
            "valve_open",
            "clock",
            "annunciator",
            "telemetry_latch",
            "battery_eri",
            "battery_eos",
            "low_battery_reset",
            "battery_premature",
            "pump_flipped",
            "total_failure",
            *CATHETER,
            *DRIVE,
            *NEEDLE,
        )
    ),
    "drive.recovered",
    "telemetry.held",
    "telemetry.released",
    "valve.shut",
    "bench.valve_reset",
    "guard.refused",
    "power.cut",
    "power cut at a write",
    "PatientBolus refused unconfirmed",
    "PatientBolus refused alarm_restricts",
    "ClinicianBolus refused alarm_restricts",
    "Start refused alarm_restricts",
    *(f"state {name}" for name in STATES),
    *(f"change {name}" for name in TRANSITIONS),
    *(f"during {name}" for name in (NO_ALARM, *ALARMS)),
    *(f"refused {reason.name.lower()}" for reason in Reason),
    *(FORMULA + each.id for each in load_properties() if isinstance(each.formula, Implies)),
)
OUT_OF_REACH: dict[str, str] = {
    **{
        f"{'change' if name in TRANSITIONS else 'refused'} {name}": why
        for name, why in coverage_table.OUT_OF_REACH.items()
    },
    FORMULA + "eos-before-the-end": "takes years on one battery; reached by runs of their own",
    FORMULA + "eri-before-eos": "takes years on one battery; reached by runs of their own",
}
"""What no script of some fifty steps reaches, and where it is reached instead, or why it cannot be."""


DURING = 2
"""The grid of events during each alarm."""


def wanted(*, faulty: bool) -> tuple[str, ...]:
    """Return what must be reached: by scripts without faults, or by those with faults in them."""
    return tuple(name for name in (FAULTY if faulty else HEALTHY) if name not in OUT_OF_REACH)


def reached(counts: Counter[str], names: Iterable[str]) -> dict[str, int]:
    """Return how often each of some names was reached, by the counts of a suite."""
    found = Counter(counts)
    covered = coverage(counts)
    states, changes, _, reasons = covered.lists
    found.update({f"state {name}": count for name, count in states.counts.items()})
    found.update({f"change {name}": count for name, count in changes.counts.items()})
    for (alarm, _), count in covered.grids[DURING].counts.items():
        found[f"during {alarm}"] += count
    found.update({f"refused {name}": count for name, count in reasons.counts.items()})
    return {name: found[name] for name in names}
