"""The battery: a store of charge that the electronics, the motor, telemetry and its own faults use up.

Charge is counted in whole units, whose size follows from the profile: a millisecond of the electronics costs as many
units as the battery could move strokes, and a stroke as many as it could keep the electronics going for milliseconds.
So either alone uses it up after exactly the profile's figure, and nothing is ever rounded.

Nothing ticks. What is left follows from the time under power and the number of strokes whenever somebody asks. The
levels at which the battery's own comparators speak are looked at, at the latest, at ``look_at_ms``: never so late
that even the fastest use could have passed a level more than an hour ago.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.hardware.profile import Profile
from emulator.hardware.severity import PERMILLE
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS

FRESH, ERI, EOS, EMPTY = "fresh", "eri", "eos", "empty"
"""The levels, from full to used up."""
WAKE_MS = 1_000
"""What a burst of bytes outside any session costs at most, as time of telemetry."""
WAKE_EVERY_MS = MINUTE_MS
"""So often at most: whoever sends without a key can use up a sixtieth of what telemetry takes, and no more."""


class Battery:
    """One pump's battery. Times are bench milliseconds; ``strokes`` is the drive's own count."""

    def __init__(self, profile: Profile) -> None:
        self._idle = profile.battery_strokes
        self._stroke = profile.battery_life_idle.value
        self.whole = self._idle * self._stroke
        self._telemetry = -(-self.whole // profile.battery_telemetry.value)
        self._fastest = self._idle + self._telemetry + self._flow(profile.rate_max.value, profile.stroke.value)
        self._levels = ((EMPTY, 0), (EOS, profile.battery_eos), (ERI, profile.battery_eri))
        self.used = 0
        self.leak = 0
        """What a defect of the battery's film uses up, in units a millisecond."""
        self.powered = True
        self.listening = False
        """Whether the receiver is on: in a session, or held on by interference."""
        self.look_at_ms: int | None = 0
        self._at_ms = 0
        self._strokes = 0
        self._woken_ms = -WAKE_EVERY_MS

    def _flow(self, rate: int, stroke_nl: int) -> int:
        return -(-self._stroke * rate // (stroke_nl * DAY_MS))

    def settle(self, now_ms: int, strokes: int) -> None:
        """Use up what was used since the last time."""
        drain = self._idle + self.leak + (self._telemetry if self.listening else 0)
        if self.powered:
            self.used += drain * (now_ms - self._at_ms)
        self.used = min(self.whole, self.used + self._stroke * (strokes - self._strokes))
        self._at_ms, self._strokes = now_ms, strokes

    def left_permille(self) -> int:
        """Return the charge left when it was last settled, in thousandths, rounded down."""
        return PERMILLE * (self.whole - self.used) // self.whole

    def level(self) -> str:
        """Return the lowest level that the charge has reached."""
        left = self.whole - self.used
        return next((name for name, permille in self._levels if left * PERMILLE <= permille * self.whole), FRESH)

    def plan_look(self) -> None:
        """Set ``look_at_ms`` so that the next level is not missed."""
        left = (self.whole - self.used) * PERMILLE
        above = [left - permille * self.whole for _, permille in self._levels if left > permille * self.whole]
        wait_ms = min(above, default=0) // (PERMILLE * (self._fastest + self.leak))
        self.look_at_ms = self._at_ms + max(HOUR_MS, wait_ms) if above and self.powered else None

    def wake(self, now_ms: int) -> None:
        """Let bytes outside a session wake the receiver; it sleeps again at once and soon not before a minute."""
        if not self.listening and now_ms - self._woken_ms >= WAKE_EVERY_MS:
            self._woken_ms = now_ms
            self.used = min(self.whole, self.used + WAKE_MS * self._telemetry)

    # --- faults ---

    def wear(self, left_permille: int) -> None:
        """Leave no more than a share of the charge."""
        self.used = max(self.used, self.whole - self.whole * left_permille // PERMILLE)

    def fail_within(self, for_ms: int) -> None:
        """Let what is left leak away within a time, beside ordinary use; 0 ends the leak."""
        self.leak = -(-(self.whole - self.used) // for_ms) if for_ms else 0

    # --- images ---

    def to_json(self) -> dict[str, Any]:
        """Return it for an image."""
        return {name: getattr(self, name) for name in _KEPT}

    def restore(self, plain: Mapping[str, Any]) -> None:
        """Take it out of an image; raises ``KeyError``, ``TypeError`` or ``ValueError`` if it is none."""
        for name, kind in _KEPT.items():
            setattr(self, name, kind(plain[name]))
        self.plan_look()


_KEPT = {
    "used": int,
    "leak": int,
    "powered": bool,
    "listening": bool,
    "_at_ms": int,
    "_strokes": int,
    "_woken_ms": int,
}
