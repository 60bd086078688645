"""Weakened copies of a formula, to show that each part of it catches something.

A formula that is never violated may be right, or may say nothing. So a record that violates the formula is looked
for that its weakened copy lets pass: a deadline twice as long, or a conclusion that is always true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace

from verify.temporal.formula import Constant, Formula, Held, Implies, Or, Recently, Soon

AT_ONCE_BECOMES_MS = 1000
"""What twice no time at all is taken to be."""


def weakened(formula: Formula) -> Iterator[tuple[str, Formula]]:
    """Yield weaker formulas, each with words for what was done to it."""
    if isinstance(formula, Implies):
        premise, conclusion = formula.premise, formula.conclusion
        yield "the conclusion dropped", Implies(premise, Or(conclusion, Constant(True)))
        slow = Implies(_rewritten(premise, _longer_hold), _rewritten(conclusion, _longer_wait))
        if slow != formula:
            yield "the times doubled", slow
    else:
        yield "always true", Or(formula, Constant(True))


def _longer_wait(formula: Formula) -> Formula:
    if isinstance(formula, Soon | Recently):
        return replace(formula, within_ms=2 * formula.within_ms or AT_ONCE_BECOMES_MS)
    return formula


def _longer_hold(formula: Formula) -> Formula:
    return replace(formula, for_ms=2 * formula.for_ms) if isinstance(formula, Held) else formula


def _rewritten(formula: Formula, change: Callable[[Formula], Formula]) -> Formula:
    """Return the formula with every part changed, innermost first."""
    parts = {
        field.name: _rewritten(value, change)
        for field in fields(formula)
        if isinstance(value := getattr(formula, field.name), Formula)
    }
    return change(replace(formula, **parts) if parts else formula)
