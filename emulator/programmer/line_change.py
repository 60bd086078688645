"""What a change of fluid does at the catheter tip before the old fluid has left the line.

After a refill with another concentration or drug, what stands between reservoir and tip is still the old fluid, and
the new rate pushes it out. Without a bridge the patient gets the *old* concentration at the *new* rate: from 25 to
5 mg/mL at 5 mg a day that is 25 mg a day for eight hours. So the programmer puts a bridge into the prescription and
shows it; where none is possible, or none is wanted, it works out from the line's volume what happens instead, and
will not go on without a reason, nor at all if a hard limit would be passed on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from emulator.drug import Verdict
from emulator.library import Library
from emulator.programmer.bridge import Change, duration_ms, mixed_line, objections, propose
from emulator.programmer.draft import NoBridge
from emulator.programmer.findings import Finding
from emulator.programmer.flow import Flow, flow_of
from emulator.programmer.limits import deliverable
from emulator.programmer.words import clock, drug_name
from protocol.messages import NO_BRIDGE, Prescription
from protocol.units import DAY_MS, Nanolitres, NanolitresPerDay, Picograms, PicogramsPerDay
from protocol.vocabulary import Mode

UNKNOWN_FLUID = (
    "as far as this programmer knows the line holds no other fluid; if it does, only you know what dose the bridge "
    "brings"
)


class LineChange(NamedTuple):
    """How the line is dealt with: the flow of the bridge (0 is none), objections, and lines for the review."""

    bridge: NanolitresPerDay
    findings: tuple[Finding, ...]
    lines: dict[str, str]


def line_change(change: Change, wish: NanolitresPerDay | NoBridge | None, library: Library) -> LineChange:
    """Decide by what the clinician wishes; ``None`` takes what the programmer works out."""
    if isinstance(wish, NoBridge):
        meant = tuple(replace(finding, answer=wish.reason) for finding in _without_bridge(change, library))
        return LineChange(NO_BRIDGE, meant, _lines(change, NO_BRIDGE, library))
    if wish is not None:
        return LineChange(wish, tuple(_against(change, wish, library)), _lines(change, wish, library))
    proposed = propose(change, library)
    findings = tuple(_impossible(change, proposed.why_not, library)) if proposed.why_not else ()
    return LineChange(proposed.flow, findings, _lines(change, proposed.flow, library))


def line_findings(
    old: Prescription, new: Prescription, flow: Flow, line_nl: int, library: Library
) -> Iterator[Finding]:
    """Yield what happens without a bridge to each drug whose concentration changes, at the new basal ``flow``.

    A schedule is looked at by its lowest and its highest step. Without flow, or without an old prescription, nothing
    is known to move: no findings.
    """
    before, after = _strengths(old), _strengths(new)
    if flow.highest == 0 or not before:
        return
    for code in sorted(before.keys() | after.keys()):
        old_strength, new_strength = before.get(code, 0), after.get(code, 0)
        if old_strength != new_strength:
            for rate in sorted({flow.lowest, flow.highest} - {0}):
                yield _finding(code, old_strength, new_strength, rate, line_nl, library)


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


def _against(change: Change, wish: NanolitresPerDay, library: Library) -> Iterator[Finding]:
    """Yield why a bridge that the clinician entered cannot be."""
    if change.new.mode is Mode.STOPPED:
        yield Finding(Verdict.HARD, f"bridge at {wish}: nothing is prescribed to flow")
        return
    if not change.needs_bridge:
        if not deliverable(wish.value, change.view.identity):
            yield Finding(Verdict.HARD, f"bridge at {wish} is no flow for this pump")
        yield Finding(Verdict.SOFT, UNKNOWN_FLUID)
        return
    for problem in objections(change, wish.value, library):
        yield Finding(Verdict.HARD, f"bridge at {wish}: {problem}")
    if not change.goes_on and (mixed := mixed_line(change)):
        yield Finding(Verdict.HARD, f"no bridge is possible: {mixed}")


def _impossible(change: Change, why_not: str, library: Library) -> Iterator[Finding]:
    yield Finding(Verdict.SOFT, f"no bridge is possible: {why_not}")
    yield from _without_bridge(change, library)


def _without_bridge(change: Change, library: Library) -> Iterator[Finding]:
    """Yield what reaches the patient if the new prescription begins at once."""
    therapy, flow = change.view.therapy, flow_of(change.new, change.view.identity, change.new_schedule)
    if change.needs_bridge and therapy.bridge_remaining.value:
        yield Finding(
            Verdict.SOFT,
            f"the bridge under way is broken off: {therapy.bridge_remaining} of the line, which hold the fluid from "
            f"before the last change, reach the patient at up to {NanolitresPerDay(flow.highest)} instead of "
            f"{change.old.bridge}",
        )
    if change.needs_bridge:
        yield from line_findings(change.old, change.new, flow, change.view.line.value, library)


def _lines(change: Change, bridge: NanolitresPerDay, library: Library) -> dict[str, str]:
    """Return what the review shows of the line."""
    view, lines = change.view, {}
    flow = flow_of(change.new, view.identity, change.new_schedule)
    free = view.therapy.drug_free
    if change.new.mode is not Mode.STOPPED and free.value and flow.lowest:
        dry = clock(free.value * DAY_MS // (bridge.value or flow.lowest))
        lines["line"] = f"{free} from the tip hold no drug: unless it is primed, none arrives for up to {dry}"
    if bridge.value == 0:
        return lines
    took = clock(duration_ms(change, bridge.value))
    if not change.needs_bridge:
        lines["what the bridge does"] = f"{bridge} for up to {took}, with whatever other fluid the line holds"
        return lines
    if change.goes_on:
        lines["what the bridge does"] = f"goes on at {bridge} for another {took}, with the fluid from before"
        return lines
    lines["what the bridge does"] = f"{bridge} for {took}, until the old fluid ({view.line}) has left the line"
    for code, strength in _strengths(change.old).items():
        dose = PicogramsPerDay(bridge.value * strength)
        lines[f"{drug_name(code, library)} at the tip during the bridge"] = str(dose)
    for code in _strengths(change.new).keys() - _strengths(change.old).keys():
        lines[f"{drug_name(code, library)} at the tip during the bridge"] = "none"
    lines["patient boluses during the bridge"] = "none, whatever is granted"
    return lines
