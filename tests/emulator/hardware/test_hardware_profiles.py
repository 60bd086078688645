"""The shipped kinds of pump, catheters as they are sold, and mistakes in a profile of one's own."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from emulator.hardware.catheter_models import CatheterError, Millimetres, catheter_models, catheter_volume
from emulator.hardware.profile import FIGURES, SHIPPED, ProfileError, line_of, load_profile
from protocol.messages import Accepted
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from tests.emulator.worlds import MORPHINE, World, drug, prescription


def text_of(name: str) -> str:
    """Return a shipped profile's text."""
    return (resources.files("emulator") / "data" / f"{name}.toml").read_text("utf-8")


def own(tmp_path: Path, text: str) -> str:
    """Return the path of a file with a text."""
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    return str(path)


def test_the_two_kinds_differ_where_it_matters() -> None:
    """One has a motor and a minimum that flows, the other has valves, larger shots and a valve that shuts."""
    peristaltic, valve = (load_profile(name) for name in SHIPPED)
    assert (peristaltic.drive, peristaltic.flow_valve, peristaltic.minimum_rate.value) == (
        "peristaltic",
        False,
        6_000,
    )
    assert (valve.drive, valve.flow_valve, valve.minimum_rate.value) == ("valve", True, 0)
    assert (peristaltic.accuracy_permille, valve.accuracy_permille) == (145, 150)
    assert (valve.stroke.value, valve.rate_max.value, valve.flow_valve_escape.value) == (2_500, 28_800_000, 10_000)
    assert (peristaltic.stall_detection.value, peristaltic.stall_detection_minimum.value) == (
        20 * MINUTE_MS,
        24 * HOUR_MS,
    )
    assert peristaltic.line_nl == valve.line_nl == 327_000


def test_a_valve_pump_infuses() -> None:
    """The same controller runs the other hardware: a day's dose arrives, in larger shots."""
    world = World(profile=load_profile("valve"), fluid=((MORPHINE, 500),))
    assert isinstance(world.prescribe(prescription(1_000_000, (drug(concentration=500),))), Accepted)
    world.advance(DAY_MS)
    assert (world.device.body.strokes, world.device.body.tip_pg) == (400, {MORPHINE: 500_000_000})


@pytest.mark.parametrize("name", SHIPPED)
def test_every_figure_of_a_profile_is_needed_and_its_line_is_named(tmp_path: Path, name: str) -> None:
    """Leaving any one out is refused, and so is giving it no source; the message names the line."""
    lines = text_of(name).splitlines()
    for section, key in FIGURES:
        number = line_of("\n".join(lines), section, key)
        assert lines[number - 1].startswith(f"{key} = ")
        without = [*lines[: number - 1], *lines[number:]]
        header = lines.index(f"[{section}]") + 1
        with pytest.raises(ProfileError, match=rf"line {header}: \[{section}\] {key}: is missing"):
            load_profile(own(tmp_path, "\n".join(without)))
        bare = [*lines[: number - 1], f'{key} = {{ value = "1" }}', *lines[number:]]
        with pytest.raises(ProfileError, match=rf"line {number}: \[{section}\] {key}: needs a source"):
            load_profile(own(tmp_path, "\n".join(bare)))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("[alarms]", '[alarms]\nvolume = { value = "loud" }', r"line \d+: \[alarms\] volume: is not known"),
        ("[alarms]", "[radio]\n\n[alarms]", r"line \d+: radio: is not known"),
        ('drive = "peristaltic"', 'drive = "rubber band"', "line 7: drive: “rubber band”"),
        ('name = "peristaltic"', 'colour = "blue"\nname = "peristaltic"', "line 5: colour: is not known"),
        ('value = "145"', 'value = "1000"', "accuracy_permille"),
        ('value = "145"', 'value = "14.5"', "not a whole number"),
        ('value = "no"', 'value = "perhaps"', "neither yes nor no"),
        ('value = "22 mL"', 'value = "19 mL"', "overfill: must not be less"),
        ('value = "silicone 89 cm"', 'value = "garden hose"', "neither a volume nor one of: silicone 89 cm"),
        ('value = "silicone 89 cm"', 'value = "0.2 mL"', "trimmed already"),
        ('value = "4 cm"', 'value = "89 cm"', "leaves nothing"),
        ('value = "4 cm"', 'value = "4"', "has no unit"),
        ('confidence = "public", source = "14.5 %', 'confidence = "sure", source = "14.5 %', "needs a source"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, old: str, new: str, says: str) -> None:
    """Every message says what is wrong with which figure and in which line."""
    text = text_of("peristaltic")
    assert text.count(old) == 1
    with pytest.raises(ProfileError, match=rf"line \d+: .*{says}" if not says.startswith("line") else says):
        load_profile(own(tmp_path, text.replace(old, new)))


def test_a_catheter_is_what_trimming_leaves() -> None:
    """Volume follows the length that is left; a catheter may also be given by its volume."""
    assert {name: model.length.text("cm") for name, model in catheter_models().items()} == {
        "silicone 89 cm": "89 cm",
        "silicone 104 cm": "104 cm",
        "reinforced 114 cm": "114 cm",
        "reinforced 140 cm": "140 cm",
    }
    assert catheter_volume("silicone 104 cm", "19 cm").value == 187_000
    assert catheter_volume("reinforced 140 cm", "5 mm").value == 306_900
    assert catheter_volume("0.187 mL", "0 cm").value == 187_000
    with pytest.raises(CatheterError, match="leaves nothing"):
        catheter_models()["silicone 89 cm"].implanted(Millimetres(890))


def test_a_third_kind_of_pump_works(tmp_path: Path) -> None:
    """A file of one's own, with a longer catheter and a smaller stroke, makes a pump that infuses."""
    text = (
        text_of("peristaltic")
        .replace('"500 nL"', '"250 nL"')
        .replace('"4380000"', '"8760000"')
        .replace('"4 cm"', '"0 cm"')
    )
    profile = load_profile(own(tmp_path, text.replace('name = "peristaltic"', 'name = "mine"')))
    assert (profile.name, profile.line_nl) == ("mine", 140_000 + 195_800)
    world = World(profile=profile)
    assert isinstance(world.prescribe(prescription(100_000)), Accepted)
    world.advance(DAY_MS)
    assert world.device.body.strokes == 400
