"""The signals that formulas about a journal may name, and what each means.

``fault(motor_stall)`` picks one of several of a kind by its argument. A level is what was last said; a moment is true
for the one instant of its event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from protocol.units import Milliseconds, Nanolitres, NanolitresPerDay, Quantity
from verify.temporal.signals import Vocabulary

ALARMS = (
    "dose_limit",
    "motor_stall",
    "reservoir_low",
    "reservoir_empty",
    "reset",
    "memory",
    "stopped_48h",
    "unrequested_delivery",
    "free_flow",
    "eri",
    "eos",
    "clock",
    "annunciator",
    "telemetry_timeout",
    "session_aborted",
    "intrusion",
)
PRIORITIES = ("critical", "non_critical")
STATES = (
    "unprogrammed",
    "stopped",
    "minimum_rate",
    "simple_continuous",
    "clinician_bolus",
    "patient_bolus",
    "flex",
    "priming",
    "bridge",
)
BOLUSES = ("clinician", "patient", "priming")
FAULTS = (
    "cath_kink",
    "cath_occlusion",
    "cath_dislodged",
    "cath_disconnected",
    "cath_leak",
    "motor_stall",
    "valve_open",
    "over_infusion",
    "under_infusion",
    "inaccuracy",
    "drive_runaway",
    "mri",
    "memory",
    "total_failure",
    "pump_flipped",
    "pump_erosion",
    "access_port_bolus",
    "refill_pocket",
    "refill_wrong_drug",
    "refill_wrong_volume",
    "refill_overfill",
    "battery_eri",
    "battery_eos",
    "battery_premature",
    "low_battery_reset",
    "clock",
    "annunciator",
    "telemetry_latch",
)
COMMANDS = (
    "stage_prescription",
    "stage_schedule",
    "commit",
    "stop",
    "start",
    "prime",
    "clinician_bolus",
    "cancel_bolus",
    "patient_bolus",
    "enter_refill",
    "set_wall_clock",
    "silence_alarms",
    "acknowledge_alarm",
    "self_test",
    "close",
)
ROLES = ("observer", "patient", "clinician", "service")
BATTERY = ("eri", "eos", "empty")
"""The battery's levels, each of which includes those after it."""
ANY = "any"

MEANINGS: Mapping[str, tuple[Iterable[str], str]] = {
    "powered": ((), "the pump has power"),
    "restored": ((), "moment: power comes back"),
    "state": (STATES, "the therapy state that the pump claims"),
    "mode": (STATES, "the mode of the prescription in force"),
    "prescribed": ((), "there is a prescription"),
    "confirmed": ((), "the prescription was confirmed, and no reset or damage has put it in doubt since"),
    "rate_raised": ((), "moment: the claimed rate goes up"),
    "moving": ((), "moment: a stroke of the drive"),
    "unasked": ((), "moment: a stroke that nobody asked for, be there fluid to move or not"),
    "standing": ((), "a magnetic field holds the rotor, or it has not recovered from one yet"),
    "valves_open": ((), "a fault holds open the valves of a pump that has them"),
    "valve_shut": ((), "a flow-activated valve has shut and waits for a hand"),
    "drug_at_tip": ((), "moment: a stroke that pushes drug out at the tip"),
    "guard_refused": ((), "moment: the dose guard refuses a stroke"),
    "has_alarm": (ALARMS, "this pump says that it has such an alarm at all"),
    "alarm": ((*ALARMS, *PRIORITIES, ANY), "an alarm is raised and not cleared"),
    "alarm_raised": ((*ALARMS, ANY), "moment: an alarm is raised"),
    "alarm_cleared": ((*ALARMS, ANY), "moment: an alarm is cleared"),
    "raised_as": (PRIORITIES, "moment: an alarm is raised, with this priority"),
    "alarm_forgotten": ((), "moment: damage to memory makes the pump forget alarms"),
    "sound": ((*PRIORITIES, ANY), "moment: the sounder is sounded, in this pattern"),
    "heard": ((), "moment: it is sounded and works"),
    "silence": ((), "moment: a silence is granted"),
    "silenced": (
        (),
        "a silence is in force: for its bounded time, until a new alarm, a power cut or the last cleared",
    ),
    "fault": ((*FAULTS, ANY), "the bench keeps this fault there"),
    "injected": ((*FAULTS, ANY), "moment: the bench brings a fault about"),
    "battery": (BATTERY, "the battery has reached this level, as its own comparators say"),
    "clock_stands": ((), "the clock stands still"),
    "clock_mended": (
        (),
        "the clock stood and was mended in the last minute; at power-up, stood or was just mended when power failed",
    ),
    "clock_jumps": ((), "moment: the clock jumps or wraps"),
    "telemetry_held": ((), "interference holds the receiver on"),
    "bolus_started": ((*BOLUSES, ANY), "moment: a bolus begins"),
    "bolus_ended": ((*BOLUSES, ANY), "moment: a bolus ends, early or not"),
    "bolus_denied": ((), "moment: the patient's request is denied"),
    "lockout": ((), "the patient's lockout since the last bolus, prescription or refill"),
    "session": ((*ROLES, ANY), "an authenticated session is open"),
    "session_lost": ((*ROLES, ANY), "moment: a session ends and nobody closed it, a power cut being one way"),
    "accepted": ((*COMMANDS, ANY), "moment: the pump has carried out a command"),
    "refused": ((*COMMANDS, ANY), "moment: the pump has refused a command"),
    "authentication_failed": ((), "moment: somebody could not prove who they are"),
    "wrong_proof": ((), "moment: a proof of a key is wrong"),
}
"""Boolean signals, their arguments, and what they mean."""

NUMBERS: Mapping[str, tuple[type[Quantity] | None, str]] = {
    "rate": (NanolitresPerDay, "the rate that the pump claims"),
    "prescribed_rate": (NanolitresPerDay, "the rate of the prescription in force"),
    "minimum_rate": (NanolitresPerDay, "the hardware's minimum rate"),
    "lowest_rate": (NanolitresPerDay, "the hardware's lowest rate of therapy"),
    "highest_rate": (NanolitresPerDay, "the hardware's highest rate"),
    "reservoir": (Nanolitres, "what the reservoir truly holds"),
    "reckoned": (Nanolitres, "what it holds by dead reckoning: entered, less what was commanded"),
    "low_threshold": (Nanolitres, "the prescription's threshold for a low reservoir"),
    "stroke": (Nanolitres, "the volume of one stroke"),
    "patient_boluses": (None, "patient boluses of the last 24 h"),
    "patient_boluses_granted": (None, "patient boluses that the prescription grants in any 24 h"),
    "wrong_proofs": (None, "wrong proofs since the last session; after a loss of power the next is the first"),
    "charge": (None, "thousandths of the charge that were left when the battery last reached a level"),
    "sound_lasts": (Milliseconds, "how long the pattern lasts that sounded last"),
}
"""Numbers, the kind of each and what they mean."""


def vocabulary() -> Vocabulary:
    """Return the names that formulas about a journal may use."""
    switches = {
        f"{name}({argument})" if argument else name
        for name, (arguments, _) in MEANINGS.items()
        for argument in (tuple(arguments) or ("",))
    }
    return Vocabulary(frozenset(switches), {name: kind for name, (kind, _) in NUMBERS.items()})
