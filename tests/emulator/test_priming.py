"""Priming: bounded by the line, nothing at the tip, and what it interrupts goes on exactly where it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from emulator.firmware.therapy import not_delivered_nl
from protocol.messages import (
    Accepted,
    CancelBolus,
    ClinicianBolus,
    EnterRefill,
    Interrogate,
    Message,
    PatientBolus,
    Prime,
    Refused,
    Start,
    Stop,
    TherapyReport,
)
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres
from protocol.vocabulary import AlarmCode, LogKind, Mode, Reason, Section, TherapyState
from tests.emulator.worlds import FLUID, Bare, World, granted, infusing, prescription, press

LINE_NL = 327_000
STROKE_NL = 500


def prime(volume_nl: int = LINE_NL, hours: int = 6, *, emptied: bool = False) -> Prime:
    """Return the command."""
    return Prime(Nanolitres(volume_nl), Milliseconds(hours * HOUR_MS), emptied)


def new_pump(mode: Mode = Mode.STOPPED, *, start_ms: int = 0) -> Bare:
    """Return a pump with a saline line under a prescription."""
    bare = Bare(line_fluid=(), start_ms=start_ms)
    assert isinstance(bare.prescribe(prescription(mode=mode)), Accepted)
    return bare


def emptied(bare: Bare) -> Bare:
    """Take the drug out of the line, physically."""
    bare.body.fill_line(())
    return bare


def reason_of(reply: Message) -> Reason | None:
    """Return why something was refused."""
    return reply.reason if isinstance(reply, Refused) else None


@pytest.mark.verifies("PRM-01", "PRM-02", "PRM-03")
def test_priming_fills_the_line_and_starts_nothing() -> None:
    """The whole line is filled, no drug reaches the tip, and a stopped pump is stopped again."""
    bare = new_pump()
    assert isinstance(bare.ask(prime()), Accepted)
    assert bare.state is TherapyState.PRIMING
    bare.advance(6 * HOUR_MS)
    assert (bare.state, bare.rate, bare.tip_pg()) == (TherapyState.STOPPED, 0, 0)
    assert bare.pump.line == bare.body.line == ((LINE_NL, FLUID),)
    assert bare.pump.volume_nl == LINE_NL
    bare.prescribe(prescription())
    bare.advance(HOUR_MS)
    assert bare.tip_pg() > 0


@pytest.mark.verifies("PRM-03")
def test_credit_from_before_does_not_push_drug_out() -> None:
    """Also with a stroke half saved up, a prime of the whole line stops with the drug at the tip and none beyond."""
    for wait in range(0, 8 * MINUTE_MS, 37_001):
        bare = emptied(infusing())
        bare.advance(wait)
        tip_before = bare.tip_pg()
        bare.body.fill_line(())
        assert isinstance(bare.ask(prime(emptied=True)), Accepted)
        while bare.state is TherapyState.PRIMING:
            assert bare.pump.due_ms is not None
            bare.pump.advance_to(bare.pump.due_ms)
        assert bare.tip_pg() == tip_before
        assert bare.body.line == ((LINE_NL, FLUID),)


@pytest.mark.verifies("PRM-03", "PRM-05")
def test_a_prime_is_bounded_by_what_holds_no_drug() -> None:
    """One stroke more than the drug-free part is refused; a line declared emptied is free as a whole, no more."""
    bare = new_pump(Mode.SIMPLE_CONTINUOUS)
    bare.advance(DAY_MS)
    report = bare.ask(Interrogate(Section.THERAPY))
    assert isinstance(report, TherapyReport)
    free = report.drug_free.value
    assert free == LINE_NL - bare.pump.volume_nl
    assert reason_of(bare.ask(prime(free + STROKE_NL))) is Reason.LINE_HOLDS_DRUG
    assert reason_of(bare.ask(prime(LINE_NL + STROKE_NL, emptied=True))) is Reason.LINE_HOLDS_DRUG
    assert bare.pump.line != ((LINE_NL, ()),)
    assert isinstance(bare.ask(prime(free)), Accepted)


@pytest.mark.verifies("PRM-03")
def test_a_pump_of_another_tubing_volume_primes_no_more_than_its_own() -> None:
    """A programmer that believes in 0.199 mL of tubing is refused by a pump that has 0.140 mL."""
    bare = new_pump()
    assert reason_of(bare.ask(prime(199_000 + 187_000))) is Reason.LINE_HOLDS_DRUG


@pytest.mark.verifies("PRM-04")
@pytest.mark.parametrize("interrupt", ["clinician", "patient", "both"])
def test_an_interrupted_bolus_delivers_exactly_its_remainder(interrupt: str) -> None:
    """A bolus, or a patient's on top of a clinician's, goes on after a prime with what was left, to the nanolitre."""
    bare = infusing(grant=granted(6_000, HOUR_MS, 5 * MINUTE_MS))
    bare.advance(5 * HOUR_MS)
    asked_nl = 0
    if interrupt != "patient":
        bare.ask(ClinicianBolus(Nanolitres(9_000), Milliseconds(3 * HOUR_MS), "a test"))
        bare.advance(10 * MINUTE_MS)
        asked_nl += 9_000
    if interrupt != "clinician":
        assert press(bare) is None
        bare.advance(10 * MINUTE_MS)
        asked_nl += 6_000
    begun = bare.state
    running = bare.pump.therapy.running
    assert running is not None
    left = not_delivered_nl(running)
    emptied(bare).ask(prime(100_000, emptied=True))
    bare.advance(6 * HOUR_MS)
    assert bare.state is begun
    assert bare.pump.therapy.running is not None
    assert not_delivered_nl(bare.pump.therapy.running) == left
    bare.advance(5 * HOUR_MS)
    assert bare.state is TherapyState.SIMPLE_CONTINUOUS
    ended = [data for _, kind, data in bare.told if kind == "pump.bolus" and data["what"] == "ended"]
    assert all(data["not_delivered_nl"] == 0 for data in ended)
    assert sum(data["volume_nl"] for data in ended if data["kind"] != "prime") == asked_nl


@pytest.mark.verifies("PRM-02")
def test_priming_flows_alone() -> None:
    """While priming nothing is infused besides; afterwards the basal goes on at its rate."""
    bare = emptied(infusing())
    bare.ask(prime(100_000, 10, emptied=True))
    assert bare.rate == 100_000 * 24 // 10
    bare.advance(10 * HOUR_MS)
    assert (bare.state, bare.rate) == (TherapyState.SIMPLE_CONTINUOUS, 100_000)


ENDINGS: dict[str, tuple[Callable[[Bare], object], TherapyState]] = {
    "stop": (lambda bare: bare.ask(Stop()), TherapyState.STOPPED),
    "cancel": (lambda bare: bare.ask(CancelBolus()), TherapyState.SIMPLE_CONTINUOUS),
    "update": (lambda bare: bare.prescribe(prescription(60_000, grant=granted())), TherapyState.SIMPLE_CONTINUOUS),
    "empty": (lambda bare: bare.ask(EnterRefill(Nanolitres(0), Nanolitres(0))), TherapyState.STOPPED),
    "power": (lambda bare: bare.power_up(), TherapyState.MINIMUM_RATE),
}


@pytest.mark.verifies("BOL-03")
@pytest.mark.parametrize("ending", ENDINGS)
def test_whatever_ends_a_prime_restarts_the_lockout(ending: str) -> None:
    """Every end of a prime, normal or not, ends what it had set aside, and restarts the patient's lockout."""
    act, state = ENDINGS[ending]
    bare = infusing()
    bare.advance(5 * HOUR_MS)
    bare.ask(ClinicianBolus(Nanolitres(9_000), Milliseconds(3 * HOUR_MS), "a test"))
    emptied(bare).ask(prime(100_000, emptied=True))
    bare.advance(HOUR_MS)
    act(bare)
    assert bare.state is state
    assert (bare.pump.therapy.running, bare.pump.therapy.suspended) == (None, ())
    if ending != "power":
        assert bare.pump.record.lockout_until == bare.now + 4 * HOUR_MS
    assert press(bare) is not None


