"""A library so small that every limit can be met to the picogram, and prescriptions of its one drug."""

from __future__ import annotations

from dataclasses import replace

from emulator.library import Library
from protocol.messages import NO_GRANT, Drug, PatientBolusGrant, Prescription
from protocol.units import HOUR_MS, Milliseconds, Nanolitres, NanolitresPerDay, Picograms, PicogramsPerNanolitre
from protocol.vocabulary import Mode
from verify.suites.fakes import empty_prescription

TINY = """
name = "tiny"
version = "1"
[[drug]]
code = 1
name = "drug"
stability = "90 days"
stability_basis = "[T] test"
withdrawal = "lethal"
withdrawal_basis = "[T] test"
concentration = { soft = "10 ug/mL", soft_basis = "[T] test", hard = "20 ug/mL", hard_basis = "[T] test" }
daily = { soft = "240 ng/day", soft_basis = "[T] test", hard = "480 ng/day", hard_basis = "[T] test" }
bolus = { soft = "5 ng", soft_basis = "[T] test", hard = "10 ng", hard_basis = "[T] test" }
"""
"""At 1 ug/mL a nanolitre is a picogram, so that every limit can be met to the picogram."""

LIBRARY = Library.from_toml(TINY, "test")
HARD_1H, HARD_24H = 30_000, 480_000
LONG = Milliseconds(HOUR_MS)


def prescribe(
    *,
    rate: int = 100_000,
    strength: int = 1,
    limit_1h: int = HARD_1H,
    limit_24h: int = HARD_24H,
    bolus: int = 0,
    count: int = 0,
    mode: Mode = Mode.SIMPLE_CONTINUOUS,
) -> Prescription:
    """Return a prescription of the tiny drug."""
    grant = PatientBolusGrant(Nanolitres(bolus), LONG, LONG, count) if bolus else NO_GRANT
    drug = Drug(1, PicogramsPerNanolitre(strength), Picograms(limit_1h), Picograms(limit_24h))
    return replace(
        empty_prescription(LIBRARY), mode=mode, rate=NanolitresPerDay(rate), drugs=(drug,), patient_bolus=grant
    )
