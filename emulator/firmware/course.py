"""The course of the therapy: what happens to it step by step, and what log, record and observers hear of it.

What may follow what is the table's business (``emulator.firmware.therapy``). Here it meets the pump: a change of
state is logged and told of, a schedule's steps are followed, a prescription is begun, and the record says how it
stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulator.firmware.allowance import ledgers_under, restart_lockout
from emulator.firmware.meters import bridge_remaining_nl
from emulator.firmware.state import Bolus, TherapyRecord
from emulator.firmware.telling import bolus_kind, prescription_data
from emulator.firmware.therapy import not_delivered_nl
from emulator.hardware.line import strongest_in
from emulator.schedule import next_change_ms, rate_at
from protocol.messages import Prescription, Schedule
from protocol.vocabulary import LogKind, TherapyState

if TYPE_CHECKING:
    from emulator.firmware.pump import Pump


class Course:
    """One pump's course, from power-up on. ``step_due`` is when its schedule changes next; None without one."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self.step_due: int | None = None
        self._take_step()
        self._told: tuple[TherapyState, int] | None = (pump.therapy.state, pump.therapy.rate)

    def restarted(self) -> None:
        """Tell of the state anew after a power loss, whatever it is."""
        self._told = None

    def fire(self, event: str, **details: Any) -> None:
        """Let an event happen to the therapy and note the change of state; raises as the therapy does."""
        pump, therapy = self._pump, self._pump.therapy
        therapy.line_bridged = bridge_remaining_nl(pump) == 0
        therapy.fire(event, **details)
        if therapy.withheld != (pump.record.stopped_at >= 0):
            pump.record = pump.record._replace(stopped_at=pump.now if therapy.withheld else -1)
        if not therapy.withheld and pump.noticed.aborted_at >= 0:
            pump.noticed = pump.noticed._replace(aborted_at=-1)
        if (therapy.state, therapy.rate) != self._told:
            pump.log.add(pump.now, LogKind.STATE, therapy.state, therapy.rate)
            self._tell_state()
        if therapy.rate == 0:
            pump.record = pump.record._replace(guard_refused_at=-1)

    def _tell_state(self) -> None:
        pump, therapy = self._pump, self._pump.therapy
        self._told = (therapy.state, therapy.rate)
        pump.tell("pump.state", state=therapy.state.name.lower(), rate=therapy.rate)
        pump.alarms.due_ms = pump.now

    def prescribe(self, prescription: Prescription, schedule: Schedule | None = None) -> None:
        """Make a prescription the active one. It flows at once, unless a raised alarm forbids its flow."""
        pump, therapy = self._pump, self._pump.therapy
        pump.ledgers = ledgers_under(pump, prescription)
        therapy.prescription = prescription
        pump.record = pump.record._replace(schedule=schedule, confirmed=True, reset_at=-1, memory_fault_at=-1)
        self._take_step()
        restart_lockout(pump)
        pump.tell("pump.prescription", **prescription_data(prescription, schedule), confirmed=True)
        therapy.line_bridged = bridge_remaining_nl(pump) == 0
        if therapy.may("infuse"):
            self.fire("infuse")
        else:
            self.fire("limit")

    def follow_schedule(self) -> None:
        """Take the schedule's present step. Steps are no news for the log: it would hold little else."""
        self._take_step()
        if self._told != (self._pump.therapy.state, self._pump.therapy.rate):
            self._tell_state()

    def _take_step(self) -> None:
        pump, schedule = self._pump, self._pump.record.schedule
        if schedule is None:
            self.step_due = None
        else:
            pump.therapy.scheduled_rate = rate_at(schedule, pump.now)
            self.step_due = next_change_ms(schedule, pump.now)

    def noted(self) -> TherapyRecord:
        """Bring the record up to what the therapy holds of it, and return it."""
        pump, record, therapy = self._pump, self._pump.record, self._pump.therapy
        held = (therapy.state, therapy.prescription, therapy.running, therapy.suspended, therapy.primed_from_stop)
        in_line = strongest_in(pump.line)
        if record[: len(held)] != held or record.in_line != in_line:
            pump.record = record._replace(
                state=therapy.state,
                prescription=therapy.prescription,
                running=therapy.running,
                suspended=therapy.suspended,
                primed_from_stop=therapy.primed_from_stop,
                in_line=in_line,
            )
        return pump.record


def bolus_ended(pump: Pump, bolus: Bolus) -> None:
    """Log and tell of a bolus that is over, delivered or not, and lock the patient out anew."""
    rest, kind = not_delivered_nl(bolus), bolus_kind(bolus.state)
    restart_lockout(pump)
    pump.log.add(pump.now, LogKind.BOLUS_ENDED, bolus.state, rest)
    pump.tell("pump.bolus", what="ended", kind=kind, volume_nl=bolus.volume_nl, not_delivered_nl=rest)
