"""What the pump says of a bolus or a prime, against what moved and for how long.

A bolus begins with a volume and a duration, and ends with what of it is still to come. Between the two it may be set
aside for another one and go on later. Kept here for each: the strokes that were asked for while it ran, less the
basal flow beneath it, and the time it ran for. So a remainder is known twice: to one stroke for each time it ran,
by what moved, and to the nanolitre, by its rate and the time.

Where power failed, a fault was there, the reservoir ran out or the dose guard refused, neither need be so: then only
what is said at the beginning and at the end is compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from emulator.journal import Event
from protocol.units import DAY_MS, NanolitresPerDay
from verify.movement import EXCUSES
from verify.scene import MINIMUM_RATE, PRIMING, STROKES, Scene, word
from verify.verdict import Claim, Finding
from verify.watcher import Watcher

KIND_OF = {"clinician_bolus": "clinician", "patient_bolus": "patient", PRIMING: "prime"}
"""Which bolus runs in a state."""
SIMPLE = "simple_continuous"


@dataclass
class _Account:
    """One bolus from its beginning to its end."""

    kind: str
    volume_nl: int
    rate: int
    clean: bool
    """Whether nothing kept the pump from moving what it meant to."""
    ran_ms: int = 0
    intervals: int = 1
    moved: int = 0
    """What moved for it, as credit: nanolitres times ``DAY_MS``."""

    @property
    def rest_nl(self) -> int:
        """What is still to come by its rate and the time it ran, rounded up."""
        whole = self.volume_nl * DAY_MS
        return -(-(whole - min(whole, self.rate * self.ran_ms)) // DAY_MS)


class BolusAccountWatcher(Watcher):
    """Keeps an account of every bolus that runs or was set aside."""

    def __init__(self) -> None:
        self._open: list[_Account] = []
        """The last one runs, the others were set aside."""
        self._ended: list[_Account] = []
        """Those that ended since one began."""
        self._in_doubt: list[_Account] = []
        """Those of which the pump may or may not know after its power came back."""
        self._before = ("", 0)
        """State and rate before the last change of either."""
        self._doubtful = False
        """Whether power has failed and no state since shows what the pump remembers."""
        self._at_ms = 0

    def see(self, event: Event, scene: Scene) -> Iterator[Finding]:
        """Let time pass; then take what moved and what the pump says."""
        if event.kind == STROKES:
            for at_ms in event.data["at"]:
                yield from self._pass(at_ms, scene)
                self._moved(event.data["volume_nl"], scene)
            return
        yield from self._pass(event.at, scene)
        data = event.data
        match event.kind, data.get("what"):
            case "pump.state", _:
                yield from self._state(event.at, word(data["state"]), scene)
            case "pump.bolus", "started":
                yield from self._started(event.at, data, scene)
            case "pump.bolus", "ended":
                yield from self._end(event.at, data, scene)
            case "power.cut", _:
                self._in_doubt += self._open + self._ended
                self._open, self._ended, self._doubtful = [], [], True
        if event.kind in EXCUSES:
            self._excuse()

    def end(self, scene: Scene) -> Iterator[Finding]:
        """Let the time up to the end pass."""
        return self._pass(scene.at_ms, scene)

    # --- what happens ---

    def _pass(self, at_ms: int, scene: Scene) -> Iterator[Finding]:
        elapsed_ms, self._at_ms = at_ms - self._at_ms, at_ms
        if not _sound(scene):
            self._excuse()
        kind = KIND_OF.get(scene.state)
        if not elapsed_ms or not kind or not scene.powered or self._doubtful:
            return
        if not self._open or self._open[-1].kind != kind:
            self._doubtful = True
            words = f"state {scene.state}, and the pump has not said that such a bolus began"
            yield Finding(Claim.BOLUS, at_ms - elapsed_ms, words, measured=1, allowed=0, unit="boluses")
            return
        running = self._open[-1]
        running.ran_ms += elapsed_ms
        running.moved -= _basal(running, scene) * elapsed_ms

    def _moved(self, volume_nl: int, scene: Scene) -> None:
        if self._open and KIND_OF.get(scene.state) == self._open[-1].kind:
            self._open[-1].moved += volume_nl * DAY_MS

    def _excuse(self) -> None:
        for account in self._open:
            account.clean = False

    def _state(self, at_ms: int, state: str, scene: Scene) -> Iterator[Finding]:
        self._before = (scene.state, scene.rate)
        if state in KIND_OF:
            return
        self._doubtful = False
        for account in self._open:
            words = (
                f"a {account.kind} bolus of {account.volume_nl} nL is over, and the pump has not said how it ended"
            )
            yield Finding(Claim.BOLUS, at_ms, words, measured=1, allowed=0, unit="boluses")
        self._open = []

    def _started(self, at_ms: int, data: dict[str, Any], scene: Scene) -> Iterator[Finding]:
        kind, volume_nl, duration_ms = word(data["kind"]), int(data["volume_nl"]), int(data["duration_ms"])
        account = _Account(kind, volume_nl, max(1, volume_nl * DAY_MS // max(1, duration_ms)), _sound(scene))
        more = scene.rate - self._basal_before(kind)
        if (KIND_OF.get(scene.state), more) != (kind, account.rate):
            words = f"a {kind} bolus of {volume_nl} nL in {duration_ms} ms takes {NanolitresPerDay(account.rate)}; "
            words += f"in state {scene.state} the rate is {more} nL/day above the basal one"
            yield Finding(Claim.BOLUS, at_ms, words, more, account.rate, "nL/day")
        grant = scene.prescription.get("patient_bolus", {})
        if kind == "patient" and (volume_nl, duration_ms) != (grant.get("volume"), grant.get("duration")):
            words = f"a patient bolus of {volume_nl} nL in {duration_ms} ms is not the prescribed one"
            yield Finding(Claim.BOLUS, at_ms, words, volume_nl, int(grant.get("volume", 0)), "nL")
        self._open.append(account)
        self._ended, self._in_doubt, self._doubtful = [], [], False

    def _basal_before(self, kind: str) -> int:
        """Return the flow without any bolus just before one began; under a prime there is none."""
        state, rate = self._before
        set_aside = self._open[-1].rate if self._open and state in KIND_OF else 0
        return 0 if kind == KIND_OF[PRIMING] else rate - set_aside

    def _end(self, at_ms: int, data: dict[str, Any], scene: Scene) -> Iterator[Finding]:
        kind, volume_nl, rest_nl = word(data["kind"]), int(data["volume_nl"]), int(data["not_delivered_nl"])
        said = f"a {kind} bolus of {volume_nl} nL ended with {rest_nl} nL not delivered"
        if not 0 <= rest_nl <= volume_nl:
            yield Finding(Claim.BOLUS, at_ms, said, rest_nl, volume_nl, "nL")
        if self._open:
            account = self._open.pop()
            self._ended.append(account)
            if self._open:
                self._open[-1].intervals += 1
            yield from _balanced(at_ms, account, (kind, volume_nl, rest_nl), said, scene)
            return
        known = [each for each in self._in_doubt if (each.kind, each.volume_nl) == (kind, volume_nl)]
        if known:
            self._in_doubt.remove(known[0])
            self._ended.append(known[0])
        else:
            yield Finding(Claim.BOLUS, at_ms, f"{said}, and none had begun", volume_nl, 0, "nL")


def _balanced(
    at_ms: int, account: _Account, ended: tuple[str, int, int], said: str, scene: Scene
) -> Iterator[Finding]:
    """Compare an account with how the pump says that it ended."""
    kind, volume_nl, rest_nl = ended
    if (kind, volume_nl) != (account.kind, account.volume_nl):
        words = f"{said}; it had begun as a {account.kind} bolus of {account.volume_nl} nL"
        yield Finding(Claim.BOLUS, at_ms, words, volume_nl, account.volume_nl, "nL")
    elif account.clean and rest_nl != account.rest_nl:
        words = f"{said}; after {account.ran_ms} ms at {NanolitresPerDay(account.rate)} it is {account.rest_nl} nL"
        yield Finding(Claim.BOLUS, at_ms, words, rest_nl, account.rest_nl, "nL")
    elif account.clean:
        moved_nl, slack_nl = account.moved // DAY_MS, account.intervals * scene.stroke_nl
        if abs(moved_nl - (volume_nl - rest_nl)) > slack_nl:
            words = f"{said}; {moved_nl} nL moved for it, {slack_nl} nL more or less is the most"
            yield Finding(Claim.BOLUS, at_ms, words, moved_nl, volume_nl - rest_nl, "nL")


def _basal(running: _Account, scene: Scene) -> int:
    """Return the flow beneath a bolus: the prescribed one, and in a schedule whatever the bolus does not take."""
    if scene.state == PRIMING:
        return 0
    mode = word(scene.prescription.get("mode", ""))
    if mode == MINIMUM_RATE:
        return scene.rates.get("minimum", 0)
    return int(scene.prescription["rate"]) if mode == SIMPLE else scene.rate - running.rate


def _sound(scene: Scene) -> bool:
    return not scene.faults and not scene.standing and scene.reservoir_nl >= scene.stroke_nl
