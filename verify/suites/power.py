"""The battery and the date of replacement, against sums of exact shares: what is used, what is left, how long."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from hypothesis import strategies as st

from emulator.firmware.replacement import Consumption, eri_in_ms, replace_by
from emulator.hardware.battery import Battery
from emulator.hardware.profile import load_profile
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from verify.suites.suite import Effort, Property, Suite, require

PROFILE = load_profile("peristaltic")
IDLE_MS, STROKES = PROFILE.battery_life_idle.value, PROFILE.battery_strokes
TELEMETRY_MS = PROFILE.battery_telemetry.value
ERI, EOS = PROFILE.battery_eri, PROFILE.battery_eos
FASTEST = (
    Fraction(1, IDLE_MS)
    + Fraction(1, TELEMETRY_MS)
    + Fraction(PROFILE.rate_max.value, PROFILE.stroke.value * DAY_MS * STROKES)
)
"""The share of the whole charge that the fastest use takes in a millisecond."""
A_HAIR = Fraction(1, 1_000_000)
"""By so much of the charge the battery may round in an example."""


class Part(NamedTuple):
    """Some time of a battery's life: how long, how many strokes, under power, listening, and leaking or not."""

    for_ms: int
    strokes: int
    powered: bool
    listening: bool
    leak_within_ms: int


PARTS = st.builds(
    Part,
    st.sampled_from([0, 1, HOUR_MS, 30 * DAY_MS, 400 * DAY_MS]),
    st.sampled_from([0, 0, 1, 2_000, 800_000]),
    st.booleans() | st.just(True),
    st.booleans(),
    st.sampled_from([0, 0, 0, 3 * DAY_MS, 300 * DAY_MS]),
)


def charge_is_reckoned(effort: Effort) -> None:
    """Live through parts of a battery's life and add up what each of them takes."""

    def check(parts: list[Part], worn: int) -> None:
        battery = Battery(PROFILE)
        battery.wear(worn)
        left, now, strokes = Fraction(worn, 1000), 0, 0
        for part in parts:
            battery.fail_within(part.leak_within_ms)
            leak = left / part.leak_within_ms if part.leak_within_ms else Fraction(0)
            battery.powered, battery.listening = part.powered, part.listening
            now, strokes = now + part.for_ms, strokes + part.strokes
            battery.settle(now, strokes)
            drain = Fraction(1, IDLE_MS) + leak + (Fraction(1, TELEMETRY_MS) if part.listening else 0)
            left -= (drain * part.for_ms if part.powered else 0) + Fraction(part.strokes, STROKES)
            left = max(Fraction(0), left)
            told, level = battery.left_permille(), battery.level()
            low, high = int(1000 * (left - A_HAIR)), int(1000 * (left + A_HAIR))
            require(low <= told <= high, f"after {parts} from {worn} on {told} thousandths are left, not {high}")
            allowed = {_level(left - A_HAIR), _level(left + A_HAIR)}
            require(level in allowed, f"with {float(left)} of its charge the battery is {level}")
            effort.reached[level] += 1

    effort.search(check, parts=st.lists(PARTS, min_size=1, max_size=5), worn=st.sampled_from([1000, 500, 91, 21, 1]))
    for permille, level in (
        (1000, "fresh"),
        (ERI + 1, "fresh"),
        (ERI, "eri"),
        (EOS + 1, "eri"),
        (EOS, "eos"),
        (1, "eos"),
        (0, "empty"),
    ):
        cell = Battery(PROFILE)
        cell.wear(permille)
        require(cell.level() == level, f"with {permille} thousandths the battery is {cell.level()}, not {level}")
        cell.wear(1000)
        require(cell.left_permille() == permille, "wear charges a battery")


def _level(left: Fraction) -> str:
    if left * 1000 > ERI:
        return "fresh"
    if left * 1000 > EOS:
        return "eri"
    return "eos" if left > 0 else "empty"


