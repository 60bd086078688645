"""What each part of the evidence comes to, and all of them together.

There are four words and only one is good. The whole is as bad as its worst part: *failed* if any failed, and
*incomplete* if anything was not run or has a gap, whatever else was shown.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple

from verify.report.evidence import NOTHING_SHOWN, VIOLATED, Evidence, formula_rows
from verify.trace.matrix import NOT_RUN, Standing
from verify.trace.results import FAILED, PASSED, SKIPPED
from verify.verdict import HOLDS, INCOMPLETE

WHY = {Standing.PART: " (passed what was run, and some of their tests were not run)"}
BY_ANOTHER = "noticed by another"
KILLED = ("killed", BY_ANOTHER, "equivalent")


class Grade(enum.StrEnum):
    """What can be said of a part."""

    FAILED = "failed"
    INCOMPLETE = "incomplete"
    NOT_RUN = "not run"
    GOOD = "good"


class Part(NamedTuple):
    """One part of the evidence."""

    name: str
    grade: Grade
    words: str


def parts(evidence: Evidence) -> tuple[Part, ...]:
    """Return every part, run or not."""
    return tuple(
        part(evidence)
        for part in (_tests, _commit, _journals, _formulas, _premises, _mutants, _faults, _requirements, _reached)
    )


def whole(every: Iterable[Part]) -> Grade:
    """Return what the parts come to together."""
    grades = {part.grade for part in every}
    if Grade.FAILED in grades:
        return Grade.FAILED
    return Grade.GOOD if grades == {Grade.GOOD} else Grade.INCOMPLETE


def _tests(evidence: Evidence) -> Part:
    name = "tests"
    if evidence.broken:
        ran = evidence.outcomes
        words = f"{ran[PASSED]} passed, {ran[FAILED]} failed; others cannot even be collected: see under Failures why"
        return Part(name, Grade.FAILED, words)
    if not evidence.results:
        return Part(name, Grade.NOT_RUN, "no results of tests were given")
    counts = evidence.outcomes
    words = f"{counts[PASSED]} passed, {counts[FAILED]} failed, {counts[SKIPPED]} skipped"
    if counts[FAILED]:
        return Part(name, Grade.FAILED, words)
    return Part(name, Grade.INCOMPLETE if counts[SKIPPED] else Grade.GOOD, words)


def _commit(evidence: Evidence) -> Part:
    name = "one clean commit"
    said = evidence.commits()
    if not said:
        return Part(name, Grade.NOT_RUN, f"nothing was run; the report is made at {evidence.commit}")
    silent = "; a journal does not say its own" if evidence.verdicts else ""
    if set(said.values()) == {evidence.commit.name} and not evidence.commit.dirty:
        return Part(name, Grade.GOOD, f"{evidence.commit.name}, of {', '.join(said)}{silent}")
    others = "; ".join(f"{file}: {commit}" for file, commit in said.items())
    return Part(name, Grade.INCOMPLETE, f"{others}; the report is made at {evidence.commit}{silent}")


def _journals(evidence: Evidence) -> Part:
    name = "journals"
    if not evidence.verdicts:
        return Part(name, Grade.NOT_RUN, "no journal or judgement was given")
    said = {journal: verdict["verdict"] for journal, verdict in evidence.verdicts.items()}
    bad = [journal for journal, word in said.items() if word not in (HOLDS, INCOMPLETE)]
    if bad:
        return Part(name, Grade.FAILED, f"violated: {', '.join(bad)}")
    cut = [journal for journal, word in said.items() if word == INCOMPLETE]
    if cut:
        return Part(name, Grade.INCOMPLETE, f"{len(said)} judged, nothing violated; without an end: {', '.join(cut)}")
    return Part(name, Grade.GOOD, f"{len(evidence.verdicts)} judged, nothing violated")


def _formulas(evidence: Evidence) -> Part:
    name = "properties over time"
    rows = formula_rows(evidence)
    judged = [row for row in rows if row.outcome != NOT_RUN]
    if not judged:
        return Part(name, Grade.NOT_RUN, f"none of {len(rows)} was judged")
    violated = [row.id for row in judged if row.outcome == VIOLATED]
    if violated:
        return Part(name, Grade.FAILED, f"violated: {', '.join(violated)}")
    idle = [row.id for row in rows if row.outcome == NOTHING_SHOWN]
    missing = len(rows) - len(judged)
    words = f"{len(judged)} of {len(rows)} judged where runs passed; {len(idle)} with a premise never true"
    return Part(name, Grade.INCOMPLETE if idle or missing else Grade.GOOD, words)


def _premises(evidence: Evidence) -> Part:
    name = "premises of the suites"
    counted = list(evidence.premises())
    if not counted:
        return Part(name, Grade.NOT_RUN, "no suite that counts its premises was run")
    never = [premise for _, counts in counted for premise, count in counts.items() if not count]
    premises = sum(len(counts) for _, counts in counted)
    words = f"{premises} premises of {len(counted)} tests, {len(never)} never reached"
    return Part(name, Grade.INCOMPLETE if never else Grade.GOOD, words)


def _mutants(evidence: Evidence) -> Part:
    name = "mutants"
    if evidence.mutants is None:
        return Part(name, Grade.NOT_RUN, "no outcome of “thecal verify mutants --json” was given")
    results = [str(mutant.get("result", "unknown")) for mutant in evidence.mutants["mutants"]]
    bad = [result for result in results if result not in KILLED]
    known, others = evidence.tried & evidence.bank, evidence.tried - evidence.bank
    words = (
        f"{len(known)} of {len(evidence.bank)} tried: {results.count('killed')} noticed, "
        f"{results.count(BY_ANOTHER)} by another property than expected, {results.count('equivalent')} equivalent, "
        f"{len(bad)} not as declared"
    )
    if others:
        words += f"; {len(others)} of those tried are not, or not so, in this version"
    if not results:
        return Part(name, Grade.NOT_RUN, "none was tried")
    if bad:
        return Part(name, Grade.FAILED, words)
    return Part(name, Grade.GOOD if evidence.tried == evidence.bank else Grade.INCOMPLETE, words)


def _faults(evidence: Evidence) -> Part:
    name = "faults"
    if evidence.faults is None:
        return Part(name, Grade.NOT_RUN, "no outcome of “thecal faults run --all --json” was given")
    short = [row for row in evidence.fault_rows if not row.get("holds")]
    caused = {str(row["failure"]) for row in evidence.fault_rows}
    missing = [name for name in evidence.matrix.sources.hazards if name not in caused]
    words = (
        f"{len(evidence.fault_rows)} caused, {len(short)} not noticed as claimed, {len(missing)} hazards not caused"
    )
    if short:
        return Part(name, Grade.FAILED, words)
    return Part(name, Grade.INCOMPLETE if missing else Grade.GOOD, words)


def _requirements(evidence: Evidence) -> Part:
    name = "requirements"
    matrix = evidence.matrix
    counts = {standing: matrix.count(standing) for standing in Standing}
    words = ", ".join(f"{count} {standing}{WHY.get(standing, '')}" for standing, count in counts.items() if count)
    if counts[Standing.FAILED]:
        return Part(name, Grade.FAILED, words)
    shown = (Standing.SHOWN, Standing.ANALYSIS, Standing.NOT_TESTABLE)
    whole_matrix = all(standing in shown or not count for standing, count in counts.items())
    return Part(name, Grade.GOOD if whole_matrix and not matrix.gaps.any else Grade.INCOMPLETE, words)


def _reached(evidence: Evidence) -> Part:
    name = "states, events and alarms"
    covered = evidence.coverage
    if not covered.any:
        return Part(name, Grade.NOT_RUN, "nothing that was run counts them")
    gaps = [name for each in covered.lists for name in each.gaps]
    reached, excused = covered.reached, sum(len(each.excused) for each in covered.lists)
    met, places = covered.met
    words = (
        f"{reached} reached, {excused} excused, {len(gaps)} missing; "
        f"{met} of {places} places in the pictures reached, and the others may be impossible"
    )
    return Part(name, Grade.INCOMPLETE if gaps else Grade.GOOD, words)
