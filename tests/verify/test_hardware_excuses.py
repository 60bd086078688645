"""What the judge excuses because the hardware fails, and that it excuses no more than that."""

from __future__ import annotations

from copy import deepcopy

import pytest

from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from verify.story import MASS_PG, PERIOD_MS, RATE, STROKE_NL, Story, healthy
from verify.verdict import Claim


def run_away(story: Story, at_ms: int, times: int) -> Story:
    """Record strokes that nobody asked for."""
    for number in range(times):
        story.journal.stroke(at_ms + number, STROKE_NL, {1: MASS_PG}, {1: MASS_PG}, unasked=True)
    return story


def test_a_runaway_is_no_fault_of_the_pump_s_and_its_alarm_is() -> None:
    """Unasked strokes break no limit, no permission and no rate; what they owe is the alarm."""
    story = run_away(healthy(1).tell(DAY_MS, "fault.injected", fault="drive_runaway"), DAY_MS, 1)
    story.raised(DAY_MS, "unrequested_delivery")
    assert run_away(story, DAY_MS + 1, 5_000).verdict().broken() <= {Claim.LATE_ALARM}


def test_without_the_fault_an_unasked_stroke_is_a_stroke() -> None:
    """A journal that calls strokes unasked with no fault to make them so is judged as if they had been asked for."""
    story = healthy(1).state(DAY_MS, "stopped", 0)
    assert Claim.MOVEMENT in run_away(story, DAY_MS + 1, 3).verdict().broken()


def test_what_ran_away_counts_against_the_strokes_that_follow() -> None:
    """A stroke that is asked for, on top of what a runaway has left in the window, breaks the limit."""
    story = run_away(healthy(1).tell(DAY_MS, "fault.injected", fault="drive_runaway"), DAY_MS, 5_000)
    story.tell(DAY_MS + 6_000, "fault.cleared", fault="drive_runaway")
    story.strokes([DAY_MS + PERIOD_MS])
    assert Claim.DOSE in story.verdict().broken()


