"""What a suite is: named properties of one layer, each tried with a budget of examples drawn from a seed.

A property is shown by examples, and either all of them hold or ``BrokenPropertyError`` tells the story of one that
does not. The same seed and the same budget give the same examples. A property also counts its premises, by name: one
that never occurred has shown nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

from verify.broken import BrokenPropertyError, require

__all__ = ["BrokenPropertyError", "Effort", "Outcome", "Property", "Suite", "require", "show"]


@dataclass(slots=True)
class Effort:
    """How much a property may try, and what it has tried so far."""

    seed: int
    examples: int
    """The budget, for a property that draws its examples; one that tries every case has no use for it."""
    minimal: bool = True
    """Whether a story is to be made as short as possible, which takes many more examples."""
    tried: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    """How often each premise occurred."""
    steps: int = 0
    """Of the longest run, for a property that plays scripts."""
    simulated_ms: int = 0
    """Of the run that went furthest in time."""
    counterexample: str | None = None
    """The script that broke the property, as the text of a file, if it was tried by scripts."""

    def ran(self, steps: int, simulated_ms: int) -> None:
        """Note how deep a run went."""
        self.steps, self.simulated_ms = max(self.steps, steps), max(self.simulated_ms, simulated_ms)

    def figures(self) -> dict[str, int]:
        """Return how much was tried, for the results of a test."""
        deepest = {"steps": self.steps, "simulated_ms": self.simulated_ms} if self.steps else {}
        return {"examples": self.tried, **deepest}

    def settings(self, **others: Any) -> settings:
        """Return the settings of Hypothesis for this effort."""
        phases = (Phase.generate, Phase.shrink) if self.minimal else (Phase.generate,)
        return settings(
            max_examples=self.examples,
            phases=phases,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            **others,
        )

    def search(self, check: Callable[..., None], **strategies: SearchStrategy[Any]) -> None:
        """Call ``check`` with drawn arguments until the budget is spent or it raises."""

        @self.settings()
        @seed(self.seed)
        @given(**strategies)
        def example(**drawn: Any) -> None:
            self.tried += 1
            check(**drawn)

        example()


class Property(NamedTuple):
    """One thing that is claimed."""

    name: str
    """Such as ``guard.windows``: the suite's name and its own."""
    sentence: str
    show: Callable[[Effort], None]
    smoke: int = 1
    """The budget of examples that takes a second or so."""
    premises: tuple[str, ...] = ()
    """What must occur among the examples of a full run."""
    verifies: tuple[str, ...] = ()
    """The requirements that it shows: it would break if the code broke one of them. Declared by whoever wrote it."""


class Outcome(NamedTuple):
    """What came of one property."""

    claimed: Property
    story: str | None
    """Of the example that broke it; None if it held."""
    effort: Effort

    @property
    def missed(self) -> tuple[str, ...]:
        """Return the premises that never occurred."""
        return tuple(name for name in self.claimed.premises if not self.effort.reached[name])


class Suite(NamedTuple):
    """The properties of one layer."""

    name: str
    layer: str
    """The files it is about, in words."""
    properties: tuple[Property, ...]

    def run(self, seed: int, scale: int = 1, *, minimal: bool = True) -> Iterator[Outcome]:
        """Show each property with ``scale`` times its smoke budget; yield what came of it."""
        for each in self.properties:
            yield show(each, Effort(seed, scale * each.smoke, minimal))


def show(claimed: Property, effort: Effort) -> Outcome:
    """Try one property; whatever is raised while it is tried breaks it."""
    try:
        claimed.show(effort)
    except Exception as broken:  # noqa: BLE001 - a crash of what is tried is as bad as a wrong answer
        return Outcome(claimed, _story(broken), effort)
    return Outcome(claimed, None, effort)


def _story(broken: Exception) -> str:
    kind = "" if isinstance(broken, BrokenPropertyError) else f"{type(broken).__name__}: "
    return "\n".join([f"{kind}{broken}", *getattr(broken, "__notes__", ())])
