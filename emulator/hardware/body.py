"""What really happens: the rotor turns or not, fluid moves or not, and drug reaches the patient or not.

The firmware sees of this only what its sensors tell: at which of its positions the rotor stands, whether the valves
stand open and whether the flow-activated valve has shut. Everything else here is the truth, which the journal
records and the bench may read. Books are kept by destination: what left the reservoir is in the line, in the CSF,
in the pocket or in the tissue.

Some things move without being asked, at instants that ``due_ms`` tells: a drive that runs away, and a reservoir that
empties through open valves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from emulator.hardware.battery import EMPTY, FRESH, Battery
from emulator.hardware.catheter import CLEAR, Held, Passage, Path, Plugs, Shape, deliver, flush, relieve
from emulator.hardware.clock import Clock
from emulator.hardware.conditions import SOUND, Conditions
from emulator.hardware.drive import Drive
from emulator.hardware.line import SALINE, Fluid, Line, alike, filled, joined, masses, push
from emulator.hardware.profile import Profile
from emulator.hardware.troubles import Troubles
from protocol.units import DAY_MS

ROTOR_POSITIONS = 4
"""The rotor's sensor tells so many positions apart, one stroke from each to the next, also after a power loss."""

STROKE, RUNAWAY, FREE_FLOW, RELEASED, ACCESS_PORT = "stroke", "runaway", "free_flow", "released", "access_port"
FREE_FLOW_STEP_NL = 10_000
"""Free flow is told in steps of this volume: as fine as the flow-activated valve's own bound, and not one finer."""


class Moved(NamedTuple):
    """One movement of fluid, as it truly happened; masses in pg by drug code."""

    why: str
    """``stroke``, or ``runaway`` for one that nobody asked for, or what moved fluid without the drive."""
    stroke_nl: int
    """What the stroke was worth nominally; less than a whole one only for the reservoir's last drop."""
    moved_nl: int
    """What truly left the reservoir, or the syringe at the access port."""
    outlet: Mapping[int, int]
    tip: Mapping[int, int]
    """What reached the CSF."""
    pocket: Mapping[int, int]
    tissue: Mapping[int, int]
    held_back_nl: int
    """Volume by which an obstruction distended the line, or less than 0 if it let go."""


NO_MASS: Mapping[int, int] = {}
OnMove = Callable[[Moved], None]
OnRun = Callable[[Moved, Iterable[int]], None]
Tell = Callable[..., None]


def _at_the_beginning() -> int:
    return 0


def _nothing(*_: Any, **__: Any) -> None:
    """Nobody wants to know."""


