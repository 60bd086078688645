"""One trial, in a process of its own: seed a mutant, run the suites, and say what broke.

Started by ``verify.mutants.run`` as ``python -m verify.mutants.trial``; reads one JSON object from standard input
and writes two lines for each property tried: its name when it begins, so that whoever waits knows how long to wait,
and a line of JSON when it is over. Stops at the first that breaks, unless all are wanted.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from verify.mutants.bank import Mutant
from verify.mutants.seeding import seed

if TYPE_CHECKING:
    from verify.suites.suite import Property

MEMORY_OCTETS = 4 << 30
"""A mutant that eats memory is stopped by its own process, not by the machine."""


class Order(NamedTuple):
    """What a trial is to do."""

    mutant: Mutant | None
    """None tries the code as it is."""
    suites: Sequence[str]
    first: str
    """The property that is tried before all others."""
    seed: int
    scale: int
    every: bool
    """Whether to go on after a property broke."""


class Tried(NamedTuple):
    """What came of one property."""

    name: str
    story: str | None
    examples: int
    seconds: float


def carried_out(order: Order) -> Iterator[Tried]:
    """Seed the mutant and try the properties."""
    if order.mutant is not None:
        seed(order.mutant)
        import_module(
            order.mutant.module
        )  # a mutant that cannot even be imported is the bank's mistake, no suite's merit
    from verify.suites.suite import Effort, show  # noqa: PLC0415 - after seeding, or there would be nothing to seed

    for each in _properties(order):
        _write(each.name)
        began = time.perf_counter()
        outcome = show(each, Effort(order.seed, order.scale * each.smoke, minimal=False))
        seconds = time.perf_counter() - began
        yield Tried(each.name, outcome.story, outcome.effort.tried, round(seconds, 3))
        if outcome.story is not None and not order.every:
            return


def _properties(order: Order) -> Iterator[Property]:
    """Yield the properties, suite by suite; a suite that the mutant breaks already as it is loaded comes too late."""
    from verify.suites.registry import suite  # noqa: PLC0415 - after seeding

    for name in order.suites:
        yield from sorted(suite(name).properties, key=lambda each: each.name != order.first)


def main() -> None:
    """Carry out the order on standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_OCTETS, MEMORY_OCTETS))
    asked = json.load(sys.stdin)
    seeded = asked.pop("mutant")
    order = Order(Mutant(*seeded) if seeded else None, **asked)
    for tried in carried_out(order):
        _write(json.dumps(tried._asdict()))


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
