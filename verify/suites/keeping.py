"""What the pump goes on knowing: time that does not count, damage found late, a stop, an image, the last stroke."""

from __future__ import annotations

from random import Random

from emulator.device import PumpDevice
from emulator.firmware import guard
from emulator.firmware.telling import alarm_name
from protocol.messages import Accepted, Close, Prime, Stop
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres
from protocol.vocabulary import AlarmCode, TherapyState
from verify.starts import STROKE_NL
from verify.suites.alarmed import alarms, alone, events
from verify.suites.asking import done, flicker, hour_pg, infusing, therapy
from verify.suites.losing import LARGE, after_a_large_bolus
from verify.suites.suite import Effort, Property, Suite, require
from verify.world import World


def slow_clocks_count(effort: Effort) -> None:
    """Let the clock lag by just less than what is an alarm, again and again: the hour goes by the lesser time."""
    effort.tried += 1
    world = after_a_large_bolus(effort.seed)
    done(world, Close(False))
    given, by_clock_ms = LARGE * STROKE_NL * 25_000, 0
    world.bench.advance(30_000 - world.device.now_ms % 30_000 - 5)
    while by_clock_ms < 57 * MINUTE_MS + 30_000:
        world.device.body.clock.jump(-999)
        world.bench.advance(30_000)
        by_clock_ms += 30_000 - 999
    require(hour_pg(world) >= given, f"57 min later by a slow clock the hour of {given} pg holds {hour_pg(world)}")
    require(AlarmCode.CLOCK not in alarms(world), "a clock that lags a little is an alarm")


def what_is_lost_is_full_from_then_on(effort: Effort) -> None:
    """Damage ledgers long after the last write: they are full for an hour from when that is found."""
    effort.tried += 1
    world = infusing(effort.seed, patient=None)
    world.program(world.prescription(48_000))
    world.bench.advance(2 * HOUR_MS)
    done(world, Close(False))
    before = world.device.body.strokes
    while world.device.body.strokes == before:
        world.bench.jump()
    world.bench.advance(14 * MINUTE_MS)
    world.bench.inject("memory", place="ledgers", bit=1)
    while not world.device.pump or world.device.pump.record.memory_fault_at < 0:
        world.bench.jump()
    for minutes in (1, 40, 18):
        world.bench.advance(minutes * MINUTE_MS)
        require(hour_pg(world) >= guard.FULL_PG, "ledgers lost 14 min after a write are full for less than an hour")


def a_stop_outlasts_a_prime(effort: Effort) -> None:
    """Let power fail in a prime of a stopped pump: it is stopped when power is back."""
    effort.tried += 1
    world = infusing(effort.seed, patient=None)
    world.bench.empty_line()
    done(world, Stop())
    done(world, Prime(Nanolitres(20_000), Milliseconds(30 * MINUTE_MS), True, False))
    world.bench.advance(5 * MINUTE_MS)
    world.hang_up()
    flicker(world)
    world.bench.advance(1_000)
    now = therapy(world)
    require((now.state, now.rate.value) == (TherapyState.STOPPED, 0), f"after a prime of a stopped pump it is {now}")


def damage_outlasts_an_image(effort: Effort) -> None:
    """Damage the newest ledgers of a pump without power, on either page, and put the pump away in an image."""
    for newest in (0, 1):
        effort.tried += 1
        world = alone(effort.seed)
        while not world.device.chip.newest_place("ledgers").endswith(f"@{newest}"):
            world.bench.jump()
        world.bench.cut_power()
        world.device.chip.flip(world.device.chip.newest_place("ledgers"), 9)
        taken_out = PumpDevice.from_image(
            world.device.image(),
            profile=world.profile,
            key=world.key,
            entropy=Random(effort.seed).randbytes,  # noqa: S311 - an experiment must be repeatable
        )
        taken_out.restore_power()
        pump = taken_out.pump
        held = [ledger.outlet.hour.total for ledger in pump.ledgers] if pump else []
        require(
            held == [guard.FULL_PG],
            f"of damaged ledgers on page {newest} an image keeps {held}",
        )


def odd_ends_are_noticed(effort: Effort) -> None:
    """Run a reservoir empty that holds no whole number of strokes and has no threshold, by strokes and by leaps."""
    for leaps in (True, False):
        effort.tried += 1
        world = World(effort.seed, volume_nl=20 * STROKE_NL + 300)
        if not leaps:
            world.device.body.on_run = None
        reply = world.program(world.prescription(96_000, low_reservoir_nl=0))
        require(isinstance(reply, Accepted), f"a prescription without a threshold is answered by {reply}")
        world.bench.advance(20 * STROKE_NL * DAY_MS // 96_000 + MINUTE_MS)
        raised = [event.data["alarm"] for event in events(world, "alarm.raised")]
        empty = alarm_name(AlarmCode.RESERVOIR_EMPTY)
        require(raised == [empty], f"a minute after the last whole stroke these were raised: {raised}")


SUITE = Suite(
    "keeping",
    "what the pump goes on knowing",
    (
        Property(
            "keeping.slow",
            "A clock that is a little slow gives nothing back.",
            slow_clocks_count,
            verifies=("DOSE-15",),
        ),
        Property(
            "keeping.late",
            "What is lost is full from then on.",
            what_is_lost_is_full_from_then_on,
            verifies=("DOSE-01", "FLT-03"),
        ),
        Property(
            "keeping.stops",
            "A stop outlasts a prime and a power cut.",
            a_stop_outlasts_a_prime,
            verifies=("PRM-02", "PWR-08"),
        ),
        Property(
            "keeping.images",
            "Damage outlasts an image.",
            damage_outlasts_an_image,
            verifies=("FLT-03", "PWR-08"),
        ),
        Property(
            "keeping.odd ends",
            "A reservoir is empty when it holds no whole stroke.",
            odd_ends_are_noticed,
            verifies=("RES-02",),
        ),
    ),
)
