"""What must raise each alarm, as the judge sees it: from faults, truth and its own dead reckoning.

A cause says whether it is there, and whether time now counts towards its deadline: a stalled motor that is not
told to move cannot be noticed by anybody. It knows nothing of how the pump detects anything.
"""

from __future__ import annotations

from emulator.journal import Event
from protocol.units import MINUTE_MS
from verify.scene import MINIMUM_RATE, PRIMING, STOPPED, STROKES, UNPROGRAMMED, Scene, unasked_of, word

PROGRAMMERS = frozenset({"clinician", "service"})
STRANGERS_PROOFS = 4
"""Wrong proofs in a row that are an intrusion."""
MEMORY_DAMAGE = "fault.injected memory"


class Cause:
    """Base of all causes; one that is never there."""

    lasting = True
    """Whether the cause goes on by itself. A momentary one has happened and stays owed until it is announced."""

    def __init__(self) -> None:
        self.present = False
        self.since_ms = 0
        """When it last became present."""

    def see(self, event: Event, scene: Scene) -> None:
        """Take an event; ``scene`` is the situation after it."""

    def turn(self, present: bool, at_ms: int) -> None:
        """Become present at an instant, stay so, or end."""
        if present and not self.present:
            self.since_ms = at_ms
        self.present = present

    @property
    def possible(self) -> bool:
        """Whether an alarm now would not be without a cause."""
        return self.present

    def counts(self, scene: Scene) -> bool:
        """Whether time passing in this situation counts towards the deadline."""
        return scene.powered

    def announced(self) -> None:
        """The alarm was raised, or cleared after all: whatever happened before is no longer owed."""
        if not self.lasting:
            self.present = False


class FaultCause(Cause):
    """A fault that the bench injected is there until the bench clears it."""

    def __init__(self, *faults: str) -> None:
        super().__init__()
        self._faults = frozenset(faults)

    def see(self, event: Event, scene: Scene) -> None:
        """Follow the bench."""
        self.turn(not self._faults.isdisjoint(scene.faults), event.at)


class StallCause(Cause):
    """A stalled motor: it counts only while the pump wants to move, and is over for the pump once it has moved."""

    def __init__(self) -> None:
        super().__init__()
        self._moved_since = True

    @property
    def possible(self) -> bool:
        """While the magnet is there, and until the next stroke shows that it has gone."""
        return self.present or not self._moved_since

    def see(self, event: Event, scene: Scene) -> None:
        """Follow the bench and the drive."""
        self.turn("motor_stall" in scene.faults or scene.standing, event.at)
        self._moved_since = not self.present and (self._moved_since or event.kind == STROKES)

    def counts(self, scene: Scene) -> bool:
        """Only while there is power and a commanded rate, and the dose guard has raised no alarm of its own."""
        return scene.powered and scene.rate > 0 and "dose_limit" not in scene.alarms


class ValveCause(Cause):
    """Valves that a fault holds open, or a flow-activated one that has shut and waits for a hand."""

    def see(self, event: Event, scene: Scene) -> None:
        """Follow the bench."""
        self.turn(scene.valves_open or scene.valve_shut, event.at)


class MomentCause(Cause):
    """Something that happened at an instant: owed until it is announced."""

    lasting = False

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind

    def see(self, event: Event, scene: Scene) -> None:  # noqa: ARG002 - the shape of every cause
        """Note the instant."""
        if event.kind == self._kind:
            self.turn(True, event.at)


class RunawayCause(Cause):
    """A stroke that nobody asked for, be there fluid to move or not: owed until it is announced."""

    lasting = False

    def see(self, event: Event, scene: Scene) -> None:  # noqa: ARG002 - the shape of every cause
        """Note the first such stroke."""
        if event.kind == "drive.turned_dry":
            self.turn(True, event.at)
        elif event.kind == STROKES and any(unasked_of(event)):
            self.turn(True, event.data["at"][unasked_of(event).index(1)])


class DoubtCause(Cause):
    """Something that makes the prescription doubtful: there until a clinician prescribes again."""

    def __init__(self, alarm: str, *begins_with: str) -> None:
        super().__init__()
        self._alarm = alarm
        self._begins_with = frozenset(begins_with)

    def see(self, event: Event, scene: Scene) -> None:
        """Begin with the event, and end with a prescription made in view of the alarm."""
        if _named(event) in self._begins_with:
            self.turn(True, event.at)
        elif self._alarm in scene.alarms and self.settled_by(event):
            self.turn(False, event.at)

    def settled_by(self, event: Event) -> bool:
        """Whether the event leaves nothing to doubt."""
        return event.kind == "pump.prescription" and bool(event.data["confirmed"])


