"""Done, not done, unknown: a lost reply is never guessed at, and nothing but a stop goes on before it is resolved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from emulator.library import Library
from emulator.machine import NotAllowedError
from emulator.programmer.fate import NEVER_EXECUTED, decide
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done, NoContactError, NotDone, ProgrammerRefusal, Result, Unknown
from emulator.programmer.workflow import Phase
from protocol.errors import RemoteProtocolError
from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    CancelBolus,
    ClinicianBolus,
    CommandReport,
    Commit,
    EnterRefill,
    Interrogate,
    Message,
    PatientBolus,
    Prime,
    QueryCommand,
    SelfTest,
    SetWallClock,
    SilenceAlarms,
    Start,
    Stop,
    TherapyReport,
)
from protocol.units import Milliseconds, Nanolitres
from protocol.vocabulary import AlarmCode, Outcome, Reason, Section, TherapyState
from verify.suites.fakes import SERIAL, FakePump, Fault, infusing_pump, phase

LIBRARY = Library.shipped()

BOLUS = ClinicianBolus(Nanolitres(5_000), Milliseconds(600_000), "")


@pytest.fixture
def pump() -> FakePump:
    """Return a pump that infuses 1 mg/day of morphine."""
    return infusing_pump(LIBRARY)


@pytest.fixture
def programmer(pump: FakePump) -> Programmer:
    """Return a programmer that has interrogated the pump."""
    programmer = pump.programmer(LIBRARY)
    programmer.connect()
    programmer.interrogate()
    return programmer


def update(programmer: Programmer) -> Result:
    """Program another dose."""
    programmer.edit(programmer.draft.daily_dose("1.2 mg/day"))
    return programmer.update(programmer.review())


COMMANDS: dict[type[Message], Callable[[Programmer], Result]] = {
    ClinicianBolus: lambda programmer: programmer.bolus("0.1 mg", "10 min"),
    CancelBolus: lambda programmer: programmer.cancel_bolus(),
    PatientBolus: lambda programmer: programmer.patient_bolus(),
    Stop: lambda programmer: programmer.stop(),
    Start: lambda programmer: programmer.start(),
    EnterRefill: lambda programmer: programmer.refill("10 mL", "20 mL").result,
    SetWallClock: lambda programmer: programmer.set_clock(1_700_000_000_000),
    SilenceAlarms: lambda programmer: programmer.silence(),
    AcknowledgeAlarm: lambda programmer: programmer.acknowledge(AlarmCode.RESET),
    SelfTest: lambda programmer: programmer.self_test(),
    Prime: lambda programmer: programmer.prime(programmer.propose_prime(line_emptied=True)),
    Commit: update,
}


def test_every_command_that_changes_the_pump_is_tried_here() -> None:
    """The table above is all of them, so that none can be forgotten."""
    from protocol.messages import MESSAGES  # noqa: PLC0415 - only to count

    assert {*COMMANDS, Prime} == {message for message in MESSAGES.values() if message.CHANGES_STATE}


def times_executed(pump: FakePump, kind: type[Message]) -> int:
    """Return how often the pump carried out a kind of command."""
    return sum(isinstance(message, kind) for message in pump.executed)


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_command_that_is_answered_is_done(pump: FakePump, programmer: Programmer, kind: type[Message]) -> None:
    """With a reply there is no doubt."""
    assert isinstance(COMMANDS[kind](programmer), Done)
    assert times_executed(pump, kind) == 1
    assert programmer.unresolved == ()


@pytest.mark.verifies("COM-04", "COM-06")
@pytest.mark.parametrize("kind", COMMANDS)
@pytest.mark.parametrize("fault", [Fault.REPLY_LOST, Fault.REQUEST_LOST])
def test_a_lost_reply_is_resolved_to_what_happened(
    pump: FakePump, programmer: Programmer, kind: type[Message], fault: Fault
) -> None:
    """Reported done if and only if it was carried out, whichever way was lost, and never carried out twice."""
    pump.faults = [(kind, fault)]
    unknown = COMMANDS[kind](programmer)
    assert isinstance(unknown, Unknown)
    assert isinstance(unknown.command, kind)
    assert phase(programmer) is Phase.UNRESOLVED
    result = programmer.resolve(unknown)
    executed = times_executed(pump, kind)
    assert executed == (1 if fault is Fault.REPLY_LOST else 0)
    assert isinstance(result, Done if executed else NotDone)
    assert programmer.unresolved == ()
    pump.deliver_late()
    assert times_executed(pump, kind) == executed


@pytest.mark.verifies("COM-06")
@pytest.mark.parametrize("kind", COMMANDS)
@pytest.mark.parametrize("fault", [Fault.UNSENT, Fault.NO_SESSION])
def test_a_command_that_never_left_is_not_done(
    pump: FakePump, programmer: Programmer, kind: type[Message], fault: Fault
) -> None:
    """What was certainly not sent leaves nothing to resolve."""
    pump.faults = [(kind, fault)]
    result = COMMANDS[kind](programmer)
    assert isinstance(result, NotDone)
    assert result.refusal is None
    assert "not sent" in result.words
    assert phase(programmer) is Phase.DISCONNECTED
    assert times_executed(pump, kind) == 0


@pytest.mark.verifies("COM-06")
@pytest.mark.parametrize("kind", COMMANDS)
def test_a_refusal_whose_reply_was_lost_is_resolved_as_refused(
    pump: FakePump, programmer: Programmer, kind: type[Message]
) -> None:
    """The reason comes back with the resolution."""
    pump.faults = [(kind, Fault.REPLY_LOST)]
    pump.refusals = {kind: Reason.ALARM_RESTRICTS}
    unknown = COMMANDS[kind](programmer)
    assert isinstance(unknown, Unknown)
    result = programmer.resolve(unknown)
    assert isinstance(result, NotDone)
    assert result.refusal is not None
    assert result.refusal.reason is Reason.ALARM_RESTRICTS
    assert times_executed(pump, kind) == 0


def lose_bolus(pump: FakePump, programmer: Programmer, fault: Fault = Fault.REPLY_LOST) -> Unknown:
    """Give a bolus whose fate becomes unknown."""
    pump.faults = [(ClinicianBolus, fault)]
    unknown = programmer.bolus("0.1 mg", "10 min")
    assert isinstance(unknown, Unknown)
    return unknown


def test_an_unknown_names_its_command(pump: FakePump, programmer: Programmer) -> None:
    """Pump, session and counter are those of the lost request."""
    session = pump.session
    unknown = lose_bolus(pump, programmer)
    assert (unknown.command, unknown.serial, unknown.session) == (BOLUS, SERIAL, session)
    assert unknown.counter == pump.last_counter
    assert "unknown" in unknown.words


@pytest.mark.verifies("COM-04", "COM-12")
@pytest.mark.parametrize("kind", [kind for kind in COMMANDS if kind is not Stop])
def test_while_a_result_is_unknown_only_a_stop_changes_the_pump(
    pump: FakePump, programmer: Programmer, kind: type[Message]
) -> None:
    """Retrying a bolus or anything else is refused until the first one is resolved."""
    unknown = lose_bolus(pump, programmer)
    before = len(pump.executed)
    with pytest.raises(NotAllowedError):
        COMMANDS[kind](programmer)
    with pytest.raises(NotAllowedError):
        programmer.close()
    assert len(pump.executed) == before
    assert isinstance(programmer.stop(), Done)
    assert phase(programmer) is Phase.UNRESOLVED
    assert isinstance(programmer.resolve(unknown), Done)
    assert phase(programmer) is Phase.CONNECTED


def test_a_bolus_on_its_way_cannot_overtake_the_stop_after_it(pump: FakePump, programmer: Programmer) -> None:
    """The stop goes through a new session, which the late bolus does not belong to."""
    unknown = lose_bolus(pump, programmer, Fault.REQUEST_LOST)
    lost_in = pump.session
    assert isinstance(programmer.stop(), Done)
    assert pump.session != lost_in
    pump.deliver_late()
    assert times_executed(pump, ClinicianBolus) == 0
    assert programmer.resolve(unknown) == NotDone(None, NEVER_EXECUTED)


@pytest.mark.verifies("COM-07")
def test_the_stop_does_not_erase_what_the_pump_remembers_of_the_bolus(pump: FakePump, programmer: Programmer) -> None:
    """A stop in the lost command's own session would be the last command there; in a new one it is not."""
    unknown = lose_bolus(pump, programmer)
    programmer.stop()
    assert isinstance(programmer.resolve(unknown), Done)
    assert times_executed(pump, ClinicianBolus) == 1


