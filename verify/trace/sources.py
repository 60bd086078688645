"""What the matrix is made of: hazards, requirements and properties, read from their tables.

Only what a trace needs is read here, so that a table may grow without this module. Every name that one table uses of
another has to be there: a link to nothing is an error, not a gap.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from verify.tables import TableError, told_of

TEST, ANALYSIS, NONE = "test", "analysis", "none"
METHODS = (TEST, ANALYSIS, NONE)
CLINICAL = "clinical"
"""The class of hazards for which the device claims nothing, and therefore needs no requirement."""
OUTCOMES = frozenset({"OVERDOSE", "WITHDRAWAL", "PAIN"})
"""What a hazard may do to the patient; a property may name these instead of a hazard."""
FINGERPRINT_DIGITS = 12


class SourceError(TableError):
    """A table names what is not there. The message says which, where, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Hazard:
    """One failure of the hazard table."""

    id: str
    name: str
    claim: str
    """Its class: device, computed, session or clinical."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One sentence about what has to be."""

    id: str
    text: str
    origin: tuple[str, ...]
    hazards: tuple[str, ...]
    method: str
    because: str
    """The argument of an analysis, or why nothing can be shown here; empty for a test."""

    @property
    def fingerprint(self) -> str:
        """Return what names this very text: the first digits of its SHA-256, whatever its line breaks."""
        plain = " ".join(self.text.split())
        return hashlib.sha256(plain.encode()).hexdigest()[:FINGERPRINT_DIGITS]


@dataclass(frozen=True, slots=True)
class Formula:
    """One property over time, as far as the matrix has to know it."""

    id: str
    words: str
    hazards: tuple[str, ...]
    requirements: tuple[str, ...]
    text: str = ""
    """The formula itself."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that can be linked."""

    hazards: dict[str, Hazard]
    requirements: dict[str, Requirement]
    origins: dict[str, str]
    formulas: dict[str, Formula]
    definitions: dict[str, str] = field(default_factory=dict)
    """What words of the formulas stand for."""


@cache
def load_sources() -> Sources:
    """Return the shipped tables. Raises ``TableError``, and ``SourceError`` if one names what is not there."""
    return read_sources(*(_text(name) for name in ("hazards.toml", "requirements.toml", "properties.toml")))


def read_sources(hazards: str, requirements: str, properties: str) -> Sources:
    """Return what three tables say, as text. Raises ``TableError``, and ``SourceError`` for a link to nothing."""
    with told_of("requirements.toml"):
        table = tomllib.loads(requirements)
        required = {row.id: row for row in map(_requirement, table.get("requirement", ()))}
        origins = dict(table.get("origins", {}))
    with told_of("hazards.toml"):
        failures = {row.id: row for row in map(_hazard, tomllib.loads(hazards).get("failure", ()))}
    with told_of("properties.toml"):
        over_time = tomllib.loads(properties)
        formulas = {row.id: row for row in map(_formula, over_time.get("property", ()))}
        definitions = dict(over_time.get("define", {}))
    sources = Sources(failures, required, origins, formulas, definitions)
    wrong = list(_dangling(sources))
    if wrong:
        raise SourceError("; ".join(wrong))
    return sources


def origin_code(origin: str) -> str:
    """Return the code under which an origin stands in the table of origins."""
    if origin[:1] == "F" and origin[1:].isdigit():
        return "F"
    return origin.partition(":")[0]


def _dangling(sources: Sources) -> Iterator[str]:
    for requirement in sources.requirements.values():
        if requirement.method not in METHODS:
            yield f"{requirement.id}: method “{requirement.method}” is none of {', '.join(METHODS)}"
        if (requirement.method == TEST) == bool(requirement.because):
            yield f"{requirement.id}: “because” belongs to what is not tested, and has to be there"
        for hazard in set(requirement.hazards) - set(sources.hazards):
            yield f"{requirement.id} names hazard “{hazard}”, which is not in the table of hazards"
        for origin in requirement.origin:
            if origin_code(origin) not in sources.origins:
                yield f"{requirement.id} names origin “{origin}”, whose code is not in the table of origins"
    for formula in sources.formulas.values():
        for name in set(formula.requirements) - set(sources.requirements):
            yield f"property {formula.id} names requirement “{name}”, which is not in the table of requirements"
        for hazard in set(formula.hazards) - set(sources.hazards) - OUTCOMES:
            yield f"property {formula.id} names hazard “{hazard}”, which is not in the table of hazards"


def _hazard(row: dict[str, Any]) -> Hazard:
    return Hazard(row["id"], row["name"], row["class"])


def _requirement(row: dict[str, Any]) -> Requirement:
    return Requirement(
        id=row["id"],
        text=row["text"],
        origin=tuple(row["origin"]),
        hazards=tuple(row["hazards"]),
        method=row["method"],
        because=row.get("because", ""),
    )


def _formula(row: dict[str, Any]) -> Formula:
    return Formula(row["id"], row["words"], tuple(row["hazards"]), tuple(row["requirements"]), row.get("formula", ""))


def _text(name: str) -> str:
    file = resources.files("verify") / name
    return file.read_text("utf-8") if file.is_file() else ""