def test_a_stalled_prime_leaves_no_more_flow_than_it_had() -> None:
    """A stall during a slow prime ends it at the minimum rate, because what it interrupted would flow faster."""
    bare = emptied(infusing(400_000))
    bare.ask(prime(50_000, 24, emptied=True))
    bare.body.stalled = True
    bare.advance(HOUR_MS)
    assert bare.alarm(AlarmCode.MOTOR_STALL) is not None
    assert (bare.state, bare.rate) == (TherapyState.MINIMUM_RATE, 6_000)


@pytest.mark.verifies("ALM-20")
def test_a_stop_that_a_prime_interrupts_counts_on() -> None:
    """Priming a stopped pump does not put off the alarm for being stopped too long."""
    bare = new_pump()
    bare.advance(47 * HOUR_MS)
    bare.ask(prime())
    bare.advance(HOUR_MS)
    assert bare.alarm(AlarmCode.STOPPED_48H) is not None


@pytest.mark.verifies("BOL-07")
def test_no_bolus_and_no_second_prime_while_priming() -> None:
    """Requests during a prime are refused, not queued."""
    bare = new_pump(Mode.SIMPLE_CONTINUOUS)
    bare.ask(prime())
    assert reason_of(bare.ask(prime(500))) is Reason.BOLUS_RUNNING
    assert reason_of(bare.ask(PatientBolus())) is Reason.PATIENT_BOLUS_OFF
    assert reason_of(bare.ask(ClinicianBolus(Nanolitres(500), Milliseconds(HOUR_MS), ""))) is Reason.BOLUS_RUNNING
    assert reason_of(bare.ask(Start())) is Reason.BOLUS_RUNNING


