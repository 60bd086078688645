"""``thecal verify``: evidence about what an emulated pump did."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import click

from emulator.journal import Event, JournalDamagedError, read_journal
from thecal.drawing import draw
from thecal.failures import FAILURE_FOUND, GOOD, OUTSIDE_MISSING, WRONG_USAGE
from thecal.matrix import matrix
from thecal.mutants import mutants, suites
from thecal.output import bad, doubtful, emit, good, say
from thecal.replaying import list_actions, replay_script
from thecal.report import report
from thecal.soak import soak
from thecal.writing import OutputFile
from verify.formula_verdict import summary
from verify.judge import UnjudgeableError, judge
from verify.library import KnownLibrary, LibraryUnreadableError, read_library
from verify.properties import load_properties
from verify.verdict import HOLDS, INCOMPLETE, VIOLATED, Verdict

CODES = {HOLDS: GOOD, INCOMPLETE: OUTSIDE_MISSING, VIOLATED: FAILURE_FOUND}
COLOURS = {HOLDS: good, INCOMPLETE: doubtful, VIOLATED: bad}


@click.group()
def verify() -> None:
    """Check what an emulated pump did against what is claimed for it."""


verify.add_command(mutants)
verify.add_command(suites)
verify.add_command(matrix)
verify.add_command(report)
verify.add_command(replay_script)
verify.add_command(list_actions)
verify.add_command(soak)


@verify.command("judge")
@click.argument("journal", type=click.File("r", encoding="utf-8"))
@click.option("--json", "as_json", is_flag=True, help="Write the verdict as JSON.")
@click.option("--plot", type=OutputFile(), help="Draw the dose plot into this SVG file.")
@click.option("--chart", is_flag=True, help="Draw the dose plot in the terminal.")
@click.option(
    "--library",
    "library_file",
    type=click.File("r", encoding="utf-8"),
    help="The drug library that the journal names. [default: the shipped one, if it names that]",
)
@click.pass_context
def judge_journal(
    ctx: click.Context,
    journal: io.TextIOBase,
    as_json: bool,
    plot: Path | None,
    chart: bool,
    library_file: io.TextIOBase | None,
) -> None:
    """Judge a JOURNAL, independently of the pump that wrote it ("-" reads standard input).

    Claims are judged in code and once more by one-line formulas; a formula whose premise never came true has shown
    nothing and is named.

    Limits are those of the drug library that the journal names. Of one that is neither the shipped one nor given, the
    judge knows what the journal says of it, and no more; it says so.

    Exit code 0: everything claimed holds. 1: something is violated. 2: the file is no intact journal. 3: nothing is
    violated, but the journal has no end, as if lines were cut off.
    """
    events, library = _events(journal), _library(library_file)
    try:
        verdict = judge(events, properties=load_properties(), library=library)
    except UnjudgeableError as error:
        raise _NoJournal(f"the journal cannot be judged: {error}") from None
    if plot or chart:
        draw(events, plot, chart=chart)
    if as_json:
        emit(verdict.as_json())
    else:
        _show(verdict)
    ctx.exit(CODES[verdict.word])


class _NoJournal(click.ClickException):
    exit_code = WRONG_USAGE


def _events(journal: io.TextIOBase) -> Sequence[Event]:
    try:
        events = list(read_journal(journal))
    except (JournalDamagedError, UnicodeDecodeError) as error:
        raise _NoJournal(f"{getattr(journal, 'name', 'the journal')} is no intact journal: {error}") from None
    if not events:
        raise _NoJournal(f"{getattr(journal, 'name', 'the journal')} is empty: there is nothing to judge")
    return events


def _library(file: io.TextIOBase | None) -> KnownLibrary | None:
    try:
        return read_library(file.read()) if file else None
    except (LibraryUnreadableError, UnicodeDecodeError) as error:
        raise _NoJournal(f"{getattr(file, 'name', 'the file')} is no drug library: {error}") from None


def _show(verdict: Verdict) -> None:
    first, *rest = verdict.lines()
    say(COLOURS[verdict.word](first))
    for line in (*rest, *summary(verdict.formulas)):
        say(line)
