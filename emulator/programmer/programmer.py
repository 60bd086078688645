"""The clinician's programmer: interrogate, edit, review, update, verify; boluses, refills, alarms, closing.

Every step asks the table in ``workflow`` first; a step at the wrong time raises ``NotAllowedError``. An entry that
does not hold raises ``QuantityError`` or a ``ProgrammerRefusal``, and nothing is sent. What was sent comes back as
``Done``, ``NotDone`` or ``Unknown``; a reading that gets no answer raises ``NoContactError``. Not for clinical use.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from emulator.library import Library
from emulator.programmer.closing import Closing, concerns, infusing
from emulator.programmer.contact import Dial
from emulator.programmer.dates import Dates, dates
from emulator.programmer.draft import parse_amount, to_volume
from emulator.programmer.findings import LimitPassedError, passes
from emulator.programmer.limits import examine_bolus
from emulator.programmer.prescribing import Prescribing
from emulator.programmer.priming import PrimeProposal, propose_prime
from emulator.programmer.refill import ResidualCheck, check_residual, last_fill
from emulator.programmer.results import Done, NotDone, ProgrammerRefusal, Result, StaleReviewError, Unknown
from emulator.programmer.view import PumpView, last_entry, read, read_log
from emulator.programmer.words import REASONS
from emulator.programmer.workflow import MACHINE
from protocol.messages import (
    AcknowledgeAlarm,
    AlarmsReport,
    CancelBolus,
    ClinicianBolus,
    Close,
    Closed,
    EnterRefill,
    LogEntry,
    Message,
    PatientBolus,
    PrescriptionReport,
    ReservoirReport,
    SelfTest,
    SelfTestReport,
    SetWallClock,
    SilenceAlarms,
    Start,
    TherapyReport,
)
from protocol.units import Milliseconds, Nanolitres
from protocol.vocabulary import AlarmCode, LogKind, Reason, Section


class Refill(NamedTuple):
    """What became of a refill's entry, and what the residual volume says."""

    result: Result
    residual: ResidualCheck


