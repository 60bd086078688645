"""Alarms judged both ways: no cause without its alarm in time, no alarm without a cause.

Time counts towards a deadline as a share: half of the deadline at therapy rates and half of the one at the
minimum rate are one deadline together, so that no change of rate ever restarts the clock. The shares are whole
numbers, so nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.journal import Event
from protocol.units import Milliseconds
from verify.causes import Cause, all_causes
from verify.deadlines import Deadline, load_deadlines
from verify.scene import MINIMUM_RATE, Scene, last_instant, word
from verify.verdict import Claim, Finding
from verify.watcher import Watcher


class AlarmWatcher(Watcher):
    """Judges every alarm of the table. Sees every event twice: before the scene takes it and after."""

    def __init__(self) -> None:
        self._clocks = [_Clock(row, cause) for row, cause in _rows()]
        self._by_name = {clock.row.name: clock for clock in self._clocks}

    def see(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Let time pass in the situation so far."""
        for clock in self._clocks:
            yield from clock.pass_to(event.at, scene)

    def settle(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Judge an event; ``scene`` is the situation after it."""
        if event.kind == "alarm.raised":
            yield from self._raised(event)
        if event.kind == "alarm.forgotten":
            self._forgotten(scene)
        for clock in self._clocks:
            yield from clock.settle(event, scene)
        if event.kind == "alarm.cleared":
            yield from self._cleared(event)

    def end(self, scene: Scene) -> Iterator[Finding]:
        """Let the time up to the end pass."""
        for clock in self._clocks:
            yield from clock.pass_to(scene.at_ms, scene)

    def _raised(self, event: Event) -> Iterator[Finding]:
        name, priority = word(event.data["alarm"]), word(event.data["priority"])
        clock = self._by_name.get(name)
        if clock is None:
            return
        if not clock.cause.possible and not clock.survives_power_cut and not clock.may_be_noted(event.at):
            yield Finding(Claim.FALSE_ALARM, event.at, f"{name} without a cause: {clock.row.cause}?", 1, 0, "alarms")
        if priority != clock.row.priority:
            words = f"{name} was raised as {priority}; it is {clock.row.priority}"
            yield Finding(Claim.PRIORITY, event.at, words, 1, 0, "alarms")
        clock.raise_at(event.at)
        clock.cause.announced()

    def _forgotten(self, scene: Scene) -> None:
        """What happened while its alarm was raised was announced by it: losing the alarm owes it no second time."""
        for clock in self._clocks:
            if clock.raised and not clock.cause.lasting and clock.row.name not in scene.alarms:
                clock.cause.announced()

    def _cleared(self, event: Event) -> Iterator[Finding]:
        clock = self._by_name.get(word(event.data["alarm"]))
        if clock is None:
            return
        cause = clock.cause
        if cause.lasting and cause.present and clock.means_this_cause:
            words = f"{clock.row.name} was cleared although {clock.row.cause}"
            yield Finding(Claim.UNLATCHED, event.at, words, 1, 0, "alarms")
        cause.announced()
        clock.raised = False


class _Clock:
    """How much of its deadline a cause has used up, unannounced."""

    def __init__(self, row: Deadline, cause: Cause) -> None:
        self.row, self.cause = row, cause
        self._full = row.within_ms * row.within_at_minimum_rate_ms
        self._used = 0
        self._at_ms = 0
        self.raised = False
        self._raised_ms = 0
        self._ended = False
        """Whether the cause has ended since the alarm was last raised; it may be back within the same millisecond."""
        self._restored_ms = 0
        self._told = False
        self._was_possible = False
        """Whether an alarm was not without a cause when power failed, or when it failed again as the pump started."""

    @property
    def survives_power_cut(self) -> bool:
        """Whether an alarm now only says again what was raised before power failed and has not been cleared since."""
        return self.raised and self._restored_ms >= self._raised_ms

    @property
    def means_this_cause(self) -> bool:
        """Whether the alarm was raised for the cause of now. One that began afterwards is another one."""
        return not self._ended and self._raised_ms >= self.cause.since_ms

    def may_be_noted(self, at_ms: int) -> bool:
        """Whether an alarm, at the instant at which power is back, may say what was noted before it failed.

        That it does is no fault, and that it does not is none: nobody but the pump knows how far it had come.
        """
        return self._was_possible and at_ms == self._restored_ms

    def raise_at(self, at_ms: int) -> None:
        """Take that the alarm was raised."""
        self.raised, self._raised_ms, self._ended = True, at_ms, False

    def pass_to(self, at_ms: int, scene: Scene) -> Iterator[Finding]:
        """Let time pass in this situation; tell once when the deadline is over."""
        elapsed_ms, self._at_ms = at_ms - self._at_ms, at_ms
        if not self.cause.present or self.row.name in scene.alarms or not self.cause.counts(scene):
            return
        share = self._share(scene)
        self._used += elapsed_ms * share
        if self._used > self._full and not self._told:
            self._told = True
            late_ms = (self._used - self._full) // share
            within_ms = self._full // share
            words = f"{self.row.cause} and {self.row.name} was not raised within {Milliseconds(within_ms)}"
            yield Finding(Claim.LATE_ALARM, at_ms - late_ms, words, within_ms + late_ms, within_ms, "ms")

    def settle(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Take an event. Start afresh once the cause is gone or announced; a block of strokes takes its time."""
        was_present, was_possible = self.cause.present, self.cause.possible
        self.cause.see(event, scene)
        if self.cause.present and not was_present:
            self._at_ms = self.cause.since_ms
        self._ended = self._ended or (was_present and not self.cause.present)
        if not self.cause.present or self.row.name in scene.alarms:
            self._used, self._told = 0, False
        if event.kind == "power.restored":
            self._restored_ms = event.at
        if event.kind == "power.cut":
            self._was_possible = was_possible or self.may_be_noted(event.at)
            self._used = max(0, self._used - load_deadlines().forgotten_ms * self._share(scene))
        yield from self.pass_to(last_instant(event), scene)

    def _share(self, scene: Scene) -> int:
        """Return what one millisecond costs: full / deadline in force."""
        if scene.state == MINIMUM_RATE:
            return self.row.within_ms
        return self.row.within_at_minimum_rate_ms


def _rows() -> Iterator[tuple[Deadline, Cause]]:
    causes = all_causes()
    for name, row in load_deadlines().alarms.items():
        yield row, causes[name]
