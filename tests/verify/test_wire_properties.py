"""The safety properties over the real wire, with budgets that reach every premise."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings

from verify.suites.suite import Effort
from verify.suites.wire import FAULTY_REACH, HEALTHY_REACH, runs

SEED = 1


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
@pytest.mark.parametrize(
    ("faulty", "must_reach"), [(False, HEALTHY_REACH), (True, FAULTY_REACH)], ids=["healthy", "faulty"]
)
def test_no_script_breaks_what_is_claimed(
    faulty: bool, must_reach: tuple[str, ...], record_property: Callable[[str, object], None]
) -> None:
    """No sequence of commands, faults, weather and time breaks a limit, hides an alarm or loses a picogram."""
    effort = Effort(SEED, 1 + settings().max_examples // 7)
    runs(effort, faulty=faulty)
    record_property("reached", {name: effort.reached[name] for name in must_reach})
    record_property("counts", dict(effort.reached))
    missed = [name for name in must_reach if not effort.reached[name]]
    assert not missed, f"never reached: {', '.join(missed)}"
