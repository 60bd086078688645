"""The bench: what stands around the pump and may do what no programmer may.

It lets time pass, injects faults now or at a later time, cuts the power, fills the reservoir behind the pump's back
and reads the truth. It is a separate endpoint, in the same process or behind a local control socket, and never
reachable over the clinical wire. ``command`` takes and returns plain JSON values, so that any channel can carry it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulator.bench_faults import FAULTS, fault_named
from emulator.bench_settings import BenchError, read_settings
from emulator.device import PumpDevice, fluid_data
from emulator.hardware.chance import draw
from emulator.hardware.line import SALINE, Fluid
from emulator.hardware.severity import PERMILLE
from emulator.hardware.troubles import Planned, Present
from emulator.library import Library
from protocol.units import DAY_MS, Milliseconds, Nanolitres, PicogramsPerNanolitre, QuantityError

__all__ = ["COMMANDS", "FAULTS", "Bench", "BenchError"]

BOOKS = ("tip_pg", "pocket_pg", "tissue_pg")


class Bench:
    """Control of one emulated pump and its surroundings."""

    def __init__(self, device: PumpDevice, library: Library) -> None:
        self.device = device
        self._library = library
        device.surroundings = self

    @property
    def now_ms(self) -> int:
        """Bench time in ms."""
        return self.device.now_ms

    @property
    def faults(self) -> set[str]:
        """Faults that are there now."""
        return set(self.device.body.troubles.present)

    # --- time and power ---

    def advance(self, for_ms: int) -> None:
        """Let a span of bench time pass."""
        self.device.advance_to(self.device.now_ms + for_ms)

    def jump(self) -> bool:
        """Advance to the next thing that happens by itself; return False if nothing will."""
        due = self.device.next_event_ms
        if due is None:
            return False
        self.device.advance_to(due)
        return True

    def cut_power(self) -> None:
        """Take the power away."""
        self.device.cut_power()

    def restore_power(self) -> None:
        """Give the power back; to a dead processor that makes no difference."""
        if "total_failure" not in self.faults:
            self.device.restore_power()

    def cut_power_at_write(self, step: int) -> None:
        """Let power fail in the middle of writing memory, after so many further steps of writing."""
        self.device.chip.steps_until_power_fails = step

    # --- what happens by itself ---

    @property
    def due_ms(self) -> int | None:
        """When a fault begins or ends, or something moves without the pump, in bench ms."""
        due = (self.device.body.due_ms, self.device.body.troubles.due_ms)
        return min((at for at in due if at is not None), default=None)

    def act(self) -> None:
        """Let everything happen that is due: what moves, then what ends, then what begins."""
        troubles = self.device.body.troubles
        self.device.body.act()
        for fault in troubles.ended(self.now_ms):
            self._end(fault)
        for planned in troubles.take_due(self.now_ms):
            try:
                self._cause(planned.fault, planned.settings)
            except BenchError as error:
                self.device.journal.record(self.now_ms, "fault.failed", fault=planned.fault, why=str(error))

    def carries(self) -> bool:
        """Whether the bytes on the wire now get through: not all of them do when the pump lies upside down."""
        settings = self._settings("pump_flipped")
        if not settings:
            return True
        troubles = self.device.body.troubles
        troubles.carried += 1
        lost: int = settings["severity"]
        return draw(settings.get("seed", 0), troubles.carried, PERMILLE) >= lost

    # --- faults ---

    def inject(self, fault: str, **settings: Any) -> None:
        """Cause a fault, now or at a later bench time. ``FAULTS`` lists them and their settings.

        Raises ``BenchError`` for an unknown fault, for settings that it cannot have, and for a fault that this
        kind of pump cannot have.
        """
        name = fault_named(fault)
        row = FAULTS[name]
        if self.device.profile.drive not in row.drives:
            raise BenchError(
                f"a {self.device.profile.drive} pump cannot have “{name}”; it is for {row.drives[0]} pumps"
            )
        values = read_settings(row.settings, settings, name)
        at_ms = values.pop("at", self.now_ms)
        if at_ms > self.now_ms:
            self.device.body.troubles.planned.append(Planned(at_ms, name, values))
            self.device.journal.record(self.now_ms, "fault.planned", fault=name, at=at_ms, settings=values)
        else:
            self._cause(name, values)

    def _cause(self, name: str, values: dict[str, Any]) -> None:
        FAULTS[name].cause(self.device, values)
        until_ms = self.now_ms + values["lasts"] if "lasts" in values else None
        self.device.body.troubles.present[name] = Present(values, self.now_ms, until_ms)
        self.device.journal.record(self.now_ms, "fault.injected", fault=name, settings=values)
        self.device.body.look_at_battery()
        self.device.body.on_sensor()

    def clear(self, fault: str) -> None:
        """Take a fault's cause away, or forget that it is planned; raises ``BenchError`` if it is neither."""
        name = fault_named(fault)
        troubles = self.device.body.troubles
        if name in troubles.present:
            self._end(name)
            return
        planned = [each for each in troubles.planned if each.fault != name]
        if planned == troubles.planned:
            raise BenchError(f"fault “{name}” is not injected")
        troubles.planned = planned
        self.device.journal.record(self.now_ms, "fault.called_off", fault=name)

    def _end(self, name: str) -> None:
        present = self.device.body.troubles.present.pop(name)
        FAULTS[name].clear(self.device, present.settings)
        self.device.journal.record(self.now_ms, "fault.cleared", fault=name)
        self.device.body.on_sensor()

    def _settings(self, fault: str) -> Mapping[str, Any]:
        present = self.device.body.troubles.present.get(fault)
        return present.settings if present else {}

    # --- hands and eyes ---

    def refill(self, volume_nl: int, fluid: Fluid | None = None) -> None:
        """Empty the reservoir and fill it, physically; the pump knows nothing of it until a clinician tells it.

        ``volume_nl`` and ``fluid`` are what is meant; a refill fault that is there makes them something else. Raises
        ``BenchError`` if that much does not go in, or the port is out of reach.
        """
        self._reach_port()
        device, body = self.device, self.device.body
        meant = body.fluid if fluid is None else fluid
        given_nl = volume_nl * self._settings("refill_wrong_volume").get("severity", PERMILLE) // PERMILLE
        given = self._as_filled(meant)
        most = device.profile.capacity
        if "refill_overfill" in self.faults:
            given_nl = min(given_nl, device.profile.overfill.value)
        elif max(volume_nl, given_nl) > most.value:
            raise BenchError(f"the reservoir holds {most}")
        beside_nl = given_nl * self._settings("refill_pocket").get("severity", 0) // PERMILLE
        if beside_nl:
            body.spill(beside_nl, given)
        body.refill(given_nl - beside_nl, given)
        beside = {"pocket_nl": beside_nl} if beside_nl else {}
        device.journal.record(
            self.now_ms, "bench.refill", volume_nl=given_nl - beside_nl, fluid=fluid_data(given), **beside
        )

    def _as_filled(self, meant: Fluid) -> Fluid:
        """Return what is truly in the syringe."""
        wrong = self._settings("refill_wrong_drug")
        share = wrong.get("severity", PERMILLE)
        return tuple((wrong.get("drug", code), concentration * share // PERMILLE) for code, concentration in meant)

    def reset_valve(self) -> None:
        """Open a flow-activated valve that has shut, as a clinician does by hand."""
        if not self.device.body.valve_shut:
            raise BenchError("no flow-activated valve has shut")
        self.device.body.reset_valve()
        self.device.journal.record(self.now_ms, "bench.valve_reset")
        self.device.body.on_sensor()

    def empty_line(self) -> None:
        """Take all drug out of tubing and catheter, as at the implantation of a new pump: saline stands in it."""
        self.device.body.fill_line(SALINE)
        self.device.journal.record(self.now_ms, "bench.line_emptied")

    def residual_nl(self) -> int:
        """Return the volume that a needle would draw out of the reservoir; ``BenchError`` if it cannot reach it."""
        self._reach_port()
        return self.device.body.reservoir_nl

    def _reach_port(self) -> None:
        if "pump_flipped" in self.faults:
            raise BenchError("the refill port cannot be found: the pump lies upside down in its pocket")

    def truth(self) -> dict[str, Any]:
        """Return what is physically so, whatever the pump believes."""
        body = self.device.body
        return {
            "now_ms": self.now_ms,
            "powered": self.device.powered,
            "reservoir_nl": body.reservoir_nl,
            "reservoir_fluid": fluid_data(body.fluid),
            "line": [[volume_nl, fluid_data(fluid)] for volume_nl, fluid in body.line],
            "pressure_nl": body.held.pressure_nl,
            "strokes": body.strokes,
            "stalled": body.stalled or body.in_field,
            "valves_open": body.valves_open,
            "valve_shut": body.valve_shut,
            **{book: self._named(getattr(body, book)) for book in BOOKS},
            "faults": sorted(self.faults),
            "planned": [[planned.at_ms, planned.fault] for planned in body.troubles.planned],
        }

    def finish(self) -> None:
        """Close the journal with what is left in reservoir and line, for whoever checks that nothing was lost."""
        body = self.device.body
        self.device.journal.record(
            self.now_ms,
            "bench.end",
            reservoir={"volume_nl": body.reservoir_nl, "fluid": fluid_data(body.fluid)},
            line=[[volume_nl, fluid_data(fluid)] for volume_nl, fluid in body.line],
        )

    def _named(self, book: Mapping[int, int]) -> dict[str, int]:
        return {self._drug_name(code): mass_pg for code, mass_pg in sorted(book.items())}

    def _drug_name(self, code: int) -> str:
        entry = self._library.drug(code)
        return entry.name if entry else f"drug {code}"

    # --- as plain data ---

    def command(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out ``{"do": name, …}`` and return the truth after it; raises ``BenchError`` for a bad request."""
        action = COMMANDS.get(str(request.get("do")))
        if action is None:
            raise BenchError(f"no bench command “{request.get('do')}”; there are: {', '.join(sorted(COMMANDS))}")
        try:
            action(self, request)
        except KeyError as error:
            raise BenchError(f"“{request['do']}” needs {error}") from None
        except QuantityError as error:
            raise BenchError(str(error)) from None
        return self.truth()

    def _refill_as_asked(self, request: Mapping[str, Any]) -> None:
        volume = Nanolitres.parse(str(request["volume"]))
        fluid = None
        if "drug" in request:
            entry = self._library.by_name(str(request["drug"]))
            if entry is None:
                raise BenchError(f"no drug “{request['drug']}” in the library")
            concentration = PicogramsPerNanolitre.parse(str(request["concentration"]))
            fluid = ((entry.code, concentration.value),)
        self.refill(volume.value, fluid)


def _inject_as_asked(bench: Bench, request: Mapping[str, Any]) -> None:
    settings = request.get("settings", {})
    if not isinstance(settings, dict):
        raise BenchError("settings are a table of names and values")
    bench.inject(str(request["fault"]), **settings)


MOST_AT_ONCE = Milliseconds(366 * DAY_MS)
"""A year at once: some seconds of work during which nobody else is heard."""


def _span(text: object) -> int:
    span = Milliseconds.parse(str(text))
    if span > MOST_AT_ONCE:
        raise BenchError(f"at most {MOST_AT_ONCE} at once; ask again for more")
    return span.value


COMMANDS: dict[str, Callable[[Bench, Mapping[str, Any]], object]] = {
    "advance": lambda bench, request: bench.advance(_span(request["time"])),
    "jump": lambda bench, _: bench.jump(),
    "cut_power": lambda bench, _: bench.cut_power(),
    "restore_power": lambda bench, _: bench.restore_power(),
    "inject": _inject_as_asked,
    "clear": lambda bench, request: bench.clear(str(request["fault"])),
    "refill": Bench._refill_as_asked,
    "reset_valve": lambda bench, _: bench.reset_valve(),
    "empty_line": lambda bench, _: bench.empty_line(),
    "truth": lambda _bench, _request: None,
}
