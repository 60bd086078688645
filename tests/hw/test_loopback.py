"""Both ends on one echoing wire."""

from collections.abc import Callable, Iterator

import pytest

from hw.loopback import SharedWire
from hw.ports import open_port
from protocol.carrier import Carrier

Receive = Callable[[Carrier, int], bytes]


class PumpLike:
    """Answers every ``?`` with ``!`` and remembers all it heard."""

    def __init__(self) -> None:
        self.heard = b""

    def __call__(self, data: bytes) -> bytes:
        """Hear the bytes and answer."""
        self.heard += data
        return b"!" * data.count(b"?")


@pytest.fixture
def wire() -> Iterator[tuple[SharedWire, PumpLike]]:
    """Yield a shared wire over ``loop://`` and its far end."""
    far_end = PumpLike()
    with open_port("loop://") as port:
        yield SharedWire(port, far_end), far_end


def test_both_ends_hear_everything(wire: tuple[SharedWire, PumpLike], receive: Receive) -> None:
    """Each end receives what the other wrote and the echo of its own bytes, in one order."""
    near, far_end = wire
    near.write(b"a?b")
    assert receive(near, 4) == b"a?b!"
    assert far_end.heard == b"a?b!"


def test_a_silent_wire_gives_nothing(wire: tuple[SharedWire, PumpLike]) -> None:
    """With nothing written the near end's read ends with the time it was given."""
    near, far_end = wire
    assert near.read(1) == b""
    assert far_end.heard == b""
    assert near.now_ms() <= near.now_ms()
