"""What a check found: parts, each with a verdict, words and figures."""

from __future__ import annotations

import enum
from typing import Any, NamedTuple


class Verdict(enum.Enum):
    """How one part ended."""

    GOOD = "good"
    DOUBTFUL = "look"
    """Nothing that a conversation needs is broken, but something is not as one would expect."""
    BAD = "bad"
    NOT_POSSIBLE = "not possible here"
    """This kind of port cannot do it, and says why."""


class Part(NamedTuple):
    """One part of a check. ``figures`` are for programs and pictures."""

    name: str
    verdict: Verdict
    words: str
    figures: dict[str, Any] = {}  # noqa: RUF012 - never written to: a tuple's default


class Report(NamedTuple):
    """All parts of a check of one port or pair."""

    ports: tuple[str, ...]
    kind: str
    parts: tuple[Part, ...]

    @property
    def good(self) -> bool:
        """Whether nothing is bad."""
        return all(part.verdict is not Verdict.BAD for part in self.parts)

    @property
    def words(self) -> str:
        """The verdict in one sentence."""
        bad = [part.name for part in self.parts if part.verdict is Verdict.BAD]
        doubtful = [part.name for part in self.parts if part.verdict is Verdict.DOUBTFUL]
        untried = sum(part.verdict is Verdict.NOT_POSSIBLE for part in self.parts)
        if bad:
            return f"not fit to carry a pump's conversation: {', '.join(bad)}"
        hint = f"; look at {', '.join(doubtful)}" if doubtful else ""
        limit = f"; {untried} of {len(self.parts)} parts were not possible on this kind of port" if untried else ""
        return f"fit to carry a pump's conversation{hint}{limit}"

    def document(self) -> dict[str, Any]:
        """Return the report for a program."""
        parts = [
            {"name": part.name, "verdict": part.verdict.name.lower(), "words": part.words, **part.figures}
            for part in self.parts
        ]
        return {"ports": list(self.ports), "kind": self.kind, "good": self.good, "words": self.words, "parts": parts}
