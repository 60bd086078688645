"""Damage to bytes on their way, on purpose and repeatable.

What happens to a byte depends on the seed, the direction and the byte's absolute index, never on how the bytes were
cut into chunks, and every error is in a log: a test can check its own answer. Rates are whole errors in a million
bytes, spans and delays whole bytes; nothing here reads a clock.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple

MILLION = 1_000_000


class ImpairmentError(Exception):
    """An impairment that cannot be. The message says what is wrong and what to write."""


class Damage(enum.Enum):
    """What can happen to a byte. The value is the name on the command line."""

    FLIP = "flip"
    """One of its bits is turned."""
    DROP = "drop"
    """It does not arrive."""
    DUPLICATE = "duplicate"
    """It arrives twice."""
    INSERT = "insert"
    """Another byte comes before it that nobody sent."""
    BURST = "burst"
    """It and the bytes after it, so many in all, arrive as others."""
    CUT = "cut"
    """It and the bytes after it, so many in all, do not arrive."""
    DELAY = "delay"
    """The line is idle before it, for so many byte times."""


SPANS = {Damage.BURST: 8, Damage.CUT: 64, Damage.DELAY: 100}
"""Bytes, or byte times, that these concern when nothing else is said."""


class Chance(NamedTuple):
    """How often something happens, in a million bytes, and how many bytes it then concerns."""

    per_million: int
    span: int = 1


class Impairment(NamedTuple):
    """A seed, and how often what happens."""

    seed: int = 0
    chances: Mapping[Damage, Chance] = MappingProxyType({})

    @classmethod
    def parse(cls, text: str) -> Impairment:
        """Read ``flip=1e-4,burst=1e-5:16,seed=7``; raises ``ImpairmentError``."""
        seed, chances = 0, {}
        for item in text.split(","):
            name, equals, value = item.strip().partition("=")
            if not equals:
                raise ImpairmentError(f"“{item}” is no impairment; write one such as flip=1e-4, or seed=7")
            if name == "seed":
                seed = _whole(value, "seed")
            else:
                damage = _damage(name)
                chances[damage] = _chance(damage, value)
        return cls(seed, MappingProxyType(chances))


class Injected(NamedTuple):
    """One error that was made: at which byte, which kind, what came in and what went out instead."""

    at: int
    damage: Damage
    before: bytes
    after: bytes

    @property
    def bits(self) -> int:
        """How many bits were turned; 0 where bytes were lost, added or late."""
        if len(self.before) != len(self.after):
            return 0
        return sum((a ^ b).bit_count() for a, b in zip(self.before, self.after, strict=True))


class Step(NamedTuple):
    """What one byte became: bytes, after the line was idle for so many byte times."""

    idle_octets: int
    octets: bytes


class Impairer:
    """Damages the bytes of one direction, which has a name of its own so that the two differ."""

    def __init__(self, impairment: Impairment, direction: str) -> None:
        self.log: list[Injected] = []
        self._seed = f"{impairment.seed} {direction}"
        self._chances = impairment.chances
        # each kind draws once for each byte, so that one more kind changes nothing about the others
        self._draws = {damage: random.Random(f"{self._seed} {damage.value}") for damage in impairment.chances}  # noqa: S311 - repeatable on purpose
        self._index = 0
        self._left = {Damage.BURST: 0, Damage.CUT: 0}

    def feed(self, data: bytes) -> Iterator[Step]:
        """Yield what each byte becomes, in order. Nothing may be skipped: take all of it."""
        for octet in data:
            yield self._step(bytes([octet]))
            self._index += 1

    def _step(self, octet: bytes) -> Step:
        struck = [damage for damage in self._draws if self._draw(damage)]
        if not struck and not any(self._left.values()):
            return Step(0, octet)
        detail = random.Random(f"{self._seed} {self._index}")  # noqa: S311
        for damage in self._left:
            if damage in struck:
                self._left[damage] = self._chances[damage].span
        idle = self._chances[Damage.DELAY].span if Damage.DELAY in struck else 0
        if idle:
            self._note(Damage.DELAY, octet, octet)
        if self._spanned(Damage.CUT):
            return Step(idle, self._note(Damage.CUT, octet, b""))
        if Damage.DROP in struck:
            return Step(idle, self._note(Damage.DROP, octet, b""))
        arrived = octet
        if self._spanned(Damage.BURST):
            arrived = self._note(Damage.BURST, octet, bytes([octet[0] ^ detail.randrange(1, 256)]))
        elif Damage.FLIP in struck:
            arrived = self._note(Damage.FLIP, octet, bytes([octet[0] ^ 1 << detail.randrange(8)]))
        if Damage.DUPLICATE in struck:
            arrived = self._note(Damage.DUPLICATE, arrived, 2 * arrived)
        if Damage.INSERT in struck:
            arrived = self._note(Damage.INSERT, b"", detail.randbytes(1)) + arrived
        return Step(idle, arrived)

    def _draw(self, damage: Damage) -> bool:
        return self._draws[damage].randrange(MILLION) < self._chances[damage].per_million

    def _spanned(self, damage: Damage) -> bool:
        if not self._left[damage]:
            return False
        self._left[damage] -= 1
        return True

    def _note(self, damage: Damage, before: bytes, after: bytes) -> bytes:
        self.log.append(Injected(self._index, damage, before, after))
        return after


def _damage(name: str) -> Damage:
    try:
        return Damage(name)
    except ValueError:
        known = ", ".join(damage.value for damage in Damage)
        raise ImpairmentError(f"“{name}” is no impairment; there are {known}") from None


def _chance(damage: Damage, value: str) -> Chance:
    rate, colon, span = value.partition(":")
    if colon and damage not in SPANS:
        raise ImpairmentError(f"“{damage.value}” concerns one byte; leave “:{span}” out")
    try:
        per_million = Fraction(rate) * MILLION
    except (ValueError, ZeroDivisionError):
        raise ImpairmentError(f"“{rate}” is no rate; write {damage.value}=1e-4 for one byte in 10 000") from None
    if per_million.denominator != 1 or not 0 <= per_million <= MILLION:
        raise ImpairmentError(f"the rate {rate} is not a whole number of errors in a million bytes, from 0 to 1e6")
    return Chance(int(per_million), _whole(span, damage.value) if colon else SPANS.get(damage, 1))


def _whole(text: str, what: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ImpairmentError(f"“{text}” is no whole number for {what}")
    return int(text)
