"""The memory chip: a write is whole or not at all, and every damaged bit is found and named."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.hardware.nonvolatile import Codec, NonVolatile, Page, PowerLostError, json_codec

NUMBERS = json_codec(lambda value: value, lambda plain: [int(number) for number in plain])
TEXT = Codec(lambda value: str(value).encode(), lambda raw: raw.decode())
STEPS_OF_A_WRITE = 2


def chip() -> NonVolatile:
    """Return a blank chip with two sections and a log of four entries."""
    return NonVolatile({"numbers": NUMBERS, "name": TEXT}, TEXT, 4)


def values(number: int) -> dict[str, Any]:
    """Return a state that says which one it is."""
    return {"numbers": [number, number], "name": f"state {number}"}


def written(*numbers: int) -> NonVolatile:
    """Return a chip after some writes."""
    made = chip()
    for number in numbers:
        made.write(values(number))
    return made


def rebooted(old: NonVolatile) -> NonVolatile:
    """Return another chip with every byte of the first."""
    other = chip()
    other.restore(old.to_json())
    return other


def test_the_newest_state_is_read_back() -> None:
    """What was written last is what is found, by a chip that saw it happen and by one that only has the bytes."""
    for count in range(1, 6):
        held = written(*range(count))
        assert held.load() == (values(count - 1), [])
        assert rebooted(held).load() == (values(count - 1), [])


def test_writing_goes_on_after_a_reboot() -> None:
    """The first write after a reboot replaces the older page, not the newer one."""
    held = rebooted(written(1, 2, 3))
    held.load()
    held.write(values(4))
    assert rebooted(held).load()[0] == values(4)
    newest = held.newest_place("name")
    held.flip(newest, 0)
    assert held.load()[0]["name"] == "state 3"


@pytest.mark.verifies("COM-08", "PWR-08")
@pytest.mark.parametrize("step", range(STEPS_OF_A_WRITE + 1))
@pytest.mark.parametrize("before", [1, 2, 3])
def test_a_write_is_whole_or_not_at_all(step: int, before: int) -> None:
    """Power cut at any step of a write leaves the old state, and after the last step the new one, all intact."""
    held = written(*range(before))
    held.steps_until_power_fails = step
    complete = step == STEPS_OF_A_WRITE
    if complete:
        held.write(values(99))
    else:
        with pytest.raises(PowerLostError):
            held.write(values(99))
    assert rebooted(held).load() == (values(99 if complete else before - 1), [])


def test_an_interrupted_write_leaves_its_page_blank() -> None:
    """A page is blanked before it is filled, as memory of this kind must be: cut between, it holds nothing."""
    for step, pages in ((0, 2), (1, 1)):
        held = written(1, 2)
        held.steps_until_power_fails = step
        with pytest.raises(PowerLostError):
            held.write(values(3))
        assert len([page for page in held.pages if page]) == pages


def test_after_an_interrupted_write_the_next_one_succeeds() -> None:
    """Power fails once, not for ever: the write that follows is complete and readable."""
    held = written(1, 2)
    held.steps_until_power_fails = 1
    with pytest.raises(PowerLostError):
        held.write(values(3))
    held.load()
    held.write(values(4))
    assert rebooted(held).load() == (values(4), [])


@pytest.mark.verifies("LOG-03")
@pytest.mark.parametrize("step", range(3))
def test_a_log_entry_is_whole_or_not_there(step: int) -> None:
    """Power cut in an append loses at most the entry that it overwrote and the new one; no entry is half there."""
    held = chip()
    for number in range(4):
        held.append(number, f"entry {number}")
    held.steps_until_power_fails = step
    if step < STEPS_OF_A_WRITE:
        with pytest.raises(PowerLostError):
            held.append(4, "entry 4")
    else:
        held.append(4, "entry 4")
    first = {0: ["entry 0"], 1: [], 2: ["entry 4"]}[step]
    other = rebooted(held)
    assert sorted(other.log_entries()) == sorted([*first, "entry 1", "entry 2", "entry 3"])
    assert other.load()[1] == []


@pytest.mark.verifies("LOG-02")
def test_the_log_overwrites_the_oldest() -> None:
    """A ring of four keeps the last four entries."""
    held = chip()
    for number in range(11):
        held.append(number, f"entry {number}")
    assert sorted(held.log_entries()) == ["entry 10", "entry 7", "entry 8", "entry 9"]


def every_bit() -> list[tuple[str, int]]:
    """Return every bit of a chip in use."""
    held = written(1, 2)
    held.append(0, "entry 0")
    return [(place, bit) for place, bits in held.places() for bit in range(bits)]


@pytest.mark.verifies("FLT-03")
def test_every_flipped_bit_is_found_and_named() -> None:
    """Each single bit of both pages, their sequence numbers and the log, turned over, is named and never believed."""
    flips = every_bit()
    for place, bit in flips:
        held = written(1, 2)
        held.append(0, "entry 0")
        held.flip(place, bit)
        found = rebooted(held)
        loaded, damaged = found.load()
        name = place.partition("@")[0]
        assert any(each.endswith(name) for each in damaged), (place, bit)
        assert loaded["numbers"] in ([1, 1], [2, 2])
        assert loaded["name"] in ("state 1", "state 2")
        assert (found.log_entries() == []) is (name == "log")
    assert len(flips) > 500


@pytest.mark.verifies("FLT-03", "FLT-09")
def test_damage_to_the_newest_page_gives_the_older_value_and_says_so() -> None:
    """A damaged section falls back to the other page's, is named plainly, and the other sections stay the newest."""
    held = written(1, 2)
    held.flip(held.newest_place("numbers"), 9)
    assert held.load() == ({"numbers": [1, 1], "name": "state 2"}, ["numbers"])
    held = written(1, 2)
    held.flip("numbers@0", 9)
    assert held.load() == (values(2), ["spare numbers"])


