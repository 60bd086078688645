"""What each examination can see, how well, and at what price: the content of ``workups.toml`` and questions to it.

A sight is one thing that may be seen. It is seen with a sensitivity for each condition that shows it, and it speaks
for all failures that it is seen with: fluid that cannot be drawn from the access port is one sight, whatever it is
that blocks the catheter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from emulator.patient.signs import Outcome
from emulator.workups.chance import Repeat
from emulator.workups.finding import Aftermath, Workup
from emulator.workups.situation import FAILURES, Condition

TURNED = "turned"
"""Key of the angles of a rotor that turns as it should."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A probability and what it is worth."""

    value: Fraction
    confidence: str
    source: str


@dataclass(frozen=True, slots=True)
class Angles:
    """Between which angles the rollers are seen to have turned, in whole degrees."""

    least: int
    greatest: int
    confidence: str
    source: str


@dataclass(frozen=True, slots=True)
class Shows:
    """How often a condition is seen."""

    sensitivity: Figure
    from_permille: int
    """Extent under which it is never seen."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One thing that may be seen."""

    name: str
    words: str
    shows: Mapping[Condition, Shows]
    outcome: Outcome | None
    """What the patient shows, where it is that; the patient's own signs then decide, and no sensitivity is needed."""
    speaks_for: frozenset[str]
    """Failures, where it is not a condition that is seen but a volume or the patient."""

    @property
    def failures(self) -> frozenset[str]:
        """Failures that it speaks for."""
        return frozenset(FAILURES[condition] for condition in self.shows) | self.speaks_for


@dataclass(frozen=True, slots=True)
class Plan:
    """One examination."""

    workup: Workup
    name: str
    nothing: str
    """Words for when nothing unusual is seen."""
    repeat: Repeat
    specificity: Figure
    """How often nothing is seen where none of its conditions is."""
    needs_port: bool
    """A needle has to find a port of the pump."""
    aftermath: Aftermath
    takes: str
    cost: str
    risk: str
    sights: tuple[Sight, ...]
    alarms: Mapping[str, str]
    """Alarm that is shown, and the failure it stands for."""

    @property
    def failures(self) -> frozenset[str]:
        """Every failure that the examination can ever speak for."""
        by_port = {FAILURES[Condition.FLIPPED]} if self.needs_port else set()
        return frozenset(by_port).union(*(sight.failures for sight in self.sights), self.alarms.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """Time, cost and risk in one line each."""
        return f"takes {self.takes}", f"cost: {self.cost}", f"risk: {self.risk}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All examinations."""

    name: str
    failures: Mapping[str, str]
    """Every failure that some examination can find, in words."""
    spread: Figure
    """Half width of the 95 % prediction interval of delivered over reckoned volume, of one refill."""
    limit: Figure
    """How far that ratio may be from 1."""
    angles: Mapping[str, Angles]
    """What the rotor study shows, by the name of the sight, and ``TURNED`` for a rotor that turns."""
    plans: Mapping[Workup, Plan]
    """In the order in which they are usually ordered."""

    @property
    def order(self) -> tuple[Workup, ...]:
        """Return the usual order: what costs and risks least comes first."""
        return tuple(self.plans)

    def can_find(self, workup: Workup) -> frozenset[str]:
        """Return the failures that an examination can speak for at all."""
        return self.plans[workup].failures

    def found_by(self, failure: str) -> tuple[Workup, ...]:
        """Return the examinations that can speak for a failure, in the usual order; none for an unknown one."""
        return tuple(workup for workup, plan in self.plans.items() if failure in plan.failures)
