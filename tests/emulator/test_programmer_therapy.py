"""Boluses, refills, alarms, the log, and the close that does not leave a stopped pump behind unsaid."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.library import Library
from emulator.machine import NotAllowedError
from emulator.programmer.closing import infusing
from emulator.programmer.findings import LimitPassedError
from emulator.programmer.programmer import Programmer
from emulator.programmer.refill import check_residual, last_fill
from emulator.programmer.results import Done, NoContactError, NotDone, ProgrammerRefusal, Unknown
from emulator.programmer.workflow import Phase
from protocol.messages import (
    AcknowledgeAlarm,
    AlarmEntry,
    ClinicianBolus,
    Close,
    Closed,
    EnterRefill,
    Interrogate,
    LogEntry,
    LogPage,
    Message,
    PatientBolus,
    PrescriptionReport,
    ReadLog,
    SelfTestReport,
    SetWallClock,
    TherapyReport,
)
from protocol.units import Milliseconds, Nanolitres, NanolitresPerDay, QuantityError
from protocol.vocabulary import AlarmCode, AlarmStatus, LogKind, Mode, Priority, Reason, TherapyState
from verify.suites.fakes import FakePump, Fault, infusing_pump, phase

LIBRARY = Library.shipped()
ML = 1_000_000


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


# --- boluses -------------------------------------------------------------------------------------------------


def test_a_bolus_is_sent_as_an_exact_volume(pump: FakePump, programmer: Programmer) -> None:
    """0.1 mg at 20 mg/mL is 5 microlitres, and the unit says which of the two was typed."""
    for amount in ("0.1 mg", "100 ug", "100 µg", "5 uL", "5 µL", "0.005 mL"):
        assert isinstance(programmer.bolus(amount, "10 min"), Done)
    assert pump.executed == [ClinicianBolus(Nanolitres(5_000), Milliseconds(600_000), "")] * 6


@pytest.mark.verifies("PRG-20")
@pytest.mark.parametrize(
    ("amount", "duration"),
    [
        ("0.1", "10 min"),
        ("0.1 mg", "10"),
        ("0.1 mg/day", "10 min"),
        ("0.1 mL/day", "10 min"),
        (".1 mg", "10 min"),
        ("0.10001 mg", "10 min"),
        ("0.1 l", "10 min"),
        ("0.1 min", "10 mg"),
    ],
)
def test_a_bolus_without_units_or_that_does_not_divide_is_not_sent(
    pump: FakePump, programmer: Programmer, amount: str, duration: str
) -> None:
    """Nothing is guessed and nothing is rounded."""
    with pytest.raises(QuantityError):
        programmer.bolus(amount, duration)
    assert pump.executed == []


@pytest.mark.verifies("DOSE-05")
def test_the_limits_of_a_bolus(pump: FakePump, programmer: Programmer) -> None:
    """At the soft limit no reason is needed, up to the hard one it is, and beyond nothing helps."""
    assert isinstance(programmer.bolus("0.5 mg", "1 h"), Done)
    with pytest.raises(LimitPassedError, match="soft limit"):
        programmer.bolus("0.50002 mg", "1 h")
    with pytest.raises(LimitPassedError, match="soft limit"):
        programmer.bolus("0.50002 mg", "1 h", "  ")
    assert isinstance(programmer.bolus("1 mg", "1 h", " tolerant "), Done)
    with pytest.raises(LimitPassedError, match="hard limit"):
        programmer.bolus("1.00002 mg", "1 h", "tolerant")
    assert [message.override_reason for message in pump.executed if isinstance(message, ClinicianBolus)] == [
        "",
        "tolerant",
    ]


def test_every_drug_of_a_mixture_is_judged(pump: FakePump) -> None:
    """A bolus of the primary drug carries the other one along."""
    other = replace(pump.prescription.drugs[0], code=7)
    pump.prescription = replace(pump.prescription, drugs=(*pump.prescription.drugs, other))
    programmer = pump.programmer(LIBRARY)
    programmer.connect()
    programmer.interrogate()
    with pytest.raises(LimitPassedError, match="ziconotide bolus"):
        programmer.bolus("0.1 mg", "10 min")


def test_a_bolus_needs_an_interrogated_pump_with_a_prescription() -> None:
    """Without a known concentration a dose is no volume."""
    pump = FakePump(LIBRARY)
    programmer = pump.programmer(LIBRARY)
    programmer.connect()
    with pytest.raises(NotAllowedError):
        programmer.bolus("0.1 mg", "10 min")
    programmer.interrogate()
    with pytest.raises(ProgrammerRefusal, match="No prescription"):
        programmer.bolus("0.1 mg", "10 min")


def test_a_reason_too_long_for_the_wire_is_refused(pump: FakePump, programmer: Programmer) -> None:
    """The refusal is the programmer's, nothing was sent, and the session goes on."""
    with pytest.raises(ProgrammerRefusal, match="override_reason"):
        programmer.bolus("1 mg", "1 h", "x" * 41)
    assert phase(programmer) is Phase.READY
    assert pump.executed == []