class ResetCause(DoubtCause):
    """A reset. Damage to memory afterwards may lose the prescription altogether; then its own alarm takes over."""

    def settled_by(self, event: Event) -> bool:
        """A new prescription, or a doubt that includes this one."""
        return super().settled_by(event) or _named(event) == MEMORY_DAMAGE


class LevelCause(Cause):
    """The battery has reached a level, as its own comparators say."""

    def __init__(self, *levels: str) -> None:
        super().__init__()
        self._levels = frozenset(levels)

    def see(self, event: Event, scene: Scene) -> None:  # noqa: ARG002 - the shape of every cause
        """Follow the battery."""
        if event.kind == "battery.level":
            self.turn(word(event.data["level"]) in self._levels, event.at)


class ClockCause(Cause):
    """A clock that stands still, until it is mended, or one that has jumped while somebody could see it.

    One that has stood has lost time: that may still be noticed for a while after it was mended.
    """

    def __init__(self) -> None:
        super().__init__()
        self._mended_ms: int | None = None

    @property
    def possible(self) -> bool:
        """While it stands, and until an event long enough after it was mended."""
        return self.present or self._mended_ms is not None

    def see(self, event: Event, scene: Scene) -> None:
        """Follow the bench. A jump has happened: it is owed until it is announced, or power fails before that."""
        named = _named(event)
        if named == "fault.cleared clock" and self.lasting:
            self._mended_ms = event.at
        elif self._mended_ms is not None and (event.kind == "power.cut" or event.at > self._mended_ms + MINUTE_MS):
            self._mended_ms = None
        if named == "fault.injected clock":
            self.lasting = word(event.data["settings"]["how"]) == "stands"
            self.turn(self.present or self.lasting or scene.powered, event.at)
        elif named == "fault.cleared clock" or (event.kind == "power.cut" and not self.lasting):
            self.turn(False, event.at)


class HeldCause(Cause):
    """Interference holds the receiver on."""

    def see(self, event: Event, scene: Scene) -> None:
        """Follow the receiver."""
        if event.kind in {"telemetry.held", "telemetry.released"}:
            self.turn(event.kind == "telemetry.held", event.at)
        elif not scene.powered:
            self.turn(False, event.at)


