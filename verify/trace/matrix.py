"""The matrix: which requirement controls which hazard, what shows it, what came of that, and where there are gaps.

A requirement is *shown* only by tests that were run and passed and that name it, with the very text that somebody
looked at when the links were made. If only some of them were run, it is shown in part. Everything else has another
word, and none of these words is a good one.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from verify.trace.collected import CollectedTest
from verify.trace.results import FAILED, PASSED, SKIPPED, Run
from verify.trace.sources import ANALYSIS, CLINICAL, NONE, Formula, Requirement, Sources

NOT_RUN = "not run"
WORST_FIRST = (FAILED, NOT_RUN, SKIPPED, PASSED)


class Standing(enum.StrEnum):
    """What can be said of one requirement."""

    SHOWN = "shown"
    """Every test that verifies it passed in all its cases."""
    PART = "shown in part"
    """At least one did, none failed, and others were not run."""
    FAILED = "failed"
    """A test that verifies it failed."""
    SUSPECT = "suspect"
    """Its text is not the one for which its tests were linked."""
    NOT_RUN = "not run"
    """There are tests, and no result of any."""
    NO_TEST = "no test"
    """It is testable, and nothing tests it."""
    ANALYSIS = "analysis"
    """An argument shows it, no test."""
    NOT_TESTABLE = "not testable"
    """It cannot be shown here, for a stated reason."""


UNLESS_KNOWN = {Standing.SHOWN: Standing.PART, Standing.NO_TEST: Standing.NOT_RUN}
"""What can be said if there may be tests that nobody knows of."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One test and what came of it; its cases with different parameters are one."""

    test: str
    sentence: str
    outcome: str
    """The worst of its cases."""
    cases: int
    parameters: tuple[tuple[str, str], ...] = ()
    """What each of its cases is called, with what came of it, if it has any."""


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement with everything that it is linked to."""

    requirement: Requirement
    standing: Standing
    evidence: tuple[Evidence, ...]
    formulas: tuple[Formula, ...]

    @property
    def words(self) -> str:
        """Return the standing, with how many of the tests were run if not all were."""
        if self.standing is not Standing.PART:
            return self.standing.value
        ran = sum(each.outcome == PASSED for each in self.evidence)
        known = len(self.evidence)
        share = f"{ran} of {known} run" if ran < known else f"{ran} run, others unknown"
        return f"{self.standing} ({share})"


@dataclass(frozen=True, slots=True)
class Gaps:
    """What the matrix lacks."""

    uncontrolled: tuple[str, ...]
    """Hazards of a class with a claim that no requirement controls."""
    unclaimed: tuple[str, ...]
    """Hazards for which the device claims nothing, and that no requirement controls."""
    untested: tuple[str, ...]
    """Requirements that a test should verify and none does."""
    suspect: tuple[str, ...]
    analysed: dict[str, str]
    """Requirements shown by an argument, with it."""
    not_testable: dict[str, str]
    """Requirements that cannot be shown here, with the reason."""
    unlinked: tuple[str, ...]
    """Tests that verify no requirement."""

    @property
    def any(self) -> bool:
        """Whether there is a gap that somebody should close."""
        return bool(self.uncontrolled or self.untested or self.suspect)


@dataclass(frozen=True, slots=True)
class Matrix:
    """Both ways: rows by requirement, and hazards with the requirements that control them."""

    sources: Sources
    rows: tuple[Row, ...]
    tests: tuple[CollectedTest, ...]
    outcomes: dict[str, str]
    """By the tests' ids; a test that is not there was not run."""
    gaps: Gaps

    def controls(self, hazard: str) -> tuple[Row, ...]:
        """Return the rows of the requirements that control a hazard."""
        return tuple(row for row in self.rows if hazard in row.requirement.hazards)

    def formulas_of(self, hazard: str) -> tuple[Formula, ...]:
        """Return the properties over time that speak of a hazard."""
        return tuple(each for each in self.sources.formulas.values() if hazard in each.hazards)

    def count(self, standing: Standing) -> int:
        """Return how many requirements stand so."""
        return sum(row.standing is standing for row in self.rows)