class Body:
    """Drive, reservoir, line and catheter as they physically are."""

    def __init__(
        self,
        profile: Profile,
        on_move: OnMove,
        clock: Callable[[], int] = _at_the_beginning,
        tell: Tell = _nothing,
    ) -> None:
        """Make the hardware of a profile. ``clock`` returns the present bench time in ms."""
        self.reservoir_nl = 0
        self.fluid: Fluid = SALINE
        self.held = Held(filled(profile.line_nl, SALINE))
        self.conditions = SOUND
        self.drive = Drive(profile.stroke.value)
        self.stalled = False
        self.in_field = False
        """Whether a magnetic field holds the rotor, or it has not recovered from one yet."""
        self.recovers_at: int | None = None
        self.valves_open = False
        self.valve_shut = False
        """Whether the flow-activated valve has shut; only a hand from outside opens it again."""
        self.rotor = 0
        """At which of its positions the rotor stands."""
        self.strokes = 0
        self.tip_pg: dict[int, int] = {}
        """What has reached the CSF, in picograms by drug code."""
        self.pocket_pg: dict[int, int] = {}
        self.tissue_pg: dict[int, int] = {}
        self.troubles = Troubles()
        """Which faults the bench has injected and planned; kept here so that they are in an image."""
        self.powered = True
        """Whether there is power for the drive's own electronics: without it, nothing runs away."""
        self.on_sensor: Callable[[], object] = _nothing
        """Called whenever a sensor may have changed: the rotor's at every stroke, whoever asked for it."""
        self.on_run: OnRun | None = None
        """Called with a stroke and the instants, by the controller's clock, at which many like it moved."""
        self.battery = Battery(profile)
        self.level_said = FRESH
        """The battery's level when its comparators last spoke."""
        self.on_empty: Callable[[], object] = _nothing
        """Called when the battery is used up."""
        self.clock = Clock()
        self.sounder_works = True
        self.interference = False
        """Whether a disturbance is there that a sounding alarm turns into a receiver that is held on."""
        self.telemetry_held = False
        self._runaway_ms = 0
        self._runaway_at: int | None = None
        self._flow_ms = 0
        self._flow_at: int | None = None
        self._escaped_nl = 0
        self._escape_most_nl = profile.flow_valve_escape.value if profile.flow_valve else None
        self._stroke_nl = profile.stroke.value
        self._shape = Shape(profile.catheter.value, profile.compliance.value)
        self._on_move = on_move
        self._clock = clock
        self._tell = tell

    @property
    def line(self) -> Line:
        """What stands in tubing and catheter, tip first."""
        return self.held.line

    # --- asked by the controller ---

    def stroke(self) -> bool:
        """Turn the rotor by one stroke. Return what the rotor sensor says: whether it turned."""
        if self.stalled or self.in_field:
            return False
        self._turn(STROKE)
        return True

    def _turn(self, why: str) -> None:
        self.rotor = (self.rotor + 1) % ROTOR_POSITIONS
        stroke_nl = min(self._stroke_nl, self.reservoir_nl)
        if stroke_nl:
            true_nl = self._true_stroke_nl()
            self.strokes += 1
            self._push(why, min(true_nl, self.reservoir_nl), stroke_nl)
        elif why == RUNAWAY:
            self._tell("drive.turned_dry")
        self.on_sensor()

    def alike(self, most: int) -> int:
        """Return how many strokes from now on, at most ``most``, would each move just what it should, all the same.

        0 if a fault makes each one different.
        """
        sound = self.conditions == SOUND and not self.held.pressure_nl
        moves = not (self.stalled or self.in_field or self.valves_open or self.valve_shut) and self.drive.exact
        if not (sound and moves):
            return 0
        return alike(self.line, self._stroke_nl, self.fluid, min(most, self.reservoir_nl // self._stroke_nl))

    def run(self, strokes: int, instants: Iterable[int]) -> None:
        """Turn the rotor by so many strokes, which ``alike`` has promised, at these instants of the controller."""
        if not strokes or self.on_run is None:
            return
        out = masses(((self._stroke_nl, self.line[0][1]),))
        line, _ = push(self.line, strokes * self._stroke_nl, self.fluid)
        self.held = self.held if line is self.line else self.held._replace(line=line)
        self.rotor = (self.rotor + strokes) % ROTOR_POSITIONS
        self.strokes += strokes
        self.reservoir_nl -= strokes * self._stroke_nl
        _add(self.tip_pg, {code: strokes * mass_pg for code, mass_pg in out.items()})
        outlet = masses(((self._stroke_nl, self.fluid),))
        self.on_run(Moved(STROKE, self._stroke_nl, self._stroke_nl, outlet, out, NO_MASS, NO_MASS, 0), instants)

    def _true_stroke_nl(self) -> int:
        if self.valve_shut:
            return 0
        return self._stroke_nl if self.drive.exact else self.drive.stroke_nl(self.strokes, self._clock())

    def _path(self) -> Path:
        return CLEAR if self.conditions == SOUND else self.conditions.path(self._clock())

    # --- by itself ---

    @property
    def due_ms(self) -> int | None:
        """When something moves or recovers by itself, in bench ms."""
        due = (self._runaway_at, self._flow_at, self.recovers_at, self.battery.look_at_ms)
        return min((at for at in due if at is not None), default=None)

    def act(self) -> None:
        """Let everything happen that is due by itself now."""
        now = self._clock()
        if self.recovers_at is not None and self.recovers_at <= now:
            self.recovers_at, self.in_field = None, False
            self._tell("drive.recovered")
        if self._runaway_at is not None and self._runaway_at <= now:
            self._runaway_at += self._runaway_ms
            if self.powered and not (self.stalled or self.in_field):
                self._turn(RUNAWAY)
        if self._flow_at is not None and self._flow_at <= now:
            self._flow_at += self._flow_ms
            self._flow_freely()
        if self.battery.look_at_ms is not None and self.battery.look_at_ms <= now:
            self.look_at_battery()

    # --- battery, sounder and receiver ---

    def look_at_battery(self) -> None:
        """Let the battery's comparators speak if a level was reached; without charge everything ends."""
        self.battery.settle(self._clock(), self.strokes)
        level = self.battery.level()
        self.battery.plan_look()
        if self._said(level):
            self.on_sensor()
            if level == EMPTY:
                self.on_empty()

    def _said(self, level: str) -> bool:
        """Let the comparators speak if this is a new level; return whether it is."""
        is_new = level != self.level_said
        if is_new:
            self.level_said = level
            self._tell("battery.level", level=level, left_permille=self.battery.left_permille())
        return is_new

    def battery_permille(self) -> int:
        """Return what the battery's gauge says, in thousandths of a full one."""
        self.battery.settle(self._clock(), self.strokes)
        return self.battery.left_permille()

    def battery_level(self) -> str:
        """Return which of its levels the battery has reached; the comparators speak when they are asked, too."""
        self.battery.settle(self._clock(), self.strokes)
        level = self.battery.level()
        if level == EMPTY:
            self.battery.look_at_ms = self._clock()  # not in the middle of the question
        else:
            self._said(level)
        return level

    def supply(self, powered: bool) -> None:
        """Connect the battery to the pump, or take it off."""
        self.battery.settle(self._clock(), self.strokes)
        self.powered = self.battery.powered = powered
        self.battery.listening = False
        self.telemetry_held = self.telemetry_held and powered
        self.battery.plan_look()

    def listen(self, in_session: bool) -> None:
        """Switch the receiver on for a session, or off after it."""
        self.battery.settle(self._clock(), self.strokes)
        self.battery.listening = in_session

    def sound(self) -> bool:
        """Sound; return whether it was heard. Interference then holds the receiver on: both share a coil."""
        if self.interference and not self.telemetry_held:
            self.listen(True)
            self.telemetry_held = True
            self._tell("telemetry.held")
        return self.sounder_works

    def release_telemetry(self) -> None:
        """Switch a receiver off that is held on."""
        if self.telemetry_held:
            self.listen(False)
            self.telemetry_held = False
            self._tell("telemetry.released")

    def run_away(self, rate: int) -> None:
        """Let the drive turn by itself at a rate in nL/day from now on; 0 ends it."""
        self._runaway_ms = max(1, self._stroke_nl * DAY_MS // rate) if rate else 0
        self._runaway_at = self._clock() + self._runaway_ms if rate else None

    def open_valves(self, rate: int) -> None:
        """Let a field hold both valves open: the reservoir empties at a rate in nL/day; 0 lets them close."""
        self.valves_open = rate > 0
        if not rate and not self.valve_shut:
            self._escaped_nl = 0
        self._flow_ms = max(1, FREE_FLOW_STEP_NL * DAY_MS // rate) if rate else 0
        self._flow_at = self._clock() + self._flow_ms if rate and not self.valve_shut else None

    def reset_valve(self) -> None:
        """Open the flow-activated valve again by hand."""
        self.valve_shut, self._escaped_nl = False, 0
        self._flow_at = self._clock() + self._flow_ms if self.valves_open else None

    def _flow_freely(self) -> None:
        rest_nl = FREE_FLOW_STEP_NL if self._escape_most_nl is None else self._escape_most_nl - self._escaped_nl
        before_nl = self.reservoir_nl
        self._push(FREE_FLOW, min(FREE_FLOW_STEP_NL, rest_nl, self.reservoir_nl))
        self._escaped_nl += before_nl - self.reservoir_nl
        self.valve_shut = self._escape_most_nl is not None and self._escaped_nl >= self._escape_most_nl
        if self.valve_shut or not self.reservoir_nl:
            self._flow_at = None
        if self.valve_shut:
            self._tell("valve.shut", escaped_nl=self._escaped_nl)
        self.on_sensor()

    def enter_field(self) -> None:
        """Let a magnetic field hold the rotor from now on."""
        self.in_field, self.recovers_at = True, None

    def leave_field(self, recovery_ms: int) -> None:
        """Take the field away; the rotor turns again after so long."""
        if self.in_field:
            self.recovers_at = self._clock() + recovery_ms

    # --- by hand ---

    def refill(self, contents_nl: int, fluid: Fluid) -> None:
        """Empty the reservoir and fill it with a volume of fluid."""
        self.reservoir_nl = contents_nl
        self.fluid = fluid

    def spill(self, volume_nl: int, fluid: Fluid) -> None:
        """Inject a volume beside the pump, into the pocket."""
        _add(self.pocket_pg, masses(((volume_nl, fluid),)))

    def fill_line(self, fluid: Fluid) -> None:
        """Fill the line from end to end, as a surgeon does before the pump is closed in."""
        self.held = self.held._replace(line=filled(sum(volume_nl for volume_nl, _ in self.line), fluid))

    def empty_catheter(self) -> tuple[int, Mapping[int, int]]:
        """Draw what stands in the catheter out through the access port, and leave saline behind.

        Return by how much the catheter was distended, which it no longer is, and the mass that was drawn out.
        """
        distended_nl = self.held.pressure_nl
        rest_nl = self._shape.catheter_nl + distended_nl
        drawn: list[tuple[int, Fluid]] = []
        kept: list[tuple[int, Fluid]] = []
        for plug_nl, fluid in self.line:
            drawn.append((min(plug_nl, rest_nl), fluid))
            kept.append((plug_nl - drawn[-1][0], fluid))
            rest_nl -= drawn[-1][0]
        self.held = self.held._replace(line=joined(((self._shape.catheter_nl, SALINE), *kept)), pressure_nl=0)
        return distended_nl, masses(drawn)

    def inject_at_port(self, volume_nl: int, fluid: Fluid) -> None:
        """Inject into the access port: what stands in the catheter goes out at the tip at once."""
        self._note(ACCESS_PORT, flush(self.held, self._path(), volume_nl, fluid, self._shape), 0, fluid)

    def change_catheter(self, **changes: Any) -> None:
        """Put the catheter into another state; pressure that nothing holds any more lets go at once."""
        self.conditions = self.conditions._replace(**changes)
        passage = relieve(self.held, self._path(), self._shape)
        if passage.held is not self.held:
            self._note(RELEASED, passage, 0, SALINE)

    # --- the books ---

    def _push(self, why: str, wanted_nl: int, stroke_nl: int = 0) -> None:
        """Move fluid out of the reservoir into the line."""
        passage = deliver(self.held, self._path(), wanted_nl, self.fluid, self._shape)
        self.reservoir_nl -= passage.moved_nl
        self._note(why, passage, stroke_nl, self.fluid)

    def _note(self, why: str, passage: Passage, stroke_nl: int, fluid: Fluid) -> None:
        held_back = passage.held.pressure_nl - self.held.pressure_nl
        self.held = passage.held
        outlet = masses(((passage.moved_nl, fluid),)) if passage.moved_nl else {}
        tip = masses(passage.csf)
        _add(self.tip_pg, tip)
        pocket = _booked(self.pocket_pg, passage.pocket)
        tissue = _booked(self.tissue_pg, passage.tissue)
        if stroke_nl or passage.moved_nl or held_back:
            self._on_move(Moved(why, stroke_nl, passage.moved_nl, outlet, tip, pocket, tissue, held_back))

    # --- images ---

    def to_json(self) -> dict[str, Any]:
        """Return the physical state, for an image file."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        books = {name: {str(code): mass for code, mass in getattr(self, name).items()} for name in _BOOKS}
        return {
            **plain,
            **books,
            "fluid": self.fluid,
            "held": self.held._asdict(),
            "conditions": self.conditions._asdict(),
            "drive": self.drive.to_json(),
            "battery": self.battery.to_json(),
            "clock": self.clock.to_json(),
            "troubles": self.troubles.to_json(),
        }

    def restore(self, plain: Mapping[str, Any]) -> None:
        """Take over a physical state from an image; raises ``ValueError`` if it is not one."""
        try:
            for name, kind in _PLAIN.items():
                setattr(self, name, kind(plain[name]))
            for name in _BOOKS:
                setattr(self, name, {int(code): int(mass) for code, mass in plain[name].items()})
            self.rotor %= ROTOR_POSITIONS
            self.fluid = _fluid(plain["fluid"])
            held = plain["held"]
            line = tuple((int(volume), _fluid(fluid)) for volume, fluid in held["line"])
            self.held = Held(line, *(int(held[name]) for name in Held._fields[1:]))
            self.conditions = Conditions.from_json(plain["conditions"])
            self.drive.restore(plain["drive"])
            self.clock = Clock.from_json(plain["clock"])
            self.battery.restore(plain["battery"])
            self.troubles = Troubles.from_json(plain["troubles"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a physical state: {error!r}") from None


def _instant(value: Any) -> int | None:
    return None if value is None else int(value)


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "reservoir_nl": int,
    "stalled": bool,
    "in_field": bool,
    "recovers_at": _instant,
    "valves_open": bool,
    "valve_shut": bool,
    "rotor": int,
    "strokes": int,
    "_runaway_ms": int,
    "_runaway_at": _instant,
    "_flow_ms": int,
    "_flow_at": _instant,
    "_escaped_nl": int,
    "powered": bool,
    "level_said": str,
    "sounder_works": bool,
    "interference": bool,
    "telemetry_held": bool,
}
_BOOKS = ("tip_pg", "pocket_pg", "tissue_pg")


def _fluid(plain: Any) -> Fluid:
    return tuple((int(code), int(concentration)) for code, concentration in plain)


def _booked(book: dict[int, int], plugs: Plugs) -> Mapping[int, int]:
    """Enter what arrived into a book and return its masses; most often that is nothing."""
    if not plugs:
        return NO_MASS
    arrived = masses(plugs)
    _add(book, arrived)
    return arrived


def _add(book: dict[int, int], mass: Mapping[int, int]) -> None:
    for code, mass_pg in mass.items():
        book[code] = book.get(code, 0) + mass_pg
