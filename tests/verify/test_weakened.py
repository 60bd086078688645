"""Every shipped property catches something that a weakened copy of it misses.

For each property and each weakening a record is made by chance, from a seed: a few changes of the property's own
signals, at times beside its own deadlines. The first one is taken that violates the property and not the copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from protocol.units import DAY_MS
from verify.properties import Property, load_properties
from verify.temporal.formula import Comparison, Formula, Held, Recently, Soon
from verify.temporal.semantics import Evaluation, Outcome
from verify.temporal.signals import Record, ending_at
from verify.temporal.weaken import weakened
from verify.temporal.writer import Writer

TRIES = 20_000
LONG_MS = 400 * DAY_MS
"""Records go on long enough for every deadline to be over."""


def parts(formula: Formula) -> Iterator[Formula]:
    """Yield a formula and everything in it."""
    yield formula
    for part in formula.parts():
        yield from parts(part)


def times(formula: Formula) -> list[int]:
    """Return times worth trying: nothing, and just at, beyond and well beyond every span in the formula."""
    spans = {part.within_ms for part in parts(formula) if isinstance(part, Soon | Recently)}
    spans |= {part.for_ms for part in parts(formula) if isinstance(part, Held)}
    return sorted({0, 1, *(at for span in spans for at in (span, span + 1, span + span // 2, 2 * span + 2))})


def record(formula: Formula, chance: Random) -> Record:
    """Return a record by chance: some signals on from the beginning, a few changes after it."""
    numbers = {part.left for part in parts(formula) if isinstance(part, Comparison)}
    numbers |= {str(part.right) for part in parts(formula) if isinstance(part, Comparison)} & formula.names()
    fixed = {part.right for part in parts(formula) if isinstance(part, Comparison) and isinstance(part.right, int)}
    values = sorted({0, 1, 2, *fixed, *(value + 1 for value in fixed)})
    switches = sorted(formula.names() - numbers)
    write, at_ms = Writer(), 0
    write.go_to(0)
    for name in sorted(numbers):
        write.number(name, chance.choice(values))
    share = chance.choice((0.1, 0.5))
    for name in switches:
        write.level(name, chance.random() < share)
    for _ in range(chance.randint(1, 4)):
        at_ms += chance.choice(times(formula))
        write.go_to(at_ms)
        if numbers and (not switches or chance.random() < 0.3):
            write.number(chance.choice(sorted(numbers)), chance.choice(values))
            continue
        name = chance.choice(switches)
        if chance.random() < 0.5 and not write.is_true(name):
            write.moment(name)
        else:
            write.level(name, not write.is_true(name))
    done = write.record()
    return Record(done.switches, done.numbers, ending_at(at_ms + LONG_MS))


CASES = [
    pytest.param(each, weaker, id=f"{each.id}: {words}")
    for each in load_properties()
    for words, weaker in weakened(each.formula)
]


@pytest.mark.parametrize(("original", "weaker"), CASES)
def test_a_weakened_copy_misses_what_the_property_catches(original: Property, weaker: Formula) -> None:
    """There is a record that violates the property and that its weakened copy lets pass."""
    chance = Random(original.id)
    for _ in range(TRIES):
        evaluation = Evaluation(record(original.formula, chance))
        if (
            evaluation.judge(original.formula).outcome is Outcome.VIOLATED
            and evaluation.judge(weaker).outcome is not Outcome.VIOLATED
        ):
            return
    pytest.fail(f"no record tells “{original.text}” from its weakened copy")
