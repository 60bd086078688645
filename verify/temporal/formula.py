"""Formulas: what their parts mean, as a tree.

Every formula is judged at every instant of a record. ``Soon`` and ``Eventually`` look ahead and may have to wait
for what comes; all others look at the present or back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Formula:
    """Base of all formulas."""

    def parts(self) -> Iterator[Formula]:
        """Yield the formulas that this one is directly made of."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Formula):
                yield value

    def names(self) -> set[str]:
        """Return the names of all signals in it."""
        return set().union(*(part.names() for part in self.parts()))


@dataclass(frozen=True)
class Constant(Formula):
    """``true`` or ``false``."""

    value: bool


@dataclass(frozen=True)
class Signal(Formula):
    """A boolean signal."""

    name: str

    def names(self) -> set[str]:
        """Return its name."""
        return {self.name}


@dataclass(frozen=True)
class Comparison(Formula):
    """A number compared with another or with a fixed value in base units, such as ``rate <= highest_rate``."""

    left: str
    sign: str
    right: str | int

    def names(self) -> set[str]:
        """Return the names of its numbers."""
        return {self.left} if isinstance(self.right, int) else {self.left, self.right}


@dataclass(frozen=True)
class Not(Formula):
    """``not P``, ``never P``."""

    part: Formula


@dataclass(frozen=True)
class And(Formula):
    """``P and Q``."""

    left: Formula
    right: Formula


@dataclass(frozen=True)
class Or(Formula):
    """``P or Q``."""

    left: Formula
    right: Formula


@dataclass(frozen=True)
class Implies(Formula):
    """``P implies Q``."""

    premise: Formula
    conclusion: Formula


@dataclass(frozen=True)
class Soon(Formula):
    """``within D P``: P is true now or at some instant up to D from now. ``at once P`` is ``within 0 ms P``."""

    within_ms: int
    part: Formula


@dataclass(frozen=True)
class Recently(Formula):
    """``within last D P``: P is true now or was at some instant up to D ago."""

    within_ms: int
    part: Formula


@dataclass(frozen=True)
class Held(Formula):
    """``for D P``: P is true and has been without a break since an instant at least D ago."""

    for_ms: int
    part: Formula


@dataclass(frozen=True)
class Once(Formula):
    """``once P``: P is true now or was at any instant before."""

    part: Formula


@dataclass(frozen=True)
class Before(Formula):
    """``before P``: P was true at the instant before this one."""

    part: Formula


@dataclass(frozen=True)
class Since(Formula):
    """``P since Q``: Q is true, or was and P has been true at every instant after it until now."""

    lasting: Formula
    began: Formula


@dataclass(frozen=True)
class Eventually(Formula):
    """``eventually P``: P is true now or at any instant to come."""

    part: Formula


def every(within_ms: int, part: Formula, premise: Formula) -> Formula:
    """Return what ``premise implies every D part`` asks: the next is at most D away, or the premise ends first."""
    return Implies(premise, Soon(within_ms, Or(part, Not(premise))))


def rise(part: Formula) -> Formula:
    """Return ``rise(P)``: P is true and was not at the instant before; what begins true rises at the beginning."""
    return And(part, Not(Before(part)))


def always(part: Formula) -> Formula:
    """Return ``always P``: P is true now and at every instant to come."""
    return Not(Eventually(Not(part)))
