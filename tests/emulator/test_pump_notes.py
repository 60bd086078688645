"""What the pump writes down: its log, its last commands, its totals, and what it drops."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.firmware import guard
from emulator.hardware.line import volume_nl
from protocol.channel_events import CloseCause
from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    Close,
    Closed,
    CommandReport,
    Commit,
    Interrogate,
    LogPage,
    QueryCommand,
    ReadLog,
    Refused,
    Staged,
    StagePrescription,
    Start,
    Stop,
    TotalsReport,
)
from protocol.units import DAY_MS, HOUR_MS, Milliseconds
from protocol.vocabulary import AlarmCode, LogKind, Outcome, Reason, Role, Section, TherapyState
from tests.emulator.worlds import (
    A_BOLUS,
    CONTENTS_NL,
    HYDROMORPHONE,
    MORPHINE,
    SERIAL,
    Bare,
    drug,
    infusing,
    prescription,
    small_profile,
)


def kinds(bare: Bare) -> list[LogKind]:
    """Return the kinds of all log entries in order."""
    return [entry.kind for entry in sorted(bare.chip.log_entries(), key=lambda entry: entry.sequence)]


@pytest.mark.verifies("LOG-01", "LOG-09")
def test_the_log_tells_what_was_done_in_order() -> None:
    """Each command leaves its effects and then itself in the log, and all of it survives a power loss."""
    bare = infusing()
    bare.ask(Stop())
    bare.power_up()
    session = [LogKind.POWER_UP, LogKind.SELF_TEST, LogKind.SESSION_OPENED]
    commands = [LogKind.STATE, LogKind.PRESCRIPTION, LogKind.COMMAND, LogKind.STATE, LogKind.COMMAND]
    after = [LogKind.POWER_UP, LogKind.STATE, LogKind.SELF_TEST, LogKind.ALARM_RAISED, LogKind.SESSION_OPENED]
    assert kinds(bare) == [*session, *commands, *after]


@pytest.mark.verifies("COM-14")
def test_log_numbers_never_repeat() -> None:
    """Across power losses every entry has a number of its own, one after the other."""
    bare = infusing()
    for _ in range(5):
        bare.ask(Stop())
        bare.power_up()
    numbers = [entry.sequence for entry in bare.chip.log_entries()]
    assert sorted(numbers) == list(range(len(numbers)))


def test_the_log_is_read_page_by_page() -> None:
    """Asking from a number on gives the entries from there, as many as fit, and where the log begins and ends."""
    bare = infusing()
    for _ in range(20):
        bare.ask(Stop())
    page = bare.ask(ReadLog(11))
    assert isinstance(page, LogPage)
    assert [entry.sequence for entry in page.entries] == list(range(11, 20))
    assert (page.oldest, page.next) == (0, len(bare.chip.log_entries()))
    assert isinstance(bare.ask(ReadLog((1 << 32) - 1)), LogPage)


@pytest.mark.verifies("COM-07")
def test_the_last_command_of_a_session_is_remembered() -> None:
    """A query names the last state-changing command of a session and what became of it, refused ones included."""
    bare = infusing()
    bare.ask(Stop())
    bare.ask(A_BOLUS)
    bare.ask(Interrogate(Section.THERAPY))
    report = bare.ask(QueryCommand(bare.session))
    assert report == CommandReport(True, 4, A_BOLUS.TYPE, Outcome.REFUSED, Reason.WRONG_STATE, Milliseconds(0))
    unknown = bare.ask(QueryCommand(bytes(8)))
    assert isinstance(unknown, CommandReport)
    assert not unknown.known


def test_sessions_are_forgotten_oldest_first_and_patients_do_not_crowd_out_clinicians() -> None:
    """However many sessions a patient's controller opens, the clinician's last four are still remembered."""
    bare = Bare()
    for number in range(10):
        bare.commands.session_opened(bytes([1, number]) * 4, Role.CLINICIAN)
    for number in range(50):
        bare.commands.session_opened(bytes([2, number]) * 4, Role.PATIENT)
    remembered = [each.session[:2] for each in bare.pump.record.commands]
    assert remembered == [bytes([1, number]) for number in range(6, 10)] + [
        bytes([2, number]) for number in range(46, 50)
    ]


@pytest.mark.verifies("PRG-15")
def test_a_new_session_drops_what_was_staged() -> None:
    """What one session staged another cannot commit, nor the same one after it was closed."""
    ends: list[Callable[[Bare], object]] = [
        lambda bare: bare.commands.session_opened(b"another!", Role.CLINICIAN),
        lambda bare: bare.commands.session_closed(Role.CLINICIAN, CloseCause.ASKED),
        lambda bare: bare.ask(StagePrescription(prescription(1))),
        Bare.power_up,
    ]
    for end in ends:
        bare = Bare()
        staged = bare.ask(StagePrescription(prescription()))
        end(bare)
        assert isinstance(staged, Staged)
        reply = bare.ask(Commit(staged.digest))
        assert isinstance(reply, Refused)
        assert reply.reason is Reason.NOTHING_STAGED


@pytest.mark.verifies("PRG-18")
def test_a_stopped_pump_is_closed_only_knowingly() -> None:
    """Closing a session on a pump that does not flow is refused until that is acknowledged."""
    bare = infusing()
    assert isinstance(bare.ask(Close(False)), Closed)
    bare.ask(Stop())
    assert isinstance(bare.ask(Close(False)), Refused)
    assert isinstance(bare.ask(Close(True)), Closed)


@pytest.mark.verifies("DOSE-14", "LOG-11", "RES-05")
def test_the_totals_are_what_moved() -> None:
    """Volume, strokes and mass by drug are those of the body, and the ledgers' sums are shown beside them."""
    bare = infusing(drugs=[drug(MORPHINE, 4_000), drug(HYDROMORPHONE, 2_000)])
    bare.advance(DAY_MS)
    report = bare.ask(Interrogate(Section.TOTALS))
    assert isinstance(report, TotalsReport)
    assert (report.volume.value, report.strokes) == (100_000, 200) == (500 * bare.body.strokes, bare.body.strokes)
    assert [(each.code, each.delivered.value) for each in report.drugs] == [(1, 400_000_000), (2, 200_000_000)]
    assert report.drugs[0].outlet_24h.value == 400_000_000
    assert report.drugs[0].tip_24h.value == bare.tip_pg() == 2_000_000_000


