"""The pump's controller: lets time pass, asks the guard, moves the drive, has the alarms watched, keeps the memory.

Event-driven: ``due_ms`` says when the next thing happens by itself, and ``advance_to`` goes from one such
instant to the next. At one instant the order is: memory is looked at, a bolus ends with its last stroke, conditions
are looked at, and last a stroke moves, so that a tie goes to the lower flow.

Every change is on non-volatile memory before it shows: a stroke is counted by the guard before the motor is told
to move, and a command's effect is written together with the note that it was executed. The meter follows the rotor:
if power fails around a stroke, the rotor's position tells whether it moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from emulator.firmware import ledgers
from emulator.firmware.alarms import Panel
from emulator.firmware.basal import NOTHING, Basal, basal_of
from emulator.firmware.contact import session_ended
from emulator.firmware.drive_monitor import DriveMonitor
from emulator.firmware.escapes import look_at_drive, look_at_valves
from emulator.firmware.event_log import EventLog
from emulator.firmware.guard import Sizes
from emulator.firmware.leap import Leap, leap_until
from emulator.firmware.metering import credit_of, wait_ms
from emulator.firmware.planner import Plan
from emulator.firmware.plans import bridge_ahead, planned, prime_ahead, span_of
from emulator.firmware.prescribing import fluid_of
from emulator.firmware.state import Bolus, Identity, Metering, Noticed, State, TherapyRecord
from emulator.firmware.telling import News, Tell, bolus_kind, prescription_data
from emulator.firmware.therapy import BRIDGE, STOPPED, Therapy, not_delivered_nl
from emulator.firmware.time_bases import TimeBases
from emulator.firmware.upkeep import PERIODIC, SELF_TEST_EVERY_MS, look_at_battery, run_self_test
from emulator.firmware.watching import Watch
from emulator.hardware.body import ROTOR_POSITIONS, Body
from emulator.hardware.line import (
    SALINE,
    Fluid,
    Line,
    drugs_in,
    emptied,
    filled,
    foreign_nl,
    masses,
    push,
    strongest,
    strongest_in,
)
from emulator.hardware.nonvolatile import NonVolatile
from emulator.hardware.profile import Profile
from emulator.library import Library, LibraryError
from emulator.schedule import next_change_ms, rate_at
from protocol.messages import Prescription, Prime, Schedule
from protocol.vocabulary import AlarmCode, LogKind, Role, TherapyState

LONG_DAY_MS = 96 * 903_000
"""The day over which patient boluses are counted: 0.33 % long, like the guard's, for a clock that runs fast."""
SCRUB_MS = 60_000
"""All of memory is checked once a minute."""
HEARTBEAT_MS = 15 * 60_000
"""The pump's time is put on the chip at least this often: a power cut makes it forget no more than that."""
LOST_COUNT = 1 << 20
"""An unreadable number of power-ups goes on from here, plus the log's length, so that it hardly repeats."""
ALL_DENIED = 255


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
        self._body = body
        self._stroke_nl = profile.stroke.value
        self._stroke_credit = credit_of(self._stroke_nl)
        self.now = 0
        values, damaged = chip.load()
        self.log = EventLog(chip)
        self._take_over(values, damaged)
        self.now = max(self.now, self.log.last_at_ms, *_instants(self.record, self.panel), *self.noticed.instants)
        self._ledgers_at, self._saved_at = self.now + self._wait_ms, self.now
        self._step_due: int | None = None
        self._take_step()
        self._told: tuple[TherapyState, int] | None = (self.therapy.state, self.therapy.rate)
        self._watch.due_ms = self.now
        self.wrong_proofs = 0
        """Proofs of a key that were wrong, in a row."""
        self._level_seen = body.level_said
        look_at_drive(self)
        look_at_valves(self)
        if "alarms" in damaged:
            self._watch.forgot()
        if damaged:
            self._memory_fault(damaged)
            self.save()
        body.on_sensor = self.sensed
        if not thawed:
            self._power_up()
            run_self_test(self, PERIODIC)
        self.save()
        self.watch()
        if self.noticed.attended:
            self._session_lost()

    # --- power-up ---

    def _take_over(self, values: dict[str, Any], damaged: Sequence[str]) -> None:
        self.identity: Identity = values.get("identity", Identity("unknown", b"", LOST_COUNT + self.log.next))
        try:
            self.library: Library | None = Library.from_canonical(self.identity.library)
        except LibraryError:
            self.library = None
        record: TherapyRecord = values.get("therapy", TherapyRecord(TherapyState.UNPROGRAMMED))
        self.record = record
        self.noticed: Noticed = values.get("noticed", Noticed())
        self._watch = Watch(self, values.get("alarms", Panel()))
        self.therapy = Therapy(self.profile.minimum_rate.value, self._bolus_ended, record)
        self._fluid = SALINE
        self._fluid_said_by: Prescription | None = None
        if "metering" in values:
            metering: Metering = values["metering"]
        else:
            metering = self._metering_unknown(strongest(self.fluid, self._may_stand_in_line("therapy" in values)))
        if "metering" in damaged:  # since an older page the rotor may have moved, and the credit been spent
            metering = metering._replace(granted=ROTOR_POSITIONS, credit=0)
        self._meter(metering)
        self._bases = TimeBases(self, metering.clock_ms)
        if not record.prescription:
            self._fluid = self.line[-1][1]
        self.ledgers: ledgers.Ledgers = values.get("ledgers", ())

    def _meter(self, metering: Metering) -> None:
        self.now, self.credit, self.line, self.reservoir_nl, self.volume_nl, self.strokes, delivered = metering[:7]
        self.delivered = dict(delivered)
        self.monitor = DriveMonitor(metering.rotor, metering.granted)
        self._wait_ms = metering.wait_ms

    def _metering_unknown(self, in_line: Fluid) -> Metering:
        """Return what to assume when nothing about volumes can be read: an empty reservoir moves nothing."""
        return Metering(0, 0, filled(self.profile.line_nl, in_line), 0, 0, 0, (), self._body.rotor, ROTOR_POSITIONS)

    def _may_stand_in_line(self, known: bool) -> Fluid:
        """Return the worst that may stand in the line: what the record says, or all that the library lets in."""
        if known or self.library is None:
            return self.record.in_line
        return tuple((entry.code, entry.concentration.hard.value) for entry in self.library)

    def _power_up(self) -> None:
        first_time = self.identity.power_ups == 0
        self.identity = self.identity._replace(power_ups=self.identity.power_ups + 1)
        self._bases.begin()
        self.log.add(self.now, LogKind.POWER_UP, 0, self.identity.power_ups)
        if not first_time:
            self.record = self.record._replace(confirmed=False, reset_at=self.now)
            self._watch.restarted()
            self._told = None
            self.fire("limit")
            if self.therapy.prescription:
                data = prescription_data(self.therapy.prescription, self.record.schedule)
                self.tell("pump.prescription", **data, confirmed=False)

    def _session_lost(self) -> None:
        """Note how the session leaves the pump that power failed in: as the alarms of now would have it flow."""
        session_ended(self, Role.CLINICIAN, asked=False)
        self.save()
        self.watch()

    # --- time ---

    @property
    def due_ms(self) -> int | None:
        """When the next thing happens by itself, in pump ms; None if nothing ever will."""
        due = (self.interruption_ms, self._stroke_due(), self._saved_at + HEARTBEAT_MS)
        return min((at for at in due if at is not None), default=None)

    @property
    def interruption_ms(self) -> int | None:
        """When the next thing happens that is neither a stroke nor a heartbeat, in pump ms; None if nothing will."""
        due = [
            self._watch.due_ms,
            self._bolus_due(),
            self._step_due,
            self._bases.due_ms,
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
        if self._ledgers_at > self.now:
            return  # time that the ledgers must not be credited with is not over
        leap = leap_until(self, self._body, until_ms, self._saved_at, HEARTBEAT_MS)
        if leap:
            self._land(leap)

    def _land(self, leap: Leap) -> None:
        start_ms, last = self.now, leap.last_writes()
        self._body.run(leap.run.strokes, (start_ms + at for at in leap.run.instants()))
        self.chip.skip(leap.run.writes() - len(last))
        for write in last:
            self.chip.write(partial(leap.page, write))
        end = leap.state(last[-1]._replace(moved=leap.run.strokes))
        self._meter(end.metering)
        self.ledgers, self.record = end.ledgers, end.therapy
        self.therapy.running = end.therapy.running
        self._ledgers_at = self._saved_at = self.now

    def quiet_strokes(self) -> int:
        """Return how many strokes may follow before a condition has to be looked at or noted."""
        noted = (self.record.guard_refused_at, self.record.stalled_at, self.noticed.valves_at)
        if any(at >= 0 for at in noted) or self.monitor.position != self._body.rotor:
            return 0
        quiet = self._watch.quiet_strokes()
        if self.therapy.state is BRIDGE:
            return min(quiet, (self.bridge_remaining_nl - 1) // self._stroke_nl)
        return quiet

    def _stroke_due(self) -> int | None:
        wait = wait_ms(self.credit, self.therapy.rate, self._stroke_credit)
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
            if self.credit >= self._stroke_credit:
                self._stroke()  # still the bolus's: after a prime of a stopped pump nothing moves any more
            self.fire("bolus_done")
            self.save()
        if self._step_due is not None and self._step_due <= self.now:
            self.follow_schedule()
        self._compare_clocks()
        if self.noticed.tested_at + SELF_TEST_EVERY_MS <= self.now:
            run_self_test(self, PERIODIC)
            self.save()
            self.watch()
        if self._saved_at + HEARTBEAT_MS <= self.now:
            self.save()
        if self._watch.due_ms is not None and self._watch.due_ms <= self.now:
            self.watch()
        if self.therapy.rate and self.credit >= self._stroke_credit:
            self._stroke()
            if self._watch.eventful():
                self.watch()

    def _compare_clocks(self) -> None:
        before = self.noticed
        self._bases.act()
        if self.noticed is not before:
            self.save()
            self.watch()

    # --- the stroke ---

    @property
    def fluid(self) -> Fluid:
        """What the prescription says is in the reservoir; without one, what was last pumped out of it."""
        prescription = self.therapy.prescription
        if prescription is not self._fluid_said_by:
            self._fluid = fluid_of(prescription) if prescription else self.line[-1][1]
            self._fluid_said_by = prescription
        return self._fluid

    @property
    def body(self) -> Body:
        """The hardware, of which the firmware uses the sensors."""
        return self._body

    def _stroke(self) -> None:
        """Move one stroke, if the reservoir holds it and the guard grants it; the credit is spent either way."""
        self.credit -= self._stroke_credit
        if self.reservoir_nl < self._stroke_nl:
            return
        _, out = push(self.line, self._stroke_nl, self.fluid)
        outlet = masses(((self._stroke_nl, self.fluid),))
        self.age_ledgers()
        self.ledgers, granted = self.monitor.grant(self.ledgers, outlet, masses(out))
        if not granted:
            self.record = self.record._replace(guard_refused_at=self.now)
            self.tell("guard.refused")
            return
        if self.record.guard_refused_at >= 0:
            self.record = self.record._replace(guard_refused_at=-1)
        self.save()
        if self._body.stroke():
            if self.record.stalled_at >= 0:
                self.log.add(self.now, LogKind.STALL_RECOVERED, 0, self.now - self.record.stalled_at)
                self.record = self.record._replace(stalled_at=-1)
            if self.therapy.state is BRIDGE and self.bridge_remaining_nl == 0:
                self._bridged()
        else:
            self.monitor.granted = 0
            if self.record.stalled_at < 0:
                self.log.add(self.now, LogKind.STALL)
                self.record = self.record._replace(stalled_at=self.now)

    def count_stroke(self) -> None:
        """Note that one stroke has moved."""
        self.count_volume(self._stroke_nl)
        self.strokes += 1

    def count_volume(self, volume_nl: int) -> None:
        """Note that a volume has moved out of the reservoir."""
        self.line, _ = push(self.line, volume_nl, self.fluid)
        self.reservoir_nl = max(0, self.reservoir_nl - volume_nl)
        self.volume_nl += volume_nl
        for code, concentration in self.fluid:
            self.delivered[code] = self.delivered.get(code, 0) + volume_nl * concentration

    def sensed(self) -> None:
        """Look at what a sensor says that has just changed."""
        before = self.noticed
        look_at_drive(self)
        look_at_valves(self)
        if self._body.level_said != self._level_seen:
            self._level_seen = self._body.level_said
            look_at_battery(self)
        if self.noticed is not before:
            self.check_memory()
            self.save()
            self.watch()

    def age_ledgers(self) -> None:
        """Let the ledgers catch up with the pump time that has passed since they last did."""
        if self.now > self._ledgers_at:
            self.ledgers = ledgers.advance_all(self.ledgers, self.now - self._ledgers_at, self.sizes)
            self._ledgers_at = self.now

    def forfeit(self, for_ms: int) -> None:
        """Take a time that has just passed to have not: ledgers, lockout and counts wait for it once more."""
        self.age_ledgers()
        self._ledgers_at += for_ms
        record = self.record
        self.record = record._replace(
            lockout_until=record.lockout_until + for_ms, grants=tuple(at + for_ms for at in record.grants)
        )

    def ledgers_under(self, prescription: Prescription) -> ledgers.Ledgers:
        """Return the ledgers as they are now, with the limits that a prescription sets.

        A drug that stands in the line and was never prescribed has the library's hard limits.
        """
        self.age_ledgers()
        in_line = drugs_in(self.line)
        counted = {entry.code for entry in self.ledgers}
        entries = [self.library.drug(code) for code in sorted(in_line - counted)] if self.library else []
        limits = {entry.code: (entry.hard_1h.value, entry.hard_24h.value) for entry in entries if entry}
        limits |= {drug.code: (drug.limit_1h.value, drug.limit_24h.value) for drug in prescription.drugs}
        return ledgers.with_drugs(self.ledgers, limits, in_line, self.sizes)

    # --- what would flow ---

    def plan(self, bolus: Bolus) -> Plan:
        """Return what would flow from now on with one more bolus, before those that it interrupts, if any."""
        basal, boluses = self._basal(), [bolus, *self._unfinished()]
        return planned(basal, self.now, self.credit, self._span_ms(basal), boluses=boluses)

    def plan_prime(self, prime: Bolus) -> Plan:
        """Return what would flow with a prime: that first, then what it interrupts; after a stop, nothing."""
        basal = NOTHING if self.therapy.state is STOPPED else self._basal()
        span_ms = self._span_ms(basal)
        return planned(
            basal, self.now, self.credit, span_ms, ahead=prime_ahead(prime), boluses=list(self._unfinished())
        )

    def plan_prescription(self, prescription: Prescription, schedule: Schedule | None) -> Plan:
        """Return what would flow if a prescription were begun now: its bridge first, if it has one to cross."""
        basal = basal_of(prescription, schedule, self.profile)
        fluid, bridge = fluid_of(prescription), prescription.bridge.value
        ahead = bridge_ahead(foreign_nl(self.line, fluid), bridge)
        span_ms = span_of(basal, self.line, fluid, self.sizes, is_new=True)
        return planned(basal, self.now, self.credit, span_ms, ahead=ahead)

    def _basal(self) -> Basal:
        prescription = self.therapy.prescription
        return basal_of(prescription, self.record.schedule, self.profile) if prescription else NOTHING

    @property
    def basal_peak(self) -> int:
        """The largest basal flow that is prescribed, in nL/day."""
        return self._basal().peak

    def _span_ms(self, basal: Basal) -> int:
        return span_of(basal, self.line, self.fluid, self.sizes, is_new=False)

    def _unfinished(self) -> Iterator[Bolus]:
        if self.therapy.running:
            yield self.therapy.running
        yield from reversed(self.therapy.suspended)

    @property
    def bridge_remaining_nl(self) -> int:
        """Volume until the prescribed bridge has done its work; 0 without one."""
        prescription = self.therapy.prescription
        if prescription is None or not prescription.bridge.value:
            return 0
        return foreign_nl(self.line, self.fluid)

    # --- therapy ---

    def fire(self, event: str, **details: Any) -> None:
        """Let an event happen to the therapy and note the change of state; raises as the therapy does."""
        self.therapy.line_bridged = self.bridge_remaining_nl == 0
        self.therapy.fire(event, **details)
        if self.therapy.withheld != (self.record.stopped_at >= 0):
            self.record = self.record._replace(stopped_at=self.now if self.therapy.withheld else -1)
        if not self.therapy.withheld and self.noticed.aborted_at >= 0:
            self.noticed = self.noticed._replace(aborted_at=-1)
        if (self.therapy.state, self.therapy.rate) != self._told:
            self.log.add(self.now, LogKind.STATE, self.therapy.state, self.therapy.rate)
            self._tell_state()
        if self.therapy.rate == 0:
            self.record = self.record._replace(guard_refused_at=-1)

    def _tell_state(self) -> None:
        self._told = (self.therapy.state, self.therapy.rate)
        self.tell("pump.state", state=self.therapy.state.name.lower(), rate=self.therapy.rate)
        self._watch.due_ms = self.now

    def prescribe(self, prescription: Prescription, schedule: Schedule | None = None) -> None:
        """Make a prescription the active one. It flows at once, unless a raised alarm forbids its flow."""
        self.ledgers = self.ledgers_under(prescription)
        self.therapy.prescription = prescription
        self.record = self.record._replace(schedule=schedule, confirmed=True, reset_at=-1, memory_fault_at=-1)
        self._take_step()
        self.restart_lockout()
        self.tell("pump.prescription", **prescription_data(prescription, schedule), confirmed=True)
        self.therapy.line_bridged = self.bridge_remaining_nl == 0
        if self.therapy.may("infuse"):
            self.fire("infuse")
        else:
            self.fire("limit")

    def follow_schedule(self) -> None:
        """Take the schedule's present step. Steps are no news for the log: it would hold little else."""
        self._take_step()
        if self._told != (self.therapy.state, self.therapy.rate):
            self._tell_state()

    def _take_step(self) -> None:
        schedule = self.record.schedule
        if schedule is None:
            self._step_due = None
        else:
            self.therapy.scheduled_rate = rate_at(schedule, self.now)
            self._step_due = next_change_ms(schedule, self.now)

    def _bridged(self) -> None:
        """The old fluid has left the line: go on with what is prescribed."""
        self.log.add(self.now, LogKind.BRIDGE_ENDED)
        self.fire("bridged")
        self.save()

    def line_as_declared(self, request: Prime) -> Line:
        """Return what the line holds by the word of the clinician who primes: with an emptied catheter, the tubing
        still holds what it held.
        """
        if request.line_emptied:
            return filled(self.profile.line_nl, SALINE)
        return emptied(self.line, self.profile.catheter.value) if request.catheter_emptied else self.line

    def declare_line(self, request: Prime) -> None:
        """Take the word of the clinician who primes for what the line holds."""
        self.line = self.line_as_declared(request)
        if request.line_emptied or request.catheter_emptied:
            self.log.add(self.now, LogKind.LINE_EMPTIED, 0 if request.line_emptied else 1)

    def restart_lockout(self) -> None:
        """Begin the patient's lockout anew; it can only get longer."""
        if self.therapy.prescription:
            until = self.now + self.therapy.prescription.patient_bolus.lockout.value
            self.record = self.record._replace(lockout_until=max(until, self.record.lockout_until))

    def grants_today(self) -> tuple[int, ...]:
        """Return when the patient boluses of the sliding day were granted."""
        return tuple(at for at in self.record.grants if at > self.now - LONG_DAY_MS)

    def next_grant_in(self, count: int) -> int:
        """Return in how many ms fewer than ``count`` patient boluses will be in the sliding day."""
        return self.grants_today()[-count] + LONG_DAY_MS - self.now

    def _bolus_ended(self, bolus: Bolus) -> None:
        rest, kind = not_delivered_nl(bolus), bolus_kind(bolus.state)
        self.restart_lockout()
        self.log.add(self.now, LogKind.BOLUS_ENDED, bolus.state, rest)
        self.tell("pump.bolus", what="ended", kind=kind, volume_nl=bolus.volume_nl, not_delivered_nl=rest)

    # --- alarms ---

    @property
    def panel(self) -> Panel:
        """The alarms that are raised, and what the sounder has done."""
        return self._watch.panel

    def watch(self) -> None:
        """Look at every condition now, raise and latch alarms, lower the flow and sound as they ask."""
        self._watch.look()

    def clear_alarm(self, code: AlarmCode) -> None:
        """Clear a latched alarm."""
        self._watch.clear(code)

    def silence(self) -> None:
        """Silence the sounder for the profile's time."""
        self._watch.silence()

    @property
    def critical(self) -> bool:
        """Whether any critical alarm is raised."""
        return self._watch.critical

    # --- memory ---

    def save(self) -> None:
        """Put everything on the chip, at once or not at all; then tell of it, and what the log has to say of it."""
        self.chip.write(self.state()._asdict())
        self._saved_at = self.now
        self.news.flush()
        self.log.flush()

    def state(self) -> State:
        """Return everything that is kept in non-volatile memory but the log."""
        self.age_ledgers()
        metering = Metering(
            self.now,
            self.credit,
            self.line,
            self.reservoir_nl,
            self.volume_nl,
            self.strokes,
            tuple(self.delivered.items()),
            self.monitor.position,
            self.monitor.granted,
            max(0, self._ledgers_at - self.now),
            self._bases.offset_ms,
        )
        return State(self.identity, self.ledgers, metering, self._noted(), self.panel, self.noticed)

    def _noted(self) -> TherapyRecord:
        """Bring the record up to what the therapy holds of it, and return it."""
        record, therapy = self.record, self.therapy
        held = (therapy.state, therapy.prescription, therapy.running, therapy.suspended, therapy.primed_from_stop)
        in_line = strongest_in(self.line)
        if record[: len(held)] != held or record.in_line != in_line:
            self.record = record._replace(
                state=therapy.state,
                prescription=therapy.prescription,
                running=therapy.running,
                suspended=therapy.suspended,
                primed_from_stop=therapy.primed_from_stop,
                in_line=in_line,
            )
        return self.record

    def check_memory(self) -> None:
        """Look for damage; to be called before anything is written, because writing covers the traces."""
        damaged = self.chip.damage()
        if damaged:
            self._memory_fault(damaged)
            self.save()
            self.save()
            self.watch()

    def _memory_fault(self, damaged: Sequence[str]) -> None:
        """Assume the worst of what was damaged: ledgers full, prescription unknown, bolus history used up."""
        self.age_ledgers()
        if "ledgers" in damaged:
            self.ledgers = ledgers.all_lost(self.every_ledger(), self.sizes)
        if "therapy" in damaged:
            self.fire("forget")
            self.therapy.prescription = None
            self.record = self.record._replace(schedule=None, grants=(self.now,) * ALL_DENIED, reset_at=-1)
        self.record = self.record._replace(confirmed=False, memory_fault_at=self.now)
        self.chip.discard_damaged_log()
        for place in damaged:
            self.log.add(self.now, LogKind.MEMORY_FAULT, _place_number(place))
        self.fire("limit")

    def every_ledger(self) -> ledgers.Ledgers:
        """Return the ledgers of every drug that may be in the pump: of all in the library, if none could be read."""
        limits = {code: (outlet.limit_1h, outlet.limit_24h) for code, outlet, _ in self.ledgers}
        for drug in self.therapy.prescription.drugs if self.therapy.prescription else ():
            limits.setdefault(drug.code, (drug.limit_1h.value, drug.limit_24h.value))
        for entry in self.library if self.library and not self.ledgers else ():
            limits.setdefault(entry.code, (entry.hard_1h.value, entry.hard_24h.value))
        return ledgers.with_drugs((), limits, frozenset(), self.sizes)


def _instants(record: TherapyRecord, panel: Panel) -> tuple[int, ...]:
    """Return instants of the past that memory holds: the pump's time must not fall behind them if its own is lost."""
    noted = (record.stopped_at, record.reset_at, record.memory_fault_at, record.stalled_at, record.guard_refused_at)
    return (*noted, *record.grants, panel.sounded_at, *(alarm.raised_at for alarm in panel.raised))


def _place_number(place: str) -> int:
    sections = State._fields
    return sections.index(place) if place in sections else len(sections)
