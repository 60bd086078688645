"""The story of a run for a person: when, who, what was asked, what the pump did, and what broke at the end."""

from __future__ import annotations

from typing import Any, NamedTuple

from emulator.journal import Event, read_journal
from verify.broken import words_of
from verify.scripts.catalogue import ACTIONS
from verify.scripts.chronicle import Begun, followed
from verify.scripts.run import Run, what_broke
from verify.scripts.script import Script, Step
from verify.verdict import Verdict, pump_time


class Told(NamedTuple):
    """What came of one step."""

    at_ms: int
    who: str
    line: str
    words: str
    followed: tuple[str, ...]
    """What the pump and its surroundings then did, one line each."""


class Replayed(NamedTuple):
    """A script that was played to its end."""

    script: Script
    steps: tuple[Told, ...]
    verdict: Verdict
    broken: str | None
    """What broke, if not for the judge: an action that found something itself."""
    journal: tuple[str, ...]
    """The lines of the run's journal."""

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of the journal."""
        return tuple(read_journal(self.journal))

    @property
    def holds(self) -> bool:
        """Whether nothing broke."""
        return self.verdict.holds and self.broken is None

    @property
    def broken_words(self) -> str:
        """What broke, in one line; empty if nothing did."""
        if self.broken is not None:
            return self.broken.partition("\n")[0]
        return "" if self.verdict.holds else what_broke(self.verdict)

    def lines(self) -> list[str]:
        """Return the story."""
        begins = f"begins at “{self.script.start}”, seed {self.script.seed}"
        lines = [f"kept because: {self.script.story}"] if self.script.story else []
        lines.append(f"{pump_time(self.steps[0].at_ms if self.steps else 0)}  {'bench':<9}  {begins}")
        for step in self.steps:
            lines.append(f"{pump_time(step.at_ms)}  {step.who:<9}  {step.line}")
            lines += [f"{'':>16}    {line}" for line in step.followed]
        broken = [] if self.broken is None else [f"broken: {self.broken}"]
        return [*lines, "", *self.verdict.lines(), *broken]

    def as_json(self) -> dict[str, Any]:
        """Return everything but the journal as plain values."""
        return {
            "holds": self.holds,
            "story": self.script.story,
            "start": self.script.start,
            "seed": self.script.seed,
            "steps": [step._asdict() for step in self.steps],
            "broken": self.broken,
            "verdict": self.verdict.as_json(),
        }


def replay(script: Script) -> Replayed:
    """Play a script and return its story; never raises, since whatever is raised is what broke."""
    run = Run(script)
    begun: list[Begun] = []
    happened: list[bool] = []
    broken: str | None = None
    for step in script.steps:
        world = run.world
        begun.append(Begun(world.device.now_ms, len(world.journal.lines), len(world.answers)))
        try:
            happened.append(run.take(step))
        except Exception as error:  # noqa: BLE001 - a crash of what is tried is as bad as a wrong answer
            happened.append(True)
            broken = words_of(error)
            break
    verdict = run.end()
    if broken is None and verdict.holds:
        try:
            run.require_sound(verdict)
        except Exception as error:  # noqa: BLE001 - the same
            broken = str(error)
    lines = tuple(run.world.journal.lines)
    came = followed(begun, tuple(read_journal(lines)), run.world.answers)
    told = map(_told, script.steps, begun, came, happened)
    return Replayed(script, tuple(told), verdict, broken, lines)


def _told(step: Step, begun: Begun, came: tuple[str, ...], happened: bool) -> Told:
    action = ACTIONS[step.action]
    return Told(
        begun.at_ms, action.who.value, step.line(), action.words, came if happened else ("cannot happen now",)
    )
