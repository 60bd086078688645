"""Leaping over strokes in which nothing else can happen: a year of quiet infusion need not be lived stroke by stroke.

The pump's semantics are per stroke (``Pump._stroke``): the guard is asked, memory is written, the motor moves. While
the flow is constant and nothing is amiss, what so many strokes come to is known in advance, and this module goes
there at once. It changes nothing but the time it takes: memory, ledgers, meters, books and journal are those of
strokes taken one by one, to the byte.

It leaps only as far as every premise holds, and leaves whatever it is not certain of to the pump itself:

* the flow is constant: the run ends before anything else that is due (``Pump.interruption_ms``);
* the guard is certain to grant every stroke (``ledgers_ahead.certain_strokes``);
* no alarm has anything to notice (``Watch.quiet_strokes``);
* every stroke truly moves what it should, out of one plug (``Body.alike``);
* memory is undamaged, and power does not fail at one of its next steps.

The two pages of memory hold the last two writes. What they hold is worked out when somebody looks.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from emulator.firmware.beat import Beat, Run, Write
from emulator.firmware.guard import Sizes
from emulator.firmware.ledgers_ahead import Masses, certain_strokes, ledgers_after
from emulator.firmware.metering import credit_of
from emulator.firmware.state import Metering, State, TherapyRecord
from emulator.hardware.body import ROTOR_POSITIONS, Body
from emulator.hardware.line import Fluid, alike, masses, push, strongest_in
from emulator.hardware.nonvolatile import PAGES

if TYPE_CHECKING:
    from emulator.firmware.pump import Pump

FEWEST_WRITES = 4
"""A run of fewer writes than this is taken one by one: looking ahead would take longer."""


class Leap(NamedTuple):
    """One run, and all that its end depends on."""

    run: Run
    start: State
    fluid: Fluid
    stroke_nl: int
    outlet_pg: Masses
    tip_pg: Masses
    sizes: Sizes

    def last_writes(self) -> list[Write]:
        """Return the writes that the pages of memory hold at the end, the older one first."""
        return list(islice(self.run.writes_backwards(), PAGES))[::-1]

    def state(self, write: Write) -> State:
        """Return what is written at a time: after so many strokes granted and moved."""
        start, run = self.start, self.run
        ledgers = ledgers_after(
            start.ledgers, self.outlet_pg, self.tip_pg, run.beat, write.at_ms, write.granted, self.sizes
        )
        metering = self._metering(write)
        therapy = _holding(_later(start.therapy, write.at_ms), strongest_in(metering.line))
        return start._replace(ledgers=ledgers, metering=metering, therapy=therapy)

    def page(self, write: Write) -> dict[str, Any]:
        """Return the same as a page holds it."""
        return self.state(write)._asdict()

    def _metering(self, write: Write) -> Metering:
        start, volume_nl = self.start.metering, write.moved * self.stroke_nl
        delivered = dict(start.delivered)
        for code, concentration in self.fluid if write.moved else ():
            delivered[code] = delivered.get(code, 0) + volume_nl * concentration
        return Metering(
            start.pump_ms + write.at_ms,
            self.run.beat.credit_at(write.at_ms, write.granted),
            push(start.line, volume_nl, self.fluid)[0],
            start.reservoir_nl - volume_nl,
            start.volume_nl + volume_nl,
            start.strokes + write.moved,
            tuple(delivered.items()),
            (start.rotor + write.moved) % ROTOR_POSITIONS,
            write.granted - write.moved,
            start.wait_ms,
            start.clock_ms,
        )


def _later(record: TherapyRecord, for_ms: int) -> TherapyRecord:
    """Return the record when the running bolus, which does not end meanwhile, has flowed for a time."""
    bolus = record.running
    if bolus is None:
        return record
    return record._replace(running=bolus._replace(remaining=bolus.remaining - bolus.rate * for_ms))


def _holding(record: TherapyRecord, in_line: Fluid) -> TherapyRecord:
    """Return the record of a line that may have lost a fluid: the very same one if it has not."""
    return record if record.in_line == in_line else record._replace(in_line=in_line)


def leap_until(pump: Pump, body: Body, until_ms: int, saved_at: int, heartbeat_ms: int) -> Leap | None:
    """Return the longest run that is certain until a pump time; None if that is too short to be worth it.

    ``saved_at`` is when memory was last written, ``heartbeat_ms`` how long it may go without.
    """
    if body.on_run is None:
        return None  # whoever wants to know of every stroke can only be told of single ones
    stroke_nl, fluid, line = pump.profile.stroke.value, pump.fluid, pump.line
    beat = Beat(pump.credit, pump.therapy.rate, credit_of(stroke_nl))
    run = Run(beat, beat.by(until_ms - pump.now), until_ms - pump.now, saved_at - pump.now, heartbeat_ms)
    if not _worth_it(run) or not 0 <= pump.credit < beat.cost:
        return None
    if pump.chip.damage() or pump.chip.steps_until_power_fails is not None:
        return None
    outlet_pg, tip_pg = masses(((stroke_nl, fluid),)), masses(((stroke_nl, line[0][1]),))
    pump.age_ledgers()
    if run.strokes:
        most = min(run.strokes, pump.quiet_strokes())
        most = body.alike(alike(line, stroke_nl, fluid, most))
        most = certain_strokes(pump.ledgers, outlet_pg, tip_pg, beat, most, pump.sizes)
        if most < run.strokes:
            run = run._replace(strokes=most, until_ms=beat.at(most) if most else 0)
        if not _worth_it(run):
            return None
    return Leap(run, pump.state(), fluid, stroke_nl, outlet_pg, tip_pg, pump.sizes)


def _worth_it(run: Run) -> bool:
    beats = (run.until_ms - run.saved_ms) // run.heartbeat_ms
    return run.until_ms > 0 and run.strokes + beats >= FEWEST_WRITES
