"""The programmer's bridge, against rules written down a second time: which flow, when none, and what is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import NamedTuple

from hypothesis import strategies as st

from emulator.drug import Verdict
from emulator.library import Library
from emulator.programmer.bridge import Change, duration_ms
from emulator.programmer.draft import NoBridge
from emulator.programmer.line_change import line_change
from protocol.messages import Drug, Prescription
from protocol.units import DAY_MS, Milliseconds, Nanolitres, NanolitresPerDay, Picograms, PicogramsPerDay
from protocol.units import PicogramsPerNanolitre as Concentration
from protocol.vocabulary import Mode, TherapyState
from verify.suites.fakes import FakePump, seen
from verify.suites.limits import FASTEST, LINE_NL, SLOWEST, worst
from verify.suites.suite import Effort, Property, Suite, require
from verify.suites.tiny import HARD_1H, HARD_24H, LIBRARY, prescribe

ENTRY = next(iter(LIBRARY))
TWO = Library("two", "1", (ENTRY, replace(ENTRY, code=2, name="other")))
UNDER_WAY = 60_001
"""What is left of a bridge that is under way, in nL."""
OLD_BRIDGE = 150_000
PHASES = ("infusing", "infusing", "stopped", "priming from a stop", "bridging", "partly empty", "empty")


class Case(NamedTuple):
    """A change of prescription: rates, strengths of two drugs (0 is none), and what the pump is doing."""

    old_rate: int
    new_rate: int
    old: tuple[int, int]
    new: tuple[int, int]
    turned: bool
    """Whether the second drug is the new primary one."""
    limits: tuple[int, int]
    phase: str

    @property
    def was(self) -> int:
        """The flow that reaches the patient now, in nL/day."""
        return 0 if self.phase in ("stopped", "priming from a stop") else self.old_rate

    @property
    def primary(self) -> int:
        """Index of the new prescription's primary drug."""
        return 1 if self.new[1] and (self.turned or not self.new[0]) else 0

    @property
    def goes_on(self) -> bool:
        """Whether the line needs the rest of a bridge that is under way."""
        return self.phase == "bridging" and self.old == self.new

    @property
    def needs_bridge(self) -> bool:
        """Whether the line holds what is not in the reservoir any more."""
        return self.goes_on or (self.old != self.new and self.phase != "empty")

    def problem(self, flow: Fraction | int) -> bool:
        """Whether something speaks against a bridge at this flow."""
        if not SLOWEST <= flow <= FASTEST:
            return True
        return any(self._wrong_dose(drug, flow) or self._above_limit(drug, flow) for drug in (0, 1))

    def _wrong_dose(self, drug: int, flow: Fraction | int) -> bool:
        old, new = self.was * self.old[drug], self.new_rate * self.new[drug]
        given = flow * self.old[drug]
        if drug in (0, self.primary):
            return not min(old, new) <= given <= max(old, new)
        return bool(self.old[drug] and self.new[drug]) and given > max(old, new)

    def _above_limit(self, drug: int, flow: Fraction | int) -> bool:
        bridged = Fraction(ceil(Fraction(LINE_NL * DAY_MS) / flow), DAY_MS)
        for days, limit in ((Fraction(1, 24), self.limits[0]), (Fraction(1), self.limits[1])):
            first = min(days, bridged)
            out = max(flow * first + self.new_rate * (days - first), self.new_rate * days)
            if max(ceil(flow * days) * self.old[drug], ceil(out) * self.new[drug]) > limit:
                return True
        return False

    @property
    def proposed(self) -> int | None:
        """The flow that the programmer must propose; 0 for no bridge, None if one is needed and cannot be."""
        if not self.needs_bridge:
            return 0
        if self.goes_on:
            return OLD_BRIDGE
        if self.phase in ("bridging", "partly empty"):
            return None
        if self.was:
            flow = self.old_rate
        elif self.old[self.primary]:
            flow = self.new_rate * self.new[self.primary] // self.old[self.primary]
        else:
            return None
        return None if self.problem(flow) else flow

    # --- for the programmer ---

    def change(self) -> Change:
        """Return it as the programmer finds it."""
        pump = FakePump(TWO)
        pump.prescription = replace(
            self._prescribed(self.old_rate, self.old, turned=False),
            bridge=NanolitresPerDay(OLD_BRIDGE if self.phase == "bridging" else 0),
        )
        pump.state, pump.confirmed = TherapyState.SIMPLE_CONTINUOUS, True
        if self.phase == "stopped":
            pump.state = TherapyState.STOPPED
        if self.phase == "priming from a stop":
            pump.state, pump.stopped_for = TherapyState.PRIMING, Milliseconds(1)
        if self.phase == "bridging":
            pump.state, pump.bridge_remaining = TherapyState.BRIDGE, Nanolitres(UNDER_WAY)
        pump.drug_free = Nanolitres({"partly empty": LINE_NL - 1, "empty": LINE_NL}.get(self.phase, 0))
        return Change(seen(pump), self._prescribed(self.new_rate, self.new, turned=self.turned), None)

    def _prescribed(self, rate: int, strengths: tuple[int, int], *, turned: bool) -> Prescription:
        drugs = [
            Drug(number + 1, Concentration(strength), Picograms(self.limits[0]), Picograms(self.limits[1]))
            for number, strength in enumerate(strengths)
            if strength
        ]
        return replace(prescribe(rate=rate), drugs=tuple(reversed(drugs) if turned else drugs))


