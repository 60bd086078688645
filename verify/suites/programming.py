"""Programming a pump: what is wrong is refused, an update is whole, and what was done last is remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from protocol.messages import (
    Accepted,
    Close,
    CommandReport,
    Commit,
    Interrogate,
    Message,
    PatientBolus,
    Prescription,
    PrescriptionReport,
    QueryCommand,
    SetWallClock,
    Staged,
    StagePrescription,
    Stop,
)
from protocol.units import DAY_MS, MINUTE_MS, Milliseconds, NanolitresPerDay, Picograms
from protocol.units import PicogramsPerNanolitre as Concentration
from protocol.vocabulary import Mode, Outcome, Reason, Role, Section
from verify.starts import STROKE_NL, bolus, grant
from verify.suites.asking import PATIENT, RATE, ask, done, flicker, infusing, refused, therapy
from verify.suites.suite import Effort, Property, Suite, require
from verify.world import MORPHINE, NO_BOLUS, World


def _wrong(world: World) -> Iterator[tuple[Reason, Prescription]]:
    """Yield prescriptions with one thing wrong, and what is wrong with it."""
    good = replace(world.prescription(RATE), patient_bolus=PATIENT)
    drug = good.drugs[0]
    nothing = grant(strokes=0, minutes=0, lockout=0, count=0)
    yield Reason.LIBRARY_MISMATCH, replace(good, library=bytes(16))
    yield Reason.INCOMPLETE, replace(good, drugs=())
    yield Reason.INCOMPLETE, replace(good, drugs=(drug, drug))
    yield Reason.UNKNOWN_DRUG, replace(good, drugs=(replace(drug, code=77),))
    yield Reason.CONCENTRATION_LIMIT, replace(good, drugs=(replace(drug, concentration=Concentration(0)),))
    yield Reason.CONCENTRATION_LIMIT, replace(good, drugs=(replace(drug, concentration=Concentration(25_001)),))
    yield (
        Reason.LIMIT_ABOVE_LIBRARY,
        replace(good, drugs=(replace(drug, limit_1h=Picograms(drug.limit_1h.value + 1)),)),
    )
    yield (
        Reason.LIMIT_ABOVE_LIBRARY,
        replace(good, drugs=(replace(drug, limit_24h=Picograms(drug.limit_24h.value + 1)),)),
    )
    yield Reason.RATE_RANGE, replace(good, rate=NanolitresPerDay(47_999))
    yield Reason.RATE_RANGE, replace(good, rate=NanolitresPerDay(24_000_001))
    yield Reason.INCOMPLETE, replace(good, mode=Mode.MINIMUM_RATE)
    yield Reason.INCOMPLETE, replace(good, mode=Mode.STOPPED, rate=NanolitresPerDay(0))
    yield Reason.INCOMPLETE, replace(good, patient_bolus=replace(PATIENT, count_24h=0))
    yield Reason.INCOMPLETE, replace(good, patient_bolus=replace(nothing, count_24h=1))
    for short in (MINUTE_MS - 1, DAY_MS + 1):
        yield Reason.DURATION_RANGE, replace(good, patient_bolus=replace(PATIENT, duration=Milliseconds(short)))
    for short in (5 * MINUTE_MS - 1, DAY_MS + 1):
        yield Reason.DURATION_RANGE, replace(good, patient_bolus=replace(PATIENT, lockout=Milliseconds(short)))
    yield Reason.RATE_RANGE, replace(good, patient_bolus=grant(strokes=35, minutes=1, lockout=60, count=1))
    yield Reason.BOLUS_LIMIT, replace(good, patient_bolus=grant(strokes=81, minutes=60, lockout=60, count=1))
    yield Reason.DAY_LIMIT, replace(good, patient_bolus=grant(strokes=40, minutes=30, lockout=60, count=31))
    yield Reason.CAPACITY, replace(good, low_reservoir=world.profile.capacity)
    yield Reason.SOFT_LIMIT, replace(good, override_reason="  ")
    yield Reason.HOUR_LIMIT, replace(good, drugs=(replace(drug, limit_1h=Picograms(200_000_000)),))
    yield Reason.DAY_LIMIT, replace(good, patient_bolus=nothing, drugs=(replace(drug, limit_24h=Picograms(10**9)),))


def prescriptions_are_refused(effort: Effort) -> None:
    """Stage prescriptions with one thing wrong, and look that the old one goes on."""
    world = infusing(effort.seed)
    before = done(world, Interrogate(Section.PRESCRIPTION))
    for reason, wanted in _wrong(world):
        effort.tried += 1
        refused(world, StagePrescription(wanted), reason)
        refused(world, Commit(bytes(16)), Reason.NOTHING_STAGED)
    require(done(world, Interrogate(Section.PRESCRIPTION)) == before, "a refused prescription has changed something")
    require(therapy(world).rate.value == RATE, "a refused prescription has changed the flow")


def each_soft_limit_needs_a_reason(effort: Effort) -> None:
    """Pass one soft limit at a time, at its edge and just above, with a reason and without."""
    entry = World(effort.seed).library.drug(MORPHINE)
    if entry is None:
        raise TypeError("a library without morphine")
    strength, daily, single = entry.concentration.soft.value, entry.daily.soft.value, entry.bolus.soft.value
    edge = -(-single // (STROKE_NL * 10_000)) - 1
    for name, concentration, rate, strokes in (
        ("nothing", strength, 48_000, 0),
        ("the concentration", strength + 1, 48_000, 0),
        ("nothing", 10_000, daily // 10_000, 0),
        ("the dose of a day", 10_000, daily // 10_000 + 1, 0),
        ("nothing", 10_000, 48_000, edge),
        ("the patient's bolus", 10_000, 48_000, edge + 2),
    ):
        effort.tried += 1
        effort.reached[name] += 1
        world = World(effort.seed, concentration=concentration)
        patient = grant(strokes=strokes, minutes=120, lockout=600, count=1) if strokes else NO_BOLUS
        for reason in ("", " ", "because"):
            wanted = replace(world.prescription(rate, patient_bolus=patient), override_reason=reason)
            if name == "nothing" or reason == "because":
                done(world, StagePrescription(wanted))
            else:
                refused(world, StagePrescription(wanted), Reason.SOFT_LIMIT)


def updates_are_whole(effort: Effort) -> None:
    """Stage and commit in every wrong order, over a close, a new session and a power cut."""
    world = infusing(effort.seed)
    other = world.prescription(300_000)
    staged = done(world, StagePrescription(other))
    if not isinstance(staged, Staged):
        raise TypeError(staged)
    require(staged.prescription == other, "the echo is another prescription")
    require(therapy(world).rate.value == RATE, "what is staged flows already")
    refused(world, Commit(bytes(16)), Reason.DIGEST_MISMATCH)
    refused(world, Commit(staged.digest), Reason.NOTHING_STAGED)
    breaks: tuple[Callable[[], object], ...] = (
        lambda: done(world, Close(True)),
        lambda: ask(world, Interrogate(Section.THERAPY), Role.OBSERVER),
        lambda: world.bench.advance(6 * MINUTE_MS),
        lambda: flicker(world),
        lambda: refused(world, StagePrescription(replace(other, drugs=())), Reason.INCOMPLETE),
    )
    for interrupt in breaks:
        effort.tried += 1
        done(world, StagePrescription(other))
        interrupt()
        refused(world, Commit(staged.digest), Reason.NOTHING_STAGED)
    done(world, StagePrescription(other))
    done(world, Commit(staged.digest))
    refused(world, Commit(staged.digest), Reason.NOTHING_STAGED)
    held = done(world, Interrogate(Section.PRESCRIPTION))
    require(held == PrescriptionReport(True, staged.digest, other), f"after an update the pump holds {held}")
    locked = world.program(replace(world.prescription(RATE), patient_bolus=PATIENT))
    require(isinstance(locked, Accepted), f"an update is answered by {locked}")
    refused(world, PatientBolus(), Reason.LOCKOUT, Role.PATIENT)
    world = infusing(effort.seed)
    late = done(world, StagePrescription(world.prescription(700_000)))
    for strokes in (80, 30):
        done(world, bolus(strokes, 3))
        world.bench.advance(3 * MINUTE_MS + 2)
    if not isinstance(late, Staged):
        raise TypeError(late)
    refused(world, Commit(late.digest), Reason.HOUR_LIMIT)


def commands_are_remembered(effort: Effort) -> None:
    """Ask what became of the last command of every session that the pump has to remember."""
    world = infusing(effort.seed)
    sessions: list[tuple[bytes, int, type[Message], Outcome]] = []
    steps: tuple[tuple[Message, Outcome], ...] = (
        (bolus(1, 1), Outcome.ACCEPTED),
        (bolus(1, 1), Outcome.REFUSED),
        (SetWallClock(1), Outcome.ACCEPTED),
        (Stop(), Outcome.ACCEPTED),
    )
    for message, outcome in steps:
        effort.tried += 1
        ask(world, Close(True))
        ask(world, message)
        ask(world, Interrogate(Section.THERAPY))
        conversation = world.conversation(Role.CLINICIAN)
        sessions.append((conversation.session or b"", conversation.last_counter - 1, type(message), outcome))
        for name, counter, kind, expected in sessions[-3:]:
            report = done(world, QueryCommand(name))
            if not isinstance(report, CommandReport):
                raise TypeError(report)
            found = (report.known, report.counter, report.command, report.outcome)
            wanted = (True, counter, kind.TYPE, expected)
            require(found == wanted, f"of {kind.__name__} the pump remembers {found}, not {wanted}")
    stranger = done(world, QueryCommand(bytes(8)))
    require(isinstance(stranger, CommandReport) and not stranger.known, f"the pump remembers {stranger}")


def reasons_are_for_one_thing(effort: Effort) -> None:
    """Ask for a bolus past a soft limit without a reason, on a prescription that was given one: it needs its own."""
    effort.tried += 1
    world = infusing(effort.seed, patient=None)
    require(bool(world.prescription(RATE).override_reason), "the prescription has no reason")
    entry = world.library.drug(MORPHINE)
    soft_pg = entry.bolus.soft.value if entry else 0
    large = bolus(soft_pg // (world.concentration * STROKE_NL) + 1, 60)
    refused(world, replace(large, override_reason=""), Reason.SOFT_LIMIT)
    done(world, large)


SUITE = Suite(
    "programming",
    "prescriptions and updates, step by step",
    (
        Property(
            "programming.prescriptions",
            "A wrong prescription changes nothing.",
            prescriptions_are_refused,
            verifies=("DOSE-05", "DOSE-09", "MODE-06", "MODE-09", "MODE-10", "PRG-10", "PRG-16"),
        ),
        Property(
            "programming.soft limits",
            "Each soft limit by itself needs a reason.",
            each_soft_limit_needs_a_reason,
            1,
            ("the concentration", "the dose of a day", "the patient's bolus"),
            verifies=("DOSE-06", "DOSE-08"),
        ),
        Property(
            "programming.updates",
            "An update is whole, or never was.",
            updates_are_whole,
            verifies=("BOL-06", "COM-08", "MODE-08", "PRG-11", "PRG-15", "PRG-22"),
        ),
        Property(
            "programming.remembers",
            "The pump knows what it did last.",
            commands_are_remembered,
            verifies=("COM-04", "COM-07"),
        ),
        Property(
            "programming.reasons",
            "A reason is for what it was given for.",
            reasons_are_for_one_thing,
            verifies=("DOSE-06",),
        ),
    ),
)
