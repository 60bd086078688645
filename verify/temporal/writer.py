"""Writing a record: signals get their values one instant after another."""

from __future__ import annotations

from verify.temporal.signals import Record, Steps, ending_at
from verify.temporal.switch import instant


class Writer:
    """Writes levels, moments and numbers at the present instant, which only moves on."""

    def __init__(self) -> None:
        self.now_ms = 0
        self._order = -1
        self._now = 0
        self._flips: dict[str, list[int]] = {}
        self._numbers: dict[str, Steps] = {}
        self._ends_at: dict[str, int] = {}
        """Levels that end by themselves, and when."""

    def go_to(self, at_ms: int) -> None:
        """Go to a new instant: the first of a later millisecond, or the next of this one if that is not later."""
        if at_ms > self.now_ms:
            self._end_by_time(at_ms)
            self.now_ms, self._order = at_ms, 0
        else:
            self._order += 1
        self._now = instant(self.now_ms, self._order)

    def level(self, name: str, value: bool) -> None:
        """Let a switch be true or false from now on."""
        flips = self._flips.setdefault(name, [])
        if value != len(flips) & 1:
            if flips and flips[-1] == self._now:
                flips.pop()
            else:
                flips.append(self._now)

    def moment(self, *names: str) -> None:
        """Let switches be true for this one instant."""
        for name in names:
            flips = self._flips.setdefault(name, [])
            if flips and flips[-1] == self._now:
                flips[-1] += 1
            elif not flips or flips[-1] < self._now:
                flips += (self._now, self._now + 1)

    def is_true(self, name: str) -> bool:
        """Return whether a switch is true now, and not for this one instant only."""
        return bool(len(self._flips.get(name, ())) & 1)

    def number(self, name: str, value: int) -> None:
        """Let a number have a value from now on."""
        steps = self._numbers.get(name)
        if steps is None:
            steps = self._numbers[name] = Steps([], [])
        steps.set(value, self._now)

    def number_from(self, at_ms: int, name: str, value: int) -> None:
        """Let a number have a value from the beginning of a millisecond on that no value of it is later than."""
        self._numbers[name].set(value, instant(at_ms))

    def until(self, name: str, ends_ms: int) -> None:
        """Let a switch be true from now until the beginning of a millisecond, whatever was said of it before."""
        self.level(name, ends_ms > self.now_ms)
        self._ends_at.pop(name, None)
        if ends_ms > self.now_ms:
            self._ends_at[name] = ends_ms

    def record(self) -> Record:
        """Return everything written, up to the end of the present millisecond."""
        return Record(self._flips, self._numbers, ending_at(self.now_ms))

    def _end_by_time(self, at_ms: int) -> None:
        for name, ends_ms in list(self._ends_at.items()):
            if ends_ms <= at_ms:
                self._flips[name].append(instant(ends_ms))
                del self._ends_at[name]
