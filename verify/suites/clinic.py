"""Any sequence of steps, slips and losses: limits stay armed, and every result says what really happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from emulator.machine import NotAllowedError
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done, NoContactError, NotDone, ProgrammerRefusal, Result, Unknown
from emulator.programmer.review import Review
from emulator.programmer.workflow import Phase
from protocol.messages import ClinicianBolus, Commit, Interrogate, Message, QueryCommand, StagePrescription, Stop
from protocol.units import QuantityError
from protocol.vocabulary import AlarmCode, Mode, TherapyState
from verify.suites.fakes import FakePump, Fault
from verify.suites.suite import Effort, require
from verify.suites.tiny import HARD_1H, HARD_24H, LIBRARY, prescribe

Answer = TypeVar("Answer")

REFUSALS = (NotAllowedError, ProgrammerRefusal, QuantityError, NoContactError)

DOSES = st.sampled_from(["60", "100", "239.999", "240", "240.001", "479.999", "480", "480.001", "1000", "4800"])
PROGRAMS = st.sampled_from([("60", 1), ("150", 1), ("240", 2), ("240.001", 1), ("480", 10), ("480.001", 1)])
STRENGTHS = st.sampled_from([1, 2, 10, 11, 20, 21, 200])
BOLUSES = st.sampled_from(["1", "4.999", "5", "5.001", "10", "10.001", "100"])
REASONS = st.sampled_from(["", "  ", "because", "x" * 41])
FAULTS = st.sampled_from([None, None, Fault.UNSENT, Fault.NO_SESSION, Fault.REQUEST_LOST, Fault.REPLY_LOST])


def in_contact(clinic: Clinic) -> bool:
    """Leave out steps that can only be refused because there is no session."""
    return clinic.programmer.state is not Phase.DISCONNECTED


class Clinic(RuleBasedStateMachine):
    """A clinician who does anything, on a wire that loses anything, with a pump that checks nothing."""

    reviews = Bundle("reviews")
    effort: ClassVar[Effort]

    @initialize()
    def begin(self) -> None:
        """Set up a pump that takes whatever comes and already infuses, and look at it."""
        self.effort.tried += 1
        self.pump = FakePump(LIBRARY)
        self.pump.prescription, self.pump.confirmed = prescribe(rate=100_000), True
        self.pump.state = TherapyState.SIMPLE_CONTINUOUS
        self.programmer: Programmer = self.pump.programmer(LIBRARY)
        self.confirmed = [self.pump.prescription]
        self.judged = 0
        self.come_back()

    # --- contact ---

    @rule()
    def come_back(self) -> None:
        """Bring everything in order again: wire, library, contact, doubts, verification, view."""
        self.pump.faults, self.pump.library = [], LIBRARY.digest
        self.resolve()
        self.attempt(self.programmer.connect)
        self.verify()
        self.attempt(self.programmer.interrogate)
        require(
            self.programmer.state in (Phase.READY, Phase.DRAFTING),
            "the programmer does not come back",
        )

    @precondition(in_contact)
    @rule()
    def look(self) -> None:
        """Interrogate."""
        self.attempt(self.programmer.interrogate)

    @rule()
    def verify(self) -> None:
        """Verify an update: the pump holds what was confirmed."""
        verification = self.attempt(self.programmer.verify)
        require(verification is None or verification.agrees, "the pump does not hold what was confirmed")

    @precondition(in_contact)
    @rule(hang_up=st.booleans())
    def leave(self, hang_up: bool) -> None:
        """Close, or break off."""
        if hang_up:
            self.programmer.hang_up()
        else:
            self.attempt(lambda: self.programmer.close(stopped_acknowledged=True))

    # --- the wire ---

    @rule(kind=st.sampled_from([StagePrescription, Interrogate, QueryCommand]), fault=FAULTS)
    def something_will_be_lost(self, kind: type[Message], fault: Fault | None) -> None:
        """Let the next message of a kind that changes nothing meet a fault."""
        self.pump.faults = [(kind, fault)] if fault else []

    @precondition(lambda clinic: clinic.pump.on_the_way)
    @rule()
    def arrive_late(self) -> None:
        """Let what was on its way arrive: only a command that is still unresolved may have an effect."""
        before = len(self.pump.executions)
        self.pump.deliver_late()
        waiting = {(unknown.session, unknown.counter) for unknown in self.programmer.unresolved}
        require(set(self.pump.executions[before:]) <= waiting, "a command that was settled is carried out late")
        self.effort.reached["arrived late"] += len(self.pump.executions) - before

    @rule(same=st.booleans())
    def change_the_pumps_library(self, same: bool) -> None:
        """Put another library into the pump, or the same again."""
        self.pump.library = LIBRARY.digest if same else bytes(16)

    # --- programming ---

    @precondition(in_contact)
    @rule(dose=DOSES, strength=STRENGTHS)
    def write_dose(self, dose: str, strength: int) -> None:
        """Enter a fluid and a daily dose."""
        self.attempt(
            lambda: self.programmer.edit(
                self.programmer.draft.fluid(("drug", f"{strength} ug/mL")).daily_dose(f"{dose} ng/day")
            )
        )

    @precondition(in_contact)
    @rule(dose=BOLUSES, count=st.integers(1, 60))
    def write_bolus(self, dose: str, count: int) -> None:
        """Enter a patient bolus."""
        self.attempt(
            lambda: self.programmer.edit(self.programmer.draft.patient_bolus(f"{dose} ng", "10 min", "5 min", count))
        )

    @precondition(in_contact)
    @rule(day=st.sampled_from(["100 ng", "480 ng", "480.001 ng", "5 ug"]))
    def write_limit(self, day: str) -> None:
        """Enter a limit of the day."""
        self.attempt(lambda: self.programmer.edit(self.programmer.draft.limits("drug", day=day)))

    @precondition(in_contact)
    @rule()
    def write_stop(self) -> None:
        """Prescribe a stop."""
        self.attempt(lambda: self.programmer.edit(self.programmer.draft.stopped()))

    @precondition(in_contact)
    @rule(target=reviews)
    def review(self) -> Review | None:
        """Put the draft on the screen."""
        return self.attempt(self.programmer.review)

    @precondition(in_contact)
    @rule(target=reviews, reason=REASONS)
    def justify(self, reason: str) -> Review | None:
        """Give a reason."""
        return self.attempt(lambda: self.programmer.justify(reason))

    @precondition(in_contact)
    @rule()
    def discard(self) -> None:
        """Cancel."""
        self.attempt(self.programmer.discard)

    @rule(review=reviews)
    def update(self, review: Review | None) -> None:
        """Confirm any review, the present one or an old one."""
        if review is None:
            return
        if review is self.programmer.current_review:
            self.confirmed.append(review.prescription)
        self.command(Commit, lambda: self.programmer.update(review))

    @rule(step=PROGRAMS, reason=st.sampled_from(["", "because"]), fault=FAULTS, prepared=st.booleans())
    def program(self, step: tuple[str, int], reason: str, fault: Fault | None, prepared: bool) -> None:
        """Go the whole way at once, the commit with or without a fault."""
        if prepared:
            self.come_back()
        self.write_dose(*step)
        review = self.attempt(self.programmer.review)
        if reason:
            review = self.attempt(lambda: self.programmer.justify(reason)) or review
        self.pump.faults = [(Commit, fault)] if fault else []
        self.update(review)

    # --- dosing ---

    @rule(dose=BOLUSES, reason=REASONS, fault=FAULTS, prepared=st.booleans())
    def bolus(self, dose: str, reason: str, fault: Fault | None, prepared: bool) -> None:
        """Give a bolus, with or without a fault."""
        if prepared:
            self.come_back()
            self.discard()
        self.pump.faults = [(ClinicianBolus, fault)] if fault else []
        self.command(ClinicianBolus, lambda: self.programmer.bolus(f"{dose} ng", "10 min", reason))

    @rule(fault=FAULTS)
    def stop(self, fault: Fault | None) -> None:
        """Stop, which is refused by nothing but the absence of a session; with or without a fault."""
        self.pump.faults = [(Stop, fault)] if fault else []
        possible = self.programmer.state is not Phase.DISCONNECTED
        require(self.programmer.may("stop") is possible, "a stop is not possible in every session")
        self.command(Stop, self.programmer.stop)

    @precondition(in_contact)
    @rule()
    def attend_to_alarms(self) -> None:
        """Acknowledge an alarm: not while something is unresolved."""
        unresolved = bool(self.programmer.unresolved)
        result = self.attempt(lambda: self.programmer.acknowledge(AlarmCode.RESET))
        require(not (unresolved and result is not None), "something changes while a result is unknown")

    @rule()
    def resolve(self) -> None:
        """Resolve what is unknown: done if and only if it was executed."""
        for unknown in self.programmer.unresolved:
            executed = (unknown.session, unknown.counter) in self.pump.executions
            result = self.attempt(lambda unknown=unknown: self.programmer.resolve(unknown))  # type: ignore[misc]
            if result is not None:
                require(
                    isinstance(result, Done if executed else NotDone),
                    "an unknown result is resolved wrongly",
                )
                self.effort.reached[f"resolved {type(result).__name__}"] += 1

    # --- judging ---

    def attempt(self, step: Callable[[], Answer]) -> Answer | None:
        """Take a step that may be refused."""
        try:
            return step()
        except REFUSALS:
            return None

    def command(self, kind: type[Message], step: Callable[[], Result]) -> None:
        """Give a command and hold its result against what the pump did."""
        before = len(self.pump.executed)
        unresolved = self.programmer.unresolved
        try:
            result: Result | None = step()
        except REFUSALS:
            result = None
        done = [message for message in self.pump.executed[before:] if isinstance(message, kind)]
        require(len(self.pump.executed) - before == len(done), "another command is carried out than was given")
        require(kind is Stop or not (unresolved and done), "a command is carried out while a result is unknown")
        left = [unknown for unknown in unresolved if not isinstance(unknown.command, Stop)]
        require(set(left) <= set(self.programmer.unresolved), "an unknown result is forgotten")
        if isinstance(result, Done):
            require(len(done) == 1, "a command that is said to be done was not")
        elif isinstance(result, Unknown):
            require(len(done) <= 1, "a command is carried out twice")
            require(result in self.programmer.unresolved, "an unknown result is not remembered")
        else:
            require(done == [], "a command that is said not to be done was")

    @invariant()
    def every_command_is_executed_once(self) -> None:
        """No request has two effects."""
        require(
            len(set(self.pump.executions)) == len(self.pump.executions),
            "one request has two effects",
        )

    @invariant()
    def the_pumps_prescription_is_within_every_limit(self) -> None:
        """Nothing above a hard limit arrives, and nothing above a soft one without a reason."""
        held = self.pump.prescription
        if not held.drugs:
            return
        (drug,) = held.drugs
        strength, grant = drug.concentration.value, held.patient_bolus
        day = (held.rate.value + grant.count_24h * grant.volume.value) * strength
        bolus = grant.volume.value * strength
        require(strength <= 20, "a concentration above the hard limit arrives")
        require(day <= HARD_24H, "a daily dose above the hard limit arrives")
        require(bolus <= 10_000, "a patient bolus above the hard limit arrives")
        require(drug.limit_1h.value <= HARD_1H, "a limit above the library's arrives")
        require(day <= drug.limit_24h.value <= HARD_24H, "a dose above its own limit arrives")
        require(
            held.mode is Mode.STOPPED or 48_000 <= held.rate.value <= 24_000_000,
            "a rate that the pump cannot deliver arrives",
        )
        require(held.library == LIBRARY.digest, "a prescription of another library arrives")
        if strength > 10 or day > 240_000 or bolus > 5_000:
            require(held.override_reason == "because", "a soft limit is passed without a reason")

    @invariant()
    def every_bolus_is_within_every_limit(self) -> None:
        """The same holds for each bolus that arrives, by the concentration that the pump holds then."""
        new, self.judged = self.pump.executed[self.judged :], len(self.pump.executed)
        for message in new:
            reason = getattr(message, "override_reason", "") or (
                isinstance(message, Commit) and self.pump.prescription.override_reason
            )
            self.effort.reached[type(message).__name__] += 1
            self.effort.reached[f"{type(message).__name__} with reason"] += bool(reason)
            if isinstance(message, ClinicianBolus):
                mass = message.volume.value * self.pump.prescription.drugs[0].concentration.value
                require(mass <= 10_000, "a bolus above the hard limit arrives")
                require(
                    message.override_reason == "because" or (message.override_reason == "" and mass <= 5_000),
                    "a bolus passes its soft limit without a reason",
                )

    @invariant()
    def what_runs_is_what_was_confirmed(self) -> None:
        """The pump's prescription is one that the clinician confirmed while it was on the screen."""
        require(self.pump.prescription in self.confirmed, "the pump holds what nobody confirmed")


PREMISES = (
    "Commit",
    "Commit with reason",
    "ClinicianBolus",
    "ClinicianBolus with reason",
    "Stop",
    "arrived late",
    "resolved Done",
    "resolved NotDone",
)


def any_sequence(effort: Effort) -> None:
    """Let Hypothesis write what the clinician does."""
    kind = seeded(effort.seed)(type("AnyClinic", (Clinic,), {"effort": effort}))
    run_state_machine_as_test(kind, settings=effort.settings(stateful_step_count=40))
