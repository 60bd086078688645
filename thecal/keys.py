"""The pump's key on disk: where it is, how it is made, and that nobody else can read it.

A key never goes into a journal, a log or an error message.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import click

KEY_OCTETS = 32
MODE = 0o600


class KeyParameter(click.ParamType):  # type: ignore[type-arg] # no generic before click 8.5
    """A pump key: 64 hexadecimal digits, or ``@FILE`` with a file that holds them."""

    name = "hex|@file"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """Return the 32 bytes of the key."""
        if isinstance(value, bytes):
            return value
        text = str(value)
        if not text.startswith("@"):
            return self._digits(text, "the key", param, ctx)
        path = Path(text[1:])
        try:
            return self._digits(path.read_text("ascii"), f"the key in {path}", param, ctx)
        except (OSError, UnicodeDecodeError) as error:
            self.fail(f"cannot read the key file {path}: {error}", param, ctx)

    def _digits(self, text: str, what: str, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        try:
            key = bytes.fromhex(text.strip())
        except ValueError:
            key = b""
        if len(key) != KEY_OCTETS:
            self.fail(f"{what} is not {2 * KEY_OCTETS} hexadecimal digits", param, ctx)
        return key


KEY = KeyParameter()


def key_file(serial: str) -> Path:
    """Return where the key of the pump with that serial number is kept."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "thecal" / "keys" / f"{serial}.key"


def stored_key(serial: str) -> bytes | None:
    """Return the kept key of that pump, or None if there is none; wrong contents are wrong usage."""
    path = key_file(serial)
    return KEY.convert(f"@{path}", None, None) if path.exists() else None


def new_key() -> bytes:
    """Return a key that no other pump has."""
    return secrets.token_bytes(KEY_OCTETS)


def keep_key(serial: str, key: bytes) -> Path:
    """Keep the key of that pump, readable by its owner only, and return where; ``FileExistsError`` if one is kept."""
    path = key_file(serial)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
    return path
