"""Movement: where nothing may move, what rates there are, and that what moves is what was commanded."""

from __future__ import annotations

import pytest

from protocol.units import DAY_MS, HOUR_MS
from verify.story import DRUG, MASS_PG, PERIOD_MS, RATE, STROKE_NL, Story, healthy
from verify.verdict import Claim


def test_a_stroke_while_stopped_is_found() -> None:
    """One stroke after the stop is movement where nothing may move."""
    story = Story().prescribe().infuse(0, HOUR_MS).state(HOUR_MS, "stopped", 0)
    assert story.verdict(HOUR_MS + 1).holds
    verdict = story.strokes([2 * HOUR_MS]).verdict()
    assert Claim.MOVEMENT in verdict.broken()


def test_a_stroke_before_any_prescription_is_found() -> None:
    """Nothing moves before a prescription was confirmed, whatever state the pump claims."""
    story = Story().state(0, "minimum_rate", 6_000).strokes([2 * HOUR_MS])
    assert Claim.MOVEMENT in story.verdict().broken()


def test_a_stroke_without_power_is_found() -> None:
    """The drive cannot have moved between a power cut and the return of power."""
    story = healthy(1).tell(DAY_MS, "power.cut").strokes([DAY_MS + PERIOD_MS])
    assert Claim.MOVEMENT in story.verdict().broken()


def test_a_stroke_at_no_rate_is_found() -> None:
    """A commanded rate of zero moves nothing in any state."""
    story = Story().prescribe(rate=0).strokes([HOUR_MS])
    assert Claim.MOVEMENT in story.verdict().broken()


@pytest.mark.parametrize(
    ("state", "rate", "holds"),
    [
        ("simple_continuous", 48_000, True),
        ("simple_continuous", 24_000_000, True),
        ("simple_continuous", 24_000_001, False),
        ("simple_continuous", 47_999, False),
        ("minimum_rate", 6_000, True),
        ("minimum_rate", 48_000, False),
        ("stopped", 0, True),
        ("stopped", 6_000, False),
        ("unprogrammed", 1, False),
    ],
)
def test_only_the_rates_of_the_hardware_and_the_state(state: str, rate: int, holds: bool) -> None:
    """A commanded rate is one that the hardware has and that the state may have, bounds included."""
    verdict = Story().prescribe().state(0, state, rate).verdict(0)
    assert (Claim.RATE not in verdict.broken()) == holds


@pytest.mark.parametrize(("alarm", "rate"), [("reset", 6_000), ("reservoir_empty", 0), ("motor_stall", RATE)])
def test_an_alarm_that_limits_the_flow_is_obeyed(alarm: str, rate: int) -> None:
    """While an alarm is raised the flow is at most what the alarm leaves, from its own instant on."""
    state = {RATE: "simple_continuous", 6_000: "minimum_rate", 0: "stopped"}
    story = healthy(1).raised(DAY_MS + 1, alarm).state(DAY_MS + 1, state[rate], rate)
    assert Claim.ALARM_FLOW not in story.verdict(DAY_MS + 2).broken()
    story = healthy(1).raised(DAY_MS + 1, alarm).state(DAY_MS + 9, "simple_continuous", RATE)
    found = [finding for finding in story.verdict(DAY_MS + 10).findings if finding.claim is Claim.ALARM_FLOW]
    assert [(finding.at_ms, finding.allowed) for finding in found] == ([] if rate == RATE else [(DAY_MS + 9, rate)])


def test_an_alarm_that_does_not_lower_the_flow_is_found() -> None:
    """A pump that raises an alarm and simply goes on disobeys it."""
    story = healthy(1).tell(DAY_MS, "alarm.raised", alarm="memory", priority="critical")
    assert Claim.ALARM_FLOW in story.verdict(DAY_MS + 1).broken()


