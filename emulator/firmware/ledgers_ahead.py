"""The guard's ledgers after many equal strokes: which are certain to be granted, and what the rings hold then.

``guard`` and ``ledgers`` decide about one stroke; here is what they come to, stroke by stroke, when nothing but
strokes of one beat happens. The results are the same to the last bucket, and the tests hold both side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from emulator.firmware.beat import Beat
from emulator.firmware.guard import Ledger, Ring, Sizes, rotate
from emulator.firmware.ledgers import DrugLedgers, Ledgers

Masses = Mapping[int, int]
"""Picograms that one stroke moves, by drug code."""


def certain_strokes(ledgers: Ledgers, outlet_pg: Masses, tip_pg: Masses, beat: Beat, most: int, sizes: Sizes) -> int:
    """Return a number of strokes, at most ``most``, each of which the guard is certain to grant.

    Time only empties a ring, so what fits on top of it now will fit later; and no more strokes than fall into a
    ring's whole span are ever counted in it at once.
    """
    known = {entry.code for entry in ledgers}
    if any(mass and code not in known for masses in (outlet_pg, tip_pg) for code, mass in masses.items()):
        return 0
    in_hour = beat.most_in(sizes.hour_bucket_ms * sizes.hour_buckets)
    in_day = beat.most_in(sizes.day_bucket_ms * sizes.day_buckets)
    for code, outlet, tip in ledgers:
        for ledger, mass in ((outlet, outlet_pg.get(code, 0)), (tip, tip_pg.get(code, 0))):
            most = _fit(ledger.hour, sizes.hour_bucket_ms, ledger.limit_1h, mass, in_hour, most)
            most = _fit(ledger.day, sizes.day_bucket_ms, ledger.limit_24h, mass, in_day, most)
    return most


def _fit(ring: Ring, bucket_ms: int, limit: int, mass_pg: int, in_ring: int, most: int) -> int:
    room_pg = limit - ring.total
    if room_pg < 0 or not 0 <= ring.phase_ms < bucket_ms:
        return 0
    if room_pg >= mass_pg * min(in_ring, most):
        return most
    return room_pg // mass_pg


def ledgers_after(
    ledgers: Ledgers, outlet_pg: Masses, tip_pg: Masses, beat: Beat, at_ms: int, granted: int, sizes: Sizes
) -> Ledgers:
    """Return the ledgers at a time by which so many strokes of the beat have been granted, and no other."""
    after = []
    for code, outlet, tip in ledgers:
        outlet_mass, tip_mass = outlet_pg.get(code, 0), tip_pg.get(code, 0)
        outlet_after = _ledger_after(outlet, outlet_mass, beat, at_ms, granted, sizes)
        same = tip_mass == outlet_mass and tip == outlet
        tip_after = outlet_after if same else _ledger_after(tip, tip_mass, beat, at_ms, granted, sizes)
        after.append(DrugLedgers(code, outlet_after, tip_after))
    return tuple(after)


def _ledger_after(ledger: Ledger, mass_pg: int, beat: Beat, at_ms: int, granted: int, sizes: Sizes) -> Ledger:
    return ledger._replace(
        hour=ring_after(ledger.hour, sizes.hour_bucket_ms, mass_pg, beat, at_ms, granted),
        day=ring_after(ledger.day, sizes.day_bucket_ms, mass_pg, beat, at_ms, granted),
    )


def ring_after(ring: Ring, bucket_ms: int, mass_pg: int, beat: Beat, at_ms: int, granted: int) -> Ring:
    """Return a ring at a time by which so many strokes of the beat, of this mass each, have been granted."""
    aged = rotate(ring, at_ms, bucket_ms)
    if not granted or not mass_pg:
        return aged
    steps = (ring.phase_ms + at_ms) // bucket_ms
    size = len(ring.older)
    oldest = max(0, steps - size)
    begins = oldest * bucket_ms - ring.phase_ms
    fallen = beat.by_each(begins - 1, bucket_ms, steps - oldest + 1)
    newest_pg = mass_pg * (granted - fallen[-1])
    fresh = [mass_pg * (until - before) for before, until in pairwise(fallen)][::-1]
    older = (*[kept + new for kept, new in zip(aged.older, fresh, strict=False)], *aged.older[len(fresh) :])
    return Ring(aged.newest + newest_pg, older, aged.total + newest_pg + sum(fresh), aged.phase_ms)
