"""``thecal faults``: every failure, and what notices it."""

from __future__ import annotations

from pathlib import Path

import click

from protocol.units import Picograms
from thecal.failures import FAILURE_FOUND
from thecal.output import NOT_CLINICAL, as_text, bad, emit, good, say, table, tell
from thecal.writing import OutputFile, write_text
from verify.faults.catalogue import PROFILES, Failure, failures
from verify.faults.report import Outcome
from verify.report.origin import ended, made
from verify.report.words import span

ID = click.Choice(sorted(failures()), case_sensitive=False)


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
@click.pass_context
def faults(ctx: click.Context, as_json: bool) -> None:
    """List every failure with class, alarm, deadline and how to cause it; "faults run" causes them.

    \b
    Examples:
      thecal faults
      thecal faults show CATH-KINK
      thecal faults run MOTOR-STALL VALVE-OPEN
      thecal faults run --all --json
    """
    if ctx.invoked_subcommand:
        return
    if as_json:
        emit([failure.as_json() for failure in failures().values()])
        return
    rows: list[tuple[str, ...]] = [("failure", "class", "alarm", "deadline", "how to cause it")]
    rows += [
        (failure.id, failure.claim, ", ".join(failure.alarms) or "-", failure.deadline or "-", failure.cause)
        for failure in failures().values()
    ]
    say(table(rows))
    say()
    say(f"Causes are commands of “thecal control” and “thecal program”, or deeds. {NOT_CLINICAL}")


@faults.command()
@click.argument("failure", type=ID)
@click.option("--json", "as_json", is_flag=True, help="Print the row as JSON.")
def show(failure: str, as_json: bool) -> None:
    """Show all that is known about one FAILURE."""
    row = failures()[failure]
    if as_json:
        emit(row.as_json())
        return
    say(f"{row.id}: {row.name} ({row.claim})")
    for label, text in _told(row):
        if text:
            say(f"  {label:<12} {text}")


def _told(row: Failure) -> list[tuple[str, str]]:
    return [
        ("pumps", ", ".join(row.profiles)),
        ("effect", row.effect),
        ("signs", row.signs),
        ("alarms", ", ".join(row.alarms)),
        ("deadline", row.deadline),
        ("flow", row.flow),
        ("cleared by", row.clears),
        ("found by", ", ".join(row.found_by)),
        ("caused by", row.cause),
        ("note", row.note),
    ]


@faults.command()
@click.argument("wanted", nargs=-1, type=ID, metavar="[FAILURE]...")
@click.option("--all", "everything", is_flag=True, help="Cause every failure.")
@click.option("--profile", "profiles", multiple=True, type=click.Choice(PROFILES), help="Only in this kind of pump.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="What chance is drawn from.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcomes as JSON.")
@click.option(
    "--out",
    type=OutputFile(),
    help="Write the outcomes as JSON to this file, for a report.",
)
@click.pass_context
def run(
    ctx: click.Context,
    wanted: tuple[str, ...],
    everything: bool,
    profiles: tuple[str, ...],
    seed: int,
    as_json: bool,
    out: Path | None,
) -> None:
    """Cause failures, each in a fresh pump two weeks into a therapy, and report what noticed them and how soon.

    Exit code 1 if any was not noticed as its class claims, or anything about it fell short.
    """
    from verify.faults.run import run as cause  # noqa: PLC0415 - listing needs no pump
    from verify.faults.run import runs  # noqa: PLC0415

    if everything == bool(wanted):
        raise click.UsageError("name the failures to cause, or give --all")
    chosen = list(runs(None if everything else wanted, profiles or None))
    if not chosen:
        raise click.UsageError(f"no pump of kind {', '.join(profiles)} can have {', '.join(wanted)}")
    begun, outcomes = made(Path.cwd(), seed=seed), []
    for number, (failure, profile) in enumerate(chosen, 1):
        tell(f"[{number}/{len(chosen)}] {failure.id}, {profile} pump: {failure.name}")
        outcomes.append(cause(failure, profile, seed))
    document = {"made": ended(begun), "outcomes": [outcome.as_json() for outcome in outcomes]}
    if out is not None:
        write_text(out, as_text(document) + "\n")
    if as_json:
        emit(document)
    else:
        say(
            table(
                [("failure", "pump", "noticed by", "after", "deadline", "reached", "patient"), *map(_row, outcomes)]
            )
        )
        for outcome in outcomes:
            for problem in outcome.problems:
                say(bad(f"{outcome.failure}, {outcome.profile}: {problem}"))
        short = sum(not outcome.holds for outcome in outcomes)
        verdict = f"{len(outcomes) - short} of {len(outcomes)} noticed as claimed"
        say((bad if short else good)(verdict))
    ctx.exit(0 if all(outcome.holds for outcome in outcomes) else FAILURE_FOUND)


def _row(outcome: Outcome) -> tuple[str, ...]:
    reached = Picograms(outcome.tip_pg)
    share = "" if outcome.reached_permille is None else f" ({outcome.reached_permille // 10} %)"
    return (
        outcome.failure if outcome.holds else bad(outcome.failure),
        outcome.profile,
        _short(outcome.noticed_by or "nothing"),
        _time(outcome.after_ms),
        _time(outcome.deadline_ms),
        f"{reached}{share}",
        ", ".join(outcome.harms).lower() or "well",
    )


def _time(span_ms: int | None) -> str:
    return span(span_ms) or "-"


def _short(words: str, most: int = 60) -> str:
    return words if len(words) <= most else f"{words[: most - 1]}…"