class AbortedCause(Cause):
    """A clinician's session ended in any way but a close and left the pump below what is prescribed.

    It is over when the pump infuses what is prescribed again, when a clinician is back, or when a session is closed.
    A prime changes nothing: what the pump infuses is what it will infuse after it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._attended = False
        self._cut_short = False
        """Whether power failed in the session that ended last."""
        self._wanting = False
        self._ended_ms = -1
        """When a session last ended unasked, by power coming back after it too; the flow is told at that instant."""

    def see(self, event: Event, scene: Scene) -> None:
        """Follow sessions, power and flow."""
        if scene.state != PRIMING:
            self._wanting = _wanting(scene)
        wanting = self._wanting
        if event.kind == "session.opened" and word(event.data["role"]) in PROGRAMMERS:
            self._attended, self._ended_ms = True, -1
            self.turn(False, event.at)
        elif event.kind == "session.closed" and word(event.data["role"]) in PROGRAMMERS:
            self._attended = self._cut_short = False
            self._ended_ms = -1 if event.data["cause"] == "asked" else event.at
            self.turn(wanting and self._ended_ms >= 0, event.at)
        elif event.kind == "power.restored" and self._attended:
            self._attended, self._cut_short, self._ended_ms = False, True, event.at
            self.turn(wanting, event.at)
        elif event.kind == "power.cut" and self._cut_short and event.at == self._ended_ms:
            self._attended = True  # it failed again before the pump has seen how the session left it
        elif event.kind.startswith(("fault", "wire", "session", "power.cut")):
            self._ended_ms = -1
        elif wanting and event.at == self._ended_ms:
            self.turn(True, event.at)
        elif not wanting:
            self.turn(False, event.at)


class StrangerCause(Cause):
    """Several wrong proofs in a row, with none that was right between: owed until it is announced."""

    lasting = False

    def __init__(self) -> None:
        super().__init__()
        self._wrong = 0

    def see(self, event: Event, scene: Scene) -> None:  # noqa: ARG002 - the shape of every cause
        """Count."""
        if event.kind in {"session.opened", "power.cut"}:
            self._wrong = 0
            self.turn(False, event.at)
        elif event.kind == "wire.rejected" and event.data["what"] == "bad proof":
            self._wrong += 1
            if self._wrong == STRANGERS_PROOFS:
                self.turn(True, event.at)


class StoppedCause(Cause):
    """The pump is stopped, or held at the minimum rate though more is prescribed; a prime changes nothing."""

    def see(self, event: Event, scene: Scene) -> None:
        """Follow the therapy state and the prescription."""
        if scene.state != PRIMING:
            more = word(scene.prescription.get("mode")) in ("simple_continuous", "flex")
            self.turn(scene.state == STOPPED or (more and scene.state == MINIMUM_RATE), event.at)


class ReservoirCause(Cause):
    """The volume by dead reckoning is at or under a threshold.

    Dead reckoning: what was filled in at the start, or entered since, less what moved. A pump that runs dry without
    knowing it reckons on; one whose memory is damaged or whose valves stand open assumes the worst. None of them can
    be followed from what moved, so until the next entry their alarm is not false.
    """

    def __init__(self) -> None:
        super().__init__()
        self._computed_nl: int | None = None
        self._astray = False

    @property
    def possible(self) -> bool:
        """By the judge's reckoning, or by one that it cannot follow."""
        return self.present or self._astray

    def see(self, event: Event, scene: Scene) -> None:
        """Reckon; within a block of strokes find the one that reached the threshold."""
        if event.kind == "bench.start":
            self._computed_nl = scene.reservoir_nl
        elif event.kind == "pump.refill":
            self._computed_nl = int(event.data["computed"])
            self._astray = False
        guesses = scene.reservoir_nl < scene.stroke_nl or scene.valves_open or _named(event) == MEMORY_DAMAGE
        self._astray = self._astray or guesses
        if self._computed_nl is None:
            return
        above_nl = self._computed_nl - self.threshold_nl(scene)
        at_ms = event.at
        if event.kind == STROKES:
            ats, stroke_nl = event.data["at"], event.data["volume_nl"]
            self._computed_nl -= stroke_nl * len(ats)
            reached = max(0, -(-above_nl // stroke_nl) - 1)
            at_ms = ats[min(reached, len(ats) - 1)]
        self.turn(bool(scene.prescription) and self._computed_nl <= self.threshold_nl(scene), at_ms)

    def threshold_nl(self, scene: Scene) -> int:
        """Return the threshold: no whole stroke is left."""
        return max(0, scene.stroke_nl - 1)


class LowCause(ReservoirCause):
    """The prescription's low threshold."""

    def threshold_nl(self, scene: Scene) -> int:
        """Return the threshold of the prescription in force."""
        return int(scene.prescription.get("low_reservoir", 0))


def all_causes() -> dict[str, Cause]:
    """Return a fresh cause for every alarm, by the alarm's name."""
    return {
        "dose_limit": MomentCause("guard.refused"),
        "motor_stall": StallCause(),
        "reservoir_low": LowCause(),
        "reservoir_empty": ReservoirCause(),
        "reset": ResetCause("reset", "power.restored"),
        "memory": DoubtCause("memory", MEMORY_DAMAGE),
        "stopped_48h": StoppedCause(),
        "unrequested_delivery": RunawayCause(),
        "free_flow": ValveCause(),
        "eri": LevelCause("eri", "eos", "empty"),
        "eos": LevelCause("eos", "empty"),
        "clock": ClockCause(),
        "annunciator": FaultCause("annunciator"),
        "telemetry_timeout": HeldCause(),
        "session_aborted": AbortedCause(),
        "intrusion": StrangerCause(),
    }


def _wanting(scene: Scene) -> bool:
    """Whether the pump infuses less than what is prescribed until a clinician acts."""
    mode, state = word(scene.prescription.get("mode")), scene.state
    if not scene.prescription or mode == STOPPED or state == UNPROGRAMMED:
        return False
    return state == STOPPED or (state == MINIMUM_RATE and mode != MINIMUM_RATE)


def _named(event: Event) -> str:
    """Return an event's kind, with the fault's name if it is one."""
    fault = event.data.get("fault")
    return f"{event.kind} {word(fault)}" if fault else event.kind
