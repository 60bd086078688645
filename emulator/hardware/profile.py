"""A profile is a kind of pump hardware: its figures, each with its source and how far to trust it.

Profiles are TOML files; ``load_profile`` reads the shipped ones by name and any other by path.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from protocol.units import Milliseconds, Nanolitres, NanolitresPerDay, Quantity, QuantityError

SHIPPED = ("peristaltic",)

_NOT_ZERO = (
    "capacity",
    "rate_min",
    "stroke",
    "tubing",
    "catheter",
    "critical_interval",
    "non_critical_interval",
    "battery_life_idle",
)
_ON_THE_WIRE = ("capacity", "rate_max", "stroke", "tubing", "catheter", "silence")
_WIRE_MOST = (1 << 32) - 1
_NAME_OCTETS, _MODEL_OCTETS = 16, 24

QuantityType = TypeVar("QuantityType", bound=Quantity)


class ProfileError(Exception):
    """A profile file cannot be used; the message names the file, the figure and what to write."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The figures of one kind of pump. Plain integers carry their unit in the name."""

    name: str
    model: str
    capacity: Nanolitres
    rate_min: NanolitresPerDay
    rate_max: NanolitresPerDay
    minimum_rate: NanolitresPerDay
    stroke: Nanolitres
    tubing: Nanolitres
    catheter: Nanolitres
    critical_interval: Milliseconds
    non_critical_interval: Milliseconds
    silence: Milliseconds
    stopped_too_long: Milliseconds
    battery_life_idle: Milliseconds
    battery_strokes: int

    @property
    def line_nl(self) -> int:
        """Volume from the reservoir to the catheter tip, in nanolitres."""
        return self.tubing.value + self.catheter.value


def load_profile(name: str) -> Profile:
    """Return a shipped profile by name, or read the file that ``name`` is the path of.

    Raises ``ProfileError`` with the file and figure at fault.
    """
    if name in SHIPPED:
        text = (resources.files("emulator") / "data" / f"{name}.toml").read_text("utf-8")
    else:
        try:
            text = Path(name).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ProfileError(
                f"no profile “{name}”: shipped are {', '.join(SHIPPED)}, and as a file it does not open ({error})"
            ) from None
    try:
        return _profile(name, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{name}: not TOML ({error})") from None


def _profile(file: str, table: Mapping[str, Any]) -> Profile:
    def figure(section: str, key: str, kind: type[QuantityType]) -> QuantityType:
        try:
            return kind.parse(_figure(file, table, section, key))
        except QuantityError as error:
            raise ProfileError(f"{file}: [{section}] {key}: {error}") from None

    strokes = _figure(file, table, "battery", "strokes")
    if not strokes.isdecimal():
        raise ProfileError(f"{file}: [battery] strokes: “{strokes}” is not a whole number")
    profile = Profile(
        name=_text(file, table, "name"),
        model=_text(file, table, "model"),
        capacity=figure("reservoir", "capacity", Nanolitres),
        rate_min=figure("flow", "rate_min", NanolitresPerDay),
        rate_max=figure("flow", "rate_max", NanolitresPerDay),
        minimum_rate=figure("flow", "minimum_rate", NanolitresPerDay),
        stroke=figure("flow", "stroke", Nanolitres),
        tubing=figure("line", "tubing", Nanolitres),
        catheter=figure("line", "catheter", Nanolitres),
        critical_interval=figure("alarms", "critical_interval", Milliseconds),
        non_critical_interval=figure("alarms", "non_critical_interval", Milliseconds),
        silence=figure("alarms", "silence", Milliseconds),
        stopped_too_long=figure("alarms", "stopped_too_long", Milliseconds),
        battery_life_idle=figure("battery", "life_idle", Milliseconds),
        battery_strokes=int(strokes),
    )
    _check(file, profile)
    return profile


def _check(file: str, profile: Profile) -> None:
    for name in _NOT_ZERO:
        if getattr(profile, name).value == 0:
            raise ProfileError(f"{file}: {name} must not be zero")
    for name in _ON_THE_WIRE:
        if getattr(profile, name).value > _WIRE_MOST:
            raise ProfileError(f"{file}: {name} is too large for a message, which holds {_WIRE_MOST} base units")
    for name, most in (("name", _NAME_OCTETS), ("model", _MODEL_OCTETS)):
        if len(getattr(profile, name).encode()) > most:
            raise ProfileError(f"{file}: {name} is too long for a message, which holds {most} bytes")
    if not profile.minimum_rate.value <= profile.rate_min.value <= profile.rate_max.value:
        raise ProfileError(f"{file}: [flow] needs minimum_rate <= rate_min <= rate_max")
    if not profile.battery_strokes:
        raise ProfileError(f"{file}: [battery] strokes must not be zero")


def _figure(file: str, table: Mapping[str, Any], section: str, key: str) -> str:
    try:
        value = table[section][key]["value"]
    except (KeyError, TypeError):
        raise ProfileError(
            f'{file}: [{section}] {key} is missing; write {key} = {{ value = "…", confidence = "…", source = "…" }}'
        ) from None
    return str(value)


def _text(file: str, table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise ProfileError(f'{file}: {key} = "…" is missing')
    return value
