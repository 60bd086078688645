"""What the report is made of: files that other commands wrote, each of which may be missing.

A part whose file was not given is *not run*. That is never good, and never hidden.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from verify.mutants.bank import BankError, read_bank
from verify.report.coverage import Coverage, added, coverage
from verify.report.origin import Commit
from verify.trace.matrix import NOT_RUN, Matrix
from verify.trace.results import COUNTS, PASSED, REACHED, Result, Run
from verify.verdict import FORMULA

NOT_SAID = "not said"
Entry = tuple[str, str, str, str]
"""What a mutant is: its id, its file, the text that was there and the text that is there instead."""
HOLDS, VIOLATED, NOTHING_SHOWN = "holds", "violated", "nothing shown"
_EXAMPLES = re.compile(r"(\d+) passing")


class EvidenceError(Exception):
    """A file is not what it was given as. The message names it and says what is wrong."""


@dataclass(frozen=True)
class Evidence:
    """Everything that was given."""

    matrix: Matrix
    commit: Commit
    """Of the clone in which the report is made."""
    made_at: str
    versions: dict[str, str]
    runs: tuple[Run, ...] = ()
    broken: str = ""
    """Why the tests of the clone cannot be collected; empty if they can. The links are then those of the results."""
    mutants: Mapping[str, Any] | None = None
    """What ``thecal verify mutants --json`` wrote; None if it was not run."""
    bank: frozenset[Entry] = frozenset()
    """The mutants that this version has, to be compared with those that were tried."""
    faults: Mapping[str, Any] | None = None
    """What ``thecal faults run --all --json`` wrote; None if it was not run."""
    verdicts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Judgements by the name of the journal or verdict."""
    plots: Mapping[str, str] = field(default_factory=dict)
    """Dose plots as SVG, by the name of the journal that breaks a claim."""

    @cached_property
    def results(self) -> tuple[Result, ...]:
        """Return the results of all runs."""
        return tuple(result for run in self.runs for result in run.results)

    @property
    def fault_rows(self) -> Sequence[Mapping[str, Any]]:
        """Return the outcome of each failure that was caused."""
        return tuple((self.faults or {}).get("outcomes", ()))

    @property
    def tried(self) -> frozenset[Entry]:
        """Return the mutants that were tried."""
        return frozenset(_entry(mutant) for mutant in (self.mutants or {}).get("mutants", ()))

    def commits(self) -> dict[str, str]:
        """Return the commit that each piece of evidence says it is of, in words, by its name."""
        said = {run.name: run.properties.get("commit", NOT_SAID) for run in self.runs}
        for name, document in (("mutants", self.mutants), ("faults", self.faults)):
            if document is not None:
                made = document.get("made") or {}
                said[name] = str(Commit(made["commit"], made.get("dirty", True))) if made.get("commit") else NOT_SAID
        return said

    @property
    def outcomes(self) -> Counter[str]:
        """Return how many tests had which outcome."""
        return Counter(result.outcome for result in self.results)

    @cached_property
    def coverage(self) -> Coverage:
        """Return what all runs and judgements reached."""
        counted = [result.counts(COUNTS) for result in self.results]
        judged = [verdict.get("figures", {}).get("encounters", {}) for verdict in self.verdicts.values()]
        return coverage(added([*counted, *judged]))

    def premises(self) -> Iterator[tuple[str, Counter[str]]]:
        """Yield each test that counts its premises, with the counts."""
        for result in self.results:
            counts = result.counts(REACHED)
            if counts:
                yield result.key, counts


class FormulaRow(NamedTuple):
    """What is known of one property over time."""

    id: str
    words: str
    text: str
    requirements: tuple[str, ...]
    premises: int | None
    """How often its premise became true; None if no judgement says it, for lack of one or of a premise."""
    outcome: str


def formula_rows(evidence: Evidence) -> list[FormulaRow]:
    """Return every property with the worst outcome and the premises of all that was judged."""
    counted = added(result.counts(COUNTS) for result in evidence.results if result.outcome == PASSED)
    premises = Counter(
        {name.removeprefix(FORMULA): count for name, count in counted.items() if name.startswith(FORMULA)}
    )
    outcomes: dict[str, str] = dict.fromkeys(premises, HOLDS)
    unconditional = set()
    for verdict in evidence.verdicts.values():
        for formula in verdict.get("formulas", ()):
            name, outcome = formula["id"], formula["outcome"]
            if formula.get("premises") is None:
                unconditional.add(name)
            premises[name] += formula.get("premises") or 0
            outcomes[name] = _worse(outcomes.get(name), outcome)
    rows = []
    for each in evidence.matrix.sources.formulas.values():
        outcome = outcomes.get(each.id, NOT_RUN)
        true = None if each.id in unconditional or outcome == NOT_RUN else premises[each.id]
        if outcome == HOLDS and true == 0:
            outcome = NOTHING_SHOWN
        rows.append(FormulaRow(each.id, each.words, each.text, each.requirements, true, outcome))
    return rows


def _worse(one: str | None, other: str) -> str:
    order = (VIOLATED, HOLDS, "pending")
    return other if one is None else min(one, other, key=lambda word: order.index(word) if word in order else 0)


def examples_of(result: Result) -> int:
    """Return how many examples a test says it tried, or Hypothesis says it did."""
    own = number_of(result, "examples")
    return own or sum(int(count) for count in _EXAMPLES.findall(result.properties.get("hypothesis", "")))


def number_of(result: Result, name: str) -> int:
    """Return one of the figures that a test recorded, or nothing."""
    text = result.properties.get(name, "")
    return int(text) if text.isdecimal() else 0


def read_mutants(path: Path) -> Mapping[str, Any]:
    """Read the outcome of the mutants. Raises ``EvidenceError``."""
    value = _json(path)
    if not isinstance(value, dict) or not isinstance(value.get("mutants"), list):
        raise EvidenceError(f"{path} is not what “thecal verify mutants --json” writes: it has no list of mutants")
    return value


def bank_entries() -> frozenset[Entry]:
    """Return the mutants of this version, whether or not they fit its code. Raises ``EvidenceError``."""
    try:
        return frozenset(_entry(mutant._asdict()) for mutant in read_bank())
    except BankError as error:
        raise EvidenceError(f"the bank of mutants cannot be read: {error}") from None


def _entry(mutant: Mapping[str, Any]) -> Entry:
    return str(mutant.get("id")), str(mutant.get("file")), str(mutant.get("old")), str(mutant.get("new"))


def read_faults(path: Path) -> Mapping[str, Any]:
    """Read the outcome of the faults. Raises ``EvidenceError``."""
    value = _json(path)
    rows = value.get("outcomes") if isinstance(value, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "failure" in row for row in rows):
        raise EvidenceError(f"{path} is not what “thecal faults run --json” writes: it has no list of failures")
    return dict(value)


def read_verdict(path: Path) -> Mapping[str, Any]:
    """Read a judgement. Raises ``EvidenceError``."""
    value = _json(path)
    if not isinstance(value, dict) or "verdict" not in value:
        raise EvidenceError(f"{path} is not what “thecal verify judge --json” writes: it has no verdict")
    return value


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise EvidenceError(f"{path} cannot be read as JSON: {error}") from None
