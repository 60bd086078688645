"""The settings of faults: what each may be, with its unit, its range and what it is if nobody says.

A value is a whole number of base units or a text with its unit; a share is a whole number of thousandths or a text
in per cent. Anything else is refused with a sentence that says what to write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, NamedTuple

from emulator.hardware.severity import PERMILLE
from protocol.units import Milliseconds, Nanolitres, NanolitresPerDay, PicogramsPerNanolitre, QuantityError

PER_CENT = 10
"""Thousandths in a per cent."""


class BenchError(Exception):
    """A bench command cannot be carried out; the message says what and what to write instead."""


class Kind(Enum):
    """What sort of value a setting has: its name, and an example of how to write it."""

    SHARE = ("thousandths", "250 or 25%")
    TIME = ("ms", "90 min")
    VOLUME = ("nL", "2 mL")
    RATE = ("nL/day", "1 mL/h")
    CONCENTRATION = ("pg/nL", "20 mg/mL")
    NUMBER = ("", "7")
    WORD = ("", "pocket")

    @property
    def unit(self) -> str:
        """The base unit."""
        return str(self.value[0])

    @property
    def example(self) -> str:
        """How to write a value."""
        return str(self.value[1])


_QUANTITIES = {
    Kind.TIME: Milliseconds,
    Kind.VOLUME: Nanolitres,
    Kind.RATE: NanolitresPerDay,
    Kind.CONCENTRATION: PicogramsPerNanolitre,
}


class Setting(NamedTuple):
    """One setting. A default of None means that it is left out unless somebody gives it."""

    name: str
    kind: Kind
    default: int | str | None
    words: str
    lowest: int = 0
    highest: int | None = None
    choices: tuple[str, ...] = ()

    def read(self, value: object) -> int | str:
        """Return a value in base units; raises ``BenchError`` for one that this setting cannot have."""
        if self.kind is Kind.WORD:
            if not isinstance(value, str) or (self.choices and value not in self.choices):
                raise BenchError(f"{self.name} is one of: {', '.join(self.choices) or 'words'}; not {value!r}")
            return value
        number = self._number(value)
        if number < self.lowest or (self.highest is not None and number > self.highest):
            most = "" if self.highest is None else f" to {self.highest}"
            raise BenchError(f"{self.name} is {self.lowest}{most} {self.kind.unit}, not {value}".replace("  ", " "))
        return number

    def _number(self, value: object) -> int:
        quantity = _QUANTITIES.get(self.kind)
        if type(value) is int:
            return value
        if isinstance(value, str) and quantity:
            try:
                return quantity.parse(value).value
            except QuantityError as error:
                raise BenchError(f"{self.name}: {error}") from None
        if isinstance(value, str) and self.kind is Kind.SHARE and value.removesuffix("%").strip().isdecimal():
            share = int(value.removesuffix("%"))
            return share * PER_CENT if value.endswith("%") else share
        if isinstance(value, str) and self.kind is Kind.NUMBER and re.fullmatch(r"-?[0-9]{1,18}", value):
            return int(value)
        raise BenchError(f"{self.name} is a number such as {self.kind.example}, not {value!r}")


def read_settings(allowed: Iterable[Setting], given: Mapping[str, Any], fault: str) -> dict[str, Any]:
    """Return every setting's value, given or by default; raises ``BenchError`` for one that there is not."""
    by_name = {setting.name: setting for setting in allowed}
    unknown = sorted(given.keys() - by_name.keys())
    if unknown:
        raise BenchError(f"fault “{fault}” has no setting “{unknown[0]}”; it has: {', '.join(by_name)}")
    wanted = {name: given.get(name, setting.default) for name, setting in by_name.items()}
    return {name: by_name[name].read(value) for name, value in wanted.items() if value is not None}


SEVERITY = Setting("severity", Kind.SHARE, PERMILLE, "how much of it", 0, PERMILLE)
RAMP = Setting("ramp", Kind.TIME, None, "time in which it grows from nothing to its severity, in a straight line")
SEED = Setting("seed", Kind.NUMBER, None, "what chance is drawn from")
AT = Setting("at", Kind.TIME, None, "bench time at which it happens; at once if left out")
LASTS = Setting("lasts", Kind.TIME, None, "after this time it ends by itself; until it is cleared if left out", 1)
WHEN = (AT, LASTS)
"""Settings that every fault has."""
