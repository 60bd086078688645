"""``thecal program``: what a clinician does with a programmer, as commands."""

from __future__ import annotations

import itertools
import json
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from emulator.library import Library
from emulator.programmer import words
from emulator.programmer.results import Done
from emulator.programmer.view import PumpView
from hw.ports import BAUD
from protocol.messages import LogEntry, SelfTestReport
from protocol.units import Milliseconds, Nanolitres
from protocol.vocabulary import AlarmCode
from thecal.calling import ROLES, Call, pass_call
from thecal.keys import KEY
from thecal.looking import SECTIONS, clocks_apart, documents, section_rows, this_computers_time
from thecal.making import DEFAULT_SERIAL, checked_serial
from thecal.output import bad, doubtful, emit, say, table, tell
from thecal.plain import plain
from thecal.prescribe import set_prescription
from thecal.prime import prime
from thecal.quantities import AMOUNT, DURATION, VOLUME, Amount
from thecal.recording import recording_options
from thecal.stopping import until_ctrl_c
from thecal.visit import carry_out, report, settle, visit

ALARMS = {code.name.lower(): code for code in AlarmCode}


@click.group()
@click.option("--port", envvar="THECAL_PORT", help="Where the pump is: a device, a link, or a URL.")
@click.option("--baud", default=BAUD, show_default=True, type=click.IntRange(min=1), help="Rate of a real port.")
@click.option("--key", type=KEY, envvar="THECAL_KEY", help="The pump's key; without it, the one kept for the serial.")
@click.option("--serial", callback=checked_serial, help=f"Talk to this pump only.  [key of: {DEFAULT_SERIAL}]")
@click.option(
    "--role", default="clinician", show_default=True, type=click.Choice(list(ROLES)), help="As whom to talk to it."
)
@click.option("--library", "library_path", type=click.Path(path_type=Path), help="The programmer's drug library.")
@recording_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@click.pass_context
def program(ctx: click.Context, /, **options: Any) -> None:
    """Program a pump, as a clinician would. Not for clinical use.

    \b
    Examples:
      thecal program --port /tmp/thecal-pump interrogate
      thecal program --port /tmp/thecal-pump set --fluid morphine "20 mg/mL" --daily-dose "1 mg/day"
      thecal program --port /tmp/thecal-pump bolus "0.1 mg" --over "10 min"
      thecal program --port /tmp/thecal-pump --json watch --count 5
    """
    ctx.obj = options


program.add_command(set_prescription)
program.add_command(prime)


@program.command()
@click.option("--section", "sections", multiple=True, type=click.Choice(SECTIONS), help="Show only this; repeatable.")
@pass_call
def interrogate(call: Call, sections: tuple[str, ...]) -> None:
    """Read everything that the pump knows about itself."""
    chosen = sections or SECTIONS
    with visit(call) as programmer:
        view = programmer.interrogate()
        here = this_computers_time()
        dates = programmer.dates() if "dates" in chosen else None
    if apart := clocks_apart(view, here):
        tell(doubtful(apart))
    if call.as_json:
        emit(documents(view, dates, chosen))
        return
    for name in chosen:
        say(f"{name.upper()}")
        say(table([("", *row) for row in section_rows(view, dates, name, call.library)]))
    if "alarms" in chosen:
        for alarm in view.alarms.alarms:
            say(bad(words.alarm_words(alarm)))


@program.command()
@click.argument("amount", type=AMOUNT)
@click.option("--over", "duration", required=True, type=DURATION, help="How long it takes.")
@click.option("--reason", default="", help="Why a soft limit is passed.")
@pass_call
def bolus(call: Call, amount: Amount, duration: Milliseconds, reason: str) -> None:
    """Give one bolus: AMOUNT is a dose of the primary drug, or a volume."""
    carry_out(call, lambda programmer: programmer.bolus(str(amount), str(duration), reason))


@program.command("patient-bolus")
@pass_call
def patient_bolus(call: Call) -> None:
    """Press the patient's button."""
    carry_out(call, lambda programmer: programmer.patient_bolus())


@program.command("cancel-bolus")
@pass_call
def cancel_bolus(call: Call) -> None:
    """End the running bolus; what was delivered stays counted."""
    carry_out(call, lambda programmer: programmer.cancel_bolus())


@program.command()
@pass_call
def stop(call: Call) -> None:
    """Stop the infusion."""
    with visit(call) as programmer:
        report(call, settle(programmer, programmer.stop()))


@program.command()
@pass_call
def start(call: Call) -> None:
    """Start or resume what is prescribed."""
    carry_out(call, lambda programmer: programmer.start())


