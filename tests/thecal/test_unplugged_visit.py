"""A day at the bedside with a loose plug: no command is lost, none is carried out twice. Simulated time only."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable

import pytest

from emulator.bench import Bench
from emulator.device import Filling, PumpDevice
from emulator.hardware.profile import load_profile
from emulator.journal import Journal, read_journal
from emulator.library import Library
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done, NoContactError, NotDone, Result
from protocol.carrier import CarrierLost, DirectCarrier
from protocol.units import DAY_MS
from protocol.vocabulary import Role
from thecal.calling import Call
from thecal.visit import calling, settle

KEY = bytes(range(32))
SERIAL = "PLUG"
ENTROPY = random.Random(24)
LIBRARY = Library.shipped()
TRIES = 5
"""Visits to get one command through; the plug comes out once in each, so two are enough if nothing is wrong."""


class LoosePlug:
    """A carrier that is pulled out at one chosen use of it, before or after the bytes have passed."""

    def __init__(self, device: PumpDevice, bench: Bench) -> None:
        self._device, self._bench = device, bench
        self.uses = 0
        self.pull_at: int | None = None
        self.bytes_pass = False
        self.pulled = 0
        self._out = False
        self.plug_in()

    def plug_in(self) -> None:
        """Begin on a fresh wire: what was under way is gone."""
        self._wire = DirectCarrier(self._device.receive, self._wait, self._bench.now_ms)
        self._out = False

    def _wait(self, for_ms: int) -> bytes:
        self._bench.advance(for_ms)
        return b""

    def now_ms(self) -> int:
        """Return the wire's time."""
        return self._wire.now_ms()

    def write(self, data: bytes) -> None:
        """Write, unless this is the moment."""
        self._use(lambda: self._wire.write(data))

    def read(self, timeout_ms: int) -> bytes:
        """Read, unless this is the moment: what came is then lost."""
        return self._use(lambda: self._wire.read(timeout_ms)) or b""

    def _use(self, action: Callable[[], bytes | None]) -> bytes | None:
        if self._out:
            raise CarrierLost("the adapter is gone")
        self.uses += 1
        if self.uses == self.pull_at:
            if self.bytes_pass:
                action()
            self._out, self.pulled = True, self.pulled + 1
            raise CarrierLost("the adapter was unplugged")
        return action()


class Bedside:
    """A pump, its journal, and a clinician who comes again until a command's fate is known."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        morphine = LIBRARY.by_name("morphine")
        assert morphine is not None
        device = PumpDevice(
            profile=load_profile("peristaltic"),
            library=LIBRARY,
            key=KEY,
            serial=SERIAL,
            entropy=ENTROPY.randbytes,
            filling=Filling(18_000_000, ((morphine.code, 20_000),)),
            journal=Journal(self.lines.append),
        )
        self.bench = Bench(device, LIBRARY)
        self.plug = LoosePlug(device, self.bench)
        self._call = Call("plug", 9600, KEY, Role.CLINICIAN, SERIAL, LIBRARY, as_json=False)

    def visit(self, order: Callable[[Programmer], Result]) -> Result:
        """Give one order, settle it, and come again only if it is certain that it was not carried out."""
        for _ in range(TRIES):
            try:
                with calling(self.plug, self._call, ready=self.plug.plug_in) as programmer:
                    programmer.interrogate()
                    result = settle(programmer, order(programmer))
                    if programmer.may("verify"):
                        with contextlib.suppress(NoContactError):  # the update is done all the same
                            programmer.verify()
            except NoContactError:
                continue  # nothing that changes the pump was under way
            if isinstance(result, NotDone) and result.refusal is None:
                continue
            return result
        raise AssertionError("the command never got through")

    def events(self, kind: str) -> list[dict[str, object]]:
        """Return the data of the journal's events of that kind."""
        self.bench.device.journal.flush()
        return [dict(event.data) for event in read_journal(self.lines) if event.kind == kind]


def _bolus(number: int) -> Callable[[Programmer], Result]:
    return lambda programmer: programmer.bolus(f"{500 * (number + 2)} nL", "5 min")


def _program(number: int) -> Callable[[Programmer], Result]:
    def order(programmer: Programmer) -> Result:
        programmer.edit(programmer.blank().fluid(("morphine", "20 mg/mL")).rate(f"{50_000 + number} nL/day"))
        return programmer.update(programmer.review())

    return order


def _uses(order: Callable[[int], Callable[[Programmer], Result]]) -> int:
    """Return how often the wire is used in a visit that nothing disturbs."""
    bedside = Bedside()
    assert isinstance(bedside.visit(_program(0)), Done)
    before = bedside.plug.uses
    assert isinstance(bedside.visit(order(1)), Done)
    return bedside.plug.uses - before


@pytest.mark.parametrize("bytes_pass", [False, True], ids=["before the bytes", "after the bytes"])
@pytest.mark.parametrize("kind", ["bolus", "program"])
def test_a_day_with_a_loose_plug(kind: str, bytes_pass: bool) -> None:
    """Over 24 hours the plug is pulled at every single use of the wire; each command is carried out exactly once."""
    order = {"bolus": _bolus, "program": _program}[kind]
    phases = _uses(order)
    bedside = Bedside()
    assert isinstance(bedside.visit(_program(0)), Done)
    bedside.plug.bytes_pass = bytes_pass
    for number in range(1, phases + 1):
        bedside.bench.advance(-(-DAY_MS // phases))
        bedside.plug.pull_at = bedside.plug.uses + number
        assert isinstance(bedside.visit(order(number)), Done), f"pulled at use {number} of {phases}"
    assert bedside.plug.pulled == phases
    assert bedside.bench.now_ms >= DAY_MS
    if kind == "bolus":
        carried_out = Counter(data["volume_nl"] for data in bedside.events("pump.bolus") if data["what"] == "started")
        assert carried_out == Counter(500 * (number + 2) for number in range(1, phases + 1))
    else:
        confirmed = Counter(data["rate"] for data in bedside.events("pump.prescription") if data["confirmed"])
        assert confirmed == Counter(50_000 + number for number in range(phases + 1))
