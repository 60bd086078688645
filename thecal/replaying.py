"""``thecal verify replay``: a run that was kept as a script, played again step by step, with its story."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import click

from thecal.drawing import draw
from thecal.failures import FAILURE_FOUND, WRONG_USAGE
from thecal.output import bad, emit, good, say, tell
from thecal.writing import OutputFile, write_text
from verify.scripts.catalogue import ACTIONS
from verify.scripts.reading import ScriptError, read_script
from verify.scripts.script import Script
from verify.scripts.shorten import shortened
from verify.scripts.told import replay


class NoScript(click.ClickException):
    """A file that cannot be played."""

    exit_code = WRONG_USAGE


@click.command("replay")
@click.argument("script", type=click.File("r", encoding="utf-8"))
@click.option("--json", "as_json", is_flag=True, help="Write the story as JSON.")
@click.option("--journal", type=OutputFile(), help="Keep the journal of the run in this file.")
@click.option("--plot", type=OutputFile(), help="Draw the dose plot into this SVG file.")
@click.option("--chart", is_flag=True, help="Draw the dose plot in the terminal.")
@click.option(
    "--shorten",
    type=OutputFile(),
    help="Look for a shorter script that breaks the same, and write it to this file.",
)
@click.pass_context
def replay_script(
    ctx: click.Context,
    script: io.TextIOBase,
    as_json: bool,
    journal: Path | None,
    plot: Path | None,
    chart: bool,
    shorten: Path | None,
) -> None:
    """Play a SCRIPT again, exactly as it was, and tell its story: when, who, what the pump did, what broke.

    Scripts come from the property suites and “thecal verify soak”; they can be written by hand, too. “-” reads
    standard input.

    Exit code 0: nothing is broken. 1: something is. 2: the file is no script of this version.
    """
    played = _read(script)
    if shorten:
        tell("looking for a shorter script that breaks the same")
        played = shortened(played)
    told = replay(played)
    if shorten:
        story = played.story or told.broken_words
        write_text(shorten, replace(played, story=story).text())
    if journal:
        write_text(journal, "".join(line + "\n" for line in told.journal))
    if plot or chart:
        draw(told.events, plot, chart=chart)
    if as_json:
        emit(told.as_json())
    else:
        for line in told.lines():
            say(line)
        say(good("nothing is broken") if told.holds else bad("broken"))
    ctx.exit(0 if told.holds else FAILURE_FOUND)


def _read(script: io.TextIOBase) -> Script:
    name = getattr(script, "name", "the script")
    try:
        return read_script(script.read())
    except UnicodeDecodeError:
        raise NoScript(f"{name} is no script: it is not text") from None
    except ScriptError as error:
        raise NoScript(f"{name} cannot be played: {error}") from None


@click.command("actions")
@click.option("--json", "as_json", is_flag=True, help="Write the list as JSON.")
def list_actions(as_json: bool) -> None:
    """List what can happen in a script: every action, who does it, and what its arguments may be."""
    if as_json:
        emit(
            [
                {
                    "action": action.name,
                    "who": action.who.value,
                    "words": action.words,
                    "arguments": {name: domain.words() for name, domain in action.domains.items()},
                }
                for action in ACTIONS.values()
            ]
        )
        return
    for action in ACTIONS.values():
        say(f"{action.name}  ({action.who.value})  {action.words}")
        for name, domain in action.domains.items():
            say(f"    {name}: {domain.words()}")
