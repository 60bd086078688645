"""Sessions that break off, strangers and interference: alarmed as documented, and no part of the therapy."""

from __future__ import annotations

from dataclasses import replace

from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    Close,
    Interrogate,
    Prime,
    StageSchedule,
    Start,
    Stop,
)
from protocol.prescription_digest import schedule_digest
from protocol.units import HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay
from protocol.vocabulary import AlarmCode, AlarmStatus, LogKind, Mode, Role, Section, TherapyState
from verify.suites.alarmed import alarms, alone, events, logged, only, over, quiet, until
from verify.suites.asking import PATIENT, RATE, ask, done, flicker, infusing, therapy
from verify.suites.schedule import made
from verify.suites.suite import Effort, Property, Suite, require
from verify.world import World


def sessions(effort: Effort) -> None:
    """Break sessions off, on a stopped and on an infusing pump, by a clinician, by others, and with the power."""
    effort.tried += 6
    world = alone(effort.seed)
    done(world, Stop())
    world.bench.advance(5 * MINUTE_MS + 59_000)
    quiet(world, "before a minute has passed")
    world.bench.advance(2_000)
    only(world, AlarmCode.SESSION_ABORTED, "a minute after a session broke off on a stopped pump", before=0)
    done(world, Start())
    over(world, AlarmCode.SESSION_ABORTED, "after a start")
    world.bench.advance(10 * MINUTE_MS)
    quiet(world, "after a session that broke off on an infusing pump")
    done(world, Stop())
    done(world, Close(True))
    world.bench.advance(HOUR_MS)
    quiet(world, "after a close on a stopped pump that is meant")
    ask(world, Interrogate(Section.THERAPY), Role.OBSERVER)
    world.bench.advance(HOUR_MS)
    quiet(world, "after an observer's session broke off on a stopped pump")
    done(world, Start())
    done(world, Stop())
    world.bench.advance(5 * MINUTE_MS + 30_000)
    done(world, Interrogate(Section.THERAPY))
    world.bench.advance(3 * MINUTE_MS)
    quiet(world, "while a clinician is back")
    meant = infusing(effort.seed)
    meant.program(replace(meant.prescription(0, mode=Mode.STOPPED)))
    meant.bench.advance(10 * MINUTE_MS)
    quiet(meant, "after a stop was prescribed")
    lost = alone(effort.seed)
    done(lost, Stop())
    flicker(lost)
    lost.bench.advance(MINUTE_MS + 1)
    found = set(alarms(lost))
    require(found == {AlarmCode.RESET, AlarmCode.SESSION_ABORTED}, f"after a power cut in a session: {found}")


def strangers(effort: Effort) -> None:
    """Let strangers send wrong proofs, one less than too many and one more."""
    effort.tried += 2
    world = alone(effort.seed)
    for _ in range(2):
        for _ in range(3):
            world.wrong_proof()
            world.bench.advance(MINUTE_MS)
        require(not events(world, "alarm.raised"), "three wrong proofs are an alarm")
        done(world, Interrogate(Section.THERAPY))
    done(world, Close(False))
    for _ in range(4):
        world.wrong_proof()
        world.bench.advance(MINUTE_MS)
    raised = [event.data["alarm"] for event in events(world, "alarm.raised")]
    require(raised == ["intrusion"], f"after four wrong proofs these were raised: {raised}")
    require(world.device.pump is not None and world.device.pump.therapy.rate == RATE, "strangers change the flow")
    require(logged(world, LogKind.ALARM_RAISED) == 1, "strangers are not in the log once")
    listed = alarms(world)[AlarmCode.INTRUSION]
    require(listed is AlarmStatus.LATCHED, f"a clinician who is there finds an intrusion {listed.name}")
    done(world, AcknowledgeAlarm(AlarmCode.INTRUSION))
    world.wrong_proof()
    world.bench.advance(MINUTE_MS)
    quiet(world, "after a clinician was there, and one wrong proof more")


