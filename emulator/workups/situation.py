"""The truth, as far as an examination can meet it.

Whoever runs the bench builds a ``Situation`` from its books; nothing here knows the hardware. What is wrong is named
by conditions, which are finer than the failures of the hazard analysis: a tip under the dura and a tip outside the
spine are both a dislodged catheter, but only one of them shows on a plain film.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from emulator.patient.signs import Signs

WHOLE = 1000
"""Permille of all there is."""

Fluid = tuple[tuple[str, int], ...]
"""Drugs by name and their concentrations in pg/nL; the empty fluid is saline."""


class SituationError(ValueError):
    """A situation that cannot be; the message says what contradicts what."""


class Condition(enum.Enum):
    """One thing that can be wrong and that an examination may meet."""

    KINKED = "kinked"
    OBSTRUCTED = "obstructed"
    DISLODGED = "dislodged"
    SUBDURAL = "subdural"
    DISCONNECTED = "disconnected"
    LEAKING = "leaking"
    STALLED = "stalled"
    DEAD = "dead"
    SILENT = "silent"
    OVER_INFUSING = "over_infusing"
    UNDER_INFUSING = "under_infusing"
    FLIPPED = "flipped"
    ERODED = "eroded"
    INFECTED = "infected"
    NEEDLE_BESIDE = "needle_beside"
    POCKET_FILLED = "pocket_filled"
    WRONG_DRUG = "wrong_drug"


FAILURES: Mapping[Condition, str] = MappingProxyType(
    {
        Condition.KINKED: "CATH-KINK",
        Condition.OBSTRUCTED: "CATH-OCCLUSION",
        Condition.DISLODGED: "CATH-DISLODGED",
        Condition.SUBDURAL: "CATH-DISLODGED",
        Condition.DISCONNECTED: "CATH-DISCONNECTED",
        Condition.LEAKING: "CATH-LEAK",
        Condition.STALLED: "MOTOR-STALL",
        Condition.DEAD: "TOTAL-FAILURE",
        Condition.SILENT: "TOTAL-FAILURE",
        Condition.OVER_INFUSING: "OVER-INFUSION",
        Condition.UNDER_INFUSING: "UNDER-INFUSION",
        Condition.FLIPPED: "PUMP-FLIPPED",
        Condition.ERODED: "PUMP-EROSION",
        Condition.INFECTED: "PUMP-EROSION",
        Condition.NEEDLE_BESIDE: "REFILL-POCKET",
        Condition.POCKET_FILLED: "REFILL-POCKET",
        Condition.WRONG_DRUG: "REFILL-WRONG-DRUG",
    }
)
"""The failure of the hazard analysis that each condition belongs to."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Pump, catheter and patient as they really are at one instant."""

    seed: int
    """Decides what stays the same when an examination is repeated; give a revised system a new one."""
    reservoir_nl: int
    """What is really in the reservoir."""
    computed_nl: int
    """What the pump reckons is in it."""
    capacity_nl: int
    filled_nl: int | None = None
    """What the pump was told the last refill left in the reservoir; None before the first."""
    refills: int = 0
    """Refills so far: the residual volume is one measurement for each."""

    kinked_permille: int = 0
    obstructed_permille: int = 0
    leak_permille: int = 0
    dislodged_permille: int = 0
    """Share of what leaves the tip that goes beside the fluid."""
    subdural: bool = False
    """The tip lies under the dura instead of in the fluid."""
    disconnected: bool = False
    catheter_pg: tuple[tuple[str, int], ...] = ()
    """Mass of each drug that stands between access port and tip."""

    has_rotor: bool = True
    """False for a pump that meters by valves."""
    rotor_turning: bool = True
    """The rotor turns when it is commanded to."""
    delivery_permille: int = WHOLE
    """What leaves the pump, of what it reckons with while the rotor turns."""
    dead: bool = False
    """No delivery, no sound, no telemetry."""
    answering: bool = True
    """Telemetry answers when the programmer lies over the pump."""
    alarms: frozenset[str] = frozenset()
    """Alarms that an interrogation would show, by the names of ``AlarmCode`` in lower case."""

    flipped: bool = False
    eroded: bool = False
    infected: bool = False
    needle_beside: bool = False
    """A needle is in and stands beside the port."""
    pocket_nl: int = 0
    """Drug that lies in the pocket now."""
    fluid: Fluid = ()
    """What is really in the reservoir."""
    programmed_fluid: Fluid = ()
    """What the pump was told is in it."""
    signs: Signs | None = None
    """The patient; None if nobody looks."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        for name in ("reservoir_nl", "computed_nl", "capacity_nl", "pocket_nl", "delivery_permille"):
            if getattr(self, name) < 0:
                raise SituationError(f"{name} is {getattr(self, name)}; it cannot be below zero")
        for name in ("kinked_permille", "obstructed_permille", "leak_permille", "dislodged_permille"):
            if not 0 <= getattr(self, name) <= WHOLE:
                raise SituationError(f"{name} is {getattr(self, name)}; it lies between 0 and {WHOLE}")
        if self.dead and (self.answering or self.rotor_turning):
            raise SituationError("a dead pump neither answers nor turns: say so, or that it is not dead")

    @property
    def conditions(self) -> dict[Condition, int]:
        """Return what is wrong, each with its extent in permille: 1000 where it is there or not."""
        extents = {
            Condition.KINKED: self.kinked_permille,
            Condition.OBSTRUCTED: self.obstructed_permille,
            Condition.LEAKING: self.leak_permille,
            Condition.DISLODGED: self.dislodged_permille,
            Condition.OVER_INFUSING: max(0, self.delivery_permille - WHOLE) if self.rotor_turning else 0,
            Condition.UNDER_INFUSING: max(0, WHOLE - self.delivery_permille) if self.rotor_turning else 0,
            Condition.WRONG_DRUG: _difference_permille(self.fluid, self.programmed_fluid),
        }
        present = {
            Condition.SUBDURAL: self.subdural,
            Condition.DISCONNECTED: self.disconnected,
            Condition.STALLED: not self.rotor_turning and not self.dead,
            Condition.DEAD: self.dead,
            Condition.SILENT: not self.answering,
            Condition.FLIPPED: self.flipped,
            Condition.ERODED: self.eroded,
            Condition.INFECTED: self.infected,
            Condition.NEEDLE_BESIDE: self.needle_beside,
            Condition.POCKET_FILLED: self.pocket_nl > 0,
        }
        extents |= {condition: WHOLE for condition, there in present.items() if there}
        return {condition: extent for condition, extent in extents.items() if extent}


def _difference_permille(fluid: Fluid, programmed: Fluid) -> int:
    """Return the greatest relative difference of any drug; a drug that should not be there, or is missing, is all."""
    true, told = dict(fluid), dict(programmed)
    return max((_apart(true.get(drug, 0), told.get(drug, 0)) for drug in true.keys() | told.keys()), default=0)


def _apart(true: int, told: int) -> int:
    return WHOLE if told == 0 < true else min(WHOLE, WHOLE * abs(true - told) // max(told, 1))
