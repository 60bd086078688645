"""Two pumps with the same life: one leaps over quiet strokes, the other takes every one of them by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from emulator.bench import BenchError
from emulator.hardware.body import Body, Moved
from emulator.hardware.profile import Profile
from protocol.errors import ProtocolError
from tests.emulator.worlds import PROFILE, World


class Pair:
    """A leaping world and a plain one. What is done to one is done to the other."""

    def __init__(self, profile: Profile = PROFILE, **figures: Any) -> None:
        self.leapt = 0
        """Strokes that the leaping pump has leapt over."""
        self.leaping, self.plain = World(profile=profile, **figures), World(profile=profile, **figures)
        self._watch_over()

    def _watch_over(self) -> None:
        hear = self.leaping.device.body.on_run
        assert hear is not None

        def on_run(moved: Moved, instants: Iterable[int]) -> None:
            heard = list(instants)
            self.leapt += len(heard)
            hear(moved, heard)

        self.leaping.device.body.on_run = on_run
        one_by_one(self.plain.device.body)

    def do(self, action: Callable[[World], object]) -> object:
        """Do the same to both; they must answer alike."""
        answers = [self._answer(action, world) for world in (self.leaping, self.plain)]
        assert answers[0] == answers[1]
        return answers[0]

    @staticmethod
    def _answer(action: Callable[[World], object], world: World) -> object:
        try:
            return action(world)
        except (BenchError, ProtocolError) as error:
            return str(error)

    def advance(self, for_ms: int) -> None:
        """Let time pass for both, and compare them."""
        self.do(lambda world: world.advance(for_ms))
        self.compare()

    def compare(self) -> None:
        """Hold memory, books, meters and journals side by side."""
        assert seen(self.leaping) == seen(self.plain)

    def thaw(self) -> None:
        """Put both away in an image, which must be the same bytes, and take them out again."""
        images = [world.device.image() for world in (self.leaping, self.plain)]
        assert images[0] == images[1]
        self.compare()
        self.leaping, self.plain = self.leaping.thawed(images[0]), self.plain.thawed(images[1])
        self._watch_over()
        self.compare()


def one_by_one(body: Body) -> None:
    """Take every stroke by itself: whoever cannot be told of many at once is told of each."""
    body.on_run = None


def seen(world: World) -> dict[str, Any]:
    """Return everything that there is of a pump and its past."""
    device, pump = world.device, world.device.pump
    world.journal.flush()
    return {
        "chip": device.chip.to_json(),
        "writes": device.chip.writes,
        "truth": world.bench.truth(),
        "body": device.body.to_json(),
        "due": device.next_event_ms,
        "state": pump and pump.state(),
        "journal": world.journal.lines,
    }


def chance(seed: int) -> Random:
    """Return a source of chance that is the same every time."""
    return Random(seed)
