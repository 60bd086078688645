"""Hardware profiles: the shipped one, and files of one's own that are wrong in some way."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from emulator.hardware.battery import Battery
from emulator.hardware.profile import ProfileError, load_profile
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS

SHIPPED = (resources.files("emulator") / "data" / "peristaltic.toml").read_text("utf-8")


def changed(tmp_path: Path, old: str, new: str) -> str:
    """Return the path of the shipped profile with one piece of text replaced."""
    assert SHIPPED.count(old) == 1
    path = tmp_path / "mine.toml"
    path.write_text(SHIPPED.replace(old, new), "utf-8")
    return str(path)


def test_the_shipped_profile_has_the_published_figures() -> None:
    """The peristaltic pump's figures, in base units, are those of the file."""
    profile = load_profile("peristaltic")
    figures = (profile.rate_min.value, profile.rate_max.value, profile.minimum_rate.value, profile.line_nl)
    assert figures == (48_000, 24_000_000, 6_000, 327_000)
    assert (profile.capacity.value, profile.stroke.value) == (20_000_000, 500)
    assert (profile.critical_interval.value, profile.non_critical_interval.value) == (10 * MINUTE_MS, HOUR_MS)
    assert profile.stopped_too_long.value == 48 * HOUR_MS


def test_a_profile_is_read_from_a_file(tmp_path: Path) -> None:
    """A file of one's own works as the shipped one does."""
    assert load_profile(changed(tmp_path, '"500 nL"', '"0.48 uL"')).stroke.value == 480


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"500 nL"', '"0 nL"', "stroke"),
        ('"20 mL"', '"0 mL"', "capacity"),
        ('critical_interval = { value = "10 min"', 'critical_interval = { value = "0 min"', "critical_interval"),
        (
            'non_critical_interval = { value = "1 h"',
            'non_critical_interval = { value = "0 h"',
            "non_critical_interval",
        ),
        ('"0.006 mL/day"', '"0.1 mL/day"', "minimum_rate"),
        ('"24 mL/day"', '"0.01 mL/day"', "rate_max"),
        ('"4380000"', '"0"', "strokes"),
        ('"4380000"', '"many"', "strokes"),
        ('"500 nL"', '"500"', "unit"),
        ('"20 mL"', '"5000 mL"', "capacity"),
        ('"24 mL/day"', '"5000 mL/day"', "rate_max"),
        ('silence = { value = "10 min"', 'silence = { value = "60 days"', "silence"),
        ('name = "peristaltic"', 'name = "a name that is too long"', "name"),
        ('model = "peristaltic 20 mL"', 'model = "ein Modellname, der zu lang ist"', "model"),
        ('name = "peristaltic"', 'name = ""', "name"),
        ("[battery]", "[accumulator]", "battery"),
        ("stroke = {", "strike = {", "stroke"),
        ("[flow]", "[flow", "TOML"),
    ],
)
def test_a_wrong_figure_is_refused_by_name(tmp_path: Path, old: str, new: str, says: str) -> None:
    """A profile that no pump could work with is refused, and the message names what is wrong with it."""
    found = old if SHIPPED.count(old) == 1 else f"\n{old}"
    with pytest.raises(ProfileError, match=says):
        load_profile(changed(tmp_path, found, new if found == old else f"\n{new}"))


@pytest.mark.parametrize("name", ["no such profile", "/"])
def test_a_profile_that_is_not_there_is_refused(name: str) -> None:
    """A name that is neither shipped nor a readable file is refused with what there is."""
    with pytest.raises(ProfileError, match="peristaltic"):
        load_profile(name)


@pytest.mark.verifies("PWR-05")
def test_the_battery_is_used_by_time_and_by_strokes() -> None:
    """A new battery is full, each of time and strokes empties it, and it never goes below empty."""
    profile = load_profile("peristaltic")
    life, strokes = profile.battery_life_idle.value, profile.battery_strokes

    def left(on_ms: int, moved: int) -> int:
        battery = Battery(profile)
        battery.settle(on_ms, moved)
        return battery.left_permille()

    assert left(0, 0) == 1000
    assert left(life // 2, 0) == 500
    assert left(0, strokes // 4) == 750
    assert left(life // 2, strokes // 4) == 250
    assert left(life, strokes) == 0
    assert left(100 * 365 * DAY_MS, 0) == 0
