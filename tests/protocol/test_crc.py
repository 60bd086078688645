"""The checksum: the right one, and no start with a wrong one."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest
from crcmod import crcmod
from hypothesis import given
from hypothesis import strategies as st

from protocol.crc import CHECK_INPUT, CHECK_VALUE, crc32_autosar, crc_is_fast

POLYNOMIAL_REFLECTED = int(f"{0xF4ACFB13:032b}"[::-1], 2)

IMPORT_WITH_BROKEN_CRCMOD = """
from crcmod import crcmod
right = crcmod.mkCrcFun
crcmod.mkCrcFun = lambda polynomial, **settings: right(polynomial, **{**settings, "xorOut": 0})
import protocol.crc
"""


def bit_by_bit(data: bytes) -> int:
    """Compute the same checksum from its definition, one bit at a time."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (POLYNOMIAL_REFLECTED if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def test_check_value() -> None:
    """The catalogue's check value comes out."""
    assert crc32_autosar(CHECK_INPUT) == CHECK_VALUE == 0x1697D06A


@pytest.mark.parametrize(
    ("data", "expected"),
    [("00000000", 0x6FB32240), ("f20183", 0x4F721A25), ("0faa0055", 0x20662DF8), ("00ff5511", 0x9BD7996E)],
)
def test_published_vectors(data: str, expected: int) -> None:
    """The short examples published for this checksum come out."""
    assert crc32_autosar(bytes.fromhex(data)) == expected


@given(st.binary(max_size=300))
def test_agrees_with_its_definition(data: bytes) -> None:
    """The library computes for any bytes what the polynomial's definition says."""
    assert crc32_autosar(data) == bit_by_bit(data)


def test_leading_and_trailing_zeros_count() -> None:
    """Zeros put before or behind the data change the checksum, which an initial value of zero would miss."""
    padded = [bytes(before) + b"data" + bytes(behind) for before, behind in itertools.product(range(5), repeat=2)]
    assert len({crc32_autosar(data) for data in padded}) == len(padded)


@pytest.mark.parametrize("flags", [[], ["-O"], ["-OO"]])
def test_wrong_arithmetic_refuses_the_import(flags: list[str]) -> None:
    """With arithmetic that is wrong the module cannot be imported, not even when assertions are switched off."""
    python = [sys.executable, *flags, "-c", IMPORT_WITH_BROKEN_CRCMOD]
    result = subprocess.run(python, capture_output=True, text=True, check=False)  # noqa: S603  # our own text
    assert result.returncode == 1
    assert "RuntimeError: CRC-32/AUTOSAR" in result.stderr


@pytest.mark.parametrize("compiled", [True, False])
def test_tells_which_implementation(monkeypatch: pytest.MonkeyPatch, compiled: bool) -> None:
    """It can be asked whether the compiled arithmetic is in use."""
    monkeypatch.setattr(crcmod, "_usingExtension", compiled)
    assert crc_is_fast() is compiled
