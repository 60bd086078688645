"""A wire in memory, and weather on it: bytes are lost, repeated, late, damaged, echoed or replayed, or it is cut.

Everything is drawn from one seeded generator, so that a run can be repeated. Time passes only while somebody
waits for bytes, and then it passes for the pump as well.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from protocol.carrier import CarrierLost

REMEMBERED = 64
"""Chunks of earlier traffic that a replaying attacker keeps."""
LONGEST_NOISE = 40
LONGEST_DELAY_MS = 6_000
"""Longer than the link waits for an answer, so that some come when nobody expects them any more."""
SURE = 1_000
"""What happens to every chunk, and takes no draw."""


class Weather(NamedTuple):
    """How often a chunk on the wire suffers what, in per mille; each way of the wire alike."""

    lose: int = 0
    repeat: int = 0
    damage: int = 0
    noise: int = 0
    replay: int = 0
    cut: int = 0
    delay: int = 0
    """It comes later, and what was sent behind it overtakes it."""
    echo: int = 0
    """Whoever sent it hears it, too."""


FAIR = Weather()
ROUGH = Weather(lose=60, repeat=80, damage=60, noise=40, replay=60, cut=4, delay=60, echo=60)
STORM = Weather(lose=250, repeat=200, damage=200, noise=150, replay=200, cut=20, delay=150, echo=200)


class _Late(NamedTuple):
    """A chunk under way."""

    due_ms: int
    number: int
    to_pump: bool
    data: bytes


class HostileCarrier:
    """Carries a programmer's bytes to a pump and the answers back, in any weather.

    ``peer`` takes bytes and returns the pump's answer; ``pass_time`` lets so many milliseconds pass; ``clock``
    tells the time. A line that was cut raises ``CarrierLost`` for good: make a new carrier.
    """

    def __init__(
        self,
        peer: Callable[[bytes], bytes],
        pass_time: Callable[[int], None],
        clock: Callable[[], int],
        random: Random,
        weather: Weather = FAIR,
    ) -> None:
        self.weather = weather
        self.suffered: Counter[str] = Counter()
        """How often each kind of weather struck."""
        self._peer = peer
        self._pass_time = pass_time
        self._clock = clock
        self._random = random
        self._heard: deque[bytes] = deque(maxlen=REMEMBERED)
        self._waiting = b""
        self._late: list[_Late] = []
        self._delayed = 0
        self._cut = False

    def write(self, data: bytes) -> None:
        """Send bytes towards the pump; what arrives there may be more, less or something else."""
        self._check()
        self._arrive()
        self._heard.append(data)
        if data and self._strikes("echo"):
            self._waiting += data
        for chunk in self._through(data, to_pump=True):
            self._reach_pump(chunk)

    def read(self, timeout_ms: int) -> bytes:
        """Return what has come back, or let the time pass until something does."""
        self._check()
        self._arrive()
        while not self._waiting and timeout_ms > 0:
            until_late_ms = self._late[0].due_ms - self._clock() if self._late else timeout_ms
            step_ms = min(timeout_ms, max(1, until_late_ms))
            self._pass_time(step_ms)
            timeout_ms -= step_ms
            self._arrive()
        data, self._waiting = self._waiting, b""
        return data

    def now_ms(self) -> int:
        """Return the time of the clock."""
        return self._clock()

    def replay_all(self) -> None:
        """Send everything heard so far once more, straight to the pump, and drop the answers."""
        for chunk in list(self._heard):
            self.suffered["replay"] += 1
            self._peer(chunk)

    def _check(self) -> None:
        if self._cut:
            raise CarrierLost("the line was cut")

    def _reach_pump(self, chunk: bytes) -> None:
        answer = self._peer(chunk)
        heard_itself = self._peer(answer) if answer and self._strikes("echo") else b""
        for arriving in self._through(answer + heard_itself, to_pump=False):
            self._waiting += arriving

    def _arrive(self) -> None:
        """Let everything arrive that was delayed until now."""
        while self._late and self._late[0].due_ms <= self._clock():
            late = heapq.heappop(self._late)
            if late.to_pump:
                self._reach_pump(late.data)
            else:
                self._waiting += late.data

    def _through(self, data: bytes, *, to_pump: bool) -> list[bytes]:
        """Return what arrives of some bytes now, in order."""
        if not data:
            return []
        arriving = [] if self._strikes("lose") else [data]
        if arriving and self._strikes("repeat"):
            arriving.append(data)
        if arriving and self._strikes("damage"):
            arriving[0] = self._damaged(data)
        if self._strikes("noise"):
            arriving.insert(0, self._random.randbytes(1 + self._random.randrange(LONGEST_NOISE)))
        if self._heard and self._strikes("replay"):
            arriving.append(self._heard[self._random.randrange(len(self._heard))])
        if self._strikes("cut"):
            self._cut = True
            arriving = [data[: self._random.randrange(len(data))]]
        return [chunk for chunk in arriving if not self._delays(chunk, to_pump)]

    def _delays(self, chunk: bytes, to_pump: bool) -> bool:
        delayed = self._strikes("delay")
        if delayed:
            self._delayed += 1
            due_ms = self._clock() + 1 + self._random.randrange(LONGEST_DELAY_MS)
            heapq.heappush(self._late, _Late(due_ms, self._delayed, to_pump, chunk))
        return delayed

    def _strikes(self, kind: str) -> bool:
        chance: int = getattr(self.weather, kind)
        struck = chance >= SURE or (chance > 0 and self._random.randrange(SURE) < chance)
        if struck:
            self.suffered[kind] += 1
        return struck

    def _damaged(self, data: bytes) -> bytes:
        """Flip one to eight bits."""
        damaged = bytearray(data)
        for _ in range(1 + self._random.randrange(8)):
            damaged[self._random.randrange(len(damaged))] ^= 1 << self._random.randrange(8)
        return bytes(damaged)
