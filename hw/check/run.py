"""All parts of a check, in an order in which an early failure explains the later ones."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from hw.abilities import Ability
from hw.check.content import byte_values, frames
from hw.check.damage import bit_errors
from hw.check.levels import break_condition, modem_lines, parity, quiet
from hw.check.rates import baud_sweep
from hw.check.report import Part, Verdict
from hw.check.timing import latency, throughput
from hw.check.wire import Check, Ends, drain, guarded, needing
from hw.check.wiring import wiring
from protocol.carrier import CarrierLost

FIRST: tuple[tuple[str, Check], ...] = (("quiet", quiet), ("wiring", wiring))
"""If one of these is bad, the rest would only say the same in other words."""

PARTS: tuple[tuple[str, Check], ...] = (
    ("bytes", byte_values),
    ("frames", frames),
    ("modem lines", needing(Ability.MODEM_LINES, "modem lines", modem_lines)),
    ("break", needing(Ability.BREAK, "break", break_condition)),
    ("parity", needing(Ability.PARITY, "parity", parity)),
    ("baud rates", needing(Ability.BAUD, "baud rates", baud_sweep)),
    ("latency", latency),
    ("throughput", throughput),
    ("bit errors", bit_errors),
)
NAMES = tuple(name for name, _ in (*FIRST, *PARTS))


def check(ends: Ends) -> Iterator[Part]:
    """Yield each part as soon as it is done; after a bad wiring, nothing more."""
    for name, part in FIRST:
        found = guarded(name, part)(ends)
        yield found
        if found.verdict is Verdict.BAD:
            return
    for name, part in PARTS:
        found = guarded(name, part)(ends)
        yield found
        if found.verdict is Verdict.BAD:
            _quieten(ends)


def _quieten(ends: Ends) -> None:
    """Leave nothing of one part for the next."""
    with contextlib.suppress(CarrierLost):
        for _, receiver in ends.directions:
            drain(receiver)
