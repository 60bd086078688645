"""The patient's button: the lockout and the count of any sliding 24 hours.

The lockout runs from the end of any bolus, from a prescription and from a refill to the next patient bolus. Both
are judged in real simulated time; the pump, which credits no time without power, can only be stricter.
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.journal import Event
from protocol.units import DAY_MS, Milliseconds
from verify.scene import Scene
from verify.verdict import Claim, Finding
from verify.watcher import Watcher
from verify.windows import SlidingSum


class BolusWatcher(Watcher):
    """Judges every patient bolus at its start."""

    def __init__(self) -> None:
        self._lockout_since_ms: int | None = None
        self._lockout_words = ""
        self._granted = SlidingSum(DAY_MS)

    def see(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Judge the start of a patient bolus; restart the lockout at whatever restarts it."""
        data = event.data
        match event.kind, data.get("what"):
            case "pump.bolus", "started" if data["kind"] == "patient":
                yield from self._started(event.at, scene)
            case "pump.bolus", "ended":
                self._restart(event.at, "the last bolus")
            case "pump.prescription", _ if data["confirmed"]:
                self._restart(event.at, "the prescription")
            case "pump.refill", _:
                self._restart(event.at, "the refill")

    def _restart(self, at_ms: int, words: str) -> None:
        self._lockout_since_ms, self._lockout_words = at_ms, words

    def _started(self, at_ms: int, scene: Scene) -> Iterator[Finding]:
        grant = scene.prescription.get("patient_bolus", {})
        lockout_ms, most = int(grant.get("lockout", 0)), int(grant.get("count_24h", 0))
        if self._lockout_since_ms is not None and at_ms - self._lockout_since_ms < lockout_ms:
            waited_ms = at_ms - self._lockout_since_ms
            after = f"{Milliseconds(waited_ms)} after" if waited_ms else "at the instant of"
            words = f"a patient bolus {after} {self._lockout_words}, lockout "
            words += str(Milliseconds(lockout_ms))
            yield Finding(Claim.LOCKOUT, at_ms, words, measured=waited_ms, allowed=lockout_ms, unit="ms")
        count = self._granted.add(at_ms, 1)
        if count > most:
            words = f"patient bolus {count} of the last 24 h, {most} granted"
            yield Finding(Claim.COUNT, at_ms, words, measured=count, allowed=most, unit="boluses")
