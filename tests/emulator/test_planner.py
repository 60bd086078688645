"""The planner against the guard: what it accepts, the guard never refuses; it refuses little more than it must."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from operator import attrgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.firmware import guard
from emulator.firmware.allowance import ledgers_under
from emulator.firmware.guard import Sizes
from emulator.firmware.outlook import plan_prescription
from emulator.firmware.planner import MassCurve, Piece, Plan, obstacle
from emulator.firmware.prescribing import fluid_of, refusal
from emulator.firmware.refusals import clinician_bolus_refused, prescription_refused
from emulator.schedule import WEEK_MS
from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    CancelBolus,
    ClinicianBolus,
    Commit,
    Drug,
    Message,
    PatientBolus,
    Prescription,
    Prime,
    Refused,
    Schedule,
    Staged,
    StagePrescription,
    Start,
    Stop,
)
from protocol.prescription_digest import schedule_digest
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay, Picograms
from protocol.vocabulary import AlarmCode, Mode, Reason, TherapyState
from tests.emulator.worlds import (
    BUPIVACAINE,
    CLONIDINE,
    CONTENTS_NL,
    FENTANYL,
    HYDROMORPHONE,
    MORPHINE,
    NOTHING_GRANTED,
    PROFILE,
    Bare,
    Stroke,
    drug,
    granted,
    infusing,
    prescription,
    rng,
    schedule,
    small_profile,
)

pytestmark = pytest.mark.safety

SMALL = Sizes(hour_bucket_ms=150_000, hour_buckets=5, day_bucket_ms=400_000, day_buckets=7)
"""An hour of ten minutes and a day of forty: plans and windows of the same length meet in every way."""
OUTLET: Callable[[Stroke], dict[int, int]] = attrgetter("outlet")
TIP: Callable[[Stroke], dict[int, int]] = attrgetter("tip")
STRONGEST = {MORPHINE: 25_000, HYDROMORPHONE: 15_000, FENTANYL: 10_000, BUPIVACAINE: 30_000, CLONIDINE: 1_000}


def least(fits: Callable[[int], bool], low: int, high: int) -> int:
    """Return the smallest number that fits, where all above it fit too."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return low


def guard_never_tripped(bare: Bare) -> bool:
    """Say whether the guard granted every stroke that was asked of it."""
    return bare.count("guard.refused") == 0


# --- the tightest plan that is accepted -----------------------------------------------------------------------

LINES = {
    "the same fluid": ((MORPHINE, 20_000),),
    "a stronger one": ((MORPHINE, 25_000),),
    "a weaker one": ((MORPHINE, 2_000),),
    "another drug": ((HYDROMORPHONE, 15_000),),
    "saline": (),
}


@pytest.mark.verifies("DOSE-02")
@pytest.mark.parametrize("in_line", LINES)
@pytest.mark.parametrize("rate", [48_000, 777_777])
@pytest.mark.parametrize("window", ["limit_1h", "limit_24h"])
def test_the_tightest_accepted_limit_is_never_met(in_line: str, rate: int, window: str) -> None:
    """Prescribed with the tightest limit that the planner accepts, a day and more pass and the guard grants all."""
    bare = Bare(line_fluid=LINES[in_line])
    strong = {"concentration": 20_000 if in_line == "the same fluid" else 10_000}

    def under(limit: int) -> Prescription:
        return prescription(rate, [drug(MORPHINE, **strong, **{window: limit})])

    ceiling = getattr(drug(), window).value
    limit = least(lambda limit: prescription_refused(bare.pump, under(limit)) is None, 0, ceiling)
    if prescription_refused(bare.pump, under(limit)):
        pytest.skip("no library limit allows this much")
    assert isinstance(bare.prescribe(under(limit)), Accepted)
    fullest = 0
    while bare.now < DAY_MS + 2 * HOUR_MS:
        bare.advance(max(0, (bare.pump.due_ms or 0) - bare.now))
        held = next(entry for entry in bare.pump.ledgers if entry.code == MORPHINE)
        rings = [held.outlet.hour, held.tip.hour] if window == "limit_1h" else [held.outlet.day, held.tip.day]
        fullest = max(fullest, *(ring.total for ring in rings))
    assert guard_never_tripped(bare)
    strongest = max([strong["concentration"], *(amount for _, amount in LINES[in_line])])
    assert limit - 4 * 500 * strongest <= fullest <= limit


