"""Counters at the end of their fields: they stay there, nothing comes round, and the therapy goes on."""

from __future__ import annotations

import pytest

from emulator.firmware.event_log import LAST_NUMBER
from protocol.messages import (
    BatteryReport,
    Interrogate,
    LogEntry,
    LogPage,
    PatientBolus,
    ReadLog,
    Refused,
    Stop,
    TherapyReport,
)
from protocol.units import HOUR_MS, Milliseconds
from protocol.vocabulary import LogKind, Section
from tests.emulator.worlds import Bare, infusing, prescription

MOST = (1 << 32) - 1


def with_log_at(sequence: int) -> Bare:
    """Return a pump whose log has come so far."""
    bare = infusing()
    bare.chip.append(sequence, LogEntry(sequence, Milliseconds(bare.now), LogKind.REFILL, 0, 7))
    bare.power_up()
    return bare


@pytest.mark.parametrize("left", [0, 1, 5, 300])
def test_a_log_that_is_out_of_numbers_ends_and_the_pump_goes_on(left: int) -> None:
    """After the last number nothing more is logged; what is there can be read, and the pump works as ever."""
    bare = with_log_at(LAST_NUMBER - left)
    for _ in range(200):
        bare.ask(Stop())
    assert bare.prescribe(prescription()).__class__.__name__ == "Accepted"
    bare.advance(3 * HOUR_MS)
    page = bare.ask(ReadLog(LAST_NUMBER - 3))
    assert isinstance(page, LogPage)
    page.pack()
    numbers = [entry.sequence for entry in bare.chip.log_entries()]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) <= LAST_NUMBER
    assert page.next <= LAST_NUMBER + 1
    bare.power_up()
    assert bare.ask(Stop()) is not None


def test_denied_requests_are_counted_up_to_the_largest_number() -> None:
    """A count of denied requests that is at its largest stays there and still fits its field."""
    bare = infusing()
    bare.pump.record = bare.pump.record._replace(denied=MOST - 1)
    for _ in range(3):
        assert isinstance(bare.ask(PatientBolus()), Refused)
    report = bare.ask(Interrogate(Section.THERAPY))
    assert isinstance(report, TherapyReport)
    assert report.denied == MOST
    report.pack()


def test_power_ups_are_reported_up_to_the_largest_number() -> None:
    """A pump that has been powered up more often than the field can say says the most."""
    bare = infusing()
    bare.pump.identity = bare.pump.identity._replace(power_ups=MOST + 5)
    bare.pump.save()
    bare.power_up()
    report = bare.ask(Interrogate(Section.BATTERY))
    assert isinstance(report, BatteryReport)
    assert report.power_ups == MOST
    report.pack()
