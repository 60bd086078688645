"""Alarms, both ways: each cause brings its alarm by its deadline, and no alarm comes without a cause."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest

from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from protocol.vocabulary import AlarmCode
from verify.causes import all_causes
from verify.deadlines import load_deadlines
from verify.story import MASS_PG, PERIOD_MS, RATE, STROKE_NL, Story, healthy
from verify.verdict import Claim

FULL_NL = 20_000_000


def stalled(at_ms: int, *, state: str = "simple_continuous", rate: int = RATE) -> Story:
    """Return a story of a motor that stalls at an instant while it is told to move."""
    story = healthy(1).state(DAY_MS, state, rate)
    return story.tell(at_ms, "fault.injected", fault="motor_stall")


def low(at_ms: int) -> Story:
    """Return a story that has just reached the low threshold."""
    story = Story().prescribe(low_reservoir=1_999_500).tell(0, "pump.refill", computed=2_000_000)
    return story.strokes([at_ms])


def run_away(at_ms: int) -> Story:
    """Return a story of a drive that moves one stroke by itself."""
    story = healthy(1).tell(at_ms, "fault.injected", fault="drive_runaway")
    story.journal.stroke(at_ms, STROKE_NL, {1: MASS_PG}, {1: MASS_PG}, unasked=True)
    return story


def aborted(at_ms: int) -> Story:
    """Return a story of a clinician who stops the pump and is cut off."""
    story = healthy(1).tell(at_ms, "session.opened", role="clinician").state(at_ms, "stopped", 0)
    return story.tell(at_ms, "session.closed", role="clinician", cause="idle")


def strangers(at_ms: int) -> Story:
    """Return a story of somebody who tries four wrong proofs."""
    story = healthy(1)
    for _ in range(4):
        story.tell(at_ms, "wire.rejected", what="bad proof")
    return story


CAUSES: dict[str, tuple[Callable[[], Story], int, int]] = {
    "dose_limit": (lambda: healthy(1).tell(DAY_MS, "guard.refused"), DAY_MS, 1_000),
    "motor_stall": (lambda: stalled(DAY_MS), DAY_MS, 20 * MINUTE_MS),
    "reservoir_low": (lambda: low(PERIOD_MS), PERIOD_MS, HOUR_MS),
    "reservoir_empty": (
        lambda: Story().prescribe(low_reservoir=0).tell(0, "pump.refill", computed=999).strokes([PERIOD_MS]),
        PERIOD_MS,
        MINUTE_MS,
    ),
    "reset": (
        lambda: healthy(1).tell(DAY_MS, "power.cut").tell(2 * DAY_MS, "power.restored"),
        2 * DAY_MS,
        MINUTE_MS,
    ),
    "memory": (lambda: healthy(1).tell(DAY_MS, "fault.injected", fault="memory"), DAY_MS, MINUTE_MS),
    "unrequested_delivery": (lambda: run_away(DAY_MS), DAY_MS, 1_000),
    "free_flow": (
        lambda: Story(drive="valve").prescribe().infuse(0, DAY_MS).tell(DAY_MS, "fault.injected", fault="valve_open"),
        DAY_MS,
        MINUTE_MS,
    ),
    "eri": (lambda: healthy(1).tell(DAY_MS, "battery.level", level="eri"), DAY_MS, 24 * HOUR_MS),
    "eos": (lambda: healthy(1).tell(DAY_MS, "battery.level", level="eos"), DAY_MS, MINUTE_MS),
    "clock": (
        lambda: healthy(1).tell(DAY_MS, "fault.injected", fault="clock", settings={"how": "stands"}),
        DAY_MS,
        MINUTE_MS,
    ),
    "annunciator": (lambda: healthy(1).tell(DAY_MS, "fault.injected", fault="annunciator"), DAY_MS, 24 * HOUR_MS),
    "telemetry_timeout": (lambda: healthy(1).tell(DAY_MS, "telemetry.held"), DAY_MS, 5 * MINUTE_MS),
    "session_aborted": (lambda: aborted(DAY_MS), DAY_MS, 5 * MINUTE_MS),
    "intrusion": (lambda: strangers(DAY_MS), DAY_MS, MINUTE_MS),
    "stopped_48h": (lambda: healthy(1).state(DAY_MS, "stopped", 0), DAY_MS, 48 * HOUR_MS),
}
"""For each alarm a story that has just caused it, when it did so, and the deadline in our own words once more."""


def test_every_alarm_of_the_pump_is_judged() -> None:
    """No alarm code is without a deadline and a cause here, so that a new alarm cannot go unjudged."""
    names = {code.name.lower() for code in AlarmCode}
    assert names == set(load_deadlines().alarms) == set(all_causes()) == set(CAUSES)


@pytest.mark.parametrize("alarm", sorted(CAUSES))
def test_an_alarm_at_its_deadline_is_in_time_and_later_is_late(alarm: str) -> None:
    """A cause may last exactly its deadline without its alarm, and not a millisecond longer."""
    cause, at_ms, within_ms = CAUSES[alarm]
    priority = load_deadlines().alarms[alarm].priority
    in_time = cause().raised(at_ms + within_ms, alarm, priority).verdict()
    assert in_time.broken().isdisjoint({Claim.LATE_ALARM, Claim.FALSE_ALARM, Claim.PRIORITY})
    late = cause().raised(at_ms + within_ms + 1, alarm, priority).verdict()
    (finding,) = [finding for finding in late.findings if finding.claim is Claim.LATE_ALARM]
    assert (finding.at_ms, finding.allowed) == (at_ms + within_ms, within_ms)
    assert alarm in finding.words


@pytest.mark.parametrize("alarm", sorted(CAUSES))
def test_an_alarm_that_never_comes_is_found_at_the_end(alarm: str) -> None:
    """A journal that simply ends after the deadline without the alarm is a violation."""
    cause, at_ms, within_ms = CAUSES[alarm]
    assert Claim.LATE_ALARM in cause().verdict(at_ms + within_ms + 1).broken()
    assert Claim.LATE_ALARM not in cause().verdict(at_ms + within_ms).broken()


@pytest.mark.parametrize("alarm", sorted(CAUSES))
def test_an_alarm_without_a_cause_is_found(alarm: str) -> None:
    """No alarm sounds in a healthy pump."""
    priority = load_deadlines().alarms[alarm].priority
    story = healthy(1).tell(DAY_MS, "pump.refill", computed=FULL_NL).raised(DAY_MS, alarm, priority)
    assert story.verdict().broken() == {Claim.FALSE_ALARM}


@pytest.mark.parametrize("alarm", sorted(CAUSES))
def test_an_alarm_with_another_priority_is_found(alarm: str) -> None:
    """An alarm has the priority of its hazard and no other."""
    cause, at_ms, _ = CAUSES[alarm]
    wrong = {"critical": "non_critical", "non_critical": "critical"}[load_deadlines().alarms[alarm].priority]
    assert Claim.PRIORITY in cause().raised(at_ms, alarm, wrong).verdict().broken()


@pytest.mark.parametrize("alarm", sorted(set(CAUSES) - {"dose_limit", "unrequested_delivery", "intrusion"}))
def test_an_alarm_cleared_with_its_cause_still_there_is_found(alarm: str) -> None:
    """An alarm stays until its cause is gone; clearing it before is a violation of its own."""
    cause, at_ms, _ = CAUSES[alarm]
    priority = load_deadlines().alarms[alarm].priority
    story = cause().raised(at_ms, alarm, priority).tell(at_ms + 1, "alarm.cleared", alarm=alarm)
    assert Claim.UNLATCHED in story.verdict().broken()


def test_an_alarm_cleared_after_its_cause_is_gone_is_in_order() -> None:
    """A stall that is over may be acknowledged, and its deadline starts afresh with the next stall."""
    story = stalled(DAY_MS).raised(DAY_MS + 1, "motor_stall")
    story.tell(DAY_MS + 2, "fault.cleared", fault="motor_stall").tell(
        DAY_MS + 3, "alarm.cleared", alarm="motor_stall"
    )
    story.tell(DAY_MS + 4, "fault.injected", fault="motor_stall")
    story.raised(DAY_MS + 4 + 20 * MINUTE_MS, "motor_stall")
    assert story.verdict().holds


def test_a_stall_at_the_minimum_rate_has_a_day() -> None:
    """At the minimum rate strokes are hours apart, so a stall may take up to 24 h to be noticed."""
    story = stalled(DAY_MS, state="minimum_rate", rate=6_000)
    assert story.verdict(2 * DAY_MS).holds
    story = stalled(DAY_MS, state="minimum_rate", rate=6_000)
    assert story.verdict(2 * DAY_MS + 1).broken() == {Claim.LATE_ALARM}


def test_a_stall_counts_only_while_the_motor_is_told_to_move() -> None:
    """Nobody can notice a stall of a stopped pump; the time counts on when it is started again."""
    story = stalled(DAY_MS).state(DAY_MS + 19 * MINUTE_MS, "stopped", 0)
    story.state(DAY_MS + 10 * HOUR_MS, "simple_continuous", RATE)
    assert Claim.LATE_ALARM not in story.verdict(DAY_MS + 10 * HOUR_MS + MINUTE_MS).broken()
    assert Claim.LATE_ALARM in story.verdict(DAY_MS + 10 * HOUR_MS + MINUTE_MS + 1).broken()


def test_changing_the_rate_does_not_restart_the_deadline() -> None:
    """Half the deadline at a therapy rate and half of the other at the minimum rate are one deadline together."""
    story = stalled(DAY_MS).state(DAY_MS + 10 * MINUTE_MS, "minimum_rate", 6_000)
    due_ms = DAY_MS + 10 * MINUTE_MS + 12 * HOUR_MS
    assert Claim.LATE_ALARM not in story.verdict(due_ms).broken()
    assert Claim.LATE_ALARM in story.verdict(due_ms + 1).broken()


def test_a_power_cut_costs_a_deadline_a_quarter_of_an_hour_at_most() -> None:
    """A pump may forget up to 15 min of its time at a power cut, but cannot put an alarm off for ever by them."""
    story = healthy(1).state(DAY_MS, "stopped", 0).tell(2 * DAY_MS, "power.cut").tell(2 * DAY_MS, "power.restored")
    due_ms = 3 * DAY_MS + 15 * MINUTE_MS
    late = [finding for finding in story.verdict(due_ms + 1).findings if "stopped_48h" in finding.words]
    assert [(finding.claim, finding.at_ms) for finding in late] == [(Claim.LATE_ALARM, due_ms)]


def test_no_deadline_runs_without_power() -> None:
    """A pump without power cannot raise an alarm, so the time of a power cut is not counted."""
    story = healthy(1).tell(DAY_MS, "fault.injected", fault="memory").tell(DAY_MS, "power.cut")
    story.tell(3 * DAY_MS, "power.restored").raised(3 * DAY_MS, "reset")
    assert story.raised(3 * DAY_MS + MINUTE_MS, "memory").verdict().holds


def test_a_threshold_reached_inside_a_block_of_strokes_is_dated_exactly() -> None:
    """Many strokes in one event do not hide when the reservoir became low: the deadline runs from that stroke."""
    story = Story().prescribe(low_reservoir=1_999_000).tell(0, "pump.refill", computed=2_000_000)
    story.infuse(0, DAY_MS)
    (finding,) = story.verdict().findings
    assert (finding.claim, finding.at_ms) == (Claim.LATE_ALARM, 2 * PERIOD_MS + HOUR_MS)


def test_a_refill_ends_the_cause_of_the_reservoir_alarms() -> None:
    """After an accepted refill the judge reckons from what was entered."""
    story = low(PERIOD_MS).tell(PERIOD_MS + 1, "pump.refill", computed=FULL_NL)
    assert Claim.LATE_ALARM not in story.verdict(2 * HOUR_MS).broken()


def test_a_latched_alarm_may_be_raised_again_by_a_new_occurrence() -> None:
    """A second refusal while the alarm of the first is still latched is a cause; a third alarm without one is not."""
    story = healthy(1).tell(DAY_MS, "guard.refused").raised(DAY_MS, "dose_limit")
    story.tell(DAY_MS + 1, "alarm.cause_gone", alarm="dose_limit").tell(DAY_MS + 2, "guard.refused")
    assert story.raised(DAY_MS + 2, "dose_limit").verdict().holds
    assert story.raised(DAY_MS + 3, "dose_limit").verdict().broken() == {Claim.FALSE_ALARM}


def test_an_acknowledged_moment_is_not_owed_again() -> None:
    """Once the alarm of a refusal is cleared, nothing more is due for it."""
    story = healthy(1).tell(DAY_MS, "guard.refused").raised(DAY_MS, "dose_limit").tell(DAY_MS, "guard.refused")
    story.tell(DAY_MS + 1, "alarm.cleared", alarm="dose_limit").state(DAY_MS + 1, "stopped", 0)
    assert story.verdict(DAY_MS + HOUR_MS).holds


@pytest.mark.parametrize("later_ms", [0, 1], ids=["in the same instant", "later"])
def test_an_old_alarm_may_be_cleared_when_its_cause_has_just_begun_anew(later_ms: int) -> None:
    """An alarm that is latched from an earlier stop may be acknowledged in the first minute of the next stop."""
    story = healthy(1).state(DAY_MS, "stopped", 0).raised(3 * DAY_MS, "stopped_48h")
    story.state(3 * DAY_MS + later_ms, "simple_continuous", 48_000).state(3 * DAY_MS + later_ms, "stopped", 0)
    story.tell(3 * DAY_MS + 3, "alarm.cleared", alarm="stopped_48h")
    assert Claim.UNLATCHED not in story.verdict().broken()


def test_a_stall_that_is_over_may_be_announced_until_the_motor_has_moved() -> None:
    """A pump learns that a stall is over from its next stroke; after that stroke an alarm is false."""
    story = stalled(DAY_MS).tell(DAY_MS + 1, "fault.cleared", fault="motor_stall").raised(DAY_MS + 2, "motor_stall")
    assert story.verdict().holds
    story = stalled(DAY_MS).tell(DAY_MS + 1, "fault.cleared", fault="motor_stall").strokes([DAY_MS + PERIOD_MS])
    assert story.raised(DAY_MS + PERIOD_MS, "motor_stall").verdict().broken() == {Claim.FALSE_ALARM}


def test_an_alarm_said_again_after_a_power_cut_is_not_false() -> None:
    """A pump that lost its alarms with its power may raise again what nobody cleared, and nothing else."""
    story = healthy(1).tell(DAY_MS, "guard.refused").raised(DAY_MS, "dose_limit").tell(DAY_MS + 1, "power.cut")
    story.tell(DAY_MS + 2, "power.restored").raised(DAY_MS + 2, "reset").raised(DAY_MS + 2, "dose_limit")
    assert Claim.FALSE_ALARM not in story.verdict().broken()
    story.tell(DAY_MS + 3, "alarm.cleared", alarm="dose_limit").raised(DAY_MS + 4, "dose_limit")
    assert Claim.FALSE_ALARM in story.verdict().broken()


@pytest.mark.parametrize("later_ms", [0, 1])
def test_what_was_noted_before_a_power_cut_may_be_said_when_power_is_back_and_no_later(later_ms: int) -> None:
    """Strangers that were noted just before power failed are no false alarm at once, and one any time afterwards."""
    story = strangers(DAY_MS).tell(DAY_MS, "power.cut").tell(2 * DAY_MS, "power.restored")
    story.raised(2 * DAY_MS, "reset").raised(2 * DAY_MS + later_ms, "intrusion", "non_critical")
    assert (Claim.FALSE_ALARM in story.verdict().broken()) is (later_ms > 0)


def test_what_was_noted_before_a_power_cut_need_not_be_said() -> None:
    """How far the pump had come when power failed nobody knows: strangers that it did not keep are owed nothing."""
    story = strangers(DAY_MS).tell(DAY_MS, "power.cut").tell(2 * DAY_MS, "power.restored")
    story.raised(2 * DAY_MS, "reset", sounds=False)
    assert Claim.LATE_ALARM not in story.verdict(2 * DAY_MS + HOUR_MS).broken()


def test_a_session_lost_with_the_power_is_judged_by_how_the_last_start_leaves_the_pump() -> None:
    """Power that fails again in the middle of a start leaves the session's end to the next: the alarm is due then."""
    story = healthy(1).tell(DAY_MS, "session.opened", role="clinician").tell(DAY_MS, "power.cut")
    for _ in range(3):
        story.tell(DAY_MS + 1, "power.restored").tell(DAY_MS + 1, "power.cut")
    story.tell(DAY_MS + 1, "power.restored").raised(DAY_MS + 1, "reset")
    late = [
        finding.words
        for finding in deepcopy(story).verdict(DAY_MS + HOUR_MS).findings
        if finding.claim is Claim.LATE_ALARM
    ]
    assert [words for words in late if "session_aborted" in words]
    assert story.raised(DAY_MS + MINUTE_MS, "session_aborted").verdict().broken() == set()