RATES = st.sampled_from([47_999, SLOWEST, 100_000, 123_457, 120_000, 200_000, 480_000])
FLUIDS = st.sampled_from([(1, 0), (2, 0), (4, 0), (2, 1), (1, 2), (1, 1), (2, 2), (4, 1), (2, 4)])
CASES = st.builds(
    Case,
    RATES,
    RATES,
    FLUIDS,
    FLUIDS | st.sampled_from([(0, 1)]),
    st.booleans(),
    st.tuples(st.sampled_from([HARD_1H, 10_000, 4_167, 4_166]), st.sampled_from([HARD_24H, 200_000, 199_999])),
    st.sampled_from(PHASES),
)

SECOND_TOO_MUCH = Case(60_000, 100_000, (1, 2), (2, 1), False, (HARD_1H, HARD_24H), "infusing")
"""At 100000 nL/day the first drug is between its doses, the second above both of its own; chance rarely finds it."""


def proposals(effort: Effort) -> None:
    """Change fluids and doses in every phase, and work out the bridge again."""

    def check(case: Case) -> None:
        change = case.change()
        found, wanted = line_change(change, None, TWO), case.proposed
        effort.reached[_kind(case)] += 1
        require(found.bridge.value == (wanted or 0), f"{case} is bridged at {found.bridge}, not {wanted} nL/day")
        if wanted:
            took = (UNDER_WAY if case.goes_on else LINE_NL) * Fraction(DAY_MS, wanted)
            require(duration_ms(change, wanted) == ceil(took), f"{case} is bridged for {duration_ms(change, wanted)}")
        if wanted is None:
            require(found.findings, f"{case} has no bridge, and nobody hears of it")
        else:
            require(not found.findings, f"{case} is objected to: {found.findings}")
        if wanted and not case.goes_on:
            label = "drug at the tip during the bridge"
            dose = PicogramsPerDay(wanted * case.old[0])
            require(found.lines.get(label) == str(dose), f"{case} is said to bring {found.lines}, not {dose}")

    effort.search(check, case=CASES)


def _kind(case: Case) -> str:
    if not case.needs_bridge:
        return "none needed"
    if case.goes_on:
        return "goes on"
    kind = "from a stop" if not case.was else "infusing"
    return f"{kind}, bridged" if case.proposed else f"{kind}, impossible"


def wishes(effort: Effort) -> None:
    """Enter a flow for the bridge, or go without one for a reason, in every phase."""

    def check(case: Case, wish: int) -> None:
        change = case.change()
        found = line_change(change, NanolitresPerDay(wish), TWO)
        hard = worst(found.findings) is Verdict.HARD
        require(found.bridge.value == wish, "a bridge is entered, and another one is taken")
        if not case.needs_bridge:
            wrong = not SLOWEST <= wish <= FASTEST
            require(found.findings, f"{case} needs no bridge, and gets one without a word")
        elif case.goes_on:
            wrong = wish != OLD_BRIDGE
        else:
            wrong = case.problem(wish) or case.phase in ("bridging", "partly empty")
        effort.reached["refused" if wrong else "taken"] += 1
        require(hard is wrong, f"a bridge at {wish} nL/day for {case}: {found.findings}")
        without = line_change(change, NoBridge("because"), TWO)
        require(without.bridge.value == 0, "no bridge is wanted, and there is one")
        require(all(each.answer == "because" for each in without.findings), "a reason is given and not taken")
        told = len(without.findings)
        require(case.old == case.new or not case.needs_bridge or told, f"{case} goes without a bridge and a word")
        require(
            case.phase != "bridging" or told > sum(old != new for old, new in zip(case.old, case.new, strict=True)),
            f"a bridge under way is broken off without a word: {without.findings}",
        )

    wished = st.sampled_from([SLOWEST - 1, SLOWEST, 50_000, 100_000, OLD_BRIDGE, 200_000, 24_000_001])
    effort.search(check, case=CASES, wish=wished)
    check(SECOND_TOO_MUCH, 100_000)


def _stopped() -> Iterator[Change]:
    case = Case(100_000, 100_000, (2, 0), (1, 0), False, (HARD_1H, HARD_24H), "infusing")
    stop = replace(case.change().new, mode=Mode.STOPPED, rate=NanolitresPerDay(0))
    yield case.change()._replace(new=stop)
    yield Change(seen(FakePump(TWO)), case.change().new, None)


def nothing_to_bridge(effort: Effort) -> None:
    """Prescribe a stop, and prescribe for a pump that holds nothing yet."""
    for change in _stopped():
        effort.tried += 1
        found = line_change(change, None, TWO)
        require(found.bridge.value == 0 and not found.findings, f"a bridge from or to nothing: {found}")
    stop = next(_stopped())
    entered = line_change(stop, NanolitresPerDay(100_000), TWO)
    require(worst(entered.findings) is Verdict.HARD, "a bridge to a stop is let through")


SUITE = Suite(
    "bridge",
    "the programmer's bridge",
    (
        Property("bridge.nothing", "Where nothing flows or stood there is no bridge.", nothing_to_bridge),
        Property(
            "bridge.proposals",
            "A bridge keeps the dose, or there is none.",
            proposals,
            600,
            (
                "none needed",
                "goes on",
                "infusing, bridged",
                "infusing, impossible",
                "from a stop, bridged",
                "from a stop, impossible",
            ),
            verifies=("PRM-06",),
        ),
        Property(
            "bridge.wishes",
            "A bridge that is entered keeps the same rules.",
            wishes,
            500,
            ("refused", "taken"),
            verifies=("PRM-06",),
        ),
    ),
)