@pytest.mark.verifies("DOSE-02")
@pytest.mark.parametrize("seed", range(12))
def test_the_largest_accepted_bolus_is_never_refused_a_stroke(seed: int) -> None:
    """With a past, a mixed line and pre-emption, the largest bolus that is accepted meets no limit to its end."""
    chance = rng(seed)
    bare = Bare(line_fluid=((MORPHINE, chance.choice([2_000, 20_000, 25_000])),))
    limit = chance.randrange(1_000_000_000, 1_800_000_000)
    wanted = prescription(
        chance.choice([60_000, 120_000]),
        [drug(MORPHINE, chance.choice([5_000, 10_000, 20_000]), limit_1h=limit)],
        grant=granted(3_000, 7 * MINUTE_MS, lockout_ms=5 * MINUTE_MS, count=9),
    )
    assert isinstance(bare.prescribe(wanted), Accepted)
    bare.advance(chance.randrange(HOUR_MS, DAY_MS))
    bare.ask(PatientBolus())
    bare.advance(chance.randrange(8 * MINUTE_MS, HOUR_MS))
    duration = chance.choice([MINUTE_MS, 20 * MINUTE_MS, 3 * HOUR_MS])
    volume = least(lambda nl: clinician_bolus_refused(bare.pump, nl, duration, "a test") is not None, 1, 10**6) - 1
    if volume:
        assert isinstance(bare.ask(ClinicianBolus(Nanolitres(volume), Milliseconds(duration), "a test")), Accepted)
        bare.advance(duration // 3)
        bare.ask(PatientBolus())
    bare.advance(2 * DAY_MS)
    assert guard_never_tripped(bare)
    assert bare.state is TherapyState.SIMPLE_CONTINUOUS


@pytest.mark.parametrize("share", [70, 90])
def test_a_plan_well_under_the_limit_is_accepted(share: int) -> None:
    """A rate that gives seven or nine tenths of the day's limit is accepted, at any concentration."""
    for concentration in (1_000, 5_000, 25_000):
        rate = 20_000_000_000 * share // (100 * concentration)
        bare = Bare(line_fluid=())
        assert isinstance(bare.prescribe(prescription(rate, [drug(MORPHINE, concentration)])), Accepted)


@given(
    pieces=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9)), max_size=3),
    basal=st.integers(0, 5),
    credit=st.integers(0, 9),
    plugs=st.lists(st.tuples(st.integers(1, 30), st.integers(0, 7)), max_size=3),
    window=st.integers(1, 20),
)
def test_the_planned_mass_is_exact(
    pieces: list[tuple[int, int]], basal: int, credit: int, plugs: list[tuple[int, int]], window: int
) -> None:
    """Mass by any time, and in the fullest window, are those of a sum over every single unit of volume."""
    plan = Plan(tuple(Piece(for_ms, rate * DAY_MS) for for_ms, rate in pieces), basal * DAY_MS, credit * DAY_MS)
    line = [*((volume, ((1, concentration),)) for volume, concentration in plugs), (0, ((1, 3),))]
    curve = MassCurve(1, plan, line, 0)
    units = [concentration for volume, concentration in plugs for _ in range(volume)] + [3] * 2_000
    flow = [rate for for_ms, rate in pieces for _ in range(for_ms)] + [basal] * 200
    by = [sum(units[: credit + sum(flow[:time])]) for time in range(160)]
    assert [curve.by(time) for time in range(160)] == by
    fullest = max(by[time + window] - by[time] for time in range(130))
    assert fullest <= curve.most_within(window)
    assert curve.most_within(window) <= max(by[time + window + 1] - by[time] for time in range(130))


# --- everything at once ---------------------------------------------------------------------------------------


