"""Priming as the programmer proposes it: the quickest that fits, and no more than holds no drug."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from hypothesis import strategies as st

from emulator.hardware.line import Fluid, drug_free_nl, emptied, foreign_nl, joined, push
from emulator.programmer.priming import PrimeProposal, propose_prime
from emulator.programmer.results import DraftError, ProgrammerRefusal
from protocol.messages import (
    DrugTotal,
    Prime,
)
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, Picograms
from protocol.vocabulary import TherapyState
from verify.suites.fakes import FakePump, seen
from verify.suites.limits import FASTEST, LINE_NL, SLOWEST
from verify.suites.suite import Effort, Property, Suite, require
from verify.suites.tiny import LIBRARY, prescribe

CATHETER_NL, STROKE_NL = 187_000, 500
"""Of the pump that only talks."""
DAILY_NL = 250_000
GUARD_HOUR_MS = 61 * 61_000
"""The longest hour of the dose guard, as documented."""


def prime(volume_nl: int = LINE_NL, hours: int = 6, *, line: bool = False, catheter: bool = False) -> Prime:
    """Return the command."""
    return Prime(Nanolitres(volume_nl), Milliseconds(hours * HOUR_MS), line, catheter)


def proposals(effort: Effort) -> None:
    """Propose primes of any volume with any room left in the windows, and look for a quicker one."""

    def check(
        strength: int, hour: int, counted: int, beside: int, free: int, volume: int | None, stopped: bool
    ) -> None:
        pump = FakePump(LIBRARY)
        pump.prescription = prescribe(rate=DAILY_NL, strength=strength, limit_1h=hour)
        pump.state = TherapyState.STOPPED if stopped else TherapyState.SIMPLE_CONTINUOUS
        pump.drug_free = Nanolitres(free)
        masses = [Picograms(each) for each in (0, counted, beside, 0, 480_000)]
        pump.totals = (DrugTotal(1, *masses),)
        wanted = free // STROKE_NL * STROKE_NL if volume is None else volume
        mass, slack = wanted * strength, 3 * STROKE_NL * strength
        day = max(beside, 0 if stopped else DAILY_NL * strength) + mass + slack
        room = hour - counted - slack
        try:
            proposed = propose_prime(1, seen(pump), LIBRARY, volume=None if volume is None else Nanolitres(volume))
        except DraftError:
            effort.reached["no such volume"] += 1
            wrong = not 0 < wanted <= free // STROKE_NL * STROKE_NL or not _fits_hardware(wanted, mass, room)
            require(wrong, f"{wanted} of {free} nL are no volume to prime")
            return
        except ProgrammerRefusal as refusal:
            effort.reached["limits"] += 1
            full = (
                free < STROKE_NL or day > 480_000 or (mass > room and (room <= 0 or _hour_needs(mass, room) > DAY_MS))
            )
            require(full, f"{mass} pg beside {counted} and {beside} are refused: {refusal}")
            return
        effort.reached["proposed"] += 1
        require(proposed.prime.volume.value == wanted, f"{proposed.prime} is proposed for {wanted} nL")
        require(0 < wanted <= free // STROKE_NL * STROKE_NL, f"{wanted} of {free} nL are proposed")
        require(day <= 480_000, f"{proposed.prime} passes the limit of the day")
        _check_time(proposed, mass, room)

    effort.search(
        check,
        strength=st.sampled_from([0, 1, 1, 2]),
        hour=st.sampled_from([10_000, 30_000]),
        counted=st.sampled_from([0, 7_000, 8_500, 8_499, 29_000]),
        beside=st.sampled_from([0, 151_000, 151_500, 153_000, 153_001, 479_000]),
        free=st.sampled_from([0, 499, 500, 30_499, 187_000, LINE_NL]),
        volume=st.none() | st.sampled_from([0, 500, 7_000, 30_000, 187_000, LINE_NL, LINE_NL + 500]),
        stopped=st.booleans(),
    )


def _hour_needs(mass: int, room: int) -> Fraction:
    return Fraction(mass * GUARD_HOUR_MS, room)


def _fits_hardware(volume: int, mass: int, room: int) -> bool:
    """Whether the quickest prime is a flow that the pump has."""
    least = MINUTE_MS if mass <= room else max(MINUTE_MS, _hour_needs(mass, room) if room > 0 else 0)
    return not least or volume * DAY_MS / least >= 2 * SLOWEST


def _check_time(proposed: PrimeProposal, mass: int, room: int) -> None:
    """Require that the time keeps the hour's limit and the highest flow, and that two minutes less would not."""
    span, volume = proposed.prime.duration.value, proposed.prime.volume.value
    require(span % MINUTE_MS == 0 and MINUTE_MS <= span <= DAY_MS, f"{span} ms is no time to prime in")
    require(volume * DAY_MS <= FASTEST * span, f"{volume} nL in {span} ms is faster than the pump")
    require(mass <= room or mass * GUARD_HOUR_MS <= room * span, f"{mass} pg in {span} ms pass the hour's {room} pg")
    less = span - 3 * MINUTE_MS
    too_fast = less <= 0 or volume * DAY_MS > FASTEST * less
    too_much = mass > room and mass * GUARD_HOUR_MS > room * less * Fraction(99, 100)
    require(too_fast or too_much, f"{volume} nL are primed in {span} ms, and {less} would do")


