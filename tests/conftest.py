"""Settings that every test shares. How much is tried, and from which seed: ``tests/drawn.py``."""

from __future__ import annotations

import platform
import time
from collections.abc import Generator, Iterator

import pytest
import serial.rfc2217
from hypothesis import settings

from tests import drawn
from tests.tracing import note_statistics, trace
from verify.report.origin import commit_of

drawn.register_profiles()
settings.load_profile(drawn.profile())


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let real or emulated adapters take the place of virtual ones in ``tests/adapters``."""
    group = parser.getgroup("adapters", "which adapters tests/adapters runs on; virtual ones if none is given")
    group.addoption("--port", action="append", default=[], metavar="URL", help="A port with TX joined to RX.")
    group.addoption("--pair", action="append", default=[], metavar="A,B", help="Two ports joined by a null modem.")
    group.addoption("--given-only", action="store_true", help="Refuse to run if no port is given.")
    group.addoption("--no-lines", action="store_true", help="The modem lines are not joined, only TX, RX and ground.")
    group.addoption("--unplug", metavar="COMMAND", help="What to run to unplug the adapters {ports}.")
    group.addoption("--plug-in", metavar="COMMAND", help="What to run to plug them in again.")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let Hypothesis draw from the run's seed, too; refuse to run an adapter suite without an adapter."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(drawn.seed())  # a profile that is derandomised has no use for it
    if config.getoption("--given-only") and not (config.getoption("--port") or config.getoption("--pair")):
        raise pytest.UsageError(WHAT_TO_GIVE)


WHAT_TO_GIVE = """on which adapters?

  tox -e hw -- --port /dev/ttyUSB0                  one adapter with TX joined to RX (and RTS to CTS, DTR to DSR)
  tox -e hw -- --pair /dev/ttyUSB0,/dev/ttyUSB1     two adapters joined by a null modem: TX to RX both ways, ground

Add --no-lines if only TX, RX and ground are joined. “thecal hw list” shows which ports there are."""


QUICK_S = 0.002


@pytest.fixture(autouse=True, scope="session")
def _quick_rfc2217_client(pytestconfig: pytest.Config) -> Iterator[None]:
    """Let pyserial's RFC 2217 client look for answers more often than every 50 ms, and not rest 0.3 s after closing.

    It sleeps for most of a second at every opening, and the adapter suite opens hundreds of ports. Our served ports
    need no such rest; somebody's real server might, so there the client is left as it is.
    """
    with pytest.MonkeyPatch.context() as patch:
        if not (pytestconfig.getoption("--port") or pytestconfig.getoption("--pair")):
            patch.setattr(serial.rfc2217, "time", _QuickTime)
        yield


class _QuickTime:
    """The one thing of ``time`` that the client uses."""

    @staticmethod
    def sleep(seconds: float) -> None:
        """Sleep, but not for long."""
        time.sleep(min(seconds, QUICK_S))


REACHED = "reached"
"""Name under which a safety property records how often each of its premises occurred."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Check and note which requirements each test verifies; leave out what is too long for a smoke test."""
    trace(items)
    for item in items:
        if drawn.leaves_out(item.path.name):
            item.add_marker(pytest.mark.skip(reason="too long for a smoke test"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note what Hypothesis tried."""
    note_statistics(item)
    return (yield)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Write into the JUnit file, if there is one, of what and how it was made."""
    for plugin in session.config.pluginmanager.get_plugins():
        note = getattr(plugin, "add_global_property", None)  # only the writer of JUnit files has this
        if callable(note):
            note("commit", str(commit_of(session.config.rootpath)))
            note("profile", drawn.profile())
            note("seed", str(drawn.seed()))
            note("python", platform.python_version())


def pytest_report_header() -> str:
    """Say how much is tried, and how to try the same again."""
    return f"profile: {drawn.profile()}; {drawn.SEED_VARIABLE}={drawn.seed()} tries the same again"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show how often each premise of a safety property occurred: one that never did has shown nothing."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, counts in report.user_properties:
            if name == REACHED and isinstance(counts, dict):
                terminalreporter.section(f"reached by {report.nodeid.rpartition('::')[2]}")
                for premise, count in counts.items():
                    terminalreporter.line(f"{count:>9}  {premise}")
