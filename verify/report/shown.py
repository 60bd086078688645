"""The properties of the suites as the results tell them: what each claims, what came of it and what it tried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from verify.report.evidence import Evidence, examples_of
from verify.trace.results import FAILED, PASSED, REACHED, SKIPPED, Result

WORST_FIRST = (FAILED, SKIPPED, PASSED)
PROPERTY = "property"
"""The property of a test under which it says which property of a suite it tries."""


class Shown(NamedTuple):
    """One property of a suite."""

    name: str
    sentence: str
    outcome: str
    """The worst, if several runs have one."""
    examples: int
    premises: Counter[str]
    requirements: tuple[str, ...]


def shown(evidence: Evidence) -> dict[str, Shown]:
    """Return the properties of the suites by name, in the order in which they ran."""
    by_name: dict[str, list[Result]] = {}
    for result in evidence.results:
        if name := result.properties.get(PROPERTY):
            by_name.setdefault(name, []).append(result)
    return {name: _shown(name, results) for name, results in by_name.items()}


def _shown(name: str, results: Iterable[Result]) -> Shown:
    worst = min(results, key=lambda each: WORST_FIRST.index(each.outcome))
    sentence = worst.properties.get("sentence", "")
    premises = worst.counts(REACHED)
    return Shown(name, sentence, worst.outcome, examples_of(worst), premises, worst.requirements)
