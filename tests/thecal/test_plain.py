"""Messages as JSON and as text."""

import json

from protocol.messages import AlarmEntry, AlarmsReport, TherapyReport
from protocol.units import Milliseconds, Nanolitres, NanolitresPerDay
from protocol.vocabulary import AlarmCode, AlarmStatus, Priority, TherapyState
from thecal.plain import plain, rows

ALARM = AlarmEntry(AlarmCode.MOTOR_STALL, Priority.CRITICAL, AlarmStatus.ACTIVE, Milliseconds(90_000))


def therapy(wall_clock: int) -> TherapyReport:
    """Return a report with that wall clock."""
    nothing = Nanolitres(0)
    return TherapyReport(
        Milliseconds(0),
        wall_clock,
        TherapyState.SIMPLE_CONTINUOUS,
        NanolitresPerDay(100_000),
        nothing,
        nothing,
        Milliseconds(0),
        3,
        0,
        Milliseconds(0),
    )


def test_a_message_becomes_json_with_units() -> None:
    """A quantity keeps its exact number, its unit, and a text to read; a name is a word."""
    document = plain(AlarmsReport(2, Milliseconds(0), (ALARM,)))
    assert json.loads(json.dumps(document)) == document
    assert document["alarms"][0]["code"] == "motor_stall"
    assert document["alarms"][0]["raised_at"] == {"value": 90_000, "unit": "ms", "text": "1.5 min"}


def test_bytes_and_plain_values_are_carried() -> None:
    """Bytes are hexadecimal; what JSON knows stays as it is."""
    assert plain({"digest": b"\x01\xff", "count": 3, "none": None, "yes": True}) == {
        "digest": "01ff",
        "count": 3,
        "none": None,
        "yes": True,
    }


def test_a_message_becomes_rows() -> None:
    """Every leaf has a name and a text; lists are numbered from 1, and an empty one says so."""
    assert dict(rows(AlarmsReport(2, Milliseconds(0), (ALARM,))))["alarms 1 raised at"] == "1 min 30 s"
    assert dict(rows(AlarmsReport(0, Milliseconds(0), ())))["alarms"] == "none"
    assert dict(rows(therapy(0)))["rate"] == "100 uL/day"


def test_the_wall_clock_is_shown_as_a_date() -> None:
    """Unset, set, and beyond all calendars."""
    assert dict(rows(therapy(0)))["wall clock"] == "never set"
    assert dict(rows(therapy(1_769_860_800_000)))["wall clock"] == "2026-01-31 12:00:00 UTC"
    assert dict(rows(therapy(2**64 - 1)))["wall clock"] == f"{2**64 - 1} ms after 1970"
