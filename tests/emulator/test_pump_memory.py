"""Damaged memory: found before it is used or covered, and never a reason for more drug."""

from __future__ import annotations

import pytest

from emulator.firmware.damage import LOST_COUNT
from emulator.firmware.guard import FULL_PG
from emulator.firmware.pump import HEARTBEAT_MS, SCRUB_MS
from emulator.hardware.line import filled
from emulator.hardware.nonvolatile import SEQUENCE
from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    EnterRefill,
    Interrogate,
    Message,
    PatientBolus,
    Prime,
    Refused,
    SelfTest,
    SelfTestReport,
    SetWallClock,
    Start,
    Stop,
    TherapyReport,
)
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres
from protocol.vocabulary import AlarmCode, AlarmStatus, Mode, Reason, Section, TherapyState
from tests.emulator.worlds import (
    A_BOLUS,
    CONTENTS_NL,
    FLUID,
    LOCKOUT_MS,
    MORPHINE,
    PROFILE,
    Bare,
    drug,
    granted,
    infusing,
    prescription,
    press,
    ready,
)


@pytest.mark.verifies("FLT-03", "FLT-04")
def test_damage_is_found_before_the_next_stroke() -> None:
    """A flipped bit is alarmed within a minute and, if a stroke comes first, before that stroke moves."""
    bare = infusing(700_000)
    bare.advance(HOUR_MS + 1_000)
    strokes = len(bare.strokes)
    bare.chip.flip(bare.chip.newest_place("ledgers"), 100)
    due = bare.pump.due_ms
    assert due is not None
    assert due - bare.now < SCRUB_MS
    bare.advance(due - bare.now)
    assert bare.alarm(AlarmCode.MEMORY) is not None
    assert len(bare.strokes) == strokes
    assert bare.rate == 6_000


@pytest.mark.verifies("FLT-11")
@pytest.mark.parametrize("rate", [48_000, 700_000, 800_000])
@pytest.mark.parametrize("section", ["therapy", "ledgers", "metering", "identity", "alarms", SEQUENCE])
def test_damage_never_hangs_the_pump(section: str, rate: int) -> None:
    """Whatever section is damaged, with a stroke due at any time, the pump goes on and ends at a lower flow."""
    bare = infusing(rate)
    bare.advance(HOUR_MS + 999)
    bare.chip.flip(bare.chip.newest_place(section), 7)
    bare.advance(3 * DAY_MS)
    assert bare.alarm(AlarmCode.MEMORY) is not None
    assert bare.rate <= 6_000
    assert isinstance(bare.ask(Stop()), Accepted)


WRITING: list[Message] = [
    SetWallClock(5),
    Stop(),
    EnterRefill(Nanolitres(0), Nanolitres(CONTENTS_NL)),
    PatientBolus(),
    SelfTest(),
    A_BOLUS,
]


@pytest.mark.parametrize("place", [f"{name}@{page}" for name in ("ledgers", "therapy") for page in (0, 1)])
@pytest.mark.parametrize("message", WRITING, ids=lambda message: type(message).__name__)
def test_writing_does_not_cover_damage(message: Message, place: str) -> None:
    """A command that writes memory right after a bit has flipped finds it first, on either page, and alarms."""
    bare = ready()
    bare.chip.flip(place, 11)
    bare.ask(message)
    bare.ask(message)
    assert bare.alarm(AlarmCode.MEMORY) is not None
    assert bare.rate <= 6_000


def test_the_end_of_a_bolus_does_not_cover_damage() -> None:
    """A bolus that ends by itself right after a bit has flipped is no chance to overlook it."""
    bare = ready()
    press(bare)
    bare.advance((bare.pump.therapy.bolus_end_in() or 0) - 1)
    bare.chip.flip(f"therapy@{0 if bare.chip.newest_place('therapy').endswith('1') else 1}", 11)
    bare.advance(1)
    assert bare.alarm(AlarmCode.MEMORY) is not None


@pytest.mark.verifies("FLT-04")
def test_a_lost_ledger_allows_no_drug_for_a_day() -> None:
    """After damage to the ledgers nothing is granted until the longest window has gone by, whatever is prescribed."""
    bare = infusing()
    bare.advance(DAY_MS)
    bare.chip.flip(bare.chip.newest_place("ledgers"), 5)
    bare.advance(SCRUB_MS)
    strokes = len(bare.strokes)
    assert isinstance(bare.prescribe(prescription()), Refused)
    bare.advance(DAY_MS)
    assert len(bare.strokes) == strokes
    bare.advance(HOUR_MS)
    assert isinstance(bare.prescribe(prescription()), Accepted)


