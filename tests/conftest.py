"""Settings that every test shares.

How much Hypothesis tries is chosen by ``THECAL_PROFILE``, never by where the tests happen to run:

``ci``     the default: the same examples every time, so that a failure is a change in the code;
``dev``    new examples every time, remembered in ``.hypothesis`` when they fail;
``night``  many new examples;
``smoke``  a handful, to see that the tests run at all.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

PROFILE_VARIABLE = "THECAL_PROFILE"

# A deadline for one example would judge the machine, not the code, so no profile has one.
settings.register_profile(
    "ci",
    max_examples=100,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("dev", max_examples=100, deadline=None, print_blob=True)
settings.register_profile(
    "night", max_examples=5_000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "smoke", settings.get_profile("ci"), max_examples=5, suppress_health_check=[HealthCheck.too_slow]
)

settings.load_profile(os.environ.get(PROFILE_VARIABLE, "ci"))


REACHED = "reached"
"""Name under which a safety property records how often each of its premises occurred."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show how often each premise of a safety property occurred: one that never did has shown nothing."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, counts in report.user_properties:
            if name == REACHED and isinstance(counts, dict):
                terminalreporter.section(f"reached by {report.nodeid.rpartition('::')[2]}")
                for premise, count in counts.items():
                    terminalreporter.line(f"{count:>9}  {premise}")
