"""What the drive may do at all: nothing where nothing may move, and otherwise what was commanded, no more, no less.

Flow is summed as credit: a rate in nL/day for some milliseconds is worth ``rate * ms``, and one nanolitre costs
``DAY_MS`` of it. Between any two instants the drive may have moved at most the credit of that time and one
stroke, because one stroke may have been saved up before; and it must have moved at least that credit less one
stroke, unless power, a fault or a refusal by the dose guard excuses it.
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.journal import Event
from protocol.units import DAY_MS, NanolitresPerDay
from verify.deadlines import load_deadlines
from verify.scene import MINIMUM_RATE, PRIMING, RUNAWAY, STOPPED, STROKES, UNPROGRAMMED, Scene, unasked_of, word
from verify.verdict import Claim, Finding
from verify.watcher import Watcher

STILL = frozenset({UNPROGRAMMED, STOPPED})
"""Therapy states in which nothing moves."""


EXCUSES = frozenset({"guard.refused", "power.cut", "power.restored", "fault.injected", "fault.cleared"})
"""After these, less may have moved than was commanded; the count starts afresh."""


class PermissionWatcher(Watcher):
    """Nothing moves without power, while stopped, or before a prescription was confirmed, but by a runaway."""

    def see(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Judge the strokes of an event."""
        if event.kind != STROKES:
            return
        why = _forbidden(scene)
        excused = sum(unasked_of(event)) if RUNAWAY in scene.faults else 0
        count = len(event.data["at"]) - excused
        if why and count:
            yield Finding(
                Claim.MOVEMENT, event.at, f"{count} strokes moved {why}", measured=count, allowed=0, unit="strokes"
            )


