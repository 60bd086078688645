"""Soaking: scripts drawn at random, for as long as there is time, in a folder that can be resumed.

``rounds.jsonl`` has a line for each round as soon as it is over, ``reached.json`` what all rounds reached together,
and each script that broke something is a file of its own. A round depends on the folder's seed and its number alone,
so a round that was interrupted is simply played again.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from verify.scripts.random_script import Round, play_random

ROUNDS, REACHED = "rounds.jsonl", "reached.json"
FORMAT = 1


class SoakError(Exception):
    """A folder cannot be soaked in; the message says why and what to do."""


class Played(NamedTuple):
    """A line of the record."""

    round: int
    start: str
    faulty: bool
    holds: bool
    story: str
    """The first line of what broke; empty if nothing did."""
    script: str
    """Name of the file that plays it again; empty if nothing broke."""


class Soak:
    """A folder of rounds: what was played, and what comes next."""

    def __init__(self, folder: Path, seed: int | None = None) -> None:
        """Open or begin a folder.

        Raises ``SoakError`` if it is none of ours, damaged or begun with another seed; ``OSError`` if the disk fails.
        """
        self.folder = folder
        self.played: list[Played] = []
        self.reached: Counter[str] = Counter()
        self._next = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._open(seed)
        self._done = {each.round for each in self.played}

    def next_round(self) -> int:
        """Return the number of a round that was not played yet, another one each time."""
        while self._next in self._done:
            self._next += 1
        self._next += 1
        return self._next - 1

    def seed_of(self, number: int) -> int:
        """Return the seed of a round."""
        return Random(f"{self.seed} {number}").randrange(2**63)  # noqa: S311 - a round must be repeatable

    def note(self, number: int, played: Round) -> Played:
        """Keep what came of a round, the script first. Raises ``OSError``."""
        script, story = "", (played.broken or "").partition("\n")[0]
        if played.broken is not None:
            script = f"broken-{number}.json"
            self.keep(script, replace(played.script, story=story).text())
        line = Played(number, played.script.start, played.script.faulty, played.broken is None, story, script)
        with self._path(ROUNDS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line._asdict()) + "\n")
        self.played.append(line)
        self._done.add(number)
        self.reached.update(played.reached)
        return line

    def keep(self, name: str, text: str) -> None:
        """Write a file of the folder, whole or not at all."""
        waiting = self._path(name + ".new")
        waiting.write_text(text, encoding="utf-8")
        waiting.replace(self._path(name))

    def save_reached(self) -> None:
        """Write what was reached so far."""
        self.keep(REACHED, json.dumps(dict(sorted(self.reached.items())), indent=1))

    @property
    def broken(self) -> list[Played]:
        """The rounds in which something broke, in any run over this folder."""
        return [each for each in self.played if not each.holds]

    def _path(self, name: str) -> Path:
        return self.folder / name

    def _open(self, seed: int | None) -> None:
        path = self._path(ROUNDS)
        if not path.exists():
            if any(self.folder.iterdir()):
                raise SoakError(f"{self.folder} holds other files; give a new folder, or one that was soaked in")
            self.seed = seed if seed is not None else int.from_bytes(os.urandom(6))
            path.write_text(json.dumps({"thecal_soak": FORMAT, "seed": self.seed}) + "\n", encoding="utf-8")
            return
        raw = path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        self._read(whole, seed)
        self._read_reached()
        if whole != raw:  # a line that was cut off when the machine went down: its round comes again
            self.keep(ROUNDS, whole.decode())

    def _read(self, record: bytes, seed: int | None) -> None:
        try:
            head, *lines = (json.loads(line) for line in record.splitlines())
            if head["thecal_soak"] != FORMAT:
                raise ValueError(head)
            self.seed = int(head["seed"])
            self.played = [_played(line) for line in lines]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise SoakError(f"{self._path(ROUNDS)} is not a record of this version; give another folder") from None
        if seed is not None and seed != self.seed:
            raise SoakError(f"{self.folder} was begun with seed {self.seed}; give none, or another folder")

    def _read_reached(self) -> None:
        path = self._path(REACHED)
        if not path.exists():
            return
        try:
            reached = json.loads(path.read_bytes())
            if any(type(count) is not int for count in reached.values()):
                raise ValueError(reached)
        except (ValueError, AttributeError, RecursionError):
            raise SoakError(
                f"{path} is damaged: it holds no counts. Without the file the folder goes on, and counts anew; every "
                f"round is in {ROUNDS}"
            ) from None
        self.reached.update(reached)


def _played(line: dict[str, Any]) -> Played:
    """Return a line of the record. Raises ``TypeError`` for what is none."""
    played = Played(**line)
    kinds = (int, str, bool, bool, str, str)
    if any(type(value) is not kind for value, kind in zip(played, kinds, strict=True)):
        raise TypeError(played)
    return played


def play_round(job: tuple[int, int]) -> tuple[int, Round]:
    """Play a round by its number and seed; for a worker process."""
    number, seed = job
    return number, play_random(seed)


def summary(soak: Soak) -> dict[str, Any]:
    """Return what a folder shows so far."""
    return {
        "seed": soak.seed,
        "rounds": len(soak.played),
        "with_faults": sum(each.faulty for each in soak.played),
        "broken": [each._asdict() for each in soak.broken],
    }
