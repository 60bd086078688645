"""What a formula is worth on a record: exact, event by event, in time linear in the record.

Every part of a formula is evaluated once, to a pair of switches: where it is surely true, whatever comes after the
end of the record, and where it may be true. Where both agree the record decides; where they differ it does not yet. A
formula is judged at every instant of the record: it is violated if it is surely false at one of them, pending if it
is undecided at one and false at none, and holds otherwise.

The pair is made part by part, so a formula may be called pending where a cleverer reader would see that both ways
of going on lead to the same; it is never called holding or violated wrongly.
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from verify.temporal.formula import (
    And,
    Before,
    Comparison,
    Constant,
    Eventually,
    Formula,
    Held,
    Implies,
    Not,
    Once,
    Or,
    Recently,
    Signal,
    Since,
    Soon,
)
from verify.temporal.signals import Record, compared
from verify.temporal.switch import (
    ALWAYS,
    NEVER,
    Switch,
    at_some_time_after,
    at_some_time_before,
    both,
    either,
    held,
    just_before,
    ms_of,
    negated,
    recently,
    since,
    soon,
    stretches,
    value_at,
)

SHOWN = 5
"""As many violations of one formula are described; all are counted."""


class Outcome(enum.StrEnum):
    """What a record says of a formula."""

    HOLDS = "holds"
    VIOLATED = "violated"
    PENDING = "pending"


class Worth(NamedTuple):
    """Where a formula is surely true, and where it may be."""

    surely: Switch
    maybe: Switch


@dataclass(frozen=True, slots=True)
class Episode:
    """One violation. Times in milliseconds of the record."""

    at_ms: int
    """The first instant at which the formula is false: from there on its promise was not kept."""
    until_ms: int
    """The last instant of that stretch."""
    premise_from_ms: int | None
    """When the premise that demanded it became true; None for a formula without a premise."""
    premise_until_ms: int | None
    """The last instant at which that premise was true; None also if it still was at the end of the record."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome for one formula on one record."""

    outcome: Outcome
    premises: int | None
    """How often the premise became true; None for a formula without one."""
    violations: int = 0
    episodes: tuple[Episode, ...] = ()
    """The first violations, at most ``SHOWN``."""
    pending_from_ms: int | None = None
    """The first instant at which the record does not decide, if the outcome is pending."""


class Evaluation:
    """Formulas on one record. Parts that formulas have in common are evaluated once."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._known: dict[Formula, Worth] = {}

    def judge(self, formula: Formula) -> Judgement:
        """Judge a formula at every instant of the record."""
        formula = _everywhere(formula)
        worth = self.worth(formula)
        premise = self.worth(formula.premise).surely if isinstance(formula, Implies) else None
        begun = None if premise is None else sum(begins < self._record.ends for begins, _ in stretches(premise))
        false = self._record.surely(negated(worth.maybe))
        if false:
            episodes = tuple(self._episode(*span, premise) for span in islice(stretches(false), SHOWN))
            return Judgement(Outcome.VIOLATED, begun, -(-len(false) // 2), episodes)
        undecided = self._record.surely(negated(worth.surely))
        if undecided:
            return Judgement(Outcome.PENDING, begun, pending_from_ms=ms_of(undecided[0]))
        return Judgement(Outcome.HOLDS, begun)

    def worth(self, formula: Formula) -> Worth:
        """Return where a formula is true."""
        known = self._known.get(formula)
        if known is None:
            known = self._known[formula] = self._evaluate(formula)
        return known

    def _evaluate(self, formula: Formula) -> Worth:  # noqa: PLR0911 - one line for each kind of formula
        match formula:
            case Constant(value):
                return Worth(ALWAYS, ALWAYS) if value else Worth(NEVER, NEVER)
            case Signal(name):
                return self._recorded(self._record.switch(name))
            case Comparison(left, sign, right):
                number = self._record.number
                limit = number(right) if isinstance(right, str) else right
                return self._recorded(compared(number(left), sign, limit))
            case Not(part):
                worth = self.worth(part)
                return Worth(negated(worth.maybe), negated(worth.surely))
            case And(left_part, right_part):
                return _pairwise(both, self.worth(left_part), self.worth(right_part))
            case Or(left_part, right_part):
                return _pairwise(either, self.worth(left_part), self.worth(right_part))
            case Implies(premise, conclusion):
                return self.worth(Or(Not(premise), conclusion))
            case Since(lasting, began):
                return _pairwise(since, self.worth(lasting), self.worth(began))
            case _:
                return self._moved(formula)

    def _moved(self, formula: Formula) -> Worth:
        """Evaluate what looks at another time than the present."""
        match formula:
            case Soon(within_ms, part):
                return Worth(*(soon(switch, within_ms) for switch in self.worth(part)))
            case Recently(within_ms, part):
                return Worth(*(recently(switch, within_ms) for switch in self.worth(part)))
            case Held(for_ms, part):
                return Worth(*(held(switch, for_ms) for switch in self.worth(part)))
            case Once(part):
                return Worth(*map(at_some_time_before, self.worth(part)))
            case Before(part):
                return Worth(*map(just_before, self.worth(part)))
            case Eventually(part):
                return Worth(*map(at_some_time_after, self.worth(part)))
        raise TypeError(f"no formula: {formula!r}")

    def _recorded(self, switch: Switch) -> Worth:
        return Worth(self._record.surely(switch), self._record.maybe(switch))

    def _episode(self, begins: int, ends: int | None, premise: Switch | None) -> Episode:
        last = (self._record.ends if ends is None else ends) - 1
        if premise is None:
            return Episode(ms_of(begins), ms_of(last), None, None)
        index = bisect_right(premise, begins)
        until = premise[index] if index < len(premise) else self._record.ends
        over = until < self._record.ends
        return Episode(ms_of(begins), ms_of(last), ms_of(premise[index - 1]), ms_of(until - 1) if over else None)


def true_at(evaluation: Evaluation, formula: Formula, when: int) -> bool | None:
    """Return whether a formula is true at an instant of the record, or None if the record does not decide."""
    surely, maybe = (value_at(switch, when) for switch in evaluation.worth(formula))
    return surely if surely == maybe else None


def _everywhere(formula: Formula) -> Formula:
    """Strip an outer ``always``: every formula is judged at every instant of the record anyway."""
    match formula:
        case Not(Eventually(Not(part))):
            return _everywhere(part)
    return formula


def _pairwise(operation: Callable[[Switch, Switch], Switch], one: Worth, other: Worth) -> Worth:
    return Worth(operation(one.surely, other.surely), operation(one.maybe, other.maybe))
