"""Catheters as they are sold: a length that the surgeon trims, and a volume for each centimetre of it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import ClassVar

from protocol.units import Nanolitres, Quantity, QuantityError


class CatheterError(Exception):
    """A catheter cannot be: the message says why and what there is."""


class Millimetres(Quantity):
    """A length."""

    __slots__ = ()
    KIND = "length"
    EXAMPLE = "85 cm"
    UNITS: ClassVar = {"mm": Fraction(1), "cm": Fraction(10)}
    SHOWN_IN = ("cm", "mm")


@dataclass(frozen=True, slots=True)
class CatheterModel:
    """One model, untrimmed."""

    name: str
    length: Millimetres
    nl_per_cm: int
    access_port: bool
    """Whether the pump it goes with has a port through which the catheter can be reached."""

    def implanted(self, trimmed: Millimetres) -> Nanolitres:
        """Return the volume of what is left after trimming; raises ``CatheterError`` if nothing is left."""
        left_mm = self.length.value - trimmed.value
        if left_mm <= 0:
            raise CatheterError(f"“{self.name}” is {self.length} long; {trimmed} trimmed off leaves nothing")
        return Nanolitres(left_mm * self.nl_per_cm // 10)


@cache
def catheter_models() -> dict[str, CatheterModel]:
    """Return the shipped models by name."""
    text = (resources.files("emulator") / "data" / "catheters.toml").read_text("utf-8")
    return {
        name: CatheterModel(
            name,
            Millimetres.parse(figures["length"]["value"]),
            Nanolitres.parse(figures["volume_per_cm"]["value"]).value,
            figures["access_port"]["value"] == "yes",
        )
        for name, figures in tomllib.loads(text).items()
    }


def catheter_volume(model: str, trimmed: str) -> Nanolitres:
    """Return the implanted volume of a model, or of a catheter that is given by its volume, such as ``0.187 mL``.

    Raises ``CatheterError``, or ``QuantityError`` for a length that is none.
    """
    length = Millimetres.parse(trimmed)
    known = catheter_models()
    if model in known:
        return known[model].implanted(length)
    try:
        volume = Nanolitres.parse(model)
    except QuantityError:
        raise CatheterError(f"“{model}” is neither a volume nor one of: {', '.join(known)}") from None
    if length.value:
        raise CatheterError("a catheter given by its volume is trimmed already; write trimmed as 0 cm")
    return volume


def has_access_port(model: str) -> bool:
    """Return whether a catheter can be reached from outside; one that is given by its volume can."""
    known = catheter_models()
    return known[model].access_port if model in known else True
