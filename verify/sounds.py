"""The sounder judged: a raised alarm is heard at once, and again and again until it is cleared.

Power that comes back to a raised alarm makes it heard at once, too: otherwise brown-outs would make a mute pump.

A silence is honoured only for its bounded time, only until a new alarm is raised, and only if the sounder has
sounded since the silence before it: otherwise silences could add up to a mute pump. Every sound is for an alarm
that is raised, and for none less urgent than another. Time is counted while the pump has power, since nothing can
sound without. A sounder that is broken is sounded all the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.journal import Event
from protocol.units import Milliseconds
from verify.deadlines import load_deadlines
from verify.scene import CRITICAL, Scene, word
from verify.verdict import Claim, Finding
from verify.watcher import Watcher


class SoundWatcher(Watcher):
    """Follows the sounder in powered time."""

    def __init__(self) -> None:
        self._deadlines = load_deadlines().sound
        self._powered_ms = 0
        self._at_ms = 0
        self._heard_ms = 0
        """Powered time of the last sound."""
        self._first_due_ms: int | None = None
        """When a new alarm must have been heard for the first time."""
        self._silent_until_ms = 0
        self._heard_since_silence = False
        self._told = False

    def see(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Let time pass in the situation so far; then take the event."""
        yield from self._pass_to(event.at, scene)
        match event.kind:
            case "alarm.raised":
                self._raised(scene)
            case "power.restored" if scene.alarms:
                self._owe_a_sound()
            case "alarm.sound":
                yield from self._sounded(event, scene)
            case "alarm.silenced":
                self._silenced()
            case "alarm.cleared" if len(scene.alarms) == 1:
                self._first_due_ms = None

    def end(self, scene: Scene) -> Iterator[Finding]:
        """Let the time up to the end pass."""
        yield from self._pass_to(scene.at_ms, scene)

    def _pass_to(self, at_ms: int, scene: Scene) -> Iterator[Finding]:
        if scene.powered:
            self._powered_ms += at_ms - self._at_ms
        self._at_ms = at_ms
        if not scene.alarms or not scene.powered or self._told:
            return
        due_ms = self._due_ms(scene)
        if self._powered_ms > due_ms:
            self._told = True
            late_ms = self._powered_ms - due_ms
            quiet_ms = self._powered_ms - self._heard_ms
            words = f"{', '.join(sorted(scene.alarms))} raised, and nothing sounded for {Milliseconds(quiet_ms)}"
            yield Finding(Claim.SILENT, at_ms - late_ms, words, quiet_ms, quiet_ms - late_ms, "ms")

    def _due_ms(self, scene: Scene) -> int:
        """Return the powered time by which the sounder must sound."""
        if self._first_due_ms is not None:
            return self._first_due_ms
        interval_ms = self._deadlines.interval_ms(_highest(scene))
        return max(self._heard_ms + interval_ms, self._silent_until_ms)

    def _raised(self, scene: Scene) -> None:
        if not scene.alarms:
            self._heard_ms = self._powered_ms
        self._owe_a_sound()

    def _owe_a_sound(self) -> None:
        """Demand a sound soon, whatever silence there was."""
        self._first_due_ms = self._powered_ms + self._deadlines.first_ms
        self._silent_until_ms = 0
        self._told = False

    def _sounded(self, event: Event, scene: Scene) -> Iterator[Finding]:
        pattern, named = word(event.data["pattern"]), word(event.data["alarm"])
        if CRITICAL in scene.alarms.values() and pattern != CRITICAL:
            words = f"the sounder sounded {pattern} while a critical alarm was raised"
            yield Finding(Claim.PRIORITY, event.at, words, 1, 0, "sounds")
            return
        if scene.alarms.get(named) != _highest(scene):
            raised = ", ".join(sorted(scene.alarms)) or "nothing"
            words = f"the sounder sounded for {named or 'nothing'}, and raised was {raised}"
            yield Finding(Claim.PRIORITY, event.at, words, 1, 0, "sounds")
        if not event.data.get("heard", True) and "annunciator" not in scene.faults:
            yield Finding(Claim.SILENT, event.at, "the sounder was sounded and not heard", 1, 0, "sounds")
        self._heard_ms, self._first_due_ms = self._powered_ms, None
        self._heard_since_silence, self._told = True, False

    def _silenced(self) -> None:
        if self._heard_since_silence:
            self._silent_until_ms = self._powered_ms + self._deadlines.silence_ms
        self._heard_since_silence = False


def _highest(scene: Scene) -> str:
    return CRITICAL if CRITICAL in scene.alarms.values() else "non_critical"
