"""Priming: filling an empty line with the reservoir's fluid, so that drug arrives when the therapy begins.

No drug leaves the tip during it, because the pump bounds it by the part of the line that holds none. The fluid leaves
the pump all the same, and the limits at its outlet count it: a strong drug has to be primed slowly. The programmer
proposes the shortest time that fits and shows it; the pump, which knows its own ledgers, has the last word.
"""

from __future__ import annotations

from dataclasses import dataclass

from emulator.library import Library
from emulator.programmer.flow import flow_of
from emulator.programmer.results import DraftError, ProgrammerRefusal
from emulator.programmer.view import PumpView
from emulator.programmer.words import REASONS, STATES, clock, drug_name
from protocol.messages import Drug, Prime
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay, Picograms
from protocol.vocabulary import Reason, TherapyState

NO_PRIME = (TherapyState.BRIDGE, TherapyState.PRIMING)
LONGEST_MS = 24 * HOUR_MS
"""A prime is a bolus to the pump, and none takes longer than a day."""
GUARD_HOUR_MS = HOUR_MS + 2 * MINUTE_MS + 30_000
"""What a pump may count as an hour: it keeps its ledger in buckets, and one more of them than an hour has."""
STROKES_ALLOWED_FOR = 3
"""Fluid moves in whole strokes, so a few more than the volume says may fall into a window."""


@dataclass(frozen=True, slots=True)
class PrimeProposal:
    """A prime as it is to be confirmed. ``number`` tells one proposal from the next."""

    number: int
    prime: Prime
    lines: tuple[tuple[str, str], ...]

    def text(self) -> str:
        """Return the proposal for reading."""
        return "\n".join(["Prime:", *(f"  {label}: {value}" for label, value in self.lines)]) + "\n"


def propose_prime(
    number: int,
    view: PumpView,
    library: Library,
    *,
    volume: Nanolitres | None = None,
    duration: Milliseconds | None = None,
    line_emptied: bool = False,
    catheter_emptied: bool = False,
) -> PrimeProposal:
    """Return the prime of a volume, of all of the line that holds no drug if none is given, over a time, the shortest
    that fits if none is given.

    ``line_emptied`` declares that tubing and catheter hold no drug now, as in a new pump; ``catheter_emptied`` that
    the catheter alone holds none, a new or an aspirated one: what the tubing still holds would come out at the tip if
    the whole line were primed. Raises ``ProgrammerRefusal`` if nothing can be primed or a limit is in the way,
    ``DraftError`` for both declarations at once, or for a volume or a time that cannot be.
    """
    if not view.prescription.prescription.drugs:
        raise ProgrammerRefusal(REASONS[Reason.UNCONFIRMED])
    if view.therapy.state in NO_PRIME:
        raise ProgrammerRefusal(f"The pump is {STATES[view.therapy.state]}: nothing can be primed now.")
    if line_emptied and catheter_emptied:
        raise DraftError("declare the whole line emptied or the catheter alone, not both")
    most = _whole_strokes(_free(view, line_emptied, catheter_emptied), view)
    if most.value == 0:
        raise ProgrammerRefusal(
            "By the pump's reckoning the whole line holds drug: there is nothing to prime unless it was emptied."
        )
    wanted = most if volume is None else volume
    if not 0 < wanted.value <= most.value:
        raise DraftError(f"{wanted} cannot be primed: {most} of the line hold no drug, in whole strokes")
    span = shortest(wanted, view, library) if duration is None else duration
    fastest = wanted.value * DAY_MS // span.value if span.value else 0
    if not view.identity.rate_min.value <= fastest <= view.identity.rate_max.value:
        limits = f"{view.identity.rate_min} to {view.identity.rate_max}"
        raise DraftError(f"{wanted} over {span} is no flow for this pump, which delivers {limits}")
    prime = Prime(wanted, span, line_emptied, catheter_emptied)
    return PrimeProposal(number, prime, tuple(_lines(prime, view, library).items()))


