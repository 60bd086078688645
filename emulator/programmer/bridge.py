"""The bridge: what flows after a change of fluid until the line's old fluid has left it.

While the old fluid arrives, the patient should go on as before: the flow that is meant is the *old* dose over the
*old* concentration. From a stopped pump with the old drug in the line it is the *new* dose over the old
concentration. Either way the primary drug's dose at the tip stays between the old one and the new one, and no
other drug that both fluids hold passes the larger of its two. The programmer works this out, checks it and shows it;
if no bridge is possible it says why, and what then reaches the patient (``line_change``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from emulator.library import Library
from emulator.programmer.closing import primes_from_stop
from emulator.programmer.flow import flow_of
from emulator.programmer.limits import deliverable
from emulator.programmer.view import PumpView
from emulator.programmer.words import drug_name
from protocol.messages import NO_BRIDGE, Drug, Prescription, Schedule
from protocol.units import DAY_MS, HOUR_MS, NanolitresPerDay, Picograms, PicogramsPerDay
from protocol.vocabulary import Mode, TherapyState

NOT_FLOWING = (TherapyState.UNPROGRAMMED, TherapyState.STOPPED)


class Change(NamedTuple):
    """A change of prescription as it is planned: what the pump was found with, and what it is to hold."""

    view: PumpView
    new: Prescription
    new_schedule: Schedule | None

    @property
    def old(self) -> Prescription:
        """What the pump holds."""
        return self.view.prescription.prescription

    @property
    def goes_on(self) -> bool:
        """Whether a bridge is under way and the fluid is the same: the line needs the rest of that bridge."""
        return self.view.therapy.bridge_remaining.value > 0 and _fluid(self.old) == _fluid(self.new)

    @property
    def needs_bridge(self) -> bool:
        """Whether something is to flow and the line holds, as far as the programmer knows, drug of another fluid."""
        if self.new.mode is Mode.STOPPED or not self.old.drugs:
            return False
        return self.goes_on or (_fluid(self.old) != _fluid(self.new) and not self.drug_free)

    @property
    def drug_free(self) -> bool:
        """Whether the whole line holds no drug: it needs a prime, not a bridge."""
        return self.view.therapy.drug_free >= self.view.line

    @property
    def old_dose_flows(self) -> bool:
        """Whether the old therapy reaches the patient now. A pump that primes from a stop is stopped."""
        therapy = self.view.therapy
        return therapy.state not in NOT_FLOWING and therapy.rate.value > 0 and not primes_from_stop(therapy)


class Bridge(NamedTuple):
    """What the programmer proposes: a flow, or none and why not."""

    flow: NanolitresPerDay
    why_not: str | None = None


def propose(change: Change, library: Library) -> Bridge:
    """Return the bridge that a change needs; none without a reason if it needs none, with one if it cannot be."""
    if not change.needs_bridge:
        return Bridge(NO_BRIDGE)
    if change.goes_on:
        return Bridge(change.old.bridge)
    flow = _flow(change)
    why_not = mixed_line(change)
    if why_not is None and flow is None:
        why_not = "the pump is stopped, and the old fluid does not hold the new primary drug"
    if why_not is None and flow is not None:
        problem = next(objections(change, flow, library), None)
        why_not = f"{NanolitresPerDay(flow)} would keep the dose, but {problem}" if problem else None
    return Bridge(NO_BRIDGE, why_not) if why_not or flow is None else Bridge(NanolitresPerDay(flow))


def mixed_line(change: Change) -> str | None:
    """Say why the line holds more than one fluid, so that no flow is right for all of it; None if it does not."""
    therapy = change.view.therapy
    if therapy.bridge_remaining.value:
        return "the fluid from before the last change is still in the line, which holds more than one"
    if therapy.drug_free.value:
        return f"only a part of the line holds the old fluid; {therapy.drug_free} of it hold no drug"
    return None


def objections(change: Change, flow: int, library: Library) -> Iterator[str]:
    """Yield what speaks against a bridge at a flow in nL/day: hardware, dose at the tip, limits at both ends."""
    identity = change.view.identity
    if not deliverable(flow, identity):
        most = identity.rate_max
        yield f"{NanolitresPerDay(flow)} is no flow for this pump, which delivers {identity.rate_min} to {most}"
        return
    if change.goes_on:
        if flow != change.old.bridge.value:
            yield f"the bridge under way is at {change.old.bridge}; it goes on as it is"
        return
    yield from _outside_doses(change, flow, library)
    yield from _above_limits(change, flow, library)


def duration_ms(change: Change, flow: int) -> int:
    """Return how long the line takes to be displaced at the flow of the bridge, rounded up."""
    left = change.view.therapy.bridge_remaining if change.goes_on else change.view.line
    return -(-left.value * DAY_MS // flow)


def _flow(change: Change) -> int | None:
    """Return the flow that keeps the right dose while the old fluid arrives; None if there is no such dose."""
    if change.old_dose_flows:
        return flow_of(change.old, change.view.identity, change.view.in_force).average
    primary = change.new.drugs[0]
    old_strength = dict(_fluid(change.old)).get(primary.code, 0)
    return _new_flow(change) * primary.concentration.value // old_strength if old_strength else None


def _outside_doses(change: Change, flow: int, library: Library) -> Iterator[str]:
    """Yield the drugs whose dose at the tip would be wrong: a primary one's outside of what lies between the old dose
    and the new one, another's, if both fluids hold it, above both.
    """
    old, new = dict(_fluid(change.old)), dict(_fluid(change.new))
    primary = dict.fromkeys((change.old.drugs[0].code, change.new.drugs[0].code))
    for code in primary:
        old_strength, new_strength = old.get(code, 0), new.get(code, 0)
        was = _old_flow(change) * old_strength
        doses = sorted((was, _new_flow(change) * new_strength))
        dose = flow * old_strength
        if not doses[0] <= dose <= doses[1]:
            lowest, highest = map(PicogramsPerDay, doses)
            yield (
                f"{drug_name(code, library)} at the tip would be {PicogramsPerDay(dose)}, "
                f"not between the old and the new dose ({lowest} and {highest})"
            )
    for code in sorted((old.keys() & new.keys()) - primary.keys()):
        highest = PicogramsPerDay(max(_old_flow(change) * old[code], _new_flow(change) * new[code]))
        given = PicogramsPerDay(flow * old[code])
        if given > highest:
            name = drug_name(code, library)
            yield f"{name} at the tip would be {given}, above the old and the new dose ({highest})"


def _above_limits(change: Change, flow: int, library: Library) -> Iterator[str]:
    """Yield the limits that would be passed: at the tip by the old fluid, at the outlet by the new."""
    after = {drug.code: drug for drug in change.new.drugs}
    for drug in change.old.drugs:
        yield from _above("tip", drug, after.get(drug.code, drug), (-(-flow // 24), flow), library)
    volumes = (_most_nl(change, flow, HOUR_MS), _most_nl(change, flow, DAY_MS))
    for drug in change.new.drugs:
        yield from _above("pump outlet", drug, drug, volumes, library)


def _most_nl(change: Change, flow: int, window_ms: int) -> int:
    """Return the most volume in a window that begins with the bridge or comes after it, rounded up."""
    flows = flow_of(change.new, change.view.identity, change.new_schedule)
    then = flows.fullest_hour if window_ms == HOUR_MS else flows.fullest_day
    bridged_ms = min(window_ms, duration_ms(change, flow))
    return -(-max(flow * bridged_ms + then * (window_ms - bridged_ms), then * window_ms) // DAY_MS)


def _above(place: str, drug: Drug, limits: Drug, volumes: tuple[int, int], library: Library) -> Iterator[str]:
    for span, volume, limit in zip(("an hour", "a day"), volumes, (limits.limit_1h, limits.limit_24h), strict=True):
        mass = Picograms(volume * drug.concentration.value)
        if mass > limit:
            yield f"{drug_name(drug.code, library)} at the {place} would reach {mass} in {span}; its limit is {limit}"


def _old_flow(change: Change) -> int:
    if not change.old_dose_flows:
        return 0
    return flow_of(change.old, change.view.identity, change.view.in_force).average


def _new_flow(change: Change) -> int:
    return flow_of(change.new, change.view.identity, change.new_schedule).average


def _fluid(prescription: Prescription) -> tuple[tuple[int, int], ...]:
    """Return the fluid, in whatever order it was entered."""
    return tuple(sorted((drug.code, drug.concentration.value) for drug in prescription.drugs))
