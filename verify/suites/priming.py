"""Priming: what the programmer proposes is the quickest that fits; what the pump primes stays in the line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from hypothesis import strategies as st

from emulator.hardware.line import Fluid, drug_free_nl, emptied, foreign_nl, joined, push
from emulator.programmer.priming import PrimeProposal, propose_prime
from emulator.programmer.results import DraftError, ProgrammerRefusal
from protocol.messages import (
    Accepted,
    CancelBolus,
    Close,
    DrugTotal,
    EnterRefill,
    PatientBolus,
    Prime,
    Start,
    Stop,
)
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, Picograms
from protocol.vocabulary import LogKind, Reason, Role, TherapyState
from verify.starts import STROKE_NL, bolus
from verify.suites.asking import NEXT, PATIENT, RATE, done, infusing, refused, strokes_of, therapy
from verify.suites.fakes import FakePump, seen
from verify.suites.limits import FASTEST, LINE_NL, SLOWEST
from verify.suites.suite import Effort, Property, Suite, require
from verify.suites.tiny import LIBRARY, prescribe
from verify.world import MORPHINE, World

CATHETER_NL = 187_000
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


def dry(seed: int, *, stopped: bool = True, limit_24h: int | None = None) -> World:
    """Return a pump whose line was truly emptied and to which a flow is prescribed, stopped or not."""
    world = World(seed)
    world.bench.empty_line()
    wanted = world.prescription(RATE, limit_24h=limit_24h)
    require(isinstance(world.program(wanted), Accepted), "an ordinary prescription is refused")
    if stopped:
        done(world, Stop())
    return world


def nothing_reaches_the_patient(effort: Effort) -> None:
    """Prime a whole line from a stop, look that it is filled and nothing else happens; cancel one, and stop one."""
    effort.tried += 3
    world = dry(effort.seed)
    before, tip = strokes_of(world), dict(world.device.body.tip_pg)
    done(world, prime(line=True))
    require(therapy(world).state is TherapyState.PRIMING, "a prime does not begin")
    done(world, Close(True))
    world.bench.advance(6 * HOUR_MS)
    after, moved = therapy(world), strokes_of(world) - before
    require(moved == LINE_NL // STROKE_NL, f"of a prime of {LINE_NL} nL {moved} strokes have moved")
    require((after.state, after.rate.value) == (TherapyState.STOPPED, 0), f"a prime starts a therapy: {after}")
    require(world.device.body.tip_pg == tip, f"drug has left the tip: {world.device.body.tip_pg}")
    require(after.drug_free.value == 0, f"in a primed line {after.drug_free} hold no drug")
    require(after.stopped_for.value >= 6 * HOUR_MS, f"the stop counts from the prime's end: {after.stopped_for}")
    refused(world, prime(), Reason.LINE_HOLDS_DRUG)
    for end in (CancelBolus(), Stop()):
        world.bench.empty_line()
        done(world, prime(STROKE_NL * 20, 1, line=True))
        done(world, end)
        ended = therapy(world)
        require((ended.state, ended.rate.value) == (TherapyState.STOPPED, 0), f"after {end} of a prime: {ended}")
        done(world, Close(True))
        world.bench.advance(2 * HOUR_MS)
        held = therapy(world).drug_free.value
        require(held >= LINE_NL - STROKE_NL, f"a prime that was ended goes on: {held} nL hold no drug")


def only_what_holds_no_drug(effort: Effort) -> None:
    """Ask for primes that are too large, too short, undeclared, or at the wrong time."""
    effort.tried += 11
    world = dry(effort.seed)
    refused(world, prime(), Reason.LINE_HOLDS_DRUG)
    refused(world, prime(STROKE_NL), Reason.LINE_HOLDS_DRUG)
    refused(world, prime(LINE_NL + STROKE_NL, line=True), Reason.LINE_HOLDS_DRUG)
    refused(world, prime(CATHETER_NL + STROKE_NL, catheter=True), Reason.LINE_HOLDS_DRUG)
    refused(world, prime(0, line=True), Reason.DURATION_RANGE)
    for wrong in (MINUTE_MS - 1, DAY_MS + 1):
        refused(world, replace(prime(line=True), duration=Milliseconds(wrong)), Reason.DURATION_RANGE)
    refused(world, prime(11_500, line=True), Reason.RATE_RANGE)
    refused(world, replace(prime(line=True), duration=Milliseconds(5 * MINUTE_MS)), Reason.RATE_RANGE)
    refused(world, prime(LINE_NL, 1, line=True), Reason.HOUR_LIMIT)
    require(therapy(world).drug_free.value == 0, "a refused prime has declared the line empty")
    done(world, EnterRefill(Nanolitres(0), Nanolitres(100_000)))
    refused(world, prime(line=True), Reason.RESERVOIR)
    done(world, EnterRefill(Nanolitres(0), Nanolitres(19_000_000)))
    done(world, prime(CATHETER_NL, 4, catheter=True))
    log = [entry.kind for entry in world.device.chip.log_entries()]
    require(log.count(LogKind.LINE_EMPTIED) == 1, "what a clinician declares is not in the record once")
    refused(world, prime(STROKE_NL, line=True), Reason.BOLUS_RUNNING)
    refused(world, Start(), Reason.BOLUS_RUNNING)
    refused(world, bolus(1, 1), Reason.BOLUS_RUNNING)
    for stopped in (True, False):
        tight = dry(effort.seed, stopped=stopped, limit_24h=10_000_000_000)
        if stopped:
            done(tight, prime(line=True))
        else:
            refused(tight, prime(line=True), Reason.DAY_LIMIT)
    unprogrammed = World(effort.seed)
    refused(unprogrammed, prime(line=True), Reason.UNCONFIRMED)


def what_it_interrupts_goes_on(effort: Effort) -> None:
    """Prime in the middle of a basal flow and of a bolus, and count what comes of each."""
    effort.tried += 2
    world = infusing(effort.seed)
    world.bench.empty_line()
    before = strokes_of(world)
    done(world, prime(100_000, 3, line=True))
    during = therapy(world)
    flow = 100_000 * DAY_MS // (3 * HOUR_MS)
    require(during.rate.value in range(flow, flow + 2), f"a prime flows at {during.rate}, not {flow} nL/day")
    refused(world, PatientBolus(), Reason.BOLUS_RUNNING, Role.PATIENT)
    done(world, Close(True))
    world.bench.advance(3 * HOUR_MS + 2)
    after = therapy(world)
    moved = strokes_of(world) - before
    require((after.state, after.rate.value) == (TherapyState.SIMPLE_CONTINUOUS, RATE), f"after a prime: {after}")
    require(moved in (200, 201), f"of a prime of 200 strokes {moved} have moved, and the basal flow waits")
    refused(world, PatientBolus(), Reason.LOCKOUT, Role.PATIENT)
    world.bench.advance(NEXT + 6 * HOUR_MS)
    before = strokes_of(world)
    done(world, bolus(20, 20))
    world.bench.advance(5 * MINUTE_MS)
    done(world, prime(10_000, 1, line=True))
    left = therapy(world).suspended_remaining.value
    require(left in range(7_490, 7_511), f"three quarters of a bolus wait, and {left} nL of it")
    world.bench.advance(HOUR_MS + 2)
    goes_on = therapy(world)
    require(goes_on.state is TherapyState.CLINICIAN_BOLUS, f"after the prime the bolus is {goes_on.state.name}")
    require(
        goes_on.bolus_remaining.value in range(left - 10, left + 1), f"of {left} nL {goes_on.bolus_remaining} remain"
    )
    world.bench.advance(15 * MINUTE_MS + 2)
    basal = RATE * 20 * MINUTE_MS // (DAY_MS * STROKE_NL)
    moved = strokes_of(world) - before - basal - 20
    require(moved in (19, 20, 21), f"of a bolus of 20 strokes {moved} have moved")


def alarms_end_it(effort: Effort) -> None:
    """Let a critical alarm come during a prime: from a stop it ends in one, else at no more than was prescribed."""
    effort.tried += 2
    for stopped, state in ((True, TherapyState.STOPPED), (False, TherapyState.MINIMUM_RATE)):
        world = dry(effort.seed, stopped=stopped)
        done(world, prime(line=True))
        done(world, Close(True))
        world.bench.inject("motor_stall")
        world.bench.advance(20 * MINUTE_MS)
        found = therapy(world).state
        require(found is state, f"after a stall in a prime the pump is {found.name}, not {state.name}")
    patient = infusing(effort.seed, patient=PATIENT)
    patient.bench.empty_line()
    tip = patient.device.body.tip_pg[MORPHINE]
    done(patient, prime(line=True))
    patient.bench.cut_power()
    patient.bench.restore_power()
    minimum = patient.profile.minimum_rate.value
    require(therapy(patient).rate.value == minimum, "a prime goes on after a reset, confirmed by nobody")
    require(patient.device.body.tip_pg[MORPHINE] == tip, "drug has left the tip during a prime")


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
    "priming, at both ends of the wire",
    (
        Property(
            "priming.line",
            "A line is a queue of fluids, to the nanolitre.",
            lines,
            200,
            ("drug before saline",),
        ),
        Property("priming.pump", "Priming fills the line and starts nothing.", nothing_reaches_the_patient),
        Property("priming.refusals", "No more is primed than holds no drug.", only_what_holds_no_drug),
        Property("priming.rest", "What a prime interrupts goes on.", what_it_interrupts_goes_on),
        Property("priming.alarms", "An alarm ends a prime, and raises nothing.", alarms_end_it),
        Property("priming.declared", "What is declared empty may be primed, and no more.", declarations),
        Property(
            "priming.proposals",
            "The proposed prime is the quickest that fits.",
            proposals,
            400,
            ("no such volume", "limits", "proposed"),
        ),
    ),
)
