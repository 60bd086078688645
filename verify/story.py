"""Hand-written journals: small stories of a pump, to show that the judge can tell right from wrong.

A story begins healthy: a stroke every quarter of an hour, exactly at its limits, of one drug with nothing in the
line before it. A test changes one thing and expects one claim to break. No pump takes part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from emulator.journal import Journal
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from verify.deadlines import load_deadlines
from verify.judge import judge_lines
from verify.properties import Property
from verify.verdict import Verdict

STROKE_NL = 500
RATE = 96 * STROKE_NL
PERIOD_MS = DAY_MS // 96
CONCENTRATION = 1_000
MASS_PG = STROKE_NL * CONCENTRATION
LIMIT_1H, LIMIT_24H = 4 * MASS_PG, 96 * MASS_PG

DRUG = {"code": 1, "concentration": CONCENTRATION, "limit_1h": LIMIT_1H, "limit_24h": LIMIT_24H}
PATIENT_BOLUS = {"volume": STROKE_NL, "duration": 10 * MINUTE_MS, "lockout": HOUR_MS, "count_24h": 2}
BOLUS_TOLD: dict[str, dict[str, int]] = {
    "started": {"volume_nl": STROKE_NL, "duration_ms": 10 * MINUTE_MS},
    "ended": {"volume_nl": STROKE_NL, "not_delivered_nl": 0},
}
RATES = {"minimum": 6_000, "min": 48_000, "max": 24_000_000}


class Story:
    """A journal being written, event by event."""

    def __init__(self, **start: Any) -> None:
        self.journal = Journal()
        self._named: dict[str, str] = {}
        """The alarm that was raised last, by priority."""
        bench: dict[str, Any] = {
            "stroke_nl": STROKE_NL,
            "line_nl": 0,
            "line": {},
            "rates": RATES,
            "drugs": {"1": {"name": "morphine", "limit_1h": 10 * LIMIT_1H, "limit_24h": 10 * LIMIT_24H}},
            "reservoir": {"volume_nl": 20_000_000, "fluid": {"1": CONCENTRATION}},
        }
        self.tell(0, "bench.start", **{**bench, **start})

    def tell(self, at_ms: int, kind: str, /, **data: Any) -> Story:
        """Record any event; a bolus is the prescribed one, all of it, unless it is told otherwise."""
        if kind == "pump.bolus":
            data = {**BOLUS_TOLD.get(data["what"], {}), **data}
        if kind == "alarm.raised":
            self._named[data["priority"]] = data["alarm"]
        self.journal.record(at_ms, kind, **data)
        return self

    def prescribe(self, at_ms: int = 0, *, rate: int = RATE, **changes: Any) -> Story:
        """Record a confirmed prescription, that its rate flows and that a clinician wanted it so."""
        prescription = {
            "confirmed": True,
            "mode": "simple_continuous",
            "rate": rate,
            "drugs": [DRUG],
            "patient_bolus": PATIENT_BOLUS,
            "low_reservoir": 2_000_000,
        }
        self.tell(at_ms, "pump.prescription", **{**prescription, **changes})
        self.state(at_ms, "simple_continuous", rate)
        return self.tell(at_ms, "wire.command", role="clinician", message="Commit", outcome="accepted", reason=None)

    def state(self, at_ms: int, state: str, rate: int) -> Story:
        """Record what the pump does from now on."""
        return self.tell(at_ms, "pump.state", state=state, rate=rate)

    def strokes(self, at_ms: Iterable[int], *, outlet_pg: int = MASS_PG, tip_pg: int | None = None) -> Story:
        """Record strokes; with no line between, the tip gives what the outlet gives."""
        for at in at_ms:
            tip = outlet_pg if tip_pg is None else tip_pg
            self.journal.stroke(at, STROKE_NL, {1: outlet_pg}, {1: tip})
        return self

    def infuse(self, since_ms: int, until_ms: int) -> Story:
        """Record what the healthy rate moves between two instants."""
        return self.strokes(range(since_ms + PERIOD_MS, until_ms + 1, PERIOD_MS))

    def raised(self, at_ms: int, alarm: str, priority: str = "critical", *, sounds: bool = True) -> Story:
        """Record an alarm, what it does to the flow, and its first sound."""
        self.tell(at_ms, "alarm.raised", alarm=alarm, priority=priority)
        flow = load_deadlines().alarms[alarm].flow
        if flow == "stop":
            self.state(at_ms, "stopped", 0)
        elif flow == "minimum":
            self.state(at_ms, "minimum_rate", RATES["minimum"])
        return self.sound(at_ms, priority) if sounds else self

    def sound(self, at_ms: int, pattern: str = "critical") -> Story:
        """Record a sound that is heard, for the alarm of this priority that was raised last."""
        lasts_ms = 3_000 if pattern == "critical" else 1_000
        named = self._named.get(pattern, "")
        return self.tell(at_ms, "alarm.sound", alarm=named, pattern=pattern, lasts_ms=lasts_ms, heard=True)

    def verdict(self, ends_at_ms: int | None = None, *, properties: Sequence[Property] = ()) -> Verdict:
        """End the story, if a time is given, and have it judged."""
        if ends_at_ms is not None:
            self.tell(ends_at_ms, "bench.end")
        self.journal.flush()
        return judge_lines(self.journal.lines, properties=properties)


def healthy(days: int = 2) -> Story:
    """Return a story in which nothing is wrong."""
    return Story().prescribe().infuse(0, days * DAY_MS)
