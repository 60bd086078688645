"""Signals of alarms, sounds and silences, from a journal's events about them."""

from __future__ import annotations

from typing import Any

from verify.deadlines import load_deadlines
from verify.scene import word
from verify.signal_names import PRIORITIES
from verify.temporal.writer import Writer

DOUBTS = frozenset({"reset", "memory"})
"""Alarms with which the prescription is in doubt until a clinician confirms it."""


class AlarmRecorder:
    """Follows which alarms are raised, with which priority, and whether a silence is in force."""

    def __init__(self, write: Writer) -> None:
        self._write = write
        self._alarms: dict[str, str] = {}

    def take(self, kind: str, data: dict[str, Any]) -> None:
        """Take an event about alarms at the present instant."""
        write = self._write
        match kind:
            case "alarm.raised":
                self._raised(word(data["alarm"]), word(data["priority"]))
            case "alarm.cleared":
                alarm = word(data["alarm"])
                write.moment(f"alarm_cleared({alarm})", "alarm_cleared(any)")
                write.level(f"alarm({alarm})", False)
                self._alarms.pop(alarm, None)
                self._alarm_levels()
            case "alarm.forgotten":
                write.moment("alarm_forgotten")
                self._forgotten({word(alarm): word(kept) for alarm, kept in data.get("kept", {}).items()})
            case "alarm.sound":
                write.moment(f"sound({word(data['pattern'])})", "sound(any)")
                write.number("sound_lasts", int(data.get("lasts_ms", 0)))
                if data.get("heard", True):
                    write.moment("heard")
            case "alarm.silenced":
                write.moment("silence")
                longest_ms = load_deadlines().sound.silence_ms
                write.until("silenced", write.now_ms + min(int(data.get("for_ms", longest_ms)), longest_ms))

    def _raised(self, alarm: str, priority: str) -> None:
        write = self._write
        write.moment(f"alarm_raised({alarm})", "alarm_raised(any)", f"raised_as({priority})")
        write.level(f"alarm({alarm})", True)
        write.until("silenced", 0)
        self._alarms[alarm] = priority
        self._alarm_levels()
        if alarm in DOUBTS:
            write.level("confirmed", False)

    def _forgotten(self, kept: dict[str, str]) -> None:
        for alarm in {**self._alarms, **kept}:
            self._write.level(f"alarm({alarm})", alarm in kept)
        self._alarms = kept
        self._alarm_levels()

    def _alarm_levels(self) -> None:
        raised = set(self._alarms.values())
        for priority in PRIORITIES:
            self._write.level(f"alarm({priority})", priority in raised)
        self._write.level("alarm(any)", bool(raised))
        if not raised:
            self._write.until("silenced", 0)
