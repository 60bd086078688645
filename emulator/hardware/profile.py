"""A profile is a kind of pump hardware: its figures, each with its source and how far to trust it.

Profiles are TOML files; ``load_profile`` reads the shipped ones by name and any other by path. ``FIGURES`` says what
a file must hold; nothing has a default, nothing else may stand in it, and a message about a mistake names its line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from emulator.hardware.catheter_models import CatheterError, catheter_volume, has_access_port
from protocol.units import DAY_MS, Milliseconds, Nanolitres, NanolitresPerDay, Quantity, QuantityError

SHIPPED = ("peristaltic", "valve")
DRIVES = ("peristaltic", "valve")
CONFIDENCES = ("public", "M-H", "M-M", "M-L", "D", "T")

_NOT_ZERO = (
    "capacity",
    "rate_min",
    "stroke",
    "tubing",
    "catheter",
    "critical_interval",
    "non_critical_interval",
    "battery_life_idle",
    "battery_strokes",
    "battery_telemetry",
    "battery_eos",
    "design_life",
    "critical_tone",
    "non_critical_tone",
    "stall_detection",
)
_ON_THE_WIRE = ("capacity", "rate_max", "stroke", "tubing", "catheter", "silence")
_WIRE_MOST = (1 << 32) - 1
_NAME_OCTETS, _MODEL_OCTETS = 16, 24
_PERMILLE_MOST = 999


ERI_DAYS = 90
"""From the elective replacement indicator to the end of service, at least: the published figure."""
ERI_FLOW = NanolitresPerDay(1_000_000)
"""The flow for which that holds: a high one; larger ones empty the reservoir in less than three weeks."""


class ProfileError(Exception):
    """A profile file cannot be used; the message names the file, the line, the figure and what to write."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The figures of one kind of pump. Plain integers carry their unit in the name."""

    name: str
    model: str
    drive: str
    capacity: Nanolitres
    overfill: Nanolitres
    """Most that can be forced into the reservoir before its over-pressure valve closes."""
    rate_min: NanolitresPerDay
    rate_max: NanolitresPerDay
    minimum_rate: NanolitresPerDay
    stroke: Nanolitres
    accuracy_permille: int
    """By how much delivery may differ from what was commanded within the specification."""
    flow_valve: bool
    """Whether a flow-activated valve shuts when fluid flows too fast."""
    flow_valve_escape: Nanolitres
    """What flows before it has shut."""
    stall_detection: Milliseconds
    """Within which a motor that stands still must be noticed at therapeutic rates."""
    stall_detection_minimum: Milliseconds
    """The same at the minimum rate."""
    tubing: Nanolitres
    catheter: Nanolitres
    """As implanted: after trimming."""
    compliance: Nanolitres
    """By how much an obstruction can distend the catheter."""
    access_port: bool
    critical_interval: Milliseconds
    non_critical_interval: Milliseconds
    critical_tone: Milliseconds
    """How long one sound of the two-tone pattern is."""
    non_critical_tone: Milliseconds
    silence: Milliseconds
    stopped_too_long: Milliseconds
    battery_life_idle: Milliseconds
    battery_strokes: int
    battery_telemetry: Milliseconds
    """Telemetry alone, without a pause."""
    battery_eri: int
    """Charge left, in thousandths, at the elective replacement indicator."""
    battery_eos: int
    """The same at the end of service."""
    design_life: Milliseconds

    @property
    def line_nl(self) -> int:
        """Volume from the reservoir to the catheter tip, in nanolitres."""
        return self.tubing.value + self.catheter.value


