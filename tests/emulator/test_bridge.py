"""Bridges: the old fluid leaves the line at its own rate, to the stroke, whatever comes between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from emulator.firmware.meters import bridge_remaining_nl
from emulator.hardware.line import Fluid
from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    ClinicianBolus,
    Interrogate,
    Message,
    PatientBolus,
    Prescription,
    Refused,
    Start,
    Stop,
    TherapyReport,
)
from protocol.units import DAY_MS, HOUR_MS, Milliseconds, Nanolitres, NanolitresPerDay
from protocol.vocabulary import AlarmCode, LogKind, Mode, Reason, Section, TherapyState
from tests.emulator.worlds import BUPIVACAINE, MORPHINE, Bare, drug, flex, granted, prescription, schedule

LINE_NL = 327_000
OLD, NEW = 25_000, 5_000
"""The published hazard: 5 mg/day from 25 to 5 mg/mL is five times the dose for hours, without a bridge."""


def of(rate: int, concentration: int, *, bridge: int = 0, reason: str = "", **changes: object) -> Prescription:
    """Return a prescription of morphine of some strength."""
    made = prescription(rate, [drug(concentration=concentration)], reason=reason or "a soft limit", **changes)  # type: ignore[arg-type]
    return replace(made, bridge=NanolitresPerDay(bridge), override_reason=reason)


def changed(bridge: int = 200_000, reason: str = "a soft limit", *, new_rate: int = 1_000_000) -> Bare:
    """Return a pump whose fluid was changed from 25 to 5 mg/mL at 5 mg/day."""
    bare = Bare(fluid=((MORPHINE, OLD),))
    assert isinstance(bare.prescribe(of(200_000, OLD, reason="a soft limit")), Accepted)
    bare.advance(DAY_MS)
    assert isinstance(bare.prescribe(of(new_rate, NEW, bridge=bridge, reason=reason)), Accepted)
    return bare


def reason_of(reply: Message) -> Reason | None:
    """Return why something was refused."""
    return reply.reason if isinstance(reply, Refused) else None


def doses_per_day(bare: Bare, since_ms: int) -> set[int]:
    """Return the doses in pg/day at which the patient was infused, stroke by stroke."""
    strokes = [stroke for stroke in bare.strokes if stroke.at_ms > since_ms]
    pairs = pairwise(strokes)
    return {later.tip.get(MORPHINE, 0) * DAY_MS // (later.at_ms - stroke.at_ms) for stroke, later in pairs}


@pytest.mark.verifies("PRM-06")
def test_over_a_bridge_the_dose_at_the_tip_stays() -> None:
    """From 25 to 5 mg/mL at 5 mg/day the patient gets 5 mg/day throughout, until the line is new."""
    bare = changed()
    assert (bare.state, bare.rate) == (TherapyState.BRIDGE, 200_000)
    began = bare.now
    bare.advance(3 * DAY_MS)
    assert (bare.state, bare.rate) == (TherapyState.SIMPLE_CONTINUOUS, 1_000_000)
    ended = next(at for at, kind, data in bare.told if kind == "pump.state" and at > began)
    assert ended - began == pytest.approx(LINE_NL * DAY_MS // 200_000, abs=500 * DAY_MS // 200_000)
    assert all(abs(dose - 5_000_000_000) <= 5_000_000_000 // 80 for dose in doses_per_day(bare, began + HOUR_MS))
    assert [entry.kind for entry in bare.chip.log_entries()].count(LogKind.BRIDGE_ENDED) == 1


@pytest.mark.verifies("PRM-06")
def test_without_a_bridge_there_must_be_a_reason() -> None:
    """A change of strength with neither bridge nor reason is refused; a reason is enough, within the limits."""
    bare = Bare(fluid=((MORPHINE, 10_000),))
    bare.prescribe(of(100_000, 10_000))
    assert reason_of(bare.prescribe(of(200_000, NEW))) is Reason.BRIDGE_NEEDED
    assert isinstance(bare.prescribe(of(200_000, NEW, reason="seen and wanted")), Accepted)
    assert bare.state is TherapyState.SIMPLE_CONTINUOUS


@pytest.mark.verifies("DOSE-01", "PRM-06")
def test_the_published_hazard_is_refused_by_the_limits_at_the_tip() -> None:
    """Five times 5 mg/day passes 20 mg in a day at the tip: no reason helps."""
    bare = Bare(fluid=((MORPHINE, OLD),))
    bare.prescribe(of(200_000, OLD, reason="a soft limit"))
    assert reason_of(bare.prescribe(of(4_000_000, NEW, reason="knowingly"))) in (Reason.DAY_LIMIT, Reason.HOUR_LIMIT)


def stop_and_start(bare: Bare) -> None:
    """Stop for an hour."""
    bare.ask(Stop())
    bare.advance(HOUR_MS)
    bare.ask(Start())


def lose_power(bare: Bare) -> None:
    """Lose power; an hour later a clinician confirms what was prescribed."""
    bare.power_up()
    bare.advance(HOUR_MS)
    stored = bare.pump.therapy.prescription
    assert stored is not None
    bare.prescribe(stored)
    bare.ask(AcknowledgeAlarm(AlarmCode.RESET))
    bare.ask(Start())


INTERRUPTIONS: dict[str, Callable[[Bare], object]] = {
    "stop and start": stop_and_start,
    "power loss": lose_power,
    "another rate of the same fluid": lambda bare: bare.prescribe(
        of(900_000, NEW, bridge=200_000, reason="a soft limit")
    ),
}


@pytest.mark.verifies("PRM-06")
@pytest.mark.parametrize("interruption", INTERRUPTIONS)
def test_a_bridge_goes_on_exactly_where_it_was(interruption: str) -> None:
    """Stopped, cut off or updated half-way, the bridge ends when exactly the line's volume has followed."""
    bare = changed()
    before_nl = bare.pump.volume_nl
    bare.advance(10 * HOUR_MS)
    INTERRUPTIONS[interruption](bare)
    bridging = TherapyState.BRIDGE
    assert bare.state is bridging
    report = bare.ask(Interrogate(Section.THERAPY))
    assert isinstance(report, TherapyReport)
    assert report.bridge_remaining.value == LINE_NL - (bare.pump.volume_nl - before_nl)
    while bare.state is bridging:
        bare.pump.advance_to(bare.pump.due_ms or 0)
    assert bare.pump.volume_nl - before_nl == LINE_NL
    assert bare.pump.line == ((LINE_NL, ((MORPHINE, NEW),)),)