def interference(effort: Effort) -> None:
    """Let an alarm sound under interference: the receiver is held on, that is alarmed, and it is switched off."""
    effort.tried += 2
    world = alone(effort.seed)
    world.bench.inject("telemetry_latch")
    world.bench.inject("motor_stall")
    until(world, "telemetry.held")
    held_ms = events(world, "telemetry.held")[0].at
    world.bench.clear("telemetry_latch")
    world.bench.advance(held_ms + 4 * MINUTE_MS - 1 - world.device.now_ms)
    require("telemetry_timeout" not in _names(world), "interference of less than four minutes is alarmed")
    world.bench.advance(MINUTE_MS)
    require("telemetry_timeout" in _names(world), "five minutes of interference are not alarmed")
    world.bench.advance(2)
    released = [event.at - held_ms for event in events(world, "telemetry.released")]
    require(released == [5 * MINUTE_MS], f"the receiver is switched off after {released} ms")
    over(world, AlarmCode.TELEMETRY_TIMEOUT, "after the receiver was switched off")
    require(therapy(world).state is TherapyState.SIMPLE_CONTINUOUS, "interference changes the therapy")
    freed = alone(effort.seed)
    freed.bench.inject("telemetry_latch")
    freed.bench.inject("motor_stall")
    until(freed, "telemetry.held")
    freed.bench.clear("telemetry_latch")
    freed.bench.advance(MINUTE_MS)
    alarms(freed)
    require(len(events(freed, "telemetry.released")) == 1, "a session does not free a receiver that is held on")
    freed.bench.advance(6 * MINUTE_MS)
    require("telemetry_timeout" not in _names(freed), "a receiver that a session has freed is alarmed")


def _names(world: World) -> list[str]:
    return [event.data["alarm"] for event in events(world, "alarm.raised")]


def observers_are_told(effort: Effort) -> None:
    """Prescribe everything that a prescription can hold, prime, press and fail, and read what observers are told."""
    effort.tried += 1
    world = infusing(effort.seed)
    schedule = made(5, [0, 0, 0, 0, 0, 0, 1], [{hour: 48_000 + hour for hour in range(13)}, {0: 100_000}])
    done(world, StageSchedule(schedule))
    plain = replace(world.prescription(0, mode=Mode.FLEX), schedule=schedule_digest(schedule))
    wanted = replace(plain, patient_bolus=PATIENT, bridge=NanolitresPerDay(300_000), low_reservoir=Nanolitres(7))
    require(isinstance(world.program(wanted), Accepted), "an ordinary week is refused")
    drug = wanted.drugs[0]
    told = events(world, "pump.prescription")[-1].data
    expected = {
        "mode": "FLEX",
        "rate": 0,
        "drugs": [
            {
                "code": drug.code,
                "concentration": drug.concentration.value,
                "limit_1h": drug.limit_1h.value,
                "limit_24h": drug.limit_24h.value,
            }
        ],
        "patient_bolus": {"volume": 2_000, "duration": 120_000, "lockout": 1_800_000, "count_24h": 3},
        "low_reservoir": 7,
        "bridge": 300_000,
        "schedule": {
            "anchor": 5,
            "days": [0, 0, 0, 0, 0, 0, 1],
            "steps": [*([0, hour * 1_800_000, 48_000 + hour] for hour in range(13)), [1, 0, 100_000]],
        },
        "confirmed": True,
    }
    require(told == expected, f"of {wanted} observers are told {told}")
    world.bench.empty_line()
    done(world, Prime(Nanolitres(100_000), Milliseconds(10 * HOUR_MS), True, False))
    done(world, Close(False))
    world.bench.inject("motor_stall")
    world.bench.advance(HOUR_MS)
    kinds = [event.data["kind"] for event in events(world, "pump.bolus")]
    require(kinds == ["prime", "prime"], f"of a prime that was begun and ended observers are told {kinds}")
    raised = events(world, "alarm.raised")[0].data
    require(raised["priority"] == "critical", f"of a stall observers are told {raised}")


SUITE = Suite(
    "contact",
    "those who talk to the pump, and what disturbs them",
    (
        Property(
            "contact.sessions",
            "A session that left the pump wanting is alarmed, and no other.",
            sessions,
            verifies=("ALM-02", "ALM-21"),
        ),
        Property(
            "contact.strangers",
            "Wrong proofs in a row are alarmed, and change nothing.",
            strangers,
            verifies=("FLT-15",),
        ),
        Property(
            "contact.interference",
            "A receiver that is held on is alarmed and switched off.",
            interference,
            verifies=("ALM-25",),
        ),
        Property("contact.told", "Observers are told what is so.", observers_are_told),
    ),
)
