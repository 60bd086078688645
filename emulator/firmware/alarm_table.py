"""The alarms of this pump, one row each: to add an alarm, add its code, its row and its detector.

A detector looks at the facts and says since when its condition has held, in pump milliseconds, or None while it
does not hold. The row says how long a condition must have held before the alarm is raised.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from emulator.firmware.alarms import KEEP, MINIMUM, STOP, Flow
from emulator.firmware.contact import ABORTED_HOLD_MS, TELEMETRY_HOLD_MS, TELEMETRY_MOST_MS
from emulator.firmware.escapes import QUIET_MS
from emulator.firmware.state import Noticed
from protocol.vocabulary import AlarmCode, Priority


class Facts(NamedTuple):
    """What the firmware knows that an alarm may depend on. Times are pump ms, -1 where a thing is not so."""

    now: int
    guard_refused_at: int
    """The last stroke was refused by the dose guard."""
    stalled_at: int
    """The rotor did not turn at the last stroke, and not at any since this time."""
    programmed: bool
    reservoir_nl: int
    low_nl: int
    stroke_nl: int
    reset_at: int
    """Power came back and no clinician has confirmed the prescription since."""
    memory_fault_at: int
    stopped_at: int
    stopped_too_long_ms: int
    noticed: Noticed
    """What the pump has noticed about its own parts."""


Detector = Callable[[Facts], "int | None"]


def _at_once(_: Facts) -> int:
    return 0


def _never(_: Facts) -> None:
    """Return that a condition does not end by mere time."""


class AlarmRow(NamedTuple):
    """One alarm: how urgent, what it does to the flow, how its condition is seen, and how long it must hold."""

    code: AlarmCode
    priority: Priority
    flow: Flow
    detector: Detector
    hold: Callable[[Facts], int] = _at_once
    meaning: str = ""
    ends: Callable[[Facts], int | None] = _never
    """When the condition that holds will be over if nothing else happens, in pump ms."""


def _since(at: int) -> int | None:
    return at if at >= 0 else None


def _dose_limit(facts: Facts) -> int | None:
    return _since(facts.guard_refused_at)


def _motor_stall(facts: Facts) -> int | None:
    return _since(facts.stalled_at)


def _reservoir_low(facts: Facts) -> int | None:
    return facts.now if facts.programmed and facts.reservoir_nl <= facts.low_nl else None


def _reservoir_empty(facts: Facts) -> int | None:
    return facts.now if facts.programmed and facts.reservoir_nl < facts.stroke_nl else None


def _reset(facts: Facts) -> int | None:
    return _since(facts.reset_at)


def _memory(facts: Facts) -> int | None:
    return _since(facts.memory_fault_at)


def _stopped(facts: Facts) -> int | None:
    return _since(facts.stopped_at)


def _unrequested(facts: Facts) -> int | None:
    at = facts.noticed.overran_at
    return at if at >= 0 and facts.now < _quiet_at(facts) else None


def _quiet_at(facts: Facts) -> int:
    return facts.noticed.overran_at + QUIET_MS


def _free_flow(facts: Facts) -> int | None:
    return _since(facts.noticed.valves_at)


def _noticed(name: str) -> Detector:
    """Return a detector of what the pump notes the beginning of."""
    return lambda facts: _since(getattr(facts.noticed, name))


_eri, _eos, _clock = _noticed("eri_at"), _noticed("eos_at"), _noticed("clock_at")
_annunciator, _telemetry = _noticed("sounder_at"), _noticed("telemetry_at")
_aborted, _intrusion = _noticed("aborted_at"), _noticed("intruded_at")


ALARMS = (
    AlarmRow(
        AlarmCode.DOSE_LIMIT,
        Priority.CRITICAL,
        MINIMUM,
        _dose_limit,
        meaning="the dose guard had to refuse a stroke",
    ),
    AlarmRow(
        AlarmCode.MOTOR_STALL,
        Priority.CRITICAL,
        KEEP,
        _motor_stall,
        meaning="the rotor was commanded and did not turn",
    ),
    AlarmRow(
        AlarmCode.RESERVOIR_LOW,
        Priority.NON_CRITICAL,
        KEEP,
        _reservoir_low,
        meaning="the computed reservoir volume is at or under the threshold",
    ),
    AlarmRow(
        AlarmCode.RESERVOIR_EMPTY,
        Priority.CRITICAL,
        STOP,
        _reservoir_empty,
        meaning="the computed reservoir volume does not hold another stroke",
    ),
    AlarmRow(
        AlarmCode.RESET,
        Priority.CRITICAL,
        MINIMUM,
        _reset,
        meaning="power was lost; the prescription awaits a clinician's confirmation",
    ),
    AlarmRow(
        AlarmCode.MEMORY,
        Priority.CRITICAL,
        MINIMUM,
        _memory,
        meaning="something in memory was damaged",
    ),
    AlarmRow(
        AlarmCode.STOPPED_48H,
        Priority.CRITICAL,
        KEEP,
        _stopped,
        hold=lambda facts: facts.stopped_too_long_ms,
        meaning="the pump has been stopped, or held at the minimum rate where more is prescribed, for too long",
    ),
    AlarmRow(
        AlarmCode.UNREQUESTED_DELIVERY,
        Priority.CRITICAL,
        STOP,
        _unrequested,
        meaning="the drive moved without a grant of the dose guard; over when it has been quiet for 15 min",
        ends=_quiet_at,
    ),
    AlarmRow(
        AlarmCode.FREE_FLOW,
        Priority.CRITICAL,
        STOP,
        _free_flow,
        meaning="the valves stand open unasked, or the flow-activated valve is shut and waits for a hand to reset it",
    ),
    AlarmRow(
        AlarmCode.ERI,
        Priority.NON_CRITICAL,
        KEEP,
        _eri,
        meaning="the battery has reached its elective replacement indicator",
    ),
    AlarmRow(
        AlarmCode.EOS,
        Priority.CRITICAL,
        STOP,
        _eos,
        meaning="the battery is nearly used up: end of service",
    ),
    AlarmRow(
        AlarmCode.CLOCK,
        Priority.CRITICAL,
        MINIMUM,
        _clock,
        meaning="the clock and the watchdog's counter differ",
    ),
    AlarmRow(
        AlarmCode.ANNUNCIATOR,
        Priority.CRITICAL,
        KEEP,
        _annunciator,
        meaning="the daily self-test found that the sounder does not sound",
    ),
    AlarmRow(
        AlarmCode.TELEMETRY_TIMEOUT,
        Priority.NON_CRITICAL,
        KEEP,
        _telemetry,
        hold=lambda _: TELEMETRY_HOLD_MS,
        ends=lambda facts: facts.noticed.telemetry_at + TELEMETRY_MOST_MS,
        meaning="interference held the receiver on; it was switched off",
    ),
    AlarmRow(
        AlarmCode.SESSION_ABORTED,
        Priority.CRITICAL,
        KEEP,
        _aborted,
        hold=lambda _: ABORTED_HOLD_MS,
        meaning="a clinician's session was broken off and left the pump below what is prescribed",
    ),
    AlarmRow(
        AlarmCode.INTRUSION,
        Priority.NON_CRITICAL,
        KEEP,
        _intrusion,
        meaning="several proofs of a key in a row were wrong, and none was right since",
    ),
)

BY_CODE = {row.code: row for row in ALARMS}
PRIORITIES = {row.code: row.priority for row in ALARMS}
