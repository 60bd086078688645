"""A script as data, and as the text of a file: where it begins, from which seed, and what happens.

The text is JSON with one step a line, to be read, cut down and changed by hand.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import NamedTuple

from verify.scripts.action import Value

FORMAT = 1


class Step(NamedTuple):
    """One action with its arguments."""

    action: str
    arguments: dict[str, Value]

    def line(self) -> str:
        """Return the step as words, such as ``clinician_bolus strokes=3 minutes=1``."""
        return " ".join([self.action, *(f"{name}={value}" for name, value in self.arguments.items())])


@dataclass(frozen=True, slots=True)
class Script:
    """Where a run begins and what happens in it; ``steps`` grows while one is being written."""

    start: str
    seed: int
    faulty: bool
    """Whether faults may happen: without them, the guard must have nothing to refuse."""
    steps: list[Step] = field(default_factory=list)
    story: str = ""
    """What it once broke, for whoever opens the file."""

    def text(self) -> str:
        """Return the file's text."""
        head = {
            "thecal_script": FORMAT,
            "story": self.story,
            "start": self.start,
            "seed": self.seed,
            "faulty": self.faulty,
        }
        lines = [f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}," for name, value in head.items()]
        steps = [f"    {json.dumps([step.action, step.arguments])}" for step in self.steps]
        return "\n".join(["{", *lines, '  "steps": [', ",\n".join(steps), "  ]", "}", ""])
