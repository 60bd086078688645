"""Every sequence of key presses up to a depth: no way of cancelling, going back or pressing twice disarms a limit.

Random sequences rarely reach the interesting corners, so this walks through all of them. Sequences that leave
programmer and pump in the same situation are walked on from only once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from emulator.machine import NotAllowedError
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done, ProgrammerRefusal
from emulator.programmer.review import Review
from emulator.programmer.workflow import Phase
from emulator.schedule import peak_rate
from protocol.messages import ClinicianBolus, Commit, Prescription
from protocol.units import Milliseconds
from protocol.vocabulary import Mode, TherapyState
from verify.suites.fakes import FakePump
from verify.suites.suite import Effort, require
from verify.suites.tiny import HARD_24H, LIBRARY, prescribe

DEPTH = 4
"""Of sequences in a smoke run; each doubling of the budget goes one key deeper."""


class Desk:
    """A programmer, a pump that checks nothing, and the hands that press keys."""

    def __init__(self) -> None:
        self.pump = FakePump(LIBRARY)
        self.pump.prescription, self.pump.confirmed = prescribe(rate=150_000), True
        self.pump.state = TherapyState.SIMPLE_CONTINUOUS
        self.programmer: Programmer = self.pump.programmer(LIBRARY)
        self.shown: Review | None = None
        self.confirmed: list[Prescription] = [self.pump.prescription]
        self.programmer.connect()
        self.programmer.interrogate()

    def enter(self, dose: str) -> None:
        """Type a daily dose."""
        self.programmer.edit(self.programmer.draft.daily_dose(dose))

    def enter_flex(self, step: str) -> None:
        """Type a schedule with one step for an hour each day."""
        steps = ("all 00:00 200 ng/day", f"all 06:00 {step}", "all 07:00 200 ng/day")
        self.programmer.edit(self.programmer.draft.flex(*steps).now("mon 00:00", Milliseconds(0)))

    def review(self) -> None:
        """Look at old and new; the first screen is remembered by the finger that will press late."""
        review = self.programmer.review()
        self.shown = self.shown or review

    def press_update(self, *, late: bool) -> None:
        """Confirm what is on the screen, or what was on it first."""
        review = self.shown if late else self.programmer.current_review
        if review is None:
            return
        if review is self.programmer.current_review:
            self.confirmed.append(review.prescription)
        self.programmer.update(review)

    def situation(self) -> object:
        """Return everything that what follows can depend on."""
        review = self.programmer.current_review
        return (
            self.programmer.state,
            self.programmer._draft,
            review and (review.prescription, review.findings),
            review is self.shown,
            self.shown and (self.shown.prescription, self.shown.findings),
            self.programmer.view and self.programmer.view.prescription.prescription,
            self.pump.prescription,
            self.pump.schedule,
            self.pump.state,
        )


KEYS: dict[str, Callable[[Desk], object]] = {
    "enter within": lambda desk: desk.enter("200 ng/day"),
    "enter soft": lambda desk: desk.enter("300 ng/day"),
    "enter hard": lambda desk: desk.enter("480.001 ng/day"),
    "enter flex within": lambda desk: desk.enter_flex("200 ng/day"),
    "enter flex slip": lambda desk: desk.enter_flex("720.001 ng/day"),
    "review": Desk.review,
    "justify": lambda desk: desk.programmer.justify("because"),
    "update": lambda desk: desk.press_update(late=False),
    "late update": lambda desk: desk.press_update(late=True),
    "cancel": lambda desk: desk.programmer.discard(),
    "interrogate": lambda desk: desk.programmer.interrogate(),
    "verify": lambda desk: desk.programmer.verify(),
    "bolus soft": lambda desk: desk.programmer.bolus("5.001 ng", "1 h"),
    "bolus hard": lambda desk: desk.programmer.bolus("10.001 ng", "1 h", "because"),
    "stop": lambda desk: desk.programmer.stop(),
    "hang up": lambda desk: desk.programmer.hang_up(),
    "connect": lambda desk: desk.programmer.connect(),
}


FLEX_KEYS = (
    "enter within",
    "enter flex within",
    "enter flex slip",
    "review",
    "justify",
    "update",
    "late update",
    "cancel",
    "verify",
)


def play(keys: tuple[str, ...]) -> tuple[Desk, object]:
    """Press the keys on a fresh desk; return it and what the last press came to."""
    desk, outcome = Desk(), object()
    for key in keys:
        try:
            outcome = KEYS[key](desk)
        except (NotAllowedError, ProgrammerRefusal) as refusal:
            outcome = refusal
    return desk, outcome


def judge(desk: Desk, keys: tuple[str, ...], outcome: object) -> None:
    """Hold what the pump was made to do against the limits and against what was confirmed."""
    held = desk.pump.prescription
    require(held in desk.confirmed, keys)
    require(held.rate.value <= HARD_24H, keys)
    require(held.mode is not Mode.FLEX or (desk.pump.schedule and peak_rate(desk.pump.schedule) == 200_000), keys)
    require(held.rate.value <= 240_000 or held.override_reason == "because", keys)
    require(not any(isinstance(message, ClinicianBolus) for message in desk.pump.executed), keys)
    programmer = desk.programmer
    if programmer.state is Phase.REVIEWED:
        shown = programmer.current_review
        require(shown and shown.prescription == programmer.draft.prescription(shown.reason), keys)
    if keys and keys[-1] == "cancel" and not isinstance(outcome, Exception):
        require(programmer.state is Phase.READY and programmer.current_review is None, keys)
    if keys and keys[-1] == "stop" and desk.programmer.state is not Phase.DISCONNECTED:
        require(isinstance(outcome, Done), keys)


class Explored(NamedTuple):
    """What all sequences of some keys came to."""

    phases: set[Phase]
    situations: int
    commits: int
    flex_commits: int


def explore(names: Sequence[str]) -> Explored:
    """Walk through every sequence of these keys, equal situations merged, and judge each."""
    seen: dict[object, tuple[str, ...]] = {Desk().situation(): ()}
    frontier: list[tuple[str, ...]] = [()]
    phases: set[Phase] = set()
    commits = flex_commits = 0
    for _ in range(DEPTH):
        reached: list[tuple[str, ...]] = []
        for keys in frontier:
            for key in names:
                desk, outcome = play((*keys, key))
                judge(desk, (*keys, key), outcome)
                phases.add(desk.programmer.state)
                commits += sum(isinstance(message, Commit) for message in desk.pump.executed)
                flex_commits += desk.pump.schedule is not None
                if seen.setdefault(desk.situation(), (*keys, key)) == (*keys, key):
                    reached.append((*keys, key))
        frontier = reached
    return Explored(phases, len(seen), commits, flex_commits)


def every_sequence_of_keys(effort: Effort) -> None:
    """Press all sequences of fifteen keys, equal situations merged."""
    seen: dict[object, tuple[str, ...]] = {Desk().situation(): ()}
    frontier: list[tuple[str, ...]] = [()]
    phases = set()
    for _ in range(DEPTH + effort.examples.bit_length() - 1):
        reached: list[tuple[str, ...]] = []
        for keys in frontier:
            for key in KEYS:
                effort.tried += 1
                desk, outcome = play((*keys, key))
                judge(desk, (*keys, key), outcome)
                phases.add(desk.programmer.state)
                effort.reached["committed"] += any(isinstance(message, Commit) for message in desk.pump.executed)
                if seen.setdefault(desk.situation(), (*keys, key)) == (*keys, key):
                    reached.append((*keys, key))
        frontier = reached
    wanted = set(Phase) - {Phase.STAGED, Phase.UNRESOLVED}
    require(phases == wanted, f"only {sorted(phase.name for phase in phases)} are ever reached")
