"""Metering against fractions: every stroke falls due when the exact volume reaches it, and never before."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from emulator.firmware.metering import bolus_rate, credit_of, wait_ms
from protocol.units import Nanolitres, NanolitresPerDay
from verify.suites.suite import Effort, Property, Suite, require

A_DAY_MS = Fraction(24 * 60 * 60 * 1000)
MOST_RATE = NanolitresPerDay.parse("24 mL/day").value


def strokes_fall_due(effort: Effort) -> None:
    """Change the rate again and again, and count strokes by exact volume and by credit."""

    def check(stroke_nl: int, pieces: list[tuple[int, int]]) -> None:
        credit, strokes, volume = 0, 0, Fraction(0)
        for rate, span_ms in pieces:
            left_ms = span_ms
            while (wait := wait_ms(credit, rate, credit_of(stroke_nl))) is not None and wait <= left_ms:
                before = volume + rate * Fraction(max(0, wait - 1)) / A_DAY_MS
                volume += rate * Fraction(wait) / A_DAY_MS
                strokes += 1
                require(volume >= strokes * stroke_nl, f"stroke {strokes} falls due before its volume is commanded")
                require(wait == 0 or before < strokes * stroke_nl, f"stroke {strokes} falls due late")
                credit += rate * wait - credit_of(stroke_nl)
                left_ms -= wait
                effort.reached["a stroke"] += 1
                if strokes > STROKES:
                    return
            require(rate > 0 or wait is None, "without a flow a stroke falls due")
            volume += rate * Fraction(left_ms) / A_DAY_MS
            credit += rate * left_ms
            require(volume < (strokes + 1) * stroke_nl, f"after {strokes} strokes another is due and nothing says so")

    effort.search(
        check,
        stroke_nl=st.sampled_from([1, 20, 500]),
        pieces=st.lists(st.tuples(RATES, st.integers(0, 40_000_000)), min_size=1, max_size=8),
    )


STROKES = 60
RATES = st.integers(0, 200) | st.sampled_from([0, 48_000, 777_777, MOST_RATE]) | st.integers(0, MOST_RATE)


def boluses_take_their_time(effort: Effort) -> None:
    """Ask for the flow of many boluses."""

    def check(volume_nl: int, duration_ms: int) -> None:
        exact = volume_nl * A_DAY_MS / duration_ms
        rate = bolus_rate(volume_nl, duration_ms)
        require(rate >= 1, f"a bolus of {volume_nl} nL over {duration_ms} ms never ends")
        require(
            rate == 1 or rate <= exact, f"a bolus of {volume_nl} nL over {duration_ms} ms is faster than asked for"
        )
        require(rate > exact - 1, f"a bolus of {volume_nl} nL over {duration_ms} ms is slower than need be")

    effort.search(check, volume_nl=st.integers(1, 10_000_000) | st.integers(1, 9), duration_ms=DURATIONS)


DURATIONS = st.integers(1, 86_400_000) | st.integers(86_400_000, 10 * 86_400_000)
"""Up to a day, as boluses are; and beyond, where a small one would have less than the smallest flow."""


def units_agree(effort: Effort) -> None:
    """Compare what a nanolitre costs with what a flow brings in a day."""
    for text, volume in (("1 nL/day", "1 nL"), ("0.5 mL/day", "500 uL"), ("1 mL/h", "24 mL")):
        effort.tried += 1
        brings = NanolitresPerDay.parse(text).value * A_DAY_MS
        require(credit_of(Nanolitres.parse(volume).value) == brings, f"a day at {text} is not worth {volume}")


SUITE = Suite(
    "metering",
    "from a flow to strokes",
    (
        Property("metering.units", "A day at a flow is worth its volume.", units_agree),
        Property(
            "metering.strokes",
            "Strokes fall due at the very millisecond, over any changes of rate.",
            strokes_fall_due,
            smoke=200,
            premises=("a stroke",),
            verifies=("DOSE-13",),
        ),
        Property(
            "metering.boluses",
            "A bolus is never faster than asked for.",
            boluses_take_their_time,
            smoke=200,
            verifies=("MODE-05", "MODE-06"),
        ),
    ),
)
