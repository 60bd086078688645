"""What is due when: never later than the reservoir or the fluid allow, in pump time and as a date."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.library import Library
from emulator.programmer.dates import FURTHEST_MS, date_of, dates, worst_use_nl
from emulator.programmer.programmer import Programmer
from emulator.programmer.view import PumpView
from emulator.schedule import DAYS
from protocol.messages import LogEntry, PatientBolusGrant, ReadLog, Schedule, Step
from protocol.prescription_digest import schedule_digest
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay
from protocol.vocabulary import LogKind, Mode, Reason, TherapyState
from tests.emulator.test_programmer_bridge import clinic, updated
from tests.emulator.worlds import MORPHINE, World
from verify.suites.fakes import FakePump, infusing_pump

LIBRARY = Library.shipped()
ML = 1_000_000


def seen(pump: FakePump) -> PumpView:
    """Return what an interrogation shows."""
    programmer = pump.programmer(LIBRARY)
    programmer.connect()
    return programmer.interrogate()


def using(rate: int = 100_000, volume: int = 0, count: int = 0, contents: int = 12 * ML) -> FakePump:
    """Return a pump with so much in it, the threshold at 2 mL, that has run for a day."""
    pump = infusing_pump(LIBRARY)
    grant = PatientBolusGrant(Nanolitres(volume), Milliseconds(10 * MINUTE_MS), Milliseconds(HOUR_MS), count)
    pump.prescription = replace(pump.prescription, rate=NanolitresPerDay(rate), patient_bolus=grant)
    pump.computed, pump.pump_time, pump.boluses_left = Nanolitres(contents), Milliseconds(DAY_MS), count
    return pump


def due_ms(pump: FakePump) -> int:
    """Return in how many ms the reservoir is due by its volume."""
    due = dates(seen(pump), LIBRARY, None).volume
    assert due.at is not None
    return due.at.value - pump.pump_time.value


def test_a_steady_flow_is_divided_out() -> None:
    """10 mL above the threshold at 0.1 mL/day are a hundred days, to the millisecond in which it is passed."""
    assert due_ms(using()) == 100 * DAY_MS - DAY_MS // 100_000 + 1


@pytest.mark.verifies("RES-08")
def test_every_patient_bolus_is_taken_to_be_used_as_early_as_it_can_be() -> None:
    """Four boluses of 25 uL at once, and four more whenever 24 hours are over, halve the time and a little more."""
    assert 49 * DAY_MS < due_ms(using(volume=25_000, count=4)) < 50 * DAY_MS


@pytest.mark.verifies("RES-08")
@given(
    rate=st.integers(48_000, 2_000_000),
    volume=st.integers(0, 100_000),
    count=st.integers(0, 24),
    contents=st.integers(0, 20 * ML),
    used=st.lists(st.integers(0, 30 * 24), max_size=30),
)
def test_no_patient_passes_the_threshold_before_the_date(
    rate: int, volume: int, count: int, contents: int, used: list[int]
) -> None:
    """Whoever presses when: what the grant allows never brings the reservoir under the threshold before it is due."""
    pump = using(rate, volume, count, contents)
    due = due_ms(pump) if contents > 2 * ML else 0
    taken: list[int] = []
    for hour in sorted(used):
        if sum(hour - 24 < earlier for earlier in taken) < count:
            taken.append(hour)
    for hour in taken:
        at = hour * HOUR_MS + 1
        gone = rate * at // DAY_MS + volume * sum(earlier <= hour for earlier in taken)
        if contents - gone < 2 * ML:
            assert due <= at


@given(
    spans=st.lists(st.integers(0, 10**10), min_size=2, max_size=2),
    mode=st.sampled_from([Mode.MINIMUM_RATE, Mode.FLEX]),
)
def test_the_worst_use_only_grows(spans: list[int], mode: Mode) -> None:
    """A later time never uses less: the search for the date rests on it."""
    pump = flexing() if mode is Mode.FLEX else using(volume=10_000, count=3)
    pump.bridge_remaining = Nanolitres(100_000)
    pump.prescription = replace(pump.prescription, bridge=NanolitresPerDay(60_000))
    view = seen(pump)
    assert worst_use_nl(view, min(spans)) <= worst_use_nl(view, max(spans))


def flexing() -> FakePump:
    """Return a pump that infuses 2 mL/day on Mondays and 0.1 mL/day otherwise; it is Sunday 12:00."""
    pump = using()
    steps = (
        Step(0, Milliseconds(0), NanolitresPerDay(2_000_000)),
        Step(1, Milliseconds(0), NanolitresPerDay(100_000)),
    )
    pump.schedule = Schedule(Milliseconds(DAY_MS + DAY_MS // 2), bytes((0, *(1,) * (DAYS - 1))), steps)
    pump.prescription = replace(
        pump.prescription, mode=Mode.FLEX, rate=NanolitresPerDay(0), schedule=schedule_digest(pump.schedule)
    )
    pump.state = TherapyState.FLEX
    return pump


def test_a_schedule_is_followed_step_by_step() -> None:
    """With 1.05 mL above the threshold on Sunday noon, Monday noon is when it is reached, not the average's date."""
    pump = flexing()
    pump.computed = Nanolitres(3_050_000)
    assert abs(due_ms(pump) - DAY_MS) <= 1_000


