"""The detectors of the alarm table, each at the edges of its condition.

What each alarm's cause is stands here once more, in words of its own. A cause is given to a pump in which all else is
well, so that an alarm that answers to the wrong one is found as well.
"""

from __future__ import annotations

from typing import Any

from emulator.firmware.alarm_table import ALARMS, Facts
from emulator.firmware.state import Noticed
from protocol.units import HOUR_MS, MINUTE_MS
from protocol.vocabulary import AlarmCode
from verify.suites.suite import Effort, Property, Suite, require

NOW = 72 * HOUR_MS
LOW_NL, STROKE_NL = 2_000_000, 500
WELL = Facts(
    now=NOW,
    guard_refused_at=-1,
    stalled_at=-1,
    programmed=True,
    reservoir_nl=20_000_000,
    low_nl=LOW_NL,
    stroke_nl=STROKE_NL,
    reset_at=-1,
    memory_fault_at=-1,
    stopped_at=-1,
    stopped_too_long_ms=48 * HOUR_MS,
    noticed=Noticed(),
)
"""A programmed pump that has been well for three days."""
BY_ITSELF = {
    AlarmCode.DOSE_LIMIT: "guard_refused_at",
    AlarmCode.MOTOR_STALL: "stalled_at",
    AlarmCode.RESET: "reset_at",
    AlarmCode.MEMORY: "memory_fault_at",
    AlarmCode.STOPPED_48H: "stopped_at",
}
"""Which fact says since when an alarm's cause is there."""
OF_ITS_PARTS = {
    AlarmCode.FREE_FLOW: "valves_at",
    AlarmCode.ERI: "eri_at",
    AlarmCode.EOS: "eos_at",
    AlarmCode.CLOCK: "clock_at",
    AlarmCode.ANNUNCIATOR: "sounder_at",
    AlarmCode.TELEMETRY_TIMEOUT: "telemetry_at",
    AlarmCode.SESSION_ABORTED: "aborted_at",
    AlarmCode.INTRUSION: "intruded_at",
}
"""The same for what the pump notices about its own parts."""
QUIET_MS = 15 * MINUTE_MS


def seen(facts: Facts) -> dict[AlarmCode, int]:
    """Return the alarms whose condition holds, and since when."""
    found = {row.code: row.detector(facts) for row in ALARMS}
    return {code: since for code, since in found.items() if since is not None}


def since_its_beginning(effort: Effort) -> None:
    """Let each cause begin at the pump's first millisecond, at the next, and now, alone and all together."""
    require(seen(WELL) == {}, f"in a pump that is well these hold: {seen(WELL)}")
    require(not seen(WELL._replace(now=0)), "in the first millisecond of a pump that is well something holds")
    for at in (0, 1, NOW):
        every = WELL
        for code, fact in BY_ITSELF.items():
            _only(code, at, _with(WELL, fact, at))
            every = _with(every, fact, at)
        for code, fact in OF_ITS_PARTS.items():
            _only(code, at, _with_part(WELL, fact, at))
            every = _with_part(every, fact, at)
        effort.tried += len(BY_ITSELF) + len(OF_ITS_PARTS)
        found = set(seen(every))
        require(found == {*BY_ITSELF, *OF_ITS_PARTS}, f"of all causes together these are seen: {found}")


def _with(facts: Facts, fact: str, at: int) -> Facts:
    changed: dict[str, Any] = {fact: at}
    return facts._replace(**changed)


def _with_part(facts: Facts, fact: str, at: int) -> Facts:
    changed: dict[str, Any] = {fact: at}
    return facts._replace(noticed=facts.noticed._replace(**changed))


def _only(code: AlarmCode, at: int, facts: Facts) -> None:
    require(seen(facts) == {code: at}, f"{code.name} since {at} ms: these hold: {seen(facts)}")


def at_the_level(effort: Effort) -> None:
    """Let the reservoir be one nanolitre over, at and under the threshold and a stroke, programmed and not."""
    levels: dict[int, set[AlarmCode]] = {
        LOW_NL + 1: set(),
        LOW_NL: {AlarmCode.RESERVOIR_LOW},
        STROKE_NL: {AlarmCode.RESERVOIR_LOW},
        STROKE_NL - 1: {AlarmCode.RESERVOIR_LOW, AlarmCode.RESERVOIR_EMPTY},
        0: {AlarmCode.RESERVOIR_LOW, AlarmCode.RESERVOIR_EMPTY},
    }
    for level_nl, expected in levels.items():
        effort.tried += 1
        facts = WELL._replace(reservoir_nl=level_nl)
        require(set(seen(facts)) == expected, f"with {level_nl} nL in the reservoir these hold: {seen(facts)}")
        require(not seen(facts._replace(programmed=False)), f"a pump that was never filled alarms at {level_nl} nL")


def until_quiet(effort: Effort) -> None:
    """Let the drive move unasked, and look just before and when it has been quiet for long enough."""
    for at in (0, 1, NOW):
        for later, holds in ((0, True), (QUIET_MS - 1, True), (QUIET_MS, False), (2 * QUIET_MS, False)):
            effort.tried += 1
            found = seen(WELL._replace(now=at + later, noticed=Noticed(overran_at=at)))
            expected = {AlarmCode.UNREQUESTED_DELIVERY: at} if holds else {}
            require(found == expected, f"{later} ms after an unasked movement at {at} these hold: {found}")


SUITE = Suite(
    "detectors",
    "the conditions of the alarms",
    (
        Property(
            "detectors.since",
            "A cause is seen from its first instant on, by its own alarm and no other.",
            since_its_beginning,
            verifies=("ALM-23",),
        ),
        Property(
            "detectors.levels",
            "Low is at the threshold, empty is less than a stroke.",
            at_the_level,
            verifies=("RES-03", "RES-06"),
        ),
        Property("detectors.quiet", "Unasked movement is over after 15 min without any, not before.", until_quiet),
    ),
)
