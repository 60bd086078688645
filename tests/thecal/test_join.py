"""One device on one port: what happens in which order, and how it ends."""

import secrets
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emulator.device import Filling, PumpDevice
from emulator.hardware.profile import load_profile
from emulator.library import Library
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done
from hw.descriptor import DescriptorPort
from protocol.carrier import CarrierLost
from protocol.conversation import Conversation
from protocol.keys import role_key
from protocol.vocabulary import Role
from thecal.driver import TimeDriver
from thecal.image import ImageFile
from thecal.join import Joint
from thecal.keeper import Keeper
from thecal.stopping import StopRequest

pytestmark = pytest.mark.usefixtures("patient_link")
KEY = bytes(range(32))
PATIENCE_S = 60


class Line(DescriptorPort):
    """One end of a socket pair, as a port; notes what it writes."""

    def __init__(self, end: socket.socket, steps: list[str]) -> None:
        end.setblocking(False)
        super().__init__(end.fileno(), "line")
        self._end = end
        self._steps = steps

    def write(self, data: bytes) -> None:
        """Note and write."""
        self._steps.append("write")
        super().write(data)

    def _release(self) -> None:
        self._end.close()


class Recorder(ImageFile):
    """An image file that notes when it is saved."""

    def __init__(self, path: Path, steps: list[str]) -> None:
        super().__init__(path)
        self._steps = steps

    def save(self, image: bytes) -> None:
        """Note and save."""
        super().save(image)
        self._steps.append("save")


class Bedside:
    """A pump that lives in a thread, and the other end of its line."""

    def __init__(self, folder: Path) -> None:
        self.steps: list[str] = []
        self.image = Recorder(folder / "image", self.steps)
        self.library = Library.shipped()
        self.failure: CarrierLost | None = None
        pump_end, programmer_end = socket.socketpair()
        self._pump_line = Line(pump_end, self.steps)
        self.line = Line(programmer_end, [])
        self.device = PumpDevice(
            profile=load_profile("peristaltic"),
            library=self.library,
            key=KEY,
            serial="JOIN",
            entropy=secrets.token_bytes,
            filling=Filling(20_000_000, ((1, 20_000),)),
        )
        self._stop_here, self._stop_there = socket.socketpair()
        self._thread = threading.Thread(target=self._live)
        self._thread.start()

    def _live(self) -> None:
        with selectors.DefaultSelector() as selector:
            keeper = Keeper(self.device, self.image)
            joint = Joint(self.device, self._pump_line, TimeDriver(), selector, keeper)
            try:
                joint.run(self._as_stop(StopRequest()))
            except CarrierLost as lost:
                self.failure = lost

    def _as_stop(self, stop: StopRequest) -> StopRequest:
        """Let ``end`` do what a signal does; signals reach the main thread only."""
        stop.fileno = self._stop_here.fileno  # type: ignore[method-assign]
        self._stop = stop
        return stop

    def programmer(self) -> Programmer:
        """Return a clinician's programmer in a session."""
        key = role_key(KEY, Role.CLINICIAN)
        programmer = Programmer(
            lambda: Conversation(self.line, key, Role.CLINICIAN, secrets.token_bytes), self.library
        )
        programmer.connect()
        programmer.interrogate()
        return programmer

    def end(self) -> None:
        """Stop the pump and close everything."""
        if self._thread.is_alive():
            self._stop.requested = True
            self._stop_there.send(b"x")
        self._thread.join(PATIENCE_S)
        for thing in (self.line, self._pump_line, self._stop_here, self._stop_there):
            thing.close()


@pytest.fixture
def bedside(tmp_path: Path) -> Iterator[Bedside]:
    """Yield a living pump."""
    bedside = Bedside(tmp_path)
    yield bedside
    bedside.end()


def test_a_change_is_on_the_disk_before_its_answer_leaves(bedside: Bedside) -> None:
    """Between a command that changes the pump and its answer the image is saved; a question saves nothing."""
    programmer = bedside.programmer()
    del bedside.steps[:]
    programmer.interrogate()
    assert set(bedside.steps) == {"write"}
    del bedside.steps[:]
    assert isinstance(programmer.set_clock(1_000_000), Done)
    assert bedside.steps == ["save", "write"]


def test_what_is_on_the_disk_is_what_was_answered(bedside: Bedside) -> None:
    """A pump taken out of the image at that moment has executed the command."""
    programmer = bedside.programmer()
    assert isinstance(programmer.set_clock(1_000_000), Done)
    image = bedside.image.load()
    assert image is not None
    copy = PumpDevice.from_image(image, profile=load_profile("peristaltic"), key=KEY, entropy=secrets.token_bytes)
    assert copy.pump is not None
    assert copy.pump.record.wall_offset_ms != 0


def test_an_unplugged_port_ends_the_pump_and_keeps_it(bedside: Bedside) -> None:
    """When the line is gone the loop ends with a lost carrier, after the image was saved."""
    bedside.programmer()
    del bedside.steps[:]
    bedside.line.close()
    bedside._thread.join(PATIENCE_S)
    assert bedside.failure is not None
    assert bedside.steps == ["save"]


def test_nothing_is_done_while_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With no bytes the loop sleeps until the next heartbeat: it looks once, and again only when it is stopped."""
    looks: list[object] = []
    select: Callable[..., object] = selectors.DefaultSelector.select

    def counting(self: selectors.DefaultSelector, timeout: float | None = None) -> object:
        looks.append(timeout)
        return select(self, timeout)

    monkeypatch.setattr(selectors.DefaultSelector, "select", counting)
    bedside = Bedside(tmp_path)
    while not looks:
        pass
    bedside.end()
    (patience_s,) = looks
    assert isinstance(patience_s, float)
    assert 14 * 60 < patience_s <= 15 * 60
