"""Which rates work, and which rate the driver really sets for each."""

from __future__ import annotations

import platform
from typing import Any

from hw.abilities import Ability
from hw.baud import ActualBaud, actual_baud
from hw.bridge import PORT_FAILURES
from hw.check.report import Part, Verdict
from hw.check.wire import Ends, drain, passed
from hw.descriptor import DescriptorPort
from hw.ports import SerialPort

RATES = (
    1_200,
    2_400,
    9_600,
    19_200,
    38_400,
    57_600,
    115_200,
    230_400,
    460_800,
    921_600,
    1_000_000,
    2_000_000,
    3_000_000,
)
NEEDED = 115_200
"""At this rate and below a failure is bad; above, it says how fast this wire can be."""
PATTERN = bytes((0x55, 0xAA, 0x00, 0xFF, 0x0F, 0xF0, 0x33, 0xCC))
"""Every distance between two edges that there is in a byte."""


def baud_sweep(ends: Ends) -> Part:
    """Set each rate at both ends, read back what the drivers made of it, and send a few bytes."""
    try:
        rows = [_at(ends._replace(baud=baud)) for baud in RATES]
    finally:
        for line in ends.lines:
            line.baudrate = ends.baud
        for _, receiver in ends.directions:
            drain(receiver)
    works = [row["asked"] for row in rows if row["works"]]
    wrong = [f"{row['asked']} is really {row['actual']}" for row in rows if row["actual"] and not row["exact"]]
    failed = [row["asked"] for row in rows if not row["works"] and row["asked"] <= NEEDED]
    figures = {"rates": rows}
    if failed:
        words = f"nothing usable comes through at {', '.join(map(str, failed))} baud"
        return Part("baud rates", Verdict.BAD, words, figures)
    read_back = "" if any(row["actual"] for row in rows) else "; what the driver set cannot be read back here"
    if wrong:
        return Part("baud rates", Verdict.DOUBTFUL, f"up to {max(works)} baud; {'; '.join(wrong)}", figures)
    return Part("baud rates", Verdict.GOOD, f"{min(works)} to {max(works)} baud{read_back}", figures)


def _at(ends: Ends) -> dict[str, Any]:
    """Return what happens at one rate: asked for, set by the driver, near enough, usable."""
    try:
        for line in ends.lines:
            line.baudrate = ends.baud
    except (*PORT_FAILURES, ValueError, NotImplementedError) as error:
        return {"asked": ends.baud, "actual": None, "exact": False, "works": False, "why": str(error)}
    actual = _read_back(ends, ends.near)
    works = all(passed(ends, sender, receiver, PATTERN) == PATTERN for sender, receiver in ends.directions)
    if not works:
        for _, receiver in ends.directions:
            drain(receiver)
    exact = actual is None or ActualBaud(ends.baud, actual).usable
    return {"asked": ends.baud, "actual": actual, "exact": exact, "works": works}


def _read_back(ends: Ends, port: DescriptorPort) -> int | None:
    if not (ends.kind.can(Ability.BAUD_READ_BACK) and isinstance(port, SerialPort)):
        return None
    return actual_baud(port.fileno(), platform.machine())
