"""Reading the examinations strictly: each figure with confidence and source; no key missing, none unknown."""

from __future__ import annotations

import enum
import tomllib
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from emulator.patient.figures import CONFIDENCES
from emulator.patient.signs import Outcome
from emulator.workups.catalogue import TURNED, Angles, Catalogue, Figure, Plan, Shows, Sight
from emulator.workups.chance import Repeat
from emulator.workups.finding import Aftermath, Workup
from emulator.workups.situation import WHOLE, Condition

Word = TypeVar("Word", bound=enum.Enum)
REPEATS = {"lasting": Repeat.LASTING, "visit": Repeat.VISIT, "fresh": Repeat.FRESH}
RESIDUAL_SIGHTS = {"high", "low"}
"""What a residual volume can be; the only examination that is measured and not seen."""


class WorkupDataError(ValueError):
    """The examinations cannot be used. The message names file, place and key, and what to write."""


def load_catalogue(path: str | Path) -> Catalogue:
    """Read examinations from a TOML file. Raises ``WorkupDataError``."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WorkupDataError(f"{path}: cannot be read: {error}") from error
    return read_catalogue(text, str(path))


@cache
def shipped_catalogue() -> Catalogue:
    """Return the examinations that come with the toolkit."""
    source = resources.files("emulator") / "data" / "workups.toml"
    return read_catalogue(source.read_text(encoding="utf-8"), "the shipped examinations")


def read_catalogue(text: str, where: str) -> Catalogue:
    """Read examinations from TOML text; ``where`` names it in errors. Raises ``WorkupDataError``."""
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise WorkupDataError(f"{where}: not TOML: {error}") from error
    table = _Table(content, where)
    name, failures = table.text("name"), table.texts("failure")
    residual = table.table("residual")
    spread, limit = residual.figure("spread"), residual.figure("limit")
    residual.finish()
    order = [table.word(Workup, "order", entry) for entry in table.rows("order")]
    entries = table.table("workup")
    if sorted(order, key=str) != sorted(Workup, key=str):
        raise WorkupDataError(f"{where}: “order” names each examination once: {_listed(Workup)}")
    plans = {workup: _plan(workup, entries.table(workup.value)) for workup in order}
    entries.finish()
    angles = _angles(table.table("roller_angle"), plans[Workup.ROTOR_STUDY])
    table.finish()
    for plan in plans.values():
        _check(plan, failures, where)
    return Catalogue(name, failures, spread, limit, angles, plans)


class _Table:
    """A table being read: every key must be taken, and what is left over is an error."""

    def __init__(self, content: object, where: str) -> None:
        if not isinstance(content, Mapping):
            raise WorkupDataError(f"{where}: must be a table of keys and values")
        self.content = content
        self.where = where
        self._left = set(content)

    def take(self, key: str) -> Any:
        if key not in self.content:
            raise WorkupDataError(f"{self.where}: “{key}” is missing; there are no defaults, so write it")
        self._left.discard(key)
        return self.content[key]

    def text(self, key: str) -> str:
        value = self.take(key)
        if not isinstance(value, str) or not value.strip():
            raise WorkupDataError(f"{self.where}: “{key}” must be text, not empty")
        return value

    def truth(self, key: str) -> bool:
        value = self.take(key)
        if not isinstance(value, bool):
            raise WorkupDataError(f"{self.where}: “{key}” must be true or false")
        return value

    def word(self, kind: type[Word], key: str, text: object) -> Word:
        try:
            return kind(text)
        except ValueError:
            raise WorkupDataError(f"{self.where}: {key}: no “{text}”; write one of: {_listed(kind)}") from None

    def rows(self, key: str) -> list[str]:
        content = self.take(key)
        if not isinstance(content, list) or not content or not all(isinstance(entry, str) for entry in content):
            raise WorkupDataError(f"{self.where}: “{key}” must be a list of at least one text")
        return content

    def table(self, key: str) -> _Table:
        return _Table(self.take(key), f"{self.where}, {key}")

    def texts(self, key: str) -> dict[str, str]:
        entry = self.table(key)
        return {name: entry.text(name) for name in entry.content}

    def permille(self, key: str) -> int:
        return self._whole(key, 1, WHOLE)

    def degrees(self, key: str) -> int:
        return self._whole(key, 0, 359)

    def _whole(self, key: str, least: int, greatest: int) -> int:
        value = self.take(key)
        if type(value) is not int or not least <= value <= greatest:
            raise WorkupDataError(f"{self.where}: “{key}” must be a whole number from {least} to {greatest}")
        return value

    def confidence(self) -> str:
        confidence = self.text("confidence")
        if confidence not in CONFIDENCES:
            raise WorkupDataError(f"{self.where}: “confidence” is one of {', '.join(CONFIDENCES)}")
        return confidence

    def figure(self, key: str) -> Figure:
        entry = self.table(key)
        figure = entry.probability()
        entry.finish()
        return figure

    def probability(self) -> Figure:
        text, confidence, source = self.text("value"), self.confidence(), self.text("source")
        try:
            value = Fraction(text)
        except (ValueError, ZeroDivisionError):
            value = Fraction(-1)
        if not 0 <= value <= 1:
            raise WorkupDataError(f"{self.where}: “value” = “{text}”; write a fraction or a decimal from 0 to 1")
        return Figure(value, confidence, source)

    def has(self, key: str) -> bool:
        return key in self.content

    def finish(self) -> None:
        if self._left:
            raise WorkupDataError(f"{self.where}: unknown key “{min(self._left)}”; correct or remove it")


def _listed(kind: type[enum.Enum]) -> str:
    return ", ".join(str(member.value) for member in kind)


def _plan(workup: Workup, table: _Table) -> Plan:
    repeats = table.text("repeats")
    if repeats not in REPEATS:
        raise WorkupDataError(f"{table.where}: “repeats” is one of {', '.join(REPEATS)}")
    sights = table.table("sight")
    plan = Plan(
        workup=workup,
        name=table.text("name"),
        nothing=table.text("nothing"),
        repeat=REPEATS[repeats],
        specificity=table.figure("specificity"),
        needs_port=table.truth("needs_port"),
        aftermath=table.word(Aftermath, "aftermath", table.text("aftermath")),
        takes=table.text("takes"),
        cost=table.text("cost"),
        risk=table.text("risk"),
        sights=tuple(_sight(name, sights.table(name)) for name in sights.content),
        alarms=table.texts("alarms") if table.has("alarms") else {},
    )
    table.finish()
    return plan


def _angles(table: _Table, plan: Plan) -> dict[str, Angles]:
    angles = {name: _angle(table.table(name)) for name in (TURNED, *(sight.name for sight in plan.sights))}
    table.finish()
    return angles


def _angle(table: _Table) -> Angles:
    least, greatest = table.degrees("least"), table.degrees("greatest")
    angles = Angles(least, greatest, table.confidence(), table.text("source"))
    table.finish()
    if least > greatest:
        raise WorkupDataError(f"{table.where}: “least” is above “greatest”")
    return angles


def _sight(name: str, table: _Table) -> Sight:
    shows = {}
    if table.has("shows"):
        entries = table.table("shows")
        shows = {
            entries.word(Condition, "shows", condition): _shows(entries.table(condition))
            for condition in entries.content
        }
    sight = Sight(
        name=name,
        words=table.text("words"),
        shows=shows,
        outcome=table.word(Outcome, "outcome", table.text("outcome")) if table.has("outcome") else None,
        speaks_for=frozenset(table.rows("speaks_for")) if table.has("speaks_for") else frozenset(),
    )
    table.finish()
    if bool(sight.shows) == bool(sight.speaks_for):
        raise WorkupDataError(f"{table.where}: write either “shows” or “speaks_for”")
    return sight


def _shows(table: _Table) -> Shows:
    from_permille = table.permille("from_permille") if table.has("from_permille") else 1
    shows = Shows(table.probability(), from_permille)
    table.finish()
    return shows


def _check(plan: Plan, failures: Mapping[str, str], where: str) -> None:
    unknown = plan.failures - failures.keys()
    if unknown:
        raise WorkupDataError(f"{where}, {plan.workup.value}: no failure “{min(unknown)}” in the table of failures")
    for sight in plan.sights:
        kind = Workup.EXAMINATION if sight.outcome else Workup.RESIDUAL if sight.speaks_for else plan.workup
        if kind is not plan.workup:
            raise WorkupDataError(
                f"{where}, {plan.workup.value}, sight {sight.name}: only the {kind.value} sees this"
            )
    if plan.workup is Workup.RESIDUAL and {sight.name for sight in plan.sights} != RESIDUAL_SIGHTS:
        raise WorkupDataError(f"{where}, residual: a volume is “high” or “low”; write these two sights")
    if plan.alarms and plan.workup is not Workup.INTERROGATION:
        raise WorkupDataError(f"{where}, {plan.workup.value}: only an interrogation shows alarms")
