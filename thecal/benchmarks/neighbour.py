"""pymodbus beside us: Modbus RTU over a pty, its server in another process. Left out when it is not installed."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import serial

from thecal.benchmarks.measure import Work
from thecal.benchmarks.peers import peer
from thecal.failures import OutsideMissing

REGISTERS = 10
DEVICE = 1
BAUD = 115_200
START_PATIENCE_S = 20.0
BATCH = 50
"""Readings in one run of the event loop, so that starting it does not count."""
URLS = "thecal.benchmarks.urls"


@contextmanager
def modbus_exchange() -> Iterator[Work | None]:
    """Yield the reading of ten holding registers, over and over; None without pymodbus.

    The asynchronous client is measured: the synchronous one sleeps for a millisecond at a time and is slower.
    """
    if importlib.util.find_spec("pymodbus") is None:
        yield None
        return
    if URLS not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append(URLS)
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # it tells of every attempt while its server starts
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        with peer("modbus", os.ttyname(slave), "100"), asyncio.Runner() as runner:
            client = runner.run(_connected(master))
            yield lambda: runner.run(_readings(client, BATCH))
            client.close()
    finally:
        os.close(master)
        os.close(slave)


async def _connected(master: int) -> Any:
    """Return a client whose server answers; the server's process takes a moment to start."""
    from pymodbus.client import AsyncModbusSerialClient  # noqa: PLC0415 - an optional neighbour
    from pymodbus.exceptions import ModbusException  # noqa: PLC0415

    client = AsyncModbusSerialClient(f"descriptor://{master}", baudrate=BAUD, timeout=1)
    give_up = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < give_up:
        try:
            await client.connect()
            await _readings(client, 1)
        except ModbusException:
            continue
        return client
    raise OutsideMissing("the pymodbus server did not start")


async def _readings(client: Any, count: int) -> int:
    """Read the registers so often, one after the other."""
    for _ in range(count):
        reply = await client.read_holding_registers(0, count=REGISTERS, device_id=DEVICE)
        if len(reply.registers) != REGISTERS:
            raise OutsideMissing(f"the pymodbus server answered {reply}")
    return count
