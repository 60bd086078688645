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
DRUG, CONCENTRATION, DAILY_DOSE = "morphine", PicogramsPerNanolitre(20_000), "8 mg/day"
BOLUS, DURATION = "0.2 mg", "10 min"
BOLUSES_A_DAY = 2
DAYS = 30
SEED = 1


def simulation(seconds: float) -> list[Figure]:
    """Measure both for that long."""
    library = Library.shipped()
    speeds = median_speeds({"making": _making(library), "month": _month(library)}, seconds)
    strokes = _stroke_count(library)
    return [
        Figure("make a pump", 1e3 / speeds["making"], "ms", "parts, memory and journal; without its library file"),
        Figure(
            "simulated time", speeds["month"], "days/s", f"{DAYS} days at {DAILY_DOSE}, {BOLUSES_A_DAY} boluses a day"
        ),
        Figure(
            "strokes",
            speeds["month"] * strokes / DAYS,
            "strokes/s",
            f"{strokes} in those days, each through the guard",
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


def _month(library: Library) -> Work:
    def work() -> int:
        _live(_pump(library), library)
        return DAYS

    return work


def _stroke_count(library: Library) -> int:
    device = _pump(library)
    _live(device, library)
    return device.body.strokes


def _live(device: PumpDevice, library: Library) -> None:
    """Program the pump and let a month pass, with boluses at their hours."""
    call = Call("", 0, KEY, Role.CLINICIAN, SERIAL, library, as_json=False)
    carrier = DirectCarrier(device.receive)
    with calling(carrier, call) as programmer:
        programmer.interrogate()
        programmer.edit(programmer.blank().fluid((DRUG, str(CONCENTRATION))).daily_dose(DAILY_DOSE))
        ensure_done(programmer.update(programmer.review()))
        programmer.verify()
    for number in range(DAYS * BOLUSES_A_DAY):
        device.advance_to((number + 1) * DAY_MS // BOLUSES_A_DAY - HOUR_MS)
        with calling(carrier, call) as programmer:
            programmer.interrogate()
            ensure_done(programmer.bolus(BOLUS, DURATION))
    device.advance_to(DAYS * DAY_MS)