def levels_are_not_missed(effort: Effort) -> None:
    """Ask when the battery must be looked at, and use it as fast as can be until an hour before."""

    def check(worn: int, leak_within_ms: int) -> None:
        battery = Battery(PROFILE)
        battery.wear(worn)
        battery.fail_within(leak_within_ms)
        before = battery.level()
        battery.plan_look()
        at = battery.look_at_ms
        if at is None:
            require(worn == 0, f"with {worn} thousandths nobody looks at the battery any more")
            return
        left = Fraction(worn, 1000)
        used = (FASTEST + (left / leak_within_ms if leak_within_ms else 0)) * max(0, at - HOUR_MS)
        effort.reached["looked at late"] += at > HOUR_MS
        require(at >= HOUR_MS, "the battery is looked at more often than every hour")
        require(
            _level(left - used + A_HAIR) == before, f"from {worn} thousandths on a level is missed before {at} ms"
        )

    nearly = Battery(PROFILE)
    nearly.used = nearly.whole - 1
    nearly.plan_look()
    require(nearly.look_at_ms == HOUR_MS, f"a battery that is nearly used up is looked at in {nearly.look_at_ms} ms")
    effort.search(check, worn=st.integers(0, 1000), leak_within_ms=st.sampled_from([0, 0, 3 * DAY_MS, 300 * DAY_MS]))


def strangers_cost_little(effort: Effort) -> None:
    """Wake the receiver every second for an hour, and see what that took."""
    effort.tried += 1
    battery = Battery(PROFILE)
    for second in range(3_600):
        battery.wake(second * 1_000)
    spent = Fraction(battery.used, battery.whole)
    minute = Fraction(MINUTE_MS, TELEMETRY_MS)
    require(0 < spent <= minute + Fraction(1, 10**12), f"an hour of strangers costs {float(spent / minute)} minutes")
    battery.listening, used = True, battery.used
    battery.wake(10 * HOUR_MS)
    require(battery.used == used, "a receiver that is on is woken")


def dates_come_nearer(effort: Effort) -> None:
    """Reckon dates of replacement, one after the other, with any charge and flow."""

    def check(left: int, rate: int, now: int, said: int) -> None:
        share = Fraction(1, IDLE_MS) + Fraction(rate, PROFILE.stroke.value * DAY_MS * STROKES)
        exact = max(Fraction(0), Fraction(left - ERI, 1000) / share)
        found = eri_in_ms(left, ERI, rate, Consumption(IDLE_MS, STROKES, PROFILE.stroke.value))
        require(found == int(exact), f"with {left} thousandths at {rate} nL/day: {found} ms, not {int(exact)}")
        life = PROFILE.design_life.value
        date = replace_by(said, now, life, found)
        known = [life, now + found] + ([said] if said >= 0 else [])
        require(date == min(known), f"the pump must be replaced at {date}; {known} were to be kept")
        effort.reached["by what was said"] += date == said
        effort.reached["by the charge"] += date == now + found

    effort.search(
        check,
        left=st.sampled_from([0, ERI - 1, ERI, ERI + 1, 500, 1000]),
        rate=st.sampled_from([0, 6_000, 100_000, 24_000_000]),
        now=st.integers(0, 2_000 * DAY_MS),
        said=st.just(-1) | st.integers(0, 2_557 * DAY_MS),
    )


SUITE = Suite(
    "power",
    "the battery and the date of replacement",
    (
        Property(
            "power.charge",
            "The charge is never shown too high, and its levels come in their order.",
            charge_is_reckoned,
            150,
            ("fresh", "eri", "eos", "empty"),
            verifies=("PWR-05",),
        ),
        Property(
            "power.looks", "No level is missed by more than an hour.", levels_are_not_missed, 100, ("looked at late",)
        ),
        Property(
            "power.strangers",
            "Whoever has no key costs the battery little.",
            strangers_cost_little,
            verifies=("FLT-15",),
        ),
        Property(
            "power.dates",
            "The date of replacement only comes nearer.",
            dates_come_nearer,
            120,
            ("by what was said", "by the charge"),
            verifies=("PRG-21",),
        ),
    ),
)
