"""What the programmer says: one plain sentence for every refusal, alarm and state.

Each sentence says what is the matter and, where there is one, the way on. None of them blames the reader.
"""

from __future__ import annotations

from emulator.library import Library
from protocol.messages import AlarmEntry, Refused
from protocol.vocabulary import AlarmCode, AlarmStatus, Mode, Priority, Reason, TherapyState

REASONS: dict[Reason, str] = {
    Reason.NOT_PERMITTED: "This role may not ask the pump for that.",
    Reason.MALFORMED: "The pump did not understand the request; programmer and pump may be of different versions.",
    Reason.NOTHING_STAGED: "The pump has no prescription waiting for confirmation; update again.",
    Reason.DIGEST_MISMATCH: "The pump holds another prescription than the one that was reviewed; review it again.",
    Reason.LIBRARY_MISMATCH: "Pump and programmer use different drug libraries; give both the same one.",
    Reason.UNKNOWN_DRUG: "The pump's drug library does not know this drug.",
    Reason.CONCENTRATION_LIMIT: "The concentration is above the hard limit of the drug, or zero.",
    Reason.LIMIT_ABOVE_LIBRARY: "A dose limit of the prescription is above the hard limit of the drug; lower it.",
    Reason.RATE_RANGE: "The rate, boluses included, is outside this pump's range; change dose or concentration.",
    Reason.BOLUS_LIMIT: "The bolus is above the hard limit of the drug for a single bolus.",
    Reason.HOUR_LIMIT: "With what was given already, this would pass the limit of the sliding hour.",
    Reason.DAY_LIMIT: "With what was given already, this would pass the limit of the sliding 24 hours.",
    Reason.SOFT_LIMIT: "A soft limit is passed; give a reason or change the value.",
    Reason.LOCKOUT: "The lockout after the last bolus, programming or refill is still running.",
    Reason.COUNT_LIMIT: "All patient boluses of the last 24 hours are used.",
    Reason.BOLUS_RUNNING: "A bolus is running; wait for its end or cancel it.",
    Reason.NO_BOLUS: "No bolus is running.",
    Reason.WRONG_STATE: "The pump cannot do this in its present state; interrogate it.",
    Reason.ALARM_RESTRICTS: "An alarm limits the flow; remove its cause and acknowledge it first.",
    Reason.UNCONFIRMED: "No prescription is confirmed; review and update it first.",
    Reason.RESERVOIR: "By the pump's reckoning the reservoir holds too little; refill it.",
    Reason.CAPACITY: "The volume is more than the reservoir holds.",
    Reason.NO_SUCH_ALARM: "This alarm is not raised.",
    Reason.CAUSE_PRESENT: "The cause of the alarm is still there; remove it first.",
    Reason.SILENCE_SPENT: "The alarm must sound again before it can be silenced again.",
    Reason.STOPPED: "The pump is stopped; acknowledge that before closing the session.",
    Reason.MEMORY_FAULT: "The pump's memory cannot be trusted with this; status and stop still work.",
    Reason.DURATION_RANGE: "The duration or the lockout is outside the pump's range.",
    Reason.PATIENT_BOLUS_OFF: "The prescription grants no patient boluses.",
    Reason.INCOMPLETE: "The prescription lacks something or contradicts itself.",
    Reason.SCHEDULE_INVALID: "The schedule has a gap or an overlap, or its days name a pattern that is not there.",
    Reason.NO_SCHEDULE: "The pump does not hold the schedule that the prescription names; update again.",
    Reason.BRIDGE_NEEDED: "Another fluid stands in the line: give a bridge, or a reason for going without one.",
    Reason.BRIDGE_IMPOSSIBLE: "The line holds more than one fluid: wait, or give a reason for going without it.",
    Reason.LINE_HOLDS_DRUG: "So much priming would push drug out at the catheter tip; prime less.",
}