FIGURES: dict[tuple[str, str], tuple[str, type]] = {
    ("reservoir", "capacity"): ("capacity", Nanolitres),
    ("reservoir", "overfill"): ("overfill", Nanolitres),
    ("flow", "rate_min"): ("rate_min", NanolitresPerDay),
    ("flow", "rate_max"): ("rate_max", NanolitresPerDay),
    ("flow", "minimum_rate"): ("minimum_rate", NanolitresPerDay),
    ("flow", "stroke"): ("stroke", Nanolitres),
    ("flow", "accuracy_permille"): ("accuracy_permille", int),
    ("flow", "flow_valve"): ("flow_valve", bool),
    ("flow", "flow_valve_escape"): ("flow_valve_escape", Nanolitres),
    ("flow", "stall_detection"): ("stall_detection", Milliseconds),
    ("flow", "stall_detection_minimum"): ("stall_detection_minimum", Milliseconds),
    ("line", "tubing"): ("tubing", Nanolitres),
    ("line", "catheter"): ("catheter", str),
    ("line", "trimmed"): ("trimmed", str),
    ("line", "compliance"): ("compliance", Nanolitres),
    ("alarms", "critical_interval"): ("critical_interval", Milliseconds),
    ("alarms", "non_critical_interval"): ("non_critical_interval", Milliseconds),
    ("alarms", "critical_tone"): ("critical_tone", Milliseconds),
    ("alarms", "non_critical_tone"): ("non_critical_tone", Milliseconds),
    ("alarms", "silence"): ("silence", Milliseconds),
    ("alarms", "stopped_too_long"): ("stopped_too_long", Milliseconds),
    ("battery", "life_idle"): ("battery_life_idle", Milliseconds),
    ("battery", "strokes"): ("battery_strokes", int),
    ("battery", "telemetry"): ("battery_telemetry", Milliseconds),
    ("battery", "eri"): ("battery_eri", int),
    ("battery", "eos"): ("battery_eos", int),
    ("battery", "design_life"): ("design_life", Milliseconds),
}
"""What a profile holds, by section and key: which field of ``Profile`` it is and how it is written."""

_TEXTS = ("name", "model", "drive")
_FIGURE_KEYS = {"value", "confidence", "source"}
_PLACES = {field: place for place, (field, _) in FIGURES.items()}


def load_profile(name: str) -> Profile:
    """Return a shipped profile by name, or read the file that ``name`` is the path of.

    Raises ``ProfileError`` with the file, line and figure at fault.
    """
    if name in SHIPPED:
        text = (resources.files("emulator") / "data" / f"{name}.toml").read_text("utf-8")
    else:
        try:
            text = Path(name).read_text("utf-8")
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise ProfileError(
                f"no profile “{name}”: shipped are {', '.join(SHIPPED)}, and as a file it does not open ({error})"
            ) from None
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{name}: not TOML ({error})") from None
    return _Reader(name, text, table).profile()