def test_many_changes_of_drug_keep_every_count_and_stay_bounded() -> None:
    """Five drugs after five others: all that are counted keep one ledger each, and a day later they go."""
    bare = Bare(profile=small_profile(tubing=500, catheter=500), line_fluid=())
    for codes in ((1, 2, 3, 4, 5), (4, 5, 6, 7, 8), (1, 2, 3, 6, 7), (8,)):
        assert isinstance(bare.prescribe(prescription(48_000, [drug(code, 2) for code in codes])), Accepted)
        bare.advance(HOUR_MS)
        held = [entry.code for entry in bare.pump.ledgers]
        assert len(held) == len(set(held)) <= 8
        assert held[: len(codes)] == list(codes)
    assert sorted(held) == list(range(1, 9))
    for entry in bare.pump.ledgers:
        assert entry.tip.day.total == bare.tip_pg(entry.code)
    bare.advance(2 * DAY_MS)
    bare.prescribe(prescription(48_000, [drug(8, 2)]))
    assert [entry.code for entry in bare.pump.ledgers] == [8]
    assert volume_nl(bare.pump.line) == 1_000


@pytest.mark.verifies("RES-11")
def test_a_reservoir_that_is_empty_before_it_is_computed_to_be_moves_nothing() -> None:
    """A truly empty reservoir leaves the rotor turning and nothing moving; the computation does not see it."""
    bare = infusing()
    bare.body.refill(1_200, bare.body.fluid)
    bare.advance(DAY_MS)
    assert [stroke.volume_nl for stroke in bare.strokes] == [500, 500, 200]
    assert bare.pump.reservoir_nl == CONTENTS_NL - 200 * 500
    assert bare.pump.panel.raised == ()


@pytest.mark.verifies("RES-11")
def test_a_reservoir_found_empty_at_the_stroke_moves_nothing() -> None:
    """A stroke that the computed reservoir does not hold is not made, and the pump stops with its alarm."""
    bare = infusing()
    bare.pump.reservoir_nl = 499
    bare.advance(HOUR_MS)
    assert bare.strokes == []
    assert (bare.state, bare.pump.reservoir_nl) == (TherapyState.STOPPED, 499)
    assert bare.alarm(AlarmCode.RESERVOIR_EMPTY) is not None


@pytest.mark.verifies("DOSE-09")
def test_a_start_is_planned_like_a_prescription() -> None:
    """A start that would pass a limit, because mass was counted since, is refused with that limit."""
    bare = infusing()
    bare.ask(Stop())
    limit = bare.pump.ledgers[0].tip.limit_1h
    full = guard.observe(bare.pump.ledgers[0].tip, limit)
    bare.pump.ledgers = (bare.pump.ledgers[0]._replace(tip=full),)
    reply = bare.ask(Start())
    assert isinstance(reply, Refused)
    assert (reply.reason, reply.limit.value) == (Reason.HOUR_LIMIT, limit)
    bare.advance(2 * HOUR_MS)
    assert isinstance(bare.ask(Start()), Accepted)


@pytest.mark.verifies("PRG-11")
def test_a_commit_names_what_it_commits() -> None:
    """A commit with the digest of anything else is refused, and what was staged is dropped."""
    bare = infusing()
    other = bare.ask(StagePrescription(prescription(150_000)))
    staged = bare.ask(StagePrescription(prescription(200_000)))
    assert isinstance(other, Staged)
    assert isinstance(staged, Staged)
    for digest, reason in ((other.digest, Reason.DIGEST_MISMATCH), (staged.digest, Reason.NOTHING_STAGED)):
        reply = bare.ask(Commit(digest))
        assert isinstance(reply, Refused)
        assert reply.reason is reason
    assert bare.rate == 100_000


@pytest.mark.verifies("BOL-04")
def test_no_limit_is_given_back_by_a_guard_alarm_and_a_stop() -> None:
    """A refused stroke is an alarm; stopping ends its cause, and a start under the limit flows without another."""
    bare = infusing()
    bare.pump.ledgers = ()
    bare.advance(HOUR_MS)
    assert bare.alarm(AlarmCode.DOSE_LIMIT) is not None
    assert bare.strokes == []
    bare.ask(Stop())
    assert isinstance(bare.ask(AcknowledgeAlarm(AlarmCode.DOSE_LIMIT)), Accepted)
    assert isinstance(bare.ask(Start()), Accepted)
    assert bare.alarm(AlarmCode.DOSE_LIMIT) is None
    assert bare.rate == 100_000


def test_the_identity_is_the_one_given() -> None:
    """The serial number reported is the one that the pump was made with."""
    report = Bare().ask(Interrogate(Section.IDENTITY))
    assert getattr(report, "serial", None) == SERIAL
