"""The bench: what stands around the pump and may do what no programmer may.

It lets time pass, injects faults, cuts the power, fills the reservoir behind the pump's back and reads the truth.
It is a separate endpoint, in the same process or behind a local control socket, and never reachable over the
clinical wire. ``command`` takes and returns plain JSON values, so that any channel can carry it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulator.device import PumpDevice, fluid_data
from emulator.hardware.line import Fluid
from emulator.library import Library
from protocol.units import Milliseconds, Nanolitres, PicogramsPerNanolitre, QuantityError


class BenchError(Exception):
    """A bench command cannot be carried out; the message says what and what to write instead."""


class Bench:
    """Control of one emulated pump and its surroundings."""

    def __init__(self, device: PumpDevice, library: Library) -> None:
        self.device = device
        self._library = library
        self.faults: set[str] = {"motor_stall"} if device.body.stalled else set()
        """Faults that are injected now."""

    @property
    def now_ms(self) -> int:
        """Bench time in ms."""
        return self.device.now_ms

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
        """Give the power back."""
        self.device.restore_power()

    def cut_power_at_write(self, step: int) -> None:
        """Let power fail in the middle of writing memory, after so many further steps of writing."""
        self.device.chip.steps_until_power_fails = step

    # --- faults ---

    def inject(self, fault: str, **settings: Any) -> None:
        """Cause a fault. ``FAULTS`` lists them; raises ``BenchError`` for an unknown one or wrong settings."""
        if fault not in FAULTS:
            raise BenchError(f"no fault “{fault}”; there are: {', '.join(sorted(FAULTS))}")
        cause, _ = FAULTS[fault]
        try:
            cause(self.device, **settings)
        except TypeError:
            raise BenchError(f"fault “{fault}” does not take these settings: {', '.join(settings)}") from None
        self.faults.add(fault)
        self.device.journal.record(self.now_ms, "fault.injected", fault=fault, settings=settings)

    def clear(self, fault: str) -> None:
        """Take a fault's cause away; raises ``BenchError`` if it is not there."""
        if fault not in self.faults:
            raise BenchError(f"fault “{fault}” is not injected")
        _, end = FAULTS[fault]
        end(self.device)
        self.faults.discard(fault)
        self.device.journal.record(self.now_ms, "fault.cleared", fault=fault)

    # --- hands and eyes ---

    def refill(self, volume_nl: int, fluid: Fluid | None = None) -> None:
        """Empty the reservoir and fill it, physically; the pump knows nothing of it until a clinician tells it."""
        if volume_nl > self.device.profile.capacity.value:
            raise BenchError(f"the reservoir holds {self.device.profile.capacity}")
        body = self.device.body
        body.refill(volume_nl, body.fluid if fluid is None else fluid)
        self.device.journal.record(
            self.now_ms, "bench.refill", volume_nl=volume_nl, fluid=fluid_data(self.device.body.fluid)
        )

    def residual_nl(self) -> int:
        """Return the volume that a needle would draw out of the reservoir."""
        return self.device.body.reservoir_nl

    def truth(self) -> dict[str, Any]:
        """Return what is physically so, whatever the pump believes."""
        body = self.device.body
        return {
            "now_ms": self.now_ms,
            "powered": self.device.powered,
            "reservoir_nl": body.reservoir_nl,
            "reservoir_fluid": fluid_data(body.fluid),
            "line": [[volume_nl, fluid_data(fluid)] for volume_nl, fluid in body.line],
            "strokes": body.strokes,
            "tip_pg": {self._drug_name(code): mass_pg for code, mass_pg in sorted(body.tip_pg.items())},
            "faults": sorted(self.faults),
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


COMMANDS: dict[str, Callable[[Bench, Mapping[str, Any]], object]] = {
    "advance": lambda bench, request: bench.advance(Milliseconds.parse(str(request["time"])).value),
    "jump": lambda bench, _: bench.jump(),
    "cut_power": lambda bench, _: bench.cut_power(),
    "restore_power": lambda bench, _: bench.restore_power(),
    "inject": _inject_as_asked,
    "clear": lambda bench, request: bench.clear(str(request["fault"])),
    "refill": Bench._refill_as_asked,
    "truth": lambda _bench, _request: None,
}


def _stall(device: PumpDevice) -> None:
    device.body.stalled = True


def _unstall(device: PumpDevice) -> None:
    device.body.stalled = False


def _damage_memory(device: PumpDevice, *, place: str = "therapy", bit: int = 0) -> None:
    places = dict(device.chip.places())
    wanted = [name for name in places if name.partition("@")[0] == place or name == place]
    if not wanted:
        raise BenchError(f"no memory place “{place}”; there are: {', '.join(places)}")
    name = device.chip.newest_place(place) if "@" not in place else place
    if not 0 <= bit < places[name]:
        raise BenchError(f"memory place “{name}” has bits 0 to {places[name] - 1}")
    device.chip.flip(name, bit)


def _repaired_by_itself(_: PumpDevice) -> None:
    """A flipped bit stays until the pump writes over it; taking the cause away means only that no more will flip."""


FAULTS: dict[str, tuple[Callable[..., None], Callable[[PumpDevice], None]]] = {
    "motor_stall": (_stall, _unstall),
    "memory": (_damage_memory, _repaired_by_itself),
}
"""By name: how to cause it, and how to take its cause away."""
