"""The residual volume: what was drawn out against what the pump reckons.

The pump cannot measure its reservoir, so an over-infusing pump empties without a word and a fill beside the pump
looks like a full one. The one moment of truth is the syringe at the refill, and this is the comparison.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from protocol.messages import LogEntry
from protocol.units import Nanolitres
from protocol.vocabulary import LogKind

RATIO_PERMILLE = range(855, 1146)
"""Delivered over reckoned, in thousandths, within which a pump meets its accuracy of 14.5 %."""
CAPACITY_SHARE = 20
"""A twentieth of the reservoir (1 mL of 20, 2 mL of 40) is worth acting on whatever the ratio."""
SYRINGE_NL = 100_000
"""What a syringe can be misread by: a smaller difference is no finding, however small the volume delivered."""


@dataclass(frozen=True, slots=True)
class ResidualCheck:
    """Measured against reckoned residual volume."""

    measured: Nanolitres
    computed: Nanolitres
    ratio_permille: int | None
    """Delivered over reckoned since the last refill, rounded down; None if nothing is known to be delivered."""
    flagged: bool
    words: str


def check_residual(
    measured: Nanolitres, computed: Nanolitres, capacity: Nanolitres, filled: Nanolitres | None
) -> ResidualCheck:
    """Compare the measured residual volume with the pump's; ``filled`` is what the last refill left in it."""
    difference = abs(measured.value - computed.value)
    off_ratio = False
    ratio = None
    if filled is not None and filled.value > computed.value:
        reckoned = filled.value - computed.value
        delivered = max(filled.value - measured.value, 0)
        ratio = 1000 * delivered // reckoned
        off_ratio = not RATIO_PERMILLE[0] * reckoned <= 1000 * delivered <= RATIO_PERMILLE[-1] * reckoned
    flagged = difference > SYRINGE_NL and (off_ratio or difference * CAPACITY_SHARE > capacity.value)
    return ResidualCheck(measured, computed, ratio, flagged, _words(measured, computed, flagged))


def last_fill(log: Iterable[LogEntry]) -> Nanolitres | None:
    """Return what the reservoir held after the last refill in the log, or None."""
    fills = [entry.value for entry in log if entry.kind is LogKind.REFILL]
    return Nanolitres(fills[-1]) if fills else None


def _words(measured: Nanolitres, computed: Nanolitres, flagged: bool) -> str:
    found = f"{measured} drawn out, {computed} reckoned"
    if not flagged:
        return f"Residual volume as expected: {found}."
    if measured < computed:
        return f"RESIDUAL MISMATCH: {found}. Too little: over-infusion, a leak or a fill beside the pump; act on it."
    return f"RESIDUAL MISMATCH: {found}. Too much: under-infusion, a stall or an occlusion; act on it."
