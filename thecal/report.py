"""``thecal verify report``: the evidence on one page and in one folder."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from emulator.journal import JournalDamagedError, read_journal
from thecal.failures import FAILURE_FOUND, OutsideMissing
from thecal.matrix import FILE, JUNIT, TESTS, TestsBroken, results_in, runs_of, sources, tests_of
from thecal.output import bad, doubtful, good, say, tell
from thecal.writing import FOLDER, writing
from verify.judge import UnjudgeableError, judge
from verify.properties import load_properties
from verify.report.counterexamples import counterexamples, dose_svg
from verify.report.evidence import Evidence, EvidenceError, bank_entries, read_faults, read_mutants, read_verdict
from verify.report.folder import FolderError, differences, withdrawn, write_folder
from verify.report.origin import commit_of, now, versions
from verify.report.page import page
from verify.report.parts import Grade, parts, whole
from verify.trace.collected import CollectedTest, recorded
from verify.trace.links import load_accepted
from verify.trace.matrix import build
from verify.trace.results import Run
from verify.trace.sdoc import as_sdoc
from verify.trace.tables import as_csv, as_json
from verify.verdict import VIOLATED

COLOUR = {Grade.GOOD: good, Grade.FAILED: bad, Grade.INCOMPLETE: doubtful, Grade.NOT_RUN: doubtful}
PAGE = "report.html"


@click.command()
@click.argument("out", type=FOLDER)
@JUNIT
@click.option("--mutants", type=FILE, help="What “thecal verify mutants --json” wrote.")
@click.option("--faults", type=FILE, help="What “thecal faults run --all --json” wrote.")
@click.option("--verdict", "verdicts", type=FILE, multiple=True, help="What “thecal verify judge --json” wrote.")
@click.option(
    "--journal", "journals", type=FILE, multiple=True, help="A journal: judged, and drawn if it breaks a claim."
)
@TESTS
@click.option("--check", is_flag=True, help="Compare a report's folder with its manifest, and write nothing.")
@click.pass_context
def report(
    ctx: click.Context,
    out: Path,
    junit_files: tuple[Path, ...],
    mutants: Path | None,
    faults: Path | None,
    verdicts: tuple[Path, ...],
    journals: tuple[Path, ...],
    tests_file: Path | None,
    check: bool,
) -> None:
    """Collect evidence in the folder OUT: one page, the matrix, copies of all that went in, and a manifest.

    It runs nothing but the counterexamples that a run has found, to tell their stories. What is not given as a file
    is shown as not run.

    \b
    Examples:
      pytest -m safety --junit-xml junit.xml
      thecal verify report evidence-out --junit junit.xml
      thecal verify report --check evidence-out

    Exit code 1 if something failed, which the report then tells, or if the folder differs from its manifest. A report
    that is merely incomplete says so on its first line, and is exit code 0. An old report's page is taken away first.
    """
    if check:
        ctx.exit(_check(out))
    with withdrawn(out, PAGE):
        given = Given(results_in(junit_files), mutants, faults, verdicts, journals, tests_file)
        try:
            evidence = _evidence(given)
        except EvidenceError as error:
            raise click.UsageError(str(error)) from None
        _write(out, evidence, given.files())
    every = parts(evidence)
    grade = whole(every)
    say(COLOUR[grade](f"{grade}: {out / PAGE}"))
    for part in every:
        say(f"  {COLOUR[part.grade](part.grade.value):<10}  {part.name}: {part.words}")
    ctx.exit(FAILURE_FOUND if grade is Grade.FAILED else 0)


class Given(NamedTuple):
    """The files that a report is made of."""

    junit: tuple[Path, ...]
    mutants: Path | None
    faults: Path | None
    verdicts: tuple[Path, ...]
    journals: tuple[Path, ...]
    tests: Path | None

    def files(self) -> list[Path]:
        """Return all of them."""
        single = (self.mutants, self.faults, self.tests)
        return [*self.junit, *self.verdicts, *self.journals, *(path for path in single if path)]


def _evidence(given: Given) -> Evidence:
    runs = runs_of(given.junit)
    tests, broken = _tests(given.tests, runs)
    judged = {path.name: read_verdict(path) for path in given.verdicts}
    judged |= {path.name: _judged(path) for path in given.journals}
    return Evidence(
        matrix=build(sources(), tests, load_accepted(), runs, all_known=not broken),
        commit=commit_of(Path.cwd()),
        made_at=now(),
        versions=versions(),
        runs=runs,
        broken=broken,
        mutants=read_mutants(given.mutants) if given.mutants else None,
        bank=bank_entries() if given.mutants else frozenset(),
        faults=read_faults(given.faults) if given.faults else None,
        verdicts=judged,
        plots={path.name: _drawn(path) for path in given.journals if judged[path.name]["verdict"] == VIOLATED},
    )


def _tests(path: Path | None, runs: Iterable[Run]) -> tuple[tuple[CollectedTest, ...], str]:
    """Return the tests; if they cannot be collected, those that there are results of, and why."""
    try:
        return tests_of(path), ""
    except TestsBroken as error:
        return recorded(result for run in runs for result in run.results), error.format_message()


def _write(out: Path, evidence: Evidence, given: list[Path]) -> None:
    tell(f"writing {out} …")
    texts = {
        PAGE: page(evidence),
        "matrix.json": json.dumps(as_json(evidence.matrix), ensure_ascii=False, indent=1),
        "matrix.csv": as_csv(evidence.matrix),
        "requirements.sdoc": as_sdoc(evidence.matrix),
        **{example.file: example.told.script.text() for example in counterexamples(evidence.results)},
    }
    try:
        with writing(out):
            write_folder(out, texts, given)
    except FolderError as error:
        raise click.UsageError(str(error)) from None


def _check(out: Path) -> int:
    try:
        wrong = differences(out)
    except FolderError as error:
        raise OutsideMissing(str(error)) from None
    for words in wrong:
        say(bad(words))
    if not wrong:
        say(good(f"{out} is as its manifest says"))
    return FAILURE_FOUND if wrong else 0


def _judged(path: Path) -> Mapping[str, Any]:
    try:
        events = read_journal(io.StringIO(path.read_text("utf-8")))
        return judge(events, properties=load_properties()).as_json()
    except (OSError, UnicodeDecodeError, JournalDamagedError, UnjudgeableError) as error:
        raise EvidenceError(f"{path} cannot be judged: {error}") from None


def _drawn(path: Path) -> str:
    return dose_svg(read_journal(io.StringIO(path.read_text("utf-8"))))
