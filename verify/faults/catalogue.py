"""The failures that this toolkit speaks about, read from ``hazards.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from verify.tables import shipped, told_of

CLASSES = ("device", "computed", "session", "clinical")
PROFILES = ("peristaltic", "valve")
FILE = "hazards.toml"


@dataclass(frozen=True, slots=True)
class Failure:
    """One row. The words are for people; ``alarms`` and ``found_by`` are names that the code knows."""

    id: str
    name: str
    claim: str
    """One of ``CLASSES``: what is claimed about noticing it."""
    effect: str
    cause: str
    """How a person at the bench brings it about."""
    profiles: tuple[str, ...]
    alarms: tuple[str, ...] = ()
    deadline: str = ""
    flow: str = ""
    clears: str = ""
    signs: str = ""
    found_by: tuple[str, ...] = ()
    """Examinations that can show it."""
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        row = {name: getattr(self, name) for name in self.__slots__}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in row.items()}


@cache
def failures() -> dict[str, Failure]:
    """Return every failure by its id, in the order of the table. Raises ``TableError``."""
    table = shipped(FILE)
    with told_of(FILE):
        return {row.id: row for row in map(_failure, table["failure"])}


def _failure(row: dict[str, Any]) -> Failure:
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    claim = plain.pop("class")
    if claim not in CLASSES:
        raise ValueError(f"{plain['id']}: class “{claim}” is none of {', '.join(CLASSES)}")
    fields: dict[str, Any] = {"profiles": PROFILES, **plain, "claim": claim}
    return Failure(**fields)
