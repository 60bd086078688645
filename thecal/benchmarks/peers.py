"""The other processes of the wire measurements: ``python -m thecal.benchmarks.peers raw|modbus …``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from thecal.benchmarks.cores import put_on_their_core


@contextmanager
def peer(*arguments: str, descriptor: int | None = None) -> Iterator[None]:
    """Run a peer in another process for as long as the context is open; it may inherit a descriptor."""
    with _process(["-m", "thecal.benchmarks.peers", *arguments], () if descriptor is None else (descriptor,)):
        yield


@contextmanager
def thecal_process(*arguments: str) -> Iterator[None]:
    """Run a command of thecal in another process for as long as the context is open."""
    with _process(["-m", "thecal", *arguments], ()):
        yield


@contextmanager
def _process(arguments: list[str], inherited: tuple[int, ...]) -> Iterator[None]:
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, pass_fds=inherited, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - ourselves
        try:
            put_on_their_core(process.pid)
            yield
        finally:
            process.terminate()


def raw(descriptor: str, request_octets: str, reply_octets: str) -> None:
    """Answer every so many bytes with so many: the least that an answer over this pty can cost."""
    line, expected, reply = int(descriptor), int(request_octets), bytes(int(reply_octets))
    while True:
        missing = expected
        while missing:
            missing -= len(os.read(line, missing))
        os.write(line, reply)


def modbus(device: str, registers: str) -> None:
    """Serve holding registers over Modbus RTU with pymodbus as it comes."""
    import pymodbus.server  # noqa: PLC0415 - an optional neighbour, needed in this process only
    from pymodbus.simulator import DataType, SimData, SimDevice  # noqa: PLC0415

    data = SimData(0, count=int(registers), values=0x1234, datatype=DataType.REGISTERS)
    pymodbus.server.StartSerialServer(SimDevice(1, [data]), port=device, baudrate=115_200)


PEERS: dict[str, Callable[..., None]] = {"raw": raw, "modbus": modbus}

if __name__ == "__main__":
    PEERS[sys.argv[1]](*sys.argv[2:])
