"""One table of a patient model while it is read: figures with unit, confidence and source, each key taken once."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from typing import Any, TypeVar

CONFIDENCES = ("public", "M-H", "M-M", "M-L", "D", "A", "T")
"""Read in a public source; from memory with high, medium, low confidence; derived; by analogy; our own choice."""

Word = TypeVar("Word", bound=enum.Enum)


class PatientModelError(ValueError):
    """A patient model cannot be used. The message names the file, the place and the figure, and what to write."""


class Table:
    """A table being read: every key must be taken, and what is left over is an error."""

    def __init__(self, content: object, where: str) -> None:
        if not isinstance(content, Mapping):
            raise PatientModelError(f"{where}: must be a table of keys and values")
        self.content = content
        self.where = where
        self._left = set(content)

    def has(self, key: str) -> bool:
        """Say whether a key is there."""
        return key in self.content

    def take(self, key: str) -> Any:
        """Return a wanted value and count it as read."""
        if key not in self.content:
            raise PatientModelError(f"{self.where}: “{key}” is missing; there are no defaults, so write it")
        self._left.discard(key)
        return self.content[key]

    def text(self, key: str) -> str:
        """Take a text that is not empty."""
        value = self.take(key)
        if not isinstance(value, str) or not value.strip():
            raise PatientModelError(f"{self.where}: “{key}” must be text, not empty")
        return value

    def word(self, key: str, kind: type[Word]) -> Word:
        """Take one word of a vocabulary."""
        text = self.text(key)
        try:
            return kind(text)
        except ValueError:
            known = ", ".join(str(member.value) for member in kind)
            raise PatientModelError(f"{self.where}: “{key}” = “{text}”; write one of: {known}") from None

    def code(self, key: str) -> int:
        """Take the number of a drug."""
        value = self.take(key)
        if type(value) is not int or value < 1:
            raise PatientModelError(f"{self.where}: “{key}” must be a whole number from 1")
        return value

    def figure(self, key: str, unit: str, *, zero: bool = False) -> float:
        """Take a figure in the one unit it may have; positive, or also zero where that means something."""
        entry = Table(self.take(key), f"{self.where}, {key}")
        value, given = entry.take("value"), entry.take("unit")
        if given != unit:
            raise PatientModelError(f"{entry.where}: the unit is “{unit}”, not “{given}”; convert the value")
        if entry.text("confidence") not in CONFIDENCES:
            raise PatientModelError(f"{entry.where}: “confidence” is one of {', '.join(CONFIDENCES)}")
        entry.text("source")
        entry.finish()
        if type(value) not in (int, float) or not math.isfinite(value) or value < 0 or (value == 0 and not zero):
            raise PatientModelError(f"{entry.where}: “value” must be a number above zero, not {value!r}")
        return float(value)

    def table(self, key: str) -> Table:
        """Take a table inside this one."""
        return Table(self.take(key), f"{self.where}, {key}")

    def tables(self, key: str) -> dict[str, Table]:
        """Take a table of tables, by name."""
        return {name: Table(entry, f"{self.where}, {key} {name}") for name, entry in self._entries(key).items()}

    def rows(self, key: str) -> list[Table]:
        """Take a list of tables."""
        content = self.take(key)
        if not isinstance(content, list) or not content:
            raise PatientModelError(f"{self.where}: “{key}” must be a list of at least one")
        return [Table(entry, f"{self.where}, {key} {number}") for number, entry in enumerate(content, 1)]

    def _entries(self, key: str) -> Mapping[str, object]:
        content = self.take(key)
        if not isinstance(content, Mapping) or not content:
            raise PatientModelError(f"{self.where}: “{key}” must be a table of at least one, like [{key}.name]")
        return content

    def finish(self) -> None:
        """Refuse any key that was not taken."""
        if self._left:
            raise PatientModelError(f"{self.where}: unknown key “{min(self._left)}”; correct or remove it")
