"""``thecal verify report``: the evidence on one page and in one folder."""

from __future__ import annotations

import datetime
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from emulator.journal import JournalDamagedError, read_journal
from thecal.failures import FAILURE_FOUND, OutsideMissing
from thecal.matrix import FILE, JUNIT, TESTS, runs_of, sources, tests_of
from thecal.output import bad, doubtful, good, say, tell
from thecal.writing import FOLDER, writing
from verify.judge import UnjudgeableError, judge
from verify.properties import load_properties
from verify.report.counterexamples import counterexamples, dose_svg
from verify.report.evidence import Evidence, EvidenceError, read_faults, read_mutants, read_verdict
from verify.report.folder import FolderError, differences, write_folder
from verify.report.origin import commit_of, versions
from verify.report.page import page
from verify.report.parts import Grade, parts, whole
from verify.trace.links import load_accepted
from verify.trace.matrix import build
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

    Exit code 1 if something failed, or if the folder differs from its manifest. A report that is merely incomplete
    says so on its first line, and is exit code 0.
    """
    if check:
        ctx.exit(_check(out))
    try:
        judged = {path.name: read_verdict(path) for path in verdicts}
        judged |= {path.name: _judged(path) for path in journals}
        evidence = Evidence(
            matrix=build(sources(), tests_of(tests_file), load_accepted(), runs := runs_of(junit_files)),
            commit=commit_of(Path.cwd()),
            made_at=datetime.datetime.now(datetime.UTC).isoformat(sep=" ", timespec="seconds"),
            versions=versions(),
            runs=runs,
            mutants=read_mutants(mutants) if mutants else None,
            faults=read_faults(faults) if faults else None,
            verdicts=judged,
            plots={path.name: _drawn(path) for path in journals if judged[path.name]["verdict"] == VIOLATED},
        )
    except EvidenceError as error:
        raise click.UsageError(str(error)) from None
    given = [*junit_files, *verdicts, *journals, *(path for path in (mutants, faults, tests_file) if path)]
    _write(out, evidence, given)
    every = parts(evidence)
    grade = whole(every)
    say(COLOUR[grade](f"{grade}: {out / PAGE}"))
    for part in every:
        say(f"  {COLOUR[part.grade](part.grade.value):<10}  {part.name}: {part.words}")
    ctx.exit(FAILURE_FOUND if grade is Grade.FAILED else 0)


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
