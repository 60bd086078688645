"""Where what leaves the pump goes: through a catheter that may be kinked, obstructed, leaking or out of place.

The way of the fluid, and what each trouble does to it, in this order::

    reservoir -> drive -> tubing in the pump -> connector -> catheter -> tip -> CSF
                                                   |            |         |
                                             leak, or all    kink,     out of place:
                                             if it is off    clot      tissue

* **Disconnected**: all goes into the pocket at the connector; what stands in the catheter stays there.
* **Leak**: a share of what leaves the pump goes into the pocket, or the tissue, at the connector.
* **Kink**: a share of what should enter the catheter does not; it stays in the reservoir, though the rotor turns.
* **Obstruction**: a share of what enters the catheter cannot leave it and distends it, up to a bound; what finds no
  room stays in the reservoir. When the obstruction clears, what was held back comes out at once.
* **Dislodged**: a share of what leaves the tip goes beside the CSF.

All shares are in thousandths of a volume in nanolitres; what is left over by a division waits for the next stroke,
so that nothing is lost to rounding. Within one stroke the share that goes astray goes first. Everything here is a
pure function of plain values.
"""

from __future__ import annotations

from typing import NamedTuple

from emulator.hardware.line import Fluid, Line, Plug, joined, push
from emulator.hardware.severity import PERMILLE

Plugs = tuple[Plug, ...]

POCKET, TISSUE = "pocket", "tissue"
BESIDE = (POCKET, TISSUE)
"""Where a leak may go."""


class Path(NamedTuple):
    """What fluid finds on its way at an instant; severities in thousandths."""

    kinked: int = 0
    obstructed: int = 0
    leaking: int = 0
    leaks_into: str = POCKET
    dislodged: int = 0
    disconnected: bool = False


CLEAR = Path()


class Held(NamedTuple):
    """What is in tubing and catheter, and what is left over from sharing out earlier strokes."""

    line: Line
    pressure_nl: int = 0
    """By how much an obstruction has distended the catheter."""
    leak_rest: int = 0
    kink_rest: int = 0
    clot_rest: int = 0
    astray_rest: int = 0


class Shape(NamedTuple):
    """The catheter's volume, and by how much it can be distended, in nanolitres."""

    catheter_nl: int
    compliance_nl: int


class Passage(NamedTuple):
    """What one movement did: the line after it, the volume that entered it, and what arrived where."""

    held: Held
    moved_nl: int
    csf: Plugs = ()
    pocket: Plugs = ()
    tissue: Plugs = ()


def deliver(held: Held, path: Path, wanted_nl: int, fluid: Fluid, shape: Shape) -> Passage:
    """Let the pump push a volume of fluid into the line; ``moved_nl`` is what really left the reservoir."""
    if path == CLEAR and not held.pressure_nl:
        line, out = push(held.line, wanted_nl, fluid)
        return Passage(held if line is held.line else held._replace(line=line), wanted_nl, csf=out)
    catheter, tubing = _split(held.line, shape.catheter_nl + held.pressure_nl)
    leaked_nl, held = _leaked(held, path, wanted_nl)
    stored_nl, through_nl, held = _let_in(held, path, wanted_nl - leaked_nl, shape)
    moved_nl = leaked_nl + stored_nl + through_nl
    at_connector, tubing = _split((*tubing, (moved_nl, fluid)), moved_nl)
    leaked, entering = _split(at_connector, leaked_nl)
    out, catheter = _split((*catheter, *entering), through_nl)
    held = held._replace(line=joined((*catheter, *tubing)), pressure_nl=held.pressure_nl + stored_nl)
    return _arrive(held, path, moved_nl, leaked, out)


def relieve(held: Held, path: Path, shape: Shape) -> Passage:
    """Let out what an obstruction held back, if nothing obstructs any more: at the tip, or where it came off."""
    if not held.pressure_nl or (path.obstructed and not path.disconnected):
        return Passage(held, 0)
    catheter, tubing = _split(held.line, shape.catheter_nl + held.pressure_nl)
    if path.disconnected:
        catheter, freed = _split(catheter, shape.catheter_nl)
        out: Plugs = ()
    else:
        out, catheter = _split(catheter, held.pressure_nl)
        freed = ()
    held = held._replace(line=joined((*catheter, *tubing)), pressure_nl=0)
    return _arrive(held, path, 0, freed, out)


def flush(held: Held, path: Path, volume_nl: int, fluid: Fluid, shape: Shape) -> Passage:
    """Inject a volume into the access port, at the connector: what stands in the catheter goes out before it.

    A hand on a syringe gets past a kink, but not through a full obstruction: then nothing goes in.
    """
    if path.obstructed >= PERMILLE and not path.disconnected:
        return Passage(held, 0)
    catheter, tubing = _split(held.line, shape.catheter_nl + held.pressure_nl)
    leaked_nl, held = _leaked(held, path, volume_nl)
    leaked, entering = _split(((volume_nl, fluid),), leaked_nl)
    out, catheter = _split((*catheter, *entering), volume_nl - leaked_nl)
    held = held._replace(line=joined((*catheter, *tubing)))
    return _arrive(held, path, volume_nl, leaked, out)


def _leaked(held: Held, path: Path, volume_nl: int) -> tuple[int, Held]:
    """Return how much of a volume leaves at the connector."""
    if path.disconnected:
        return volume_nl, held
    leaked_nl, rest = divmod(volume_nl * path.leaking + held.leak_rest, PERMILLE)
    return leaked_nl, held._replace(leak_rest=rest)


def _let_in(held: Held, path: Path, volume_nl: int, shape: Shape) -> tuple[int, int, Held]:
    """Return how much of a volume distends the catheter and how much passes it."""
    entering_nl, kink_rest = divmod(volume_nl * (PERMILLE - path.kinked) + held.kink_rest, PERMILLE)
    blocked_nl, clot_rest = divmod(entering_nl * path.obstructed + held.clot_rest, PERMILLE)
    stored_nl = min(blocked_nl, max(0, shape.compliance_nl - held.pressure_nl))
    return stored_nl, entering_nl - blocked_nl, held._replace(kink_rest=kink_rest, clot_rest=clot_rest)


def _arrive(held: Held, path: Path, moved_nl: int, leaked: Plugs, out: Plugs) -> Passage:
    """Return the passage of what left at the connector and what left the tip."""
    out_nl = sum(volume_nl for volume_nl, _ in out)
    astray_nl, rest = divmod(out_nl * path.dislodged + held.astray_rest, PERMILLE)
    astray, csf = _split(out, astray_nl)
    held = held._replace(astray_rest=rest)
    if path.leaks_into == TISSUE and not path.disconnected:
        return Passage(held, moved_nl, csf=csf, tissue=(*leaked, *astray))
    return Passage(held, moved_nl, csf=csf, pocket=leaked, tissue=astray)


def _split(plugs: Plugs, volume_nl: int) -> tuple[Plugs, Plugs]:
    """Return the first part of so much volume, and the rest."""
    first: list[Plug] = []
    rest = list(reversed(plugs))
    while volume_nl > 0 and rest:
        plug_nl, fluid = rest.pop()
        taken = min(plug_nl, volume_nl)
        volume_nl -= taken
        if taken:
            first.append((taken, fluid))
        if taken < plug_nl:
            rest.append((plug_nl - taken, fluid))
    return tuple(first), tuple(reversed(rest))
