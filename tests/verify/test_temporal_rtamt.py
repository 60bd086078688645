"""Our monitor beside another's: rtamt, offline and in dense time, on the formulas that both have.

Its online monitor is not used: for a fault that must eventually be followed by an alarm, exactly our case, it is
known to answer wrongly before the time is over.
"""

from __future__ import annotations

import warnings
from bisect import bisect_right
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.temporal.formula import And, Formula, Held, Implies, Not, Once, Or, Recently, Signal, Since, Soon
from verify.temporal.parse import parse
from verify.temporal.semantics import Evaluation, true_at
from verify.temporal.signals import Record, Vocabulary, ending_at
from verify.temporal.switch import instant, value_at

ENDS_MS = 40
NAMES = ("a", "b")


def rtamt() -> ModuleType:
    """Return rtamt, or skip with the reason why it cannot be had on this Python."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its grammar's runtime uses what newer Pythons deprecate and then remove
        module: ModuleType = pytest.importorskip(
            "rtamt", reason="rtamt cannot be imported on this Python", exc_type=ImportError
        )
    return module


def spoken(formula: Formula) -> str:  # noqa: PLR0911 - one line for each kind of formula
    """Return the formula in rtamt's language, where a signal is a number above zero."""
    parts = [f"({spoken(part)})" for part in formula.parts()]
    match formula:
        case Signal(name):
            return f"{name} > 0"
        case Not():
            return f"not {parts[0]}"
        case And():
            return " and ".join(parts)
        case Or():
            return " or ".join(parts)
        case Implies():
            return " implies ".join(parts)
        case Since():
            return " since ".join(parts)
        case Once():
            return f"once {parts[0]}"
        case Soon(within_ms):
            return f"eventually[0,{within_ms}] {parts[0]}"
        case Recently(within_ms):
            return f"once[0,{within_ms}] {parts[0]}"
        case Held(for_ms):  # rtamt's is also true while less than that has passed since the beginning
            return f"(historically[0,{for_ms}] {parts[0]}) and (once[{for_ms},{for_ms}] (a > -2))"
    raise TypeError(formula)


def theirs(formula: Formula, signals: dict[str, list[int]]) -> list[bool]:
    """Return what rtamt says at every millisecond."""
    specification = rtamt().StlDenseTimeOfflineSpecification()
    samples = []
    for name, flips in signals.items():
        specification.declare_var(name, "float")
        changes = sorted({0, *flips, ENDS_MS + 1})
        samples.append([name, [[float(ms), 1.0 if value_at(flips, ms) else -1.0] for ms in changes]])
    specification.spec = spoken(formula)
    specification.parse()
    robustness = specification.evaluate(*samples)
    times = [time for time, _ in robustness]
    return [robustness[bisect_right(times, ms) - 1][1] > 0 for ms in range(ENDS_MS + 1)]


def ours(formula: Formula, signals: dict[str, list[int]]) -> list[bool | None]:
    """Return what we say at every millisecond."""
    record = Record({name: [instant(ms) for ms in flips] for name, flips in signals.items()}, {}, ending_at(ENDS_MS))
    evaluation = Evaluation(record)
    return [true_at(evaluation, formula, instant(ms)) for ms in range(ENDS_MS + 1)]


FLIPS = st.sets(st.integers(1, ENDS_MS), max_size=10).map(sorted)
SPANS = st.integers(1, 12)
FORMULAS: st.SearchStrategy[Formula] = st.sampled_from([Signal(name) for name in NAMES])
for _ in range(3):
    FORMULAS = (
        FORMULAS
        | st.one_of(*(st.builds(kind, FORMULAS) for kind in (Not, Once)))
        | st.one_of(*(st.builds(kind, SPANS, FORMULAS) for kind in (Soon, Recently, Held)))
        | st.one_of(*(st.builds(kind, FORMULAS, FORMULAS) for kind in (And, Or, Implies)))
    )


def agree(formula: Formula, signals: dict[str, list[int]]) -> None:
    """Compare wherever the record decides."""
    pairs = zip(ours(formula, signals), theirs(formula, signals), strict=True)
    differ = [ms for ms, (mine, other) in enumerate(pairs) if mine is not None and mine is not other]
    assert not differ, f"{spoken(formula)} differs at {differ}"


@settings(max_examples=150, deadline=None)
@given(formula=FORMULAS, a=FLIPS, b=FLIPS)
def test_rtamt_agrees_wherever_the_record_decides(formula: Formula, a: list[int], b: list[int]) -> None:
    """With one change a millisecond, ours and another's monitor say the same at every millisecond."""
    agree(formula, {"a": a, "b": b})


@pytest.mark.parametrize(
    "text",
    [
        "a implies within 7 ms b",
        "a implies within 7 ms (b or not a)",
        "for 5 ms a implies within last 5 ms b",
        "a implies every 6 ms b",
        "not (a and for 3 ms not b)",
    ],
)
@settings(max_examples=40, deadline=None)
@given(a=FLIPS, b=FLIPS)
def test_rtamt_agrees_on_the_forms_that_we_use(text: str, a: list[int], b: list[int]) -> None:
    """The shapes of the shipped properties, with small times."""
    agree(parse(text, Vocabulary(frozenset(NAMES), {})), {"a": a, "b": b})
