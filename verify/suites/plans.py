"""What a plan makes of a schedule, a bridge, a prime and boluses, added up at any instant."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from emulator.firmware.basal import Basal
from emulator.firmware.planner import Piece, Plan
from emulator.firmware.plans import bridge_ahead, planned, prime_ahead
from emulator.firmware.state import Bolus
from protocol.messages import Schedule
from protocol.units import DAY_MS
from protocol.vocabulary import TherapyState
from verify.suites.schedule import SCHEDULES, WEEK_MS, Table
from verify.suites.suite import Effort, Property, Suite, require

BRIDGE = 198_765
"""A flow in nL/day at which no volume takes a whole number of milliseconds."""


BOLUSES = st.builds(
    lambda rate, remaining: Bolus(TherapyState.CLINICIAN_BOLUS, 1, rate, remaining),
    st.integers(1_000, 5_000_000),
    st.integers(1, 50_000 * DAY_MS),
)


def plans(effort: Effort) -> None:
    """Lay out a bridge or a prime, boluses and a schedule, and add up what flows by every instant."""

    def check(
        schedule: Schedule | None, now: int, ahead: int, boluses: list[Bolus], span: int, part: Fraction
    ) -> None:
        basal = Basal(0, schedule) if schedule else Basal(123_456)
        before = bridge_ahead(ahead, BRIDGE)
        bridged = -(-(ahead * DAY_MS) // BRIDGE)
        require(sum(piece.duration_ms for piece in before) == bridged, f"{ahead} nL of a bridge take {before}")
        plan = planned(basal, now, 7, span, ahead=before, boluses=boluses)
        lead = sum(-(-bolus.remaining // bolus.rate) for bolus in boluses)
        at = bridged + int(part * (lead + span))
        found, wanted = _by(plan, at), _reckoned(basal, now, bridged, boluses, at)
        require(found == wanted, f"after {at} ms {plan} has brought {found}, not {wanted}")
        effort.reached["a bridge before a schedule"] += bool(ahead and schedule)
        effort.reached["a bolus over a step"] += bool(schedule and boluses and len(plan.pieces) > len(boluses) + 2)

    effort.search(
        check,
        schedule=SCHEDULES | st.none(),
        now=st.integers(0, 2 * WEEK_MS),
        ahead=st.sampled_from([0, 0, 1, 327_000]),
        boluses=st.lists(BOLUSES, max_size=2),
        span=st.sampled_from([0, DAY_MS, 8 * DAY_MS]),
        part=st.fractions(0, 1, max_denominator=50),
    )
    prime = Bolus(TherapyState.PRIMING, 1, 1_000, 10_500)
    require(prime_ahead(prime) == (Piece(11, 1_000),), f"a prime holds back {prime_ahead(prime)}")
    require(bridge_ahead(500, 0) == (), "what is no bridge holds something back")


def _by(plan: Plan, at_ms: int) -> int:
    """Return what a plan has brought by a time."""
    flowed = 0
    for duration_ms, rate in plan.pieces:
        here = min(at_ms, duration_ms)
        flowed, at_ms = flowed + here * rate, at_ms - here
    return flowed + at_ms * plan.rate


def _reckoned(basal: Basal, now: int, bridged_ms: int, boluses: list[Bolus], at_ms: int) -> int:
    flowed, rest = min(at_ms, bridged_ms) * BRIDGE, max(0, at_ms - bridged_ms)
    if basal.schedule:
        flowed += Table.of(basal.schedule).between(now + bridged_ms, rest)
    else:
        flowed += basal.rate * rest
    for bolus in boluses:
        here = min(rest, -(-bolus.remaining // bolus.rate))
        flowed, rest = flowed + here * bolus.rate, rest - here
    return flowed


SUITE = Suite(
    "plans",
    "plans that are made of schedules",
    (
        Property(
            "plans.added up",
            "A plan holds what will flow, one thing after and on top of the other.",
            plans,
            200,
            ("a bridge before a schedule", "a bolus over a step"),
            verifies=("DOSE-02",),
        ),
    ),
)
