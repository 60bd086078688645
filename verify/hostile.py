"""A wire in memory, and weather on it: bytes are lost, repeated, damaged, replayed from long ago, or the line is cut.

Everything is drawn from one seeded generator, so that a run can be repeated. Time passes only while somebody
waits for bytes, and then it passes for the pump as well.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from protocol.carrier import CarrierLost

REMEMBERED = 64
"""Chunks of earlier traffic that a replaying attacker keeps."""
LONGEST_NOISE = 40


class Weather(NamedTuple):
    """How often a chunk on the wire suffers what, in per mille; each way of the wire alike."""

    lose: int = 0
    repeat: int = 0
    damage: int = 0
    noise: int = 0
    replay: int = 0
    cut: int = 0


FAIR = Weather()
ROUGH = Weather(lose=60, repeat=80, damage=60, noise=40, replay=60, cut=4)
STORM = Weather(lose=250, repeat=200, damage=200, noise=150, replay=200, cut=20)


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
        self._cut = False

    def write(self, data: bytes) -> None:
        """Send bytes towards the pump; what arrives there may be more, less or something else."""
        self._check()
        self._heard.append(data)
        for chunk in self._through(data):
            for answer in self._through(self._peer(chunk)):
                self._waiting += answer

    def read(self, timeout_ms: int) -> bytes:
        """Return what has come back, or let the time pass."""
        self._check()
        if not self._waiting and timeout_ms > 0:
            self._pass_time(timeout_ms)
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

    def _through(self, data: bytes) -> list[bytes]:
        """Return what arrives of some bytes, in order."""
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
        return arriving

    def _strikes(self, kind: str) -> bool:
        chance: int = getattr(self.weather, kind)
        struck = chance > 0 and self._random.randrange(1_000) < chance
        if struck:
            self.suffered[kind] += 1
        return struck

    def _damaged(self, data: bytes) -> bytes:
        """Flip one to eight bits."""
        damaged = bytearray(data)
        for _ in range(1 + self._random.randrange(8)):
            damaged[self._random.randrange(len(damaged))] ^= 1 << self._random.randrange(8)
        return bytes(damaged)
