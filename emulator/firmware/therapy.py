"""Therapy: what the pump is to infuse, as a state machine from one table.

Therapy proposes a flow; it decides nothing about limits. The table below is the whole of it: it builds the
machine, draws the diagram in the documentation and is what an explorer walks through. Two rules run through it:
an alarm can only lower the flow (``limit``, ``halt``), and going up again always takes a clinician's ``infuse``
with no restricting alarm left.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.firmware.metering import bolus_rate, credit_of
from emulator.firmware.state import Bolus
from emulator.machine import EventData, Row, Stateful, TableMachine
from protocol.messages import Prescription
from protocol.units import DAY_MS
from protocol.vocabulary import Mode, TherapyState

UNPROGRAMMED = TherapyState.UNPROGRAMMED
STOPPED = TherapyState.STOPPED
MINIMUM_RATE = TherapyState.MINIMUM_RATE
SIMPLE = TherapyState.SIMPLE_CONTINUOUS
CLINICIAN_BOLUS = TherapyState.CLINICIAN_BOLUS
PATIENT_BOLUS = TherapyState.PATIENT_BOLUS

BASAL = (MINIMUM_RATE, SIMPLE)
BOLUS = (CLINICIAN_BOLUS, PATIENT_BOLUS)
PROGRAMMED = (STOPPED, *BASAL, *BOLUS)
ANY = (UNPROGRAMMED, *PROGRAMMED)

ROWS = (
    Row("infuse", ANY, STOPPED, ("prescribes_stop",), ("end_boluses",), "start what is prescribed"),
    Row("infuse", ANY, MINIMUM_RATE, ("prescribes_minimum", "not restricted"), ("end_boluses",)),
    Row("infuse", ANY, SIMPLE, ("prescribes_simple", "not restricted"), ("end_boluses",)),
    Row("stop", PROGRAMMED, STOPPED, (), ("end_boluses",), "always accepted"),
    Row("stop", UNPROGRAMMED, None),
    Row("clinician_bolus", BASAL, CLINICIAN_BOLUS, ("on_prescribed_basal",), ("begin",)),
    Row("patient_bolus", BASAL, PATIENT_BOLUS, ("on_prescribed_basal",), ("begin",)),
    Row("patient_bolus", CLINICIAN_BOLUS, PATIENT_BOLUS, (), ("suspend", "begin"), "pre-empts the clinician's"),
    Row("bolus_done", PATIENT_BOLUS, CLINICIAN_BOLUS, ("has_suspended",), ("end_bolus", "resume"), "exact remainder"),
    Row("bolus_done", BOLUS, SIMPLE, ("prescribes_simple",), ("end_bolus",)),
    Row("bolus_done", BOLUS, MINIMUM_RATE, ("prescribes_minimum",), ("end_bolus",)),
    Row("cancel", BOLUS, SIMPLE, ("prescribes_simple",), ("end_boluses",)),
    Row("cancel", BOLUS, MINIMUM_RATE, ("prescribes_minimum",), ("end_boluses",)),
    Row("limit", (SIMPLE, *BOLUS), MINIMUM_RATE, (), ("end_boluses",), "an alarm asks for the minimum rate"),
    Row("limit", UNPROGRAMMED, STOPPED, ("programmed",), (), "prescribed, but not to flow yet"),
    Row("limit", (UNPROGRAMMED, STOPPED, MINIMUM_RATE), None),
    Row("halt", (*BASAL, *BOLUS), STOPPED, (), ("end_boluses",), "an alarm asks for a stop"),
    Row("halt", (UNPROGRAMMED, STOPPED), None),
    Row("forget", ANY, UNPROGRAMMED, (), ("end_boluses",), "the prescription cannot be read"),
)

MACHINE = TableMachine(TherapyState, UNPROGRAMMED, ROWS)


class Therapy(Stateful[TherapyState]):
    """The state, the prescription it follows, and the boluses under way.

    ``on_bolus_end`` is told of every bolus that ends, normally or not, with its state and what was not delivered.
    """

    MACHINE = MACHINE

    def __init__(
        self,
        minimum_rate: int,
        on_bolus_end: Callable[[TherapyState, Bolus], None],
        *,
        state: TherapyState = UNPROGRAMMED,
        prescription: Prescription | None = None,
        running: Bolus | None = None,
        suspended: Bolus | None = None,
    ) -> None:
        super().__init__(state)
        self.prescription = prescription
        self.running = running
        self.suspended = suspended
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
        if self.state in (UNPROGRAMMED, STOPPED) or self.prescription is None:
            return 0
        if self.state is MINIMUM_RATE or self.mode is Mode.MINIMUM_RATE:
            return self._minimum_rate
        return self.prescription.rate.value

    @property
    def rate(self) -> int:
        """Return the whole commanded flow in nL/day."""
        return self.basal_rate + (self.running.rate if self.running else 0)

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
        return -(-self.running.remaining // self.running.rate) if self.running else None

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

    def on_prescribed_basal(self, _: EventData) -> bool:
        """The present flow is the prescribed one, not one that an alarm has lowered it to."""
        return self.state is (MINIMUM_RATE if self.mode is Mode.MINIMUM_RATE else SIMPLE) and not self.flow_restricted

    def restricted(self, _: EventData) -> bool:
        """A raised alarm forbids any flow above what it asks for."""
        return self.flow_restricted

    def has_suspended(self, _: EventData) -> bool:
        """A clinician bolus waits to go on."""
        return self.suspended is not None

    def begin(self, event: EventData) -> None:
        """Begin a bolus of ``volume_nl`` over ``duration_ms``."""
        self.running = new_bolus(event.kwargs["volume_nl"], event.kwargs["duration_ms"])

    def suspend(self, _: EventData) -> None:
        """Set the running bolus aside with what is left of it."""
        self.suspended = self.running

    def resume(self, _: EventData) -> None:
        """Go on with the suspended bolus where it was."""
        self.running, self.suspended = self.suspended, None

    def end_bolus(self, _: EventData) -> None:
        """End the running bolus."""
        ended, self.running = self.running, None
        if ended:
            self._on_bolus_end(self.state, ended)

    def end_boluses(self, event: EventData) -> None:
        """End every bolus, running or suspended."""
        self.end_bolus(event)
        waiting, self.suspended = self.suspended, None
        if waiting:
            self._on_bolus_end(CLINICIAN_BOLUS, waiting)


def new_bolus(volume_nl: int, duration_ms: int) -> Bolus:
    """Return a bolus that has delivered nothing yet."""
    return Bolus(volume_nl, bolus_rate(volume_nl, duration_ms), credit_of(volume_nl))


def not_delivered_nl(bolus: Bolus) -> int:
    """Return the volume of a bolus that is still to come, rounded up."""
    return -(-bolus.remaining // DAY_MS)
