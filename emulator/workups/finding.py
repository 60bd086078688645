"""What comes back from an examination: what was seen, and what it says of each failure that it can speak about."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Workup(enum.Enum):
    """The examinations that can be ordered."""

    INTERROGATION = "interrogation"
    EXAMINATION = "examination"
    RESIDUAL = "residual"
    ULTRASOUND = "ultrasound"
    X_RAY = "x_ray"
    ROTOR_STUDY = "rotor_study"
    ASPIRATION = "aspiration"
    DYE_STUDY = "dye_study"
    INDIUM_SCAN = "indium_scan"
    ASSAY = "assay"


class Verdict(enum.Enum):
    """What was seen, as a word on one failure."""

    POSITIVE = "speaks for it"
    """What was seen is seen with this failure, and perhaps with others."""
    NEGATIVE = "not seen"
    """Nothing of this failure was seen; how little that means is in the sensitivity."""
    INCONCLUSIVE = "could not be told"
    """The examination was not possible, or its answer cannot be read."""


class Aftermath(enum.Enum):
    """What the examination itself has done; carrying it out is the bench's business."""

    NONE = "nothing"
    SMALL_BOLUS = "the pump gave a small bolus"
    CATHETER_EMPTIED = "the catheter is empty and must be primed"
    CONTRAST_INJECTED = "the catheter holds contrast agent and must be primed"
    CATHETER_INJECTED = "what stood in the catheter was pushed on at once, and the catheter must be primed"


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of one examination."""

    workup: Workup
    seen: tuple[str, ...]
    """What was seen, in words."""
    verdicts: tuple[tuple[str, Verdict], ...]
    """One for each failure that the examination speaks about, in the order of their identifiers."""
    aftermath: Aftermath = Aftermath.NONE
    notes: tuple[str, ...] = ()
    """What the examination costs and risks."""
    measured_nl: int | None = None
    """What was drawn out, for a residual volume; this is what one enters into the programmer."""

    def verdict(self, failure: str) -> Verdict | None:
        """Return the verdict on a failure, or None if the examination cannot speak about it."""
        return dict(self.verdicts).get(failure)

    def failures(self, verdict: Verdict) -> tuple[str, ...]:
        """Return the failures with this verdict."""
        return tuple(failure for failure, given in self.verdicts if given is verdict)