def test_a_pump_that_lost_track_of_its_reservoir_may_say_that_it_is_empty() -> None:
    """After damage to memory, or after running dry unnoticed, the alarm is not false until the next entry."""
    story = healthy(1).tell(DAY_MS, "fault.injected", fault="memory").raised(DAY_MS, "memory")
    assert Claim.FALSE_ALARM not in story.raised(DAY_MS, "reservoir_empty").verdict().broken()
    dry = healthy(1).tell(DAY_MS, "bench.refill", volume_nl=0, fluid={}).raised(DAY_MS + 1, "reservoir_empty")
    assert Claim.FALSE_ALARM not in dry.verdict().broken()
    filled = healthy(1).tell(DAY_MS, "bench.refill", volume_nl=0, fluid={})
    filled.tell(DAY_MS + 1, "bench.refill", volume_nl=FULL_NL, fluid={}).tell(
        DAY_MS + 1, "pump.refill", computed=FULL_NL
    )
    assert Claim.FALSE_ALARM in filled.raised(DAY_MS + 2, "reservoir_empty").verdict().broken()


def test_a_pump_held_at_the_minimum_rate_counts_as_stopped() -> None:
    """Where more is prescribed, 48 h at the minimum rate need the alarm as 48 h of standing still do."""
    story = healthy(1).state(DAY_MS, "minimum_rate", 6_000)
    story.tell(3 * DAY_MS + HOUR_MS, "bench.end")
    assert Claim.LATE_ALARM in story.verdict().broken()


def test_what_an_alarm_announced_is_not_owed_again_when_the_alarm_is_forgotten() -> None:
    """A second refusal during the alarm was announced by it; one after the alarm was lost is a new one."""
    story = healthy(1).tell(DAY_MS, "guard.refused").raised(DAY_MS, "dose_limit").tell(DAY_MS + 1, "guard.refused")
    forgotten = deepcopy(story).tell(DAY_MS + 2, "alarm.forgotten")
    late = "dose_limit was not raised"
    assert not any(late in finding.words for finding in forgotten.verdict(DAY_MS + MINUTE_MS).findings)
    again = deepcopy(story).tell(DAY_MS + 2, "alarm.forgotten").tell(DAY_MS + 3, "guard.refused")
    assert any(late in finding.words for finding in again.verdict(DAY_MS + MINUTE_MS).findings)