def build(
    sources: Sources,
    tests: Sequence[CollectedTest],
    accepted: Mapping[str, str],
    runs: Iterable[Run] = (),
    *,
    all_known: bool = True,
) -> Matrix:
    """Build the matrix of what there is.

    Unless all tests are known, nothing is wholly shown, and nothing is said to have no test.
    """
    outcomes = _outcomes(tests, runs)
    rows = tuple(_row(each, sources, tests, outcomes, accepted) for each in sources.requirements.values())
    if not all_known:
        rows = tuple(replace(row, standing=UNLESS_KNOWN.get(row.standing, row.standing)) for row in rows)
    return Matrix(sources, rows, tuple(tests), outcomes, _gaps(sources, rows, tests))


def _outcomes(tests: Iterable[CollectedTest], runs: Iterable[Run]) -> dict[str, str]:
    """Return each test's outcome: the worst, if several runs have one."""
    found: dict[str, str] = {}
    for run in runs:
        for result in run.results:
            if found.get(result.key) != FAILED and (result.key not in found or result.outcome != SKIPPED):
                found[result.key] = result.outcome
    return {test.id: found[test.key] for test in tests if test.key in found}


def _row(
    requirement: Requirement,
    sources: Sources,
    tests: Iterable[CollectedTest],
    outcomes: Mapping[str, str],
    accepted: Mapping[str, str],
) -> Row:
    evidence = tuple(_folded([test for test in tests if requirement.id in test.requirements], outcomes))
    formulas = tuple(each for each in sources.formulas.values() if requirement.id in each.requirements)
    return Row(requirement, _standing(requirement, evidence, accepted), evidence, formulas)


def _folded(tests: Iterable[CollectedTest], outcomes: Mapping[str, str]) -> Iterator[Evidence]:
    """Yield one evidence for each test function: with its parameter, if it is one case only."""
    functions: dict[str, list[CollectedTest]] = {}
    for test in tests:
        functions.setdefault(test.function, []).append(test)
    for function, cases in functions.items():
        came = [(case.parameter, outcomes.get(case.id, NOT_RUN)) for case in cases]
        worst = min((outcome for _, outcome in came), key=WORST_FIRST.index)
        name = cases[0].id if len(cases) == 1 else function
        yield Evidence(name, cases[0].sentence, worst, len(cases), tuple(each for each in came if each[0]))


def _standing(requirement: Requirement, evidence: Sequence[Evidence], accepted: Mapping[str, str]) -> Standing:
    outcomes = {each.outcome for each in evidence}
    if FAILED in outcomes:
        return Standing.FAILED
    if requirement.method == NONE:
        return Standing.NOT_TESTABLE
    if evidence and accepted.get(requirement.id) != requirement.fingerprint:
        return Standing.SUSPECT
    if PASSED in outcomes:
        return Standing.SHOWN if outcomes == {PASSED} else Standing.PART
    if requirement.method == ANALYSIS:
        return Standing.ANALYSIS
    return Standing.NOT_RUN if evidence else Standing.NO_TEST


def _gaps(sources: Sources, rows: Sequence[Row], tests: Iterable[CollectedTest]) -> Gaps:
    controlled = {hazard for row in rows for hazard in row.requirement.hazards}
    loose = [hazard for hazard in sources.hazards.values() if hazard.id not in controlled]
    return Gaps(
        uncontrolled=tuple(hazard.id for hazard in loose if hazard.claim != CLINICAL),
        unclaimed=tuple(hazard.id for hazard in loose if hazard.claim == CLINICAL),
        untested=tuple(_ids(row for row in rows if row.standing is Standing.NO_TEST)),
        suspect=tuple(_ids(row for row in rows if row.standing is Standing.SUSPECT)),
        analysed={row.requirement.id: row.requirement.because for row in rows if row.requirement.method == ANALYSIS},
        not_testable={row.requirement.id: row.requirement.because for row in rows if row.requirement.method == NONE},
        unlinked=tuple(test.id for test in tests if not test.requirements),
    )


def _ids(rows: Iterable[Row]) -> Iterator[str]:
    return (row.requirement.id for row in rows)
