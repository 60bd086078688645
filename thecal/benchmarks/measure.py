"""Measuring: work is repeated for a set time, in rounds, and the median of the rounds counts."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter
from typing import NamedTuple

Work = Callable[[], int]
"""Does a piece of work and returns how many units it was."""

ROUNDS = 5
"""Odd, so that the median is a round that happened."""


class Figure(NamedTuple):
    """One result. ``detail`` says what was counted, or beside what."""

    name: str
    value: float
    unit: str
    detail: str = ""


def speed(work: Work, seconds: float) -> float:
    """Return units a second, repeating the work until the time is over."""
    done, start = 0, perf_counter()
    while True:
        done += work()
        passed = perf_counter() - start
        if passed >= seconds:
            return done / passed


def median_speeds(works: dict[str, Work], seconds: float) -> dict[str, float]:
    """Return the median speed of each work. Rounds alternate, so that a busy moment hits all of them alike."""
    rounds: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()  # caches and lazily made things are not what is measured
    for _ in range(ROUNDS):
        for name, work in works.items():
            rounds[name].append(speed(work, seconds / ROUNDS))
    return {name: statistics.median(speeds) for name, speeds in rounds.items()}
