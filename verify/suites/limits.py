"""The programmer's limits, against rules written down a second time.

Each rule is worked out again, in the simplest way there is, and compared over all its edges: prescriptions, boluses,
steps of dose, changes of fluid, residual volumes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from hypothesis import strategies as st

from emulator.drug import Verdict, Withdrawal
from emulator.library import Library
from emulator.programmer.dose_change import dose_change_findings
from emulator.programmer.findings import Finding, approves, passes
from emulator.programmer.flow import flow_of
from emulator.programmer.limits import examine, examine_bolus
from emulator.programmer.line_change import line_findings
from emulator.programmer.refill import check_residual, last_fill
from protocol.messages import (
    LogEntry,
)
from protocol.units import (
    DAY_MS,
    Milliseconds,
    Nanolitres,
)
from protocol.vocabulary import LogKind, Mode
from verify.suites.fakes import FakePump, seen
from verify.suites.suite import Effort, Property, Suite, require
from verify.suites.tiny import HARD_1H, HARD_24H, LIBRARY, prescribe

SLOWEST, FASTEST, HELD = 48_000, 24_000_000, 6_000
"""The rates in nL/day of the pump that only talks, and its minimum rate."""
CAPACITY_NL, LINE_NL = 20_000_000, 327_000
NO_TIME = Milliseconds(0)
VIEW = seen(FakePump(LIBRARY))


def worst(findings: Iterator[Finding] | tuple[Finding, ...]) -> Verdict:
    """Return the worst of some findings."""
    verdicts = {finding.verdict for finding in findings}
    return Verdict.HARD if Verdict.HARD in verdicts else Verdict.SOFT if verdicts else Verdict.WITHIN


def judged(value: int | Fraction, soft: int, hard: int) -> Verdict:
    """Judge a value by a pair of limits, both inclusive."""
    return Verdict.HARD if value > hard else Verdict.SOFT if value > soft else Verdict.WITHIN


def worse(verdicts: list[Verdict]) -> Verdict:
    """Return the worst of some verdicts."""
    order = (Verdict.HARD, Verdict.SOFT, Verdict.WITHIN)
    return min(verdicts, key=order.index)


def prescriptions(effort: Effort) -> None:
    """Judge prescriptions around every limit by the rules of the tiny library, worked out again."""

    def check(rate: int, strength: int, hour: int, day: int, bolus: int, count: int, minutes: int, low: int) -> None:
        wanted = prescribe(rate=rate, strength=strength, limit_1h=hour, limit_24h=day, bolus=bolus, count=count)
        if bolus:
            duration = Milliseconds(minutes * 60_000)
            wanted = replace(wanted, patient_bolus=replace(wanted.patient_bolus, duration=duration))
        wanted = replace(wanted, low_reservoir=Nanolitres(low))
        found = worst(examine(wanted, LIBRARY, VIEW.identity, Nanolitres(CAPACITY_NL)))
        expected = _expected(rate, strength, hour, day, bolus, count, minutes, low)
        effort.reached[expected.name] += 1
        require(found is expected, f"{wanted} is {found}; by the rules it is {expected}")

    effort.search(
        check,
        rate=st.sampled_from(
            [0, SLOWEST - 1, SLOWEST, 100_000, 120_000, 240_000, 240_001, 480_000, 480_001, FASTEST]
        ),
        strength=st.sampled_from([1, 1, 1, 2, 10, 11, 20, 21]),
        hour=st.sampled_from([HARD_1H, HARD_1H, HARD_1H + 1, 5_000, 10_000, 4_167, 20_000]),
        day=st.sampled_from([HARD_24H, HARD_24H, HARD_24H + 1, 100_000, 240_000, 480_000]),
        bolus=st.sampled_from([0, 0, 1, 1_000, 5_000, 5_001, 10_000, 10_001]),
        count=st.integers(1, 30),
        minutes=st.sampled_from([0, 1, 1, 60]),
        low=st.sampled_from([0, 2_000_000, CAPACITY_NL - 1, CAPACITY_NL]),
    )


def _expected(
    rate: int, strength: int, hour: int, day: int, bolus: int, count: int, minutes: int, low: int
) -> Verdict:
    everything = (rate + (count if bolus else 0) * bolus) * strength
    verdicts = [
        judged(strength, 10, 20),
        judged(everything, 240_000, 480_000),
        judged(bolus * strength, 5_000, 10_000),
        judged(hour, HARD_1H, HARD_1H),
        judged(day, HARD_24H, HARD_24H),
        judged(everything, day, day),
        judged(bolus * strength + Fraction(rate * strength, 24), hour, hour),
        judged(low, CAPACITY_NL - 1, CAPACITY_NL - 1),
        Verdict.WITHIN if SLOWEST <= rate <= FASTEST else Verdict.HARD,
    ]
    if bolus:
        fits = minutes and rate + bolus * DAY_MS // (minutes * 60_000) <= FASTEST
        verdicts.append(Verdict.WITHIN if fits else Verdict.HARD)
    return worse(verdicts)


def boluses(effort: Effort) -> None:
    """Judge single boluses around every limit."""
    for volume, minutes, rate, hour, strength in itertools.product(
        (0, 1, 4_999, 5_000, 5_001, 10_000, 10_001, 20_000),
        (0, 1, 60),
        (SLOWEST, 240_000, FASTEST - 1_000),
        (HARD_1H, 10_000, 2_000),
        (0, 1, 2),
    ):
        effort.tried += 1
        held = prescribe(rate=rate, limit_1h=hour, strength=strength)
        span = Milliseconds(minutes * 60_000)
        found = worst(examine_bolus(Nanolitres(volume), span, held, LIBRARY, VIEW.identity))
        fits = volume and minutes and rate + volume * DAY_MS // span.value <= FASTEST
        mass = volume * strength
        expected = worse(
            [
                judged(mass, 5_000, 10_000),
                judged(mass + Fraction(rate * strength, 24), hour, hour),
                Verdict.WITHIN if fits else Verdict.HARD,
            ]
        )
        require(found is expected, f"{volume} nL over {minutes} min on {rate} nL/day is {found}, not {expected}")
    stranger = replace(prescribe(), drugs=(replace(prescribe().drugs[0], code=77),))
    for findings in (
        examine(stranger, LIBRARY, VIEW.identity, Nanolitres(CAPACITY_NL)),
        examine_bolus(Nanolitres(1), Milliseconds(60_000), stranger, LIBRARY, VIEW.identity),
    ):
        require(worst(findings) is Verdict.HARD, "a drug that the library does not know is let through")


def reasons(effort: Effort) -> None:
    """Decide about every combination of findings and reasons."""
    for valid, hard, soft, reason in itertools.product((False, True), (False, True), (False, True), ("", " ", "why")):
        effort.tried += 1
        expected = valid and not hard and (not soft or reason == "why")
        found = approves(valid=valid, hard=hard, soft=soft, reason=reason)
        require(found is expected, f"valid {valid}, hard {hard}, soft {soft}, “{reason}”: approved {found}")
        findings = [Finding(Verdict.HARD, "")] * hard + [Finding(Verdict.SOFT, "")] * soft
        require(not valid or passes(findings, reason) is expected, f"{findings} with “{reason}” pass wrongly")


def steps_of_dose(effort: Effort) -> None:
    """Change doses by every factor around two and a half, up and down, of drugs that harm by their lack or not."""
    harmless = Library("tiny", "1", tuple(replace(entry, withdrawal=Withdrawal.NONE) for entry in LIBRARY))
    doses = (49_999, 50_000, 50_001, 99_999, 100_000, 100_001, 199_999, 200_000, 200_001, 400_000)
    for old, new, old_bolus, new_bolus, library in itertools.product(
        doses, doses, (0, 1_000), (0, 2_000, 2_001), (LIBRARY, harmless)
    ):
        effort.tried += 1
        before, after = prescribe(rate=old, bolus=old_bolus, count=1), prescribe(rate=new, bolus=new_bolus, count=1)
        found = len(list(dose_change_findings(before, after, VIEW.identity, library)))
        expected = (new > 2 * old) + (2 * new < old and library is LIBRARY) + (0 < 2 * old_bolus < new_bolus)
        require(found == expected, f"from {old} and {old_bolus} to {new} and {new_bolus}: {found} objections")
        stopped = replace(before, mode=Mode.STOPPED)
        require(not list(dose_change_findings(stopped, after, VIEW.identity, library)), "a stop is a dose to go from")


def changes_of_fluid(effort: Effort) -> None:
    """Change the concentration under a rate, and work out what stands in the line."""
    for old, new, flow, line in itertools.product(
        (1, 2, 10, 20), (1, 2, 10, 20), (SLOWEST, 240_000, 480_000), (0, 1_000, LINE_NL)
    ):
        effort.tried += 1
        after = prescribe(strength=new, rate=flow)
        found = worst(line_findings(prescribe(strength=old), after, flow_of(after, VIEW.identity), line, LIBRARY))
        expected = Verdict.WITHIN
        if old != new:
            over = any(
                min(span, line) * old + max(0, span - line) * new > hard
                for span, hard in ((-(-flow // 24), HARD_1H), (flow, HARD_24H))
            )
            expected = Verdict.HARD if over else Verdict.SOFT
        require(found is expected, f"{old} to {new} pg/nL at {flow} nL/day behind {line} nL: {found}, not {expected}")


def residuals(effort: Effort) -> None:
    """Compare residual volumes with what was reckoned, around every threshold."""

    def check(filled: int | None, computed: int, off: int) -> None:
        measured = max(0, computed + off)
        fill = None if filled is None else Nanolitres(filled)
        found = check_residual(Nanolitres(measured), Nanolitres(computed), Nanolitres(CAPACITY_NL), fill)
        difference = abs(measured - computed)
        wrong = 20 * difference > CAPACITY_NL
        if filled is not None and filled > computed:
            share = Fraction(max(filled - measured, 0), filled - computed)
            wrong |= not Fraction(855, 1000) <= share <= Fraction(1145, 1000)
        expected = wrong and difference > 100_000
        effort.reached["flagged" if expected else "as expected"] += 1
        require(found.flagged is expected, f"{measured} of {computed} nL after {filled}: flagged {found.flagged}")
        low, high = "Too little" in found.words, "Too much" in found.words
        require((low, high) == ((measured < computed, measured > computed) if expected else (False, False)), found)

    fills = st.none() | st.sampled_from([20_000_000, 10_000_000, 2_000_000])
    offs = st.sampled_from([0, 99_999, 100_000, 100_001, 145_001, 1_000_000, 1_000_001, 1_450_000, 1_450_001])
    signed = st.tuples(offs, st.sampled_from([-1, 1])).map(lambda pair: pair[0] * pair[1])
    effort.search(check, filled=fills, computed=st.sampled_from([0, 1_000_000, 9_000_000, 10_000_000]), off=signed)
    entries = [
        LogEntry(at, Milliseconds(at), kind, 0, at) for at, kind in enumerate([LogKind.REFILL, LogKind.COMMAND] * 2)
    ]
    require(last_fill(entries) == Nanolitres(2), "the last refill is another one")
    require(last_fill([]) is None, "without a refill something was filled")


def library_limits(effort: Effort) -> None:
    """Work out again what the shipped library allows in an hour and in a day."""
    for entry in (*Library.shipped(), *LIBRARY):
        effort.tried += 1
        day, single = entry.daily.hard.value, entry.bolus.hard.value
        hour = min(Fraction(day, 24) + single, day)
        require(hour <= entry.hard_1h.value < hour + 1, f"{entry.name}: {entry.hard_1h} in an hour")
        require(entry.hard_24h.value == day, f"{entry.name}: {entry.hard_24h} in a day")
        for limit in (entry.concentration, entry.daily, entry.bolus):
            require(0 < limit.soft.value <= limit.hard.value, f"{entry.name}: a soft limit above the hard one")


SUITE = Suite(
    "limits",
    "what the programmer objects to",
    (
        Property("limits.library", "The library's limits are what its doses say.", library_limits),
        Property("limits.reasons", "Hard is refused; soft needs a reason.", reasons, verifies=("DOSE-06", "DOSE-07")),
        Property(
            "limits.prescriptions",
            "Every prescription is judged by every limit.",
            prescriptions,
            400,
            ("HARD", "SOFT", "WITHIN"),
            verifies=("DOSE-05", "DOSE-08", "MODE-09", "MODE-10"),
        ),
        Property(
            "limits.boluses",
            "Every bolus is judged by every limit.",
            boluses,
            verifies=("BOL-12", "DOSE-05", "DOSE-08"),
        ),
        Property("limits.steps", "A dose that jumps needs a reason.", steps_of_dose),
        Property(
            "limits.fluid", "A change of fluid is worked out at the tip.", changes_of_fluid, verifies=("PRM-06",)
        ),
        Property(
            "limits.residuals",
            "A residual volume that is wrong is flagged.",
            residuals,
            200,
            ("flagged", "as expected"),
            verifies=("DOSE-12", "RES-07"),
        ),
    ),
)
