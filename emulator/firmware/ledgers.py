"""The guard's ledgers of every drug the pump may hold, at the outlet and at the tip.

A stroke needs the consent of all of them, all or nothing. A drug keeps its ledgers after a change of
prescription for as long as anything of it is counted in a window or stands in the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from emulator.firmware import guard
from emulator.firmware.guard import Ledger, Sizes


class DrugLedgers(NamedTuple):
    """One drug's ledgers: what leaves the pump, and what the same strokes push out at the tip."""

    code: int
    outlet: Ledger
    tip: Ledger


Ledgers = tuple[DrugLedgers, ...]


def advance_all(ledgers: Ledgers, elapsed_ms: int, sizes: Sizes) -> Ledgers:
    """Let pump time pass for every ledger."""
    return tuple(
        [
            DrugLedgers(code, guard.advance(outlet, elapsed_ms, sizes), guard.advance(tip, elapsed_ms, sizes))
            for code, outlet, tip in ledgers
        ]
    )


def grant(ledgers: Ledgers, outlet_pg: Mapping[int, int], tip_pg: Mapping[int, int]) -> tuple[Ledgers, bool]:
    """Grant a stroke that moves these masses, by drug code, out of the pump and out of the tip, or refuse it.

    A drug that has no ledger is never granted any mass.
    """
    known = {entry.code for entry in ledgers}
    if any(mass and code not in known for masses in (outlet_pg, tip_pg) for code, mass in masses.items()):
        return ledgers, False
    granted = []
    for code, outlet, tip in ledgers:
        outlet_after, outlet_ok = guard.commit(outlet, outlet_pg.get(code, 0))
        tip_after, tip_ok = guard.commit(tip, tip_pg.get(code, 0))
        if not (outlet_ok and tip_ok):
            return ledgers, False
        granted.append(DrugLedgers(code, outlet_after, tip_after))
    return tuple(granted), True


def observe(ledgers: Ledgers, outlet_pg: Mapping[int, int], tip_pg: Mapping[int, int]) -> Ledgers:
    """Count what moved without a grant."""
    return tuple(
        DrugLedgers(code, guard.observe(outlet, outlet_pg.get(code, 0)), guard.observe(tip, tip_pg.get(code, 0)))
        for code, outlet, tip in ledgers
    )


def all_lost(ledgers: Ledgers, sizes: Sizes) -> Ledgers:
    """Return the same drugs and limits with every ledger taken to be full."""
    return tuple(
        DrugLedgers(
            code,
            guard.lost_ledger(outlet.limit_1h, outlet.limit_24h, sizes),
            guard.lost_ledger(tip.limit_1h, tip.limit_24h, sizes),
        )
        for code, outlet, tip in ledgers
    )


def with_drugs(
    ledgers: Ledgers, limits: Mapping[int, tuple[int, int]], in_line: frozenset[int], sizes: Sizes
) -> Ledgers:
    """Return the ledgers for a new prescription: new limits for its drugs, fresh ledgers for new ones.

    A drug that is no longer prescribed keeps its ledgers and limits while it is counted or in the line.
    ``limits`` is the limit of the hour and of the day in picograms by drug code.
    """
    kept = [
        entry
        for entry in ledgers
        if entry.code not in limits
        and (entry.code in in_line or not (guard.is_spent(entry.outlet) and guard.is_spent(entry.tip)))
    ]
    by_code = {entry.code: entry for entry in ledgers}
    prescribed = []
    for code, (limit_1h, limit_24h) in limits.items():
        fresh = guard.new_ledger(limit_1h, limit_24h, sizes)
        entry = by_code.get(code, DrugLedgers(code, fresh, fresh))
        prescribed.append(
            DrugLedgers(
                code,
                guard.with_limits(entry.outlet, limit_1h, limit_24h),
                guard.with_limits(entry.tip, limit_1h, limit_24h),
            )
        )
    return tuple(prescribed + kept)
