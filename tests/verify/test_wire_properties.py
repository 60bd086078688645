"""The safety properties over the real wire, with budgets that reach every premise."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import settings

from tests import drawn
from verify.scripts.tours import tours
from verify.suites.reach import OUT_OF_REACH, reached, wanted
from verify.suites.suite import Effort
from verify.suites.wire import play, runs


@pytest.mark.verifies(
    "ALM-06",
    "ALM-13",
    "ALM-14",
    "ALM-15",
    "ALM-16",
    "ALM-20",
    "ALM-22",
    "ALM-23",
    "BOL-01",
    "BOL-03",
    "BOL-05",
    "COM-05",
    "DOSE-01",
    "DOSE-03",
    "DOSE-14",
    "FLT-06",
    "FLT-17",
    "MODE-02",
    "MODE-03",
    "MODE-09",
    "RES-01",
    "RES-02",
    "SEC-05",
)
@pytest.mark.safety
@pytest.mark.parametrize("faulty", [False, True], ids=["healthy", "faulty"])
def test_no_script_breaks_what_is_claimed(faulty: bool, record_property: Callable[[str, object], None]) -> None:
    """No sequence of commands, faults, weather and time breaks a limit, hides an alarm or loses a picogram."""
    effort = Effort(drawn.seed(), 1 + settings().max_examples // 7)
    try:
        if drawn.is_smoke():
            play(effort, next(tours(effort.seed, faulty=faulty)))
        else:
            runs(effort, faulty=faulty)
    except Exception as broken:  # noqa: BLE001 - its story comes first, and then where it was raised
        pytest.fail("\n".join([str(broken), "", *traceback.format_tb(broken.__traceback__)]), pytrace=False)
    finally:
        for figure, value in effort.figures().items():
            record_property(figure, value)
        if effort.counterexample:
            record_property("counterexample", effort.counterexample)
    if drawn.is_smoke():
        pytest.skip("the one script of a smoke test broke nothing; what ought to be reached is not judged")
    counted = reached(effort.reached, wanted(faulty=faulty))
    record_property("reached", counted)
    record_property("counts", dict(effort.reached))
    missed = [name for name, count in counted.items() if not count]
    if missed and not drawn.must_reach():
        pytest.skip(f"nothing broke, but these examples never reached: {', '.join(missed)}")
    assert not missed, f"never reached: {', '.join(missed)}"


def test_what_is_out_of_reach_would_be_wanted() -> None:
    """Nothing is excused that would not be insisted on, so the excuses shrink with what they excuse."""
    from verify.suites import reach  # noqa: PLC0415

    assert set(OUT_OF_REACH) <= {*reach.HEALTHY, *reach.FAULTY}
    assert all(OUT_OF_REACH.values())


@pytest.mark.parametrize("faulty", [False, True], ids=["healthy", "faulty"])
def test_tours_alone_reach_everything_that_must_be_reached(faulty: bool) -> None:
    """Whether a premise occurs does not hang on what is drawn: from another seed, too, the tours bring each about."""
    effort = Effort(drawn.seed() + 1, 1)
    for tour in tours(effort.seed, faulty=faulty):
        play(effort, tour)
    counted = reached(effort.reached, wanted(faulty=faulty))
    assert not [name for name, count in counted.items() if not count]


@pytest.mark.parametrize("faulty", [False, True], ids=["healthy", "faulty"])
def test_a_run_of_nothing_has_reached_nothing(faulty: bool) -> None:
    """No premise is counted by hand: where nothing happened, all of them are missing."""
    names = wanted(faulty=faulty)
    assert not any(reached(Counter(), names).values())