def test_the_patients_button_needs_no_interrogation(pump: FakePump) -> None:
    """A patient's controller connects and presses; the pump's refusal comes back in words."""
    controller = pump.programmer(LIBRARY)
    controller.connect()
    assert isinstance(controller.patient_bolus(), Done)
    pump.refusals[PatientBolus] = Reason.LOCKOUT
    denied = controller.patient_bolus()
    assert isinstance(denied, NotDone)
    assert "lockout" in denied.words


# --- refill --------------------------------------------------------------------------------------------------


def log_of_fills(*fills: int) -> tuple[LogEntry, ...]:
    """Return a log with other entries around the refills."""
    entries = [LogEntry(0, Milliseconds(0), LogKind.POWER_UP, 0, 1)]
    for fill in fills:
        entries += [
            LogEntry(len(entries), Milliseconds(0), LogKind.REFILL, 0, fill),
            LogEntry(len(entries) + 1, Milliseconds(0), LogKind.SELF_TEST, 0, 0),
        ]
    return tuple(entries)


@pytest.mark.verifies("RES-09")
def test_a_refill_is_compared_with_the_last_one_and_entered(pump: FakePump, programmer: Programmer) -> None:
    """10.5 mL delivered where 10 were reckoned since the last of two refills is within accuracy."""
    pump.log = log_of_fills(5 * ML, 20 * ML)
    pump.computed = Nanolitres(10 * ML)
    refill = programmer.refill("9.5 mL", "20 mL")
    assert isinstance(refill.result, Done)
    assert (refill.residual.ratio_permille, refill.residual.flagged) == (1050, False)
    assert pump.executed == [EnterRefill(Nanolitres(9_500_000), Nanolitres(20 * ML))]


@pytest.mark.verifies("RES-07")
def test_a_mismatch_is_said_at_the_refill_and_at_the_close(pump: FakePump, programmer: Programmer) -> None:
    """An over-infusing pump is found by the syringe, and nobody leaves without having heard of it."""
    pump.log = log_of_fills(20 * ML)
    refill = programmer.refill("7 mL", "20 mL")
    assert refill.residual.flagged
    assert "over-infusion" in refill.residual.words
    assert isinstance(refill.result, Done)
    closing = programmer.close()
    assert isinstance(closing.result, Done)
    assert refill.residual.words in closing.notes
    programmer.connect()
    assert programmer.close().notes == ()


@pytest.mark.verifies("RES-09")
@pytest.mark.parametrize(
    ("residual", "contents"), [("2", "20 mL"), ("2 mL", "20"), ("2 mL", "20.000001 mL"), ("20.000001 mL", "20 mL")]
)
def test_a_refill_that_cannot_be_is_not_entered(
    pump: FakePump, programmer: Programmer, residual: str, contents: str
) -> None:
    """No unit, more than the reservoir holds, or more drawn out than it holds: nothing is sent."""
    with pytest.raises((QuantityError, ProgrammerRefusal)):
        programmer.refill(residual, contents)
    assert pump.executed == []


