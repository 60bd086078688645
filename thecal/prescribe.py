"""``thecal program set``: edit the prescription, review old against new, update, verify."""

from __future__ import annotations

from typing import Any

import click

from emulator.drug import Verdict
from emulator.programmer.draft import Draft
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done, Result
from emulator.programmer.review import Review
from emulator.programmer.view import PumpView
from emulator.programmer.week import EXAMPLE
from protocol.units import Milliseconds, Nanolitres, NanolitresPerDay, PicogramsPerDay
from thecal.calling import Call, pass_call
from thecal.failures import Failure
from thecal.looking import this_computers_time
from thecal.output import bad, tell
from thecal.plain import plain
from thecal.quantities import AMOUNT, CONCENTRATION, DAILY_DOSE, DOSE, DURATION, RATE, VOLUME, Amount
from thecal.visit import confirm, report, settle, visit


@click.command("set")
@click.option(
    "--fluid",
    multiple=True,
    type=(str, CONCENTRATION),
    metavar="DRUG CONCENTRATION",
    help="What is in the reservoir, primary drug first; repeat for a mixture.",
)
@click.option("--daily-dose", type=DAILY_DOSE, help="Infuse this much of the primary drug.")
@click.option("--rate", type=RATE, help="Infuse at this flow.")
@click.option("--flex", is_flag=True, help="Infuse by a weekly schedule of steps.")
@click.option(
    "--step",
    "steps",
    multiple=True,
    metavar="STEP",
    help="A step of the schedule, such as “mon-fri 06:00 3 mg/day”; every day begins with one at 00:00. Repeatable.",
)
@click.option(
    "--local-time",
    metavar="DAY TIME",
    help="What it is now for the patient, such as “mon 14:30”.  [default: this computer's, for a first schedule]",
)
@click.option("--minimum-rate", is_flag=True, help="Infuse at the pump's minimum rate; it still delivers drug.")
@click.option("--stopped", is_flag=True, help="Infuse nothing.")
@click.option("--patient-bolus", type=AMOUNT, help="Grant the patient boluses of this dose or volume …")
@click.option("--bolus-duration", type=DURATION, help="… over this time,")
@click.option("--bolus-lockout", type=DURATION, help="… this long after any bolus, programming or refill,")
@click.option("--bolus-count", type=click.IntRange(1, 255), help="… and so many in any 24 hours.")
@click.option("--no-patient-bolus", is_flag=True, help="Grant the patient none.")
@click.option(
    "--limit-1h", multiple=True, type=(str, DOSE), metavar="DRUG DOSE", help="Most of a drug in any hour; repeatable."
)
@click.option(
    "--limit-24h", multiple=True, type=(str, DOSE), metavar="DRUG DOSE", help="Most of a drug in any 24 hours."
)
@click.option("--low-reservoir", type=VOLUME, help="Volume at which the low-reservoir alarm is raised.")
@click.option("--bridge", type=RATE, help="Flow of the bridge after a change of fluid.  [default: worked out]")
@click.option("--no-bridge", metavar="REASON", help="Go without a bridge, and why.")
@click.option("--reason", default="", help="Why a soft limit is passed.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation after the review.")
@pass_call
def set_prescription(call: Call, reason: str, yes: bool, **entries: Any) -> None:
    """Change the prescription. What is not given stays as it is.

    Shows old against new, asks for confirmation, updates the pump and verifies what it then holds. Until the update
    is complete the pump goes on with the old prescription.

    \b
    Example:
      thecal program --port /tmp/thecal-pump set --fluid morphine "20 mg/mL" --daily-dose "1 mg/day" \\
          --patient-bolus "0.05 mg" --bolus-duration "10 min" --bolus-lockout "4 h" --bolus-count 4
      thecal program --port /tmp/thecal-pump set --flex --step "all 00:00 1 mg/day" \\
          --step "mon-fri 06:00 1.4 mg/day" --step "mon-fri 22:00 1 mg/day"
    """
    check_entries(entries)
    with visit(call) as programmer:
        view = programmer.interrogate()
        here = this_computers_time()
        programmer.edit(_anchored(drafted(_begun(programmer), entries), entries["local_time"], here, view))
        review = _reviewed(programmer, reason)
        tell(review.text().rstrip())
        _confirm(review, yes)
        result = settle(programmer, programmer.update(review))
        differences = _verify(programmer, result)
        found = "the pump does not hold what was reviewed; review it again" if differences else ""
        report(call, result, found, review=plain(review), differences=plain(differences))


