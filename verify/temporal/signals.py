"""Recorded signals: named, piecewise constant, boolean or whole numbers, up to the end of a record.

Boolean signals are switches (``verify.temporal.switch``); numbers are steps. What a signal is after the end of its
record nobody knows.
"""

from __future__ import annotations

import heapq
import operator
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from protocol.units import Quantity
from verify.temporal.switch import NEVER, Switch, instant, ms_of

COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Vocabulary(NamedTuple):
    """The signals that a formula may name."""

    switches: frozenset[str]
    numbers: Mapping[str, type[Quantity] | None]
    """Numbers and the kind of quantity that each is; None for a plain count."""

    @property
    def names(self) -> list[str]:
        """Return all names."""
        return sorted({*self.switches, *self.numbers})


class Steps(NamedTuple):
    """A whole number over time: from each instant on, this value. It is 0 before the first."""

    instants: list[int]
    values: list[int]

    def set(self, value: int, when: int) -> None:
        """Take a value from an instant on, which is not before the last one."""
        instants, values = self
        if instants and instants[-1] == when:
            values[-1] = value
        elif not values or values[-1] != value:
            instants.append(when)
            values.append(value)


def compared(left: Steps | int, sign: str, right: Steps | int) -> Switch:
    """Return where a comparison of two numbers over time is true."""
    holds = COMPARISONS[sign]
    if isinstance(left, Steps) and isinstance(right, int):
        return _turns((when, holds(value, right)) for when, value in _from_the_start(left))
    if isinstance(left, int):
        left = Steps([0], [left])
    if isinstance(right, int):
        right = Steps([0], [right])
    return _turns((when, holds(one, other)) for when, one, other in _together(left, right))


@dataclass(frozen=True)
class Record:
    """Signals by name up to the end of a record. A signal that is not in it was false, or 0, all the time."""

    switches: Mapping[str, Switch] = field(default_factory=dict)
    numbers: Mapping[str, Steps] = field(default_factory=dict)
    ends: int = 0
    """The first instant after the record."""

    @property
    def ends_at_ms(self) -> int:
        """The record's last millisecond."""
        return ms_of(self.ends - 1)

    def surely(self, switch: Switch) -> Switch:
        """Return where a switch is known to be true: nothing is known after the end."""
        cut = _before(switch, self.ends)
        return (*cut, self.ends) if len(cut) & 1 else cut

    def maybe(self, switch: Switch) -> Switch:
        """Return where a switch is not known to be false."""
        cut = _before(switch, self.ends)
        return cut if len(cut) & 1 else (*cut, self.ends)

    def switch(self, name: str) -> Switch:
        """Return a boolean signal."""
        return self.switches.get(name, NEVER)

    def number(self, name: str) -> Steps:
        """Return a number."""
        return self.numbers.get(name) or Steps([], [])


def ending_at(at_ms: int) -> int:
    """Return the first instant after a record of which this is the last millisecond."""
    return instant(at_ms + 1)


def _before(switch: Switch, ends: int) -> Switch:
    return switch if not switch or switch[-1] < ends else switch[: bisect_left(switch, ends)]


def _turns(values: Iterable[tuple[int, bool]]) -> Switch:
    flips: list[int] = []
    for when, value in values:
        if value != len(flips) & 1:
            flips.append(when)
    return flips


def _from_the_start(steps: Steps) -> Iterator[tuple[int, int]]:
    if not steps.instants or steps.instants[0] > 0:
        yield 0, 0
    yield from zip(steps.instants, steps.values, strict=True)


def _together(left: Steps, right: Steps) -> Iterator[tuple[int, int, int]]:
    """Yield both values at every instant at which one of them changes."""
    changes = heapq.merge(
        ((when, False, value) for when, value in _from_the_start(left)),
        ((when, True, value) for when, value in _from_the_start(right)),
    )
    values = [0, 0]
    for when, group in groupby(changes, key=lambda change: change[0]):
        for _, is_right, value in group:
            values[is_right] = value
        yield when, values[0], values[1]
