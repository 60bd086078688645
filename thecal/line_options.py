"""The options that put pace and damage on a line, shared by the commands that open one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import click

from hw.descriptor import DescriptorPort
from hw.impaired import ImpairedPort
from hw.impairments import Damage, Impairment, ImpairmentError
from hw.ports import open_port
from thecal.output import tell


def open_line(name: str, baud: int, pace: int | None, impairment: Impairment | None) -> DescriptorPort:
    """Open a port with that pace and damage between it and its user; ``PortError`` if it cannot be opened."""
    if impairment and Damage.DELAY in impairment.chances and not pace:
        raise click.UsageError("a delay is counted in byte times: give --baud-pace, too")
    port = open_port(name, baud)
    return ToldPort(port, pace, impairment) if pace or impairment else port


class ToldPort(ImpairedPort):
    """An impaired port that says at its end what it did to the bytes."""

    def _release(self) -> None:
        super()._release()
        counts = Counter(injected.damage.value for injected in self.sending.log + self.receiving.log)
        if counts:
            told = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
            tell(f"damaged on purpose on {self.name}: {told}")


class ImpairmentParameter(click.ParamType):  # type: ignore[type-arg] # no generic before click 8.5
    """What happens to bytes on purpose; see ``Impairment.parse``."""

    name = "what=rate,…"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Impairment:
        """Return the impairment, or fail with what is wrong with it."""
        if isinstance(value, Impairment):
            return value
        try:
            return Impairment.parse(str(value))
        except ImpairmentError as error:
            self.fail(str(error), param, ctx)


def line_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--baud-pace`` and ``--impair``, as ``pace`` and ``impairment``."""
    kinds = ", ".join(damage.value for damage in Damage)
    pace = click.option(
        "--baud-pace", "pace", type=click.IntRange(min=1), help="Let bytes take the time of this rate, both ways."
    )
    impair = click.option(
        "--impair",
        "impairment",
        type=ImpairmentParameter(),
        help=f"Damage bytes both ways: {kinds}; for example flip=1e-4,burst=1e-5:16,seed=7.",
    )
    return pace(impair(command))
