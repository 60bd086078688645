"""What is due when, reckoned a second time."""

from __future__ import annotations

import datetime
from dataclasses import replace

from hypothesis import strategies as st

from emulator.programmer.dates import dates
from emulator.programmer.view import PumpView
from protocol.messages import PatientBolusGrant, Schedule
from protocol.prescription_digest import schedule_digest
from protocol.units import DAY_MS, HOUR_MS, Milliseconds, Nanolitres, NanolitresPerDay
from protocol.vocabulary import Mode, TherapyState
from verify.suites.fakes import FakePump, seen
from verify.suites.schedule import SCHEDULES, WEEK_MS, Table
from verify.suites.suite import Effort, Property, Suite, require
from verify.suites.tiny import LIBRARY, prescribe


def refills(effort: Effort) -> None:
    """Reckon the day of the refill, with bridges, schedules, boluses under way and to come, minute by minute."""

    def check(
        schedule: Schedule | None, now: int, left: int, bridge: int, under_way: int, count: int, boluses_left: int
    ) -> None:
        view = _view(schedule, now, left, bridge, under_way, count, boluses_left)
        found = dates(view, LIBRARY, None)
        bridged = -(-bridge * DAY_MS // 200_000) if bridge else 0

        def used(for_ms: int) -> int:
            first = min(for_ms, bridged)
            rest = for_ms - first
            then = Table.of(schedule).between(now + first, rest) if schedule else 123_457 * rest
            presses = count * (for_ms // DAY_MS + 1) if for_ms else boluses_left
            return -(-(first * 200_000 + then) // DAY_MS) + presses * 1_000 + under_way

        at = found.volume.at.value - now if found.volume.at else -1
        if left <= 0:
            require(at == 0, f"at the threshold the refill is due in {at} ms")
            return
        require(used(at) >= left, f"the refill is due in {at} ms, when {used(at)} of {left} nL are used")
        require(at == 0 or used(at - 1) < left, f"the refill is due in {at} ms, and {left} nL are used before that")
        effort.reached["bridge"] += bool(bridge)
        effort.reached["boluses"] += bool(count)
        require(
            found.refill.at == found.volume.at and found.stability.at is None, f"a refill is due by {found.refill}"
        )

    effort.search(
        check,
        schedule=SCHEDULES | st.none(),
        now=st.integers(0, 2 * WEEK_MS),
        left=st.sampled_from([-1, 0, 1, 50_000, 1_000_000, 18_000_000]),
        bridge=st.sampled_from([0, 1, 327_000]),
        under_way=st.sampled_from([0, 20_000]),
        count=st.sampled_from([0, 1, 30]),
        boluses_left=st.sampled_from([0, 1]),
    )


def _view(
    schedule: Schedule | None, now: int, left: int, bridge: int, under_way: int, count: int, boluses_left: int
) -> PumpView:
    pump = FakePump(LIBRARY)
    plain = prescribe(rate=0 if schedule else 123_457, mode=Mode.FLEX if schedule else Mode.SIMPLE_CONTINUOUS)
    grant = PatientBolusGrant(Nanolitres(1_000), Milliseconds(HOUR_MS), Milliseconds(HOUR_MS), count)
    pump.prescription = replace(plain, patient_bolus=grant, bridge=NanolitresPerDay(200_000 if bridge else 0))
    if schedule:
        pump.prescription = replace(pump.prescription, schedule=schedule_digest(schedule))
    pump.state, pump.schedule, pump.pump_time = TherapyState.FLEX, schedule, Milliseconds(now)
    pump.bridge_remaining, pump.boluses_left = Nanolitres(bridge), boluses_left
    pump.computed = Nanolitres(2_000_000 + left)
    view = seen(pump)
    therapy = replace(
        view.therapy, bolus_remaining=Nanolitres(under_way // 2), suspended_remaining=Nanolitres(under_way // 2)
    )
    return replace(view, therapy=therapy)


def other_dates(effort: Effort) -> None:
    """Ask for what is due with and without a clock, a refill, a prescription, and at the battery's indicator."""
    effort.tried += 6
    stable = 90 * DAY_MS
    for refilled, clock in ((0, 0), (40 * DAY_MS, 1_900_000_000_000), (41 * DAY_MS, 951_782_400_000)):
        pump = FakePump(LIBRARY)
        pump.prescription, pump.state = prescribe(rate=48_000), TherapyState.SIMPLE_CONTINUOUS
        pump.pump_time, pump.wall_clock = Milliseconds(41 * DAY_MS), clock
        found = dates(seen(pump), LIBRARY, Milliseconds(refilled))
        require(found.stability.at == Milliseconds(refilled + stable), f"a fluid of {refilled} ms is due: {found}")
        first = min(each.at for each in (found.stability, found.volume) if each.at is not None)
        require(found.refill.at == first, f"{found.refill} is due, not {first}")
        due = refilled + stable - 41 * DAY_MS
        day = (datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=clock + due)).date()
        require(found.stability.date == (day.isoformat() if clock else None), f"{found.stability} is not {day}")
        pump.replace_in, pump.eri = Milliseconds(5 * DAY_MS), True
        worn = dates(seen(pump), LIBRARY, None).replacement
        require(worn.at == Milliseconds(46 * DAY_MS) and "INDICATOR" in worn.words, f"at its indicator: {worn}")
    stopped = FakePump(LIBRARY)
    require(dates(seen(stopped), LIBRARY, None).volume.at is None, "a refill is due of a pump that holds nothing")
    stopped.prescription, stopped.computed = prescribe(rate=0, mode=Mode.STOPPED), Nanolitres(0)
    require(dates(seen(stopped), LIBRARY, None).volume.at is None, "a stopped pump runs empty")
    stranger = FakePump(LIBRARY)
    stranger.prescription = replace(prescribe(), drugs=(*prescribe().drugs, replace(prescribe().drugs[0], code=77)))
    require(dates(seen(stranger), LIBRARY, Milliseconds(0)).stability.at is None, "an unknown drug is stable")
    unknown = FakePump(LIBRARY)
    unknown.prescription = replace(prescribe(rate=0, mode=Mode.FLEX), schedule=bytes(range(16)))
    volume = dates(seen(unknown), LIBRARY, None).volume
    require(
        volume.at is None and "not known" in volume.words, f"of a schedule that nobody knows it is said: {volume}"
    )


SUITE = Suite(
    "dates",
    "when the pump must be refilled and replaced",
    (
        Property(
            "dates.refill",
            "The refill is due when the worst use says so.",
            refills,
            60,
            ("bridge", "boluses"),
            verifies=("RES-08",),
        ),
        Property("dates.others", "What is due is the earliest that can be known.", other_dates, verifies=("PWR-06",)),
    ),
)
