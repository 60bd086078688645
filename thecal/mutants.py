"""``thecal verify mutants`` and ``thecal verify suites``: the properties, and the proof that they can fail."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from thecal.failures import FAILURE_FOUND, Failure
from thecal.needed import need
from thecal.output import as_text, bad, emit, good, say, table, tell
from thecal.writing import OutputFile, write_text
from verify.mutants.bank import BankError, Mutant, chosen, load_bank
from verify.mutants.matrix import HEADINGS, as_json, described, rows, summary, word
from verify.mutants.run import Effort, TrialError, Verdict, baseline, needed, trials
from verify.mutants.trial import Tried
from verify.report.origin import ended, made
from verify.suites.registry import NAMES, suite_of

SEED = click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="Draw examples from this."
)
SCALE = click.option(
    "--scale", type=click.IntRange(min=1), default=1, show_default=True, help="So many times the smallest budget."
)
JSON = click.option("--json", "as_json_", is_flag=True, help="Write the result as JSON.")


@click.command()
@click.option("--only", multiple=True, metavar="NAME", help="A mutant, a layer or a file; may be given again.")
@click.option("--list", "only_list", is_flag=True, help="Say what is in the bank, and try nothing.")
@click.option("--jobs", type=click.IntRange(min=1), help="Trials at a time. [default: one for each core]")
@click.option("--every", is_flag=True, help="Let every property try, not only the first that notices.")
@SCALE
@SEED
@JSON
@click.option(
    "--out",
    type=OutputFile(),
    help="Write the outcomes as JSON to this file, for a report.",
)
@click.pass_context
def mutants(
    ctx: click.Context,
    only: tuple[str, ...],
    only_list: bool,
    jobs: int | None,
    every: bool,
    scale: int,
    seed: int,
    as_json_: bool,
    out: Path | None,
) -> None:
    """Seed failures of real devices into the pump, one by one, and see which property notices each.

    Exit code 0: each is noticed, but for those that nothing can notice. 1: one survives, or the bank does not fit
    the code.
    """
    bank = _bank(only)
    if only_list:
        _list(bank, as_json=as_json_)
        return
    need("hypothesis")
    effort = Effort(seed, scale, every)
    begun = made(Path.cwd(), seed=seed, scale=scale)
    unmutated = _unmutated(effort, needed(bank))
    verdicts = _tried(bank, effort, unmutated, jobs or os.cpu_count() or 1)
    outcome = as_json(unmutated, verdicts, ended(begun))
    if out is not None:
        write_text(out, as_text(outcome) + "\n")
    if as_json_:
        emit(outcome)
    else:
        _show(verdicts)
    ctx.exit(0 if all(verdict.as_declared for verdict in verdicts) else FAILURE_FOUND)


@click.command()
@click.option("--only", multiple=True, type=click.Choice(NAMES), help="One suite; may be given again.")
@SCALE
@SEED
@JSON
@click.pass_context
def suites(ctx: click.Context, only: tuple[str, ...], scale: int, seed: int, as_json_: bool) -> None:
    """Try every property on the code as it is.

    Exit code 0: all hold. 1: one does not, and its story is told.
    """
    need("hypothesis")
    tried = baseline(Effort(seed, scale), only or NAMES)
    broken = [each for each in tried if each.story is not None]
    if as_json_:
        emit({"holds": not broken, "properties": [each._asdict() for each in tried]})
    else:
        lines = [(each.name, _held(each), str(each.examples), f"{each.seconds:.2f}") for each in tried]
        say(table([("property", "result", "examples", "seconds"), *lines]))
        for each in broken:
            say(f"\n{bad(each.name)}\n{each.story}")
    ctx.exit(FAILURE_FOUND if broken else 0)


def _held(each: Tried) -> str:
    return good("holds") if each.story is None else bad("BROKEN")


def _bank(only: Sequence[str]) -> tuple[Mutant, ...]:
    try:
        bank = load_bank()
    except BankError as error:
        raise Failure(f"the bank does not fit the code: {error}") from None
    try:
        return chosen(bank, only)
    except BankError as error:
        raise click.UsageError(str(error)) from None


def _list(bank: Sequence[Mutant], *, as_json: bool) -> None:
    if as_json:
        emit([described(mutant) for mutant in bank])
        return
    for mutant in bank:
        say(f"{mutant.id}  {mutant.file}  {mutant.status}, expected: {mutant.expected}")
        say(f"    {mutant.story}")


def _unmutated(effort: Effort, names: Sequence[str]) -> tuple[Tried, ...]:
    tell(f"first the code as it is: {', '.join(names)}")
    unmutated = baseline(effort, names)
    for each in unmutated:
        if each.story is not None:
            raise Failure(f"{each.name} does not hold for the code as it is:\n{each.story}")
    return unmutated


def _tried(bank: Sequence[Mutant], effort: Effort, unmutated: Sequence[Tried], jobs: int) -> list[Verdict]:
    found: dict[str, Verdict] = {}
    try:
        for number, verdict in enumerate(trials(bank, effort, unmutated, jobs), 1):
            found[verdict.mutant.id] = verdict
            result = (good if verdict.as_declared else bad)(word(verdict))
            tell(f"{number}/{len(bank)}  {verdict.mutant.id}  {result}")
    except TrialError as error:
        raise Failure(f"a mutant cannot be tried: {error}") from None
    return [found[mutant.id] for mutant in bank]


def _show(verdicts: Sequence[Verdict]) -> None:
    say(table([HEADINGS, *rows(verdicts)]))
    say("")
    say(table(summary(verdicts)))
    for verdict in verdicts:
        if not verdict.as_declared:
            where = f" (expected: {verdict.mutant.expected}, suite {suite_of(verdict.mutant.expected)})"
            say(f"\n{bad(word(verdict))} {verdict.mutant.id} in {verdict.mutant.file}{where}\n{verdict.mutant.story}")
