"""The shipped properties: formulas about a journal, each with words for an auditor, and their verdicts.

They stand in ``properties.toml`` and say once more, in a form that a reader can check line by line, much of what the
judge's watchers say in code. A property whose premise never became true has shown nothing, so every verdict
carries how often it did.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

from verify.formula_verdict import FormulaVerdict
from verify.signal_names import vocabulary
from verify.tables import TableError, told_of
from verify.temporal.formula import Formula
from verify.temporal.parse import FormulaError, parse
from verify.temporal.semantics import Evaluation, Judgement
from verify.temporal.signals import Record

FILE = "properties.toml"


class PropertiesError(TableError):
    """The table of properties cannot be used: the message names the entry and what is wrong with it."""


@dataclass(frozen=True)
class Property:
    """One property."""

    id: str
    text: str
    """The formula as it is written."""
    formula: Formula
    words: str
    """What it demands, for an auditor."""
    hazards: tuple[str, ...]
    requirements: tuple[str, ...]


@cache
def load_properties() -> tuple[Property, ...]:
    """Return the shipped properties. Raises ``TableError``."""
    with told_of(FILE):
        return read_properties((resources.files("verify") / FILE).read_text("utf-8"))


def read_properties(text: str) -> tuple[Property, ...]:
    """Return the properties of a table. Raises ``PropertiesError`` for one that is none."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PropertiesError(f"{FILE} is no table of properties: {error}") from None
    names, definitions = vocabulary(), dict[str, Formula]()
    for name, line in table.get("define", {}).items():
        try:
            definitions[name] = parse(line, names, definitions)
        except FormulaError as error:
            raise PropertiesError(f"{FILE}, definition of “{name}”, {error}") from None
    properties = []
    for number, row in enumerate(table.get("property", ()), start=1):
        try:
            properties.append(
                Property(
                    id=row["id"],
                    text=row["formula"],
                    formula=parse(row["formula"], names, definitions),
                    words=row["words"],
                    hazards=tuple(row["hazards"]),
                    requirements=tuple(row["requirements"]),
                )
            )
        except FormulaError as error:
            raise PropertiesError(f"{FILE}, property “{row['id']}”, {error}") from None
        except KeyError as error:
            raise PropertiesError(f"{FILE}, property {number} lacks {error}") from None
    return tuple(properties)


def check_record(record: Record, properties: Iterable[Property]) -> tuple[FormulaVerdict, ...]:
    """Judge a record by properties."""
    evaluation = Evaluation(record)
    return tuple(_verdict(each, evaluation.judge(each.formula)) for each in properties)


def _verdict(judged: Property, judgement: Judgement) -> FormulaVerdict:
    return FormulaVerdict(
        id=judged.id,
        formula=judged.text,
        words=judged.words,
        hazards=judged.hazards,
        requirements=judged.requirements,
        outcome=judgement.outcome,
        premises=judgement.premises,
        violations=judgement.violations,
        episodes=judgement.episodes,
        pending_from_ms=judgement.pending_from_ms,
    )
