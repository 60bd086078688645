"""What the pump says of its boluses, against what moved: to the nanolitre by time, to the stroke by the drive."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from emulator.journal import Event
from protocol.messages import CancelBolus, ClinicianBolus, PatientBolus, PatientBolusGrant, Prime, Schedule, Step
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay
from protocol.vocabulary import Mode, Role
from tests.verify.forging import forged
from verify.judge import judge_lines
from verify.story import RATE, STROKE_NL, Story
from verify.verdict import Claim, Finding
from verify.world import World

CLINICIAN_NL, PATIENT_NL, PRIME_NL = 20_000, 5_000, 30_000
GRANT = PatientBolusGrant(Nanolitres(PATIENT_NL), Milliseconds(7 * MINUTE_MS), Milliseconds(5 * MINUTE_MS), 4)


def bolus(world: World, volume_nl: int, minutes: int) -> None:
    """Give a clinician's bolus."""
    asked = ClinicianBolus(Nanolitres(volume_nl), Milliseconds(minutes * MINUTE_MS), "an experiment")
    assert world.talk(Role.CLINICIAN, asked)


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """Return the journal of a real pump: a bolus set aside for a patient's, both for a prime, and one cut off."""
    world = World(1)
    world.program(world.prescription(100_000, patient_bolus=GRANT))
    world.bench.advance(HOUR_MS)
    bolus(world, CLINICIAN_NL, 60)
    world.bench.advance(10 * MINUTE_MS + 1_234)
    world.talk(Role.PATIENT, PatientBolus())
    world.bench.advance(2 * MINUTE_MS)
    world.bench.empty_line()
    world.talk(Role.CLINICIAN, Prime(Nanolitres(PRIME_NL), Milliseconds(11 * MINUTE_MS), line_emptied=True))
    world.bench.advance(2 * HOUR_MS)
    bolus(world, CLINICIAN_NL, 60)
    world.bench.advance(20 * MINUTE_MS + 321)
    world.talk(Role.CLINICIAN, CancelBolus())
    world.bench.advance(HOUR_MS)
    assert world.verdict().holds
    return world.journal.lines


def told(lines: list[str]) -> list[Finding]:
    """Return what is found about boluses as told."""
    return [finding for finding in judge_lines(lines).findings if finding.claim is Claim.BOLUS]


def test_a_real_pump_says_what_moved(lines: list[str]) -> None:
    """Four boluses, set aside, cut off or whole, and nothing that is said of them is wrong."""
    occurrences = judge_lines(lines).figures.occurrences
    ends = {name: count for name, count in occurrences.items() if name.endswith(" ended")}
    assert ends == {"pump.bolus clinician ended": 2, "pump.bolus patient ended": 1, "pump.bolus prime ended": 1}
    assert told(lines) == []


@pytest.mark.parametrize("profile", ["peristaltic", "valve"])
def test_nothing_is_wrong_beneath_a_schedule(profile: str) -> None:
    """Steps that come before, during and between the parts of boluses and primes are no lie about any of them."""
    rates = [NanolitresPerDay(400_000 + 50_000 * (number % 3)) for number in range(9)]
    steps = tuple(Step(0, Milliseconds(20 * number * MINUTE_MS), rate) for number, rate in enumerate(rates))
    schedule = Schedule(Milliseconds(0), bytes(7), steps)
    world = World(2, profile=profile)
    world.bench.empty_line()
    world.program(world.prescription(0, mode=Mode.FLEX, schedule=schedule, patient_bolus=GRANT), schedule)
    prime = Prime(Nanolitres(2_000), Milliseconds(11 * MINUTE_MS), line_emptied=True)
    for wait_ms in (3 * MINUTE_MS, 14 * MINUTE_MS, 19 * MINUTE_MS + 59_900, 20 * MINUTE_MS):
        bolus(world, CLINICIAN_NL, 30)
        world.bench.advance(wait_ms)
        world.talk(Role.PATIENT, PatientBolus())
        world.bench.advance(3 * MINUTE_MS)
        world.talk(Role.CLINICIAN, prime)
        world.bench.advance(20 * MINUTE_MS)
    world.bench.advance(HOUR_MS)
    verdict = world.verdict()
    assert verdict.figures.occurrences["pump.bolus prime ended"] > 1
    assert Claim.BOLUS not in verdict.broken()


def each(whose: str, end: str, **changes: Any) -> Callable[[Event], Event]:
    """Return what changes the events of one kind of bolus: set values, or functions of the old ones."""

    def change(event: Event) -> Event:
        if event.kind == "pump.bolus" and (event.data["kind"], event.data["what"]) == (whose, end):
            for key, value in changes.items():
                event.data[key] = value(event.data[key]) if callable(value) else value
        return event

    return change


def both(*changes: Callable[[Event], Event]) -> Callable[[Event], Event]:
    """Return several changes as one."""

    def change(event: Event) -> Event:
        for one in changes:
            event = one(event)
        return event

    return change