def test_a_bridge_flows_first_at_its_own_rate() -> None:
    """The line at the bridge's rate, then the basal flow."""
    pump = using(1_000_000)
    pump.state, pump.bridge_remaining = TherapyState.BRIDGE, Nanolitres(300_000)
    pump.prescription = replace(pump.prescription, bridge=NanolitresPerDay(100_000))
    assert abs(due_ms(pump) - (3 * DAY_MS + 97 * DAY_MS // 10)) <= 1_000


def test_stability_counts_from_the_last_refill_and_the_least_stable_drug_decides() -> None:
    """The earlier of the two is the date of the refill."""
    view = seen(using())
    late = dates(view, LIBRARY, Milliseconds(DAY_MS // 2))
    morphine = LIBRARY.by_name("morphine")
    assert morphine is not None
    assert late.stability.at == Milliseconds(DAY_MS // 2) + morphine.stability
    assert late.refill == late.stability
    early = dates(seen(using(contents=3 * ML)), LIBRARY, Milliseconds(DAY_MS // 2))
    assert early.refill == early.volume


def test_the_least_stable_drug_of_a_mixture_decides() -> None:
    """Ziconotide beside morphine brings the refill forward."""
    pump = using()
    ziconotide, (morphine,) = LIBRARY.by_name("ziconotide"), pump.prescription.drugs
    assert ziconotide is not None
    pump.prescription = replace(pump.prescription, drugs=(morphine, replace(morphine, code=ziconotide.code)))
    due = dates(seen(pump), LIBRARY, Milliseconds(0)).stability
    assert due.at == ziconotide.stability
    assert due.words.startswith("ziconotide is stable for 40 days")


def test_a_schedule_goes_on_where_the_bridge_ends() -> None:
    """Half a day of bridge first, and Monday's flow begins at Monday's midnight all the same."""
    pump = flexing()
    pump.computed, pump.bridge_remaining = Nanolitres(3_050_000), Nanolitres(50_000)
    pump.prescription = replace(pump.prescription, bridge=NanolitresPerDay(100_000))
    assert abs(due_ms(pump) - DAY_MS) <= 1_000


def test_what_is_not_known_is_said() -> None:
    """No refill, no flow, an unknown drug or an unknown schedule: words instead of a date."""
    view = seen(using())
    none = dates(view, LIBRARY, None)
    assert "no refill is known" in none.stability.words
    assert none.refill == none.volume
    stopped = using()
    stopped.prescription = replace(stopped.prescription, mode=Mode.STOPPED, rate=NanolitresPerDay(0))
    nothing = dates(seen(stopped), LIBRARY, None)
    assert (nothing.volume.at, nothing.refill.at) == (None, None)
    unknown = using()
    unknown.prescription = replace(unknown.prescription, drugs=(replace(unknown.prescription.drugs[0], code=99),))
    assert "does not know" in dates(seen(unknown), LIBRARY, Milliseconds(0)).stability.words
    lost = flexing()
    lost.schedule = None
    assert "schedule" in dates(seen(lost), LIBRARY, None).volume.words
    held = using()
    held.state = TherapyState.STOPPED
    assert "the infusion started now" in dates(seen(held), LIBRARY, None).volume.words


@pytest.mark.verifies("PWR-06")
def test_the_replacement_is_dated_and_the_indicator_is_said() -> None:
    """By the pump's reckoning; at the indicator in capitals, and at once if that is now."""
    pump = using()
    pump.wall_clock, pump.replace_in = 1_709_078_400_000, Milliseconds(90 * DAY_MS)
    healthy = dates(seen(pump), LIBRARY, None).replacement
    assert (healthy.at, healthy.date) == (Milliseconds(91 * DAY_MS), "2024-05-28")
    assert "INDICATOR" not in healthy.words
    pump.eri, pump.replace_in = True, Milliseconds(0)
    due = dates(seen(pump), LIBRARY, None).replacement
    assert due.at == pump.pump_time
    assert "ELECTIVE REPLACEMENT INDICATOR" in due.words


def test_a_reservoir_at_its_threshold_is_due_now() -> None:
    """And not in the past."""
    due = dates(seen(using(contents=2 * ML)), LIBRARY, None).volume
    assert due.at == Milliseconds(DAY_MS)


def test_what_outlasts_every_service_life_is_never_due() -> None:
    """A flow of next to nothing is not counted beyond centuries."""
    due = dates(seen(using(rate=1)), LIBRARY, None).volume
    assert due.at is None
    assert FURTHEST_MS > 100 * 365 * DAY_MS


@pytest.mark.verifies("LOG-06")
@pytest.mark.parametrize(
    ("wall_clock", "days", "date"),
    [
        (1_709_078_400_000, 1, "2024-02-29"),
        (1_709_078_400_000, 2, "2024-03-01"),
        (1_740_700_800_000, 1, "2025-03-01"),
        (4_107_456_000_000, 1, "2100-03-01"),
        (2_147_483_647_000, 1, "2038-01-20"),
        (4_294_967_295_000, 1, "2106-02-08"),
        (1_798_675_200_000, 1, "2027-01-01"),
        (2**64 - 1, 1, "beyond every calendar"),
        (0, 1, None),
    ],
)
def test_dates_go_over_leap_days_and_every_rollover(wall_clock: int, days: int, date: str | None) -> None:
    """29 February, 2038, 2106 and New Year are days like others; without a wall clock there is no date."""
    pump = using()
    pump.wall_clock = wall_clock
    assert date_of(seen(pump), Milliseconds(DAY_MS + days * DAY_MS)) == date


def ready(pump: FakePump) -> Programmer:
    """Return a programmer that has interrogated the pump."""
    programmer = pump.programmer(LIBRARY)
    programmer.connect()
    programmer.interrogate()
    return programmer


@pytest.mark.parametrize("after", [0, 1, 44, 45, 46, 200])
def test_the_last_refill_is_found_however_far_back(after: int) -> None:
    """Whatever came after it, the last of two refills counts."""
    kinds = [LogKind.REFILL, LogKind.POWER_UP, LogKind.REFILL, *[LogKind.STATE] * after]
    pump = using()
    pump.log = tuple(LogEntry(500 + n, Milliseconds(1_000 * n), kind, 0, 0) for n, kind in enumerate(kinds))
    morphine = LIBRARY.by_name("morphine")
    assert morphine is not None
    assert ready(pump).dates().stability.at == Milliseconds(2_000) + morphine.stability


def test_a_log_without_a_refill_or_one_that_may_not_be_read_gives_no_age() -> None:
    """The volume's date stands all the same."""
    pump = using()
    assert ready(pump).dates().stability.at is None
    pump.refusals[ReadLog] = Reason.NOT_PERMITTED
    shown = ready(pump).dates()
    assert shown.stability.at is None
    assert shown.refill == shown.volume


@pytest.mark.verifies("RES-04", "RES-06")
def test_a_real_pump_raises_the_alarm_when_the_date_says() -> None:
    """Without boluses the reservoir of a real pump is at its threshold within a stroke's time of the date."""
    world = World(fluid=((MORPHINE, 20_000),))
    programmer = clinic(world)
    draft = programmer.blank().fluid(("morphine", "20 mg/mL"))
    draft = draft.flex("all 00:00 10 mg/day", "all 12:00 16 mg/day").now("mon 03:30", Milliseconds(0))
    updated(programmer, draft.low_reservoir_at("15 mL"))
    programmer.interrogate()
    due = programmer.dates().volume.at
    assert due is not None
    programmer.close()
    world.advance(due.value - 2 * MINUTE_MS - world.pump.now)
    assert world.pump.reservoir_nl > 15 * ML
    world.advance(3 * MINUTE_MS)
    assert world.pump.reservoir_nl <= 15 * ML
