"""Therapy: what the pump is to infuse, as a state machine from one table.

Therapy proposes a flow; it decides nothing about limits. The table below is the whole of it: it builds the
machine, draws the diagram in the documentation and is what an explorer walks through. Three rules run through it:
an alarm can only lower the flow (``limit``, ``halt``); going up again always takes a clinician's ``infuse`` with no
restricting alarm left; and what a bolus or a prime interrupts goes on afterwards exactly where it was.

A bridge belongs to the line, not to a moment: as long as the old fluid stands before the new one, ``infuse`` leads
to the bridge, whatever has come between.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.firmware.metering import bolus_rate, credit_of
from emulator.firmware.state import Bolus, TherapyRecord
from emulator.machine import EventData, Row, Stateful, TableMachine
from protocol.units import DAY_MS
from protocol.vocabulary import Mode, TherapyState

UNPROGRAMMED = TherapyState.UNPROGRAMMED
STOPPED = TherapyState.STOPPED
MINIMUM_RATE = TherapyState.MINIMUM_RATE
SIMPLE = TherapyState.SIMPLE_CONTINUOUS
FLEX = TherapyState.FLEX
BRIDGE = TherapyState.BRIDGE
CLINICIAN_BOLUS = TherapyState.CLINICIAN_BOLUS
PATIENT_BOLUS = TherapyState.PATIENT_BOLUS
PRIMING = TherapyState.PRIMING

BASAL = (MINIMUM_RATE, SIMPLE, FLEX)
BOLUS = (CLINICIAN_BOLUS, PATIENT_BOLUS)
BOUNDED = (*BOLUS, PRIMING)
"""States that end by themselves after a volume."""
FLOWING = (*BASAL, BRIDGE, *BOUNDED)
PROGRAMMED = (STOPPED, *FLOWING)
ANY = (UNPROGRAMMED, *PROGRAMMED)
BASAL_OF = {Mode.MINIMUM_RATE: MINIMUM_RATE, Mode.SIMPLE_CONTINUOUS: SIMPLE, Mode.FLEX: FLEX}
"""The state in which a mode's basal flow is infused."""


def _to_basal(event: str, sources: tuple[TherapyState, ...], *then: str) -> tuple[Row, ...]:
    """Return the rows that lead to the basal flow that is prescribed."""
    return (
        Row(event, sources, SIMPLE, ("prescribes_simple",), then),
        Row(event, sources, FLEX, ("prescribes_flex",), then),
        Row(event, sources, MINIMUM_RATE, ("prescribes_minimum",), then),
    )


