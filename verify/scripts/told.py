"""The story of a run for a person: when, who, what was asked, what the pump did, and what broke at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from emulator.journal import Event, read_journal
from verify.scene import STROKES, word
from verify.scripts.catalogue import ACTIONS
from verify.scripts.run import Run
from verify.scripts.script import Script
from verify.verdict import Verdict, pump_time

SHOWN = 20
"""So many things that follow from one step are told; the rest is counted."""
UNTOLD = {"session.opened", "session.closed", "wire.alarms", "battery.level", "bench.start", "bench.end"}
"""What happens all the time and explains nothing."""


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

    def lines(self) -> list[str]:
        """Return the story."""
        begins = f"begins at “{self.script.start}”, seed {self.script.seed}"
        lines = [f"{pump_time(self.steps[0].at_ms if self.steps else 0)}  {'bench':<9}  {begins}"]
        for step in self.steps:
            lines.append(f"{pump_time(step.at_ms)}  {step.who:<9}  {step.line}")
            lines += [f"{'':>16}    {followed}" for followed in step.followed]
        broken = [] if self.broken is None else [f"broken: {self.broken}"]
        return [*lines, "", *self.verdict.lines(), *broken]

    def as_json(self) -> dict[str, Any]:
        """Return everything but the journal as plain values."""
        return {
            "holds": self.holds,
            "start": self.script.start,
            "seed": self.script.seed,
            "steps": [step._asdict() for step in self.steps],
            "broken": self.broken,
            "verdict": self.verdict.as_json(),
        }


def replay(script: Script) -> Replayed:
    """Play a script and return its story; never raises, since whatever is raised is what broke."""
    run = Run(script)
    told: list[Told] = []
    broken: str | None = None
    for step in script.steps:
        action, at_ms, before = ACTIONS[step.action], run.world.device.now_ms, len(run.world.journal.lines)
        try:
            happened = run.take(step)
        except Exception as error:  # noqa: BLE001 - a crash of what is tried is as bad as a wrong answer
            happened, broken = True, f"{type(error).__name__}: {error}"
        followed = tuple(_followed(run.world.journal.lines[before:])) if happened else ("cannot happen now",)
        told.append(Told(at_ms, action.who.value, step.line(), action.words, followed))
        if broken:
            break
    verdict = run.end()
    if broken is None and verdict.holds:
        try:
            run.require_sound(verdict)
        except Exception as error:  # noqa: BLE001 - the same
            broken = str(error)
    return Replayed(script, tuple(told), verdict, broken, tuple(run.world.journal.lines))


def _followed(lines: Sequence[str]) -> Iterator[str]:
    """Yield what some lines of a journal say, in words."""
    told = [line for line in map(_event_words, lines) if line]
    yield from told[:SHOWN]
    if len(told) > SHOWN:
        yield f"… and {len(told) - SHOWN} more"


def _event_words(line: str) -> str:
    event = json.loads(line)
    kind, data = event["kind"], event["data"]
    if kind in UNTOLD:
        return ""
    at = pump_time(event["at"])
    match kind:
        case "wire.command" if data.get("reason") == "no_such_alarm":
            return ""
        case "wire.command":
            outcome = " ".join(word(data[key]) for key in ("outcome", "reason") if data.get(key))
            return f"{at}  {word(data['role'])}: {data['message']} {outcome}"
        case "pump.prescription":
            return f"{at}  prescription: {word(data['mode'])}, {data['rate']} nL/day" if data.get("mode") else ""
        case _ if kind == STROKES:
            return f"{at}  {len(data['at'])} strokes"
        case _:
            plain = (f"{key} {value}" for key, value in data.items() if isinstance(value, int | str) and value != "")
            return f"{at}  {kind} {', '.join(plain)}"
