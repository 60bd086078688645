"""The pump's controller: gets power, lets time pass, has everything done when it is due, and holds the state.

What is done is said elsewhere: ``strokes`` moves the drive, ``meters`` counts, ``allowance`` holds what the guard and
the lockout allow, ``course`` is the therapy's, ``outlook`` what would flow, ``watching`` the alarms', ``damage`` what
is assumed of memory that is lost, ``escapes``, ``upkeep``, ``contact`` and ``time_bases`` what else may come about.

Event-driven: ``due_ms`` says when the next thing happens by itself, and ``advance_to`` goes from one such
instant to the next. At one instant the order is: memory is looked at, a bolus ends with its last stroke, conditions
are looked at, and last a stroke moves, so that a tie goes to the lower flow.

Every change is on non-volatile memory before it shows: a stroke is counted by the guard before the motor is told
to move, and a command's effect is written together with the note that it was executed. The meter follows the rotor:
if power fails around a stroke, the rotor's position tells whether it moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from emulator.firmware.alarms import Panel
from emulator.firmware.allowance import age_ledgers
from emulator.firmware.contact import session_lost
from emulator.firmware.course import Course, bolus_ended
from emulator.firmware.damage import assume_worst, identity_unknown, instants, metering_unknown
from emulator.firmware.drive_monitor import DriveMonitor
from emulator.firmware.escapes import look_at_drive, look_at_valves
from emulator.firmware.event_log import EventLog
from emulator.firmware.guard import Sizes
from emulator.firmware.leap import land, leap_until
from emulator.firmware.ledgers import Ledgers
from emulator.firmware.metering import credit_of, wait_ms
from emulator.firmware.meters import bridge_remaining_nl, metering_of
from emulator.firmware.prescribing import fluid_of
from emulator.firmware.state import Identity, Metering, Noticed, State, TherapyRecord
from emulator.firmware.strokes import take_stroke
from emulator.firmware.telling import News, Tell, prescription_data
from emulator.firmware.therapy import BRIDGE, Therapy
from emulator.firmware.time_bases import TimeBases
from emulator.firmware.upkeep import PERIODIC, SELF_TEST_EVERY_MS, look_at_battery, run_self_test
from emulator.firmware.watching import Watch
from emulator.hardware.body import ROTOR_POSITIONS, Body
from emulator.hardware.line import SALINE, Fluid
from emulator.hardware.nonvolatile import NonVolatile
from emulator.hardware.profile import Profile
from emulator.library import Library, LibraryError
from protocol.messages import Prescription
from protocol.vocabulary import LogKind, TherapyState

SCRUB_MS = 60_000
"""All of memory is checked once a minute."""
HEARTBEAT_MS = 15 * 60_000
"""The pump's time is put on the chip at least this often: a power cut makes it forget no more than that."""