@pytest.mark.verifies("COM-12", "MODE-15")
def test_a_lost_stop_may_be_repeated_until_one_is_done(pump: FakePump, programmer: Programmer) -> None:
    """Stopping twice is stopping; when one is done the earlier ones are settled."""
    pump.faults = [(Stop, Fault.REQUEST_LOST), (Stop, Fault.REPLY_LOST)]
    assert isinstance(programmer.stop(), Unknown)
    assert isinstance(programmer.stop(), Unknown)
    counts = [len(programmer.unresolved)]
    assert isinstance(programmer.stop(), Done)
    counts.append(len(programmer.unresolved))
    assert counts == [2, 0]
    assert phase(programmer) is Phase.CONNECTED
    assert pump.state is TherapyState.STOPPED


@pytest.mark.verifies("COM-07")
def test_a_done_stop_settles_no_bolus(pump: FakePump, programmer: Programmer) -> None:
    """Only other stops are settled by a stop."""
    unknown = lose_bolus(pump, programmer)
    pump.faults = [(Stop, Fault.REPLY_LOST)]
    programmer.stop()
    assert isinstance(programmer.stop(), Done)
    assert programmer.unresolved == (unknown,)


@pytest.mark.verifies("ALM-26")
def test_a_pump_that_is_out_of_reach_leaves_everything_as_it_is(pump: FakePump, programmer: Programmer) -> None:
    """No answer to the question is no answer to the doubt; it can be asked again."""
    unknown = lose_bolus(pump, programmer)
    pump.silent = True
    with pytest.raises(NoContactError):
        programmer.resolve(unknown)
    stopped = programmer.stop()
    assert isinstance(stopped, NotDone)
    assert "not sent" in stopped.words
    with pytest.raises(NoContactError):
        programmer.connect()
    with pytest.raises(NoContactError):
        programmer.interrogate()
    assert programmer.unresolved == (unknown,)
    assert phase(programmer) is Phase.UNRESOLVED
    pump.silent = False
    pump.faults = [(QueryCommand, Fault.REPLY_LOST)]
    with pytest.raises(NoContactError):
        programmer.resolve(unknown)
    assert isinstance(programmer.resolve(unknown), Done)


