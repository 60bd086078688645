"""The faults: one table of everything the bench can make go wrong, and what each does to the hardware.

``FAULTS`` is data: the bench injects from it, the command line lists it and the documentation prints it. Each row
names the failure of the catalogue that it causes, the settings it takes and the drives that can have it. What the
pump should do about a fault is none of this module's concern; what reaches the patient is.

A fault that is an event rather than a state (a bolus through the access port, a damaged bit) stays listed until it
is cleared, and clearing it undoes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from emulator.bench_settings import LASTS, RAMP, SEED, SEVERITY, WHEN, BenchError, Kind, Setting
from emulator.device import PumpDevice
from emulator.hardware.catheter import BESIDE, POCKET
from emulator.hardware.chance import draw
from emulator.hardware.clock import WRAPS_AT_MS
from emulator.hardware.line import SALINE
from emulator.hardware.severity import NONE, Severity
from protocol.units import DAY_MS, MINUTE_MS

Values = Mapping[str, Any]

PERISTALTIC, VALVE = "peristaltic", "valve"
DRIVES = (PERISTALTIC, VALVE)
DEVICE, SESSION, CLINICAL = "device", "session", "clinical"

FREE_FLOW_RATE = 60 * 24_000_000
"""60 mL/h: with both valves open a full reservoir is empty in about 20 min. This toolkit's own choice."""
RUNAWAY_RATE = 24_000_000
"""1 mL/h, the fastest that a pump of this kind is asked to turn."""
EXPOSURE_MS = 30 * MINUTE_MS
"""An ordinary examination."""
BEYOND_SPECIFICATION = 146
"""Thousandths; an infusion is out of specification beyond 14.5 %."""


HOLD_VALVES_OPEN = frozenset({"valve_open", "mri"})
"""Valves stay open as long as one of these is there."""


class Fault(NamedTuple):
    """One row: what can be injected."""

    id: str
    """The failure's name in the catalogue of hazards."""
    words: str
    claim: str
    """The class of claim: ``device``, ``session`` or ``clinical``."""
    cause: Callable[[PumpDevice, Values], None]
    clear: Callable[[PumpDevice, Values], None]
    own: tuple[Setting, ...] = ()
    drives: tuple[str, ...] = DRIVES

    @property
    def settings(self) -> tuple[Setting, ...]:
        """All settings: its own and those that every fault has, unless it has them in its own way."""
        own = {setting.name for setting in self.own}
        return (*self.own, *(setting for setting in WHEN if setting.name not in own))


# --- catheter ---


def _catheter(condition: str) -> Callable[[PumpDevice, Values], None]:
    def cause(device: PumpDevice, values: Values) -> None:
        device.body.change_catheter(**{condition: _severity(device, values)})

    return cause


def _sound(condition: str) -> Callable[[PumpDevice, Values], None]:
    def clear(device: PumpDevice, _: Values) -> None:
        device.body.change_catheter(**{condition: NONE})

    return clear


def _severity(device: PumpDevice, values: Values) -> Severity:
    return Severity(values["severity"], device.now_ms, values.get("ramp", 0))


def _leak(device: PumpDevice, values: Values) -> None:
    device.body.change_catheter(leaking=_severity(device, values), leaks_into=values["into"])


def _disconnect(device: PumpDevice, _: Values) -> None:
    device.body.change_catheter(disconnected=True)


def _connect(device: PumpDevice, _: Values) -> None:
    device.body.change_catheter(disconnected=False)


def _inject_at_port(device: PumpDevice, values: Values) -> None:
    if not device.profile.access_port:
        raise BenchError("this catheter has no access port")
    fluid = ((values["drug"], values["concentration"]),) if "drug" in values else SALINE
    device.body.inject_at_port(values["volume"], fluid)


# --- drive ---


def _stall(device: PumpDevice, _: Values) -> None:
    device.body.stalled = True


def _unstall(device: PumpDevice, _: Values) -> None:
    device.body.stalled = False


def _over(device: PumpDevice, values: Values) -> None:
    device.body.drive.over = _severity(device, values)


def _not_over(device: PumpDevice, _: Values) -> None:
    device.body.drive.over = NONE


def _under(device: PumpDevice, values: Values) -> None:
    device.body.drive.under = _severity(device, values)


def _not_under(device: PumpDevice, _: Values) -> None:
    device.body.drive.under = NONE