def test_no_bolus_while_bridging() -> None:
    """A bolus would be of the old fluid: refused until the bridge has ended, then granted."""
    bare = Bare()
    bare.prescribe(prescription(grant=granted(lockout_ms=5 * 60_000)))
    weaker = prescription(200_000, [drug(concentration=10_000)], grant=granted(lockout_ms=5 * 60_000))
    bare.prescribe(replace(weaker, bridge=NanolitresPerDay(100_000)))
    bare.advance(DAY_MS)
    assert reason_of(bare.ask(PatientBolus())) is Reason.WRONG_STATE
    assert reason_of(bare.ask(ClinicianBolus(Nanolitres(500), Milliseconds(HOUR_MS), "x"))) is Reason.WRONG_STATE
    bare.advance(4 * DAY_MS)
    assert isinstance(bare.ask(PatientBolus()), Accepted)


def test_an_alarm_lowers_a_bridge_and_it_waits() -> None:
    """Held at the minimum rate by an alarm the bridge is not lost: starting leads back to it."""
    bare = changed()
    bare.power_up()
    assert (bare.state, bare.rate) == (TherapyState.MINIMUM_RATE, 6_000)
    bare.advance(DAY_MS)
    assert bridge_remaining_nl(bare.pump) > 0


def test_a_second_change_during_a_bridge_has_no_bridge() -> None:
    """With two fluids in the line no single rate is right: a new bridge is refused, a reason is not."""
    bare = changed()
    bare.advance(10 * HOUR_MS)
    assert reason_of(bare.prescribe(of(500_000, 10_000, bridge=100_000))) is Reason.BRIDGE_IMPOSSIBLE
    assert isinstance(bare.prescribe(of(500_000, 10_000, reason="seen and wanted")), Accepted)


def test_a_bridge_where_nothing_needs_one_does_nothing() -> None:
    """Confirming a prescription whose bridge is done, or one without another fluid, begins its mode at once."""
    bare = changed()
    bare.advance(3 * DAY_MS)
    assert isinstance(bare.prescribe(of(1_000_000, NEW, bridge=200_000, reason="a soft limit")), Accepted)
    assert bare.state is TherapyState.SIMPLE_CONTINUOUS


@pytest.mark.parametrize("mode", [Mode.MINIMUM_RATE, Mode.FLEX, Mode.SIMPLE_CONTINUOUS])
def test_a_bridge_leads_to_every_mode(mode: Mode) -> None:
    """Whatever is prescribed begins when the bridge ends."""
    bare = Bare()
    bare.prescribe(prescription())
    by = schedule(200_000, 300_000)
    half = [drug(concentration=10_000)]
    wanted = flex(by, half) if mode is Mode.FLEX else prescription(200_000, half, mode=mode)
    assert isinstance(bare.prescribe(replace(wanted, bridge=NanolitresPerDay(100_000)), by), Accepted)
    assert bare.state is TherapyState.BRIDGE
    bare.advance(4 * DAY_MS)
    assert bare.state.name == mode.name


def test_a_stopped_prescription_has_no_bridge() -> None:
    """A bridge with nothing to flow after it contradicts itself, and one outside the hardware's range is refused."""
    bare = Bare()
    stopped = replace(prescription(mode=Mode.STOPPED), bridge=NanolitresPerDay(100_000))
    assert reason_of(bare.prescribe(stopped)) is Reason.INCOMPLETE
    slow = replace(prescription(drugs=[drug(concentration=10_000)]), bridge=NanolitresPerDay(47_999))
    assert reason_of(bare.prescribe(slow)) is Reason.RATE_RANGE


def test_the_order_in_which_drugs_are_named_is_no_change_of_fluid() -> None:
    """The same mixture with its drugs in another order needs no bridge."""
    fluid: Fluid = ((MORPHINE, 10_000), (BUPIVACAINE, 5_000))
    bare = Bare(fluid=tuple(sorted(fluid)))
    pair = [drug(MORPHINE, 10_000), drug(BUPIVACAINE, 5_000)]
    assert isinstance(bare.prescribe(prescription(drugs=pair, reason="")), Accepted)
    assert isinstance(bare.prescribe(prescription(drugs=pair[::-1], reason="")), Accepted)
    assert bare.state is TherapyState.SIMPLE_CONTINUOUS


def test_saline_before_the_drug_needs_a_prime_and_no_bridge() -> None:
    """Saline in the line is no other dose, only a late one."""
    bare = Bare(line_fluid=())
    assert isinstance(bare.prescribe(prescription(drugs=[drug(concentration=10_000)], reason="")), Accepted)
    assert bare.state is TherapyState.SIMPLE_CONTINUOUS
