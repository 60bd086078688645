"""Leaping over quiet strokes: the same bytes, books and journal as strokes taken one by one, whatever happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.bench import FAULTS
from emulator.hardware.profile import load_profile
from protocol.messages import (
    CancelBolus,
    ClinicianBolus,
    EnterRefill,
    PatientBolus,
    Prime,
    SetWallClock,
    Start,
    Stop,
)
from protocol.prescription_digest import schedule_digest
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay
from protocol.vocabulary import Mode, Role
from tests.emulator.pairs import Pair, chance
from tests.emulator.worlds import (
    A_BOLUS,
    BUPIVACAINE,
    CONTENTS_NL,
    FLUID,
    MORPHINE,
    PROFILE,
    World,
    drug,
    granted,
    prescription,
    schedule,
)

pytestmark = pytest.mark.safety

VALVE = load_profile("valve")

# --- lives by chance ------------------------------------------------------------------------------------------

STRONG = ((MORPHINE, 20_000), (BUPIVACAINE, 5_000))
FLUIDS = (FLUID, FLUID, ((MORPHINE, 10_000),), STRONG, ())
SPANS = (1, 1_000, 5 * MINUTE_MS, 2 * HOUR_MS, DAY_MS, 3 * DAY_MS)
Act = Callable[[World], object]


def any_prescription(dice: Random) -> Act:
    """Return the programming of some prescription, which the pump may refuse."""
    mode = dice.choice((*(Mode.SIMPLE_CONTINUOUS,) * 5, *(Mode.FLEX,) * 3, Mode.MINIMUM_RATE, Mode.STOPPED))
    drugs = [drug(code, concentration) for code, concentration in dice.choice(FLUIDS[:4])]
    if dice.random() < 0.3:
        drugs = [drug(each.code, each.concentration.value, limit_24h=dice.randrange(10**9, 10**10)) for each in drugs]
    wanted = prescription(
        dice.choice((48_000, 96_000, 100_000, 123_457, 400_000)),
        drugs,
        mode=mode,
        grant=granted(dice.choice((500, 5_000, 7_500)), lockout_ms=dice.choice((HOUR_MS, 4 * HOUR_MS))),
        low_nl=dice.choice((500_000, 2_000_000, 17_500_000)),
    )
    by = None
    if mode is Mode.FLEX:
        steps = [dice.choice((0, 48_000, 96_000, 250_000)) for _ in range(dice.choice((2, 3, 4)))]
        by = schedule(*steps, weekend=(96_000,) if dice.random() < 0.5 else (), anchor_ms=dice.randrange(7 * DAY_MS))
        wanted = replace(wanted, schedule=schedule_digest(by))
    if dice.random() < 0.5:
        wanted = replace(wanted, bridge=NanolitresPerDay(dice.choice((48_000, 200_000))))
    return lambda world: world.prescribe(wanted, by)


def any_refill(dice: Random) -> Act:
    """Return a refill, told to the pump or not."""
    volume, fluid, told = dice.choice((300_000, 17_600_000, CONTENTS_NL)), dice.choice(FLUIDS), dice.random() < 0.7

    def refill(world: World) -> object:
        world.bench.refill(volume, fluid)
        return told and world.device.powered and world.ask(EnterRefill(Nanolitres(volume), Nanolitres(volume)))

    return refill


def any_request(dice: Random) -> Act:
    """Return some request of a clinician or a patient."""
    message: Any = dice.choice(
        (
            A_BOLUS,
            ClinicianBolus(
                Nanolitres(dice.randrange(500, 50_000)), Milliseconds(dice.randrange(1, HOUR_MS)), "a test"
            ),
            PatientBolus(),
            PatientBolus(),
            CancelBolus(),
            Stop(),
            Start(),
            Prime(Nanolitres(dice.randrange(1, 150_000)), Milliseconds(HOUR_MS), dice.random() < 0.5),
            SetWallClock(1_700_000_000_000),
        )
    )
    role = Role.PATIENT if isinstance(message, PatientBolus) else Role.CLINICIAN
    return lambda world: world.device.powered and world.ask(message, role)


def any_fault(dice: Random) -> Act:
    """Return a fault, now or later, that ends by itself."""
    name = dice.choice([name for name in FAULTS if name != "memory"])
    later, lasts = dice.choice((0, dice.randrange(DAY_MS))), dice.randrange(1, DAY_MS)
    return lambda world: world.bench.inject(name, at=world.bench.now_ms + later, lasts=lasts)


def any_damage(dice: Random) -> Act:
    """Return a damaged bit somewhere in memory."""
    which, bit = dice.random(), dice.random()

    def damage(world: World) -> None:
        places = world.device.chip.places()
        place, bits = places[int(which * len(places))]
        world.device.chip.flip(place, int(bit * bits))

    return damage


def any_power_cut(dice: Random) -> Act:
    """Return a power cut, at once or at one of the next steps of writing."""
    step = dice.choice((None, dice.randrange(40)))
    if step is None:
        return World.cycle_power
    return lambda world: world.bench.cut_power_at_write(step)


def restored(world: World) -> None:
    """Give the power back."""
    world.bench.restore_power()


ACTS = (
    *(any_request,) * 5,
    *(any_prescription,) * 2,
    *(any_refill,) * 2,
    any_fault,
    any_damage,
    any_power_cut,
)


QUIET = (*(any_request,) * 5, any_prescription, any_refill)
"""What happens to a healthy pump."""


def live(pair: Pair, dice: Random, acts: int, of: tuple[Callable[[Random], Act], ...] = ACTS) -> Counter[str]:
    """Let a pair live a life by chance, compare after everything, and count what was done."""
    done: Counter[str] = Counter()
    first = prescription(dice.choice((48_000, 100_000, 250_000)), grant=granted())
    pair.do(lambda world: world.prescribe(first))
    for _ in range(acts):
        for _ in range(dice.randrange(3)):
            pair.advance(dice.randrange(dice.choice(SPANS)) + 1)
        act = dice.choice(of)
        done[act.__name__] += 1
        pair.do(act(dice))
        pair.compare()
        if dice.random() < 0.2:
            pair.thaw()
        if dice.random() < 0.5:
            pair.do(restored)
    pair.advance(dice.randrange(DAY_MS))
    pair.do(lambda world: world.bench.finish())
    pair.thaw()
    done["leapt"] += pair.leapt
    done["strokes"] += pair.plain.device.body.strokes
    return done


@given(st.integers(0, 10**9))
def test_a_life_with_leaps_is_the_life_without(seed: int) -> None:
    """Through boluses, refills, faults, damage, images and power cuts nothing tells leaps from strokes."""
    dice = chance(seed)
    live(Pair(dice.choice((PROFILE, VALVE))), dice, 8)


@given(st.integers(0, 10**9))
def test_a_healthy_life_with_leaps_is_the_life_without(seed: int) -> None:
    """With prescriptions, boluses and refills alone the same is true."""
    dice = chance(seed)
    live(Pair(dice.choice((PROFILE, VALVE))), dice, 6, QUIET)


@pytest.mark.parametrize("minutes", [6, 20, 60])
def test_a_quiet_infusion_is_leapt_through(minutes: int) -> None:
    """Where nothing happens no stroke is taken by itself, however short the way is that is asked for."""
    pair = Pair()
    pair.do(lambda world: world.prescribe(prescription(960_000)))
    pair.advance(HOUR_MS)
    pair.leapt, before = 0, pair.plain.device.body.strokes
    for _ in range(3):
        pair.advance(minutes * MINUTE_MS)
    strokes = pair.plain.device.body.strokes - before
    assert strokes == 4 * minutes
    assert pair.leapt > 0.9 * strokes


def test_lives_reach_what_they_are_for() -> None:
    """Every kind of act happens in such lives, and they are leapt through for a good part."""
    hard, healthy = Counter[str](), Counter[str]()
    for seed in range(30):
        hard += live(Pair(), chance(seed), 8)
        healthy += live(Pair(), chance(seed), 6, QUIET)
    assert all(hard[act.__name__] > 5 for act in ACTS)
    assert hard["leapt"] > 3_000
    assert healthy["leapt"] > 0.6 * healthy["strokes"] > 3_000
