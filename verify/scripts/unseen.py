"""What goes wrong outside of what a pump can know: catheter, needle, pocket, syringe, a drive that is out of true.

The pump must not mind: its limits hold for what it moves, and it alarms for none of this.
"""

from __future__ import annotations

from emulator.bench import BenchError
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from verify.scripts.action import Who, action, faulty, one_of
from verify.scripts.people import look_on, visit
from verify.scripts.run import SLOW, Run

CATHETER = ("cath_kink", "cath_occlusion", "cath_dislodged", "cath_disconnected", "cath_leak")
DRIVE = ("over_infusion", "under_infusion", "inaccuracy")
NEEDLE = ("refill_pocket", "refill_overfill", "pump_erosion", "access_port_bolus")


@action(
    Who.BENCH,
    faulty,
    fault=one_of(*CATHETER, *DRIVE, *NEEDLE),
    for_ms=one_of(MINUTE_MS, HOUR_MS, DAY_MS),
    seen_to=one_of(False, True),
)
def unseen(run: Run, fault: str, for_ms: int, seen_to: bool) -> None:
    """Something goes wrong that the pump cannot know; perhaps a clinician fills, and puts it right."""
    try:
        run.world.bench.inject(fault, lasts=for_ms)
    except BenchError:
        run.reached["no such fault in this pump"] += 1
    run.world.bench.advance(for_ms if run.rate < SLOW else min(for_ms, HOUR_MS))
    if seen_to:
        visit(run)


@action(Who.BENCH, faulty, fault=one_of("pump_flipped", "total_failure"), for_ms=one_of(MINUTE_MS, HOUR_MS, DAY_MS))
def silent(run: Run, fault: str, for_ms: int) -> None:
    """The pump cannot be heard, for it lies upside down or its processor is dead; then it is put right."""
    run.world.bench.inject(fault)
    look_on(run, "alarms")
    run.world.bench.advance(for_ms if run.rate < SLOW else min(for_ms, HOUR_MS))
    look_on(run, "therapy")
    visit(run)


@action(Who.BENCH, faulty, days=one_of(3, 30))
def leaking_battery(run: Run, days: int) -> None:
    """The battery leaks its charge away in days; after one of them somebody looks."""
    run.world.bench.inject("battery_premature", within=days * DAY_MS)
    run.world.bench.advance(DAY_MS if run.rate < SLOW else HOUR_MS)
    look_on(run, "battery")
    run.world.bench.clear("battery_premature")
