"""``thecal://PROFILE?OPTION=VALUE&…``: what pyserial looks for when such an address is opened.

The options are those of ``thecal pump``: ``serial``, ``key``, ``speed``, ``seed``, ``contents``, and ``fluid`` as
``fluid=morphine,20 mg/mL``. The key is the one that is kept for the serial number; if there is none it is made and
kept, as ``thecal pump`` does. The pump lives from opening the port to closing it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import click
import serial
from serial.serialutil import PortNotOpenError, SerialBase

from emulator.device import PumpDevice
from emulator.journal import Journal
from protocol.units import Nanolitres
from thecal.driver import TimeDriver
from thecal.keys import KEY, keep_key, new_key, stored_key
from thecal.making import DEFAULT_SERIAL, Wanted, checked_serial, filling_from, library_from, make_pump, profile_from
from thecal.quantities import SPEED, VOLUME

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

OPTIONS = ("serial", "key", "speed", "seed", "contents", "fluid")
LONGEST_WAIT_S = 0.05
"""A read that waits lets simulated time pass in steps of at most so much."""


def serial_class_for_url(url: str) -> tuple[str, type[SerialBase]]:
    """Return what pyserial asks a handler for: the port's name and its class."""
    return url, PumpSerial


class PumpSerial(SerialBase):
    """A pyserial port with a pump at its end. Rate, parity and lines can be set and change nothing."""

    BAUDRATES = SerialBase.BAUDRATES

    def open(self) -> None:
        """Make the pump; ``SerialException`` says what is wrong with the address."""
        if self.is_open:
            raise serial.SerialException("the port is open already")
        if self.port is None:
            raise serial.SerialException("the port has no address yet")
        self._answers = bytearray()
        try:
            self._device, self._driver = _pump_of(self.port)
        except click.ClickException as error:
            raise serial.SerialException(f"{self.port}: {error.format_message()}") from error
        self.is_open = True

    def close(self) -> None:
        """End the pump."""
        self.is_open = False

    def _reconfigure_port(self) -> None:
        """Nothing to set: there is no wire."""

    # --- bytes ---

    @property
    def in_waiting(self) -> int:
        """Bytes that the pump has sent and nobody has read."""
        self._ensure_open()
        return len(self._answers)

    def read(self, size: int = 1, /) -> bytes:
        """Return up to ``size`` bytes of the pump's, waiting for them as long as ``timeout`` says."""
        self._ensure_open()
        end = None if self.timeout is None else time.monotonic() + self.timeout
        while len(self._answers) < size and self.is_open:
            left = LONGEST_WAIT_S if end is None else min(LONGEST_WAIT_S, end - time.monotonic())
            if left <= 0:
                break
            time.sleep(left)  # a pump speaks only when it is spoken to: nothing will come by itself
        data = bytes(self._answers[:size])
        del self._answers[:size]
        return data

    def write(self, data: ReadableBuffer, /) -> int:
        """Let the pump hear the bytes, at the instant that it now is for it."""
        self._ensure_open()
        octets = bytes(data)
        device, driver = self._device, self._driver
        device.advance_to(max(driver.now_ms(), device.now_ms))
        self._answers += device.receive(octets)
        driver.hold(device.session_open)
        return len(octets)

    def flush(self) -> None:
        """Nothing to wait for: the pump hears at once."""
        self._ensure_open()

    def reset_input_buffer(self) -> None:
        """Forget what the pump has sent."""
        self._ensure_open()
        self._answers.clear()

    def reset_output_buffer(self) -> None:
        """Nothing to forget: the pump hears at once."""
        self._ensure_open()

    # --- lines: none is joined ---

    def _update_break_state(self) -> None:
        """Nothing to do."""

    def _update_rts_state(self) -> None:
        """Nothing to do."""

    def _update_dtr_state(self) -> None:
        """Nothing to do."""

    @property
    def cts(self) -> bool:
        """Not joined."""
        return False

    @property
    def dsr(self) -> bool:
        """Not joined."""
        return False

    @property
    def ri(self) -> bool:
        """Not joined."""
        return False

    @property
    def cd(self) -> bool:
        """Not joined."""
        return False

    def _ensure_open(self) -> None:
        if not self.is_open:
            raise PortNotOpenError


def _pump_of(url: str) -> tuple[PumpDevice, TimeDriver]:
    """Return the pump that the address asks for, and its clock; ``click.BadParameter`` for what cannot be."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options: dict[str, str] = {}
    fluid: list[tuple[str, str]] = []
    for name, value in pairs:
        if name not in OPTIONS:
            raise click.BadParameter(f"“{name}” is no option of an address; there are {', '.join(OPTIONS)}")
        if name == "fluid":
            drug, _, concentration = value.partition(",")
            fluid.append((drug, concentration.strip()))
        else:
            options[name] = value
    return _made(parts.netloc or "peristaltic", options, tuple(fluid))


def _made(
    profile_name: str, options: dict[str, str], fluid: tuple[tuple[str, str], ...]
) -> tuple[PumpDevice, TimeDriver]:
    number: str = checked_serial(_NO_CONTEXT, _NO_PARAMETER, options.get("serial", DEFAULT_SERIAL))
    profile, library = profile_from(profile_name), library_from(None)
    contents: Nanolitres | None = VOLUME.convert(options["contents"], None, None) if "contents" in options else None
    seed = _whole(options["seed"]) if "seed" in options else None
    speed = SPEED.convert(options.get("speed", "x1"), None, None)
    wanted = Wanted(profile, library, number, filling_from(contents, fluid, library, profile), seed)
    device = make_pump(wanted, _key(number, options.get("key")), Journal(lambda _: None, keep=False), None)
    return device, TimeDriver(device.now_ms, speed)


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise click.BadParameter(f"the seed “{text}” is no whole number") from None


def _key(number: str, given: str | None) -> bytes:
    if given is not None:
        return KEY.convert(given, None, None)
    key = stored_key(number)
    if key is None:
        key = new_key()
        keep_key(number, key)
    return key


_NO_CONTEXT: Any = None
_NO_PARAMETER: Any = None