@pytest.mark.verifies("DOSE-12", "RES-07")
@pytest.mark.parametrize(
    ("delivered", "flagged"),
    [(8_549_999, True), (8_550_000, False), (10_000_000, False), (11_450_000, False), (11_450_001, True)],
)
def test_the_ratio_is_flagged_outside_its_accuracy(delivered: int, flagged: bool) -> None:
    """Of 10 mL reckoned, 8.55 to 11.45 delivered is within 14.5 %, boundaries included."""
    capacity = Nanolitres(40 * ML)  # a twentieth is 2 mL, so that only the ratio decides
    check = check_residual(Nanolitres(20 * ML - delivered), Nanolitres(10 * ML), capacity, Nanolitres(20 * ML))
    assert check.flagged is flagged


@pytest.mark.verifies("RES-07")
@pytest.mark.parametrize(("difference", "flagged"), [(ML, False), (ML + 1, True)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_large_difference_is_flagged_without_a_known_fill(difference: int, flagged: bool, sign: int) -> None:
    """More than a twentieth of the reservoir is worth acting on even if the last refill is not in the log."""
    measured = Nanolitres(5 * ML + sign * difference)
    check = check_residual(measured, Nanolitres(5 * ML), Nanolitres(20 * ML), None)
    assert (check.flagged, check.ratio_permille) == (flagged, None)
    if flagged:
        assert ("Too much" in check.words) is (sign > 0)


def test_a_difference_that_a_syringe_can_be_misread_by_is_no_finding() -> None:
    """0.1 mL is not flagged however little was delivered; one nanolitre more is."""
    reckoned, filled, capacity = Nanolitres(19_900_000), Nanolitres(20 * ML), Nanolitres(20 * ML)
    assert not check_residual(Nanolitres(19_800_000), reckoned, capacity, filled).flagged
    assert check_residual(Nanolitres(19_799_999), reckoned, capacity, filled).flagged


@given(measured=st.integers(0, 20 * ML), computed=st.integers(0, 20 * ML), filled=st.integers(0, 20 * ML))
def test_the_ratio_is_of_what_was_delivered(measured: int, computed: int, filled: int) -> None:
    """The ratio is delivered over reckoned in thousandths, exact and never from a division by zero."""
    check = check_residual(Nanolitres(measured), Nanolitres(computed), Nanolitres(20 * ML), Nanolitres(filled))
    if filled <= computed:
        assert check.ratio_permille is None
    else:
        delivered, reckoned = max(filled - measured, 0), filled - computed
        assert check.ratio_permille == 1000 * delivered // reckoned
        outside = 200 * delivered < 171 * reckoned or 200 * delivered > 229 * reckoned
        beyond_reading = abs(measured - computed) > 100_000
        assert check.flagged is (beyond_reading and (outside or abs(measured - computed) > ML))


def test_the_last_fill_is_the_last_refill_in_the_log() -> None:
    """Later refills replace earlier ones; a log without one has none."""
    assert last_fill(log_of_fills(5 * ML, 18 * ML)) == Nanolitres(18 * ML)
    assert last_fill(log_of_fills()) is None


# --- the log -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 8, 9, 10, 18, 19])
def test_every_page_of_the_log_is_read_once(pump: FakePump, programmer: Programmer, count: int) -> None:
    """All entries come, in order, none twice, from the oldest kept or from where it was asked."""
    log = tuple(LogEntry(100 + number, Milliseconds(number), LogKind.POWER_UP, 0, 0) for number in range(count))
    pump.log = log
    assert programmer.read_log() == log
    assert programmer.read_log(105) == tuple(entry for entry in log if entry.sequence >= 105)


def test_a_log_that_does_not_advance_is_not_read_for_ever(pump: FakePump, programmer: Programmer) -> None:
    """A pump that repeats a page ends the reading."""
    stuck = LogPage(0, 50, (LogEntry(3, Milliseconds(0), LogKind.POWER_UP, 0, 0),))
    pump.tamper = lambda reply: stuck if isinstance(reply, LogPage) else reply
    assert len(programmer.read_log()) == 2


def test_a_log_that_may_not_be_read_says_so(pump: FakePump, programmer: Programmer) -> None:
    """A refusal is put into words, a wrong answer is none."""
    pump.refusals[ReadLog] = Reason.NOT_PERMITTED
    with pytest.raises(ProgrammerRefusal, match="role"):
        programmer.read_log()
    pump.refusals.clear()
    pump.tamper = lambda reply: Closed() if isinstance(reply, LogPage) else reply
    with pytest.raises(NoContactError, match="log"):
        programmer.read_log()


# --- upkeep --------------------------------------------------------------------------------------------------


def test_upkeep_is_possible_while_a_draft_is_written(pump: FakePump, programmer: Programmer) -> None:
    """Alarms and clock do not wait for the prescription, and do not touch it."""
    programmer.edit(programmer.draft.daily_dose("1.2 mg/day"))
    review = programmer.review()
    assert programmer.self_test() == Done(SelfTestReport(0))
    for result in (programmer.silence(), programmer.acknowledge(AlarmCode.RESET), programmer.set_clock(5)):
        assert isinstance(result, Done)
    assert pump.executed[-2:] == [AcknowledgeAlarm(AlarmCode.RESET), SetWallClock(5)]
    assert programmer.current_review is review
    assert isinstance(programmer.update(review), Done)


# --- closing -------------------------------------------------------------------------------------------------


def test_a_healthy_pump_is_closed_without_a_word(pump: FakePump, programmer: Programmer) -> None:
    """There is nothing to say, and the session is over."""
    closing = programmer.close()
    assert closing == (type(closing))(Done(Closed()), ())
    assert phase(programmer) is Phase.DISCONNECTED
    with pytest.raises(NotAllowedError):
        programmer.interrogate()


@pytest.mark.verifies("PRG-18")
def test_a_stopped_pump_is_not_left_without_acknowledgement(pump: FakePump, programmer: Programmer) -> None:
    """Closing on a stop is refused, the pump is not even asked, until somebody says that it is meant."""
    programmer.stop()
    closing = programmer.close()
    assert isinstance(closing.result, NotDone)
    assert "THE PUMP IS STOPPED, NO DRUG IS DELIVERED." in closing.notes
    assert phase(programmer) is Phase.READY
    assert not any(isinstance(message, Close) for message in pump.requests)
    acknowledged = programmer.close(stopped_acknowledged=True)
    assert isinstance(acknowledged.result, Done)
    assert acknowledged.notes == closing.notes
    assert Close(True) in pump.requests


def test_the_stop_is_found_even_if_nobody_interrogated(pump: FakePump) -> None:
    """The close looks for itself: an old view, or none, does not count."""
    programmer = pump.programmer(LIBRARY)
    programmer.connect()
    pump.state = TherapyState.STOPPED
    assert isinstance(programmer.close().result, NotDone)


@pytest.mark.verifies("PRG-18")
def test_the_pumps_own_refusal_to_close_is_reported(pump: FakePump, programmer: Programmer) -> None:
    """If the pump stops between the look and the close, its refusal stands."""
    pump.refusals[Close] = Reason.STOPPED
    closing = programmer.close()
    assert isinstance(closing.result, NotDone)
    assert phase(programmer) is Phase.READY


@pytest.mark.parametrize(
    ("state", "mode", "rate", "stopped_for", "fine"),
    [
        (TherapyState.SIMPLE_CONTINUOUS, Mode.SIMPLE_CONTINUOUS, 50_000, 0, True),
        (TherapyState.CLINICIAN_BOLUS, Mode.SIMPLE_CONTINUOUS, 60_000, 0, True),
        (TherapyState.PATIENT_BOLUS, Mode.MINIMUM_RATE, 60_000, 0, True),
        (TherapyState.FLEX, Mode.FLEX, 60_000, 0, True),
        (TherapyState.BRIDGE, Mode.FLEX, 60_000, 0, True),
        (TherapyState.PRIMING, Mode.SIMPLE_CONTINUOUS, 60_000, 0, True),
        (TherapyState.PRIMING, Mode.SIMPLE_CONTINUOUS, 60_000, 1, False),
        (TherapyState.MINIMUM_RATE, Mode.MINIMUM_RATE, 6_000, 0, True),
        (TherapyState.MINIMUM_RATE, Mode.SIMPLE_CONTINUOUS, 6_000, 0, False),
        (TherapyState.MINIMUM_RATE, Mode.FLEX, 6_000, 0, False),
        (TherapyState.SIMPLE_CONTINUOUS, Mode.SIMPLE_CONTINUOUS, 0, 0, False),
        (TherapyState.STOPPED, Mode.STOPPED, 0, 0, False),
        (TherapyState.UNPROGRAMMED, Mode.STOPPED, 0, 0, False),
    ],
)
def test_what_counts_as_infusing(state: TherapyState, mode: Mode, rate: int, stopped_for: int, fine: bool) -> None:
    """A pump held at the minimum rate by an alarm, or at no rate, is not infusing what is prescribed."""
    prescription = replace(infusing_pump(LIBRARY).prescription, mode=mode)
    none, never = Nanolitres(0), Milliseconds(0)
    flow = NanolitresPerDay(rate)
    therapy = TherapyReport(never, 0, state, flow, none, none, never, 0, 0, Milliseconds(stopped_for), none, none)
    assert infusing(PrescriptionReport(True, bytes(16), prescription), therapy) is fine


def test_every_concern_is_said_at_the_close(pump: FakePump, programmer: Programmer) -> None:
    """Unconfirmed prescription and raised alarms are listed, the pump's order kept."""
    pump.confirmed = False
    pump.alarms = (
        AlarmEntry(AlarmCode.MOTOR_STALL, Priority.CRITICAL, AlarmStatus.ACTIVE, Milliseconds(5)),
        AlarmEntry(AlarmCode.RESERVOIR_LOW, Priority.NON_CRITICAL, AlarmStatus.LATCHED, Milliseconds(1)),
    )
    notes = programmer.close().notes
    assert len(notes) == 3
    assert "confirmed" in notes[0]
    assert notes[1].startswith("CRITICAL: The motor does not turn")
    assert "acknowledge" in notes[2]


def test_an_open_draft_is_not_closed_over(programmer: Programmer) -> None:
    """Closing with a half-entered prescription is refused; after discarding it is not."""
    programmer.edit(programmer.draft.daily_dose("1.2 mg/day"))
    with pytest.raises(NotAllowedError):
        programmer.close()
    programmer.discard()
    assert isinstance(programmer.close().result, Done)


@pytest.mark.verifies("ALM-26")
def test_a_lost_reply_to_the_close_says_that_nobody_knows(pump: FakePump, programmer: Programmer) -> None:
    """The session is over on this side; whether the pump closed it is unknown, and nothing has to be resolved."""
    pump.faults = [(Close, Fault.REPLY_LOST)]
    closing = programmer.close()
    assert isinstance(closing.result, Unknown)
    assert programmer.unresolved == ()
    assert phase(programmer) is Phase.DISCONNECTED


@pytest.mark.verifies("ALM-26")
def test_a_pump_that_falls_silent_before_the_close_is_no_good_end(pump: FakePump, programmer: Programmer) -> None:
    """The last look gets no answer, and that is said."""
    pump.faults = [(Interrogate, Fault.REQUEST_LOST)]
    with pytest.raises(NoContactError):
        programmer.close()


def test_hanging_up_says_nothing_to_the_pump(pump: FakePump, programmer: Programmer) -> None:
    """A session that is cut leaves the pump as it was."""
    before: list[Message] = list(pump.requests)
    programmer.hang_up()
    assert pump.requests == before
    assert phase(programmer) is Phase.DISCONNECTED
