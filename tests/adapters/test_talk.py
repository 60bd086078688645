"""Pump and programmer talk through the port, as they do at a patient's side."""

import contextlib
import random

import pytest

from emulator.device import Filling, PumpDevice
from emulator.hardware.profile import load_profile
from emulator.journal import Journal, read_journal
from emulator.library import Library
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done, NotDone, Unknown
from hw.abilities import Ability
from hw.descriptor import DescriptorPort
from hw.impaired import ImpairedPort
from hw.impairments import Impairment
from hw.lasting import LastingPort
from hw.loopback import JoinedWire, SharedWire
from hw.ports import open_port
from hw.virtual import VirtualWiring, Wiring
from protocol.carrier import Carrier, CarrierLost
from protocol.conversation import Conversation
from protocol.keys import role_key
from protocol.vocabulary import Role
from tests.adapters.conftest import PATIENCE_MS, Ends

LIBRARY = Library.shipped()
KEY = bytes(range(32))
ENTROPY = random.Random(20)
DAMAGE = "flip=1e-4,drop=5e-5,duplicate=5e-5,insert=5e-5,burst=2e-5,seed=2"
"""Rare enough that a frame gets through in six attempts wherever errors fall: a busy machine's repeats move them."""
VOLUMES_NL = range(2_000, 3_200, 100)


def _pump() -> PumpDevice:
    morphine = LIBRARY.by_name("morphine")
    assert morphine is not None
    return PumpDevice(
        profile=load_profile("peristaltic"),
        library=LIBRARY,
        key=KEY,
        serial="TH-0001",
        entropy=ENTROPY.randbytes,
        journal=Journal(),
        filling=Filling(volume_nl=18_000_000, fluid=((morphine.code, 20_000),)),
    )