def declarations(effort: Effort) -> None:
    """Declare what was emptied, in every state, and look how much may be primed and what is shown."""
    effort.tried += 6
    pump = FakePump(LIBRARY)
    pump.prescription, pump.state = prescribe(strength=1), TherapyState.STOPPED
    view = seen(pump)
    whole = propose_prime(1, view, LIBRARY, line_emptied=True, duration=Milliseconds(12 * HOUR_MS)).prime
    require(whole == prime(LINE_NL, 12, line=True), f"an emptied line is primed by {whole}")
    part = propose_prime(1, view, LIBRARY, catheter_emptied=True, duration=Milliseconds(12 * HOUR_MS)).prime
    require(part == prime(CATHETER_NL, 12, catheter=True), f"an emptied catheter is primed by {part}")
    pump.drug_free = Nanolitres(200_400)
    more = propose_prime(1, seen(pump), LIBRARY, catheter_emptied=True, duration=Milliseconds(12 * HOUR_MS)).prime
    require(more.volume.value == 200_000, f"of 200.4 uL without drug {more.volume} are primed")
    _refuses(pump, "both declarations", line_emptied=True, catheter_emptied=True)
    _refuses(pump, "a flow too slow", duration=Milliseconds(DAY_MS), volume=Nanolitres(47_500))
    _refuses(pump, "no time", duration=Milliseconds(0))
    for state in (TherapyState.BRIDGE, TherapyState.PRIMING):
        pump.state = state
        _refuses(pump, f"a prime while the pump is {state.name}")
    _refuses(FakePump(LIBRARY), "a prime without a prescription", line_emptied=True)


def _refuses(pump: FakePump, what: str, **asked: object) -> None:
    try:
        proposed = propose_prime(1, seen(pump), LIBRARY, **asked)  # type: ignore[arg-type]
    except (DraftError, ProgrammerRefusal):
        return
    require(False, f"{what} is proposed: {proposed.prime}")


def lines(effort: Effort) -> None:
    """Push fluids through lines, empty them from the tip, and do the same with a list of single nanolitres."""

    def check(plugs: list[tuple[int, Fluid]], volume: int, fluid: Fluid, drawn: int) -> None:
        line = joined(plugs)
        units = [each for count, each in plugs for _ in range(count)]
        after, out = push(line, volume, fluid)
        moved = [*units, *[fluid] * volume]
        require(_units(out) == moved[:volume], f"{volume} nL into {line} let {out} out")
        require(_units(after) == moved[volume:], f"{volume} nL into {line} leave {after}")
        free = next((at for at, each in enumerate(units) if each), len(units))
        require(drug_free_nl(line) == free, f"of {line} {drug_free_nl(line)} nL hold no drug, not {free}")
        foreign = max((at + 1 for at, each in enumerate(units) if each not in ((), fluid)), default=0)
        require(foreign_nl(line, fluid) == foreign, f"{foreign_nl(line, fluid)} nL must leave {line}, not {foreign}")
        drawn = min(drawn, len(units))
        left = emptied(line, drawn)
        require(_units(left) == [(), *[()] * drawn, *units[drawn:]][1:], f"{line} without {drawn} nL is {left}")
        effort.reached["drug before saline"] += free == 0 and () in units

    fluids = st.sampled_from([(), ((1, 5),), ((1, 7),), ((1, 5), (2, 1))])
    plugs = st.lists(st.tuples(st.integers(1, 5), fluids), min_size=1, max_size=4)
    effort.search(check, plugs=plugs, volume=st.integers(1, 20), fluid=fluids, drawn=st.integers(0, 20))


def _units(line: Iterable[tuple[int, Fluid]]) -> list[Fluid]:
    return [fluid for count, fluid in line for _ in range(count)]


SUITE = Suite(
    "priming",
    "priming in the programmer, and the line",
    (
        Property(
            "priming.line",
            "A line is a queue of fluids, to the nanolitre.",
            lines,
            200,
            ("drug before saline",),
        ),
        Property(
            "priming.declared",
            "What is declared empty may be primed, and no more.",
            declarations,
            verifies=("PRM-03",),
        ),
        Property(
            "priming.proposals",
            "The proposed prime is the quickest that fits.",
            proposals,
            400,
            ("no such volume", "limits", "proposed"),
            verifies=("PRM-03",),
        ),
    ),
)
