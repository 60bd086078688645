"""How far a dose moves in one step: a slip of a decimal point is within every limit more often than not.

Adjustments are made in steps of ten to thirty per cent. More than twice the dose in one step, or less than half of
a drug whose sudden lack harms, is no mistake in itself; it only needs a reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from emulator.drug import DrugEntry, Verdict, Withdrawal
from emulator.library import Library
from emulator.programmer.findings import Finding
from emulator.programmer.flow import FLOWS, Flow, flow_of
from protocol.messages import IdentityReport, Prescription, Schedule
from protocol.units import Picograms, PicogramsPerDay
from protocol.vocabulary import Mode

STEP = 2
"""The toolkit's own default: far above ordinary steps, far below a decimal point."""


class _Doses(NamedTuple):
    """What one drug comes to: a day's basal dose, the lowest and the highest dose rate, and one patient bolus."""

    daily: int
    lowest: int
    highest: int
    bolus: int


NOTHING = _Doses(0, 0, 0, 0)


def dose_change_findings(
    old: Prescription,
    new: Prescription,
    identity: IdentityReport,
    library: Library,
    schedules: tuple[Schedule | None, Schedule | None] = (None, None),
) -> Iterator[Finding]:
    """Yield a soft finding for each drug whose basal dose or patient bolus moves too far from what was prescribed.

    ``schedules`` are those that old and new name. A schedule is held by its daily dose and by its steps: one slip in
    a short step moves the day but little. Only therapy is compared: after a stop or the minimum rate nothing is known
    to move from.
    """
    known = old.mode in FLOWS and (old.mode is not Mode.FLEX or schedules[0] is not None)
    before = _doses(old, flow_of(old, identity, schedules[0])) if known else {}
    after = _doses(new, flow_of(new, identity, schedules[1]))
    for code, was in before.items():
        entry = library.drug(code)
        if entry is not None:
            yield from _steps(entry, was, after.get(code, NOTHING))


def _steps(entry: DrugEntry, old: _Doses, new: _Doses) -> Iterator[Finding]:
    withdrawal = entry.withdrawal is not Withdrawal.NONE
    daily = f"{entry.name} daily dose goes from {PicogramsPerDay(old.daily)} to {PicogramsPerDay(new.daily)}"
    if new.daily > STEP * old.daily:
        yield Finding(Verdict.SOFT, f"{daily}, more than {STEP} times as much")
    elif new.highest > STEP * old.highest:
        step = f"highest step goes from {PicogramsPerDay(old.highest)} to {PicogramsPerDay(new.highest)}"
        yield Finding(Verdict.SOFT, f"{entry.name} {step}, more than {STEP} times as much")
    if withdrawal and STEP * new.daily < old.daily:
        yield Finding(Verdict.SOFT, f"{daily}, less than half; withdrawal can be {entry.withdrawal.value}")
    elif withdrawal and STEP * new.lowest < old.lowest:
        step = f"lowest step goes from {PicogramsPerDay(old.lowest)} to {PicogramsPerDay(new.lowest)}"
        yield Finding(
            Verdict.SOFT, f"{entry.name} {step}, less than half; withdrawal can be {entry.withdrawal.value}"
        )
    if old.bolus and new.bolus > STEP * old.bolus:
        words = f"{entry.name} patient bolus goes from {Picograms(old.bolus)} to {Picograms(new.bolus)}"
        yield Finding(Verdict.SOFT, f"{words}, more than {STEP} times as much")


def _doses(prescription: Prescription, flow: Flow) -> dict[int, _Doses]:
    volume = prescription.patient_bolus.volume.value
    volumes = _Doses(flow.average, flow.lowest, flow.highest, volume)
    return {drug.code: _Doses(*(each * drug.concentration.value for each in volumes)) for drug in prescription.drugs}
