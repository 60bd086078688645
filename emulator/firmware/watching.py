"""The pump watches itself: conditions become alarms, alarms lower the flow and sound, until somebody clears them.

What is watched for is the table's business (``emulator.firmware.alarm_table``) and what an alarm's life is that of
``emulator.firmware.alarms``. Here both meet the pump: its facts are looked at whenever something may have changed,
and at ``due_ms``, when a condition will have held long enough or the sounder is due.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.firmware import alarms
from emulator.firmware.alarm_table import ALARMS, BY_CODE, PRIORITIES, Facts
from emulator.firmware.alarms import STOP, Panel, Timing
from emulator.firmware.contact import limit_telemetry, look_at_telemetry
from emulator.firmware.telling import alarm_name, priority_name
from emulator.firmware.therapy import BOLUS, PRIMING
from emulator.hardware.profile import Profile
from protocol.vocabulary import AlarmCode, LogKind, Priority

if TYPE_CHECKING:
    from emulator.firmware.pump import Pump


def timing_of(profile: Profile) -> Timing:
    """Return the sounder's intervals of a hardware profile."""
    return Timing(profile.critical_interval.value, profile.non_critical_interval.value, profile.silence.value)


class Watch:
    """One pump's alarms: holds the panel and does to the pump what the raised alarms ask for."""

    def __init__(self, pump: Pump, panel: Panel) -> None:
        self._pump = pump
        self._timing = timing_of(pump.profile)
        self.panel = panel
        self.due_ms: int | None = None
        """When conditions or the sounder must be looked at next, in pump ms; None if never by themselves."""
        self._seen = (pump.record, pump.noticed)

    def look(self) -> None:
        """Look at every condition now, raise and latch alarms, lower the flow and sound as they ask.

        An alarm is on the chip before anybody is told or hears of it: see ``News``.
        """
        pump, before = self._pump, self.panel
        limit_telemetry(pump)
        waiting = self._detect()
        while self._lower_flow():
            waiting = self._detect()
        before = self._saved(before)
        sound = alarms.sound_due(self.panel, PRIORITIES, self._timing)
        if sound is not None and sound <= pump.now:
            self._sound()
            waiting = self._detect()
            sound = alarms.sound_due(self.panel, PRIORITIES, self._timing)
        self.due_ms = min((at for at in (*waiting, sound) if at is not None), default=None)
        self._seen = (pump.record, pump.noticed)
        self._saved(before)

    def _saved(self, before: Panel) -> Panel:
        """Save the panel if it has changed; return what is on the chip now."""
        if self.panel != before:
            self._pump.save()
        return self.panel

    def eventful(self) -> bool:
        """Whether the last stroke changed anything that an alarm depends on: looking at all of it takes time."""
        pump = self._pump
        prescription = pump.therapy.prescription
        low_nl = prescription.low_reservoir.value if prescription else 0
        return (
            pump.record is not self._seen[0]
            or pump.noticed is not self._seen[1]
            or bool(self.panel.raised)
            or pump.reservoir_nl <= low_nl
            or pump.reservoir_nl < pump.profile.stroke.value
        )

    def quiet_strokes(self) -> int:
        """Return how many strokes can follow none of which would be ``eventful``."""
        if self.eventful():
            return 0
        pump = self._pump
        prescription, stroke_nl = pump.therapy.prescription, pump.profile.stroke.value
        least_nl = max(prescription.low_reservoir.value + 1 if prescription else 0, stroke_nl)
        return (pump.reservoir_nl - least_nl) // stroke_nl

    def restarted(self) -> None:
        """Take note of a power loss."""
        self.panel = alarms.restarted(self.panel)

    def forgot(self) -> None:
        """Tell that the memory of the alarms was damaged, and which alarms an older copy of it still has."""
        kept = {alarm_name(alarm.code): priority_name(alarm.code) for alarm in self.panel.raised}
        self._pump.tell("alarm.forgotten", kept=kept)

    def clear(self, code: AlarmCode) -> None:
        """Clear a latched alarm; it is told of once it is saved."""
        self.panel = alarms.clear(self.panel, code)
        self._pump.log.add(self._pump.now, LogKind.ALARM_CLEARED, code)
        self._pump.news.add("alarm.cleared", alarm=alarm_name(code))
        self._restrict()

    def silence(self) -> None:
        """Silence the sounder for the profile's time; it is told of once it is saved."""
        self.panel = alarms.silence(self.panel, self._pump.now, self._timing)
        self._pump.log.add(self._pump.now, LogKind.ALARM_SILENCED, 0, self._timing.silence_ms)
        self._pump.news.add("alarm.silenced", for_ms=self._timing.silence_ms)

    @property
    def critical(self) -> bool:
        """Whether any critical alarm is raised."""
        return any(PRIORITIES[alarm.code] is Priority.CRITICAL for alarm in self.panel.raised)

    # --- from condition to sound ---

    def _detect(self) -> list[int | None]:
        """Raise and latch alarms as the facts ask; return when one must be looked at again."""
        facts = facts_of(self._pump)
        waiting: list[int | None] = []
        for row in ALARMS:
            since = row.detector(facts)
            if since is None:
                self._condition_gone(row.code)
            elif since + row.hold(facts) <= facts.now:
                self._raise(row.code)
                waiting.append(row.ends(facts))
            else:
                waiting.append(since + row.hold(facts))
        return waiting

    def _raise(self, code: AlarmCode) -> None:
        raised = alarms.raise_alarm(self.panel, code, self._pump.now)
        if raised is not self.panel:
            self.panel = raised
            self._pump.log.add(self._pump.now, LogKind.ALARM_RAISED, code)
            priority = priority_name(code)
            self._pump.news.add("alarm.raised", alarm=alarm_name(code), code=int(code), priority=priority)

    def _condition_gone(self, code: AlarmCode) -> None:
        if alarms.is_active(self.panel, code):
            self.panel = alarms.cause_gone(self.panel, code)
            self._pump.log.add(self._pump.now, LogKind.ALARM_CAUSE_GONE, code)
            self._pump.news.add("alarm.cause_gone", alarm=alarm_name(code))

    def _restrict(self) -> None:
        restricts = any(BY_CODE[alarm.code].flow.restricts for alarm in self.panel.raised)
        self._pump.therapy.flow_restricted = restricts

    def _lower_flow(self) -> bool:
        """Do to the flow what the raised alarms ask for; return whether that changed the state."""
        pump = self._pump
        before = pump.therapy.state
        self._restrict()
        if not self.panel.raised:
            return False
        flows = [BY_CODE[alarm.code].flow for alarm in self.panel.raised]
        if STOP in flows:
            pump.course.fire("halt")
        elif pump.therapy.flow_restricted:
            pump.course.fire("limit")
        elif self.critical and before in BOLUS:
            pump.course.fire("cancel")
        elif self.critical and before is PRIMING:
            pump.course.fire("limit")  # what a prime interrupted may flow faster than the prime
        return pump.therapy.state is not before

    def _sound(self) -> None:
        """Sound the first alarm's pattern. Whether anybody hears it only the self-test of the sounder can tell."""
        pump, first = self._pump, alarms.in_order(self.panel, PRIORITIES)[0]
        critical = PRIORITIES[first.code] is Priority.CRITICAL
        tone = pump.profile.critical_tone if critical else pump.profile.non_critical_tone
        heard = pump.body.sound()
        pump.tell(
            "alarm.sound",
            alarm=alarm_name(first.code),
            pattern=priority_name(first.code),
            lasts_ms=tone.value,
            heard=heard,
        )
        self.panel = alarms.sounded(self.panel, pump.now)
        look_at_telemetry(pump)


def facts_of(pump: Pump) -> Facts:
    """Return what the pump knows now that an alarm may depend on."""
    record, prescription = pump.record, pump.therapy.prescription
    return Facts(
        now=pump.now,
        guard_refused_at=record.guard_refused_at,
        stalled_at=record.stalled_at,
        programmed=prescription is not None,
        reservoir_nl=pump.reservoir_nl,
        low_nl=prescription.low_reservoir.value if prescription else 0,
        stroke_nl=pump.profile.stroke.value,
        reset_at=record.reset_at,
        memory_fault_at=record.memory_fault_at,
        stopped_at=record.stopped_at,
        stopped_too_long_ms=pump.profile.stopped_too_long.value,
        noticed=pump.noticed,
    )
