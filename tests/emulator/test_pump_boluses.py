"""Boluses at the pump: lockouts and counts that nothing gives back, and a reason for every refusal."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.firmware.allowance import LONG_DAY_MS
from emulator.firmware.pump import SCRUB_MS
from protocol.messages import (
    Accepted,
    CancelBolus,
    ClinicianBolus,
    EnterRefill,
    PatientBolus,
    Refused,
    SetWallClock,
    Start,
    Stop,
)
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres
from protocol.vocabulary import LogKind, Mode, Reason, TherapyState
from tests.emulator.worlds import (
    A_BOLUS,
    CONTENTS_NL,
    LOCKOUT_MS,
    Bare,
    granted,
    infusing,
    prescription,
    press,
    ready,
)


@pytest.mark.verifies("BOL-01", "LOG-04")
@pytest.mark.parametrize(("after", "refused"), [(-1, Reason.LOCKOUT), (0, Reason.LOCKOUT), (1, None)])
def test_the_lockout_is_over_one_millisecond_after_its_end(after: int, refused: Reason | None) -> None:
    """A request is granted only strictly later than a lockout after the prescription."""
    bare = infusing()
    bare.advance(LOCKOUT_MS + after)
    assert press(bare) is refused


def test_a_refusal_says_when_to_ask_again() -> None:
    """Asked again exactly when the refusal says, and not a millisecond before, the request is granted."""
    for nudge, refused in ((-1, Reason.LOCKOUT), (0, None)):
        bare = infusing()
        reply = bare.ask(PatientBolus())
        assert isinstance(reply, Refused)
        bare.advance(reply.retry_after.value + nudge)
        assert press(bare) is refused


def damaged(bare: Bare) -> None:
    """Flip a bit and wait until it is found."""
    bare.chip.flip(bare.chip.newest_place("alarms"), 1)
    bare.advance(SCRUB_MS)


ENDS: dict[str, Callable[[Bare], object]] = {
    "by itself": lambda bare: bare.advance(max(0, bare.pump.therapy.bolus_end_in() or 0)),
    "cancelled": lambda bare: bare.ask(CancelBolus()),
    "by a stop": lambda bare: bare.ask(Stop()),
    "by a prescription": lambda bare: bare.prescribe(prescription(grant=granted())),
    "by an alarm": lambda bare: bare.ask(EnterRefill(Nanolitres(0), Nanolitres(0))),
    "by a power loss": Bare.power_up,
    "by damage": damaged,
}


@pytest.mark.verifies("BOL-03")
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("kind", ["patient", "clinician", "both"])
def test_every_end_of_a_bolus_restarts_the_lockout(kind: str, end: str) -> None:
    """Complete, cancelled, stopped, replaced, alarmed or cut off: at the end of a bolus the lockout begins anew."""
    bare = ready()
    if kind != "patient":
        assert isinstance(bare.ask(A_BOLUS), Accepted)
    if kind != "clinician":
        assert press(bare) is None
    bare.advance(MINUTE_MS)
    ENDS[end](bare)
    assert bare.count("pump.bolus", what="ended") >= 1
    assert bare.pump.record.lockout_until >= bare.now + LOCKOUT_MS - SCRUB_MS * (end == "by damage")
    assert press(bare) is not None


BETWEEN: dict[str, Callable[[Bare], object]] = {
    "cancel": lambda bare: bare.ask(CancelBolus()),
    "commit": lambda bare: bare.prescribe(prescription(grant=granted())),
    "commit a shorter lockout": lambda bare: bare.prescribe(prescription(grant=granted(lockout_ms=5 * MINUTE_MS))),
    "commit no grant and one again": lambda bare: (
        bare.prescribe(prescription()),
        bare.prescribe(prescription(grant=granted(lockout_ms=5 * MINUTE_MS))),
    ),
    "refill": lambda bare: bare.ask(EnterRefill(Nanolitres(0), Nanolitres(CONTENTS_NL))),
    "clock forward": lambda bare: bare.ask(SetWallClock(1 << 63)),
    "clock back": lambda bare: bare.ask(SetWallClock(0)),
    "stop and start": lambda bare: (bare.ask(Stop()), bare.ask(Start())),
    "power loss": Bare.power_up,
    "another press": press,
}


@pytest.mark.verifies("BOL-02", "BOL-04", "BOL-06")
@pytest.mark.parametrize("between", BETWEEN)
def test_nothing_gives_the_lockout_or_the_count_back(between: str) -> None:
    """No command and no power loss shortens the lockout or forgets a granted bolus."""
    bare = ready()
    assert press(bare) is None
    bare.advance(20 * MINUTE_MS)
    until, grants, now = bare.pump.record.lockout_until, bare.pump.record.grants, bare.now
    BETWEEN[between](bare)
    assert bare.now <= now
    assert bare.pump.record.lockout_until >= until
    assert bare.pump.record.grants == grants
    assert len(grants) == 1


@pytest.mark.verifies("BOL-05")
def test_the_count_holds_in_every_sliding_day() -> None:
    """With the button pressed every minute, never more boluses are granted in a sliding day than the count."""
    bare = ready(lockout_ms=5 * MINUTE_MS, duration_ms=MINUTE_MS, volume_nl=500, count=3)
    grants = []
    for _ in range(4 * 24 * 20):
        if press(bare) is None:
            grants.append(bare.now)
        bare.advance(3 * MINUTE_MS)
    assert len(grants) > 8
    assert LONG_DAY_MS >= DAY_MS * 1003 // 1000
    assert all(sum(at - LONG_DAY_MS < before <= at for before in grants) <= 3 for at in grants)
    assert bare.pump.record.denied == bare.count("pump.bolus", what="denied") == 4 * 24 * 20 - len(grants)
    assert len(bare.pump.record.grants) <= 3


def test_the_count_says_when_to_ask_again() -> None:
    """When all boluses of the day are used, the refusal names the millisecond when the first of them is a day old."""
    bare = ready(lockout_ms=5 * MINUTE_MS, duration_ms=MINUTE_MS, volume_nl=500, count=1)
    assert press(bare) is None
    bare.advance(HOUR_MS)
    reply = bare.ask(PatientBolus())
    assert isinstance(reply, Refused)
    assert reply.reason is Reason.COUNT_LIMIT
    bare.advance(reply.retry_after.value - 1)
    assert press(bare) is Reason.COUNT_LIMIT
    bare.advance(1)
    assert press(bare) is None


@pytest.mark.verifies("BOL-05")
def test_as_many_boluses_as_the_shortest_lockout_allows_are_counted() -> None:
    """With the largest count and the shortest lockout every press that the lockout allows is granted and counted."""
    grant = granted(volume_nl=1, duration_ms=MINUTE_MS, lockout_ms=5 * MINUTE_MS, count=255)
    bare = infusing(48_000, grant=grant)
    for _ in range(300):
        bare.advance(6 * MINUTE_MS + 1)
        assert press(bare) is None
    assert len(bare.pump.record.grants) == LONG_DAY_MS // (6 * MINUTE_MS + 1) + 1


@pytest.mark.verifies("BOL-07", "BOL-13")
def test_a_denied_request_changes_nothing_but_the_count_of_denials() -> None:
    """A denied press is counted and logged, delivers nothing and is not remembered for later."""
    bare = infusing()
    bare.advance(HOUR_MS)
    rate, strokes = bare.rate, len(bare.strokes)
    assert press(bare) is Reason.LOCKOUT
    assert (bare.rate, len(bare.strokes), bare.pump.panel.raised) == (rate, strokes, ())
    bare.advance(LOCKOUT_MS)
    assert bare.state is TherapyState.SIMPLE_CONTINUOUS
    assert bare.chip.log_entries()[-2].kind is LogKind.BOLUS_DENIED


@pytest.mark.verifies("BOL-07", "DOSE-05")
@pytest.mark.parametrize(
    ("volume", "duration", "reason"),
    [
        (0, HOUR_MS, Reason.DURATION_RANGE),
        (1, MINUTE_MS - 1, Reason.DURATION_RANGE),
        (1, DAY_MS + 1, Reason.DURATION_RANGE),
        (1, 0, Reason.DURATION_RANGE),
        ((1 << 32) - 1, (1 << 32) - 1, Reason.DURATION_RANGE),
        ((1 << 32) - 1, MINUTE_MS, Reason.RESERVOIR),
        (CONTENTS_NL + 1, DAY_MS, Reason.RESERVOIR),
        (20_000, MINUTE_MS, Reason.RATE_RANGE),
        (50_001, HOUR_MS, Reason.BOLUS_LIMIT),
        (50_000, HOUR_MS, None),
        (1, DAY_MS, None),
        (1, MINUTE_MS, None),
    ],
)
def test_each_bolus_is_refused_for_its_first_reason(volume: int, duration: int, reason: Reason | None) -> None:
    """Volumes and durations at the edges of what a message holds are refused for the right reason or delivered."""
    bare = infusing()
    reply = bare.ask(ClinicianBolus(Nanolitres(volume), Milliseconds(duration), "a test"))
    assert (reply.reason if isinstance(reply, Refused) else None) is reason
    bare.advance(2 * DAY_MS)
    assert bare.count("guard.refused") == 0


@pytest.mark.verifies("DOSE-06")
def test_a_soft_bolus_needs_a_reason() -> None:
    """A bolus above the soft limit is refused without a reason and begun with one."""
    for given, expected in (("", Refused), (" ", Refused), ("knowingly", Accepted)):
        assert isinstance(infusing().ask(ClinicianBolus(Nanolitres(25_001), Milliseconds(HOUR_MS), given)), expected)


@pytest.mark.verifies("MODE-12", "MODE-17")
def test_the_previous_infusion_resumes_after_a_bolus() -> None:
    """At the end of a bolus the flow is what it was before, in both modes that flow."""
    for wanted in (prescription(100_000), prescription(mode=Mode.MINIMUM_RATE)):
        bare = Bare()
        bare.prescribe(wanted)
        rate = bare.rate
        assert isinstance(bare.ask(A_BOLUS), Accepted)
        assert bare.rate > rate
        bare.advance(2 * HOUR_MS)
        assert bare.rate == rate
