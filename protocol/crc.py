"""The checksum of a frame: CRC-32/AUTOSAR.

Polynomial 0xF4ACFB13, reflected, register and final exclusive-or all ones. It tells any two frames of up to 1 kB
apart that differ in fewer than six bits. ``crcmod`` does the arithmetic, in C where its extension could be built;
this module refuses to be imported when the arithmetic is wrong, because every frame depends on it.
"""

from __future__ import annotations

from collections.abc import Callable

from crcmod import crcmod

CHECK_INPUT = b"123456789"
CHECK_VALUE = 0x1697D06A
"""What the catalogue of CRCs gives for ``CHECK_INPUT``; a polynomial or bit order gone wrong cannot reproduce it."""

_ALL_ONES = 0xFFFFFFFF
# crcmod takes the polynomial with its leading bit, and the initial value after the final exclusive-or.
_crc: Callable[[bytes], int] = crcmod.mkCrcFun(0x1_F4AC_FB13, initCrc=0, rev=True, xorOut=_ALL_ONES)


def crc32_autosar(data: bytes) -> int:
    """Return the CRC-32/AUTOSAR of ``data``, 0 to 2**32 - 1."""
    return _crc(data)


def crc_is_fast() -> bool:
    """Say whether the C extension computes the checksum; without it everything works, but slowly."""
    return bool(crcmod._usingExtension)


if crc32_autosar(CHECK_INPUT) != CHECK_VALUE:  # not an assert: it has to hold under python -O as well
    raise RuntimeError(
        f"CRC-32/AUTOSAR of {CHECK_INPUT!r} is {crc32_autosar(CHECK_INPUT):#010x} instead of {CHECK_VALUE:#010x}: "
        "the installed crcmod cannot be trusted; reinstall crcmod-plus"
    )
