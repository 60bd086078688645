"""Making a script that breaks something shorter, step by step, as long as it breaks the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from verify.scripts.script import Script, Step
from verify.scripts.told import Replayed, replay

MOST_TRIES = 300
"""Plays that one shortening may take: a minute or so."""


def shortened(script: Script, tries: int = MOST_TRIES) -> Script:
    """Return a script that breaks what this one breaks, with fewer steps if that is possible.

    Halves are left out first, then ever smaller parts, down to single steps: what is left when no single step can be
    spared, or the tries are used up. A script that breaks nothing is returned as it is.
    """
    wanted = broken_by(replay(script))
    if not wanted:
        return script
    left = tries

    def breaks(steps: list[Step]) -> bool:
        nonlocal left
        left -= 1
        return bool(wanted & broken_by(replay(replace(script, steps=steps))))

    steps = _without_parts(list(script.steps), breaks, lambda: left > 0)
    return replace(script, steps=steps)


def broken_by(replayed: Replayed) -> frozenset[str]:
    """Return what a run broke, by names that stay the same while it is shortened."""
    claims = {claim.value for claim in replayed.verdict.broken()}
    formulas = {formula.id for formula in replayed.verdict.formulas if formula.violated}
    other = {replayed.broken.partition("\n")[0]} if replayed.broken else set()
    return frozenset(claims | formulas | other)


def _without_parts(
    steps: list[Step], breaks: Callable[[list[Step]], bool], may_try: Callable[[], bool]
) -> list[Step]:
    size = len(steps) // 2
    while size and may_try():
        at, spared = 0, False
        while at < len(steps) and may_try():
            fewer = steps[:at] + steps[at + size :]
            if breaks(fewer):
                steps, spared = fewer, True
            else:
                at += size
        if not (spared and size == 1):
            size //= 2
    return steps