def destroyed(bare: Bare, *sections: str) -> None:
    """Damage sections on both pages while there is no power, and start again."""
    bare.pump.save()
    for section in sections:
        for page in (0, 1):
            bare.chip.flip(f"{section}@{page}", 9)
    bare.power_up()


def acknowledge_all(bare: Bare) -> None:
    """Acknowledge every alarm; the cause of each is gone."""
    for alarm in bare.pump.panel.raised:
        assert isinstance(bare.ask(AcknowledgeAlarm(alarm.code)), Accepted), alarm


SECTIONS = ("identity", "ledgers", "metering", "therapy", "alarms")


@pytest.mark.parametrize("first", SECTIONS)
@pytest.mark.parametrize("second", SECTIONS)
def test_two_lost_sections_leave_no_more_room_than_before(first: str, second: str) -> None:
    """With two sections lost for good the pump starts, alarms, answers, stops, and grants no more than was left."""
    bare = infusing(300_000, drugs=[drug(limit_24h=9_000_000_000)])
    bare.advance(DAY_MS)
    counted = bare.pump.ledgers[0].outlet.day.total
    destroyed(bare, *{first, second})
    assert bare.alarm(AlarmCode.MEMORY) is not None
    assert bare.rate <= 6_000
    for section in Section:
        bare.ask(Interrogate(section)).pack()
    assert isinstance(bare.ask(Stop()), Accepted)
    bare.ask(EnterRefill(Nanolitres(0), Nanolitres(CONTENTS_NL)))
    bare.prescribe(prescription(300_000, [drug(limit_24h=9_000_000_000)]))
    held = {entry.code: entry.outlet.day.total for entry in bare.pump.ledgers}
    assert bare.rate == 0 or held[MORPHINE] >= counted
    if "ledgers" in (first, second) and bare.pump.library is not None:
        assert held[MORPHINE] >= FULL_PG