def shortest(volume: Nanolitres, view: PumpView, library: Library) -> Milliseconds:
    """Return the shortest time, in whole minutes, that fits the pump's flow and the limits at its outlet.

    Raises ``ProgrammerRefusal`` with the drug and the limit if no time up to a day does.
    """
    drugs = view.prescription.prescription.drugs
    for drug in drugs:
        _check_day(drug, volume, view, library)
    needed = [-(-volume.value * DAY_MS // view.identity.rate_max.value)]
    needed += [_for_the_hour(drug, volume, view, library) for drug in drugs]
    span = max(MINUTE_MS, -(-max(needed) // MINUTE_MS) * MINUTE_MS)
    if span > LONGEST_MS:
        raise ProgrammerRefusal(
            f"{volume} would need {clock(span)} within the limit of the hour; prime less at a time"
        )
    return Milliseconds(span)


def _for_the_hour(drug: Drug, volume: Nanolitres, view: PumpView, library: Library) -> int:
    """Return the time in ms over which the volume keeps the limit of the hour, beside what is counted already."""
    counted = _counted(drug, view)[0]
    room = drug.limit_1h.value - counted - _slack(drug, view)
    mass = volume.value * drug.concentration.value
    if mass <= room:
        return MINUTE_MS
    if room <= 0:
        name, given = drug_name(drug.code, library), Picograms(counted)
        raise ProgrammerRefusal(
            f"{name}: {given} left the pump in the last hour, its limit in 1 h is {drug.limit_1h}; prime later"
        )
    return -(-mass * GUARD_HOUR_MS // room)


def _check_day(drug: Drug, volume: Nanolitres, view: PumpView, library: Library) -> None:
    """Raise ``ProgrammerRefusal`` if the volume and what a day holds beside it pass the limit of the day."""
    prescription = view.prescription.prescription
    basal = 0 if view.therapy.rate.value == 0 else flow_of(prescription, view.identity, view.in_force).fullest_day
    beside = max(_counted(drug, view)[1], basal * drug.concentration.value)
    mass = volume.value * drug.concentration.value
    if beside + mass + _slack(drug, view) > drug.limit_24h.value:
        name = drug_name(drug.code, library)
        raise ProgrammerRefusal(
            f"{name}: {Picograms(mass)}, and {Picograms(beside)} beside it in 24 h, pass its limit of "
            f"{drug.limit_24h}; prime less, or later"
        )


def _counted(drug: Drug, view: PumpView) -> tuple[int, int]:
    """Return what the pump counts at its outlet for the hour and the day, in pg."""
    total = next((total for total in view.totals.drugs if total.code == drug.code), None)
    return (total.outlet_1h.value, total.outlet_24h.value) if total else (0, 0)


def _free(view: PumpView, line_emptied: bool, catheter_emptied: bool) -> Nanolitres:
    """Return how much of the line, from the tip, holds no drug by the pump's reckoning and what is declared."""
    if line_emptied:
        return view.line
    free = view.therapy.drug_free
    return max(free, view.identity.catheter) if catheter_emptied else free


def _whole_strokes(volume: Nanolitres, view: PumpView) -> Nanolitres:
    stroke = view.identity.stroke.value
    return Nanolitres(volume.value // stroke * stroke)


def _slack(drug: Drug, view: PumpView) -> int:
    return STROKES_ALLOWED_FOR * view.identity.stroke.value * drug.concentration.value


def _now(prime: Prime, view: PumpView) -> str:
    if prime.line_emptied:
        return "TUBING AND CATHETER EMPTIED, as you declare: as in a new pump, or both rinsed"
    if prime.catheter_emptied:
        return "CATHETER EMPTIED, as you declare: new, or aspirated; the tubing holds what it held"
    return f"holds no drug in {view.therapy.drug_free} from the tip, by the pump's reckoning"


def _lines(prime: Prime, view: PumpView, library: Library) -> dict[str, str]:
    flow = NanolitresPerDay(prime.volume.value * DAY_MS // prime.duration.value)
    lines = {
        "volume": f"{prime.volume} of the line's {view.line}",
        "duration": clock(prime.duration.value),
        "flow": str(flow),
        "the line now": _now(prime, view),
    }
    for drug in view.prescription.prescription.drugs:
        mass = Picograms(prime.volume.value * drug.concentration.value)
        lines[f"{drug_name(drug.code, library)} that leaves the pump"] = str(mass)
    lines["at the catheter tip meanwhile"] = "no drug, if the line is as stated"
    rest = view.line.value - prime.volume.value
    basal = flow_of(view.prescription.prescription, view.identity, view.in_force).average
    if rest and basal and prime.line_emptied:
        lines["then still without drug"] = f"{Nanolitres(rest)}, {clock(rest * DAY_MS // basal)} at the basal flow"
    return lines
