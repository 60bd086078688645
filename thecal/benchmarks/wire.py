"""Exchanges a second over a pty, with the other side in another process: sealed ones, bare ones, and Modbus RTU.

The bare ping-pong writes and reads as many bytes as a sealed exchange and does nothing else with them. It is what the
kernel and two Python processes, each on a core of its own, cost by themselves; how near the sealed exchange comes to
it is what is measured.
"""

from __future__ import annotations

import os
import secrets
import tempfile
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hw.descriptor import DescriptorPort
from hw.ports import open_port
from protocol.carrier import Carrier
from protocol.conversation import Conversation
from protocol.keys import KEY_OCTETS, role_key
from protocol.messages import Interrogate, TherapyReport
from protocol.vocabulary import Role, Section
from thecal.benchmarks.cores import on_our_core
from thecal.benchmarks.measure import Figure, Work, median_speeds
from thecal.benchmarks.neighbour import modbus_exchange
from thecal.benchmarks.peers import peer, thecal_process
from thecal.failures import OutsideMissing

START_PATIENCE_S = 20.0


def wire(seconds: float) -> list[Figure]:
    """Measure each kind of exchange for that long, in turns."""
    with (
        on_our_core(),
        sealed_exchange() as (sealed, request_octets, reply_octets),
        raw_exchange(request_octets, reply_octets) as raw,
        modbus_exchange() as modbus,
    ):
        works = {"raw": raw, "sealed": sealed} | ({} if modbus is None else {"modbus": modbus})
        speeds = median_speeds(works, seconds)
    sizes = f"{request_octets} bytes there, {reply_octets} back"
    figures = [
        Figure("bare pty ping-pong", speeds["raw"], "exchanges/s", sizes),
        Figure("sealed request and reply", speeds["sealed"], "exchanges/s", sizes),
        Figure("sealed over bare", speeds["sealed"] / speeds["raw"], "", "1 would be no cost at all"),
    ]
    if modbus is not None:
        ratio = speeds["sealed"] / speeds["modbus"]
        figures += [
            Figure(
                "pymodbus RTU, 10 registers", speeds["modbus"], "exchanges/s", "neither encrypted nor authenticated"
            ),
            Figure("sealed over pymodbus", ratio, "", "above 1: faster than pymodbus"),
        ]
    return figures


class CountingCarrier:
    """Passes everything on and counts bytes."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self.written = 0
        self.read_in = 0

    def write(self, data: bytes) -> None:
        """Count and write."""
        self.written += len(data)
        self._carrier.write(data)

    def read(self, timeout_ms: int) -> bytes:
        """Read and count."""
        data = self._carrier.read(timeout_ms)
        self.read_in += len(data)
        return data

    def now_ms(self) -> int:
        """Return the carrier's time."""
        return self._carrier.now_ms()


@contextmanager
def sealed_exchange() -> Iterator[tuple[Work, int, int]]:
    """Run a pump in another process; yield one sealed exchange with it, and its bytes there and back."""
    key = secrets.token_bytes(KEY_OCTETS)
    with tempfile.TemporaryDirectory() as folder:
        link, key_file = Path(folder) / "pump", Path(folder) / "key"
        key_file.write_text(key.hex())
        with (
            thecal_process("pump", "--port", f"pty:{link}", "--key", f"@{key_file}"),
            _opened_when_there(link) as port,
        ):
            counting = CountingCarrier(port)
            request_octets, reply_octets = _octets(counting, _conversation(counting, key))
            yield _asking(_conversation(port, key)), request_octets, reply_octets


@contextmanager
def raw_exchange(request_octets: int, reply_octets: int) -> Iterator[Work]:
    """Run a bare peer in another process; yield one exchange of that many bytes with it."""
    master, slave = os.openpty()
    tty.setraw(slave)
    request = bytes(request_octets)

    def exchange() -> int:
        os.write(master, request)
        missing = reply_octets
        while missing:
            missing -= len(os.read(master, missing))
        return 1

    try:
        with peer("raw", str(slave), str(request_octets), str(reply_octets), descriptor=slave):
            yield exchange
    finally:
        os.close(master)
        os.close(slave)


def _asking(conversation: Conversation) -> Work:
    request = Interrogate(Section.THERAPY)

    def exchange() -> int:
        reply = conversation.request(request)
        if not isinstance(reply, TherapyReport):
            raise OutsideMissing(f"the pump answered {type(reply).__name__}")
        return 1

    return exchange


def _conversation(carrier: Carrier, key: bytes) -> Conversation:
    conversation = Conversation(carrier, role_key(key, Role.OBSERVER), Role.OBSERVER, secrets.token_bytes)
    conversation.connect()
    return conversation


def _octets(counting: CountingCarrier, conversation: Conversation) -> tuple[int, int]:
    """Return how many bytes one exchange takes there and back."""
    written, read_in = counting.written, counting.read_in
    _asking(conversation)()
    return counting.written - written, counting.read_in - read_in


def _opened_when_there(link: Path) -> DescriptorPort:
    """Open the pump's port as soon as its process has made it."""
    give_up = time.monotonic() + START_PATIENCE_S
    while not link.exists():
        if time.monotonic() > give_up:
            raise OutsideMissing("the pump's process did not start; see whether “thecal pump” does")
        time.sleep(0.01)
    return open_port(str(link))