ROWS = (
    Row("infuse", ANY, STOPPED, ("prescribes_stop",), ("end_boluses",), "start what is prescribed"),
    Row("infuse", ANY, BRIDGE, ("bridging", "not restricted"), ("end_boluses",), "the old fluid must leave first"),
    Row("infuse", ANY, MINIMUM_RATE, ("prescribes_minimum", "not restricted"), ("end_boluses",)),
    Row("infuse", ANY, SIMPLE, ("prescribes_simple", "not restricted"), ("end_boluses",)),
    Row("infuse", ANY, FLEX, ("prescribes_flex", "not restricted"), ("end_boluses",)),
    Row("stop", PROGRAMMED, STOPPED, (), ("end_boluses",), "always accepted"),
    Row("stop", UNPROGRAMMED, None),
    *_to_basal("bridged", (BRIDGE,)),
    Row("clinician_bolus", BASAL, CLINICIAN_BOLUS, ("on_prescribed_basal",), ("begin",)),
    Row("patient_bolus", BASAL, PATIENT_BOLUS, ("on_prescribed_basal",), ("begin",)),
    Row("patient_bolus", CLINICIAN_BOLUS, PATIENT_BOLUS, (), ("suspend", "begin"), "pre-empts the clinician's"),
    Row("prime", STOPPED, PRIMING, ("not restricted",), ("note_stop", "begin")),
    Row("prime", BASAL, PRIMING, ("on_prescribed_basal",), ("begin",)),
    Row("prime", BOLUS, PRIMING, ("not restricted",), ("suspend", "begin"), "interrupts a bolus"),
    Row("bolus_done", PRIMING, STOPPED, ("came_from_stop",), ("end_bolus",), "priming starts no therapy"),
    Row("bolus_done", PRIMING, PATIENT_BOLUS, ("patient_waits",), ("end_bolus", "resume"), "exact remainder"),
    Row("bolus_done", (PRIMING, PATIENT_BOLUS), CLINICIAN_BOLUS, ("clinician_waits",), ("end_bolus", "resume")),
    *_to_basal("bolus_done", BOUNDED, "end_bolus"),
    Row("cancel", PRIMING, STOPPED, ("came_from_stop",), ("end_boluses",)),
    *_to_basal("cancel", BOUNDED, "end_boluses"),
    Row("limit", PRIMING, STOPPED, ("came_from_stop",), ("end_boluses",)),
    Row("limit", (SIMPLE, FLEX, BRIDGE, *BOUNDED), MINIMUM_RATE, (), ("end_boluses",), "an alarm asks for little"),
    Row("limit", UNPROGRAMMED, STOPPED, ("programmed",), (), "prescribed, but not to flow yet"),
    Row("limit", (UNPROGRAMMED, STOPPED, MINIMUM_RATE), None),
    Row("halt", FLOWING, STOPPED, (), ("end_boluses",), "an alarm asks for a stop"),
    Row("halt", (UNPROGRAMMED, STOPPED), None),
    Row("forget", ANY, UNPROGRAMMED, (), ("end_boluses",), "the prescription cannot be read"),
)

MACHINE = TableMachine(TherapyState, UNPROGRAMMED, ROWS)


