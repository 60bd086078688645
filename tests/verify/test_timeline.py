"""What is drawn is what the journal says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emulator.journal import read_journal
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from verify.story import DRUG, LIMIT_1H, MASS_PG, PERIOD_MS, Story, healthy
from verify.timeline import Curve, Timeline, timeline, value_at


def read(story: Story, ends_at_ms: int) -> Timeline:
    """Return the timeline of a finished story."""
    story.tell(ends_at_ms, "bench.end")
    return timeline(read_journal(story.journal.lines))


def test_the_curve_is_the_sum_of_the_window_at_every_instant() -> None:
    """The staircase rises with each stroke and falls when a stroke leaves the window."""
    hour, _ = read(Story().prescribe().infuse(0, HOUR_MS).state(HOUR_MS, "stopped", 0), DAY_MS).curves
    instants = [PERIOD_MS - 1, PERIOD_MS, HOUR_MS, HOUR_MS + PERIOD_MS - 1, HOUR_MS + PERIOD_MS, 3 * HOUR_MS]
    assert [value_at(hour.mass_pg, at) // MASS_PG for at in instants] == [0, 1, 4, 4, 3, 0]
    assert hour.highest_pg == LIMIT_1H


def test_the_limit_follows_the_prescriptions() -> None:
    """The limit is a staircase too, and the library's hard limit caps it."""
    raised = [{**DRUG, "limit_1h": 99 * LIMIT_1H}]
    hour, _ = read(healthy(1).prescribe(DAY_MS, drugs=raised), 2 * DAY_MS).curves
    assert [value_at(hour.limit_pg, at) for at in (0, DAY_MS - 1, DAY_MS)] == [LIMIT_1H, LIMIT_1H, 10 * LIMIT_1H]


def test_what_lasted_is_a_span_and_what_was_pressed_a_moment() -> None:
    """Alarms, faults and power cuts have a beginning and an end; what never ended ends with the journal."""
    story = healthy(1).tell(DAY_MS, "fault.injected", fault="motor_stall")
    story.raised(DAY_MS + MINUTE_MS, "motor_stall").tell(DAY_MS + HOUR_MS, "fault.cleared", fault="motor_stall")
    story.tell(DAY_MS + 2 * HOUR_MS, "power.cut").tell(DAY_MS + 3 * HOUR_MS, "power.restored")
    story.tell(DAY_MS + 4 * HOUR_MS, "pump.bolus", what="started", kind="patient")
    story.tell(DAY_MS + 5 * HOUR_MS, "pump.bolus", what="denied", kind="patient", reason="lockout")
    line = read(story, 2 * DAY_MS)
    assert {(span.words, span.begins_ms - DAY_MS, span.ends_ms - DAY_MS) for span in line.spans} == {
        ("critical alarm, motor stall", MINUTE_MS, DAY_MS),
        ("fault, motor stall", 0, HOUR_MS),
        ("no power", 2 * HOUR_MS, 3 * HOUR_MS),
    }
    assert (line.granted_ms, line.denied_ms) == ((DAY_MS + 4 * HOUR_MS,), (DAY_MS + 5 * HOUR_MS,))


def test_an_alarm_that_is_cleared_and_raised_again_is_two_spans() -> None:
    """Each time an alarm is raised is told apart."""
    story = healthy(1)
    for at in (DAY_MS, DAY_MS + HOUR_MS):
        story.raised(at, "memory").tell(at + MINUTE_MS, "alarm.cleared", alarm="memory")
    assert [span.begins_ms for span in read(story, 2 * DAY_MS).spans] == [DAY_MS, DAY_MS + HOUR_MS]


def test_an_alarm_that_damaged_memory_has_lost_ends_and_one_that_is_kept_goes_on() -> None:
    """A span ends with the alarm that is forgotten, and with no other."""
    story = healthy(1).raised(DAY_MS, "memory").raised(DAY_MS, "motor_stall")
    story.tell(DAY_MS + HOUR_MS, "alarm.forgotten", kept={"memory": "critical"})
    spans = {span.words: span.ends_ms for span in read(story, 2 * DAY_MS).spans}
    assert spans == {"critical alarm, motor stall": DAY_MS + HOUR_MS, "critical alarm, memory": 2 * DAY_MS}


@given(
    masses=st.lists(st.integers(0, 9), min_size=1, max_size=60),
    gaps=st.lists(st.integers(0, 7), min_size=60, max_size=60),
    columns=st.integers(1, 50),
)
def test_thinning_never_hides_a_peak(masses: list[int], gaps: list[int], columns: int) -> None:
    """Each column of a thinned curve is exactly as high as the highest moment inside it."""
    steps, ends = [(0, 0)], 0
    for mass, gap in zip(masses, gaps, strict=False):
        ends += gap
        steps.append((ends, mass))
    thinned = Curve(1, "morphine", 1, steps, [], HOUR_MS).thinned(columns, ends)
    assert len(thinned) <= columns
    width = -(-(ends + 1) // columns)
    for begins in range(0, ends + 1, width):
        inside = range(begins, min(begins + width, ends + 1))
        momentary = [mass for instant, mass in steps if instant in inside]
        assert value_at(thinned, begins) == max(momentary + [value_at(steps, instant) for instant in inside])
