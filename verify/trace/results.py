"""What a run of the tests came to, read from the JUnit files that pytest wrote."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
REACHED = "reached"
"""The property of a test under which it counts the premises that it insists on."""
COUNTS = "counts"
"""The property of a test under which it counts all that its runs reached."""


class ResultsError(Exception):
    """A file is no JUnit file. The message names it and says what is wrong."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one test."""

    key: str
    """Class name and name as in the file, with a point between them."""
    outcome: str
    seconds: float
    message: str
    """Why it failed or was skipped; empty if it passed."""
    properties: dict[str, str]

    @property
    def requirements(self) -> tuple[str, ...]:
        """Return the requirements that the test was marked with when it ran."""
        return tuple(self.properties.get("verifies", "").split())

    def counts(self, name: str) -> Counter[str]:
        """Return one of the test's counts, empty if it has none."""
        return counts(self.properties.get(name, ""))


@dataclass(frozen=True, slots=True)
class Run:
    """One JUnit file."""

    name: str
    started: str
    """When, as the file says it; empty if it does not."""
    ended: str
    """When it was over; empty if that cannot be told."""
    seconds: float
    properties: dict[str, str]
    """What the whole run says of itself: commit, profile, seed."""
    results: tuple[Result, ...] = field(repr=False)

    def outcomes(self) -> Counter[str]:
        """Return how many tests had which outcome."""
        return Counter(result.outcome for result in self.results)


def read_run(path: Path) -> Run:
    """Read a JUnit file. Raises ``ResultsError``."""
    try:
        root = ElementTree.parse(path).getroot()  # noqa: S314 - a file that the user's own pytest wrote
    except (OSError, ElementTree.ParseError) as error:
        raise ResultsError(f"{path} cannot be read as a JUnit file: {error}") from None
    suites = [root] if root.tag == "testsuite" else root.findall("testsuite")
    if not suites:
        raise ResultsError(f"{path} is no JUnit file: it holds no test suite")
    try:
        return Run(
            name=path.name,
            started=min((suite.get("timestamp", "") for suite in suites), default=""),
            ended=max(map(_ended, suites), default=""),
            seconds=sum(float(suite.get("time", 0)) for suite in suites),
            properties={name: value for suite in suites for name, value in _properties(suite).items()},
            results=tuple(_result(case) for suite in suites for case in suite.iter("testcase")),
        )
    except ValueError as error:
        raise ResultsError(f"{path} is no JUnit file of pytest: {error}") from None


def _ended(suite: ElementTree.Element) -> str:
    """Return when a suite was over: its time is from its start to its end, however many processes shared it."""
    started = suite.get("timestamp", "")
    if not started:
        return ""
    return (datetime.fromisoformat(started) + timedelta(seconds=float(suite.get("time", 0)))).isoformat()


def counts(text: str) -> Counter[str]:
    """Return counts by name as a test's property writes them; nothing if the text is none."""
    try:
        value: Any = ast.literal_eval(text) if text else {}
    except (ValueError, SyntaxError):
        return Counter()
    if not isinstance(value, dict):
        return Counter()
    return Counter({str(name): int(count) for name, count in value.items() if isinstance(count, int)})


def _result(case: ElementTree.Element) -> Result:
    outcome, message = PASSED, ""
    for kind, element in _endings(case):
        outcome, message = kind, element.get("message") or (element.text or "").strip()
        if kind == FAILED:
            message = (element.text or message).strip()
            break
    return Result(
        key=f"{case.get('classname', '')}.{case.get('name', '')}",
        outcome=outcome,
        seconds=float(case.get("time", 0)),
        message=message,
        properties=_properties(case),
    )


def _endings(case: ElementTree.Element) -> Iterator[tuple[str, ElementTree.Element]]:
    for tag, kind in (("failure", FAILED), ("error", FAILED), ("skipped", SKIPPED)):
        for element in case.findall(tag):
            yield kind, element


def _properties(element: ElementTree.Element) -> dict[str, str]:
    return {
        each.get("name", ""): each.get("value", "") for holder in element.findall("properties") for each in holder
    }
