"""What an action is: a name, who does it, and what its arguments may be, as data.

An argument is a whole number, a truth value or a word, so that a script can be written down and read. What may be
drawn is said by a ``Domain``; the actions themselves are functions in the other modules of this folder.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from verify.scripts.run import Run

Value = int | str


class Who(enum.StrEnum):
    """Who does something, for whoever reads the story."""

    CLINICIAN = "clinician"
    PATIENT = "patient"
    ANYBODY = "anybody"
    STRANGER = "stranger"
    WIRE = "wire"
    BENCH = "bench"
    TIME = "time"


class Domain(NamedTuple):
    """What an argument may be: one of some values, or a number between two."""

    choices: tuple[Value, ...]
    low: int = 0
    high: int = -1

    @property
    def ranges(self) -> bool:
        """Whether numbers between two bounds are among the values."""
        return self.high >= self.low

    def holds(self, value: object) -> bool:
        """Whether a value is one of these; ``True`` is not 1."""
        if self.ranges and type(value) is int and self.low <= value <= self.high:
            return True
        return any(type(choice) is type(value) and choice == value for choice in self.choices)

    def words(self) -> str:
        """Say what it may be."""
        numbers = [f"{self.low} to {self.high}"] if self.ranges else []
        return ", ".join([*numbers, *map(str, dict.fromkeys(self.choices))])

    def draw(self, chance: Random) -> Value:
        """Draw a value: from the numbers as often as from the choices, if there are both."""
        if self.ranges and (not self.choices or chance.random() < 0.5):
            return chance.randint(self.low, self.high)
        return chance.choice(self.choices)


def one_of(*choices: Value) -> Domain:
    """Return the domain of some values; one that is given twice is drawn more often."""
    return Domain(choices)


def between(low: int, high: int, *choices: Value) -> Domain:
    """Return the domain of the numbers from low to high, both included, and of some more values."""
    return Domain(choices, low, high)


class Action(NamedTuple):
    """One thing that may happen."""

    name: str
    who: Who
    act: Callable[..., None]
    domains: dict[str, Domain]
    possible: Callable[[Run], bool]

    @property
    def words(self) -> str:
        """What happens, in one sentence."""
        return (self.act.__doc__ or "").partition("\n")[0]


ACTIONS: dict[str, Action] = {}
"""Every action by its name, in the order in which they are written down."""

Act = Callable[..., None]


def _always(_: Run) -> bool:
    return True


def faulty(run: Run) -> bool:
    """Whether faults may happen in this run."""
    return run.script.faulty


def action(who: Who, possible: Callable[[Run], bool] = _always, **domains: Domain) -> Callable[[Act], Act]:
    """Enter a function into ``ACTIONS``: who does it, when it can happen, what its arguments may be."""

    def enter(act: Any) -> Act:
        name: str = act.__name__
        if name in ACTIONS:
            raise TypeError(f"two actions are called {name}")
        ACTIONS[name] = Action(name, who, act, domains, possible)
        return act  # type: ignore[no-any-return]

    return enter
