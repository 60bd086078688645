"""Which requirements a test verifies: the mark, checked at collection and carried into every result.

``@pytest.mark.verifies("DOSE-01", "BOL-05")`` is a claim: this test fails if the pump breaks the requirement.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from verify.trace.collected import VARIABLE, CollectedTest, written
from verify.trace.sources import SourceError, load_sources

MARK = "verifies"


def trace(items: Iterable[pytest.Item]) -> None:
    """Check each test's mark, note it in the test's results, and write the list of tests if it is asked for.

    Raises ``pytest.UsageError`` for a requirement that does not exist.
    """
    try:
        known = load_sources().requirements
    except SourceError as error:
        raise pytest.UsageError(str(error)) from None
    tests = []
    for item in items:
        named = requirements_of(item)
        for name in named:
            if name not in known:
                raise pytest.UsageError(f"{item.nodeid} verifies “{name}”, which is no requirement")
        if named:
            item.user_properties.append((MARK, " ".join(named)))
        tests.append(CollectedTest(item.nodeid, _sentence(item), named))
    if place := os.environ.get(VARIABLE):
        Path(place).write_text(written(tests), "utf-8")


def requirements_of(item: pytest.Item) -> tuple[str, ...]:
    """Return the requirements that an item's marks name, each once, in order."""
    names = [name for mark in item.iter_markers(MARK) for name in mark.args]
    return tuple(sorted(dict.fromkeys(names)))


def note_statistics(item: pytest.Item) -> None:
    """Let what Hypothesis tried go into the test's results, also from a worker process."""
    statistics = getattr(item, "hypothesis_statistics", None)
    if statistics and not any(name == "hypothesis" for name, _ in item.user_properties):
        item.user_properties.append(("hypothesis", statistics))


def _sentence(item: pytest.Item) -> str:
    text = getattr(getattr(item, "function", None), "__doc__", None) or ""
    return " ".join(text.strip().partition("\n\n")[0].split())