def _spread(device: PumpDevice, values: Values) -> None:
    drive = device.body.drive
    drive.spread = values.get("spread", device.profile.accuracy_permille)
    drive.seed = values.get("seed", 0)
    drive.drift_a_day = values["drift"]
    drive.drift_since_ms = device.now_ms


def _exact(device: PumpDevice, _: Values) -> None:
    drive = device.body.drive
    drive.spread = drive.drift_a_day = 0


def _run_away(device: PumpDevice, values: Values) -> None:
    device.body.run_away(values["rate"])


def _hold_still(device: PumpDevice, _: Values) -> None:
    device.body.run_away(0)


def _open_valves(device: PumpDevice, values: Values) -> None:
    device.body.open_valves(values["flow"])


def _close_valves(device: PumpDevice, _: Values) -> None:
    if HOLD_VALVES_OPEN.isdisjoint(device.body.troubles.present):
        device.body.open_valves(0)


def _enter_field(device: PumpDevice, values: Values) -> None:
    if device.profile.drive == VALVE:
        _open_valves(device, values)
    else:
        device.body.enter_field()


def _leave_field(device: PumpDevice, values: Values) -> None:
    if device.profile.drive == VALVE:
        _close_valves(device, values)
    else:
        by_chance = draw(values.get("seed", 0), 0, DAY_MS + 1)
        device.body.leave_field(values.get("recovery", by_chance))


# --- electronics and surroundings ---


def _kill(device: PumpDevice, _: Values) -> None:
    device.cut_power()


def _revive(device: PumpDevice, _: Values) -> None:
    device.restore_power()


def _nothing_moves(_: PumpDevice, __: Values) -> None:
    """It is there; the bench looks for it where it matters, and nothing in the pump changes."""


def _damage_memory(device: PumpDevice, values: Values) -> None:
    places, place, bit = dict(device.chip.places()), values["place"], values["bit"]
    wanted = [name for name in places if name.partition("@")[0] == place or name == place]
    if not wanted:
        raise BenchError(f"no memory place “{place}”; there are: {', '.join(places)}")
    name = device.chip.newest_place(place) if "@" not in place else place
    if bit >= places[name]:
        raise BenchError(f"memory place “{name}” has bits 0 to {places[name] - 1}")
    device.chip.flip(name, bit)


def _reset(device: PumpDevice, _: Values) -> None:
    device.cut_power()
    device.restore_power()


def _wear(device: PumpDevice, values: Values) -> None:
    device.body.look_at_battery()
    device.body.battery.wear(values["left"])


def _leak_charge(device: PumpDevice, values: Values) -> None:
    device.body.look_at_battery()
    device.body.battery.fail_within(values["within"])


def _stop_leak(device: PumpDevice, _: Values) -> None:
    device.body.look_at_battery()
    device.body.battery.fail_within(0)


def _disturb_clock(device: PumpDevice, values: Values) -> None:
    clock, now = device.body.clock, device.pump.now if device.pump else 0
    match values["how"]:
        case "stands":
            clock.stop(now)
        case "forwards":
            clock.jump(values["by"])
        case "backwards":
            clock.jump(-values["by"])
        case _:
            clock.jump(-WRAPS_AT_MS)


def _mend_clock(device: PumpDevice, _: Values) -> None:
    device.body.clock.go_on(device.pump.now if device.pump else 0)


def _mute(device: PumpDevice, _: Values) -> None:
    device.body.sounder_works = False


def _unmute(device: PumpDevice, _: Values) -> None:
    device.body.sounder_works = True


def _interfere(device: PumpDevice, _: Values) -> None:
    device.body.interference = True


def _end_interference(device: PumpDevice, _: Values) -> None:
    device.body.interference = False


_GRADED = (SEVERITY, RAMP)
_EXCESS = (
    SEVERITY._replace(default=250, lowest=BEYOND_SPECIFICATION, highest=2000, words="how much too much"),
    RAMP,
)
_DEFICIT = (
    SEVERITY._replace(default=250, lowest=BEYOND_SPECIFICATION, words="how much too little"),
    RAMP,
)
_FLOW = Setting("flow", Kind.RATE, FREE_FLOW_RATE, "how fast the reservoir empties through open valves", 1)