def test_a_page_without_a_readable_number_might_be_the_newest() -> None:
    """If a sequence number is damaged, every section is named, because the readable page may be an old one."""
    held = written(1, 2)
    held.flip("sequence@1", 0)
    loaded, damaged = held.load()
    assert loaded == values(1)
    assert {"numbers", "name"} <= set(damaged)
    held.flip("sequence@0", 0)
    loaded, damaged = held.load()
    assert loaded == {}
    assert {"numbers", "name"} <= set(damaged)


@pytest.mark.verifies("LOG-03")
def test_a_blank_chip_holds_nothing_and_is_not_damaged() -> None:
    """A chip that was never written has no state and no damage."""
    assert chip().load() == ({}, [])


def test_writing_over_damage_ends_it() -> None:
    """Damage is reported until both pages are written again and the damaged log entries are blanked."""
    held = written(1, 2)
    held.append(0, "entry 0")
    for place in ("numbers@0", "name@1", "log@0"):
        held.flip(place, 3)
    assert held.damage() == ["spare numbers", "name", "log"]
    held.write(values(3))
    assert held.damage() == ["spare name", "log"]
    held.write(values(4))
    assert held.damage() == ["log"]
    assert held.discard_damaged_log() == 1
    assert held.damage() == []


def test_two_flips_of_one_bit_are_none() -> None:
    """A bit turned over twice is as it was."""
    held = written(1, 2)
    held.flip("name@0", 5)
    held.flip("name@0", 5)
    assert held.load() == (values(2), [])


def test_the_log_place_is_one_that_is_written() -> None:
    """The place to damage in the log is the first cell that holds an entry, wherever that is."""
    held = written(1)
    held.append(2, "entry 2")
    assert held.newest_place("log") == "log@2"


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"pages": None, "log": {}},
        {"pages": [None], "log": {}},
        {"pages": [None, None], "log": []},
        {"pages": [None, {"numbers": "00"}], "log": {}},
        {"pages": [None, {"numbers": "zz", "name": "", "sequence": ""}], "log": {}},
        {"pages": [None, None], "log": {"4": "00"}},
        {"pages": [None, None], "log": {"x": "00"}},
        {"pages": [5, None], "log": {}},
    ],
)
def test_an_image_that_is_not_one_is_refused(content: dict[str, Any]) -> None:
    """Bytes that are not laid out as a chip raise ``ValueError`` and nothing else."""
    with pytest.raises(ValueError, match=r".+"):
        chip().restore(content)


@pytest.mark.parametrize("raw", ["", "00", "00000000", "ff" * 9])
def test_short_and_wrong_cells_are_damage(raw: str) -> None:
    """A section of the wrong length or checksum is damaged, even an empty one."""
    held = written(1, 2)
    content = held.to_json()
    content["pages"][1]["numbers"] = raw
    other = chip()
    other.restore(content)
    assert other.load() == ({"numbers": [1, 1], "name": "state 2"}, ["numbers"])


def test_a_page_made_of_bytes_is_a_page() -> None:
    """Sections taken out of bytes read as the values that went in."""
    held = written(7)
    page = held.pages[0]
    assert page is not None
    copy = Page.from_bytes({name: cell.to_bytes() for name, cell in page.cells.items()}, held.codecs)
    assert {name: copy.cells[name].read() for name in held.codecs} == values(7)


@pytest.mark.parametrize("raw", [b"", b"nonsense", b"7", b'["x"]', b'{"a": 1}', b"\xff"])
def test_nonsense_in_a_section_is_a_value_error(raw: bytes) -> None:
    """Whatever bytes a JSON section holds, decoding gives a value or ``ValueError``."""
    with pytest.raises(ValueError, match=r".+"):
        NUMBERS.decode(raw)
