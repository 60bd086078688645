"""What a scene reports: whether the failure was noticed, by what, how soon, and what else fell short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from protocol.units import Milliseconds
from verify.faults.stage import Stage


@dataclass(slots=True)
class Report:
    """One failure in one pump, as far as the scene saw it."""

    began_ms: int
    """When the failure began, in bench time."""
    before: dict[str, int]
    """What had arrived where when the report was begun, in picograms by book."""
    since_ms: int
    """When that was; the failure may have begun before, or begin later."""
    noticed_by: str = ""
    """What noticed it, in words; empty if nothing did."""
    noticed_ms: int | None = None
    deadline_ms: int | None = None
    """Within which it had to be noticed; None where that is not a matter of time."""
    problems: list[str] = field(default_factory=list)
    """What fell short, in words."""
    note: str = ""
    """What a reader has to know about the figures."""

    @classmethod
    def begin(cls, stage: Stage, began_ms: int | None = None, *, at_entry: bool = False) -> Self:
        """Begin a report now, for a failure that begins now or began at an instant of the near past.

        ``at_entry`` means that it has to be noticed at once.
        """
        now_ms = stage.now_ms
        deadline_ms = 0 if at_entry else None
        return cls(now_ms if began_ms is None else began_ms, stage.arrived(), now_ms, deadline_ms=deadline_ms)

    def notice(self, at_ms: int, words: str) -> None:
        """Note what noticed the failure first."""
        if self.noticed_ms is None:
            self.noticed_ms, self.noticed_by = at_ms, words

    def demand(self, holds: bool, words: str) -> None:
        """Note a problem unless something holds."""
        if not holds:
            self.problems.append(words)

    @property
    def after_ms(self) -> int | None:
        """How long it took to be noticed."""
        return None if self.noticed_ms is None else self.noticed_ms - self.began_ms


Scene = Callable[[Stage], Report]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One failure in one pump: the scene's report, and what became of the drug and the patient."""

    failure: str
    profile: str
    claim: str
    noticed_by: str
    after_ms: int | None
    deadline_ms: int | None
    problems: tuple[str, ...]
    reached_permille: int | None
    """What reached the CSF from the report's beginning to its end, of what is prescribed for as long, if it is."""
    tip_pg: int
    pocket_pg: int
    tissue_pg: int
    patient: tuple[str, ...]
    """What a visitor would note at the end of the scene."""
    harms: tuple[str, ...]
    note: str = ""
    premises: dict[str, int] = field(default_factory=dict)
    """How often the premise of each formula became true in the scene's journal, if it did."""

    @property
    def holds(self) -> bool:
        """Whether it was noticed as its class claims, in time, and nothing fell short."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Return the outcome as plain JSON values."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return {"holds": self.holds, **{n: list(v) if isinstance(v, tuple) else v for n, v in plain.items()}}

    def words(self) -> str:
        """Return what happened in one phrase."""
        if not self.holds:
            return "; ".join(self.problems)
        after = f" after {Milliseconds(self.after_ms)}" if self.after_ms else ""
        return f"{self.noticed_by}{after}"
