"""The bank as data: what each mutant changes, why, and what is expected to notice.

A mutant is an exact piece of text in one file and what stands there instead. The text must be in the file exactly
once: a bank that has drifted from the code fails loudly, before anything is tried.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import Any, Literal, NamedTuple

Status = Literal["killed", "equivalent"]
KEYS = {"id", "file", "old", "new", "story", "source", "requirements", "expected", "status", "reason"}
PACKAGES = ("protocol", "emulator")
"""Where mutants may live: the product, never the suites that judge it."""


class BankError(Exception):
    """The bank is wrong: a mutant is not whole, or not of this code. The message names it."""


class Mutant(NamedTuple):
    """One wrong change."""

    id: str
    layer: str
    file: str
    """Path of the source from the root of the packages, with slashes."""
    old: str
    new: str
    story: str
    """What the change would do to a patient, and what really happened elsewhere."""
    source: str
    """Where that was published; empty for a mistake of the kind that is made every day."""
    requirements: tuple[str, ...]
    expected: str
    """The property that ought to break."""
    status: Status
    reason: str
    """Why nothing can tell an equivalent mutant from the original."""

    @property
    def module(self) -> str:
        """Return the dotted name of the module that is changed."""
        return self.file.removesuffix(".py").replace("/", ".")

    def seeded(self) -> str:
        """Return the whole source with the change in it. Raises ``BankError`` unless the old text is there once."""
        text = source_of(self.file)
        found = text.count(self.old)
        if found != 1:
            raise BankError(f"{self.id}: the old text is {found} times in {self.file}, not once: {self.old!r}")
        return text.replace(self.old, self.new)


def source_of(file: str) -> str:
    """Return the text of a source file of the product. Raises ``BankError`` if there is none."""
    package, _, rest = file.partition("/")
    if package not in PACKAGES:
        raise BankError(f"{file} is none of the product's files")
    try:
        return resources.files(package).joinpath(rest).read_text(encoding="utf-8")
    except OSError as error:
        raise BankError(f"{file} cannot be read: {error}") from None


@cache  # it never changes while we run, and compiling every mutant takes a second
def load_bank() -> tuple[Mutant, ...]:
    """Return every mutant, layer by layer. Raises ``BankError`` for the first that is not whole or does not fit."""
    bank = read_bank()
    check(bank)
    return bank


def read_bank() -> tuple[Mutant, ...]:
    """Return every mutant as it is written down, fitting or not. Raises ``BankError`` for one that is not whole."""
    files = sorted((each for each in resources.files(__package__).iterdir() if each.name.endswith(".toml")), key=str)
    return tuple(
        mutant for each in files for mutant in read(each.name.removesuffix(".toml"), each.read_text(encoding="utf-8"))
    )


def read(layer: str, text: str) -> tuple[Mutant, ...]:
    """Return the mutants of one layer's file. Raises ``BankError`` for a table that is none."""
    try:
        tables = tomllib.loads(text)["mutant"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise BankError(f"{layer}.toml: {error}") from None
    return tuple(_mutant(layer, table) for table in tables)


def _mutant(layer: str, table: dict[str, Any]) -> Mutant:
    name = table.get("id", "one without an id")
    if unknown := table.keys() - KEYS:
        raise BankError(f"{layer}.toml, {name}: nobody knows the key {sorted(unknown)[0]}")
    if missing := {"id", "file", "old", "new", "story", "requirements", "expected"} - table.keys():
        raise BankError(f"{layer}.toml, {name}: {sorted(missing)[0]} is missing")
    status = table.get("status", "killed")
    if status not in ("killed", "equivalent"):
        raise BankError(f"{layer}.toml, {name}: the status is killed or equivalent, not {status}")
    if (status == "equivalent") is not bool(table.get("reason")):
        raise BankError(f"{layer}.toml, {name}: an equivalent mutant needs a reason, and no other has one")
    return Mutant(
        table["id"],
        layer,
        table["file"],
        table["old"],
        table["new"],
        table["story"],
        table.get("source", ""),
        tuple(table["requirements"]),
        table["expected"],
        status,
        table.get("reason", ""),
    )


def check(bank: Sequence[Mutant]) -> None:
    """Raise ``BankError`` unless every mutant has an id of its own, fits its file once, and is still Python."""
    seen: set[str] = set()
    for mutant in bank:
        if mutant.id in seen:
            raise BankError(f"two mutants are called {mutant.id}")
        seen.add(mutant.id)
        if mutant.old == mutant.new:
            raise BankError(f"{mutant.id} changes nothing")
        try:
            compile(mutant.seeded(), mutant.file, "exec", dont_inherit=True)
        except SyntaxError as error:
            raise BankError(f"{mutant.id} is no Python any more: {error}") from None


def chosen(bank: Iterable[Mutant], wanted: Sequence[str]) -> tuple[Mutant, ...]:
    """Return the mutants that are named by id, layer or file; all of them if nothing is wanted.

    Raises ``BankError`` for a name that is nobody's.
    """
    bank = tuple(bank)
    if not wanted:
        return bank
    names = {name for mutant in bank for name in (mutant.id, mutant.layer, mutant.file)}
    if unknown := [name for name in wanted if name not in names]:
        raise BankError(f"no mutant, layer or file of the bank is called {unknown[0]}")
    return tuple(each for each in bank if {each.id, each.layer, each.file} & set(wanted))
