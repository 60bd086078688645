"""The sounder: a raised alarm is heard at once and again, and silences do not add up."""

from __future__ import annotations

import pytest

from protocol.units import DAY_MS, MINUTE_MS
from verify.story import Story, healthy
from verify.verdict import Claim

INTERVAL_MS = 10 * MINUTE_MS


def alarmed(*, sounds: bool = True) -> Story:
    """Return a story of a pump that raised its memory alarm after a day."""
    return healthy(1).tell(DAY_MS, "fault.injected", fault="memory").raised(DAY_MS, "memory", sounds=sounds)


def after(minutes: int) -> int:
    """Return the instant so many minutes after the alarm."""
    return DAY_MS + minutes * MINUTE_MS


def test_a_critical_alarm_sounds_every_ten_minutes() -> None:
    """A pause of exactly the interval is in order, one millisecond more is found."""
    story = alarmed()
    for minutes in range(10, 61, 10):
        story.sound(after(minutes))
    assert story.verdict(after(70)).holds
    assert alarmed().sound(after(10)).verdict(after(20) + 1).broken() == {Claim.SILENT}


def test_a_gap_is_found_even_if_sounds_follow() -> None:
    """A sound that comes late does not make the silence before it good."""
    assert alarmed().sound(after(10) + 1).verdict().broken() == {Claim.SILENT}


def test_a_non_critical_alarm_sounds_every_hour() -> None:
    """The hour of a non-critical alarm is as strict as the ten minutes of a critical one."""
    story = healthy(1).tell(DAY_MS, "pump.refill", computed=1_000_000).raised(DAY_MS, "reservoir_low", "non_critical")
    story.state(DAY_MS, "stopped", 0)
    assert story.verdict(after(60)).holds
    assert story.verdict(after(60) + 1).broken() == {Claim.SILENT}


def test_a_new_alarm_is_heard_at_once() -> None:
    """An alarm that waits for the next interval before its first sound is silent too long."""
    assert alarmed(sounds=False).sound(DAY_MS + 1_000).verdict().holds
    assert alarmed(sounds=False).sound(DAY_MS + 1_001).verdict().broken() == {Claim.SILENT}


def test_a_critical_alarm_does_not_sound_like_a_lesser_one() -> None:
    """The single tone while a critical alarm is raised is the wrong sound and does not count."""
    verdict = alarmed().sound(after(10), "non_critical").verdict(after(10) + 1)
    assert verdict.broken() == {Claim.PRIORITY, Claim.SILENT}


@pytest.mark.parametrize("named", ["memory", "motor_stall", "eri", ""])
def test_a_sound_is_for_the_most_urgent_alarm_that_is_raised(named: str) -> None:
    """What sounds for an alarm that is not raised, or for a lesser one, is found."""
    story = alarmed().tell(DAY_MS, "battery.level", level="eri", left_permille=90)
    story.raised(DAY_MS, "eri", "non_critical", sounds=False)
    story.tell(DAY_MS, "alarm.sound", alarm=named, pattern="critical", lasts_ms=3_000, heard=True)
    assert story.verdict().broken() == (set() if named == "memory" else {Claim.PRIORITY})


def test_a_cleared_alarm_is_silent() -> None:
    """Nothing needs to sound once no alarm is raised."""
    story = alarmed().tell(after(1), "fault.cleared", fault="memory").tell(after(2), "alarm.cleared", alarm="memory")
    assert Claim.SILENT not in story.verdict(after(90)).broken()


def test_a_silence_is_honoured_for_its_time_and_no_longer() -> None:
    """Silenced at nine minutes for ten, the sounder is due again at nineteen."""
    story = alarmed().tell(after(9), "alarm.silenced", until=after(19))
    assert story.verdict(after(19)).holds
    assert story.verdict(after(19) + 1).broken() == {Claim.SILENT}


def test_a_longer_silence_than_allowed_is_not_honoured() -> None:
    """Whatever the pump says, ten minutes is the longest silence there is."""
    story = alarmed().tell(after(9), "alarm.silenced", until=after(9) + DAY_MS)
    assert story.verdict(after(19) + 1).broken() == {Claim.SILENT}


def test_silences_do_not_add_up() -> None:
    """A second silence without a sound between them does not count: the sounder is due when the first ends."""
    story = alarmed().tell(after(5), "alarm.silenced", until=after(15))
    story.tell(after(14), "alarm.silenced", until=after(24))
    assert story.verdict(after(15) + 1).broken() == {Claim.SILENT}


def test_a_new_alarm_breaks_the_silence() -> None:
    """A silence does not cover an alarm that is raised after it."""
    story = alarmed().tell(after(1), "alarm.silenced", until=after(11))
    story.tell(after(2), "guard.refused").raised(after(2), "dose_limit", sounds=False)
    assert Claim.SILENT in story.verdict(after(2) + 1_001).broken()


def test_power_that_comes_back_to_an_alarm_makes_it_heard() -> None:
    """Without power nothing is due; when it returns, the alarm that is still raised sounds at once."""
    story = alarmed().tell(after(5), "power.cut").tell(after(60), "power.restored").sound(after(60) + 1_000)
    assert Claim.SILENT not in story.verdict(after(70)).broken()
    story = alarmed().tell(after(5), "power.cut").tell(after(60), "power.restored").sound(after(60) + 1_001)
    assert Claim.SILENT in story.verdict(after(70)).broken()


def test_alarms_that_were_forgotten_must_be_raised_anew_if_their_cause_lasts() -> None:
    """A pump that says it forgot its alarms owes them no sound, but an alarm to every cause still there."""
    story = healthy(1).state(DAY_MS, "stopped", 0).raised(3 * DAY_MS, "stopped_48h")
    story.tell(3 * DAY_MS + 1, "alarm.forgotten")
    assert story.verdict(4 * DAY_MS).holds
    story = healthy(1).state(DAY_MS, "stopped", 0).raised(3 * DAY_MS, "stopped_48h")
    story.tell(3 * DAY_MS + 1, "alarm.forgotten")
    assert Claim.LATE_ALARM in story.verdict(6 * DAY_MS).broken()
