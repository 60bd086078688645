"""What the judge says: whether everything claimed held, what did not, and the figures behind it."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Picograms

if TYPE_CHECKING:
    from verify.formula_verdict import FormulaVerdict


HOLDS, INCOMPLETE, VIOLATED = "holds", "incomplete", "violated"

FORMULA = "formula "
"""What the name of a formula's premise begins with, among counts."""


class Claim(enum.StrEnum):
    """What is claimed and can be broken. The words are what a reader sees, and what a suite asserts."""

    LIBRARY = "drug library"
    """A header, a prescription or a bolus is above the drug library's hard limits, or names others than it has."""
    DOSE = "dose limit"
    """A sliding window held more drug than the limit in force."""
    MOVEMENT = "movement"
    """The drive moved where nothing may move."""
    RATE = "rate"
    """A commanded rate is outside the hardware's range, or a state has a rate it may not have."""
    OVER_DELIVERY = "over-delivery"
    """More moved than was commanded."""
    UNDER_DELIVERY = "under-delivery"
    """Less moved than was commanded, with nothing to excuse it."""
    PRIMING = "priming"
    """Drug reached the patient while the line was being primed."""
    LOCKOUT = "lockout"
    """A patient bolus began before its lockout was over."""
    COUNT = "bolus count"
    """More patient boluses in a sliding 24 hours than granted."""
    BOLUS = "bolus as told"
    """What the pump said of a bolus is not what moved, or not what it had said before."""
    CONSERVATION = "conservation"
    """Drug appeared or vanished between reservoir, line and tip."""
    LATE_ALARM = "late alarm"
    """A condition lasted longer than its deadline without its alarm."""
    FALSE_ALARM = "false alarm"
    """An alarm was raised with nothing to cause it."""
    PRIORITY = "alarm priority"
    """An alarm was raised with another priority than its own."""
    UNLATCHED = "alarm cleared"
    """An alarm was cleared while its cause was still there."""
    SILENT = "silent alarm"
    """A raised alarm did not sound when it had to."""
    LIST = "alarm list"
    """An interrogation was not told every raised alarm, critical ones first, and nothing else."""
    ALARM_FLOW = "flow during an alarm"
    """A raised alarm that limits the flow was not obeyed."""
    ALARM_RAISED_RATE = "alarm raised the rate"
    """The flow went up because of an alarm."""
    ORDER = "order of events"
    """The journal's time runs back."""


def pump_time(at_ms: int) -> str:
    """Write an instant of simulated time as days and a time of day since the first power-up."""
    days, rest = divmod(at_ms, DAY_MS)
    hours, rest = divmod(rest, HOUR_MS)
    minutes, rest = divmod(rest, MINUTE_MS)
    seconds, milliseconds = divmod(rest, 1_000)
    return f"{days} d {hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that did not hold."""

    claim: Claim
    at_ms: int
    words: str
    """What happened, in one line."""
    measured: int
    """How much it was, in ``unit``."""
    allowed: int
    """The limit or deadline, in ``unit``."""
    unit: str

    def line(self) -> str:
        """Return the finding as one line for a person."""
        return f"{pump_time(self.at_ms)}  {self.claim}: {self.words}"


@dataclass(frozen=True, slots=True)
class WindowFigure:
    """The fullest window of one drug at one place: the one that used the largest share of its limit."""

    drug: str
    place: str
    hours: int
    mass_pg: int
    limit_pg: int
    """The limit in force when the window ended; 0 if none was."""
    ends_at_ms: int
    window: str
    """The hours, and the window's width if that is another."""

    def line(self) -> str:
        """Return the figure as one line for a person."""
        share = f"{100 * self.mass_pg // self.limit_pg} %" if self.limit_pg else "no limit in force"
        return (
            f"{self.drug}, {self.place}, any {self.window}: {Picograms(self.mass_pg)} of "
            f"{Picograms(self.limit_pg)} ({share}), window ending {pump_time(self.ends_at_ms)}"
        )


@dataclass(frozen=True, slots=True)
class DrugFigure:
    """All of one drug that moved."""

    drug: str
    outlet_pg: int
    tip_pg: int


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured, whether or not anything was wrong."""

    events: int
    complete: bool
    """Whether the journal ends with the end of its bench; what came after a missing end is not judged."""
    ends_at_ms: int
    strokes: int
    volume_nl: int
    drugs: tuple[DrugFigure, ...]
    limits: str
    """Whose limits it was judged by, in words."""
    widths_ms: dict[str, int]
    """How wide the windows were by their hours, as the journal's header says."""
    windows: tuple[WindowFigure, ...]
    unknown: dict[str, int]
    """How many events were of a kind that the judge does not know."""
    occurrences: dict[str, int]
    """How often each kind of event happened: a claim whose premise never occurred has shown nothing."""
    encounters: dict[str, int]
    """How often which event came in which state during which alarm, by the names of ``verify.encounters``."""

    def remarks(self) -> Iterator[str]:
        """Yield what a reader must know before believing a verdict."""
        yield self.limits
        if not self.complete:
            yield "the journal has no end: nothing shows what came after its last line, so it is no evidence"
        if self.unknown:
            kinds = ", ".join(f"{kind} ({count})" for kind, count in self.unknown.items())
            yield f"not judged, because these kinds of events are not known here: {kinds}"
        other = [f"{Milliseconds(ms)} for {h} h" for h, ms in self.widths_ms.items() if ms != int(h) * HOUR_MS]
        if other:
            yield f"judged with the windows that the header names, not with real ones: {', '.join(other)}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement over one journal."""

    findings: tuple[Finding, ...]
    figures: Figures
    formulas: tuple[FormulaVerdict, ...] = ()
    """What the journal says of each formula, if any were judged."""

    @property
    def holds(self) -> bool:
        """Whether nothing was violated in what there is; a journal that was cut short may go on as it likes."""
        return not self.findings and not self.violated_formulas

    @property
    def violated_formulas(self) -> int:
        """How many formulas the journal violates."""
        return sum(formula.violated for formula in self.formulas)

    @property
    def word(self) -> str:
        """Return ``violated``; or ``incomplete`` if the journal lacks its end; or ``holds``."""
        if not self.holds:
            return VIOLATED
        return HOLDS if self.figures.complete else INCOMPLETE

    def counts(self) -> Counter[str]:
        """Return how often what happened, what met what, and how often each formula's premise became true.

        By names that do not collide, so that a suite can add up all its runs.
        """
        premises = {FORMULA + formula.id: formula.premises or 0 for formula in self.formulas}
        return Counter({**self.figures.occurrences, **self.figures.encounters, **premises})

    def broken(self) -> set[Claim]:
        """Return the claims that were broken."""
        return {finding.claim for finding in self.findings}

    def as_json(self) -> dict[str, Any]:
        """Return the verdict as plain JSON values."""
        return {"verdict": self.word, **asdict(self)}

    def lines(self) -> list[str]:
        """Return the verdict as lines for a person."""
        figures = self.figures
        broken = f" and {self.violated_formulas} violated formulas" if self.violated_formulas else ""
        return [
            f"{self.word}: {len(self.findings)} findings{broken} in {figures.events} events, "
            f"{figures.strokes} strokes, {pump_time(figures.ends_at_ms)}",
            *(finding.line() for finding in self.findings),
            *(line for formula in self.formulas for line in formula.lines()),
            *figures.remarks(),
            *(window.line() for window in figures.windows),
        ]
