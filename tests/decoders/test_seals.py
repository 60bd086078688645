"""The decoders' own ciphers: what they open is what was sealed, and nothing else."""

from __future__ import annotations

import importlib.util
import random
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.poly1305 import Poly1305
from hypothesis import given
from hypothesis import strategies as st

from tests.decoders import views, wires

LONGEST_IN_CARRY = bytes([1]) + bytes(31), bytes([0xFF] * 32)
"""A key and a text whose sum is between the prime and 2^130, so that the last reduction matters."""


def seal() -> ModuleType:
    """Return the sigrok decoder's cipher; it needs nothing of sigrok."""
    path = views.SIGROK / "thecal" / "seal.py"
    spec = importlib.util.spec_from_file_location("sigrok_seal", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SEAL = seal()


@given(
    key=st.binary(min_size=32, max_size=32),
    nonce=st.binary(min_size=12, max_size=12),
    message=st.binary(max_size=240),
    associated=st.binary(max_size=40),
    flip=st.integers(min_value=0),
)
def test_the_python_cipher_is_the_standards(
    key: bytes, nonce: bytes, message: bytes, associated: bytes, flip: int
) -> None:
    """Whatever the library seals is opened; with one bit changed anywhere it stays closed."""
    box = ChaCha20Poly1305(key).encrypt(nonce, message, associated)
    assert SEAL.open_box(key, nonce, box, associated) == message
    place = flip % (8 * len(box))
    changed = bytearray(box)
    changed[place // 8] ^= 1 << place % 8
    assert SEAL.open_box(key, nonce, bytes(changed), associated) is None
    assert SEAL.open_box(key, nonce, box, associated + b"x") is None
    assert SEAL.open_box(key, nonce, box[:15], associated) is None


def test_the_python_tag_is_reduced_to_the_end() -> None:
    """A sum between the prime and 2^130 is brought below the prime."""
    key, text = LONGEST_IN_CARRY
    assert SEAL._tag(key, text) == Poly1305.generate_tag(key, text) == bytes([3]) + bytes(15)


LUA = """
local seal = dofile("{seal}")
local function bytes(hex)
    return (hex:gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end))
end
local function hex(text)
    return text and (text:gsub(".", function(char) return ("%02x"):format(char:byte()) end)) or "closed"
end
for line in io.lines("{cases}") do
    local what, first, second, third, fourth = line:match("^(%a+) (%x*) (%x*) (%x*) (%x*)$")
    if what == "open" then
        print(hex(seal.open(bytes(first), bytes(second), bytes(third), bytes(fourth))) .. "!")
    else
        print(hex(seal.tag_of(bytes(first), bytes(second))) .. "!")
    end
end
"""


def answers(folder: Path, cases: Sequence[tuple[str, ...]]) -> list[str]:
    """Return what the Lua cipher, run by tshark, answers to each case."""
    words, script = folder / "cases", folder / "ask.lua"
    words.write_text("".join(" ".join((*case, "", "")[:5]) + "\n" for case in cases))
    capture, _, _ = wires.write(folder, wires.every_message()[:1])
    path = views.DISSECTOR.with_name("thecal_seal.lua")
    script.write_text(LUA.replace("{seal}", str(path)).replace("{cases}", str(words)))
    command = [views.tool("tshark"), "-X", f"lua_script:{script}", "-r", str(capture)]
    done = subprocess.run(  # noqa: S603 - a program that was looked for
        command, capture_output=True, text=True, timeout=views.PATIENCE_S, check=True
    )
    return [line.removesuffix("!") for line in done.stdout.splitlines() if line.endswith("!")]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_lua_cipher_is_the_standards(tmp_path: Path, seed: int) -> None:
    """Messages of every length are opened; with one bit changed anywhere they stay closed."""
    rng = random.Random(seed)
    cases, expected = [], []
    for length in range(240):
        key, nonce, message, associated = (rng.randbytes(size) for size in (32, 12, length, rng.randrange(40)))
        box = bytearray(ChaCha20Poly1305(key).encrypt(nonce, message, associated))
        cases.append(("open", key.hex(), nonce.hex(), box.hex(), associated.hex()))
        box[rng.randrange(len(box))] ^= 1 << rng.randrange(8)
        cases.append(("open", key.hex(), nonce.hex(), box.hex(), associated.hex()))
        expected += [message.hex(), "closed"]
    assert answers(tmp_path, cases) == expected


def test_the_lua_tag_is_the_standards(tmp_path: Path) -> None:
    """Random texts, texts of ones and zeros, and a sum between the prime and 2^130."""
    rng = random.Random(3)
    pairs = [LONGEST_IN_CARRY, (b"\xff" * 32, b"\xff" * 64), (bytes(32), b"\xff" * 64), (b"\xff" * 32, bytes(48))]
    pairs += [(rng.randbytes(32), rng.randbytes(rng.randrange(200))) for _ in range(100)]
    cases = [("tag", key.hex(), text.hex()) for key, text in pairs]
    assert answers(tmp_path, cases) == [Poly1305.generate_tag(key, text).hex() for key, text in pairs]