class Pump:
    """The controller, from power-up until power is lost. It holds in RAM what ``State`` holds on the chip."""

    def __init__(
        self, chip: NonVolatile, body: Body, profile: Profile, sizes: Sizes, tell: Tell, *, thawed: bool = False
    ) -> None:
        """Power up from what the chip holds.

        ``thawed`` means that no power was lost: the emulation was only put away in an image and taken out again.
        """
        self.profile = profile
        self.sizes = sizes
        self.chip = chip
        self.tell = tell
        self.news = News(tell)
        self.body = body
        """The hardware, of which the firmware uses the sensors and the motor."""
        self.stroke_nl = profile.stroke.value
        self.stroke_credit = credit_of(self.stroke_nl)
        self.now = 0
        values, damaged = chip.load()
        self.log = EventLog(chip)
        self._take_over(values, damaged)
        self.now = max(self.now, self.log.last_at_ms, *instants(self.record, self.panel), *self.noticed.instants)
        self.ledgers_at = self.now + self._wait_ms
        """Up to when the ledgers are credited with time; while time is taken back, that is still to come."""
        self.saved_at = self.now
        self.course = Course(self)
        self.alarms.due_ms = self.now
        self.wrong_proofs = 0
        """Proofs of a key that were wrong, in a row."""
        self._level_seen = body.level_said
        look_at_drive(self)
        look_at_valves(self)
        if "alarms" in damaged:
            self.alarms.forgot()
        if damaged:
            assume_worst(self, damaged)
            self.save()
        body.on_sensor = self.sensed
        if not thawed:
            self._power_up()
            run_self_test(self, PERIODIC)
        self.save()
        self.watch()
        if self.noticed.attended:
            session_lost(self)

    # --- power-up ---

    def _take_over(self, values: dict[str, Any], damaged: Sequence[str]) -> None:
        self.identity: Identity = values.get("identity", identity_unknown(self.log.next))
        try:
            self.library: Library | None = Library.from_canonical(self.identity.library)
        except LibraryError:
            self.library = None
        record: TherapyRecord = values.get("therapy", TherapyRecord(TherapyState.UNPROGRAMMED))
        self.record = record
        self.noticed: Noticed = values.get("noticed", Noticed())
        self.alarms = Watch(self, values.get("alarms", Panel()))
        self.therapy = Therapy(self.profile.minimum_rate.value, partial(bolus_ended, self), record)
        self._fluid = SALINE
        self._fluid_said_by: Prescription | None = None
        if "metering" in values:
            metering: Metering = values["metering"]
        else:
            metering = metering_unknown(self, therapy_known="therapy" in values)
        if "metering" in damaged:  # since an older page the rotor may have moved, and the credit been spent
            metering = metering._replace(granted=ROTOR_POSITIONS, credit=0)
        self.meter(metering)
        self.time_bases = TimeBases(self, metering.clock_ms)
        if not record.prescription:
            self._fluid = self.line[-1][1]
        self.ledgers: Ledgers = values.get("ledgers", ())

    def meter(self, metering: Metering) -> None:
        """Set the meters to what memory holds of them."""
        self.now, self.credit, self.line, self.reservoir_nl, self.volume_nl, self.strokes, delivered = metering[:7]
        self.delivered = dict(delivered)
        self.monitor = DriveMonitor(metering.rotor, metering.granted)
        self._wait_ms = metering.wait_ms

    def _power_up(self) -> None:
        first_time = self.identity.power_ups == 0 and self.record.memory_fault_at < 0
        self.identity = self.identity._replace(power_ups=self.identity.power_ups + 1)
        self.time_bases.begin()
        self.log.add(self.now, LogKind.POWER_UP, 0, self.identity.power_ups)
        if not first_time:
            self.record = self.record._replace(confirmed=False, reset_at=self.now)
            self.alarms.restarted()
            self.course.restarted()
            self.course.fire("limit")
            if self.therapy.prescription:
                data = prescription_data(self.therapy.prescription, self.record.schedule)
                self.tell("pump.prescription", **data, confirmed=False)

    # --- time ---

    @property
    def due_ms(self) -> int | None:
        """When the next thing happens by itself, in pump ms; None if nothing ever will."""
        due = (self.interruption_ms, self._stroke_due(), self.saved_at + HEARTBEAT_MS)
        return min((at for at in due if at is not None), default=None)

    @property
    def interruption_ms(self) -> int | None:
        """When the next thing happens that is neither a stroke nor a heartbeat, in pump ms; None if nothing will."""
        due = [
            self.alarms.due_ms,
            self._bolus_due(),
            self.course.step_due,
            self.time_bases.due_ms,
            self.noticed.tested_at + SELF_TEST_EVERY_MS,
        ]
        if self.chip.damage():
            due.append((self.now // SCRUB_MS + 1) * SCRUB_MS)
        return min((at for at in due if at is not None), default=None)

    def advance_to(self, target_ms: int) -> None:
        """Let everything happen that happens until a pump time."""
        while True:
            self._leap(target_ms)
            due = self.due_ms
            if due is None or due > target_ms:
                break
            self._pass_time(max(due, self.now))
            self._act()
        self._pass_time(target_ms)

    def _leap(self, target_ms: int) -> None:
        """Take at once a run of strokes in which nothing else can happen; see ``emulator.firmware.leap``."""
        interruption = self.interruption_ms
        until_ms = target_ms if interruption is None else min(target_ms, interruption - 1)
        if self.ledgers_at > self.now:
            return  # time that the ledgers must not be credited with is not over
        leap = leap_until(self, self.body, until_ms, self.saved_at, HEARTBEAT_MS)
        if leap:
            land(self, self.body, leap)

    def quiet_strokes(self) -> int:
        """Return how many strokes may follow before a condition has to be looked at or noted."""
        noted = (self.record.guard_refused_at, self.record.stalled_at, self.noticed.valves_at)
        if any(at >= 0 for at in noted) or self.monitor.position != self.body.rotor:
            return 0
        quiet = self.alarms.quiet_strokes()
        if self.therapy.state is BRIDGE:
            return min(quiet, (bridge_remaining_nl(self) - 1) // self.stroke_nl)
        return quiet

    def _stroke_due(self) -> int | None:
        wait = wait_ms(self.credit, self.therapy.rate, self.stroke_credit)
        return None if wait is None else self.now + wait

    def _bolus_due(self) -> int | None:
        rest = self.therapy.bolus_end_in()
        return None if rest is None else self.now + rest

    def _pass_time(self, until_ms: int) -> None:
        elapsed = until_ms - self.now
        if elapsed > 0:
            self.credit += self.therapy.flow(elapsed)
            self.now = until_ms

    def _act(self) -> None:
        self.check_memory()
        if self.therapy.bolus_end_in() == 0:
            if self.credit >= self.stroke_credit:
                take_stroke(self)  # still the bolus's: after a prime of a stopped pump nothing moves any more
            self.course.fire("bolus_done")
            self.save()
        if self.course.step_due is not None and self.course.step_due <= self.now:
            self.course.follow_schedule()
        self._compare_clocks()
        if self.noticed.tested_at + SELF_TEST_EVERY_MS <= self.now:
            run_self_test(self, PERIODIC)
            self.save()
            self.watch()
        if self.saved_at + HEARTBEAT_MS <= self.now:
            self.save()
        if self.alarms.due_ms is not None and self.alarms.due_ms <= self.now:
            self.watch()
        if self.therapy.rate and self.credit >= self.stroke_credit:
            take_stroke(self)
            if self.alarms.eventful():
                self.watch()

    def _compare_clocks(self) -> None:
        before = self.noticed
        self.time_bases.act()
        if self.noticed is not before:
            self.save()
            self.watch()

    # --- looking ---

    @property
    def fluid(self) -> Fluid:
        """What the prescription says is in the reservoir; without one, what was last pumped out of it."""
        prescription = self.therapy.prescription
        if prescription is not self._fluid_said_by:
            self._fluid = fluid_of(prescription) if prescription else self.line[-1][1]
            self._fluid_said_by = prescription
        return self._fluid

    def sensed(self) -> None:
        """Look at what a sensor says that has just changed."""
        before = self.noticed
        look_at_drive(self)
        look_at_valves(self)
        if self.body.level_said != self._level_seen:
            self._level_seen = self.body.level_said
            look_at_battery(self)
        if self.noticed is not before:
            self.check_memory()
            self.save()
            self.watch()

    @property
    def panel(self) -> Panel:
        """The alarms that are raised, and what the sounder has done."""
        return self.alarms.panel

    def watch(self) -> None:
        """Look at every condition now, raise and latch alarms, lower the flow and sound as they ask."""
        self.alarms.look()

    # --- memory ---

    def save(self) -> None:
        """Put everything on the chip, at once or not at all; then tell of it, and what the log has to say of it."""
        self.chip.write(self.state()._asdict())
        self.saved_at = self.now
        self.news.flush()
        self.log.flush()

    def state(self) -> State:
        """Return everything that is kept in non-volatile memory but the log."""
        age_ledgers(self)
        return State(self.identity, self.ledgers, metering_of(self), self.course.noted(), self.panel, self.noticed)

    def check_memory(self) -> None:
        """Look for damage; to be called before anything is written, because writing covers the traces."""
        damaged = self.chip.damage()
        if damaged:
            assume_worst(self, damaged)
            self.save()
            self.save()
            self.watch()
