"""``thecal program prime``: fill the line with drug, so that it arrives when the therapy begins."""

from __future__ import annotations

import click

from protocol.units import Milliseconds, Nanolitres
from thecal.calling import Call, pass_call
from thecal.output import tell
from thecal.plain import plain
from thecal.quantities import DURATION, VOLUME
from thecal.visit import confirm, report, settle, visit


@click.command()
@click.option("--volume", type=VOLUME, help="Prime so much.  [default: all of the line that holds no drug]")
@click.option("--over", "duration", type=DURATION, help="How long it takes.  [default: the shortest that fits]")
@click.option("--line-emptied", is_flag=True, help="Tubing and catheter hold no drug: a new pump, or both rinsed.")
@click.option("--catheter-emptied", is_flag=True, help="The catheter alone holds none: it is new, or was aspirated.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@pass_call
def prime(
    call: Call,
    volume: Nanolitres | None,
    duration: Milliseconds | None,
    line_emptied: bool,
    catheter_emptied: bool,
    yes: bool,
) -> None:
    """Prime the line; no drug reaches the patient during it.

    The pump bounds it by the part of the line that holds no drug, and the limits at its outlet count it. Afterwards
    it goes on with what it did: a stopped pump stays stopped, a bolus delivers its remainder.

    \b
    Example:
      thecal program --port /tmp/thecal-pump prime --line-emptied
    """
    with visit(call) as programmer:
        programmer.interrogate()
        proposal = programmer.propose_prime(
            volume=None if volume is None else str(volume),
            duration=None if duration is None else str(duration),
            line_emptied=line_emptied,
            catheter_emptied=catheter_emptied,
        )
        tell(proposal.text().rstrip())
        confirm("Prime the line?", yes, prime=plain(proposal))
        report(call, settle(programmer, programmer.prime(proposal)), prime=plain(proposal))