def test_connecting_again_does_not_make_the_doubt_forgotten(pump: FakePump, programmer: Programmer) -> None:
    """A new session, a hang-up and a new interrogation leave the result unknown."""
    unknown = lose_bolus(pump, programmer)
    programmer.connect()
    programmer.interrogate()
    programmer.hang_up()
    programmer.connect()
    assert phase(programmer) is Phase.UNRESOLVED
    with pytest.raises(NotAllowedError):
        programmer.bolus("0.1 mg", "10 min")
    assert isinstance(programmer.resolve(unknown), Done)


def test_a_doubt_can_be_handed_to_another_programmer(pump: FakePump, programmer: Programmer) -> None:
    """A programmer that died in between is replaced by one that begins with its unresolved results."""
    unknown = lose_bolus(pump, programmer)
    successor = Programmer(pump.dial, LIBRARY, unresolved=programmer.unresolved)
    successor.connect()
    assert phase(successor) is Phase.UNRESOLVED
    assert isinstance(successor.resolve(unknown), Done)
    assert phase(successor) is Phase.CONNECTED


def test_a_forgotten_session_stays_unknown_until_somebody_has_looked(pump: FakePump, programmer: Programmer) -> None:
    """Nobody guesses: going on needs the pump's denial and then an interrogation, in this order."""
    unknown = lose_bolus(pump, programmer)
    pump.remembered.clear()
    programmer.interrogate()
    with pytest.raises(NotAllowedError):
        programmer.accept_unknown(unknown)
    result = programmer.resolve(unknown)
    assert isinstance(result, Unknown)
    assert "no longer remembers" in result.words
    with pytest.raises(NotAllowedError):
        programmer.accept_unknown(unknown)
    programmer.interrogate()
    assert phase(programmer) is Phase.UNRESOLVED
    programmer.accept_unknown(unknown)
    assert programmer.unresolved == ()
    assert phase(programmer) is Phase.CONNECTED
    assert any("never found out" in note and "ClinicianBolus" in note for note in programmer.close().notes)