@pytest.mark.parametrize("kind", ["clinician", "patient", "prime"])
@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("ended", {"volume_nl": 2_000}),
        ("ended", {"not_delivered_nl": lambda rest: rest + 1}),
        ("ended", {"not_delivered_nl": 1 << 40}),
        ("ended", {"not_delivered_nl": -1}),
        ("ended", {"kind": "nobody"}),
        ("started", {"volume_nl": lambda volume: 2 * volume}),
        ("started", {"duration_ms": lambda duration: 2 * duration}),
    ],
)
def test_one_lie_about_a_bolus_is_found(lines: list[str], kind: str, what: str, changes: dict[str, Any]) -> None:
    """Volume, duration and remainder, changed at either end and chained anew, contradict what moved."""
    assert told(forged(lines, each(kind, what, **changes)))


@pytest.mark.parametrize("kind", ["clinician", "patient", "prime"])
def test_a_lie_that_is_told_twice_is_found(lines: list[str], kind: str) -> None:
    """A bolus of twice the volume, said at its beginning and at its end, is not what the rate was raised for."""
    twice: dict[str, Any] = {"volume_nl": lambda volume: 2 * volume}
    assert told(forged(lines, both(each(kind, "started", **twice), each(kind, "ended", **twice))))


@pytest.mark.parametrize("what", ["started", "ended"])
@pytest.mark.parametrize("kind", ["clinician", "patient", "prime"])
def test_a_bolus_without_its_beginning_or_its_end_is_found(lines: list[str], kind: str, what: str) -> None:
    """Neither may be left out of the journal."""

    def change(event: Event) -> Event | None:
        gone = event.kind == "pump.bolus" and (event.data["kind"], event.data["what"]) == (kind, what)
        return None if gone else event

    assert told(forged(lines, change))


def test_an_end_that_is_said_twice_is_found() -> None:
    """Without a loss of power in between, no bolus ends that has not begun."""
    story = Story().prescribe().infuse(0, HOUR_MS).tell(HOUR_MS, "pump.bolus", what="ended", kind="clinician")
    assert told(story.journal.lines)


def given(story: Story, *, strokes: int, rest_nl: int = 0) -> Story:
    """Tell of a bolus of 10 strokes in 10 minutes, on a flow of none, that took so many strokes."""
    rate = 10 * STROKE_NL * 144
    story.state(HOUR_MS, "priming", rate)
    story.tell(HOUR_MS, "pump.bolus", what="started", kind="prime", volume_nl=10 * STROKE_NL)
    story.strokes([HOUR_MS + each * MINUTE_MS for each in range(1, strokes + 1)], tip_pg=0)
    end_ms = HOUR_MS + 10 * MINUTE_MS
    story.tell(end_ms, "pump.bolus", what="ended", kind="prime", volume_nl=10 * STROKE_NL, not_delivered_nl=rest_nl)
    return story.state(end_ms, "stopped", 0)


def stopped() -> Story:
    """Return a pump that is programmed and stopped."""
    return Story().prescribe().state(0, "stopped", 0)


@pytest.mark.parametrize(("strokes", "right"), [(8, False), (9, True), (10, True), (11, True), (12, False)])
def test_what_moved_is_what_is_said_to_one_stroke(strokes: int, right: bool) -> None:
    """A stroke may have been saved up before a bolus, or be left for after it; two may not."""
    assert (told(given(stopped(), strokes=strokes).journal.lines) == []) == right


def test_where_a_fault_was_there_less_may_have_moved() -> None:
    """A stall excuses what did not move, as it does everywhere, but not a volume that was never asked for."""
    stalled = stopped().tell(0, "fault.injected", fault="motor_stall", settings={})
    assert told(given(stalled, strokes=2).journal.lines) == []
    stalled = stopped().tell(0, "fault.injected", fault="motor_stall", settings={})
    assert told(given(stalled, strokes=2, rest_nl=11 * STROKE_NL).journal.lines)


def test_a_loss_of_power_leaves_what_the_pump_knows_in_doubt() -> None:
    """What ended just before may end once more afterwards; what had begun may be forgotten; nothing else may."""
    story = given(stopped(), strokes=10)
    at_ms = HOUR_MS + 10 * MINUTE_MS
    story.tell(at_ms, "power.cut").tell(at_ms + 1, "power.restored")
    again = {"kind": "prime", "what": "ended", "volume_nl": 10 * STROKE_NL}
    story.tell(at_ms + 1, "pump.bolus", **again, not_delivered_nl=500).state(at_ms + 1, "stopped", 0)
    assert told(story.journal.lines) == []
    twice = deepcopy(story).tell(at_ms + 2, "pump.bolus", **again)
    assert told(twice.journal.lines)
    for cut_ms, right in ((at_ms + 1, True), (at_ms + 2, False)):  # what was kept a while ago does not end again
        later = deepcopy(story).tell(cut_ms, "power.cut").tell(at_ms + 3, "power.restored")
        assert (told(later.tell(at_ms + 3, "pump.bolus", **again).journal.lines) == []) is right


def test_a_state_without_its_bolus_is_found() -> None:
    """A pump that infuses a bolus says so."""
    story = Story().prescribe().infuse(0, HOUR_MS).state(HOUR_MS, "clinician_bolus", 2 * RATE)
    assert told(story.tell(DAY_MS, "bench.end").journal.lines)
