"""A finding: one objection to an entry, soft or hard; and the rule by which findings decide."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from emulator.drug import Verdict
from emulator.programmer.results import ProgrammerRefusal


@dataclass(frozen=True, slots=True)
class Finding:
    """One objection, in words. ``verdict`` is SOFT (a reason answers it) or HARD (nothing does).

    ``answer`` is a reason that was given for exactly this before it was shown.
    """

    verdict: Verdict
    words: str
    answer: str = ""

    @property
    def answered(self) -> bool:
        """Whether it needs no further reason."""
        return self.verdict is Verdict.SOFT and bool(self.answer.strip())

    def __str__(self) -> str:
        if self.answered:
            return f"meant (“{self.answer}”): {self.words}"
        return f"{'REFUSED' if self.verdict is Verdict.HARD else 'needs a reason'}: {self.words}"


class LimitPassedError(ProgrammerRefusal):
    """A hard limit is passed, or a soft one without a reason."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("; ".join(str(finding) for finding in findings if not finding.answered))
        self.findings = findings


def approves(*, valid: bool, hard: bool, soft: bool, reason: str) -> bool:
    """Say whether an entry may go to the pump: valid, nothing hard, and a reason if anything is soft."""
    return valid and not hard and (not soft or bool(reason.strip()))


def passes(findings: Iterable[Finding], reason: str) -> bool:
    """Say whether findings about a valid entry let it go to the pump."""
    verdicts = {finding.verdict for finding in findings if not finding.answered}
    return approves(valid=True, hard=Verdict.HARD in verdicts, soft=Verdict.SOFT in verdicts, reason=reason)