ALARMS: dict[AlarmCode, str] = {
    AlarmCode.DOSE_LIMIT: "The dose guard withheld drug that would have passed a dose limit.",
    AlarmCode.MOTOR_STALL: "The motor does not turn: no drug is delivered.",
    AlarmCode.RESERVOIR_LOW: "The reservoir is low, by the pump's reckoning.",
    AlarmCode.RESERVOIR_EMPTY: "The reservoir is empty, by the pump's reckoning: no drug is delivered.",
    AlarmCode.RESET: "The pump has been reset; its prescription must be confirmed again.",
    AlarmCode.MEMORY: "The pump's memory is damaged.",
    AlarmCode.UNREQUESTED_DELIVERY: "The drive moved unasked: more drug was delivered than programmed.",
    AlarmCode.FREE_FLOW: "The valves stood open and drug escaped; a valve that has shut must be reset by hand.",
    AlarmCode.ERI: "The battery is low: plan the pump's replacement.",
    AlarmCode.EOS: "The battery is nearly used up: the pump has stopped and must be replaced.",
    AlarmCode.CLOCK: "The pump's clock is wrong; the pump runs at the minimum rate.",
    AlarmCode.ANNUNCIATOR: "The pump cannot be heard: its sounder does not sound.",
    AlarmCode.TELEMETRY_TIMEOUT: "Interference held the pump's receiver on; the therapy went on.",
    AlarmCode.SESSION_ABORTED: "A session was broken off and left the pump below what is prescribed.",
    AlarmCode.INTRUSION: "Somebody without the key tried to reach the pump, several times in a row.",
    AlarmCode.STOPPED_48H: "The pump has been stopped, or held at the minimum rate, for more than 48 hours.",
}

STATES: dict[TherapyState, str] = {
    TherapyState.UNPROGRAMMED: "not programmed, no drug is delivered",
    TherapyState.STOPPED: "stopped, no drug is delivered",
    TherapyState.MINIMUM_RATE: "at the minimum rate",
    TherapyState.SIMPLE_CONTINUOUS: "infusing at the basal rate",
    TherapyState.CLINICIAN_BOLUS: "giving a clinician bolus",
    TherapyState.PATIENT_BOLUS: "giving a patient bolus",
    TherapyState.FLEX: "infusing by its schedule",
    TherapyState.PRIMING: "priming the line, no drug is delivered",
    TherapyState.BRIDGE: "bridging: the old fluid is leaving the line at its own rate",
}

MODES: dict[Mode, str] = {
    Mode.STOPPED: "stopped",
    Mode.MINIMUM_RATE: "minimum rate",
    Mode.SIMPLE_CONTINUOUS: "simple continuous",
    Mode.FLEX: "flex",
}


def refusal_words(refused: Refused, library: Library) -> str:
    """Return the sentence for a refusal, with the drug, the limit and the waiting time it is about."""
    details = []
    entry = library.drug(refused.subject)
    if entry is not None and refused.reason not in (Reason.NO_SUCH_ALARM, Reason.CAUSE_PRESENT):
        details.append(f"Drug: {entry.name}.")
    if refused.limit.value:
        details.append(f"Limit: {refused.limit}.")
    if refused.retry_after.value:
        details.append(f"It can be asked again in {clock(refused.retry_after.value)}.")
    return " ".join((REASONS[refused.reason], *details))


def alarm_words(alarm: AlarmEntry) -> str:
    """Return the sentence for a raised alarm, with its urgency and whether its cause is still there."""
    urgency = "CRITICAL" if alarm.priority is Priority.CRITICAL else "Alarm"
    rest = "" if alarm.status is AlarmStatus.ACTIVE else " The cause is gone; acknowledge the alarm."
    return f"{urgency}: {ALARMS[alarm.code]}{rest}"


def drug_name(code: int, library: Library) -> str:
    """Return a drug's name, or its number if the library does not know it."""
    entry = library.drug(code)
    return entry.name if entry is not None else f"drug {code}"


def clock(span_ms: int) -> str:
    """Return a span of time for reading, such as “7 h 50 min”, rounded up to a whole second."""
    seconds = -(-span_ms // 1_000)
    parts = []
    for length, unit in ((86_400, "days"), (3_600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, length)
        if count:
            parts.append(f"{count} {'day' if unit == 'days' and count == 1 else unit}")
    return " ".join(parts[:2]) or "0 s"
