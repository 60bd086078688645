"""What a journal says of one formula."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from verify.temporal.semantics import Episode, Outcome
from verify.verdict import pump_time


@dataclass(frozen=True, slots=True)
class FormulaVerdict:
    """One property's outcome on one journal."""

    id: str
    formula: str
    words: str
    hazards: tuple[str, ...]
    requirements: tuple[str, ...]
    outcome: Outcome
    premises: int | None
    """How often the premise became true; None for a formula without one. 0 means that nothing was shown."""
    violations: int
    episodes: tuple[Episode, ...]
    pending_from_ms: int | None

    @property
    def violated(self) -> bool:
        """Whether the journal shows that it does not hold."""
        return self.outcome is Outcome.VIOLATED

    @property
    def idle(self) -> bool:
        """Whether its premise never became true, so that it has shown nothing."""
        return self.premises == 0

    def lines(self) -> Iterator[str]:
        """Yield the violations, for a person."""
        for episode in self.episodes:
            yield f"{pump_time(episode.at_ms)}  formula {self.id}: {self.words}"
            yield f"    {self.formula}"
            yield f"    false until {pump_time(episode.until_ms)}{_premise(episode)}"
        if self.violations > len(self.episodes):
            yield f"    and {self.violations - len(self.episodes)} more violations of {self.id}"


def _premise(episode: Episode) -> str:
    if episode.premise_from_ms is None:
        return ""
    if episode.premise_until_ms is None:
        return f"; its premise was true from {pump_time(episode.premise_from_ms)} to the end"
    return (
        f"; its premise was true from {pump_time(episode.premise_from_ms)} to {pump_time(episode.premise_until_ms)}"
    )


def summary(verdicts: Sequence[FormulaVerdict]) -> Iterator[str]:
    """Yield how many formulas had which outcome, which are undecided and which have shown nothing.

    One whose premise never became true is none of those that hold.
    """
    idle = [verdict.id for verdict in verdicts if verdict.idle]
    tried = [verdict for verdict in verdicts if not verdict.idle]
    count = {outcome: sum(verdict.outcome is outcome for verdict in tried) for outcome in Outcome}
    yield (
        f"formulas: {count[Outcome.HOLDS]} hold, {count[Outcome.VIOLATED]} violated, "
        f"{count[Outcome.PENDING]} pending, {len(idle)} with no premise"
    )
    pending = [verdict.id for verdict in tried if verdict.outcome is Outcome.PENDING]
    if pending:
        yield f"the journal ends before it is decided: {', '.join(pending)}"
    if idle:
        yield f"premise never true, so nothing shown ({len(idle)}): {', '.join(idle)}"