class PrimingWatcher(Watcher):
    """While the line is being primed nothing but what holds no drug leaves the tip."""

    def see(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Judge the strokes of an event."""
        if event.kind != STROKES or scene.state != PRIMING:
            return
        for code, masses in event.data["tip"].items():
            mass_pg = sum(masses)
            if mass_pg:
                words = f"{scene.name(int(code))} at the tip while the line was being primed"
                yield Finding(Claim.PRIMING, event.at, words, measured=mass_pg, allowed=0, unit="pg")


class RateWatcher(Watcher):
    """Every commanded rate is one the hardware has and the state may have."""

    def see(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Judge a commanded rate."""
        if event.kind == "pump.state":
            yield from _out_of_range(word(event.data["state"]), int(event.data["rate"]), event.at, scene)


class AlarmFlowWatcher(Watcher):
    """No alarm raises the flow, and one that limits it is obeyed from the instant on at which it is raised."""

    def __init__(self) -> None:
        self._before_instant = (0, 0)
        """The latest instant and the rate in force just before it."""
        self._alarm_at_ms: int | None = None
        self._excused_at_ms: int | None = None
        """When a command was accepted, or power failed before anybody was told so, or came back: other reasons."""
        self._disobeyed = False

    def see(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Close the instant before, if this event is later."""
        if event.at > self._before_instant[0]:
            yield from self._close_instant(scene)
            self._before_instant = (event.at, scene.rate)
        if event.kind == "alarm.raised":
            self._alarm_at_ms = event.at
        elif event.kind in ("power.cut", "power.restored") or event.data.get("outcome") == "accepted":
            self._excused_at_ms = event.at

    def end(self, scene: Scene) -> Iterator[Finding]:
        """Close the last instant."""
        yield from self._close_instant(scene)

    def _close_instant(self, scene: Scene) -> Iterator[Finding]:
        at_ms, rate_before = self._before_instant
        if self._alarm_at_ms == at_ms and self._excused_at_ms != at_ms and scene.rate > rate_before:
            words = f"the rate went from {NanolitresPerDay(rate_before)} to {NanolitresPerDay(scene.rate)}"
            yield Finding(Claim.ALARM_RAISED_RATE, at_ms, words, scene.rate, rate_before, "nL/day")
        yield from self._obeyed(at_ms, scene)

    def _obeyed(self, at_ms: int, scene: Scene) -> Iterator[Finding]:
        allowed, alarm = _allowed_by_alarms(scene)
        disobeyed, self._disobeyed = self._disobeyed, scene.powered and scene.rate > allowed
        if self._disobeyed and not disobeyed:
            words = f"{NanolitresPerDay(scene.rate)} while {alarm} allows {NanolitresPerDay(allowed)}"
            yield Finding(Claim.ALARM_FLOW, at_ms, words, scene.rate, allowed, "nL/day")


class DeliveryWatcher(Watcher):
    """What moved is what was commanded, between any two instants, to one stroke.

    A change of rate happens at a whole millisecond, so each may cost up to one millisecond of the old rate.
    """

    def __init__(self) -> None:
        self._balance = 0
        """Credit moved less credit commanded."""
        self._lowest = 0
        self._highest = 0
        self._at_ms = 0

    def see(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Let time pass at the commanded rate; then judge strokes one by one."""
        if event.kind == STROKES:
            for at_ms, unasked in zip(event.data["at"], unasked_of(event), strict=True):
                yield from self._pass(at_ms, scene)
                if unasked and RUNAWAY in scene.faults:
                    continue
                self._balance += event.data["volume_nl"] * DAY_MS
                yield from self._judge_over(at_ms, scene)
        else:
            yield from self._pass(event.at, scene)
            if event.kind in EXCUSES:
                self._highest = self._balance
            elif event.kind == "pump.state":
                self._highest = max(self._balance, self._highest - scene.rate)

    def end(self, scene: Scene) -> Iterator[Finding]:
        """Let the time up to the end pass."""
        yield from self._pass(scene.at_ms, scene)

    def _pass(self, at_ms: int, scene: Scene) -> Iterator[Finding]:
        if scene.powered:
            self._balance -= scene.rate * (at_ms - self._at_ms)
        self._at_ms = at_ms
        self._lowest = min(self._lowest, self._balance)
        if scene.faults or scene.standing or scene.reservoir_nl < scene.stroke_nl:
            self._highest = self._balance
        short = self._highest - self._balance
        if short > _slack(scene):
            self._highest = self._balance
            yield _delivery(Claim.UNDER_DELIVERY, at_ms, short, scene)

    def _judge_over(self, at_ms: int, scene: Scene) -> Iterator[Finding]:
        self._highest = max(self._highest, self._balance)
        much = self._balance - self._lowest
        if much > _slack(scene):
            self._lowest = self._balance
            yield _delivery(Claim.OVER_DELIVERY, at_ms, much, scene)


def _slack(scene: Scene) -> int:
    """Return the credit of one stroke, and of one millisecond, the finest that time is known to."""
    return scene.stroke_nl * DAY_MS + scene.rates.get("max", scene.rate)


def _delivery(claim: Claim, at_ms: int, credit: int, scene: Scene) -> Finding:
    volume_nl = credit // DAY_MS
    more_or_less = "more" if claim is Claim.OVER_DELIVERY else "less"
    words = f"{volume_nl} nL {more_or_less} than commanded, one stroke of {scene.stroke_nl} nL is the most"
    return Finding(claim, at_ms, words, measured=volume_nl, allowed=scene.stroke_nl, unit="nL")


def _forbidden(scene: Scene) -> str | None:
    """Return why nothing may move now, or None if something may."""
    if not scene.powered:
        return "without power"
    if scene.state in STILL:
        return f"in state {scene.state}"
    if not scene.prescription:
        return "before any prescription was confirmed"
    return None if scene.rate else "at a commanded rate of zero"


def _allowed_by_alarms(scene: Scene) -> tuple[int, str]:
    """Return the most flow that the raised alarms leave, and which of them says so."""
    flows = {"keep": scene.rate, "minimum": scene.rates.get("minimum", 0), "stop": 0}
    rows = load_deadlines().alarms
    raised = [(flows[rows[name].flow], name) for name in scene.alarms if name in rows]
    return min(raised, default=(scene.rate, ""))


def _out_of_range(state: str, rate: int, at_ms: int, scene: Scene) -> Iterator[Finding]:
    least, low, high = (scene.rates.get(key, default) for key, default in (("minimum", 0), ("min", 0), ("max", rate)))
    allowed = 0 if state in STILL else least if state == MINIMUM_RATE else high
    if rate > allowed:
        words = f"{NanolitresPerDay(rate)} commanded in state {state}, which allows {NanolitresPerDay(allowed)}"
        yield Finding(Claim.RATE, at_ms, words, rate, allowed, "nL/day")
    elif 0 < rate < low and rate != least:
        words = f"{NanolitresPerDay(rate)} commanded; the smallest therapeutic rate is {NanolitresPerDay(low)}"
        yield Finding(Claim.RATE, at_ms, words, rate, low, "nL/day")
