"""``thecal verify matrix``: from hazards to results and back, with the gaps."""

from __future__ import annotations

import os
from pathlib import Path

import click

from thecal.failures import FAILURE_FOUND, OutsideMissing
from thecal.needed import need
from thecal.output import bad, doubtful, emit, good, say, table, tell
from thecal.writing import OutputFile, write_text
from verify.tables import told_of
from verify.trace.collected import BrokenTestsError, CollectedTest, CollectionError, collect, read
from verify.trace.links import FILE as LINKS
from verify.trace.links import accept, load_accepted, read_accepted
from verify.trace.matrix import Matrix, Standing, build
from verify.trace.results import ResultsError, Run, read_run
from verify.trace.sdoc import as_sdoc
from verify.trace.sources import Sources, load_sources
from verify.trace.tables import as_csv, as_json

COLOUR = {Standing.SHOWN: good, Standing.FAILED: bad, Standing.SUSPECT: bad, Standing.NO_TEST: bad}
FILE = click.Path(dir_okay=False, path_type=Path)
"""One that is not there is told when it is read, so that a command can do first what must not be left undone."""
TESTS = click.option(
    "--tests", "tests_file", type=FILE, help="List of collected tests. [default: collect those of this clone]"
)
JUNIT = click.option(
    "--junit",
    "junit_files",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Results of pytest, or a folder of such; may be given again.",
)


def results_in(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the files that are named, and those in the folders that are."""
    found: list[Path] = []
    for path in paths:
        files = sorted(path.glob("*.xml")) if path.is_dir() else [path]
        if not files:
            raise click.UsageError(f"there is no .xml file in {path}")
        found += files
    return tuple(found)


@click.command()
@TESTS
@JUNIT
@click.option("--json", "as_json_", is_flag=True, help="Write everything as JSON.")
@click.option("--csv", "as_csv_", is_flag=True, help="Write one line for each hazard, requirement and test.")
@click.option("--gaps", "only_gaps", is_flag=True, help="Say only what is missing.")
@click.option("--sdoc", type=OutputFile(), help="Write a StrictDoc document, too.")
@click.option("--accept", "accepted", multiple=True, metavar="ID", help="Accept a requirement's text for its links.")
@click.pass_context
def matrix(
    ctx: click.Context,
    tests_file: Path | None,
    junit_files: tuple[Path, ...],
    as_json_: bool,
    as_csv_: bool,
    only_gaps: bool,
    sdoc: Path | None,
    accepted: tuple[str, ...],
) -> None:
    """Trace hazards to requirements, properties, tests and results, and back.

    \b
    Examples:
      thecal verify matrix --gaps
      thecal verify matrix --junit junit.xml --csv > matrix.csv
      thecal verify matrix --accept DOSE-01      after reading its tests again

    Exit code 1 if a test failed, a requirement has no test, its text has changed, or a hazard has no control.
    """
    if as_json_ and as_csv_:
        raise click.UsageError("give --json or --csv, not both")
    if accepted:
        _accept(accepted)
        return
    traced = build(sources(), tests_of(tests_file), load_accepted(), runs_of(results_in(junit_files)))
    if sdoc:
        write_text(sdoc, as_sdoc(traced))
        tell(f"written: {sdoc}")
    if as_json_:
        emit(as_json(traced))
    elif as_csv_:
        click.echo(as_csv(traced), nl=False)
    else:
        _show(traced, only_gaps=only_gaps)
    ctx.exit(FAILURE_FOUND if traced.gaps.any or traced.count(Standing.FAILED) else 0)


class TestsBroken(OutsideMissing):
    """The tests of the clone cannot be collected, because something in them is broken."""


def sources() -> Sources:
    """Return what can be linked. Raises ``TableError``."""
    return load_sources()


def tests_of(path: Path | None) -> tuple[CollectedTest, ...]:
    """Return the tests of a list, or else of the clone that is worked in."""
    if path:
        try:
            return read(path.read_text("utf-8"))
        except (OSError, CollectionError, UnicodeDecodeError) as error:
            raise click.UsageError(f"{path}: {error}") from None
    need("pytest", "hypothesis")
    tell("collecting the tests …")
    try:
        return collect(Path.cwd())
    except BrokenTestsError as error:
        raise TestsBroken(str(error)) from None
    except CollectionError as error:
        raise OutsideMissing(str(error)) from None


def runs_of(paths: tuple[Path, ...]) -> tuple[Run, ...]:
    """Return the runs that JUnit files hold."""
    try:
        return tuple(read_run(path) for path in paths)
    except ResultsError as error:
        raise click.UsageError(str(error)) from None


def _accept(names: tuple[str, ...]) -> None:
    known = sources().requirements
    for name in names:
        if name not in known:
            raise click.UsageError(f"“{name}” is no requirement")
    file = Path.cwd() / "verify" / LINKS
    if not os.access(file, os.W_OK):
        raise OutsideMissing(f"{file} cannot be written: accept in a clone, so that others see it")
    with told_of(str(file)):
        accepted = read_accepted(file.read_text("utf-8"))
    write_text(file, accept(accepted, [known[name] for name in names]))
    tell(f"{', '.join(names)}: accepted in {file}; commit it with the change")


def _show(traced: Matrix, *, only_gaps: bool) -> None:
    if not only_gaps:
        say(_by_hazard(traced))
        say("")
        say(_by_requirement(traced))
        say("")
    for line in _gaps(traced):
        say(line)
    counts = ", ".join(f"{traced.count(standing)} {standing}" for standing in Standing if traced.count(standing))
    say(f"{len(traced.rows)} requirements: {counts}")


def _by_hazard(traced: Matrix) -> str:
    rows: list[tuple[str, ...]] = [("hazard", "class", "controlled by", "properties")]
    for hazard in traced.sources.hazards.values():
        controls = " ".join(row.requirement.id for row in traced.controls(hazard.id))
        formulas = str(len(traced.formulas_of(hazard.id)))
        rows.append((hazard.id, hazard.claim, controls or doubtful("nothing"), formulas))
    return table(rows)


def _by_requirement(traced: Matrix) -> str:
    rows: list[tuple[str, ...]] = [("requirement", "standing", "tests", "properties", "text")]
    for row in traced.rows:
        standing = COLOUR.get(row.standing, doubtful)(row.words)
        counts = (str(len(row.evidence)), str(len(row.formulas)))
        rows.append((row.requirement.id, standing, *counts, row.requirement.text))
    return table(rows)


def _gaps(traced: Matrix) -> list[str]:
    gaps = traced.gaps
    named = [
        ("hazards without a control", gaps.uncontrolled),
        ("requirements without a test", gaps.untested),
        ("suspect: the text has changed since its tests were linked", gaps.suspect),
    ]
    lines = [bad(f"{words} ({len(names)}): {' '.join(names)}") for words, names in named if names]
    if gaps.unclaimed:
        lines.append(
            f"hazards for which the device claims nothing ({len(gaps.unclaimed)}): {' '.join(gaps.unclaimed)}"
        )
    lines += [f"shown by an argument: {name}: {because}" for name, because in gaps.analysed.items()]
    lines += [f"not testable here: {name}: {because}" for name, because in gaps.not_testable.items()]
    modules: dict[str, int] = {}
    for test in gaps.unlinked:
        module = test.partition("::")[0]
        modules[module] = modules.get(module, 0) + 1
    lines.append(f"tests that verify no requirement: {len(gaps.unlinked)} of {len(traced.tests)}")
    lines += [f"    {count:>5}  {module}" for module, count in sorted(modules.items())]
    return lines
