"""Quantities: integers that know their unit.

Volume is in nanolitres, rate in nanolitres a day, mass in picograms, concentration in picograms a nanolitre
(the same number as micrograms a millilitre) and time in milliseconds. These units make every ordinary
prescription an exact integer: 0.1 mL/day is 100 000 nL/day, 25 mg/mL is 25 000 pg/nL, and a volume times a
concentration is a mass with no conversion at all.

The units live beside the messages because the wire is the first place where a bare number could lose its
meaning. Inside hot loops the code uses plain ``int`` with the unit in the name (``volume_nl``); at every edge
it uses these classes.

Text is parsed exactly, as a fraction, and refused if it has no unit, does not divide into whole base units, or
is written in one of the ways that have killed: a leading or trailing point, a comma, a leading zero, an
exponent or a sign.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000

_NUMBER = re.compile(r"(?P<number>0|[1-9][0-9]{0,14})(?P<decimals>\.[0-9]{1,12})? ?(?P<unit>[A-Za-z][A-Za-z/]*)?")
_MICRO_SIGNS = str.maketrans({"µ": "u", "μ": "u"})


class QuantityError(ValueError):
    """A text is not an exact quantity of the kind asked for. The message says what to write instead."""


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """A whole, non-negative number of base units. Subclasses name the unit.

    Raises ``QuantityError`` for a negative number and ``TypeError`` for anything but an ``int``, so that no
    float can take part in a dose decision.
    """

    value: int

    UNITS: ClassVar[dict[str, Fraction]] = {}
    """Accepted spellings (micro written ``u``) and how many base units each is worth."""
    KIND: ClassVar[str] = "quantity"
    EXAMPLE: ClassVar[str] = ""
    SHOWN_IN: ClassVar[tuple[str, ...]] = ()
    """Units to show a value in, largest first."""

    def __post_init__(self) -> None:
        if type(self.value) is not int:
            raise TypeError(f"a {self.KIND} is a whole number of base units, not {type(self.value).__name__}")
        if self.value < 0:
            raise QuantityError(f"a {self.KIND} cannot be negative: {self.value}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an exact quantity with its unit, such as ``0.1 mL/day``.

        Raises ``QuantityError`` with the reason and an example for anything else.
        """
        return cls(_exact(cls, text))

    def text(self, unit: str | None = None) -> str:
        """Write the value in the given unit, or in the largest unit that shows it exactly in six decimals.

        A value that the given unit cannot show in six decimals is rounded down and marked with “~”.
        """
        for name in (unit,) if unit else self.SHOWN_IN:
            amount = Fraction(self.value) / self.UNITS[name]
            exact = (amount * 1_000_000).denominator == 1
            if unit or (exact and (amount >= 1 or self.value == 0)):
                return f"{'' if exact else '~'}{_decimal(amount)} {name}"
        return f"{self.value} {self.SHOWN_IN[-1]}"

    def __str__(self) -> str:
        return self.text()

    def __add__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        return type(self)(self.value + other.value)

    def __sub__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        return type(self)(self.value - other.value)


class Nanolitres(Quantity):
    """A volume."""

    __slots__ = ()
    KIND = "volume"
    EXAMPLE = "2.5 mL"
    UNITS: ClassVar = {"nL": Fraction(1), "uL": Fraction(1_000), "mL": Fraction(1_000_000)}
    SHOWN_IN = ("mL", "uL", "nL")


class NanolitresPerDay(Quantity):
    """A flow rate."""

    __slots__ = ()
    KIND = "rate"
    EXAMPLE = "0.1 mL/day"
    UNITS: ClassVar = {
        "nL/day": Fraction(1),
        "uL/day": Fraction(1_000),
        "mL/day": Fraction(1_000_000),
        "uL/h": Fraction(24_000),
        "mL/h": Fraction(24_000_000),
    }
    SHOWN_IN = ("mL/day", "uL/day", "nL/day")


class Picograms(Quantity):
    """A mass of drug."""

    __slots__ = ()
    KIND = "dose"
    EXAMPLE = "0.5 mg"
    UNITS: ClassVar = {
        "pg": Fraction(1),
        "ng": Fraction(1_000),
        "ug": Fraction(1_000_000),
        "mcg": Fraction(1_000_000),
        "mg": Fraction(1_000_000_000),
    }
    SHOWN_IN = ("mg", "ug", "ng", "pg")