def check_entries(entries: dict[str, Any]) -> None:
    """Refuse entries that contradict each other, or are incomplete; ``click.UsageError`` says which."""
    modes = [name for name in ("daily_dose", "rate", "flex", "minimum_rate", "stopped") if entries[name]]
    if len(modes) > 1:
        raise click.UsageError(f"choose one of {', '.join(map(_option, modes))}")
    parts = ("patient_bolus", "bolus_duration", "bolus_lockout", "bolus_count")
    given = [name for name in parts if entries[name] is not None]
    if given and len(given) < len(parts):
        raise click.UsageError(f"{', '.join(map(_option, parts))} belong together")
    if given and entries["no_patient_bolus"]:
        raise click.UsageError("choose --patient-bolus or --no-patient-bolus")
    if entries["steps"] and not entries["flex"]:
        raise click.UsageError("--step belongs to --flex; give both")
    if entries["flex"] and not entries["steps"] and entries["local_time"] is None:
        raise click.UsageError(f"--flex needs --step: {EXAMPLE}")
    if entries["bridge"] is not None and entries["no_bridge"] is not None:
        raise click.UsageError("choose --bridge or --no-bridge")
    if not any(entries.values()):
        raise click.UsageError("nothing to change; see “thecal program set --help”")


def drafted(
    draft: Draft,
    entries: dict[str, Any],
) -> Draft:
    """Return the draft with every entry made, in the order in which they depend on each other."""
    if entries["fluid"]:
        draft = draft.fluid(*((drug, str(concentration)) for drug, concentration in entries["fluid"]))
    draft = _with_mode(draft, entries["daily_dose"], entries["rate"], entries["minimum_rate"], entries["stopped"])
    if entries["steps"]:
        draft = draft.flex(*entries["steps"])
    draft = _with_bolus(
        draft, entries["patient_bolus"], entries["bolus_duration"], entries["bolus_lockout"], entries["bolus_count"]
    )
    if entries["no_patient_bolus"]:
        draft = draft.no_patient_bolus()
    for drug, dose in entries["limit_1h"]:
        draft = draft.limits(drug, hour=str(dose))
    for drug, dose in entries["limit_24h"]:
        draft = draft.limits(drug, day=str(dose))
    if entries["bridge"] is not None:
        draft = draft.bridge(str(entries["bridge"]))
    if entries["no_bridge"] is not None:
        draft = draft.no_bridge(entries["no_bridge"])
    low: Nanolitres | None = entries["low_reservoir"]
    return draft if low is None else draft.low_reservoir_at(str(low))


def _anchored(draft: Draft, local: str | None, here: str, view: PumpView) -> Draft:
    """Return the draft with its schedule set to the time that was given, or to this computer's if it has none yet."""
    if local is not None:
        return draft.now(here if local == "now" else local, view.therapy.pump_time)
    if draft.week is None or draft.week.anchor is not None:
        return draft
    tell(f"The schedule begins with this computer's time, {here.capitalize()}; --local-time says another.")
    return draft.now(here, view.therapy.pump_time)


def _begun(programmer: Programmer) -> Draft:
    """Return a draft of what the pump holds; an empty one if it holds no prescription: nothing is taken over."""
    return programmer.draft if programmer.draft.drugs else programmer.blank()


def _with_mode(
    draft: Draft, dose: PicogramsPerDay | None, rate: NanolitresPerDay | None, minimum: bool, stopped: bool
) -> Draft:
    if dose is not None:
        return draft.daily_dose(str(dose))
    if rate is not None:
        return draft.rate(str(rate))
    if minimum:
        return draft.minimum_rate()
    return draft.stopped() if stopped else draft


def _with_bolus(
    draft: Draft,
    amount: Amount | None,
    duration: Milliseconds | None,
    lockout: Milliseconds | None,
    count: int | None,
) -> Draft:
    if amount is None or count is None:
        return draft
    return draft.patient_bolus(str(amount), str(duration), str(lockout), count)


def _reviewed(programmer: Programmer, reason: str) -> Review:
    """Return the review, with the reason if it answers every finding."""
    review = programmer.review()
    answered = reason and review.findings and _soft_only(review)
    return programmer.justify(reason) if answered else review


def _soft_only(review: Review) -> bool:
    return all(finding.verdict is Verdict.SOFT for finding in review.findings)


def _confirm(review: Review, yes: bool) -> None:
    """Go on only with a review that may be sent, and with somebody's yes."""
    if not review.approved:
        words = "give --reason to pass a soft limit" if _soft_only(review) else "a hard limit is passed"
        raise Failure(f"not sent: {words}", {"result": "not_done", "words": words, "review": plain(review)})
    confirm("Send this prescription to the pump?", yes, review=plain(review))


def _verify(programmer: Programmer, result: Result) -> tuple[Any, ...]:
    """Return where the pump differs from what was reviewed, and say it."""
    if not isinstance(result, Done):
        return ()
    verified = programmer.verify()
    for change in verified.differences:
        tell(bad(f"the pump holds another {change.field}: {change.new} instead of {change.old}"))
    if verified.agrees:
        tell("verified: the pump holds what was reviewed")
    return verified.differences


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
