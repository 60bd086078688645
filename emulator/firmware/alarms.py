"""Alarms: from a condition to a sound, and back to silence only through an acknowledgement.

Every alarm is one row of ``emulator.firmware.alarm_table``: code, priority, what it does to the flow, and a
detector. A detector says since when its condition has held; the alarm is raised when that has lasted as long as
the row allows. Its life:

    idle --condition lasted--> active --condition gone--> latched --acknowledged--> idle

An active alarm cannot be acknowledged away. While any alarm is raised the sounder repeats: the two-tone pattern
if one of them is critical, the single tone otherwise. A new alarm sounds at once, through any silence. A silence
ends by itself, and the next one is granted only after the sounder has sounded again, so that silences never add
up to a mute pump; all of this is kept over a power loss.

The panel is an immutable value and everything here is a pure function of it. Times are pump milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from protocol.vocabulary import AlarmCode, AlarmStatus, Priority


class Flow(NamedTuple):
    """What an alarm does to the flow. No member raises it."""

    name: str
    restricts: bool


KEEP = Flow("keep", False)
MINIMUM = Flow("minimum", True)
STOP = Flow("stop", True)


class Raised(NamedTuple):
    """One raised alarm, in order of occurrence."""

    code: AlarmCode
    status: AlarmStatus
    raised_at: int


class Panel(NamedTuple):
    """The whole state of the alarms."""

    raised: tuple[Raised, ...] = ()
    sounded_at: int = -1
    """When the sounder last sounded; -1 before the first time."""
    silenced_until: int = -1
    may_silence: bool = False
    """Whether the sounder has sounded since the last silence."""


class Timing(NamedTuple):
    """Intervals of the hardware profile, in milliseconds."""

    critical_ms: int
    non_critical_ms: int
    silence_ms: int


def is_raised(panel: Panel, code: AlarmCode) -> bool:
    """Whether the alarm is active or latched."""
    return any(alarm.code == code for alarm in panel.raised)


def is_active(panel: Panel, code: AlarmCode) -> bool:
    """Whether the alarm is raised and its cause still there."""
    for alarm in panel.raised:
        if alarm.code == code:
            return alarm.status is AlarmStatus.ACTIVE
    return False


def raise_alarm(panel: Panel, code: AlarmCode, now: int) -> Panel:
    """Raise an alarm, or make a latched one active again; a new or returning alarm breaks any silence."""
    others = [alarm for alarm in panel.raised if alarm.code != code]
    before = next((alarm for alarm in panel.raised if alarm.code == code), None)
    if before and before.status is AlarmStatus.ACTIVE:
        return panel
    return panel._replace(raised=(*others, Raised(code, AlarmStatus.ACTIVE, now)), silenced_until=-1, sounded_at=-1)


def cause_gone(panel: Panel, code: AlarmCode) -> Panel:
    """Latch an active alarm whose condition no longer holds."""
    return panel._replace(
        raised=tuple(
            alarm._replace(status=AlarmStatus.LATCHED) if alarm.code == code else alarm for alarm in panel.raised
        )
    )


def clear(panel: Panel, code: AlarmCode) -> Panel:
    """Remove an alarm; the caller has checked that it is latched."""
    return panel._replace(raised=tuple(alarm for alarm in panel.raised if alarm.code != code))


def silence(panel: Panel, now: int, timing: Timing) -> Panel:
    """Silence the sounder for the profile's time; the caller has checked ``may_silence``."""
    return panel._replace(silenced_until=now + timing.silence_ms, may_silence=False)


def sound_due(panel: Panel, priorities: dict[AlarmCode, Priority], timing: Timing) -> int | None:
    """Return when the sounder must sound next; None while no alarm is raised."""
    if not panel.raised:
        return None
    if panel.sounded_at < 0:
        return 0
    critical = any(priorities[alarm.code] is Priority.CRITICAL for alarm in panel.raised)
    interval = timing.critical_ms if critical else timing.non_critical_ms
    return max(panel.sounded_at + interval, panel.silenced_until)


def sounded(panel: Panel, now: int) -> Panel:
    """Note that the sounder has just been sounded."""
    return panel._replace(sounded_at=now, may_silence=True)


def restarted(panel: Panel) -> Panel:
    """Return the panel after a power loss: what is raised sounds at once, or short times under power stay mute."""
    return panel._replace(sounded_at=-1, silenced_until=-1)


def in_order(panel: Panel, priorities: dict[AlarmCode, Priority]) -> Sequence[Raised]:
    """Return the raised alarms, highest priority first, equal ones in order of occurrence."""
    return sorted(panel.raised, key=lambda alarm: -priorities[alarm.code])


def word(panel: Panel) -> int:
    """Return the alarm word: one bit for each raised alarm at the position of its code."""
    return sum(1 << alarm.code for alarm in panel.raised)
