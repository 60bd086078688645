"""What the firmware keeps: every section becomes bytes and comes back the same, or is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.firmware.state import CODECS, LOG_CAPACITY, State, new_chip
from protocol.messages import ClinicianBolus, LogEntry, PatientBolus, SetWallClock, Stop
from protocol.units import DAY_MS, HOUR_MS, Milliseconds, Nanolitres
from protocol.vocabulary import LogKind
from tests.emulator.worlds import Bare, drug, granted, infusing, prescription


def new() -> Bare:
    """Return a pump that was never programmed."""
    return Bare()


def in_a_bolus() -> Bare:
    """Return a pump with a patient's bolus running, a clinician's suspended and two fluids in the line."""
    bare = Bare(line_fluid=((7, 5), (8, 100)))
    bare.prescribe(prescription(300_000, [drug(), drug(5, 10_000)], grant=granted(), reason="µ and ü"))
    bare.advance(6 * HOUR_MS)
    bare.ask(ClinicianBolus(Nanolitres(9_000), Milliseconds(HOUR_MS), "a test"))
    bare.ask(PatientBolus())
    bare.advance(1_000)
    return bare


def troubled() -> Bare:
    """Return a pump with alarms active and latched, stopped for days, with a wall clock and denied requests."""
    bare = infusing()
    bare.body.stalled = True
    bare.advance(DAY_MS)
    bare.ask(PatientBolus())
    bare.ask(SetWallClock(1_700_000_000_000))
    bare.ask(Stop())
    bare.advance(3 * DAY_MS)
    bare.power_up()
    return bare


@pytest.mark.parametrize("pump", [new, in_a_bolus, troubled])
def test_every_section_comes_back_from_its_bytes(pump: Any) -> None:
    """Encoding a real state section by section and decoding it again gives the identical state."""
    state = pump().pump.state()
    sections = {name: CODECS[name].decode(CODECS[name].encode(value)) for name, value in state._asdict().items()}
    assert State(**sections) == state
    for name, value in state._asdict().items():
        assert type(sections[name]) is type(value), name


@pytest.mark.parametrize("section", CODECS)
def test_the_sections_are_those_of_the_state(section: str) -> None:
    """Every section of a memory page is a field of the state, and the other way round."""
    assert section in State._fields
    assert set(CODECS) == set(State._fields)


@pytest.mark.verifies("FLT-09")
@pytest.mark.parametrize("section", CODECS)
@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"[1]", b"{}", b'"x"', b"1", b"[[[1]]]", b"\xff\xfe"])
def test_other_bytes_are_refused_with_a_value_error(section: str, raw: bytes) -> None:
    """Bytes that are not a section decode to nothing but a ``ValueError``; an empty list of ledgers is a state."""
    if (section, raw) in {("ledgers", b"[]"), ("ledgers", b"{}")}:
        assert CODECS[section].decode(raw) == ()
        return
    with pytest.raises(ValueError, match=r".*"):
        CODECS[section].decode(raw)


def test_a_ring_that_does_not_add_up_is_refused() -> None:
    """A ledger whose sum is not the sum of its buckets is not believed even with a right checksum."""
    plain = json.loads(CODECS["ledgers"].encode(in_a_bolus().pump.state().ledgers))
    plain[0][1][0][2] -= 1
    with pytest.raises(ValueError, match="sum"):
        CODECS["ledgers"].decode(json.dumps(plain).encode())


def test_a_log_entry_of_another_length_is_refused() -> None:
    """A log cell holds exactly one entry: one byte more or less is damage."""
    codec = new_chip().log_codec
    entry = LogEntry(5, Milliseconds(7), LogKind.STATE, 3, 9)
    raw = codec.encode(entry)
    assert codec.decode(raw) == entry
    for wrong in (raw[:-1], raw + b"\0", b"", bytes(len(raw))):
        with pytest.raises(ValueError, match=r".+"):
            codec.decode(wrong)


@pytest.mark.verifies("FLT-14", "LOG-02")
def test_a_full_log_is_large_and_bounded() -> None:
    """The log ring has the stated capacity, and one entry more overwrites the oldest."""
    bare = Bare()
    for number in range(LOG_CAPACITY + 7):
        bare.pump.log.add(number, LogKind.STATE)
    bare.pump.log.flush()
    page = bare.pump.log.page(0)
    assert len(bare.chip.log_entries()) == LOG_CAPACITY
    assert page.next - page.oldest == LOG_CAPACITY
    assert [entry.sequence for entry in page.entries] == list(range(page.oldest, page.oldest + 9))
