"""How far a dose moves in one step: a slip of a decimal point is within every limit more often than not.

Adjustments are made in steps of ten to thirty per cent. More than twice the dose in one step, or less than half of
a drug whose sudden lack harms, is no mistake in itself; it only needs a reason.
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.drug import Verdict, Withdrawal
from emulator.library import Library
from emulator.programmer.findings import Finding
from emulator.programmer.limits import basal_flow
from protocol.messages import IdentityReport, Prescription
from protocol.units import Picograms, PicogramsPerDay
from protocol.vocabulary import Mode

STEP = 2
"""The toolkit's own default: far above ordinary steps, far below a decimal point."""


def dose_change_findings(
    old: Prescription, new: Prescription, identity: IdentityReport, library: Library
) -> Iterator[Finding]:
    """Yield a soft finding for each drug whose basal dose or patient bolus moves too far from what was prescribed.

    Only therapy is compared: after a stop or the minimum rate nothing is known to move from.
    """
    before = _doses(old, basal_flow(old, identity)) if old.mode is Mode.SIMPLE_CONTINUOUS else {}
    after = _doses(new, basal_flow(new, identity))
    for code, (old_dose, old_bolus) in before.items():
        entry = library.drug(code)
        if entry is None:
            continue
        dose, bolus = after.get(code, (0, 0))
        step = f"{entry.name} daily dose goes from {PicogramsPerDay(old_dose)} to {PicogramsPerDay(dose)}"
        if dose > STEP * old_dose:
            yield Finding(Verdict.SOFT, f"{step}, more than {STEP} times as much")
        if STEP * dose < old_dose and entry.withdrawal is not Withdrawal.NONE:
            yield Finding(Verdict.SOFT, f"{step}, less than half; withdrawal can be {entry.withdrawal.value}")
        if old_bolus and bolus > STEP * old_bolus:
            words = f"{entry.name} patient bolus goes from {Picograms(old_bolus)} to {Picograms(bolus)}"
            yield Finding(Verdict.SOFT, f"{words}, more than {STEP} times as much")


def _doses(prescription: Prescription, flow: int) -> dict[int, tuple[int, int]]:
    volume = prescription.patient_bolus.volume.value
    return {
        drug.code: (flow * drug.concentration.value, volume * drug.concentration.value) for drug in prescription.drugs
    }
