"""The dose guard: the last word before every stroke.

Theory of operation
-------------------
The guard knows nothing of therapy. It is asked, for one drug at one place (the pump outlet or the catheter tip),
whether a mass may be delivered now, and answers from a ledger of what it granted before. Two rings of time
buckets, one for the hour and one for the day, hold the granted mass with its running sum. A ring has one bucket
more than its window needs, because the oldest bucket is only partly inside the window: so a ring always covers
at least the whole real window, and a sum within the limit at every grant means that no sliding window anywhere
passes the limit.

Buckets are 0.33 % longer than nominal (61 s for a minute, 903 s for a quarter of an hour), so that a clock that
runs up to 0.3 % fast still covers a real hour and a real day. The price is strictness: the ring of an hour can
look back up to 62.02 minutes, that of a day up to 24.33 hours.

What is granted counts as delivered, whatever happens afterwards. Nothing is ever refunded. A ledger that cannot
be read is full. A clock that seems to run backwards credits nothing.

Everything here is a pure, total function on immutable integers: any integers in, a ledger out, never an
exception, no unbounded loop. Widths, counts and limits are parameters so that it can be tried and proven with
small ones as well. Times are milliseconds, masses picograms.
"""

from __future__ import annotations

from typing import NamedTuple

FULL_PG = 1 << 62
"""What a lost ledger is taken to hold: above any limit, so nothing is granted until it has rotated out."""


class Sizes(NamedTuple):
    """Widths and counts of the buckets. ``hour_buckets`` and ``day_buckets`` include the one extra bucket."""

    hour_bucket_ms: int = 61_000
    hour_buckets: int = 61
    day_bucket_ms: int = 903_000
    day_buckets: int = 97


class Ring(NamedTuple):
    """Granted mass in time buckets: the newest apart, the others newest first, and the sum of all."""

    newest: int
    older: tuple[int, ...]
    total: int
    phase_ms: int
    """How much of the newest bucket's time has passed."""


class Ledger(NamedTuple):
    """The guard's whole memory for one drug at one place."""

    hour: Ring
    day: Ring
    limit_1h: int
    limit_24h: int
    overrun: bool
    """Latched: the drive moved more than was granted."""


def empty_ring(buckets: int) -> Ring:
    """Return a ring of ``buckets`` buckets that holds nothing."""
    return Ring(0, (0,) * (buckets - 1), 0, 0)


def new_ledger(limit_1h: int, limit_24h: int, sizes: Sizes) -> Ledger:
    """Return a ledger that has granted nothing yet."""
    return Ledger(empty_ring(sizes.hour_buckets), empty_ring(sizes.day_buckets), limit_1h, limit_24h, False)


def lost_ledger(limit_1h: int, limit_24h: int, sizes: Sizes) -> Ledger:
    """Return what an unreadable ledger is taken to be: full."""
    return _add(new_ledger(limit_1h, limit_24h, sizes), FULL_PG)


def rotate(ring: Ring, elapsed_ms: int, bucket_ms: int) -> Ring:
    """Let time pass: whole buckets that have gone by become older, and the oldest fall out."""
    if elapsed_ms <= 0:
        return ring
    steps, phase_ms = divmod(ring.phase_ms + elapsed_ms, bucket_ms)
    if steps <= 0:  # fewer than none: a phase that no ring of ours has; it credits nothing
        return Ring(ring.newest, ring.older, ring.total, phase_ms)
    size = len(ring.older)
    if steps > size:
        return Ring(0, (0,) * size, 0, phase_ms)
    older = ((0,) * (steps - 1) + (ring.newest,) + ring.older)[:size]
    return Ring(0, older, sum(older), phase_ms)


def advance(ledger: Ledger, elapsed_ms: int, sizes: Sizes) -> Ledger:
    """Let pump time pass. Time that did not pass for the pump (power off) must not be given here."""
    hour = rotate(ledger.hour, elapsed_ms, sizes.hour_bucket_ms)
    day = rotate(ledger.day, elapsed_ms, sizes.day_bucket_ms)
    return Ledger(hour, day, ledger.limit_1h, ledger.limit_24h, ledger.overrun)


def allows(ledger: Ledger, mass_pg: int) -> bool:
    """Whether this mass may be delivered now: both windows stay within their limits with all of it."""
    return (
        mass_pg >= 0
        and ledger.hour.total + mass_pg <= ledger.limit_1h
        and ledger.day.total + mass_pg <= ledger.limit_24h
    )


def commit(ledger: Ledger, mass_pg: int) -> tuple[Ledger, bool]:
    """Grant all of a mass, and count it as delivered, or nothing."""
    if not allows(ledger, mass_pg):
        return ledger, False
    return _add(ledger, mass_pg), True


def observe(ledger: Ledger, mass_pg: int) -> Ledger:
    """Count a mass that moved without a grant, whatever the limits say, and remember that it happened."""
    return _add(ledger, max(mass_pg, 0))._replace(overrun=True)


def with_limits(ledger: Ledger, limit_1h: int, limit_24h: int) -> Ledger:
    """Change the limits; what was granted stays counted."""
    return ledger._replace(limit_1h=limit_1h, limit_24h=limit_24h)


def clear_overrun(ledger: Ledger) -> Ledger:
    """Forget that the drive overran; what moved stays counted."""
    return ledger._replace(overrun=False)


def is_spent(ledger: Ledger) -> bool:
    """Whether nothing granted is left in either window."""
    return ledger.hour.total == 0 and ledger.day.total == 0


def _add(ledger: Ledger, mass_pg: int) -> Ledger:
    hour, day = ledger.hour, ledger.day
    return Ledger(
        Ring(hour.newest + mass_pg, hour.older, hour.total + mass_pg, hour.phase_ms),
        Ring(day.newest + mass_pg, day.older, day.total + mass_pg, day.phase_ms),
        ledger.limit_1h,
        ledger.limit_24h,
        ledger.overrun,
    )
