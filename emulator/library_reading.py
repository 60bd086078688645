"""Reading a drug library strictly: every key is wanted, every other key is refused, and errors say what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from emulator.drug import DrugEntry, Limit, Value, Withdrawal
from protocol.units import Milliseconds, Picograms, PicogramsPerDay, PicogramsPerNanolitre, QuantityError

HIGHEST_CODE = 254
"""Codes are 1 to 254: in a refusal 255 means that no drug is meant."""
LONGEST_NAME = 40

_BASIS = re.compile(r"\[(S[0-9]+|M-H|M-M|M-L|D|T|I)\] \S.*")
_BASIS_HINT = (
    "begin with a confidence tag and then name the source: [S12] read in a source, [M-H] [M-M] [M-L] from memory "
    "with high, medium or low confidence, [D] derived, [T] the toolkit's own default, [I] your institution's"
)


class LibraryError(ValueError):
    """A drug library cannot be used. The message names the place, the drug and the key, and says what to do."""


class Table:
    """A table being read: every key is taken once, and a key nobody took is an error."""

    def __init__(self, content: object, where: str) -> None:
        if not isinstance(content, Mapping):
            raise LibraryError(f"{where}: must be a table of keys and values")
        self._left: dict[str, Any] = dict(content)
        self.where = where

    def take(self, key: str) -> Any:
        """Return a wanted value and count it as read."""
        if key not in self._left:
            raise LibraryError(f"{self.where}: “{key}” is missing; the library has no defaults, so write it")
        return self._left.pop(key)

    def text(self, key: str, pattern: re.Pattern[str] | None = None, hint: str = "") -> str:
        """Take a text that is not empty and, if a pattern is given, matches it."""
        value = self.take(key)
        if not isinstance(value, str) or not value or value != value.strip() or not value.isprintable():
            raise LibraryError(f"{self.where}: “{key}” must be one line of text, not empty, without spaces around it")
        if pattern is not None and not pattern.fullmatch(value):
            raise LibraryError(f"{self.where}: “{key}” = “{value}”: {hint}")
        return value

    def table(self, key: str) -> Table:
        """Take a table inside this one."""
        return Table(self.take(key), f"{self.where}, {key}")

    def tables(self, key: str) -> Iterator[Table]:
        """Take a list of tables; errors in them name the entry, or count to it."""
        content = self.take(key)
        if not isinstance(content, list) or not content:
            raise LibraryError(f"{self.where}: “{key}” must list at least one drug; write [[{key}]] before each")
        for number, entry in enumerate(content, 1):
            name = entry.get("name") if isinstance(entry, Mapping) else None
            yield Table(entry, f"{self.where}: {key} {name if isinstance(name, str) else number}")

    def finish(self) -> None:
        """Refuse any key that was not taken."""
        if self._left:
            raise LibraryError(f"{self.where}: unknown key “{next(iter(self._left))}”; correct or remove it")


class QuantityReader(Protocol):
    """How a quantity is written: with a unit in TOML, as a whole number of base units in the canonical bytes."""

    def __call__(self, kind: type[Value], raw: object) -> Value:
        """Return the quantity; ``QuantityError`` if it is written in any other way."""


def from_text(kind: type[Value], raw: object) -> Value:
    """Read a quantity as a person writes it: text with a unit."""
    if not isinstance(raw, str):
        raise QuantityError(f"{raw!r} has no unit; write a {kind.KIND} as text like “{kind.EXAMPLE}”")
    return kind.parse(raw)


def from_number(kind: type[Value], raw: object) -> Value:
    """Read a quantity as the canonical encoding writes it: a whole number of base units."""
    if type(raw) is not int:
        raise QuantityError(f"{raw!r} is not a whole number of base units")
    return kind(raw)


def read_drug(table: Table, quantity: QuantityReader) -> DrugEntry:
    """Read one drug, all of it; ``LibraryError`` names the drug and the key that is wrong."""
    entry = DrugEntry(
        code=_code(table),
        name=_name(table),
        concentration=_limit(table.table("concentration"), PicogramsPerNanolitre, quantity),
        daily=_limit(table.table("daily"), PicogramsPerDay, quantity),
        bolus=_limit(table.table("bolus"), Picograms, quantity),
        stability=_positive(table, "stability", Milliseconds, quantity),
        stability_basis=table.text("stability_basis", _BASIS, _BASIS_HINT),
        withdrawal=_withdrawal(table),
        withdrawal_basis=table.text("withdrawal_basis", _BASIS, _BASIS_HINT),
    )
    table.finish()
    if entry.bolus.hard.value > entry.daily.hard.value:
        raise LibraryError(f"{table.where}, bolus: “hard” is above the hard daily dose; lower it")
    return entry


def _code(table: Table) -> int:
    code = table.take("code")
    if type(code) is not int or not 1 <= code <= HIGHEST_CODE:
        raise LibraryError(f"{table.where}: “code” must be a whole number from 1 to {HIGHEST_CODE}, not {code!r}")
    return code


def _name(table: Table) -> str:
    name = table.text("name")
    if len(name) > LONGEST_NAME:
        raise LibraryError(f"{table.where}: “name” is longer than {LONGEST_NAME} letters; shorten it")
    return name


def _withdrawal(table: Table) -> Withdrawal:
    word = table.text("withdrawal")
    try:
        return Withdrawal(word)
    except ValueError:
        known = ", ".join(level.value for level in Withdrawal)
        raise LibraryError(f"{table.where}: “withdrawal” = “{word}”; write one of {known}") from None


def _limit(table: Table, kind: type[Value], quantity: QuantityReader) -> Limit[Value]:
    limit = Limit(
        soft=_positive(table, "soft", kind, quantity),
        soft_basis=table.text("soft_basis", _BASIS, _BASIS_HINT),
        hard=_positive(table, "hard", kind, quantity),
        hard_basis=table.text("hard_basis", _BASIS, _BASIS_HINT),
    )
    table.finish()
    if limit.soft.value > limit.hard.value:
        raise LibraryError(
            f"{table.where}: “soft” ({limit.soft}) is above “hard” ({limit.hard}); lower it or swap them"
        )
    return limit


def _positive(table: Table, key: str, kind: type[Value], quantity: QuantityReader) -> Value:
    try:
        value = quantity(kind, table.take(key))
    except QuantityError as error:
        raise LibraryError(f"{table.where}: “{key}”: {error}") from error
    if value.value == 0:
        raise LibraryError(f"{table.where}: “{key}” is zero, which would forbid the drug; leave the drug out instead")
    return value
