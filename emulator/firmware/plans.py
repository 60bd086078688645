"""From what is prescribed and asked for to a plan: what will flow if nothing else happens.

First comes what holds the basal flow back (a prime, a bridge), then the boluses on top of the basal flow, then the
basal flow alone. A constant flow never ends in a plan. A schedule is laid out for as long as anything about it can be
new: a line of another fluid until it is displaced, then a whole week; for a bolus on a settled line, whose basal flow
was looked at when it was prescribed, only what shares a window with the bolus.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from emulator.firmware.basal import Basal
from emulator.firmware.guard import Sizes
from emulator.firmware.planner import Piece, Plan
from emulator.firmware.state import Bolus
from emulator.firmware.therapy import duration_of
from emulator.hardware.line import Fluid, Line, volume_nl
from emulator.schedule import WEEK_MS
from protocol.units import DAY_MS


def planned(
    basal: Basal,
    now_ms: int,
    credit: int,
    span_ms: int,
    *,
    ahead: Sequence[Piece] = (),
    boluses: Iterable[Bolus] = (),
) -> Plan:
    """Return the plan from a pump time on. ``span_ms`` is how far a schedule is looked at after the boluses."""
    on_top = [Piece(duration_of(bolus), bolus.rate) for bolus in boluses]
    lead_ms = sum(piece.duration_ms for piece in on_top)
    starts_ms = now_ms + sum(piece.duration_ms for piece in ahead)
    if basal.schedule is None:
        under: Iterable[tuple[int, int]] = ((lead_ms, basal.rate),)
        return Plan((*ahead, *_stacked(under, on_top)), basal.rate, credit)
    under = basal.steps(starts_ms, lead_ms + span_ms)
    return Plan((*ahead, *_stacked(under, on_top)), 0, credit)


def span_of(basal: Basal, line: Line, fluid: Fluid, sizes: Sizes, *, is_new: bool) -> int:
    """Return how far a schedule must be looked at, in ms: ``is_new`` if nobody has looked at it before."""
    window_ms = sizes.day_bucket_ms * sizes.day_buckets
    if is_settled(line, fluid) and not is_new:
        return window_ms
    return displaced_ms(line, basal) + WEEK_MS + window_ms


def is_settled(line: Line, fluid: Fluid) -> bool:
    """Whether the line holds one fluid from end to end, the reservoir's."""
    return len(line) == 1 and line[0][1] == fluid


def displaced_ms(line: Line, basal: Basal) -> int:
    """Return the time that the whole line takes at the basal flow's slowest."""
    return volume_nl(line) * DAY_MS // basal.lowest if basal.lowest else 0


def bridge_ahead(remaining_nl: int, rate: int) -> tuple[Piece, ...]:
    """Return what a bridge holds back."""
    return (Piece(-(-(remaining_nl * DAY_MS) // rate), rate),) if remaining_nl and rate else ()


def prime_ahead(prime: Bolus) -> tuple[Piece, ...]:
    """Return what a prime holds back."""
    return (Piece(duration_of(prime), prime.rate),)


def _stacked(under: Iterable[tuple[int, int]], on_top: Sequence[Piece]) -> Iterator[Piece]:
    """Yield the pieces of two flows together; the one on top ends first or with the other."""
    waiting = list(reversed(on_top))
    for duration_ms, rate in under:
        rest_ms = duration_ms
        while rest_ms > 0:
            if not waiting:
                yield Piece(rest_ms, rate)
                break
            top = waiting.pop()
            here_ms = min(rest_ms, top.duration_ms)
            yield Piece(here_ms, rate + top.rate)
            rest_ms -= here_ms
            if here_ms < top.duration_ms:
                waiting.append(Piece(top.duration_ms - here_ms, top.rate))
