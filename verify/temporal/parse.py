"""Formulas from one line of text, by recursive descent.

There is no order of precedence to remember: ``implies`` comes last, a word such as ``not`` or ``within 20 min`` takes
only what directly follows it, and ``and``, ``or`` and ``since`` may not be mixed without parentheses. So nobody has
to guess how a line is read. A parser made by a library would be as long, for a grammar of five rules, and its errors
would name its tokens instead of saying what to write.

    formula    = chain [ "implies" ( formula | "every" TIME prefixed ) ]
    chain      = prefixed { "and" prefixed } | prefixed { "or" prefixed } | prefixed "since" prefixed
    prefixed   = PREFIX prefixed | "(" formula ")" | "true" | "false" | SIGNAL | NUMBER SIGN ( NUMBER | VALUE )
    PREFIX     = "not" | "never" | "always" | "eventually" | "once" | "before" | "rise" | "at once"
               | "within" TIME | "within last" TIME | "for" TIME
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, NoReturn

from protocol.units import (
    Milliseconds,
    Nanolitres,
    NanolitresPerDay,
    Picograms,
    PicogramsPerNanolitre,
    Quantity,
    QuantityError,
)
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
    always,
    every,
    rise,
)
from verify.temporal.signals import COMPARISONS, Vocabulary

KINDS: tuple[type[Quantity], ...] = (Milliseconds, Nanolitres, NanolitresPerDay, Picograms, PicogramsPerNanolitre)
UNITS = sorted({unit for kind in KINDS for unit in kind.UNITS}, key=len, reverse=True)
TOKEN = re.compile(
    rf"""\s*(?:(?P<value>[0-9][0-9.,]*(?:\ ?(?:{"|".join(map(re.escape, UNITS))})(?![\w/]))?)
    | (?P<sign><=|>=|!=|=|<|>)
    | (?P<bracket>[()])
    | (?P<word>[A-Za-z_]\w*))""",
    re.VERBOSE,
)
ARGUMENT = re.compile(r"\(\s*(\w+)\s*\)")

PREFIXES: Mapping[str, Callable[[Formula], Formula]] = {
    "not": Not,
    "never": Not,
    "always": always,
    "eventually": Eventually,
    "once": Once,
    "before": Before,
    "rise": rise,
}
CHAINS: Mapping[str, Callable[[Formula, Formula], Formula]] = {"and": And, "or": Or, "since": Since}
KEYWORDS = frozenset({*PREFIXES, *CHAINS, "implies", "every", "within", "last", "for", "at", "true", "false"})

MOST_WORDS = 200
"""Nobody reads a longer line; long ones are made of definitions."""


class FormulaError(ValueError):
    """A text is no formula: the message says where, what was expected there and what stands there instead."""

    def __init__(self, column: int, expected: str, found: str) -> None:
        super().__init__(f"column {column}: expected {expected}, found {found}")
        self.column = column


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


def parse(text: str, vocabulary: Vocabulary, definitions: Mapping[str, Formula] | None = None) -> Formula:
    """Read a formula. ``definitions`` are names that stand for other formulas. Raises ``FormulaError``."""
    return _Parser(text, vocabulary, definitions or {}).whole()


class _Parser:
    def __init__(self, text: str, vocabulary: Vocabulary, definitions: Mapping[str, Formula]) -> None:
        self._text, self._vocabulary, self._definitions = text, vocabulary, definitions
        self._at = self._words = 0
        self._next = self._scan()

    def whole(self) -> Formula:
        formula = self._formula()
        if self._next.kind != "end":
            self._fail("“implies”, “and”, “or”, “since” or the end")
        return formula

    # --- the grammar ---

    def _formula(self) -> Formula:
        premise = self._chain()
        if not self._accept("implies"):
            return premise
        if self._accept("every"):
            return every(self._time(), self._prefixed(), premise)
        return Implies(premise, self._formula())

    def _chain(self) -> Formula:
        formula, joined_by = self._prefixed(), ""
        while self._next.text in CHAINS:
            word = self._next.text
            if joined_by and (word != joined_by or word == "since"):
                self._fail(f"parentheses, to say what belongs together: “{joined_by}” and “{word}” are not mixed")
            self._accept(word)
            formula, joined_by = CHAINS[word](formula, self._prefixed()), word
        return formula

    def _prefixed(self) -> Formula:
        token = self._next
        if self._accept("within"):
            kind = Recently if self._accept("last") else Soon
            return kind(self._time(), self._prefixed())
        if self._accept("for"):
            return Held(self._time(), self._prefixed())
        if self._accept("at"):
            self._demand("once", "“once” after “at”")
            return Soon(0, self._prefixed())
        if token.text in PREFIXES:
            self._accept(token.text)
            return PREFIXES[token.text](self._prefixed())
        return self._operand()

    def _operand(self) -> Formula:
        if self._accept("("):
            formula = self._formula()
            self._demand(")", "“)”")
            return formula
        if self._next.text in {"true", "false"}:
            return Constant(self._take().text == "true")
        token = self._name("a signal, “(” or a word such as “not” or “within”")
        if token.text in self._vocabulary.numbers:
            return self._comparison(token.text)
        return self._definitions.get(token.text, Signal(token.text))

    def _comparison(self, left: str) -> Formula:
        if self._next.kind != "sign":
            self._fail(f"one of {' '.join(COMPARISONS)}, because “{left}” is a number")
        sign, kind = self._take().text, self._vocabulary.numbers[left]
        if self._next.kind == "value":
            return Comparison(left, sign, self._value(kind))
        token = self._name(_value_like(kind), self._vocabulary.numbers)
        if self._vocabulary.numbers[token.text] is not kind:
            self._fail(f"a number of the kind of “{left}”", token)
        return Comparison(left, sign, token.text)

    # --- the words ---

    def _time(self) -> int:
        if self._next.kind != "value":
            self._fail("a time such as “20 min”")
        return self._value(Milliseconds)

    def _value(self, kind: type[Quantity] | None) -> int:
        token = self._take()
        try:
            if token.text == "0":
                return 0  # zero is the same in every unit
            if kind:
                return kind.parse(token.text).value
            return int(token.text)
        except QuantityError:
            self._fail(_value_like(kind), token)
        except ValueError:
            self._fail("a whole number without a unit", token)

    def _name(self, expected: str, among: Mapping[str, object] | None = None) -> _Token:
        """Take a signal's name, with its argument if it has one."""
        token = self._next
        if token.kind != "word" or token.text in KEYWORDS:
            self._fail(expected)
        argument = ARGUMENT.match(self._text, self._at)
        if argument:
            token = token._replace(text=f"{token.text}({argument[1]})")
            self._at = argument.end()
        known = among if among is not None else {*self._vocabulary.names, *self._definitions}
        if token.text not in known:
            like = difflib.get_close_matches(token.text, list(known), n=3)
            self._fail(f"a known signal, such as {', '.join(like)}" if like else "a known signal", token)
        self._next = self._scan()
        return token

    def _accept(self, text: str) -> bool:
        found = self._next.text == text
        if found:
            self._take()
        return found

    def _demand(self, text: str, expected: str) -> None:
        if not self._accept(text):
            self._fail(expected)

    def _take(self) -> _Token:
        token = self._next
        self._words += 1
        if self._words > MOST_WORDS:
            self._fail(f"a formula of at most {MOST_WORDS} words and signs")
        self._next = self._scan()
        return token

    def _scan(self) -> _Token:
        match = TOKEN.match(self._text, self._at)
        if match is None or match.lastgroup is None:
            rest = self._text[self._at :].lstrip()
            column = len(self._text) - len(rest) + 1
            return _Token("unknown", rest[:1], column) if rest else _Token("end", "", column)
        self._at = match.end()
        return _Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup) + 1)

    def _fail(self, expected: str, token: _Token | None = None) -> NoReturn:
        token = token or self._next
        raise FormulaError(token.column, expected, f"“{token.text}”" if token.text else "the end")


def _value_like(kind: type[Quantity] | None) -> str:
    return f"a {kind.KIND} such as “{kind.EXAMPLE}”" if kind else "a whole number"