class Clinic:
    """A clinician, a patient and time, acting at random but for the seed, near the limits on purpose."""

    def __init__(self, seed: int, *, small: bool) -> None:
        self.random = rng(seed)
        self.seen: Counter[str] = Counter()
        self.judged = 0
        """How many of the strokes have been judged."""
        self.sizes = SMALL if small else Sizes()
        self.stroke_nl = 20 if small else PROFILE.stroke.value
        self.day_ms = self.sizes.day_bucket_ms * self.sizes.day_buckets
        profile = small_profile(stroke=20, tubing=600, catheter=900) if small else PROFILE
        line = ((MORPHINE, 20_000),) if seed % 2 else ((FENTANYL, 2_000), (BUPIVACAINE, 10_000))
        self.bare = Bare(sizes=self.sizes, profile=profile, line_fluid=line)

    def step(self) -> None:
        """Do one thing, and let some time pass."""
        action = self.random.choices(
            (self.prescribe, self.bolus, self.press, self.cancel, self.stop, self.start, self.prime),
            (3, 4, 5, 2, 1, 3, 1),
        )[0]
        reply = action()
        self.seen[reply.reason.name if isinstance(reply, Refused) else action.__name__] += 1
        self.bare.advance(int(self.day_ms * self.random.choice((0, 0.001, 0.01, 0.05, 0.3)) * self.random.random()))
        assert guard_never_tripped(self.bare)
        self._judge()
        self.bare.ask(AcknowledgeAlarm(AlarmCode.STOPPED_48H))
        self.bare.pump.reservoir_nl = self.bare.body.reservoir_nl = CONTENTS_NL

    def _judge(self) -> None:
        """Compare the exact windows that end with each new stroke with the limits in force, drug by drug."""
        strokes = self.bare.strokes
        hour_ms = (self.sizes.hour_buckets - 1) * self.sizes.hour_bucket_ms
        day_ms = (self.sizes.day_buckets - 1) * self.sizes.day_bucket_ms
        for code, outlet, tip in self.bare.pump.ledgers:
            for width, place, limit in (
                (hour_ms, OUTLET, outlet.limit_1h),
                (day_ms, OUTLET, outlet.limit_24h),
                (hour_ms, TIP, tip.limit_1h),
                (day_ms, TIP, tip.limit_24h),
            ):
                first, total = 0, 0
                for number, stroke in enumerate(strokes):
                    total += place(stroke).get(code, 0)
                    while strokes[first].at_ms < stroke.at_ms - width:
                        total -= place(strokes[first]).get(code, 0)
                        first += 1
                    assert number < self.judged or total <= limit
        self.judged = len(strokes)
        while strokes and strokes[0].at_ms < self.bare.now - 2 * day_ms:
            strokes.pop(0)
            self.judged -= 1
            self.seen["strokes"] += 1

    def prescribe(self) -> Message:
        """Prescribe one to five drugs with limits around what the rate needs."""
        codes = self.random.sample(sorted(STRONGEST), self.random.choice((1, 1, 2, 5)))
        rate = int(48_000 * 2 ** self.random.uniform(0, 5))
        grant = granted(
            self.stroke_nl * self.random.choice((1, 4, 12)),
            self.random.choice((1, 5, 20)) * MINUTE_MS,
            lockout_ms=5 * MINUTE_MS,
            count=self.random.choice((3, 20)),
        )
        mode = self.random.choices(list(Mode), (1, 1, 8, 4))[0]
        wanted = prescription(
            rate,
            [self._drug(code, rate) for code in codes],
            mode=mode,
            grant=NOTHING_GRANTED if mode is Mode.STOPPED else grant,
            low_nl=0,
        )
        by = self._schedule(rate) if mode is Mode.FLEX else None
        if by:
            wanted = replace(wanted, schedule=schedule_digest(by))
        if mode is not Mode.STOPPED and self.random.random() < 0.5:
            wanted = replace(wanted, bridge=NanolitresPerDay(max(48_000, rate // 2)))
        if self.sizes == Sizes():
            reply = self.bare.prescribe(wanted, by)
            if isinstance(reply, Refused) and reply.reason is Reason.BRIDGE_IMPOSSIBLE:
                reply = self.bare.prescribe(replace(wanted, bridge=NanolitresPerDay(0)), by)
            return reply
        return self._planned(wanted, by)

    def _schedule(self, rate: int) -> Schedule:
        """Return a schedule of steps at and under a rate, with short steps whose edges meet the windows'."""
        steps = [rate // self.random.choice((1, 1, 2, 3)) for _ in range(self.random.choice((2, 5, 12)))]
        return schedule(
            *(max(48_000, step) for step in steps),
            weekend=(rate,),
            anchor_ms=self.random.randrange(WEEK_MS // MINUTE_MS) * MINUTE_MS,
        )

    def prime(self) -> Message:
        """Fill the line as if it had been emptied, as fast as the planner lets it."""
        stroke_nl = self.stroke_nl
        self.bare.body.fill_line(())
        volume = self.random.choice((stroke_nl, 20 * stroke_nl, self.bare.profile.line_nl))
        for minutes in (5, 60, 24 * 60):
            reply = self.bare.ask(Prime(Nanolitres(volume), Milliseconds(minutes * MINUTE_MS), True))
            if isinstance(reply, Accepted):
                return reply
        return reply

    def _planned(self, wanted: Prescription, by: Schedule | None) -> Message:
        """Prescribe what the planner accepts; the library's limits are for a day longer than forty minutes."""
        pump = self.bare.pump
        plan = plan_prescription(pump, wanted, by)
        held = ledgers_under(pump, wanted)
        found = obstacle(plan, held, pump.line, fluid_of(wanted), self.stroke_nl, self.sizes)
        if found and wanted.mode is not Mode.STOPPED:
            return refusal(found.reason, found.code)
        pump.course.prescribe(wanted, by)
        self.bare.body.fluid = fluid_of(wanted)
        pump.save()
        pump.watch()
        return Accepted(pump.therapy.state, wanted.rate)

    def _drug(self, code: int, rate: int) -> Drug:
        top = drug(code)
        strongest = min(STRONGEST[code], top.limit_24h.value * 9 // 10 // rate)
        concentration = max(1, strongest // self.random.choice((1, 2, 5, 20)))
        scale = self.random.choice((1, 1.02, 1.2, 3))
        hour_ms = self.sizes.hour_bucket_ms * self.sizes.hour_buckets
        hour = int(scale * rate * concentration * hour_ms / DAY_MS) + 4 * self.stroke_nl * concentration
        day = int(scale * rate * concentration * self.day_ms / DAY_MS) + 4 * self.stroke_nl * concentration
        return drug(code, concentration, min(hour, top.limit_1h.value), min(day, top.limit_24h.value))

    def bolus(self) -> Message:
        """Ask for a clinician bolus as large as the planner takes, or a little less."""
        duration = self.random.choice((1, 3, 10, 40)) * MINUTE_MS
        volume = self._largest(duration) - self.random.choice((0, 0, 1, self.stroke_nl))
        return self.bare.ask(ClinicianBolus(Nanolitres(max(1, volume)), Milliseconds(duration), "a test"))

    def _largest(self, duration: int) -> int:
        def too_much(volume: int) -> bool:
            found = clinician_bolus_refused(self.bare.pump, volume, duration, "a test")
            return found is not None

        return least(too_much, 1, 200_000) - 1

    def press(self) -> Message:
        """Press the patient's button."""
        return self.bare.ask(PatientBolus())

    def cancel(self) -> Message:
        """Cancel what runs."""
        return self.bare.ask(CancelBolus())

    def stop(self) -> Message:
        """Stop."""
        return self.bare.ask(Stop())

    def start(self) -> Message:
        """Start again."""
        return self.bare.ask(Start())


@pytest.mark.verifies("ALM-23", "DOSE-02", "DOSE-09")
@pytest.mark.parametrize("small", [True, False], ids=["small windows", "real windows"])
def test_in_healthy_operation_the_guard_never_trips(small: bool) -> None:
    """Whatever clinician and patient do near the limits, the planner refuses it before the guard would have to."""
    seen: Counter[str] = Counter()
    for seed in range(16 if small else 8):
        clinic = Clinic(seed, small=small)
        for _ in range(60):
            clinic.step()
        seen += clinic.seen
        seen["strokes"] += len(clinic.bare.strokes)
        seen["mixed"] += len(clinic.bare.pump.line) > 1
    assert seen["strokes"] > 1_000
    often = 10 if small else 3
    assert (
        min(seen[action] for action in ("prescribe", "bolus", "press", "cancel", "stop", "start", "prime")) >= often
    )
    assert (
        min(seen[refusal] for refusal in ("HOUR_LIMIT", "DAY_LIMIT", "LOCKOUT", "BOLUS_RUNNING", "WRONG_STATE"))
        >= often
    )


# --- what stands in the line ----------------------------------------------------------------------------------


def test_a_drug_in_the_line_that_was_never_prescribed_has_the_librarys_limits() -> None:
    """A first prescription of another drug than the line holds is delivered: the old drug is counted too."""
    bare = Bare(line_fluid=((HYDROMORPHONE, 10_000),))
    assert isinstance(bare.prescribe(prescription(100_000, [drug(MORPHINE, 10_000)])), Accepted)
    bare.advance(DAY_MS)
    assert guard_never_tripped(bare)
    old = next(entry for entry in bare.pump.ledgers if entry.code == HYDROMORPHONE)
    assert old.tip.day.total == bare.tip_pg(HYDROMORPHONE) == 1_000_000_000
    assert old.tip.limit_24h == drug(HYDROMORPHONE).limit_24h.value


@pytest.mark.verifies("PRG-16")
def test_a_drug_in_the_line_that_the_library_does_not_know_is_refused() -> None:
    """A prescription that would push out a drug without any limit is refused with that drug's code."""
    bare = Bare(line_fluid=((99, 1),))
    reply = bare.prescribe(prescription())
    assert isinstance(reply, Refused)
    assert (reply.reason, reply.subject) == (Reason.UNKNOWN_DRUG, 99)


@pytest.mark.verifies("DOSE-02", "PRM-06")
def test_what_the_line_still_holds_is_planned_at_the_tip() -> None:
    """Diluting five times at ten times the rate is refused while the old fluid is in the line, and accepted after."""
    bare = infusing(250_000, drugs=[drug(MORPHINE, 25_000)], low_nl=0)
    bare.advance(2 * DAY_MS)
    diluted = prescription(2_500_000, [drug(MORPHINE, 5_000)], low_nl=0)
    reply = bare.prescribe(diluted)
    assert isinstance(reply, Refused)
    assert (reply.reason, reply.limit) == (Reason.HOUR_LIMIT, Picograms(drug().limit_1h.value))
    assert isinstance(bare.prescribe(prescription(250_000, [drug(MORPHINE, 5_000)], low_nl=0)), Accepted)
    bare.advance(2 * DAY_MS)
    assert isinstance(bare.prescribe(diluted), Accepted)
    bare.advance(2 * DAY_MS)
    assert guard_never_tripped(bare)


@pytest.mark.verifies("PRG-22")
def test_what_was_staged_is_planned_again_at_the_commit() -> None:
    """A prescription that fitted when it was staged is refused at its commit if a bolus took its room meanwhile."""
    tight = prescription(480_000, [drug(MORPHINE, 20_000, limit_1h=460_000_000)], low_nl=0)
    for volume, expected in ((500, Accepted), (30_000, Refused)):
        bare = infusing(48_000, low_nl=0)
        bare.ask(ClinicianBolus(Nanolitres(volume), Milliseconds(10 * MINUTE_MS), "a test"))
        staged = bare.ask(StagePrescription(tight))
        assert isinstance(staged, Staged)
        bare.advance(10 * MINUTE_MS)
        before = bare.pump.therapy.prescription
        reply = bare.ask(Commit(staged.digest))
        assert isinstance(reply, expected)
        assert (bare.pump.therapy.prescription == before) is (expected is Refused)


@pytest.mark.verifies("DOSE-02")
def test_a_bolus_leaves_room_for_the_basal_that_follows_it() -> None:
    """A bolus that alone would fit the hour is refused because the basal after it would not."""
    limit = 1_000_000_000
    bare = infusing(480_000, drugs=[drug(MORPHINE, 20_000, limit_1h=limit)], low_nl=0)
    alone = limit // 20_000 - 2_000
    reply = bare.ask(ClinicianBolus(Nanolitres(alone), Milliseconds(10 * MINUTE_MS), "a test"))
    assert isinstance(reply, Refused)
    assert reply.reason is Reason.HOUR_LIMIT
    basal = 480_000 * 61 * 61_000 // DAY_MS
    fitting = alone - basal - 2_000
    assert isinstance(bare.ask(ClinicianBolus(Nanolitres(fitting), Milliseconds(10 * MINUTE_MS), "a test")), Accepted)
    bare.advance(DAY_MS)
    assert guard_never_tripped(bare)


def test_a_larger_stroke_is_allowed_for() -> None:
    """With a stroke of another size the tightest accepted prescription still meets no refusal."""
    profile = small_profile(stroke=3_000)
    bare = Bare(profile=profile)

    def fits(limit: int) -> bool:
        return prescription_refused(bare.pump, prescription(200_000, [drug(limit_1h=limit)])) is None

    limit = least(fits, 0, drug().limit_1h.value)
    assert isinstance(bare.prescribe(prescription(200_000, [drug(limit_1h=limit)])), Accepted)
    bare.advance(3 * DAY_MS)
    assert guard_never_tripped(bare)
    assert not fits(limit - 1)


@pytest.mark.verifies("DOSE-03")
def test_the_guard_trips_only_on_what_the_planner_never_saw() -> None:
    """Mass that appears in the ledger behind the planner's back is refused by the guard, which alarms."""
    bare = infusing(600_000, low_nl=0)
    bare.pump.ledgers = tuple(
        entry._replace(outlet=guard.observe(entry.outlet, entry.outlet.limit_1h)) for entry in bare.pump.ledgers
    )
    bare.advance(MINUTE_MS * 2)
    assert bare.count("guard.refused") == 1
    assert bare.state is TherapyState.MINIMUM_RATE