@program.command()
@click.option("--residual", required=True, type=VOLUME, help="What was drawn out of the reservoir.")
@click.option("--contents", required=True, type=VOLUME, help="What is in the reservoir now.")
@pass_call
def refill(call: Call, residual: Nanolitres, contents: Nanolitres) -> None:
    """Tell the pump of a refill, and compare what was drawn out with its reckoning.

    A residual volume that does not fit is a failure found: exit code 1, and the refill is entered all the same.
    """
    with visit(call) as programmer:
        programmer.interrogate()
        entered, check = programmer.refill(str(residual), str(contents))
        if not call.as_json:
            say(check.words)
        found = check.words if check.flagged else ""
        report(call, settle(programmer, entered), found, residual=plain(check))


@program.command()
@click.option("--first", default=0, type=click.IntRange(min=0), help="Begin with this entry.")
@pass_call
def log(call: Call, first: int) -> None:
    """Read the pump's event log."""
    with visit(call) as programmer:
        entries = programmer.read_log(first)
    if call.as_json:
        emit([plain(entry) for entry in entries])
    elif entries:
        say(table([("entry", "pump time", "event", "subject", "value"), *map(_log_row, entries)]))


def _log_row(entry: LogEntry) -> tuple[str, ...]:
    kind = entry.kind.name.lower().replace("_", " ")
    return (str(entry.sequence), f"{entry.at.value} ms", kind, str(entry.subject), str(entry.value))


@program.command()
@click.option("--every", default="1 s", show_default=True, type=DURATION, help="Real time between two looks.")
@click.option("--count", type=click.IntRange(min=1), help="Look so often; until Ctrl-C if not given.")
@pass_call
def watch(call: Call, every: Milliseconds, count: int | None) -> None:
    """Look at the pump again and again. With --json, one document a line."""
    with until_ctrl_c() if count is None else nullcontext(), visit(call) as programmer:
        for look in itertools.count(1):
            view = programmer.interrogate()
            say(_sight_document(view) if call.as_json else _sight(view, call.library))
            if look == count:
                return
            time.sleep(every.value / 1_000)


def _sight_document(view: PumpView) -> str:
    shown = {
        "therapy": view.therapy,
        "reservoir": view.reservoir,
        "totals": view.totals,
        "alarms": view.alarms.alarms,
    }
    return json.dumps(plain(shown), ensure_ascii=False)


def _sight(view: PumpView, library: Library) -> str:
    """Return one line of what matters most."""
    doses = [
        f"{words.drug_name(drug.code, library)} {drug.outlet_24h} of {drug.limit_24h} in 24 h"
        for drug in view.totals.drugs
    ]
    return "  ".join(
        (
            words.clock(view.therapy.pump_time.value),
            view.therapy.state.name.lower().replace("_", " "),
            str(view.therapy.rate),
            f"{view.reservoir.computed} left",
            *doses,
            ", ".join(alarm.code.name.lower() for alarm in view.alarms.alarms) or "no alarm",
        )
    )


@program.command()
@pass_call
def silence(call: Call) -> None:
    """Silence the sounder for a while; it ends by itself."""
    carry_out(call, lambda programmer: programmer.silence())


@program.command()
@click.argument("alarm", type=click.Choice(list(ALARMS)))
@pass_call
def acknowledge(call: Call, alarm: str) -> None:
    """Clear an alarm whose cause is gone."""
    carry_out(call, lambda programmer: programmer.acknowledge(ALARMS[alarm]))


@program.command("self-test")
@pass_call
def self_test(call: Call) -> None:
    """Run the pump's self-tests; a failed one is a failure found."""
    with visit(call) as programmer:
        result = settle(programmer, programmer.self_test())
        failed = result.reply.failed if isinstance(result, Done) and isinstance(result.reply, SelfTestReport) else 0
        report(call, result, f"failed checks, one bit each: {failed:#06x}" if failed else "")


@program.command()
@click.argument("instant", default="now")
@pass_call
def clock(call: Call, instant: str) -> None:
    """Set the pump's wall clock to now, or to INSTANT, such as 2026-01-31T12:00Z. No dose depends on it."""
    unix_ms = _unix_ms(instant)
    carry_out(call, lambda programmer: programmer.set_clock(unix_ms))


def _unix_ms(text: str) -> int:
    try:
        instant = datetime.now(UTC) if text == "now" else datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"“{text}” is no time; write now, or 2026-01-31T12:00Z") from None
    if instant.tzinfo is None:
        raise click.BadParameter(f"“{text}” has no time zone; add Z, or an offset such as +02:00")
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    if since.days < 0:
        raise click.BadParameter(f"“{text}” is before 1970")
    return since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000
