"""Running the bank: one child process for each mutant, some at a time, each with a time limit.

The code as it is goes first: every suite must hold for it, and the seconds it takes set the limit for the mutants. A
mutant that takes ten times as long hangs, and hanging is noticed too; anything nearer would judge the machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

import verify
from verify.mutants.bank import Mutant
from verify.mutants.reach import reaching
from verify.mutants.trial import Order, Tried
from verify.suites.registry import NAMES, suite_of

SLOWER = 10
"""So many times the seconds of the code as it is, a mutant may take."""
LEAST_SECONDS = 60
"""Starting a process and importing everything takes some of them, on a busy machine."""


class TrialError(Exception):
    """A trial could not be carried out; the message is what its process said last."""


class Verdict(NamedTuple):
    """What came of one mutant."""

    mutant: Mutant
    tried: tuple[Tried, ...]
    timed_out: bool

    @property
    def killers(self) -> tuple[Tried, ...]:
        """Return the properties that broke."""
        return tuple(each for each in self.tried if each.story is not None)

    @property
    def killed(self) -> bool:
        """Whether any suite noticed."""
        return self.timed_out or bool(self.killers)

    @property
    def as_declared(self) -> bool:
        """Whether the bank says the same: a survivor is a hole, a killed equivalent a wrong reason."""
        return self.killed is (self.mutant.status == "killed")

    @property
    def seconds(self) -> float:
        """Return how long it took until the last property that was tried."""
        return sum(each.seconds for each in self.tried)


class Effort(NamedTuple):
    """How hard to try."""

    seed: int = 1
    scale: int = 1
    every: bool = False


def baseline(effort: Effort, suites: Sequence[str] = NAMES) -> tuple[Tried, ...]:
    """Try every suite on the code as it is."""
    order = Order(None, tuple(suites), "", effort.seed, effort.scale, every=True)
    tried, _ = _trial(order, None)
    return tried


def trials(
    mutants: Sequence[Mutant], effort: Effort, unmutated: Sequence[Tried], jobs: int, least_s: float = LEAST_SECONDS
) -> Iterator[Verdict]:
    """Try every mutant; yield what came of each as soon as it is known.

    ``unmutated`` is what ``baseline`` returned. Raises ``TrialError`` if a mutant cannot be tried.
    """
    limit = max(least_s, SLOWER * sum(each.seconds for each in unmutated))
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(_verdict, mutant, effort, limit) for mutant in mutants]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            for each in waiting:
                each.cancel()


def _verdict(mutant: Mutant, effort: Effort, limit: float) -> Verdict:
    near = suite_of(mutant.expected)
    suites = sorted(reaching(NAMES, mutant.module), key=lambda name: name != near)
    order = Order(mutant, tuple(suites), mutant.expected, effort.seed, effort.scale, effort.every)
    tried, timed_out = _trial(order, limit)
    return Verdict(mutant, tried, timed_out)


def _trial(order: Order, limit: float | None) -> tuple[tuple[Tried, ...], bool]:
    """Carry out an order in a process of its own; return what it tried, and whether its time ran out."""
    command = [sys.executable, "-m", "verify.mutants.trial"]
    asked = json.dumps(order._asdict())
    try:
        ended = subprocess.run(  # noqa: S603 - our own interpreter and our own module
            command, input=asked, capture_output=True, text=True, timeout=limit, check=False, env=_surroundings()
        )
    except subprocess.TimeoutExpired as expired:
        return _read((expired.stdout or b"").decode()), True
    tried = _read(ended.stdout)
    if ended.returncode:
        raise TrialError(
            f"{order.mutant.id if order.mutant else 'the code as it is'}: {ended.stderr.strip().splitlines()[-1:]}"
        )
    return tried, False


def _surroundings() -> dict[str, str]:
    """Return the environment of a trial: it imports what we did, from wherever that is."""
    root = str(Path(next(iter(verify.__path__))).parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)}


def _read(output: str) -> tuple[Tried, ...]:
    return tuple(Tried(**json.loads(line)) for line in output.splitlines() if line.endswith("}"))
