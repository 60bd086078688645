"""What a change of fluid does at the catheter tip before the old fluid has left the line.

After a refill with another concentration or drug, what stands between reservoir and tip is still the old fluid, and
the new rate pushes it out. Without a bridge the patient gets the *old* concentration at the *new* rate: from 25 to
5 mg/mL at 5 mg a day that is 25 mg a day for eight hours. The programmer works this out from the line's volume, and
will not go on without a reason, nor at all if a hard limit would be passed on the way.
"""

from __future__ import annotations

from collections.abc import Iterator

from emulator.drug import Verdict
from emulator.library import Library
from emulator.programmer.findings import Finding
from emulator.programmer.words import clock, drug_name
from protocol.messages import Prescription
from protocol.units import DAY_MS, Nanolitres, Picograms, PicogramsPerDay


def line_findings(
    old: Prescription, new: Prescription, flow: int, line_nl: int, library: Library
) -> Iterator[Finding]:
    """Yield what happens to each drug whose concentration changes, at the new basal ``flow`` in nL/day.

    Without flow, or without an old prescription, nothing is known to move: no findings.
    """
    before, after = _strengths(old), _strengths(new)
    if flow == 0 or not before:
        return
    for code in sorted(before.keys() | after.keys()):
        old_strength, new_strength = before.get(code, 0), after.get(code, 0)
        if old_strength != new_strength:
            yield _finding(code, old_strength, new_strength, flow, line_nl, library)


def mass_at_tip(volume_nl: int, line_nl: int, old_strength: int, new_strength: int) -> int:
    """Return the mass in pg in the next ``volume_nl`` to leave the tip: first the line's old fluid, then the new."""
    old_volume = min(volume_nl, line_nl)
    return old_volume * old_strength + (volume_nl - old_volume) * new_strength


def _finding(code: int, old_strength: int, new_strength: int, flow: int, line_nl: int, library: Library) -> Finding:
    name = drug_name(code, library)
    given, meant = PicogramsPerDay(flow * old_strength), PicogramsPerDay(flow * new_strength)
    words = (
        f"{name}: until the old fluid has left the line ({Nanolitres(line_nl)}, {clock(line_nl * DAY_MS // flow)}), "
        f"the patient receives {given} instead of {meant}"
    )
    entry = library.drug(code)
    if entry is not None:
        for span, volume, highest in (("an hour", -(-flow // 24), entry.hard_1h), ("a day", flow, entry.hard_24h)):
            mass = Picograms(mass_at_tip(volume, line_nl, old_strength, new_strength))
            if mass > highest:
                return Finding(Verdict.HARD, f"{words}; that is {mass} in {span}, above the hard limit of {highest}")
    return Finding(Verdict.SOFT, words)


def _strengths(prescription: Prescription) -> dict[int, int]:
    return {drug.code: drug.concentration.value for drug in prescription.drugs}
