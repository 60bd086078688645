"""Messages and views as plain JSON values, and as lines of text."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from emulator.programmer.words import clock
from protocol.units import Milliseconds, Quantity

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plain(value: Any) -> Any:
    """Return the value as JSON can carry it. A quantity says its unit beside the number, and how to read it."""
    match value:
        case Quantity():
            return {"value": value.value, "unit": next(iter(value.UNITS)), "text": str(value)}
        case enum.Enum():
            return value.name.lower()
        case bytes():
            return value.hex()
        case tuple() | list() if not hasattr(value, "_asdict"):
            return [plain(item) for item in value]
        case dict():
            return {name: plain(item) for name, item in value.items()}
    named = _fields(value)
    return value if named is None else {name: plain(item) for name, item in named.items()}


def _fields(value: Any) -> dict[str, Any] | None:
    """Return the fields of a message or a named tuple by name; None for anything else."""
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return dict(value._asdict()) if hasattr(value, "_asdict") else None


def rows(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield (name, text) for every leaf of a message, in order, nested names joined by a space."""
    if dataclasses.is_dataclass(value) and not isinstance(value, Quantity):
        for field in dataclasses.fields(value):
            yield from rows(getattr(value, field.name), f"{name} {field.name}".strip())
    elif isinstance(value, tuple):
        for number, item in enumerate(value, 1):
            yield from rows(item, f"{name} {number}")
        if not value:
            yield name.replace("_", " "), "none"
    else:
        yield name.replace("_", " "), _wall_clock(value) if name == "wall_clock" else _text(value)


def _wall_clock(unix_ms: int) -> str:
    """Return the wall clock for reading, in UTC; it may be nonsense, because nothing depends on it."""
    if unix_ms == 0:
        return "never set"
    try:
        return f"{EPOCH + timedelta(milliseconds=unix_ms):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:
        return f"{unix_ms} ms after 1970"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Milliseconds):
        return clock(value.value)
    if isinstance(value, enum.Enum):
        return value.name.lower().replace("_", " ")
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