@pytest.mark.verifies("PRM-01")
@pytest.mark.parametrize(("request_", "expected"), [
    (prime(0), Reason.DURATION_RANGE),
    (prime(hours=25), Reason.DURATION_RANGE),
    (Prime(Nanolitres(LINE_NL), Milliseconds(59_999), False), Reason.DURATION_RANGE),
    (Prime(Nanolitres(LINE_NL), Milliseconds(19 * MINUTE_MS), False), Reason.RATE_RANGE),
    (prime(1_000, 24), Reason.RATE_RANGE),
    (Prime(Nanolitres(LINE_NL), Milliseconds(20 * MINUTE_MS), False), Reason.HOUR_LIMIT),
])  # fmt: skip
def test_the_outlet_limits_hold_for_a_prime(request_: Prime, expected: Reason) -> None:
    """Range, speed and the limits at the pump outlet bound a prime, though nothing reaches the patient."""
    assert reason_of(new_pump().ask(request_)) is expected


@pytest.mark.verifies("PRM-05")
def test_priming_needs_a_confirmed_prescription_and_a_full_reservoir() -> None:
    """Nothing is primed before it is known what is in the reservoir, nor with too little in it."""
    assert reason_of(Bare(line_fluid=()).ask(prime())) is Reason.UNCONFIRMED
    short = Bare(line_fluid=(), contents_nl=LINE_NL - 1)
    short.prescribe(prescription(mode=Mode.STOPPED, low_nl=0))
    assert reason_of(short.ask(prime())) is Reason.RESERVOIR


@pytest.mark.verifies("PRM-05")
def test_a_declared_line_is_in_the_log() -> None:
    """That a clinician declared the line emptied is logged, once, and only if the prime was accepted."""
    bare = emptied(infusing())
    bare.ask(prime(LINE_NL + STROKE_NL, emptied=True))
    bare.ask(prime(emptied=True))
    kinds = [entry.kind for entry in bare.chip.log_entries()]
    assert kinds.count(LogKind.LINE_EMPTIED) == 1


def test_behind_an_aspirated_catheter_no_drug_of_the_tubing_reaches_the_tip() -> None:
    """With the catheter alone declared emptied only its volume is primed, and belief stays truth to the end."""
    bare = infusing()
    catheter_nl = bare.profile.catheter.value
    bare.ask(Stop())
    bare.body.empty_catheter()
    before_pg = bare.tip_pg()
    declared = {"line_emptied": False, "catheter_emptied": True}
    for volume_nl, reason in ((catheter_nl + STROKE_NL, Reason.LINE_HOLDS_DRUG), (catheter_nl, None)):
        reply = bare.ask(Prime(Nanolitres(volume_nl), Milliseconds(6 * HOUR_MS), **declared))
        assert reason_of(reply) is reason
        assert (bare.pump.line == bare.body.line) is (reason is None)
    bare.advance(6 * HOUR_MS + MINUTE_MS)
    assert bare.state is TherapyState.STOPPED
    assert bare.tip_pg() == before_pg
    assert bare.body.line == bare.pump.line == ((LINE_NL, FLUID),)
    noted = [entry.subject for entry in bare.chip.log_entries() if entry.kind is LogKind.LINE_EMPTIED]
    assert noted == [1]


def test_the_judge_sees_drug_at_the_tip_of_a_prime() -> None:
    """A line that was declared emptied and was not is found by the judge; one that was is not."""
    from verify.judge import judge_lines  # noqa: PLC0415 - the emulator's tests know no judge but here
    from verify.verdict import Claim  # noqa: PLC0415

    for truly in (True, False):
        world = World()
        world.prescribe(prescription(mode=Mode.STOPPED))
        if truly:
            world.bench.empty_line()
        assert isinstance(world.ask(prime(emptied=True)), Accepted)
        world.advance(6 * HOUR_MS)
        world.bench.finish()
        assert (Claim.PRIMING in judge_lines(world.journal.lines).broken()) is not truly


@pytest.mark.verifies("PRM-07")
@pytest.mark.parametrize("hours", [1, 24, 41])
def test_a_long_pause_after_a_prime_changes_nothing(hours: int) -> None:
    """No alarm but the one for 48 h of standing still; the line stays full, and the infusion begins as if at once."""
    bare = new_pump()
    bare.ask(prime())
    bare.advance(6 * HOUR_MS)
    bare.advance(hours * HOUR_MS)
    assert not bare.pump.panel.raised
    assert (bare.state, bare.pump.line, bare.tip_pg()) == (TherapyState.STOPPED, ((LINE_NL, FLUID),), 0)
    bare.prescribe(prescription())
    assert (bare.state, bare.rate) == (TherapyState.SIMPLE_CONTINUOUS, 100_000)
    bare.advance(HOUR_MS)
    assert bare.tip_pg() == STROKE_NL * 20_000 * 8