def test_one_stroke_early_is_allowed_and_two_are_not() -> None:
    """One stroke may have been saved up before; a second one ahead of the commanded flow is over-delivery."""
    assert Story().prescribe().strokes([PERIOD_MS // 2]).verdict().holds
    verdict = Story().prescribe().strokes([PERIOD_MS // 2, PERIOD_MS]).verdict()
    assert verdict.broken() == {Claim.OVER_DELIVERY}


def test_a_burst_after_a_pause_is_found() -> None:
    """Strokes that were missed may not be made up for all at once."""
    story = Story().prescribe(drugs=[{**DRUG, "limit_1h": 40 * MASS_PG, "limit_24h": 99 * MASS_PG}])
    story.tell(1, "fault.injected", fault="motor_stall").tell(HOUR_MS, "fault.cleared", fault="motor_stall")
    assert Claim.OVER_DELIVERY in story.strokes([HOUR_MS, HOUR_MS + 1, HOUR_MS + 2]).verdict().broken()


def test_a_missing_stroke_is_found() -> None:
    """The prescribed dose arrives: two strokes fewer than commanded are under-delivery, even without any event."""
    story = Story().prescribe().infuse(0, HOUR_MS)
    assert story.verdict(HOUR_MS + PERIOD_MS).holds
    verdict = Story().prescribe().infuse(0, HOUR_MS).verdict(HOUR_MS + 3 * PERIOD_MS)
    assert verdict.broken() == {Claim.UNDER_DELIVERY}
    assert verdict.findings[0].measured > STROKE_NL


def test_a_slow_leak_of_strokes_is_found() -> None:
    """Losing one stroke in fifty shows as soon as two are missing together."""
    ats = [at for index, at in enumerate(range(PERIOD_MS, 2 * DAY_MS, PERIOD_MS), 1) if index % 50]
    assert Claim.UNDER_DELIVERY in Story().prescribe().strokes(ats).verdict().broken()


def test_a_fault_a_refusal_and_a_power_cut_excuse_missing_strokes() -> None:
    """What a stalled motor, the dose guard or a lack of power keeps back is not under-delivery."""
    story = (
        Story()
        .prescribe()
        .tell(1, "fault.injected", fault="worn_out")
        .tell(DAY_MS, "fault.cleared", fault="worn_out")
    )
    assert Claim.UNDER_DELIVERY not in story.verdict().broken()
    story = Story().prescribe().tell(1, "power.cut").tell(DAY_MS, "power.restored")
    assert Claim.UNDER_DELIVERY not in story.verdict().broken()
    refused = Story().prescribe().infuse(0, HOUR_MS).tell(HOUR_MS + PERIOD_MS, "guard.refused")
    assert Claim.UNDER_DELIVERY not in refused.verdict(HOUR_MS + 2 * PERIOD_MS).broken()


def stall_at_the_minimum_rate() -> Story:
    """Return a story whose motor stall is announced at the minimum rate, a millisecond after a day."""
    story = healthy(1).state(DAY_MS, "minimum_rate", 6_000).tell(DAY_MS, "fault.injected", fault="motor_stall")
    return story.raised(DAY_MS + 1, "motor_stall")


def test_an_alarm_that_raises_the_rate_is_found() -> None:
    """The flow may go down with an alarm, never up."""
    assert stall_at_the_minimum_rate().verdict(DAY_MS + 2).holds
    story = stall_at_the_minimum_rate().state(DAY_MS + 1, "simple_continuous", RATE)
    assert story.verdict(DAY_MS + 2).broken() == {Claim.ALARM_RAISED_RATE}


def test_a_command_at_the_instant_of_an_alarm_may_raise_the_rate() -> None:
    """When a clinician's accepted command raises the rate, an alarm of the same millisecond is not to blame."""
    story = stall_at_the_minimum_rate().tell(DAY_MS + 1, "wire.command", message="Start", outcome="accepted")
    assert story.state(DAY_MS + 1, "simple_continuous", RATE).verdict(DAY_MS + 2).holds