class Programmer(Prescribing):
    """Programs one pump: ``connect``, ``interrogate``, work, ``close``. Takes a new one for the next patient."""

    MACHINE = MACHINE

    def __init__(self, dial: Dial, library: Library, unresolved: Iterable[Unknown] = ()) -> None:
        super().__init__(dial, library, unresolved)
        self._prime: tuple[PrimeProposal, PumpView] | None = None
        """What was proposed last, and the interrogation that it rests on."""
        self._primes = 0

    # --- therapy ---

    def start(self) -> Result:
        """Start or resume what the confirmed prescription asks for."""
        self.fire("start")
        return self._command(Start())

    def bolus(self, amount: str, duration: str, reason: str = "") -> Result:
        """Give one bolus: a dose of the primary drug, or a volume, over a time.

        Raises ``QuantityError`` for a dose that is no whole number of nanolitres, naming the nearest below, and
        ``LimitPassedError`` for a hard limit, or a soft one without a reason.
        """
        self._check_library(self.library)
        if not reason.isprintable():
            raise ProgrammerRefusal("Give the reason in letters and signs that can be printed.")
        self.fire("dose")
        prescription = self._seen.prescription.prescription
        if not prescription.drugs:
            raise ProgrammerRefusal(REASONS[Reason.UNCONFIRMED])
        volume = to_volume(parse_amount(amount), prescription.drugs[0].concentration)
        span = Milliseconds.parse(duration)
        findings = examine_bolus(volume, span, prescription, self.library, self._seen.identity, self._seen.in_force)
        if not passes(findings, reason):
            raise LimitPassedError(findings)
        return self._command(ClinicianBolus(volume, span, reason.strip()))

    def propose_prime(
        self,
        *,
        volume: str | None = None,
        duration: str | None = None,
        line_emptied: bool = False,
        catheter_emptied: bool = False,
    ) -> PrimeProposal:
        """Work out a prime, to be looked at: all of the line that holds no drug, or a volume; as fast as fits, or
        over a time. ``line_emptied`` declares that tubing and catheter hold no drug, ``catheter_emptied`` that the
        catheter alone holds none.

        Raises ``ProgrammerRefusal`` if nothing can be primed, ``QuantityError`` or ``DraftError`` for an entry that
        does not hold.
        """
        self._check_library(self.library)
        self.fire("propose_prime")
        self._primes += 1
        proposal = propose_prime(
            self._primes,
            self._seen,
            self.library,
            volume=None if volume is None else Nanolitres.parse(volume),
            duration=None if duration is None else Milliseconds.parse(duration),
            line_emptied=line_emptied,
            catheter_emptied=catheter_emptied,
        )
        self._prime = proposal, self._seen
        return proposal

    def prime(self, confirmed: PrimeProposal) -> Result:
        """Carry out exactly the prime that was proposed last. What was going on goes on afterwards.

        Raises ``StaleReviewError`` for any other proposal, or one from before the last interrogation.
        """
        if self._prime is None or confirmed != self._prime[0] or self.view is not self._prime[1]:
            raise StaleReviewError("This prime is no longer on the screen; propose it again.")
        self.fire("prime")
        self._prime = None
        return self._command(confirmed.prime)

    def patient_bolus(self) -> Result:
        """Press the patient's button."""
        self.fire("press")
        return self._command(PatientBolus())

    def cancel_bolus(self) -> Result:
        """End the running or suspended boluses."""
        return self._attend(CancelBolus())

    def refill(self, residual: str, contents: str) -> Refill:
        """Enter a refill: the volume drawn out, compared with the pump's reckoning, and the volume now in.

        Raises ``ProgrammerRefusal`` for more than the reservoir holds. A flagged residual does not stop the entry: it
        is said at once and again at the close.
        """
        self.fire("refill")
        measured, filled = Nanolitres.parse(residual), Nanolitres.parse(contents)
        reservoir = read(self._ask, Section.RESERVOIR, ReservoirReport)
        for volume in (measured, filled):
            if volume > reservoir.capacity:
                raise ProgrammerRefusal(f"{volume} is more than the reservoir holds ({reservoir.capacity}).")
        before = last_fill(read_log(self._ask, 0))
        check = check_residual(measured, reservoir.computed, reservoir.capacity, before)
        if check.flagged:
            self._to_say.append(check.words)
        return Refill(self._command(EnterRefill(measured, filled)), check)

    # --- log, alarms and upkeep ---

    def read_log(self, first: int = 0) -> tuple[LogEntry, ...]:
        """Read the pump's log from a sequence number on, all pages. For a clinician."""
        self.fire("attend")
        return read_log(self._ask, first)

    def dates(self) -> Dates:
        """Return when the pump should be refilled, by the last interrogation and the log; a role that may not read
        the log gets only what follows without it.
        """
        self.fire("attend")
        try:
            refill = last_entry(self._ask, LogKind.REFILL)
        except ProgrammerRefusal:
            refill = None
        return dates(self._seen, self.library, refill.at if refill else None)

    def silence(self) -> Result:
        """Silence the sounder for a bounded time."""
        return self._attend(SilenceAlarms())

    def acknowledge(self, code: AlarmCode) -> Result:
        """Clear an alarm whose cause is gone."""
        return self._attend(AcknowledgeAlarm(code))

    def self_test(self) -> Result:
        """Run the pump's self-tests; the reply says what failed."""
        return self._attend(SelfTest(), SelfTestReport)

    def set_clock(self, unix_ms: int) -> Result:
        """Set the pump's wall clock to milliseconds since 1970."""
        return self._attend(SetWallClock(unix_ms))

    # --- closing ---

    def close(self, *, stopped_acknowledged: bool = False) -> Closing:
        """Look once more and end the session; refused on a pump that is not infusing unless that is acknowledged."""
        self.fire("close")
        prescription = read(self._ask, Section.PRESCRIPTION, PrescriptionReport)
        therapy = read(self._ask, Section.THERAPY, TherapyReport)
        alarms = read(self._ask, Section.ALARMS, AlarmsReport)
        notes = (*concerns(prescription, therapy, alarms), *self._to_say)
        if not (stopped_acknowledged or infusing(prescription, therapy)):
            return Closing(NotDone(None, REASONS[Reason.STOPPED]), notes)
        result = self._command(Close(stopped_acknowledged), Closed)
        if isinstance(result, Done):
            self._contact.drop()
            self.fire("closed")
            self._to_say.clear()
        return Closing(result, notes)

    def _attend(self, message: Message, expected: type[Message] | None = None) -> Result:
        self.fire("attend")
        return self._command(message, expected) if expected else self._command(message)
