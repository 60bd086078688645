"""The patient's button: lockout and count."""

from __future__ import annotations

import pytest

from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from verify.story import PATIENT_BOLUS, Story
from verify.verdict import Claim

LONG = 10 * MINUTE_MS


def granted(story: Story, at_ms: int) -> Story:
    """Record a patient bolus from its start to its end."""
    story.tell(at_ms, "pump.bolus", what="started", kind="patient", volume_nl=500)
    return story.tell(at_ms + LONG, "pump.bolus", what="ended", kind="patient", not_delivered_nl=0)


@pytest.mark.parametrize(("early_ms", "holds"), [(0, True), (1, False)])
def test_the_lockout_runs_from_the_end_of_the_last_bolus(early_ms: int, holds: bool) -> None:
    """A bolus exactly one lockout after the last one ended is in order; a millisecond earlier it is not."""
    story = granted(Story().prescribe(), HOUR_MS)
    story = granted(story, HOUR_MS + LONG + HOUR_MS - early_ms)
    assert (Claim.LOCKOUT not in story.verdict().broken()) == holds


@pytest.mark.parametrize("kind", ["pump.prescription", "pump.refill", "pump.bolus"])
def test_everything_that_must_restart_the_lockout_does(kind: str) -> None:
    """A prescription, a refill, and the end of any bolus, the clinician's too, each lock the button again."""
    story = Story().prescribe()
    at = 10 * HOUR_MS
    if kind == "pump.prescription":
        story.prescribe(at)
    elif kind == "pump.refill":
        story.tell(at, "pump.refill", computed=20_000_000)
    else:
        story.tell(at, "pump.bolus", what="ended", kind="clinician", not_delivered_nl=200)
    assert Claim.LOCKOUT in granted(story, at + HOUR_MS - 1).verdict().broken()


def test_the_count_slides_with_the_last_24_hours() -> None:
    """Two boluses a day are granted: the third waits until the first is a full day old, not until midnight."""
    story = granted(granted(Story().prescribe(), 20 * HOUR_MS), 23 * HOUR_MS)
    assert Claim.COUNT not in granted(story, 44 * HOUR_MS).verdict().broken()
    story = granted(granted(Story().prescribe(), 20 * HOUR_MS), 23 * HOUR_MS)
    assert Claim.COUNT in granted(story, 44 * HOUR_MS - 1).verdict().broken()


def test_a_bolus_that_nobody_granted_is_found() -> None:
    """A prescription without patient boluses has a count of none, so the first one is too many."""
    story = Story().prescribe(patient_bolus={**PATIENT_BOLUS, "count_24h": 0})
    assert Claim.COUNT in granted(story, DAY_MS).verdict().broken()


def test_a_denied_request_is_no_bolus() -> None:
    """Pressing the button without end breaks nothing as long as it is denied."""
    story = Story().prescribe()
    for at in range(0, HOUR_MS, MINUTE_MS):
        story.tell(at, "pump.bolus", what="denied", kind="patient", reason="lockout")
    assert story.verdict().broken() <= {Claim.UNDER_DELIVERY}
