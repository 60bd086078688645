"""The emulator by itself: making a pump, and letting a month of therapy pass."""

from __future__ import annotations

from random import Random

from emulator.device import Filling, PumpDevice
from emulator.hardware.profile import load_profile
from emulator.library import Library
from protocol.carrier import DirectCarrier
from protocol.keys import KEY_OCTETS
from protocol.units import DAY_MS, HOUR_MS, PicogramsPerNanolitre
from protocol.vocabulary import Role
from thecal.benchmarks.measure import Figure, Work, median_speeds
from thecal.calling import Call
from thecal.visit import calling, ensure_done

KEY = bytes(KEY_OCTETS)
SERIAL = "BENCH"
DRUG, CONCENTRATION = "morphine", PicogramsPerNanolitre(20_000)
DAILY_DOSES = ("2 mg/day", "8 mg/day")
"""An ordinary one, and one with four times as many strokes: how the time grows with them."""
BOLUS, DURATION = "0.2 mg", "10 min"
BOLUSES_A_DAY = 2
DAYS = 30
SEED = 1


def simulation(seconds: float) -> list[Figure]:
    """Measure making a pump, and a month at each daily dose, for that long."""
    library = Library.shipped()
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


def _pump(library: Library) -> PumpDevice:
    profile = load_profile("peristaltic")
    entry = library.by_name(DRUG)
    filling = Filling(profile.capacity.value, ((entry.code, CONCENTRATION.value),) if entry else ())
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
    call = Call("", 0, KEY, Role.CLINICIAN, SERIAL, library, as_json=False)
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