class PicogramsPerDay(Quantity):
    """A dose rate: mass of drug a day."""

    __slots__ = ()
    KIND = "daily dose"
    EXAMPLE = "1 mg/day"
    UNITS: ClassVar = {
        "pg/day": Fraction(1),
        "ng/day": Fraction(1_000),
        "ug/day": Fraction(1_000_000),
        "mcg/day": Fraction(1_000_000),
        "mg/day": Fraction(1_000_000_000),
        "ug/h": Fraction(24_000_000),
        "mcg/h": Fraction(24_000_000),
        "mg/h": Fraction(24_000_000_000),
    }
    SHOWN_IN = ("mg/day", "ug/day", "ng/day", "pg/day")


class PicogramsPerNanolitre(Quantity):
    """A concentration."""

    __slots__ = ()
    KIND = "concentration"
    EXAMPLE = "20 mg/mL"
    UNITS: ClassVar = {
        "pg/nL": Fraction(1),
        "ug/mL": Fraction(1),
        "mcg/mL": Fraction(1),
        "mg/mL": Fraction(1_000),
    }
    SHOWN_IN = ("mg/mL", "ug/mL")


class Milliseconds(Quantity):
    """A span of time, or an instant counted from the pump's first power-up."""

    __slots__ = ()
    KIND = "time"
    EXAMPLE = "4 h"
    UNITS: ClassVar = {
        "ms": Fraction(1),
        "s": Fraction(1_000),
        "min": Fraction(MINUTE_MS),
        "h": Fraction(HOUR_MS),
        "day": Fraction(DAY_MS),
        "days": Fraction(DAY_MS),
    }
    SHOWN_IN = ("day", "h", "min", "s", "ms")


def rate_for(dose: PicogramsPerDay, concentration: PicogramsPerNanolitre) -> NanolitresPerDay:
    """Return the flow rate that gives exactly this daily dose (rate = dose / concentration).

    Raises ``QuantityError``, naming the nearest dose below, when no whole number of nanolitres a day does.
    """
    return NanolitresPerDay(_divide(dose, concentration, PicogramsPerDay))


def volume_for(dose: Picograms, concentration: PicogramsPerNanolitre) -> Nanolitres:
    """Return the volume that holds exactly this dose.

    Raises ``QuantityError``, naming the nearest dose below, when no whole number of nanolitres does.
    """
    return Nanolitres(_divide(dose, concentration, Picograms))


def mass_in(volume: Nanolitres, concentration: PicogramsPerNanolitre) -> Picograms:
    """Return the mass of drug in a volume; exact, because the units were chosen for it."""
    return Picograms(volume.value * concentration.value)


def daily_dose(rate: NanolitresPerDay, concentration: PicogramsPerNanolitre) -> PicogramsPerDay:
    """Return the mass of drug that a rate delivers in a day; exact."""
    return PicogramsPerDay(rate.value * concentration.value)


def _divide(dose: Quantity, concentration: PicogramsPerNanolitre, kind: type[Quantity]) -> int:
    if concentration.value == 0:
        raise QuantityError("a concentration of zero holds no dose; give the concentration on the syringe label")
    quotient, remainder = divmod(dose.value, concentration.value)
    if remainder:
        below = kind(quotient * concentration.value)
        raise QuantityError(
            f"{dose} at {concentration} is not a whole number of nanolitres; the nearest dose below is {below}"
        )
    return quotient


def _exact(kind: type[Quantity], text: str) -> int:
    hint = f"write a {kind.KIND} like “{kind.EXAMPLE}”"
    match = _NUMBER.fullmatch(text.strip().translate(_MICRO_SIGNS))
    if match is None:
        raise QuantityError(f"“{text}” is not a plain decimal number with a unit; {hint}")
    unit = match["unit"]
    if unit is None:
        raise QuantityError(f"“{text}” has no unit; {hint}")
    if unit not in kind.UNITS:
        known = ", ".join(kind.UNITS)
        raise QuantityError(f"“{unit}” is not a unit of {kind.KIND} (known: {known}); {hint}")
    amount = Fraction(match["number"] + (match["decimals"] or "")) * kind.UNITS[unit]
    if amount.denominator != 1:
        raise QuantityError(f"“{text}” is finer than the smallest step, 1 {next(iter(kind.UNITS))}; {hint}")
    return amount.numerator


def _decimal(amount: Fraction) -> str:
    """Return the amount with at most six decimals, rounded down."""
    whole, decimals = divmod(int(amount * 1_000_000), 1_000_000)
    return f"{whole}.{decimals:06d}".rstrip("0").rstrip(".")
