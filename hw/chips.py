"""USB-serial chips by the numbers that they announce themselves with, and what is worth knowing of each.

From the chips' public documentation and the Linux drivers' tables; those marked so, from memory.
"""

from __future__ import annotations

from typing import NamedTuple


class Chip(NamedTuple):
    """A chip's name, the Linux driver for it, and a hint for its user."""

    name: str
    driver: str
    hint: str = ""


_NO_NUMBER = "has no serial number: known again by the USB socket it is in"
_CLONES = "clones share the serial number 0001: known again by the USB socket then"
_TIMER = "holds a short answer back for 16 ms unless its latency timer is set"

CHIPS: dict[tuple[int, int], Chip] = {
    (0x0403, 0x6001): Chip("FTDI FT232R", "ftdi_sio", _TIMER),
    (0x0403, 0x6010): Chip("FTDI FT2232", "ftdi_sio", _TIMER),
    (0x0403, 0x6011): Chip("FTDI FT4232", "ftdi_sio", _TIMER),
    (0x0403, 0x6014): Chip("FTDI FT232H", "ftdi_sio", _TIMER),
    (0x0403, 0x6015): Chip("FTDI FT-X", "ftdi_sio", _TIMER),
    (0x10C4, 0xEA60): Chip("Silicon Labs CP2102", "cp210x", _CLONES),
    (0x10C4, 0xEA70): Chip("Silicon Labs CP2105", "cp210x"),
    (0x10C4, 0xEA71): Chip("Silicon Labs CP2108", "cp210x"),
    (0x1A86, 0x7523): Chip("WCH CH340", "ch341", _NO_NUMBER),
    (0x1A86, 0x5523): Chip("WCH CH341", "ch341", _NO_NUMBER),
    (0x1A86, 0x7522): Chip("WCH CH340K", "ch341", _NO_NUMBER),
    (0x1A86, 0x55D4): Chip("WCH CH9102 (from memory)", "cdc_acm"),
    (0x1A86, 0x55D3): Chip("WCH CH343 (from memory)", "cdc_acm"),
    (0x067B, 0x2303): Chip("Prolific PL2303", "pl2303", _NO_NUMBER),
    **{
        (0x067B, product): Chip("Prolific PL2303G", "pl2303", _NO_NUMBER)
        for product in (0x23A3, 0x23B3, 0x23C3, 0x23D3, 0x23E3, 0x23F3)
    },
}
"""Chips by vendor and product number."""