FAULTS: dict[str, Fault] = {
    "cath_kink": Fault(
        "CATH-KINK",
        "the catheter is kinked: a share of the flow stays in the reservoir",
        CLINICAL,
        _catheter("kinked"),
        _sound("kinked"),
        _GRADED,
    ),
    "cath_occlusion": Fault(
        "CATH-OCCLUSION",
        "the catheter is obstructed: pressure builds up and is let go as a bolus when it clears",
        CLINICAL,
        _catheter("obstructed"),
        _sound("obstructed"),
        _GRADED,
    ),
    "cath_dislodged": Fault(
        "CATH-DISLODGED",
        "the tip is out of the intrathecal space: the drug goes into the tissue",
        CLINICAL,
        _catheter("dislodged"),
        _sound("dislodged"),
        _GRADED,
    ),
    "cath_disconnected": Fault(
        "CATH-DISCONNECTED",
        "the catheter is off the pump: all goes into the pocket, and what is in the catheter stays there",
        CLINICAL,
        _disconnect,
        _connect,
    ),
    "cath_leak": Fault(
        "CATH-LEAK",
        "the connection leaks: a share goes into the pocket or the tissue",
        CLINICAL,
        _leak,
        _sound("leaking"),
        (
            SEVERITY._replace(default=500),
            RAMP,
            Setting("into", Kind.WORD, POCKET, "where it goes", choices=BESIDE),
        ),
    ),
    "motor_stall": Fault(
        "MOTOR-STALL",
        "the motor stalls and nothing moves",
        DEVICE,
        _stall,
        _unstall,
        drives=(PERISTALTIC,),
    ),
    "valve_open": Fault(
        "VALVE-OPEN",
        "both valves stand open: the reservoir empties, unless a flow-activated valve shuts",
        DEVICE,
        _open_valves,
        _close_valves,
        (_FLOW,),
        drives=(VALVE,),
    ),
    "over_infusion": Fault(
        "OVER-INFUSION",
        "every stroke moves more than it should, beyond the specification",
        SESSION,
        _over,
        _not_over,
        _EXCESS,
    ),
    "under_infusion": Fault(
        "UNDER-INFUSION",
        "every stroke moves less than it should, beyond the specification, and the motor turns",
        SESSION,
        _under,
        _not_under,
        _DEFICIT,
    ),
    "inaccuracy": Fault(
        "ACCURACY",
        "strokes vary by chance within the specification, and may drift; no failure, but how pumps are",
        CLINICAL,
        _spread,
        _exact,
        (
            Setting(
                "spread",
                Kind.SHARE,
                None,
                "largest deviation of a stroke; the profile's accuracy if left out",
                0,
                999,
            ),
            Setting("drift", Kind.NUMBER, 0, "thousandths more (or, negative, less) with each day", -1000, 1000),
            SEED,
        ),
    ),
    "drive_runaway": Fault(
        "DRIVE-RUNAWAY",
        "the drive moves strokes that nobody asked for",
        DEVICE,
        _run_away,
        _hold_still,
        (Setting("rate", Kind.RATE, RUNAWAY_RATE, "how fast", 1),),
    ),
    "mri": Fault(
        "MRI",
        "a strong magnetic field: a rotor stands still, up to 24 h longer than the field; valves stand open",
        DEVICE,
        _enter_field,
        _leave_field,
        (
            Setting(
                "recovery",
                Kind.TIME,
                None,
                "from the end of the field to the rotor's return; by chance if left out",
                0,
                DAY_MS,
            ),
            SEED,
            _FLOW,
            LASTS._replace(default=EXPOSURE_MS, words="how long the examination takes"),
        ),
    ),
    "memory": Fault(
        "MEMORY-CORRUPT",
        "one bit of memory turns over",
        DEVICE,
        _damage_memory,
        _nothing_moves,
        (
            Setting("place", Kind.WORD, "therapy", "which section of memory"),
            Setting("bit", Kind.NUMBER, 0, "which bit of it"),
        ),
    ),
    "battery_eri": Fault(
        "BATTERY-ERI",
        "the battery is worn until its elective replacement indicator",
        DEVICE,
        _wear,
        _nothing_moves,
        (Setting("left", Kind.SHARE, 90, "charge left", 1, 90),),
    ),
    "battery_eos": Fault(
        "BATTERY-EOS",
        "the battery is worn until its end of service",
        DEVICE,
        _wear,
        _nothing_moves,
        (Setting("left", Kind.SHARE, 20, "charge left", 1, 20),),
    ),
    "battery_premature": Fault(
        "BATTERY-PREMATURE",
        "a defect of the battery's film: what is left leaks away in days",
        DEVICE,
        _leak_charge,
        _stop_leak,
        (Setting("within", Kind.TIME, 30 * DAY_MS, "in which the charge that is left leaks away", 3 * DAY_MS),),
    ),
    "low_battery_reset": Fault(
        "LOW-BATTERY-RESET",
        "the battery's voltage breaks down for a moment: the pump is reset",
        DEVICE,
        _reset,
        _nothing_moves,
    ),
    "clock": Fault(
        "CLOCK-FAULT",
        "the clock stands still, jumps, or wraps around",
        DEVICE,
        _disturb_clock,
        _mend_clock,
        (
            Setting("how", Kind.WORD, "stands", "what it does", choices=("stands", "forwards", "backwards", "wraps")),
            Setting("by", Kind.TIME, DAY_MS, "how far it jumps", 2_000),
        ),
    ),
    "annunciator": Fault(
        "ANNUNCIATOR-FAULT",
        "the sounder does not sound",
        DEVICE,
        _mute,
        _unmute,
    ),
    "telemetry_latch": Fault(
        "TELEMETRY-LATCH",
        "interference: an alarm that sounds meanwhile leaves the receiver on",
        DEVICE,
        _interfere,
        _end_interference,
    ),
    "total_failure": Fault(
        "TOTAL-FAILURE",
        "the processor is dead: no delivery, no sound, no telemetry",
        SESSION,
        _kill,
        _revive,
    ),
    "pump_flipped": Fault(
        "PUMP-FLIPPED",
        "the pump lies upside down: telemetry is weak or gone, and the refill port is out of reach",
        SESSION,
        _nothing_moves,
        _nothing_moves,
        (SEVERITY._replace(words="share of telemetry that is lost"), SEED),
    ),
    "pump_erosion": Fault(
        "PUMP-EROSION",
        "the pump erodes through the skin: a sign for whoever examines, nothing else",
        CLINICAL,
        _nothing_moves,
        _nothing_moves,
    ),
    "access_port_bolus": Fault(
        "ACCESS-PORT-BOLUS",
        "an injection into the access port without aspirating: what stands in the catheter is a bolus",
        CLINICAL,
        _inject_at_port,
        _nothing_moves,
        (
            Setting("volume", Kind.VOLUME, 2_000_000, "what is injected", 1),
            Setting("drug", Kind.NUMBER, None, "code of the drug in the syringe; saline if left out", 1),
            Setting("concentration", Kind.CONCENTRATION, 0, "of that drug"),
        ),
    ),
    "refill_pocket": Fault(
        "REFILL-POCKET",
        "refills go beside the pump, into the pocket",
        SESSION,
        _nothing_moves,
        _nothing_moves,
        (SEVERITY._replace(words="share of the refill that goes beside"),),
    ),
    "refill_wrong_drug": Fault(
        "REFILL-WRONG-DRUG",
        "refills hold another drug or concentration than the label says",
        CLINICAL,
        _nothing_moves,
        _nothing_moves,
        (
            SEVERITY._replace(default=2000, highest=100_000, words="true concentration, of the one on the label"),
            Setting("drug", Kind.NUMBER, None, "code of the drug that it truly is; the right one if left out", 1),
        ),
    ),
    "refill_wrong_volume": Fault(
        "REFILL-WRONG-VOLUME",
        "refills hold another volume than the one entered",
        SESSION,
        _nothing_moves,
        _nothing_moves,
        (SEVERITY._replace(default=500, highest=2000, words="true volume, of the one entered"),),
    ),
    "refill_overfill": Fault(
        "REFILL-OVERFILL",
        "refills may exceed the capacity, up to where the over-pressure valve closes",
        SESSION,
        _nothing_moves,
        _nothing_moves,
    ),
}
"""By name, which is how the bench, the journal and the command line call a fault."""


def fault_named(name: str) -> str:
    """Return the name of a fault from its name or its id in the catalogue; raises ``BenchError`` if it is none."""
    plain = name.lower().replace("-", "_")
    if plain in FAULTS:
        return plain
    by_id = {fault.id: known for known, fault in FAULTS.items()}
    if name.upper() in by_id:
        return by_id[name.upper()]
    raise BenchError(f"no fault “{name}”; there are: {', '.join(sorted(FAULTS))}")
