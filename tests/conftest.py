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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let real or emulated adapters take the place of virtual ones in ``tests/adapters``."""
    group = parser.getgroup("adapters", "which adapters tests/adapters runs on; virtual ones if none is given")
    group.addoption("--port", action="append", default=[], metavar="URL", help="A port with TX joined to RX.")
    group.addoption("--pair", action="append", default=[], metavar="A,B", help="Two ports joined by a null modem.")
    group.addoption("--given-only", action="store_true", help="Refuse to run if no port is given.")
    group.addoption("--no-lines", action="store_true", help="The modem lines are not joined, only TX, RX and ground.")
    group.addoption("--unplug", metavar="COMMAND", help="What to run to unplug the adapters {ports}.")
    group.addoption("--plug-in", metavar="COMMAND", help="What to run to plug them in again.")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to run an adapter suite without an adapter."""
    if config.getoption("--given-only") and not (config.getoption("--port") or config.getoption("--pair")):
        raise pytest.UsageError(WHAT_TO_GIVE)


WHAT_TO_GIVE = """on which adapters?

  tox -e hw -- --port /dev/ttyUSB0                  one adapter with TX joined to RX (and RTS to CTS, DTR to DSR)
  tox -e hw -- --pair /dev/ttyUSB0,/dev/ttyUSB1     two adapters joined by a null modem: TX to RX both ways, ground

Add --no-lines if only TX, RX and ground are joined. “thecal hw list” shows which ports there are."""


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