class Hurried:
    """A carrier whose clock runs faster than the wall's, so that what is lost is missed sooner."""

    FACTOR = 5

    def __init__(self, wire: Carrier) -> None:
        self._wire = wire

    def now_ms(self) -> int:
        """Return the hurried time."""
        return self.FACTOR * self._wire.now_ms()

    def write(self, data: bytes) -> None:
        """Write."""
        self._wire.write(data)

    def read(self, timeout_ms: int) -> bytes:
        """Read what is there, or wait; a time-out of one hurried millisecond is still a wait."""
        return self._wire.read(-(-timeout_ms // self.FACTOR))


def _wire(ends: Ends, pump: PumpDevice) -> Carrier:
    if ends.near is ends.far:
        return SharedWire(ends.near, pump.receive)
    return JoinedWire(ends.near, ends.far, pump.receive)


def _programmer(wire: Carrier) -> Programmer:
    key = role_key(KEY, Role.CLINICIAN)
    return Programmer(lambda: Conversation(wire, key, Role.CLINICIAN, ENTROPY.randbytes), LIBRARY)


def test_a_visit_through_the_port(ends: Ends) -> None:
    """Interrogating, programming, a bolus and the close all succeed, and the pump then does what was asked."""
    pump = _pump()
    clinician = _programmer(_wire(ends, pump))
    clinician.connect()
    assert clinician.interrogate().identity.serial == "TH-0001"
    clinician.edit(clinician.blank().fluid(("morphine", "20 mg/mL")).daily_dose("1 mg/day"))
    assert isinstance(clinician.update(clinician.review()), Done)
    clinician.verify()
    clinician.interrogate()
    assert isinstance(clinician.bolus("0.1 mg", "10 min"), Done)
    assert clinician.interrogate().therapy.state.name == "CLINICIAN_BOLUS"
    assert isinstance(clinician.close().result, Done)


def test_damage_on_the_line_loses_no_command_and_repeats_none(wiring: Wiring) -> None:
    """With bits turned, bytes lost, added and doubled both ways, every bolus is done, and done once."""
    pump = _pump()
    started: list[int] = []
    with open_port(wiring.near) as inner:
        near = ImpairedPort(inner, None, Impairment.parse(DAMAGE))
        far = near if wiring.far == wiring.near else open_port(wiring.far)
        with near, far:
            wire = _wire(Ends(near, far), pump)
            # on software every wait is for bytes that are lost; a real wire takes its time for the others, too
            clinician = _programmer(Hurried(wire) if isinstance(wiring, VirtualWiring) else wire)
            clinician.connect()
            _program(clinician)
            for volume_nl in VOLUMES_NL:
                clinician.interrogate()
                assert isinstance(clinician.bolus(f"{volume_nl} nL", "1 min"), Done)
                started.append(volume_nl)
                pump.advance_to(pump.now_ms + 120_000)
        damage = {each.damage for each in near.sending.log + near.receiving.log}
        assert damage == set(Impairment.parse(DAMAGE).chances), "not all of it happened"
    assert _boluses(pump) == started


class PulledPlug:
    """Two ports that are unplugged at the moment when the pump hears a chosen message, and plugged in to dial."""

    def __init__(self, wiring: Wiring, pump: PumpDevice, *, heard: bool) -> None:
        self._wiring, self._pump, self._heard = wiring, pump, heard
        self.armed = False
        self.near = LastingPort(wiring.near, open_port)
        self.far = self.near if wiring.far == wiring.near else LastingPort(wiring.far, open_port)

    def dial(self) -> Conversation:
        """Plug in what was unplugged, and begin anew."""
        if self.near.lost or self.far.lost:
            self._wiring.plug_in()
            for port in (self.near, self.far):
                port.wait(PATIENCE_MS)
        looped = self.near is self.far
        wire = SharedWire(self.near, self._hear) if looped else JoinedWire(self.near, self.far, self._hear)
        return Conversation(wire, role_key(KEY, Role.CLINICIAN), Role.CLINICIAN, ENTROPY.randbytes)

    def _hear(self, data: bytes) -> bytes:
        if not self.armed:
            return self._pump.receive(data)
        answer = self._pump.receive(data) if self._heard else b""
        if self._heard and not answer:  # a real wire delivers in pieces: the message is not complete yet
            return answer
        self.armed = False
        self._wiring.unplug()
        for port in (self.near, self.far):
            _wait_until_gone(port)
        return answer

    def close(self) -> None:
        """Close both."""
        self.near.close()
        self.far.close()


def _wait_until_gone(port: LastingPort) -> None:
    with contextlib.suppress(CarrierLost):
        while True:
            port.read(PATIENCE_MS)


@pytest.mark.needs(Ability.UNPLUG)
@pytest.mark.parametrize("heard", [True, False], ids=["after the pump heard", "before the pump heard"])
def test_unplugged_in_the_middle_of_a_command(wiring: Wiring, heard: bool) -> None:
    """The result is unknown, and after plugging in the pump itself says whether it was carried out."""
    pump = _pump()
    plug = PulledPlug(wiring, pump, heard=heard)
    try:
        clinician = Programmer(plug.dial, LIBRARY)
        clinician.connect()
        _program(clinician)
        clinician.interrogate()
        plug.armed = True
        result = clinician.bolus("2000 nL", "1 min")
        assert isinstance(result, Unknown)
        assert isinstance(clinician.resolve(result), Done if heard else NotDone)
    finally:
        plug.close()
    assert _boluses(pump) == ([2_000] if heard else [])


def _program(clinician: Programmer) -> None:
    clinician.interrogate()
    clinician.edit(clinician.blank().fluid(("morphine", "20 mg/mL")).daily_dose("1 mg/day"))
    assert isinstance(clinician.update(clinician.review()), Done)
    clinician.verify()


def _boluses(pump: PumpDevice) -> list[int]:
    """Return the volumes of all boluses that the pump began, by its journal."""
    pump.journal.flush()
    events = [event for event in read_journal(pump.journal.lines) if event.kind == "pump.bolus"]
    return [event.data["volume_nl"] for event in events if event.data["what"] == "started"]


@pytest.mark.needs(Ability.UNPLUG)
def test_an_unplugged_port_is_a_lost_carrier(wiring: Wiring, ends: Ends) -> None:
    """Reading and writing an unplugged port say that it is gone, by one kind of error that names the port."""
    wiring.unplug()
    with pytest.raises(CarrierLost, match="gone"):
        _use(ends.near)
    wiring.plug_in()


def _use(port: DescriptorPort) -> None:
    """Write and read until the port fails; a write alone may go into a buffer."""
    while True:
        port.write(b"x")
        port.read(PATIENCE_MS)


@pytest.mark.needs(Ability.UNPLUG)
def test_a_port_that_is_plugged_in_again_works(wiring: Wiring) -> None:
    """After three times out and in, the next visit goes through."""
    for _ in range(3):
        wiring.unplug()
        wiring.plug_in()
    pump = _pump()
    with open_port(wiring.near) as near:
        far = near if wiring.far == wiring.near else open_port(wiring.far)
        with far:
            clinician = _programmer(_wire(Ends(near, far), pump))
            clinician.connect()
            assert clinician.interrogate().identity.serial == "TH-0001"
