"""Pump and programmer talk through the port, as they do at a patient's side."""

import random

import pytest

from emulator.device import Filling, PumpDevice
from emulator.hardware.profile import load_profile
from emulator.library import Library
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done
from hw.abilities import Ability
from hw.descriptor import DescriptorPort
from hw.loopback import JoinedWire, SharedWire
from hw.ports import open_port
from hw.virtual import Wiring
from protocol.carrier import Carrier, CarrierLost
from protocol.conversation import Conversation
from protocol.keys import role_key
from protocol.vocabulary import Role
from tests.adapters.conftest import PATIENCE_MS, Ends

LIBRARY = Library.shipped()
KEY = bytes(range(32))
ENTROPY = random.Random(20)


def _pump() -> PumpDevice:
    morphine = LIBRARY.by_name("morphine")
    assert morphine is not None
    return PumpDevice(
        profile=load_profile("peristaltic"),
        library=LIBRARY,
        key=KEY,
        serial="TH-0001",
        entropy=ENTROPY.randbytes,
        filling=Filling(volume_nl=18_000_000, fluid=((morphine.code, 20_000),)),
    )


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
