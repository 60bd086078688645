"""Where an experiment begins where it hurts: full rate, strongest fluid, full ledgers, tight limits, little left.

Each start is a function from a seed to a world.
"""

from __future__ import annotations

from collections.abc import Callable

from protocol.messages import ClinicianBolus, Message, PatientBolusGrant, Refused
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres
from verify.world import NO_BOLUS, SMALL, World

STROKE_NL = 500
STRONGEST = 25_000
"""The hard limit of morphine, in pg/nL."""


def unprogrammed(seed: int) -> World:
    """A new pump of real size that nobody has programmed."""
    return World(seed)


def full_rate(seed: int) -> World:
    """Real windows, strongest fluid, a day after the highest basal rate with room for the patient's boluses."""
    world = World(seed, concentration=STRONGEST)
    patient = grant(strokes=20, minutes=5, lockout=30, count=4)
    programmed_highest(world, lambda rate: world.program(world.prescription(rate, patient_bolus=patient)), 1_000_000)
    world.bench.advance(DAY_MS + HOUR_MS)
    return world


def small_windows(seed: int) -> World:
    """Small windows with some room left in each."""
    return small(seed, hour_strokes=12, day_strokes=120)


def tight_hour(seed: int) -> World:
    """Small windows in which the hour's limit is the tight one."""
    return small(seed, hour_strokes=6, day_strokes=1_000)


def tight_day(seed: int) -> World:
    """Small windows in which the day's limit is the tight one."""
    return small(seed, hour_strokes=40, day_strokes=60)


def pressed(seed: int) -> World:
    """Small windows in which the patient's own boluses fill the hour."""
    patient = grant(strokes=9, minutes=1, lockout=5, count=4)
    return small(seed, hour_strokes=13, day_strokes=150, patient=patient)


def nearly_empty(seed: int) -> World:
    """A pump that was filled with little, about to become low and empty."""
    world = World(seed, volume_nl=60 * STROKE_NL)
    patient = grant(strokes=4, minutes=1, lockout=5, count=3)
    world.program(world.prescription(96_000, patient_bolus=patient, low_reservoir_nl=40 * STROKE_NL))
    return world


def valve_metered(seed: int) -> World:
    """A pump with valves instead of a motor, infusing, with room for boluses."""
    world = World(seed, profile="valve")
    patient = grant(strokes=20, minutes=5, lockout=30, count=4)
    world.program(world.prescription(400_000, patient_bolus=patient))
    return world


_ALL: tuple[Callable[[int], World], ...] = (
    unprogrammed,
    full_rate,
    small_windows,
    tight_hour,
    tight_day,
    pressed,
    nearly_empty,
    valve_metered,
)
STARTS = {start.__name__: start for start in _ALL}
"""By the name that a script gives."""


def small(seed: int, *, hour_strokes: int, day_strokes: int, patient: PatientBolusGrant = NO_BOLUS) -> World:
    """A pump with small windows and so many strokes to a window, a while after the highest rate that is accepted."""
    world = World(seed, windows=SMALL, concentration=STRONGEST)
    mass_pg = STROKE_NL * STRONGEST

    def program(rate: int) -> Message | None:
        return world.program(
            world.prescription(
                rate, limit_1h=hour_strokes * mass_pg, limit_24h=day_strokes * mass_pg, patient_bolus=patient
            )
        )

    programmed_highest(world, program, world.profile.rate_max.value)
    world.bench.advance(SMALL.day_ms + SMALL.hour_ms)
    return world


def programmed_highest(world: World, program: Callable[[int], Message | None], most: int) -> None:
    """Program the highest rate that the pump accepts, found by halving."""
    lowest, highest = world.profile.rate_min.value, most
    while highest - lowest > lowest // 8:
        middle = (lowest + highest) // 2
        if isinstance(program(middle), Refused):
            highest = middle
        else:
            lowest = middle
    if isinstance(program(lowest), Refused):
        raise AssertionError("not even the smallest rate is accepted here")


def bolus(strokes: int, minutes: int) -> ClinicianBolus:
    """Return a clinician's bolus in strokes and minutes."""
    return ClinicianBolus(Nanolitres(strokes * STROKE_NL), Milliseconds(minutes * MINUTE_MS), "an experiment")


def grant(*, strokes: int, minutes: int, lockout: int, count: int) -> PatientBolusGrant:
    """Return what the patient may ask for, in strokes and minutes."""
    duration, between = Milliseconds(minutes * MINUTE_MS), Milliseconds(lockout * MINUTE_MS)
    return PatientBolusGrant(Nanolitres(strokes * STROKE_NL), duration, between, count)
