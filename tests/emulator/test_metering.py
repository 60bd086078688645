"""Strokes against the exact integral of the flow: fractions carry over any number of changes, and nothing is lost."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.firmware.metering import bolus_rate, credit_of, wait_ms
from protocol.messages import Accepted, CancelBolus, ClinicianBolus, PatientBolus, Start, Stop
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres
from tests.emulator.worlds import Bare, granted, infusing, prescription

STROKE_NL = 500
RATES = st.integers(0, 30_000_000)


@pytest.mark.verifies("DOSE-13", "MODE-04")
@given(spans=st.lists(st.tuples(RATES, st.integers(0, DAY_MS)), max_size=20))
def test_strokes_are_the_integral_of_the_flow(spans: list[tuple[int, int]]) -> None:
    """After any changes of rate, the strokes so far are the whole strokes in the exact integral."""
    credit, strokes, integral = 0, 0, Fraction(0)
    for rate, for_ms in spans:
        credit += rate * for_ms
        strokes, credit = strokes + credit // credit_of(STROKE_NL), credit % credit_of(STROKE_NL)
        integral += Fraction(rate * for_ms, DAY_MS)
        assert strokes == integral // STROKE_NL
        assert Fraction(credit, DAY_MS) == integral % STROKE_NL


@given(credit=st.integers(0, credit_of(STROKE_NL)), rate=RATES)
def test_a_stroke_falls_due_in_the_first_millisecond_that_covers_it(credit: int, rate: int) -> None:
    """The wait is exactly the smallest number of milliseconds after which the credit is enough."""
    target = credit_of(STROKE_NL)
    wait = wait_ms(credit, rate, target)
    if rate == 0:
        assert wait is None
    else:
        assert wait is not None
        assert credit + rate * wait >= target
        assert wait == 0 or credit + rate * (wait - 1) < target


@pytest.mark.parametrize("rate", [0, -1])
def test_without_a_flow_no_stroke_falls_due(rate: int) -> None:
    """A pump that stops with a whole stroke of credit waits for ever, instead of trying for ever."""
    assert wait_ms(credit_of(STROKE_NL), rate, credit_of(STROKE_NL)) is None


@pytest.mark.verifies("MODE-05", "MODE-06")
@given(volume=st.integers(1, 1 << 32), duration=st.integers(MINUTE_MS, DAY_MS))
def test_a_bolus_is_never_faster_than_asked(volume: int, duration: int) -> None:
    """The flow of a bolus is the largest whole one that does not end early, and at least one."""
    rate = bolus_rate(volume, duration)
    assert rate == 1 or Fraction(rate * duration, DAY_MS) <= volume
    assert Fraction((rate + 1) * duration, DAY_MS) > volume


def expected_strokes(flows: list[tuple[int, int, int]]) -> list[int]:
    """Return when each stroke falls due, from pieces of (from, to, rate), by exact fractions."""
    due: list[int] = []
    integral = Fraction(0)
    for begins, ends, rate in flows:
        while rate and (at := begins + Fraction((len(due) + 1) * STROKE_NL * DAY_MS, rate) - integral / rate) <= ends:
            due.append(-(-at.numerator // at.denominator))
        integral += (ends - begins) * rate
    return due


@pytest.mark.verifies("DOSE-13")
@pytest.mark.parametrize("seed", range(6))
def test_every_stroke_is_where_the_exact_integral_puts_it(seed: int) -> None:
    """Across prescriptions, stops and starts, each stroke moves in the millisecond in which its volume is due."""
    bare = Bare()
    flows, begins = [], 0
    for step in range(12):
        rate = 48_000 + 7_919 * (step + 13 * seed)
        assert isinstance(bare.prescribe(prescription(rate)), Accepted)
        if step % 3 == seed % 3:
            assert isinstance(bare.ask(Stop()), Accepted)
            bare.advance(1_234_567)
            assert isinstance(bare.ask(Start()), Accepted)
            flows.append((begins, bare.now, 0))
            begins = bare.now
        bare.advance(HOUR_MS * (seed + 1) + step * 977)
        flows.append((begins, bare.now, rate))
        begins = bare.now
    due = expected_strokes(flows)
    assert [stroke.at_ms for stroke in bare.strokes] == due
    assert len(due) > 40


@pytest.mark.verifies("DOSE-04", "MODE-13")
@pytest.mark.parametrize("pressed_after_ms", [0, 1, 99_999, 30 * MINUTE_MS])
def test_a_pre_empted_bolus_delivers_exactly_its_volume(pressed_after_ms: int) -> None:
    """A clinician's bolus that a patient's suspends resumes with its exact remainder: both volumes, to the stroke."""
    bare = infusing(low_nl=0, grant=granted(7_300, 11 * MINUTE_MS))
    bare.advance(5 * HOUR_MS)
    begin = bare.now
    assert isinstance(bare.ask(ClinicianBolus(Nanolitres(10_901), Milliseconds(HOUR_MS), "a test")), Accepted)
    bare.advance(pressed_after_ms)
    assert isinstance(bare.ask(PatientBolus()), Accepted)
    bare.advance(6 * HOUR_MS)
    volume = Fraction(100_000 * bare.now, DAY_MS) + 7_300 + 10_901
    assert bare.pump.strokes == len(bare.strokes) == volume // STROKE_NL
    assert Fraction(bare.pump.credit, DAY_MS) == volume % STROKE_NL
    assert bare.count("pump.bolus", what="ended", not_delivered_nl=0) == 2
    assert bare.now - begin > HOUR_MS


@pytest.mark.verifies("BOL-15")
def test_a_cancelled_bolus_reports_what_it_did_not_deliver() -> None:
    """Cancelling both boluses ends them with the volumes still to come, and only the basal flows on."""
    bare = infusing()
    bare.advance(5 * HOUR_MS)
    bare.ask(ClinicianBolus(Nanolitres(12_000), Milliseconds(HOUR_MS), "a test"))
    bare.advance(HOUR_MS // 4)
    bare.ask(PatientBolus())
    bare.advance(5 * MINUTE_MS)
    assert isinstance(bare.ask(CancelBolus()), Accepted)
    rests = [
        said["not_delivered_nl"] for _, kind, said in bare.told if kind == "pump.bolus" and said["what"] == "ended"
    ]
    assert rests == [2_500, 9_000]
    assert bare.rate == 100_000
