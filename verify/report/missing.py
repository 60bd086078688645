"""What is missing, by name: whatever keeps a report from being whole, so that nobody need search for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from verify.report.evidence import NOTHING_SHOWN, Evidence, formula_rows
from verify.trace.matrix import NOT_RUN, Standing
from verify.trace.results import SKIPPED

MOST = 40
"""So many names of a kind are told; the rest is counted."""


class Missing(NamedTuple):
    """Things of one kind that are not there."""

    words: str
    names: tuple[str, ...]

    @property
    def told(self) -> tuple[str, ...]:
        """Return as many names as a reader takes in."""
        return self.names[:MOST]

    @property
    def more(self) -> int:
        """Return how many others there are."""
        return len(self.names) - len(self.told)


def missing(evidence: Evidence) -> tuple[Missing, ...]:
    """Return every kind of which something is missing; what was not run at all is told by its part."""
    kinds = [*_of_matrix(evidence), *_of_runs(evidence), *_of_bank(evidence)]
    found = [Missing(words, tuple(names)) for words, names in kinds]
    return tuple(each for each in found if each.names)


def _of_matrix(evidence: Evidence) -> Iterator[tuple[str, Iterable[str]]]:
    matrix = evidence.matrix
    yield "hazards without a control", matrix.gaps.uncontrolled
    yield "requirements without a test", matrix.gaps.untested
    yield "requirements whose text has changed since its tests were linked", matrix.gaps.suspect
    if evidence.results:
        for standing, words in (
            (Standing.NOT_RUN, "requirements whose tests were not run"),
            (Standing.PART, "requirements shown in part: some of their tests were not run"),
        ):
            yield words, [row.requirement.id for row in matrix.rows if row.standing is standing]


def _of_runs(evidence: Evidence) -> Iterator[tuple[str, Iterable[str]]]:
    yield "tests that were skipped", [each.key for each in evidence.results if each.outcome == SKIPPED]
    rows = formula_rows(evidence)
    if any(row.outcome != NOT_RUN for row in rows):
        yield "properties over time that nothing judged", [row.id for row in rows if row.outcome == NOT_RUN]
    yield (
        "properties over time whose premise never came true",
        [row.id for row in rows if row.outcome == NOTHING_SHOWN],
    )
    yield (
        "premises that were never reached",
        [
            f"{premise} ({key})"
            for key, counts in evidence.premises()
            for premise, count in counts.items()
            if not count
        ],
    )
    if evidence.coverage.any:
        gaps = [name for each in evidence.coverage.lists for name in each.gaps]
        yield "states, changes, alarms and refusals that were never reached", gaps


def _of_bank(evidence: Evidence) -> Iterator[tuple[str, Iterable[str]]]:
    if evidence.mutants is not None:
        yield "mutants that were not tried", sorted(entry[0] for entry in evidence.bank - evidence.tried)
    if evidence.faults is not None:
        caused = {row["failure"] for row in evidence.fault_rows}
        yield (
            "failures that were not caused",
            [name for name in evidence.matrix.sources.hazards if name not in caused],
        )
