"""``thecal control``: work the bench of a running pump, through its local socket."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from emulator.bench import FAULTS
from emulator.programmer.words import clock
from emulator.workups.finding import Workup
from protocol.units import Milliseconds, Nanolitres, PicogramsPerNanolitre
from thecal.control_server import ask
from thecal.failures import Failure
from thecal.output import emit, say
from thecal.quantities import CONCENTRATION, DURATION, SPEED, VOLUME


@click.group()
@click.option(
    "--control",
    "place",
    envvar="THECAL_CONTROL",
    type=click.Path(path_type=Path),
    help="The socket that the pump was started with.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the bench's answer as JSON.")
@click.pass_context
def control(ctx: click.Context, place: Path | None, as_json: bool) -> None:
    """Work the bench of a running pump: time, faults, power.

    This is the laboratory around the pump. None of it can be reached over the clinical wire.

    \b
    Examples:
      thecal control --control /tmp/bench/pump advance "2 h"
      thecal control --control /tmp/bench/pump inject motor_stall
      thecal control --control /tmp/bench/pump truth
    """
    ctx.obj = {"place": place, "as_json": as_json}


def _ask(ctx: click.Context, command: str, **details: Any) -> None:
    """Send a request, show the answer, and fail with the bench's reason if it did not do it."""
    if ctx.obj["place"] is None:
        raise click.UsageError("which pump? Give --control before the command, or set THECAL_CONTROL")
    answer = ask(ctx.obj["place"], {"do": command, **details})
    if ctx.obj["as_json"]:
        emit(answer)
    if not answer.pop("ok"):
        raise Failure(str(answer.get("error", "the bench did not do it")))
    if not ctx.obj["as_json"]:
        for name, value in answer.items():
            say(f"{name}: {_shown(name, value)}")


def _shown(name: str, value: Any) -> str:
    """Return a value with its unit, told from the end of its name."""
    if isinstance(value, int) and not isinstance(value, bool):
        if name.endswith("_ms"):
            return f"{value} ms ({clock(value)})"
        if name.endswith("_nl"):
            return f"{value} nL ({Nanolitres(value)})"
    return str(value)


@control.command()
@click.argument("span", type=DURATION)
@click.pass_context
def advance(ctx: click.Context, span: Milliseconds) -> None:
    """Let simulated time pass at once, such as "2 h"."""
    _ask(ctx, "advance", time=str(span))


@control.command()
@click.pass_context
def freeze(ctx: click.Context) -> None:
    """Stop simulated time; "speed x1" lets it run again."""
    _ask(ctx, "speed", factor=0)


@control.command()
@click.argument("factor", type=SPEED)
@click.pass_context
def speed(ctx: click.Context, factor: int) -> None:
    """Let simulated time run at a factor: x1, x60, freeze."""
    _ask(ctx, "speed", factor=factor)


@control.command()
@click.pass_context
def jump(ctx: click.Context) -> None:
    """Go to the next thing that will happen: a stroke, an alarm, the end of a bolus."""
    _ask(ctx, "jump")


@control.command()
@click.pass_context
def time(ctx: click.Context) -> None:
    """Show simulated time, its speed and the next event."""
    _ask(ctx, "time")


@control.command(
    help=f"""Make something fail: {", ".join(sorted(FAULTS))}.

    Settings are numbers, words, shares such as 70%, or quantities with their unit, such as "lasts=2 h"."""
)
@click.argument("fault")
@click.argument("settings", nargs=-1, metavar="[NAME=VALUE]...")
@click.pass_context
def inject(ctx: click.Context, fault: str, settings: tuple[str, ...]) -> None:
    """Send the fault and its settings to the bench."""
    _ask(ctx, "inject", fault=fault, settings=_settings(settings))


@control.command()
@click.argument("fault")
@click.pass_context
def clear(ctx: click.Context, fault: str) -> None:
    """Take a fault away."""
    _ask(ctx, "clear", fault=fault)


@control.command("cut-power")
@click.pass_context
def cut_power(ctx: click.Context) -> None:
    """Take the pump's power away."""
    _ask(ctx, "cut_power")


@control.command("restore-power")
@click.pass_context
def restore_power(ctx: click.Context) -> None:
    """Give the pump its power back."""
    _ask(ctx, "restore_power")


@control.command()
@click.pass_context
def truth(ctx: click.Context) -> None:
    """Show what physically happened, which the pump itself cannot know."""
    _ask(ctx, "truth")


@control.command()
@click.pass_context
def patient(ctx: click.Context) -> None:
    """Show what can be seen of the patient under the pump."""
    _ask(ctx, "patient")


@control.command(help=f"Order an examination of pump and patient: {', '.join(workup.value for workup in Workup)}.")
@click.argument("workup")
@click.pass_context
def order(ctx: click.Context, workup: str) -> None:
    """Have the examination carried out, with what it does to the pump."""
    _ask(ctx, "order", workup=workup)


@control.command("reset-valve")
@click.pass_context
def reset_valve(ctx: click.Context) -> None:
    """Open a flow-activated valve that has shut, by hand."""
    _ask(ctx, "reset_valve")


@control.command("empty-line")
@click.pass_context
def empty_line(ctx: click.Context) -> None:
    """Take all drug out of tubing and catheter, as at an implantation: saline stands in them."""
    _ask(ctx, "empty_line")


@control.command()
@click.argument("volume", type=VOLUME)
@click.option("--drug", help="What is filled in; without it, what was in there before.")
@click.option("--concentration", type=CONCENTRATION, help="Of that drug.")
@click.pass_context
def refill(
    ctx: click.Context, volume: Nanolitres, drug: str | None, concentration: PicogramsPerNanolitre | None
) -> None:
    """Empty the reservoir and fill it with VOLUME: with the needle, not by telling the pump."""
    if (drug is None) != (concentration is None):
        raise click.UsageError("--drug and --concentration belong together")
    fluid = {} if drug is None else {"drug": drug, "concentration": str(concentration)}
    _ask(ctx, "refill", volume=str(volume), **fluid)


def _settings(texts: tuple[str, ...]) -> dict[str, Any]:
    """Return the settings by name; ``click.BadParameter`` for a text that is none."""
    settings = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise click.BadParameter(f"“{text}” is no setting; write NAME=VALUE")
        settings[name] = _value(value)
    return settings


def _value(value: str) -> Any:
    """Read a setting: true or false, a whole number, or a word or quantity whose meaning the bench knows."""
    if value in {"true", "false"}:
        return value == "true"
    return int(value) if re.fullmatch(r"0|-?[1-9][0-9]{0,17}", value) else value
