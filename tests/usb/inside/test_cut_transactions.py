"""An adapter is pulled out in the middle of a command: the result is unknown and resolved, nothing done twice."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from emulator.device import Filling, PumpDevice
from emulator.hardware.profile import load_profile
from emulator.library import Library
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done, NotDone, Unknown
from hw.descriptor import DescriptorPort
from hw.loopback import JoinedWire
from hw.ports import open_port
from protocol.conversation import Conversation
from protocol.keys import role_key
from protocol.vocabulary import Role
from tests.usb.inside.bench import Bench, settle

LIBRARY = Library.shipped()
KEY = bytes(range(32))
MORPHINE = LIBRARY.by_name("morphine")

Listener = Callable[[bytes], bytes]


class Visit:
    """A pump and a programmer on two joined adapters, either of which may be pulled out while they talk."""

    def __init__(self, bench: Bench, pair: str, seed: int) -> None:
        self._bench = bench
        self._names = pair.split(",")
        self._rng = random.Random(seed)
        self._ports: list[DescriptorPort] = []
        self.hook: Listener | None = None
        assert MORPHINE is not None
        self.pump = PumpDevice(
            profile=load_profile("peristaltic"),
            library=LIBRARY,
            key=KEY,
            serial="TH-0001",
            entropy=self._rng.randbytes,
            filling=Filling(volume_nl=18_000_000, fluid=((MORPHINE.code, 20_000),)),
        )
        self.programmer = Programmer(self._dial, LIBRARY)

    def _dial(self) -> Conversation:
        self.close()
        near, far = self._ports = [open_port(name) for name in self._names]
        wire = JoinedWire(near, far, self._hear)
        return Conversation(wire, role_key(KEY, Role.CLINICIAN), Role.CLINICIAN, self._rng.randbytes)

    def _hear(self, data: bytes) -> bytes:
        return self.pump.receive(data) if self.hook is None else self.hook(data)

    def program(self) -> None:
        """Let the pump infuse."""
        self.programmer.connect()
        self.programmer.interrogate()
        self.programmer.edit(self.programmer.blank().fluid(("morphine", "20 mg/mL")).daily_dose("1 mg/day"))
        assert isinstance(self.programmer.update(self.programmer.review()), Done)
        self.programmer.verify()
        self.programmer.interrogate()

    def pull_out(self, which: int) -> None:
        """Pull out the adapter of the programmer (0) or of the pump (1)."""
        self._bench.unplug([self._names[which]])

    def put_in(self) -> None:
        """Put it in again, and wait until it is there."""
        self.hook = None
        self._bench.plug_in()
        settle(self._names)

    def boluses(self) -> int:
        """Return how many boluses the pump has begun, by its own log."""
        return sum(entry.kind.name == "BOLUS_STARTED" for entry in self.programmer.read_log())

    def close(self) -> None:
        """Close both ports."""
        for port in self._ports:
            port.close()


@pytest.fixture
def visit(bench: Bench, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """Yield a visit on a pair of adapters, with the pump infusing."""
    visit = Visit(bench, bench.pairs[request.param], seed=request.param)
    visit.program()
    yield visit
    visit.close()


PAIRS = pytest.mark.parametrize("visit", [0, 1, 2], indirect=True, ids=["qemu", "ft232r-ch340", "cp2102-pl2303"])


@PAIRS
@pytest.mark.parametrize("side", [0, 1], ids=["programmer's", "pump's"])
def test_pulled_out_after_the_pump_acted(visit: Visit, side: int) -> None:
    """The reply is lost with the adapter: unknown at first, done when asked, and one bolus in the pump."""

    def act_and_lose_the_reply(data: bytes) -> bytes:
        reply = visit.pump.receive(data)
        if reply:  # not yet while only a part of the command has arrived
            visit.pull_out(side)
        return reply

    visit.hook = act_and_lose_the_reply
    unknown = visit.programmer.bolus("0.1 mg", "10 min")
    assert isinstance(unknown, Unknown)
    visit.put_in()
    assert isinstance(visit.programmer.resolve(unknown), Done)
    assert visit.programmer.unresolved == ()
    assert visit.boluses() == 1


@PAIRS
def test_after_it_was_resolved_the_visit_goes_on(visit: Visit) -> None:
    """A bolus that was lost is given at the second attempt, once."""

    def lose_the_command(data: bytes) -> bytes:
        del data
        visit.pull_out(0)
        return b""

    visit.hook = lose_the_command
    unknown = visit.programmer.bolus("0.1 mg", "10 min")
    assert isinstance(unknown, Unknown)
    visit.put_in()
    assert isinstance(visit.programmer.resolve(unknown), NotDone)
    visit.programmer.interrogate()
    assert isinstance(visit.programmer.bolus("0.1 mg", "10 min"), Done)
    assert visit.boluses() == 1
