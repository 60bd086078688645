"""The line: pump tubing and catheter as a queue of plugs.

What leaves the pump is not what reaches the patient until the line has been displaced: every stroke pushes one
plug in at the pump and the same volume out at the tip. A line is a tuple of (volume in nL, fluid), tip first; a
fluid is a tuple of (drug code, concentration in pg/nL). Plain drug-free saline is the empty fluid.

The same functions serve the truth (what really stands in the catheter) and the firmware's belief about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Fluid = tuple[tuple[int, int], ...]
Plug = tuple[int, Fluid]
Line = tuple[Plug, ...]

SALINE: Fluid = ()


def filled(volume_nl: int, fluid: Fluid) -> Line:
    """Return a line that holds one fluid from end to end."""
    return ((volume_nl, fluid),)


def push(line: Line, volume_nl: int, fluid: Fluid) -> tuple[Line, tuple[Plug, ...]]:
    """Push a volume of fluid in at the pump; return the line after it and what came out at the tip, in order."""
    if len(line) == 1 and line[0][1] == fluid:
        return line, ((volume_nl, fluid),)
    out: list[Plug] = []
    rest = list(joined((*line, (volume_nl, fluid))))
    wanted = volume_nl
    while wanted > 0:
        plug_nl, plug_fluid = rest[0]
        taken = min(wanted, plug_nl)
        out.append((taken, plug_fluid))
        wanted -= taken
        if taken == plug_nl:
            rest.pop(0)
        else:
            rest[0] = (plug_nl - taken, plug_fluid)
    return tuple(rest), tuple(out)


def alike(line: Line, volume_nl: int, fluid: Fluid, most: int) -> int:
    """Return how many pushes of a volume, at most ``most``, each let out nothing but the fluid at the tip."""
    if len(line) == 1 and line[0][1] == fluid:
        return most
    return min(most, line[0][0] // volume_nl)


def masses(plugs: Iterable[Plug]) -> dict[int, int]:
    """Return the mass of each drug in some plugs, in picograms by drug code."""
    total: dict[int, int] = {}
    for volume_nl, fluid in plugs:
        for code, concentration in fluid:
            total[code] = total.get(code, 0) + volume_nl * concentration
    return total


def drugs_in(line: Line) -> frozenset[int]:
    """Return the codes of the drugs that stand in the line."""
    return frozenset(code for _, fluid in line for code, _ in fluid)


def foreign_nl(line: Line, fluid: Fluid) -> int:
    """Return the volume from the tip to the end of the last plug that holds drug and is not this fluid."""
    foreign = passed = 0
    for plug_nl, plug_fluid in line:
        passed += plug_nl
        if plug_fluid not in (SALINE, fluid):
            foreign = passed
    return foreign


def drug_free_nl(line: Line) -> int:
    """Return the volume from the tip to the first plug that holds any drug."""
    free = 0
    for plug_nl, fluid in line:
        if fluid != SALINE:
            break
        free += plug_nl
    return free


def emptied(line: Line, from_tip_nl: int) -> Line:
    """Return the line after a volume from the tip on was drawn out and replaced by saline."""
    kept, rest_nl = [], from_tip_nl
    for plug_nl, fluid in line:
        drawn_nl = min(plug_nl, rest_nl)
        kept.append((plug_nl - drawn_nl, fluid))
        rest_nl -= drawn_nl
    return joined(((from_tip_nl - rest_nl, SALINE), *kept))


def strongest(*fluids: Fluid) -> Fluid:
    """Return a fluid that holds of each drug as much as the one of these that holds most of it."""
    most: dict[int, int] = {}
    for fluid in fluids:
        for code, concentration in fluid:
            most[code] = max(concentration, most.get(code, 0))
    return tuple(sorted(most.items()))


def strongest_in(line: Line) -> Fluid:
    """Return a fluid that holds of each drug as much as any plug of the line does."""
    return line[0][1] if len(line) == 1 else strongest(*[fluid for _, fluid in line])


def volume_nl(line: Line) -> int:
    """Return the volume of the whole line."""
    return sum(plug_nl for plug_nl, _ in line)


def joined(plugs: Iterable[Plug]) -> Line:
    """Join neighbours of the same fluid, so that a long infusion stays one plug; leave out empty ones."""
    return tuple(_joined(plugs))


def _joined(plugs: Iterable[Plug]) -> Iterator[Plug]:
    pending: Plug | None = None
    for plug in plugs:
        if plug[0] == 0:
            continue
        if pending and pending[1] == plug[1]:
            pending = (pending[0] + plug[0], plug[1])
        else:
            if pending:
                yield pending
            pending = plug
    if pending:
        yield pending