@pytest.mark.verifies("BOL-16")
def test_a_lost_bolus_history_counts_as_used_up() -> None:
    """When nobody knows which boluses were granted, none is granted for a day, whatever is prescribed."""
    bare = ready()
    destroyed(bare, "therapy")
    bare.prescribe(prescription(grant=granted(500, lockout_ms=5 * MINUTE_MS, count=255)))
    for code in (AlarmCode.MEMORY, AlarmCode.RESET):
        bare.ask(AcknowledgeAlarm(code))
    bare.ask(Start())
    bare.advance(LOCKOUT_MS + DAY_MS // 2)
    assert press(bare) is Reason.COUNT_LIMIT
    bare.advance(DAY_MS // 2)
    assert press(bare) is None


@pytest.mark.verifies("FLT-03", "DOSE-01")
def test_an_unreadable_line_is_taken_for_the_strongest_it_may_hold() -> None:
    """If nothing tells where the old fluid ends, all of the line counts as the stronger of old and new."""
    weaker = prescription(100_000, [drug(concentration=1_000)])
    bare = infusing(100_000)
    bare.prescribe(weaker)
    bare.advance(HOUR_MS)
    assert len(bare.pump.line) == 2
    destroyed(bare, "metering")
    assert bare.pump.line == filled(PROFILE.line_nl, FLUID)
    bare.ask(EnterRefill(Nanolitres(0), Nanolitres(CONTENTS_NL)))
    bare.prescribe(weaker)
    acknowledge_all(bare)
    bare.ask(Start())
    bare.advance(7 * DAY_MS)
    destroyed(bare, "metering")
    assert bare.pump.line == filled(PROFILE.line_nl, ((MORPHINE, 1_000),)), (
        "once it has left the line it is forgotten"
    )


@pytest.mark.verifies("FLT-03", "DOSE-01")
def test_a_line_that_nothing_is_known_of_holds_all_that_the_library_lets_in() -> None:
    """With the prescription lost as well, only a clinician who has emptied the line can say what is in it."""
    bare = infusing(100_000)
    destroyed(bare, "therapy", "metering")
    library = bare.pump.library
    assert library is not None
    assert bare.pump.line == filled(
        PROFILE.line_nl, tuple((entry.code, entry.concentration.hard.value) for entry in library)
    )
    bare.ask(EnterRefill(Nanolitres(0), Nanolitres(CONTENTS_NL)))
    fast = prescription(900_000)
    for wanted, reason in ((prescription(50_000, reason=""), Reason.BRIDGE_NEEDED), (fast, Reason.HOUR_LIMIT)):
        refused = bare.prescribe(wanted)
        assert isinstance(refused, Refused)
        assert refused.reason is reason
    assert isinstance(bare.prescribe(prescription(mode=Mode.STOPPED)), Accepted)
    acknowledge_all(bare)
    emptied = Prime(PROFILE.stroke, Milliseconds(MINUTE_MS), line_emptied=True)
    assert isinstance(bare.ask(emptied), Accepted)
    assert isinstance(bare.prescribe(fast), Accepted)


def test_what_cannot_be_read_does_not_turn_time_back() -> None:
    """If the pump's own time is lost, it goes on no earlier than anything that its memory speaks of."""
    bare = infusing()
    bare.body.stalled = True
    bare.advance(30 * DAY_MS)
    bare.power_up()
    bare.advance(DAY_MS)
    sounded = bare.pump.panel.sounded_at
    for at in range(len(bare.chip.log)):
        bare.chip.log[at] = None
    destroyed(bare, "metering")
    assert bare.now >= sounded
    heard = len(bare.sounds())
    bare.advance(HOUR_MS)
    assert len(bare.sounds()) >= heard + 6


def test_a_stop_after_an_older_time_is_reported_as_just_now() -> None:
    """A pump that knows its stop but must fall back to an older time reports a stop that is not in the future."""
    bare = infusing()
    bare.advance(3 * MINUTE_MS)
    bare.pump.log.flush()
    bare.pump.course.fire("stop")
    bare.chip.write(bare.pump.state()._asdict())
    bare.chip.flip(bare.chip.newest_place("metering"), 3)
    bare.power_up()
    report = bare.ask(Interrogate(Section.THERAPY))
    assert isinstance(report, TherapyReport)
    assert report.stopped_for == Milliseconds(1), "just now, and not 0, which is no stop"
    assert bare.now == 3 * MINUTE_MS


def test_self_tests_find_what_is_wrong() -> None:
    """The self-test is all zero on a healthy pump and names a damaged memory, ledger, line and library by its bit."""

    def failed(bare: Bare) -> int:
        reply = bare.ask(SelfTest())
        assert isinstance(reply, SelfTestReport)
        return reply.failed

    bare = infusing()
    assert failed(bare) == 0
    bare.pump.library = None
    assert failed(bare) == 0b00100
    entry = bare.pump.ledgers[0]
    wrong = entry._replace(tip=entry.tip._replace(day=entry.tip.day._replace(total=7)))
    bare.pump.ledgers = (wrong,)
    assert failed(bare) == 0b01100
    bare.pump.line = bare.pump.line[:-1]
    assert failed(bare) == 0b11100


def test_an_idle_pump_forgets_a_quarter_of_an_hour_at_most() -> None:
    """A power cut after 47 h of standing still costs the timer of the stopped pump at most one heartbeat."""
    bare = infusing()
    bare.ask(Stop())
    bare.advance(47 * HOUR_MS)
    bare.power_up()
    report = bare.ask(Interrogate(Section.THERAPY))
    assert isinstance(report, TherapyReport)
    assert 47 * HOUR_MS - HEARTBEAT_MS <= report.stopped_for.value <= 47 * HOUR_MS


@pytest.mark.verifies("FLT-09")
def test_an_unreadable_identity_is_never_taken_for_a_new_pump() -> None:
    """If no page tells who the pump is, power-up still counts as a reset and the count of power-ups jumps ahead."""
    bare = infusing()
    for page in (0, 1):
        bare.chip.flip(f"identity@{page}", 1)
    bare.power_up()
    assert bare.alarm(AlarmCode.RESET) is not None
    assert bare.alarm(AlarmCode.MEMORY) is not None
    first = bare.pump.identity.power_ups
    assert first > LOST_COUNT
    for page in (0, 1):
        bare.chip.flip(f"identity@{page}", 1)
    bare.power_up()
    assert bare.pump.identity.power_ups > first


@pytest.mark.verifies("ALM-20")
def test_a_pump_that_nobody_starts_again_is_heard_after_48_h() -> None:
    """Reset, confirmed and acknowledged but never started, the minimum rate is not silent for ever."""
    bare = infusing()
    bare.power_up()
    held_since = bare.now
    bare.prescribe(prescription())
    bare.ask(AcknowledgeAlarm(AlarmCode.RESET))
    assert (bare.state, bare.pump.panel.raised) == (TherapyState.MINIMUM_RATE, ())
    bare.advance(held_since + 48 * HOUR_MS - 1 - bare.now)
    assert bare.alarm(AlarmCode.STOPPED_48H) is None
    bare.advance(1)
    assert bare.alarm(AlarmCode.STOPPED_48H) is AlarmStatus.ACTIVE
    bare.ask(Start())
    assert bare.alarm(AlarmCode.STOPPED_48H) is AlarmStatus.LATCHED