class _Reader:
    """Reads one file; knows in which line each figure stands."""

    def __init__(self, file: str, text: str, table: Mapping[str, Any]) -> None:
        self._file = file
        self._text = text
        self._table = table

    def profile(self) -> Profile:
        values: dict[str, Any] = {key: self._text_of(key) for key in _TEXTS}
        values |= {field: self._figure(*place, kind) for place, (field, kind) in FIGURES.items()}
        self._refuse_unknown()
        model, trimmed = values["catheter"], values.pop("trimmed")
        try:
            values["catheter"] = catheter_volume(model, trimmed)
            values["access_port"] = has_access_port(model)
        except (CatheterError, QuantityError) as error:
            raise self._error("line", "catheter", str(error)) from None
        profile = Profile(**values)
        self._check(profile)
        return profile

    def _text_of(self, key: str) -> str:
        value = self._table.get(key)
        if not isinstance(value, str) or not value:
            raise ProfileError(f'{self._file}: {key} = "…" is missing')
        return value

    def _figure(self, section: str, key: str, kind: type) -> Any:
        entry = self._table.get(section, {})
        figure = entry.get(key) if isinstance(entry, dict) else None
        if not isinstance(figure, dict) or "value" not in figure:
            example = f'{key} = {{ value = "…", confidence = "…", source = "…" }}'
            raise self._error(section, key, f"is missing; write {example}")
        if figure.keys() != _FIGURE_KEYS or not figure["source"] or figure["confidence"] not in CONFIDENCES:
            raise self._error(section, key, f"needs a source and a confidence ({', '.join(CONFIDENCES)}), no more")
        try:
            return _value(kind, figure["value"])
        except ValueError as error:
            raise self._error(section, key, str(error)) from None

    def _refuse_unknown(self) -> None:
        for section, entry in self._table.items():
            if section in _TEXTS:
                continue
            known = [key for name, key in FIGURES if name == section]
            if not known or not isinstance(entry, dict):
                sections = dict.fromkeys(name for name, _ in FIGURES)
                raise self._error("", section, f"is not known; there are {', '.join((*_TEXTS, *sections))}")
            for key in entry.keys() - set(known):
                raise self._error(section, key, f"is not known; there are {', '.join(known)}")

    def _check(self, profile: Profile) -> None:
        for name in _NOT_ZERO:
            figure = getattr(profile, name)
            if (figure.value if isinstance(figure, Quantity) else figure) == 0:
                raise self._error(*_PLACES[name], f"{name} must not be zero")
        for name in _ON_THE_WIRE:
            if getattr(profile, name).value > _WIRE_MOST:
                words = f"{name} is too large for a message, which holds {_WIRE_MOST} base units"
                raise self._error(*_PLACES[name], words)
        for name, most in (("name", _NAME_OCTETS), ("model", _MODEL_OCTETS)):
            if len(getattr(profile, name).encode()) > most:
                raise self._error("", name, f"{name} is too long for a message, which holds {most} bytes")
        if profile.drive not in DRIVES:
            raise self._error("", "drive", f"“{profile.drive}” is none of: {', '.join(DRIVES)}")
        if not profile.minimum_rate.value <= profile.rate_min.value <= profile.rate_max.value:
            raise self._error("flow", "rate_min", "[flow] needs minimum_rate <= rate_min <= rate_max")
        if profile.overfill < profile.capacity:
            raise self._error("reservoir", "overfill", "must not be less than the capacity")
        self._check_parts(profile)

    def _check_parts(self, profile: Profile) -> None:
        if not profile.battery_eos < profile.battery_eri <= _PERMILLE_MOST:
            raise self._error("battery", "eri", f"must be more than eos and at most {_PERMILLE_MOST}")
        if _reserve_days(profile) < ERI_DAYS:
            words = f"leaves {_reserve_days(profile)} days to eos at {ERI_FLOW}; it must be {ERI_DAYS} at least"
            raise self._error("battery", "eri", words)
        if profile.drive == "peristaltic" and _stroke_ms(profile) > profile.stall_detection.value:
            words = "is too large: at rate_min a stall would not show within stall_detection"
            raise self._error("flow", "stroke", words)
        if profile.accuracy_permille > _PERMILLE_MOST:
            raise self._error("flow", "accuracy_permille", f"must be at most {_PERMILLE_MOST}")

    def _error(self, section: str, key: str, words: str) -> ProfileError:
        where = f"[{section}] {key}" if section else key
        return ProfileError(f"{self._file}: line {line_of(self._text, section, key)}: {where}: {words}")


def _reserve_days(profile: Profile) -> int:
    """Return how many days the charge between the battery's two levels lasts at ``ERI_FLOW``."""
    idle_ms, strokes = profile.battery_life_idle.value, profile.battery_strokes
    a_day = DAY_MS * strokes + -(-ERI_FLOW.value // profile.stroke.value) * idle_ms
    return (profile.battery_eri - profile.battery_eos) * idle_ms * strokes // (1000 * a_day)


def _stroke_ms(profile: Profile) -> int:
    return -(-profile.stroke.value * DAY_MS // profile.rate_min.value)


def line_of(text: str, section: str, key: str) -> int:
    """Return the number of the line in which a key stands; of its section, or the file's first, if it does not."""
    now_in, best = "", 1
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line)
        if header:
            now_in = header[1]
            if now_in == (section or key):
                best = number
        if now_in == section and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[.=]", line):
            return number
    return best


def _value(kind: type, written: Any) -> Any:
    """Read a value as it is written; raises ``ValueError``."""
    text = str(written)
    if issubclass(kind, Quantity):
        return kind.parse(text)
    if kind is bool:
        if text not in {"yes", "no"}:
            raise ValueError(f"“{text}” is neither yes nor no")
        return text == "yes"
    if kind is int:
        if not (text.isascii() and text.isdecimal()):
            raise ValueError(f"“{text}” is not a whole number")
        return int(text)
    return text
