"""Running the bank: one child process for each mutant, some at a time, each with a time limit.

The code as it is goes first: every suite must hold for it, and the seconds that each property takes set its limit for
the mutants. One that takes ten times as long hangs, and hanging is noticed too; anything nearer would judge the
machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import NamedTuple

import verify
from verify.mutants.bank import Mutant
from verify.mutants.reach import reaching
from verify.mutants.trial import Order, Tried
from verify.suites.registry import NAMES, suite_of

SLOWER = 10
"""So many times the seconds of the code as it is, a property may take with a mutant."""
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
    def by_another(self) -> bool:
        """Whether the property that was expected to notice did not, and another did: the bank is wrong about it."""
        if self.timed_out or not self.killers:
            return False
        return self.mutant.expected not in {each.name for each in self.killers}

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


def needed(mutants: Sequence[Mutant]) -> tuple[str, ...]:
    """Return the suites that some of the mutants are tried with: those that import what is changed, and no other."""
    return tuple(name for name in NAMES if any(reaching((name,), mutant.module) for mutant in mutants))


def baseline(effort: Effort, suites: Sequence[str] = NAMES) -> tuple[Tried, ...]:
    """Try every suite on the code as it is."""
    order = Order(None, tuple(suites), "", effort.seed, effort.scale, every=True)
    tried, _ = _trial(order, {}, None)
    return tried


def trials(
    mutants: Sequence[Mutant], effort: Effort, unmutated: Sequence[Tried], jobs: int, least_s: float = LEAST_SECONDS
) -> Iterator[Verdict]:
    """Try every mutant; yield what came of each as soon as it is known.

    ``unmutated`` is what ``baseline`` returned. Raises ``TrialError`` if a mutant cannot be tried.
    """
    limits = {each.name: max(least_s, SLOWER * each.seconds) for each in unmutated}
    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(_verdict, mutant, effort, limits, least_s) for mutant in mutants]
        try:
            for done in as_completed(waiting):
                yield done.result()
        finally:
            for each in waiting:
                each.cancel()


def _verdict(mutant: Mutant, effort: Effort, limits: Mapping[str, float], least_s: float) -> Verdict:
    near = suite_of(mutant.expected)
    suites = sorted(reaching(NAMES, mutant.module), key=lambda name: name != near)
    order = Order(mutant, tuple(suites), mutant.expected, effort.seed, effort.scale, effort.every)
    tried, timed_out = _trial(order, limits, least_s)
    return Verdict(mutant, tried, timed_out)


def _trial(order: Order, limits: Mapping[str, float], least_s: float | None) -> tuple[tuple[Tried, ...], bool]:
    """Carry out an order in a process of its own; return what it tried, and whether the time of a property ran out.

    A property that ``limits`` does not name may take ``least_s``, and so may the start; None is without end.
    """
    tried: list[Tried] = []
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(  # our own interpreter and our own module
            [sys.executable, "-m", "verify.mutants.trial"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=_surroundings(),
        ) as process,
    ):
        watchdog = Watchdog(process.kill)
        watchdog.allow(least_s)
        _tell(process, json.dumps(order._asdict()))
        for line in process.stdout or ():
            text = line.decode().strip()
            if text.startswith("{"):
                tried.append(Tried(**json.loads(text)))
            else:
                watchdog.allow(limits.get(text, least_s))
        process.wait()
        watchdog.allow(None)
        if process.returncode and not watchdog.barked:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines()
            raise TrialError(f"{order.mutant.id if order.mutant else 'the code as it is'}: {said[-1:]}")
    return tuple(tried), watchdog.barked


def _tell(process: subprocess.Popen[bytes], text: str) -> None:
    if process.stdin is None:
        raise TypeError(process)
    with suppress(BrokenPipeError):  # one that ended before it was told has said why
        process.stdin.write(text.encode())
        process.stdin.close()


class Watchdog:
    """Does something if what is waited for does not come in time."""

    def __init__(self, bark: Callable[[], None]) -> None:
        self.barked = False
        self._bark = bark
        self._timer: Timer | None = None

    def allow(self, seconds: float | None) -> None:
        """Wait so long from now on, or for ever."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if seconds is not None:
            self._timer = Timer(seconds, self._now)
            self._timer.daemon = True
            self._timer.start()

    def _now(self) -> None:
        self.barked = True
        self._bark()


def _surroundings() -> dict[str, str]:
    """Return the environment of a trial: it imports what we did, from wherever that is."""
    root = str(Path(next(iter(verify.__path__))).parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)}
