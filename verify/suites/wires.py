"""Wires that misbehave, in simulated time and from a seed, and two link ends joined by them.

A ``Wire`` carries chunks one way. What it does to them is a list of tricks: small functions that turn one delivery
into none, one or several. ``LinkPair`` puts a programmer's and a pump's end on two such wires, or on one that echoes.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import NamedTuple, TypeAlias

from protocol.link import ProgrammerLink, ProgrammerLinkEvent, PumpLink
from verify.suites.suite import BrokenPropertyError

LATENCY_MS = 5
MOST_STEPS = 100_000
"""More than any request takes, one byte at a time."""


class Delivery(NamedTuple):
    """Bytes that will arrive at an instant."""

    at_ms: int
    data: bytes


Trick: TypeAlias = Callable[[Random, Delivery], list[Delivery]]


def trickle(_random: Random, delivery: Delivery) -> list[Delivery]:
    """Deliver one byte at a time."""
    return [Delivery(delivery.at_ms, delivery.data[at : at + 1]) for at in range(len(delivery.data))]


def lose(probability: float) -> Trick:
    """Deliver nothing, with this probability."""

    def lost(random: Random, delivery: Delivery) -> list[Delivery]:
        return [] if random.random() < probability else [delivery]

    return lost


def duplicate(probability: float, most_ms: int = 300) -> Trick:
    """Deliver a second copy up to ``most_ms`` later, with this probability."""

    def duplicated(random: Random, delivery: Delivery) -> list[Delivery]:
        if random.random() >= probability:
            return [delivery]
        return [delivery, delivery._replace(at_ms=delivery.at_ms + random.randrange(most_ms))]

    return duplicated


def corrupt(probability: float) -> Trick:
    """Flip one to eight bits, with this probability."""

    def corrupted(random: Random, delivery: Delivery) -> list[Delivery]:
        if random.random() >= probability:
            return [delivery]
        damaged = bytearray(delivery.data)
        for _ in range(random.randint(1, 8)):
            damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
        return [delivery._replace(data=bytes(damaged))]

    return corrupted


def delay(probability: float, most_ms: int = 6_000) -> Trick:
    """Deliver up to ``most_ms`` later, so that what was sent behind it overtakes it, with this probability."""

    def delayed(random: Random, delivery: Delivery) -> list[Delivery]:
        late_ms = random.randrange(most_ms) if random.random() < probability else 0
        return [delivery._replace(at_ms=delivery.at_ms + late_ms)]

    return delayed


def cut(probability: float) -> Trick:
    """Deliver only the beginning, with this probability."""

    def cut_off(random: Random, delivery: Delivery) -> list[Delivery]:
        if random.random() >= probability:
            return [delivery]
        return [delivery._replace(data=delivery.data[: random.randrange(len(delivery.data))])]

    return cut_off


def chatter(probability: float) -> Trick:
    """Deliver up to 300 bytes of noise first, with this probability."""

    def chattered(random: Random, delivery: Delivery) -> list[Delivery]:
        if random.random() >= probability:
            return [delivery]
        return [delivery._replace(data=random.randbytes(random.randint(1, 300))), delivery]

    return chattered


class Wire:
    """Carries chunks one way and plays its tricks on them, always the same ones for the same seed."""

    def __init__(self, seed: int, *tricks: Trick) -> None:
        self.sent = 0
        """Chunks so far."""
        self.played: Counter[str] = Counter()
        """How often each trick changed something, by its name."""
        self._random = Random(seed)  # noqa: S311 - a wire must be repeatable
        self._tricks = tricks
        self._under_way: list[tuple[int, int, bytes]] = []
        self._order = 0

    @property
    def next_ms(self) -> int | None:
        """When the next chunk arrives; None when nothing is under way."""
        return self._under_way[0][0] if self._under_way else None

    def send(self, data: bytes, now_ms: int) -> None:
        """Put a chunk on the wire."""
        if not data:
            return
        self.sent += 1
        deliveries = [Delivery(now_ms + LATENCY_MS, data)]
        for trick in self._tricks:
            deliveries = [changed for delivery in deliveries for changed in self._play(trick, delivery)]
        for delivery in deliveries:
            self._order += 1
            heapq.heappush(self._under_way, (delivery.at_ms, self._order, delivery.data))

    def arrived(self, now_ms: int) -> list[bytes]:
        """Return the chunks that have arrived by now."""
        chunks = []
        while self._under_way and self._under_way[0][0] <= now_ms:
            chunks.append(heapq.heappop(self._under_way)[2])
        return chunks

    def _play(self, trick: Trick, delivery: Delivery) -> list[Delivery]:
        if not delivery.data:
            return []
        changed = trick(self._random, delivery)
        self.played[trick.__name__] += changed != [delivery]
        return changed


def answer_to(record: bytes) -> bytes:
    """Return what the pump of a ``LinkPair`` replies."""
    return b"reply to " + record


class LinkPair:
    """A programmer's and a pump's end, joined by hostile wires, with a clock of their own.

    With ``echo`` both ends hear everything that either of them sends.
    """

    def __init__(self, seed: int, *tricks: Trick, echo: bool = False, first_sequence: int = 0) -> None:
        self.random = Random(seed)  # noqa: S311 - the same
        self.up = Wire(seed + 1, *tricks)
        self.down = Wire(seed + 2, *tricks)
        self.programmer = ProgrammerLink(self.random.randbytes)
        self.pump = PumpLink(first_sequence)
        self.executed: list[bytes] = []
        """Records that the pump's end handed up, in order."""
        self.now_ms = 0
        self._echo = echo

    def ask(self, record: bytes) -> ProgrammerLinkEvent:
        """Send a request and let time pass until it is answered or has failed."""
        self.up.send(self.programmer.request(record, self.now_ms), self.now_ms)
        for _ in range(MOST_STEPS):
            events = self.step()
            if events:
                (event,) = events
                return event
        raise BrokenPropertyError(f"no result after {MOST_STEPS} steps")

    def step(self) -> list[ProgrammerLinkEvent]:
        """Let time pass until something arrives or falls due, and let both ends act."""
        due = [at for at in (self.up.next_ms, self.down.next_ms, self.programmer.deadline_ms) if at is not None]
        self.now_ms = max(self.now_ms, min(due))
        to_pump, to_programmer = self.up.arrived(self.now_ms), self.down.arrived(self.now_ms)
        if self._echo:
            to_pump = to_programmer = to_pump + to_programmer
        for chunk in to_pump:
            self._serve(chunk)
        events = [found for chunk in to_programmer for found in self.programmer.receive(chunk, self.now_ms)]
        events += self.programmer.tick(self.now_ms)
        self.up.send(self.programmer.take_outgoing(), self.now_ms)
        return events

    def drain(self) -> None:
        """Let everything arrive that is still under way; nothing is outstanding."""
        while self.up.next_ms is not None or self.down.next_ms is not None:
            self.step()

    def restart_pump(self, first_sequence: int = 0) -> None:
        """Replace the pump's end by one that knows nothing."""
        self.pump = PumpLink(first_sequence)

    def _serve(self, chunk: bytes) -> None:
        for request in self.pump.receive(chunk):
            self.executed.append(request.record)
            self.pump.reply(request, answer_to(request.record))
        self.down.send(self.pump.take_outgoing(), self.now_ms)
