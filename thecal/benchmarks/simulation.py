"""The emulator by itself: making a pump, and letting simulated time pass.

A pump leaps over strokes in which nothing else can happen (``emulator.firmware.leap``): time costs what happens in
it, and hardly its strokes. The figures by strokes a day stand beside those of a pump that takes every stroke by
itself, in the same run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from emulator.device import Filling, PumpDevice
from emulator.hardware.profile import load_profile
from emulator.journal import Journal
from emulator.library import Library
from protocol.carrier import DirectCarrier
from protocol.units import DAY_MS, HOUR_MS, Nanolitres, NanolitresPerDay, PicogramsPerNanolitre
from protocol.vocabulary import Role
from thecal.benchmarks.life import CONCENTRATION, DRUG, KEY, SERIAL, Life
from thecal.benchmarks.measure import Figure, Work, median_speeds
from thecal.calling import Call
from thecal.visit import calling, ensure_done

DAILY_DOSES = ("2 mg/day", "8 mg/day")
"""An ordinary one, and one with four times as many strokes: how the time grows with them."""
BOLUS, DURATION = "0.2 mg", "10 min"
BOLUSES_A_DAY = 2
DAYS = 30
SEED = 1
STROKES_A_DAY = (100, 240, 1_000, 4_000)
"""From the smallest therapeutic rate to a fast one of 2 mL a day."""
WEAK = PicogramsPerNanolitre(500)
"""So weak that the fastest of them is within every limit."""
RESERVOIR = Nanolitres(4_000_000_000)
"""A reservoir that no refill interrupts."""
YEARS, DAYS_A_YEAR = 6, 365
"""A life: the battery of a pump lasts about so long."""
PRESSES_A_DAY = 3


def simulation(seconds: float) -> list[Figure]:
    """Measure making a pump, months, years and lives, each for that long."""
    library = Library.shipped()
    return [*_months(library, seconds), *_lives(library, seconds), *_growth(library, seconds)]


# --- a month, with a clinician who calls for every bolus ---


def _months(library: Library, seconds: float) -> list[Figure]:
    works = {"making": _making(library), **{dose: _month(library, dose) for dose in DAILY_DOSES}}
    speeds = median_speeds(works, seconds)
    making = Figure(
        "make a pump", 1e3 / speeds["making"], "ms", "parts, memory and journal; without its library file"
    )
    months = [figure for dose in DAILY_DOSES for figure in _figures(dose, speeds[dose], _stroke_count(library, dose))]
    return [making, *months]


def _figures(dose: str, days_a_second: float, strokes: int) -> list[Figure]:
    note = f"with {BOLUSES_A_DAY} boluses a day, {strokes} strokes, each through the guard"
    return [
        Figure(f"{DAYS} days at {dose}", DAYS / days_a_second, "s", note),
        Figure(
            f"simulated time at {dose}", days_a_second, "days/s", f"{days_a_second * strokes / DAYS:.0f} strokes/s"
        ),
    ]


def _call(library: Library) -> Call:
    return Call("", 0, KEY, Role.CLINICIAN, SERIAL, library, as_json=False)


def _pump(
    library: Library, capacity: Nanolitres | None = None, strength: PicogramsPerNanolitre = CONCENTRATION
) -> PumpDevice:
    profile = load_profile("peristaltic")
    profile = replace(profile, capacity=capacity or profile.capacity)
    entry = library.by_name(DRUG)
    filling = Filling(profile.capacity.value, ((entry.code, strength.value),) if entry else ())
    entropy = Random(SEED).randbytes  # noqa: S311 - the same month every time
    return PumpDevice(profile=profile, library=library, key=KEY, serial=SERIAL, entropy=entropy, filling=filling)


def _making(library: Library) -> Work:
    def work() -> int:
        _pump(library)
        return 1

    return work


def _month(library: Library, dose: str) -> Work:
    def work() -> int:
        _live(_pump(library), library, dose)
        return DAYS

    return work


def _stroke_count(library: Library, dose: str) -> int:
    device = _pump(library)
    _live(device, library, dose)
    return device.body.strokes


def _live(device: PumpDevice, library: Library, dose: str) -> None:
    """Program the pump and let a month pass, with boluses at their hours."""
    call = _call(library)
    carrier = DirectCarrier(device.receive)
    with calling(carrier, call) as programmer:
        programmer.interrogate()
        programmer.edit(programmer.blank().fluid((DRUG, str(CONCENTRATION))).daily_dose(dose))
        ensure_done(programmer.update(programmer.review()))
        programmer.verify()
    for number in range(DAYS * BOLUSES_A_DAY):
        device.advance_to((number + 1) * DAY_MS // BOLUSES_A_DAY - HOUR_MS)
        with calling(carrier, call) as programmer:
            programmer.interrogate()
            ensure_done(programmer.bolus(BOLUS, DURATION))
    device.advance_to(DAYS * DAY_MS)


# --- a life, with a patient who presses and a clinician who refills ---


def _lives(library: Library, seconds: float) -> list[Figure]:
    lives: dict[str, Callable[[], Life]] = {
        "basal only": lambda: _life(library, 0),
        "one press a day": lambda: _life(library, 1),
        "flex": lambda: _life(library, 0, flex=True),
        "flex, one press a day": lambda: _life(library, 1, flex=True),
        f"flex, {PRESSES_A_DAY} presses a day": lambda: _life(library, PRESSES_A_DAY, flex=True),
        f"{PRESSES_A_DAY} presses a day": lambda: _life(library, PRESSES_A_DAY),
        f"{PRESSES_A_DAY} presses a day, recorded": lambda: _life(library, PRESSES_A_DAY, Journal(keep=False)),
    }
    speeds = median_speeds({name: _living(begin) for name, begin in lives.items()}, seconds)
    return [figure for name, speed in speeds.items() for figure in _life_figures(name, speed)]


def _life_figures(name: str, days_a_second: float) -> list[Figure]:
    note = "over the wire, with a refill and another dose every two or three months"
    days = YEARS * DAYS_A_YEAR
    return [
        Figure(f"life, {name}", days_a_second, "days/s", note),
        Figure(f"{YEARS} years of it", days / days_a_second, "s", f"{days} days"),
    ]


def _life(library: Library, presses_a_day: int, journal: Journal | None = None, *, flex: bool = False) -> Life:
    profile = load_profile("peristaltic")
    return Life(profile, library, presses_a_day=presses_a_day, flex=flex, journal=journal)


def _living(begin: Callable[[], Life]) -> Work:
    """Return the work of living a month of a life, and another life when that is over."""
    life = begin()

    def work() -> int:
        nonlocal life
        if life.bench.now_ms > YEARS * DAYS_A_YEAR * DAY_MS:
            life = begin()
        life.live(DAYS)
        return DAYS

    return work


# --- how time grows with the strokes in it ---


def _growth(library: Library, seconds: float) -> list[Figure]:
    leaps = {f"{strokes}": _basal(library, strokes, leaping=True) for strokes in STROKES_A_DAY}
    single = {f"{strokes} singly": _basal(library, strokes, leaping=False) for strokes in STROKES_A_DAY}
    speeds = median_speeds(leaps | single, seconds)
    return [_growth_figure(strokes, speeds[f"{strokes}"], speeds[f"{strokes} singly"]) for strokes in STROKES_A_DAY]


def _growth_figure(strokes: int, leaping: float, one_by_one: float) -> Figure:
    note = f"looked at once a day; {leaping / one_by_one:.0f} times {one_by_one:.0f} days/s stroke by stroke"
    return Figure(f"basal, {strokes} strokes a day", leaping, "days/s", note)


def _basal(library: Library, strokes_a_day: int, *, leaping: bool) -> Work:
    """Return the work of letting one day pass; a new pump takes over when the battery of one would be low."""
    device = _infusing(library, strokes_a_day, leaping=leaping)

    def work() -> int:
        nonlocal device
        if device.now_ms > YEARS * DAYS_A_YEAR * DAY_MS or device.body.reservoir_nl < RESERVOIR.value // 10:
            device = _infusing(library, strokes_a_day, leaping=leaping)
        device.advance_to(device.now_ms + DAY_MS)
        return 1

    return work


def _infusing(library: Library, strokes_a_day: int, *, leaping: bool) -> PumpDevice:
    device = _pump(library, RESERVOIR, WEAK)
    rate = NanolitresPerDay(strokes_a_day * device.profile.stroke.value)
    with calling(DirectCarrier(device.receive), _call(library)) as programmer:
        programmer.interrogate()
        programmer.edit(programmer.blank().fluid((DRUG, str(WEAK))).rate(str(rate)))
        ensure_done(programmer.update(programmer.review()))
        programmer.verify()
    if not leaping:
        device.body.on_run = None
    return device