class Therapy(Stateful[TherapyState]):
    """The state, the prescription it follows, and the boluses under way; a prime is one of them.

    ``on_bolus_end`` is told of every bolus that ends, normally or not. What the therapy cannot know itself is set by
    the controller before it matters: ``scheduled_rate``, ``line_bridged`` and ``flow_restricted``.
    """

    MACHINE = MACHINE

    def __init__(self, minimum_rate: int, on_bolus_end: Callable[[Bolus], None], record: TherapyRecord) -> None:
        """Go on where a record left off."""
        super().__init__(record.state)
        self.prescription = record.prescription
        self.running = record.running
        self.suspended = record.suspended
        self.primed_from_stop = record.primed_from_stop
        self.scheduled_rate = minimum_rate
        """The flow of the schedule's present step, in nL/day."""
        self.line_bridged = True
        """Whether no bridge is prescribed, or its work is done."""
        self.flow_restricted = False
        self._minimum_rate = minimum_rate
        self._on_bolus_end = on_bolus_end

    @property
    def mode(self) -> Mode | None:
        """Return the prescribed mode."""
        return self.prescription.mode if self.prescription else None

    @property
    def basal_rate(self) -> int:
        """Return the flow in nL/day apart from any bolus."""
        prescription = self.prescription
        if self.state in (UNPROGRAMMED, STOPPED, PRIMING) or prescription is None:
            return 0
        if self.state is BRIDGE:
            return prescription.bridge.value
        if self.state is MINIMUM_RATE or prescription.mode is Mode.MINIMUM_RATE:
            return self._minimum_rate
        return self.scheduled_rate if prescription.mode is Mode.FLEX else prescription.rate.value

    @property
    def rate(self) -> int:
        """Return the whole commanded flow in nL/day."""
        return self.basal_rate + (self.running.rate if self.running else 0)

    @property
    def withheld(self) -> bool:
        """Whether the pump is stopped, or at the minimum rate though more is prescribed, until a clinician acts."""
        if self.state is PRIMING:
            return self.primed_from_stop
        more = self.mode in (Mode.SIMPLE_CONTINUOUS, Mode.FLEX)
        return self.state is STOPPED or (self.state is MINIMUM_RATE and more)

    def flow(self, elapsed_ms: int) -> int:
        """Let the commanded flow run for a time no longer than until the bolus ends; return its credit."""
        credit = self.basal_rate * elapsed_ms
        if self.running:
            part = min(self.running.remaining, self.running.rate * elapsed_ms)
            self.running = self.running._replace(remaining=self.running.remaining - part)
            credit += part
        return credit

    def bolus_end_in(self) -> int | None:
        """Return in how many ms the running bolus will be complete; None without one."""
        return duration_of(self.running) if self.running else None

    # --- conditions and actions named in the table ---

    def programmed(self, _: EventData) -> bool:
        """There is a prescription."""
        return self.prescription is not None

    def prescribes_stop(self, _: EventData) -> bool:
        """The prescription asks for no flow."""
        return self.mode is Mode.STOPPED

    def prescribes_minimum(self, _: EventData) -> bool:
        """The prescription asks for the minimum rate."""
        return self.mode is Mode.MINIMUM_RATE

    def prescribes_simple(self, _: EventData) -> bool:
        """The prescription asks for simple continuous infusion."""
        return self.mode is Mode.SIMPLE_CONTINUOUS

    def prescribes_flex(self, _: EventData) -> bool:
        """The prescription asks for a schedule."""
        return self.mode is Mode.FLEX

    def bridging(self, _: EventData) -> bool:
        """A bridge is prescribed and the old fluid has not left the line."""
        return self.prescription is not None and not self.line_bridged

    def on_prescribed_basal(self, _: EventData) -> bool:
        """The present flow is the prescribed one, not one that an alarm has lowered it to."""
        return self.mode in BASAL_OF and self.state is BASAL_OF[self.mode] and not self.flow_restricted

    def restricted(self, _: EventData) -> bool:
        """A raised alarm forbids any flow above what it asks for."""
        return self.flow_restricted

    def came_from_stop(self, _: EventData) -> bool:
        """Priming began while the pump was stopped."""
        return self.primed_from_stop

    def patient_waits(self, _: EventData) -> bool:
        """A patient bolus is the next to go on."""
        return self._next_is(PATIENT_BOLUS)

    def clinician_waits(self, _: EventData) -> bool:
        """A clinician bolus is the next to go on."""
        return self._next_is(CLINICIAN_BOLUS)

    def _next_is(self, state: TherapyState) -> bool:
        return bool(self.suspended) and self.suspended[-1].state is state

    def begin(self, event: EventData) -> None:
        """Begin the bolus ``bolus``."""
        self.running = event.kwargs["bolus"]

    def note_stop(self, _: EventData) -> None:
        """Remember that the pump was stopped."""
        self.primed_from_stop = True

    def suspend(self, _: EventData) -> None:
        """Set the running bolus aside with what is left of it."""
        if self.running:
            self.suspended = (*self.suspended, self.running)

    def resume(self, _: EventData) -> None:
        """Go on with the bolus set aside last, where it was."""
        *waiting, self.running = self.suspended
        self.suspended = tuple(waiting)

    def end_bolus(self, _: EventData) -> None:
        """End the running bolus."""
        ended, self.running = self.running, None
        self.primed_from_stop = False
        if ended:
            self._on_bolus_end(ended)

    def end_boluses(self, event: EventData) -> None:
        """End every bolus, running or suspended."""
        self.end_bolus(event)
        waiting, self.suspended = self.suspended, ()
        for bolus in reversed(waiting):
            self._on_bolus_end(bolus)


def new_bolus(state: TherapyState, volume_nl: int, duration_ms: int) -> Bolus:
    """Return a bolus that has delivered nothing yet."""
    return Bolus(state, volume_nl, bolus_rate(volume_nl, duration_ms), credit_of(volume_nl))


def duration_of(bolus: Bolus) -> int:
    """Return how long the rest of a bolus takes, in ms."""
    return -(-bolus.remaining // bolus.rate)


def not_delivered_nl(bolus: Bolus) -> int:
    """Return the volume of a bolus that is still to come, rounded up."""
    return -(-bolus.remaining // DAY_MS)
