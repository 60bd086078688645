"""Signals from a journal: what its events say, under the names that formulas use (``verify.signal_names``).

Nothing here judges. Events of one millisecond keep their order, and so do the strokes of a block, each at its own
time.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from typing import Any

from emulator.journal import Event
from protocol.units import DAY_MS, MINUTE_MS
from verify.alarm_recorder import AlarmRecorder
from verify.scene import FREE_FLOW, HOLD_VALVES_OPEN, STROKES, UNPROGRAMMED, word
from verify.signal_names import BATTERY, ROLES
from verify.temporal.signals import Record
from verify.temporal.writer import Writer

ASKED = "asked"
"""The cause of a session's end that is no loss."""
BAD_PROOF = "bad proof"


def record_of(events: Iterable[Event]) -> Record:
    """Return the signals of a journal. Raises as ``Recorder.take`` does."""
    recorder = Recorder()
    for event in events:
        recorder.take(event)
    return recorder.record()


class Recorder:
    """Takes events one by one; ``record`` may be asked for once, after the last."""

    def __init__(self) -> None:
        self._write = Writer()
        self._alarms = AlarmRecorder(self._write)
        self._faults: set[str] = set()
        self._valves = False
        self._state = self._mode = ""
        self._rate = 0
        self._reservoir_nl = self._reckoned_nl = 0
        self._lockout_ms = 0
        self._boluses: deque[int] = deque()
        self._wrong_proofs = 0
        self._just_mended = False
        """Whether the clock stood, or had just been mended, when power failed: what was noted may be said at once."""
        self._counts_anew = False
        """Whether power was lost since the last wrong proof; what the pump had noted by then it may still say."""
        self._write.level("powered", True)

    def take(self, event: Event) -> None:
        """Take one event; time that runs back is taken as the present.

        Raises ``KeyError``, ``TypeError`` or ``ValueError`` if it lacks what its kind must say.
        """
        if event.kind == STROKES:
            self._strokes(event.data)
            return
        self._go_to(event.at)
        area, _, _ = event.kind.partition(".")
        match area:
            case "bench":
                self._bench(event.kind, event.data)
            case "power":
                self._power(event.kind)
            case "fault":
                self._fault(event.kind, event.data)
            case "alarm":
                self._alarms.take(event.kind, event.data)
            case "pump":
                self._pump(event.kind, event.data)
            case _:
                self._other(event.kind, event.data)

    def record(self) -> Record:
        """Return all signals up to the last event."""
        return self._write.record()

    def _go_to(self, at_ms: int) -> None:
        while self._boluses and self._boluses[0] + DAY_MS <= at_ms:
            left_ms = self._boluses.popleft() + DAY_MS
            self._write.number_from(left_ms, "patient_boluses", len(self._boluses))
        self._write.go_to(at_ms)

    # --- what moves ---

    def _strokes(self, data: dict[str, Any]) -> None:
        write, volume_nl, ats = self._write, data["volume_nl"], data["at"]
        moved_nl = data.get("moved_nl") or [volume_nl] * len(ats)
        tips = [sum(masses) for masses in zip(*data["tip"].values(), strict=True)] or [0] * len(ats)
        unasked = data.get("unasked") or [0] * len(ats)
        for at_ms, left_nl, tip_pg, runaway in zip(ats, moved_nl, tips, unasked, strict=True):
            self._go_to(at_ms)
            write.moment("moving")
            if runaway:
                write.moment("unasked")
            if tip_pg:
                write.moment("drug_at_tip")
            self._reservoir_nl -= left_nl
            self._reckoned_nl -= volume_nl
            self._volumes()

    def _volumes(self) -> None:
        self._write.number("reservoir", max(0, self._reservoir_nl))
        self._write.number("reckoned", max(0, self._reckoned_nl))

    # --- the bench ---

    def _bench(self, kind: str, data: dict[str, Any]) -> None:
        write = self._write
        if kind == "bench.start":
            rates = data.get("rates", {})
            for name, key in (("minimum_rate", "minimum"), ("lowest_rate", "min"), ("highest_rate", "max")):
                write.number(name, int(rates.get(key, 0)))
            write.number("stroke", int(data.get("stroke_nl", 0)))
            self._valves = data.get("drive") == "valve"
            for alarm in data.get("alarms", ()):
                write.level(f"has_alarm({word(alarm)})", True)
            self._reservoir_nl = self._reckoned_nl = int(data.get("reservoir", {}).get("volume_nl", 0))
            self._volumes()
        elif kind == "bench.refill":
            self._reservoir_nl = int(data["volume_nl"])
            self._volumes()
        elif kind == "bench.valve_reset":
            write.level("valve_shut", False)

    def _power(self, kind: str) -> None:
        write, on = self._write, kind == "power.restored"
        write.level("powered", on)
        write.until("silenced", 0)
        if on:
            write.until("clock_mended", write.now_ms + self._just_mended)
            write.moment("restored")
            write.level("confirmed", False)
        else:
            write.level("telemetry_held", False)
            self._counts_anew = True
            self._just_mended = write.is_true("clock_mended") or write.is_true("clock_stands")
            write.until("clock_mended", 0)
            for role in ROLES:
                if write.is_true(f"session({role})"):
                    write.moment(f"session_lost({role})", "session_lost(any)")
                write.level(f"session({role})", False)
            write.level("session(any)", False)

    def _fault(self, kind: str, data: dict[str, Any]) -> None:
        fault = word(data["fault"])
        if kind == "fault.injected":
            self._write.level(f"fault({fault})", True)
            self._write.moment(f"injected({fault})", "injected(any)")
            self._faults.add(fault)
            if fault == "mri" and not self._valves:
                self._write.level("standing", True)
            if fault == "clock":
                self._clock(word(data.get("settings", {}).get("how", "stands")))
        elif kind == "fault.cleared":
            self._write.level(f"fault({fault})", False)
            self._faults.discard(fault)
            if fault == "clock":
                self._mended()
        self._write.level("fault(any)", bool(self._faults))
        self._write.level("valves_open", self._valves and not self._faults.isdisjoint(HOLD_VALVES_OPEN))

    def _mended(self) -> None:
        """A clock that has stood has lost time: that may still be noticed for a while after it was mended."""
        if self._write.is_true("clock_stands"):
            self._write.until("clock_mended", self._write.now_ms + MINUTE_MS + 1)
        self._write.level("clock_stands", False)

    def _clock(self, how: str) -> None:
        if how == "stands":
            self._write.level("clock_stands", True)
        else:
            self._write.moment("clock_jumps")

    # --- the pump ---

    def _pump(self, kind: str, data: dict[str, Any]) -> None:
        match kind:
            case "pump.state":
                self._take_state(word(data["state"]), int(data["rate"]))
            case "pump.prescription":
                self._prescription(data)
            case "pump.refill":
                self._reckoned_nl = int(data["computed"])
                self._volumes()
                self._lock_out()
            case "pump.bolus":
                self._bolus(data)

    def _take_state(self, state: str, rate: int) -> None:
        write = self._write
        if self._state:
            write.level(f"state({self._state})", False)
        write.level(f"state({state})", True)
        if rate > self._rate:
            write.moment("rate_raised")
        self._state, self._rate = state, rate
        write.number("rate", rate)
        if state == UNPROGRAMMED:
            write.level("prescribed", False)
            write.level("confirmed", False)
            self._take_mode("")
            write.number("prescribed_rate", 0)

    def _prescription(self, data: dict[str, Any]) -> None:
        write, grant = self._write, data.get("patient_bolus", {})
        write.level("prescribed", True)
        write.level("confirmed", bool(data["confirmed"]))
        self._take_mode(word(data["mode"]))
        write.number("prescribed_rate", int(data["rate"]))
        write.number("low_threshold", int(data.get("low_reservoir", 0)))
        write.number("patient_boluses_granted", int(grant.get("count_24h", 0)))
        self._lockout_ms = int(grant.get("lockout", 0))
        if data["confirmed"]:
            self._lock_out()

    def _take_mode(self, mode: str) -> None:
        if self._mode:
            self._write.level(f"mode({self._mode})", False)
        if mode:
            self._write.level(f"mode({mode})", True)
        self._mode = mode

    def _bolus(self, data: dict[str, Any]) -> None:
        kind, write = word(data["kind"]), self._write
        match data["what"]:
            case "started":
                write.moment(f"bolus_started({kind})", "bolus_started(any)")
                if kind == "patient":
                    self._boluses.append(write.now_ms)
                    write.number("patient_boluses", len(self._boluses))
            case "ended":
                write.moment(f"bolus_ended({kind})", "bolus_ended(any)")
                self._lock_out()
            case "denied":
                write.moment("bolus_denied")

    def _lock_out(self) -> None:
        self._write.until("lockout", self._write.now_ms + self._lockout_ms)

    # --- the wire and the rest ---

    def _other(self, kind: str, data: dict[str, Any]) -> None:
        write = self._write
        match kind:
            case "wire.command":
                command = re.sub(r"(?<!^)(?=[A-Z])", "_", str(data["message"])).lower()
                write.moment(f"{data['outcome']}({command})", f"{data['outcome']}(any)")
            case "wire.authentication_failed":
                write.moment("authentication_failed")
            case "wire.rejected" if data["what"] == BAD_PROOF:
                write.moment("wrong_proof")
                self._wrong_proofs = 1 if self._counts_anew else self._wrong_proofs + 1
                self._counts_anew = False
                write.number("wrong_proofs", self._wrong_proofs)
            case "session.opened" | "session.closed":
                self._session(kind, word(data["role"]), data.get("cause"))
            case "battery.level":
                self._battery(word(data["level"]), data)
            case "telemetry.held" | "telemetry.released":
                write.level("telemetry_held", kind == "telemetry.held")
            case "guard.refused":
                write.moment("guard_refused")
            case "drive.turned_dry":
                write.moment("unasked")
            case "drive.recovered":
                write.level("standing", False)
            case "valve.shut":
                write.level("valve_shut", True)
            case "catheter.flow" if data["why"] == FREE_FLOW:
                self._reservoir_nl -= int(data["volume_nl"])
                self._volumes()

    def _session(self, kind: str, role: str, cause: object) -> None:
        write, is_open = self._write, kind == "session.opened"
        write.level(f"session({role})", is_open)
        write.level("session(any)", is_open)
        if is_open:
            self._no_stranger()
        elif cause != ASKED:
            write.moment(f"session_lost({role})", "session_lost(any)")

    def _no_stranger(self) -> None:
        self._wrong_proofs = 0
        self._write.number("wrong_proofs", 0)

    def _battery(self, level: str, data: dict[str, Any]) -> None:
        write = self._write
        write.number("charge", int(data.get("left_permille", 0)))
        for each in BATTERY:
            write.level(f"battery({each})", level in BATTERY and BATTERY.index(each) <= BATTERY.index(level))