def test_only_what_is_unresolved_can_be_resolved(pump: FakePump, programmer: Programmer) -> None:
    """A stranger's or a settled unknown is refused."""
    unknown = lose_bolus(pump, programmer)
    stranger = replace(unknown, counter=unknown.counter + 1)
    for step in (programmer.resolve, programmer.accept_unknown):
        with pytest.raises(ProgrammerRefusal):
            step(stranger)
    programmer.resolve(unknown)
    with pytest.raises(ProgrammerRefusal):
        programmer.resolve(unknown)


def test_an_interrupt_while_waiting_leaves_the_command_unknown(pump: FakePump, programmer: Programmer) -> None:
    """Breaking off is not the same as not having asked."""
    pump.faults = [(ClinicianBolus, Fault.INTERRUPTED)]
    with pytest.raises(KeyboardInterrupt):
        programmer.bolus("0.1 mg", "10 min")
    assert phase(programmer) is Phase.UNRESOLVED
    (unknown,) = programmer.unresolved
    assert isinstance(programmer.resolve(unknown), Done)


def test_an_interrupted_commit_is_unknown_too(pump: FakePump, programmer: Programmer) -> None:
    """Breaking off in the middle of an update leaves its commit to be resolved and then verified."""
    pump.faults = [(Commit, Fault.INTERRUPTED)]
    with pytest.raises(KeyboardInterrupt):
        update(programmer)
    (unknown,) = programmer.unresolved
    assert isinstance(programmer.resolve(unknown), Done)
    assert phase(programmer) is Phase.UPDATED
    assert programmer.verify().agrees


def test_an_interrupted_reading_leaves_nothing_to_resolve(pump: FakePump, programmer: Programmer) -> None:
    """What changes nothing can be broken off and asked again."""
    pump.faults = [(Interrogate, Fault.INTERRUPTED)]
    with pytest.raises(KeyboardInterrupt):
        programmer.interrogate()
    assert programmer.unresolved == ()
    assert programmer.interrogate().identity.serial == SERIAL


def test_an_answer_that_is_none_leaves_the_command_unknown(pump: FakePump, programmer: Programmer) -> None:
    """A sealed reply of the wrong kind proves nothing about the command."""
    pump.tamper = lambda reply: (
        CommandReport(True, 0, 0, Outcome.NONE, 0, Milliseconds(0)) if isinstance(reply, Accepted) else reply
    )
    unknown = programmer.bolus("0.1 mg", "10 min")
    assert isinstance(unknown, Unknown)
    assert "CommandReport" in unknown.words
    assert phase(programmer) is Phase.UNRESOLVED


def test_an_interrogation_with_a_wrong_report_is_no_view(pump: FakePump, programmer: Programmer) -> None:
    """A section that is answered with another one is not taken for it."""
    pump.tamper = lambda reply: (
        Accepted(TherapyState.STOPPED, pump.prescription.rate) if isinstance(reply, TherapyReport) else reply
    )
    with pytest.raises(NoContactError, match="therapy"):
        programmer.interrogate()


@pytest.mark.parametrize("fault", [Fault.UNSENT, Fault.NO_SESSION, Fault.REQUEST_LOST, Fault.REPLY_LOST])
def test_a_reading_without_an_answer_ends_the_session(pump: FakePump, programmer: Programmer, fault: Fault) -> None:
    """No view is better than an old one taken for new."""
    pump.faults = [(Interrogate, fault)]
    with pytest.raises(NoContactError):
        programmer.interrogate()
    assert phase(programmer) is Phase.DISCONNECTED
    with pytest.raises(NotAllowedError):
        programmer.bolus("0.1 mg", "10 min")
    programmer.connect()
    assert programmer.view is None