def test_drug_that_escaped_through_valves_counts_like_any_other() -> None:
    """Free flow breaks no limit by itself, and fills the window for the strokes after it."""
    escaped = {"why": "free_flow", "volume_nl": 10_000_000, "held_nl": 0, "pocket": {}, "tissue": {}}
    mass = {"1": 10_000_000 * MASS_PG // STROKE_NL}
    story = Story(drive="valve").prescribe().infuse(0, HOUR_MS).tell(HOUR_MS, "fault.injected", fault="valve_open")
    story.tell(HOUR_MS, "catheter.flow", **escaped, outlet=mass, tip=mass).raised(HOUR_MS, "free_flow")
    assert Claim.DOSE not in story.verdict().broken()
    story.tell(HOUR_MS + 1, "fault.cleared", fault="valve_open").strokes([HOUR_MS + PERIOD_MS])
    assert Claim.DOSE in story.verdict().broken()


@pytest.mark.parametrize(("fault", "broken"), [("over_infusion", False), ("inaccuracy", False), (None, True)])
def test_a_drive_that_moves_too_much_is_judged_by_what_it_was_asked_for(fault: str | None, broken: bool) -> None:
    """Nobody can know before the next refill that a stroke is too large; without that fault it is a violation."""
    story = Story().prescribe(drugs=[{"code": 1, "concentration": 1, "limit_1h": 10 * MASS_PG, "limit_24h": 10**12}])
    if fault:
        story.tell(0, "fault.injected", fault=fault)
    for number in range(10):
        at = (number + 1) * MINUTE_MS
        story.journal.stroke(at, STROKE_NL, {1: 2 * MASS_PG}, {1: 2 * MASS_PG}, moved_nl=2 * STROKE_NL)
    assert (Claim.DOSE in story.verdict().broken()) is broken


def test_a_rotor_that_has_not_recovered_from_a_field_is_a_stall() -> None:
    """From the field to the recovery, hours after its end, the alarm is due and less delivery is excused."""
    story = healthy(1).tell(DAY_MS, "fault.injected", fault="mri").tell(DAY_MS + 1, "fault.cleared", fault="mri")
    assert story.verdict(DAY_MS + HOUR_MS).broken() == {Claim.LATE_ALARM}
    story = healthy(1).tell(DAY_MS, "fault.injected", fault="mri").tell(DAY_MS + 1, "fault.cleared", fault="mri")
    story.raised(DAY_MS + MINUTE_MS, "motor_stall", sounds=False)
    for number in range(19):
        story.sound(DAY_MS + MINUTE_MS + number * 10 * MINUTE_MS)
    assert story.verdict(DAY_MS + 3 * HOUR_MS + MINUTE_MS).holds


def test_after_the_recovery_the_pump_must_deliver_again() -> None:
    """Once the rotor turns again, too little is too little."""
    story = healthy(1).tell(DAY_MS, "fault.injected", fault="mri").tell(DAY_MS + 1, "fault.cleared", fault="mri")
    story.tell(DAY_MS + 2, "drive.recovered")
    assert Claim.UNDER_DELIVERY in story.verdict(DAY_MS + 2 * HOUR_MS).broken()


def test_a_sound_that_nobody_hears_needs_a_broken_sounder() -> None:
    """Only the fault of the sounder excuses an alarm that was sounded and not heard."""
    for fault, broken in ((None, True), ("annunciator", False)):
        story = healthy(1)
        if fault:
            story.tell(DAY_MS, "fault.injected", fault=fault)
        story.tell(DAY_MS, "battery.level", level="eri").raised(DAY_MS, "eri", "non_critical", sounds=False)
        story.tell(DAY_MS, "alarm.sound", alarm="eri", pattern="non_critical", heard=False)
        assert (Claim.SILENT in story.verdict().broken()) is broken


def test_a_jump_of_the_clock_is_owed_until_power_fails() -> None:
    """A clock that jumped while somebody could see it is alarmed; a pump that lost power meanwhile cannot know."""
    jumped = {"fault": "clock", "settings": {"how": "forwards"}}
    assert Claim.LATE_ALARM in healthy(1).tell(DAY_MS, "fault.injected", **jumped).verdict(DAY_MS + HOUR_MS).broken()
    story = healthy(1).tell(DAY_MS, "fault.injected", **jumped).tell(DAY_MS + 1, "power.cut")
    story.tell(DAY_MS + 2, "power.restored").raised(DAY_MS + 2, "reset")
    late = [
        finding.words for finding in story.verdict(DAY_MS + HOUR_MS).findings if finding.claim is Claim.LATE_ALARM
    ]
    assert not [words for words in late if "clock" in words]


def test_a_session_that_breaks_off_during_a_prime_is_aborted() -> None:
    """A prime on a stopped pump changes nothing about what the pump infuses: the alarm is due, and no false one."""
    story = healthy(1).tell(DAY_MS, "session.opened", role="clinician").state(DAY_MS, "stopped", 0)
    story.state(DAY_MS + 1, "priming", RATE)
    story.tell(DAY_MS + 1, "pump.bolus", what="started", kind="prime", duration_ms=STROKE_NL * DAY_MS // RATE)
    story.tell(DAY_MS + 2, "session.closed", role="clinician", cause="idle")
    assert Claim.LATE_ALARM in deepcopy(story).verdict(DAY_MS + HOUR_MS).broken()
    story.raised(DAY_MS + MINUTE_MS, "session_aborted")
    story.tell(DAY_MS + MINUTE_MS, "pump.bolus", what="ended", kind="prime", not_delivered_nl=467)
    story.state(DAY_MS + MINUTE_MS, "stopped", 0)
    assert story.verdict().holds


def test_a_session_that_breaks_off_during_a_prime_of_a_running_pump_is_not_aborted() -> None:
    """After a prime that interrupted the infusion, the pump infuses what is prescribed."""
    story = healthy(1).tell(DAY_MS, "session.opened", role="clinician").state(DAY_MS, "priming", RATE)
    story.tell(DAY_MS + 2, "session.closed", role="clinician", cause="idle")
    assert Claim.FALSE_ALARM in story.raised(DAY_MS + MINUTE_MS, "session_aborted").verdict().broken()


def test_a_clock_that_stood_may_be_noticed_for_a_minute_after_it_was_mended() -> None:
    """The comparison comes after the cause: no false alarm then, but one long after."""
    for after_ms, broken in ((1, False), (HOUR_MS, True)):
        story = healthy(1).tell(DAY_MS, "fault.injected", fault="clock", settings={"how": "stands"})
        story.tell(DAY_MS + 1, "fault.cleared", fault="clock").tell(
            DAY_MS + after_ms, "session.opened", role="service"
        )
        story.raised(DAY_MS + after_ms + 1, "clock")
        assert (Claim.FALSE_ALARM in story.verdict().broken()) is broken


def test_a_session_that_was_closed_is_not_aborted() -> None:
    """An alarm for a session that was properly closed on a stopped pump is a false one."""
    story = healthy(1).tell(DAY_MS, "session.opened", role="clinician").state(DAY_MS, "stopped", 0)
    story.tell(DAY_MS, "session.closed", role="clinician", cause="asked").raised(DAY_MS + 1, "session_aborted")
    assert story.verdict().broken() == {Claim.FALSE_ALARM}
