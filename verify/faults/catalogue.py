"""The failures that this toolkit speaks about, read from ``hazards.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

CLASSES = ("device", "computed", "session", "clinical")
PROFILES = ("peristaltic", "valve")


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
    """Return every failure by its id, in the order of the table."""
    table = tomllib.loads((resources.files("verify") / "hazards.toml").read_text("utf-8"))
    rows = [_failure(row) for row in table["failure"]]
    return {row.id: row for row in rows}


def _failure(row: dict[str, Any]) -> Failure:
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    claim = plain.pop("class")
    if claim not in CLASSES:
        raise ValueError(f"{plain['id']}: class “{claim}” is none of {', '.join(CLASSES)}")
    fields: dict[str, Any] = {"profiles": PROFILES, **plain, "claim": claim}
    return Failure(**fields)
