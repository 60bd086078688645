"""Formulas as text: what they mean, and what is said of a text that is none."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, NanolitresPerDay
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
    every,
    rise,
)
from verify.temporal.parse import FormulaError, parse
from verify.temporal.signals import Vocabulary

VOCABULARY = Vocabulary(
    frozenset({"stopped", "moving", "sound", "alarm(motor_stall)", "alarm(any)"}),
    {"rate": NanolitresPerDay, "rate_max": NanolitresPerDay, "silence": Milliseconds, "count": None},
)
STOPPED, MOVING, SOUND = Signal("stopped"), Signal("moving"), Signal("sound")
STALL, ANY = Signal("alarm(motor_stall)"), Signal("alarm(any)")


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("stopped", STOPPED),
        ("  alarm( any ) ", ANY),
        ("true", Constant(True)),
        ("not stopped", Not(STOPPED)),
        ("stopped implies never moving", Implies(STOPPED, Not(MOVING))),
        (
            "stopped implies within 20 min alarm(motor_stall)",
            Implies(STOPPED, Soon(20 * MINUTE_MS, STALL)),
        ),
        ("alarm(any) implies every 10 min sound", every(10 * MINUTE_MS, SOUND, ANY)),
        ("alarm(any) implies within last 1 h sound", Implies(ANY, Recently(HOUR_MS, SOUND))),
        ("at once stopped", Soon(0, STOPPED)),
        ("for 1.5 days stopped", Held(3 * DAY_MS // 2, STOPPED)),
        ("always (rate <= rate_max)", Not(Eventually(Not(Comparison("rate", "<=", "rate_max"))))),
        ("rate > 0.1 mL/day", Comparison("rate", ">", 100_000)),
        ("rate = 0", Comparison("rate", "=", 0)),
        ("count >= 3 and silence <= 10 min", And(Comparison("count", ">=", 3), Comparison("silence", "<=", 600_000))),
        ("stopped and moving and sound", And(And(STOPPED, MOVING), SOUND)),
        ("stopped or moving or sound", Or(Or(STOPPED, MOVING), SOUND)),
        ("moving since stopped", Since(MOVING, STOPPED)),
        ("rise(stopped)", rise(STOPPED)),
        ("once before stopped", Once(Before(STOPPED))),
        ("not stopped and moving", And(Not(STOPPED), MOVING)),
        ("within 1 s stopped or moving", Or(Soon(1000, STOPPED), MOVING)),
        ("stopped implies moving implies sound", Implies(STOPPED, Implies(MOVING, SOUND))),
        ("eventually (stopped and moving)", Eventually(And(STOPPED, MOVING))),
    ],
)
def test_a_line_means_what_it_says(text: str, formula: Formula) -> None:
    """Every form of the language has one meaning."""
    assert parse(text, VOCABULARY) == formula


@pytest.mark.parametrize(
    ("text", "column", "expected", "found"),
    [
        ("", 1, "a signal", "the end"),
        ("stopped implies", 16, "a signal", "the end"),
        ("stopped moving", 9, "“implies”, “and”, “or”, “since” or the end", "“moving”"),
        ("(stopped", 9, "“)”", "the end"),
        ("stopped)", 8, "or the end", "“)”"),
        ("stopped & moving", 9, "the end", "“&”"),
        ("stopped and moving or sound", 20, "parentheses", "“or”"),
        ("moving since stopped since sound", 22, "parentheses", "“since”"),
        ("within stopped", 8, "a time such as “20 min”", "“stopped”"),
        ("within 20 stopped", 8, "a time such as “4 h”", "“20”"),
        ("within 20 mL stopped", 8, "a time such as “4 h”", "“20 mL”"),
        ("within 0.0001 ms stopped", 8, "a time such as “4 h”", "“0.0001 ms”"),
        ("within 1,5 h stopped", 8, "a time such as “4 h”", "“1,5 h”"),
        ("at stopped", 4, "“once” after “at”", "“stopped”"),
        ("every 1 h sound", 1, "a signal", "“every”"),
        ("rate", 5, "one of = != < <= > >=, because “rate” is a number", "the end"),
        ("rate <= 5", 9, "a rate such as “0.1 mL/day”", "“5”"),
        ("rate <= 5 min", 9, "a rate such as “0.1 mL/day”", "“5 min”"),
        ("count = 5 min", 9, "a whole number without a unit", "“5 min”"),
        ("rate <= count", 9, "a number of the kind of “rate”", "“count”"),
        ("rate <= stopped", 9, "a known signal", "“stopped”"),
        ("alarm(motor_stal)", 1, "such as alarm(motor_stall)", "“alarm(motor_stal)”"),
        ("alarm", 1, "a known signal", "“alarm”"),
        ("(" * 201, 201, "a formula of at most 200 words and signs", "“(”"),
        ("rise stopped implies mooving", 22, "such as moving", "“mooving”"),
    ],
)
def test_an_error_names_the_column_and_what_was_expected(text: str, column: int, expected: str, found: str) -> None:
    """Whoever writes a formula learns where it went wrong, what could stand there and what does."""
    with pytest.raises(FormulaError) as caught:
        parse(text, VOCABULARY)
    assert caught.value.column == column
    assert str(caught.value).startswith(f"column {column}: expected ")
    wanted, _, there = str(caught.value).partition(", found ")
    assert expected in wanted
    assert there == found


def test_a_definition_stands_for_its_formula() -> None:
    """A name that is defined is read as if its formula stood there in parentheses."""
    definitions = {"still": parse("stopped or rate = 0", VOCABULARY)}
    formula = parse("still implies not moving", VOCABULARY, definitions)
    assert formula == parse("(stopped or rate = 0) implies not moving", VOCABULARY)


PIECES = ["stopped", "rate", "implies", "within", "last", "20 min", "not", "(", ")", "alarm(any)", "<=", "and", "5"]


@given(text=st.text(max_size=30) | st.lists(st.sampled_from(PIECES), max_size=9).map(" ".join))
@example("(" * 400)
@example("not " * 2000)
@example("stopped" + " and moving" * 2000)
def test_any_text_is_a_formula_or_an_error_with_a_column(text: str) -> None:
    """Nothing that a person can type ends in anything but a formula or a named column of that text."""
    column = 1
    try:
        parse(text, VOCABULARY)
    except FormulaError as error:
        column = error.column
    assert 1 <= column <= len(text) + 1


def test_the_names_in_a_formula_can_be_listed() -> None:
    """Signals and numbers alike, wherever they stand."""
    formula = parse("stopped implies within 1 h (rate <= rate_max or not sound)", VOCABULARY)
    assert formula.names() == {"stopped", "rate", "rate_max", "sound"}
