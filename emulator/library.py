"""The drug library: for each drug, what is questionable (soft limit) and what is refused (hard limit).

A soft limit may be passed with a reason; a hard limit may not be passed at all. Every limit is inclusive: a value
equal to it is within it. The programmer and the pump judge with the same library, and a digest over all of it
proves that they do; the pump keeps the canonical bytes in its non-volatile memory and reads them back.

A library is written as TOML with quantities as text with units. ``docs/drug-library.md`` says how. The figures
shipped here are for an emulator: not for clinical use.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Self

from emulator.drug import DrugEntry, Limit, Verdict, Withdrawal
from emulator.library_reading import LibraryError, QuantityReader, Table, from_number, from_text, read_drug
from protocol.messages import DIGEST_OCTETS
from protocol.units import Quantity

__all__ = ["DrugEntry", "Library", "LibraryError", "Limit", "Verdict", "Withdrawal"]


@dataclass(frozen=True)
class Library:
    """A named, versioned set of drugs. Iterates in the order of their codes."""

    name: str
    version: str
    drugs: tuple[DrugEntry, ...]

    @classmethod
    def shipped(cls) -> Self:
        """Return the library that comes with the toolkit."""
        source = resources.files("emulator") / "data" / "drugs.toml"
        return cls.from_toml(source.read_text(encoding="utf-8"), "the shipped library")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a library from a TOML file. Raises ``LibraryError`` naming file, drug and key."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise LibraryError(f"{path}: cannot be read: {error}") from error
        return cls.from_toml(text, str(path))

    @classmethod
    def from_toml(cls, text: str, where: str) -> Self:
        """Read a library from TOML text; ``where`` names it in errors."""
        try:
            table = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise LibraryError(f"{where}: not TOML: {error}") from error
        return cls._build(Table(table, where), from_text)

    @classmethod
    def from_canonical(cls, data: bytes) -> Self:
        """Read back what ``canonical`` wrote; ``LibraryError`` for any other bytes."""
        try:
            table = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise LibraryError(f"stored library: not a canonical encoding: {error}") from error
        library = cls._build(Table(table, "stored library"), from_number)
        if library.canonical() != data:
            raise LibraryError("stored library: not the canonical encoding of what it says")
        return library

    @classmethod
    def _build(cls, table: Table, quantity: QuantityReader) -> Self:
        name, version = table.text("name"), table.text("version")
        entries = [read_drug(drug, quantity) for drug in table.tables("drug")]
        table.finish()
        _refuse_twice(table, "code", [entry.code for entry in entries])
        _refuse_twice(table, "name", [entry.name.casefold() for entry in entries])
        return cls(name, version, tuple(sorted(entries, key=lambda entry: entry.code)))

    def canonical(self) -> bytes:
        """Return the one encoding of this library: JSON, keys sorted, no spaces, quantities in base units."""
        drugs = [{key: _plain(getattr(drug, key)) for key in drug.__slots__} for drug in self.drugs]
        table = {"name": self.name, "version": self.version, "drug": drugs}
        return json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")

    @cached_property
    def digest(self) -> bytes:
        """Return SHA-256 over the canonical encoding, cut to the length of a digest on the wire."""
        return hashlib.sha256(self.canonical()).digest()[:DIGEST_OCTETS]

    def drug(self, code: int) -> DrugEntry | None:
        """Return the drug with this code, or None."""
        return next((entry for entry in self.drugs if entry.code == code), None)

    def by_name(self, name: str) -> DrugEntry | None:
        """Return the drug with exactly this name, in any case of letters, or None. Never a near match."""
        wanted = name.strip().casefold()
        return next((entry for entry in self.drugs if entry.name.casefold() == wanted), None)

    def __iter__(self) -> Iterator[DrugEntry]:
        return iter(self.drugs)


def _refuse_twice(table: Table, key: str, values: Sequence[int | str]) -> None:
    twice = [value for value in values if values.count(value) > 1]
    if twice:
        raise LibraryError(f"{table.where}: two drugs have the {key} {twice[0]!r}; give each its own")


def _plain(value: object) -> object:
    """Return a field of a drug as JSON can carry it."""
    if isinstance(value, Limit):
        return {key: _plain(getattr(value, key)) for key in value.__slots__}
    if isinstance(value, Quantity | Withdrawal):
        return value.value
    return value
