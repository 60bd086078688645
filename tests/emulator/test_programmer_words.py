"""Plain words for everything a pump can say."""

from __future__ import annotations

import pytest

from emulator.library import Library
from emulator.programmer.words import ALARMS, MODES, REASONS, STATES, alarm_words, clock, refusal_words
from protocol.messages import AlarmEntry, Refused
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Picograms
from protocol.vocabulary import AlarmCode, AlarmStatus, Mode, Priority, Reason, TherapyState

LIBRARY = Library.shipped()


def test_nothing_the_pump_can_say_is_without_words() -> None:
    """Every reason, alarm, state and mode has its own words, and no two share them."""
    for words, everything in ((REASONS, Reason), (ALARMS, AlarmCode), (STATES, TherapyState), (MODES, Mode)):
        assert set(words) == set(everything)
        assert len(set(words.values())) == len(words)


def test_a_sentence_is_a_sentence() -> None:
    """Refusals and alarms begin with a capital letter and end with a full stop."""
    for sentence in (*REASONS.values(), *ALARMS.values()):
        assert sentence[0].isupper()
        assert sentence.endswith(".")


def test_a_refusal_names_drug_limit_and_time() -> None:
    """What the pump adds to a reason is said with it; what it leaves out is not."""
    full = Refused(Reason.HOUR_LIMIT, 8, Milliseconds(90 * MINUTE_MS), Picograms(183_458_334))
    words = refusal_words(full, LIBRARY)
    for part in ("sliding hour", "Drug: baclofen.", "Limit: 183.458334 ug.", "again in 1 h 30 min"):
        assert part in words
    bare = Refused(Reason.NO_BOLUS, 255, Milliseconds(0), Picograms(0))
    assert refusal_words(bare, LIBRARY) == REASONS[Reason.NO_BOLUS]


def test_the_number_of_an_alarm_is_not_taken_for_a_drug() -> None:
    """A refusal about an alarm with a drug's number names no drug."""
    for reason in (Reason.NO_SUCH_ALARM, Reason.CAUSE_PRESENT):
        refused = Refused(reason, AlarmCode.MOTOR_STALL, Milliseconds(0), Picograms(0))
        assert refusal_words(refused, LIBRARY) == REASONS[reason]


def test_an_alarm_says_how_urgent_it_is_and_whether_it_is_over() -> None:
    """Critical ones are marked; a latched one asks for its acknowledgement."""
    active = AlarmEntry(AlarmCode.MEMORY, Priority.CRITICAL, AlarmStatus.ACTIVE, Milliseconds(0))
    latched = AlarmEntry(AlarmCode.RESERVOIR_LOW, Priority.NON_CRITICAL, AlarmStatus.LATCHED, Milliseconds(0))
    assert alarm_words(active) == "CRITICAL: The pump's memory is damaged."
    assert alarm_words(latched).startswith("Alarm: The reservoir is low")
    assert alarm_words(latched).endswith("acknowledge the alarm.")


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (0, "0 s"),
        (1, "1 s"),
        (59_001, "1 min"),
        (90 * MINUTE_MS, "1 h 30 min"),
        (DAY_MS + 15 * HOUR_MS + 14 * MINUTE_MS, "1 day 15 h"),
        (2 * DAY_MS, "2 days"),
    ],
)
def test_spans_of_time_are_read_easily(span: int, words: str) -> None:
    """The two largest units are enough, and a rest is rounded up to a second."""
    assert clock(span) == words
