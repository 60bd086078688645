"""The battery: charge is used by the electronics over time and by the motor with every stroke."""

from __future__ import annotations

from emulator.hardware.profile import Profile


def remaining_permille(profile: Profile, on_ms: int, strokes: int) -> int:
    """Return the charge left in thousandths, after a time under power and a number of strokes."""
    used_by_time = 1000 * on_ms * profile.battery_strokes
    used_by_strokes = 1000 * strokes * profile.battery_life_idle.value
    whole = profile.battery_life_idle.value * profile.battery_strokes
    return max(0, 1000 - (used_by_time + used_by_strokes) // whole)
