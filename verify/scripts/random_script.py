"""Scripts drawn at random, without a library for it: for soaking, where there is time instead of cleverness."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from verify.broken import words_of
from verify.scripts.catalogue import ACTIONS
from verify.scripts.run import Run
from verify.scripts.script import Script, Step
from verify.starts import STARTS

STEPS = 60


class Round(NamedTuple):
    """What came of one script."""

    script: Script
    broken: str | None
    """What broke, in words; None if nothing did."""
    reached: dict[str, int]


def play_random(seed: int, steps: int = STEPS) -> Round:
    """Draw a script and play it as it is drawn: only what can happen is drawn. The same seed, the same script.

    Never raises: a crash of what is tried is what broke.
    """
    chance = Random(seed)  # noqa: S311 - an experiment must be repeatable
    script = Script(chance.choice(list(STARTS)), chance.randrange(2**32), faulty=chance.random() < 0.5)
    run = Run(script)
    try:
        for _ in range(steps):
            _take_any(run, chance)
        run.require_sound(run.end())
    except Exception as broken:  # noqa: BLE001 - it is told, with the script that leads to it
        return Round(script, words_of(broken), dict(run.reached))
    return Round(script, None, dict(run.reached))


def _take_any(run: Run, chance: Random) -> None:
    action = chance.choice([each for each in ACTIONS.values() if each.possible(run)])
    step = Step(action.name, {name: domain.draw(chance) for name, domain in action.domains.items()})
    run.script.steps.append(step)
    run.take(step)
