"""Quantities and names as command-line arguments: every number says its unit, or is refused with a hint."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import click

from emulator.programmer.draft import parse_amount
from protocol.units import (
    Milliseconds,
    Nanolitres,
    NanolitresPerDay,
    Picograms,
    PicogramsPerDay,
    PicogramsPerNanolitre,
    Quantity,
    QuantityError,
)

QuantityType = TypeVar("QuantityType", bound=Quantity)


class QuantityParameter(click.ParamType, Generic[QuantityType]):  # type: ignore[type-arg] # no generic before click 8.5
    """An argument such as ``"0.1 mL/day"``. What is not exact, or has no unit, is wrong usage."""

    def __init__(self, kind: type[QuantityType]) -> None:
        self.kind = kind
        self.name = kind.KIND

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> QuantityType:
        """Return the quantity; ``click.BadParameter`` says what to write instead."""
        if isinstance(value, self.kind):
            return value
        try:
            return self.kind.parse(str(value))
        except QuantityError as error:
            self.fail(str(error), param, ctx)


VOLUME = QuantityParameter(Nanolitres)
RATE = QuantityParameter(NanolitresPerDay)
DOSE = QuantityParameter(Picograms)
DAILY_DOSE = QuantityParameter(PicogramsPerDay)
CONCENTRATION = QuantityParameter(PicogramsPerNanolitre)
DURATION = QuantityParameter(Milliseconds)


Amount = Picograms | Nanolitres


class AmountParameter(click.ParamType):  # type: ignore[type-arg] # no generic before click 8.5
    """A dose of the primary drug, or a volume; the unit says which."""

    name = "dose or volume"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Amount:
        """Return the dose or volume; ``click.BadParameter`` says what to write instead."""
        if isinstance(value, Picograms | Nanolitres):
            return value
        try:
            return parse_amount(str(value))
        except QuantityError as error:
            self.fail(str(error), param, ctx)


AMOUNT = AmountParameter()


class SpeedParameter(click.ParamType):  # type: ignore[type-arg] # no generic before click 8.5
    """How fast simulated time runs: ``freeze``, ``x1``, ``x60``, or any other whole factor up to x100000."""

    name = "speed"
    MOST = 100_000
    """About a day a second; beyond it, jumping to the next event is what is wanted."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the factor; 0 is frozen."""
        text = str(value).lower().removeprefix("x")
        if text in {"freeze", "frozen"}:
            return 0
        if not text.isascii() or not text.isdecimal() or int(text) > self.MOST:
            self.fail(
                f"“{value}” is no speed; write freeze, x1, x60 or any whole factor up to x{self.MOST}", param, ctx
            )
        return int(text)


SPEED = SpeedParameter()