def test_the_programmer_stays_with_its_pump(pump: FakePump, programmer: Programmer) -> None:
    """Another pump on the line is not taken for the first one."""
    lose_bolus(pump, programmer)
    pump.serial = "TH-0002"
    with pytest.raises(NoContactError, match="TH-0002"):
        programmer.connect()


def test_a_wrong_key_is_said_as_such(pump: FakePump) -> None:
    """A pump that does not accept the key is no contact, with the cause."""
    from protocol.conversation import PeerRejected  # noqa: PLC0415 - used only here

    def refuse() -> None:
        raise PeerRejected("the pump's proof is wrong")

    conversation = pump.dial()
    conversation.connect = refuse  # type: ignore[assignment, method-assign]
    programmer = Programmer(lambda: conversation, LIBRARY)
    with pytest.raises(NoContactError, match="key"):
        programmer.connect()
    assert phase(programmer) is Phase.DISCONNECTED


# --- the decision by itself ----------------------------------------------------------------------------------

UNKNOWN = Unknown(BOLUS, SERIAL, b"12345678", 7)


def report(  # one keyword for each field that a test turns
    known: bool = True,
    counter: int = 7,
    command: int = ClinicianBolus.TYPE,
    outcome: Outcome = Outcome.ACCEPTED,
    reason: int = 0,
) -> CommandReport:
    """Return what a pump says about a session."""
    return CommandReport(known, counter, command, outcome, reason, Milliseconds(0))


@pytest.mark.verifies("COM-04")
@pytest.mark.parametrize(
    ("said", "decided"),
    [
        (report(), Done),
        (report(outcome=Outcome.REFUSED, reason=Reason.HOUR_LIMIT), NotDone),
        (report(counter=6), NotDone),
        (report(counter=6, outcome=Outcome.REFUSED, reason=Reason.HOUR_LIMIT), NotDone),
        (report(counter=0, command=0, outcome=Outcome.NONE), NotDone),
        (report(counter=8), Unknown),
        (report(known=False), Unknown),
        (report(known=False, counter=6), Unknown),
        (report(known=False, counter=0, command=0, outcome=Outcome.NONE), Unknown),
        (report(command=Stop.TYPE), Unknown),
        (report(outcome=Outcome.REFUSED, reason=99), Unknown),
        (report(outcome=Outcome.REFUSED, reason=0), Unknown),
    ],
)
def test_only_clear_evidence_decides(said: CommandReport, decided: type[Result]) -> None:
    """Every answer that could mean two things leaves it unknown."""
    assert isinstance(decide(UNKNOWN, said, SERIAL, LIBRARY), decided)


def test_evidence_about_another_pump_or_of_another_kind_decides_nothing() -> None:
    """The serial number must be the lost command's, and the answer a report."""
    assert isinstance(decide(UNKNOWN, report(), "TH-0002", LIBRARY), Unknown)
    assert isinstance(decide(UNKNOWN, Interrogate(Section.THERAPY), SERIAL, LIBRARY), Unknown)


def test_an_earlier_refusal_is_not_taken_for_this_ones() -> None:
    """If an older command was refused and this one never came, the reason is not the old one's."""
    result = decide(UNKNOWN, report(counter=6, outcome=Outcome.REFUSED, reason=Reason.HOUR_LIMIT), SERIAL, LIBRARY)
    assert result == NotDone(None, NEVER_EXECUTED)


def test_protocol_errors_are_not_swallowed_silently(pump: FakePump) -> None:
    """A conversation that cannot be opened for a broken protocol is no contact."""

    def broken() -> None:
        raise RemoteProtocolError("nonsense")

    conversation = pump.dial()
    conversation.connect = broken  # type: ignore[assignment, method-assign]
    with pytest.raises(NoContactError, match="nonsense"):
        Programmer(lambda: conversation, LIBRARY).connect()
