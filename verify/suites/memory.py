"""Non-volatile memory: power may fail at every step of every write, and any bit may flip.

First the chip alone, with small values; then a whole pump, whose power fails at every step of every command, and
whose every kind of memory is damaged. What comes up must be the old state or the new one, never a mixture, and what
the dose guard has counted is never forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from emulator.firmware import alarms, guard
from emulator.firmware.alarms import Panel
from emulator.firmware.allowance import grants_today
from emulator.firmware.guard import Sizes
from emulator.firmware.ledgers import DrugLedgers
from emulator.firmware.state import CODECS, LOG_CAPACITY, new_chip
from emulator.hardware.nonvolatile import CHECKSUM_OCTETS, Cell, NonVolatile, PowerLostError, json_codec
from protocol.crc import crc32_autosar
from protocol.messages import (
    CancelBolus,
    EnterRefill,
    Interrogate,
    LogEntry,
    Message,
    PatientBolus,
    SetWallClock,
    Start,
    Stop,
)
from protocol.units import MINUTE_MS, Milliseconds, Nanolitres
from protocol.vocabulary import AlarmCode, LogKind, Role, Section
from verify.starts import STROKE_NL, bolus, grant, pressed, small
from verify.suites.news import NEWS, news_is_neither_lost_nor_early
from verify.suites.suite import Effort, Property, Suite, require
from verify.world import World

PLAIN = json_codec(lambda value: value, lambda plain: plain)
SECTIONS = ("first", "second")
STEPS = ("blank the older page", "fill it")
"""Of one write."""
Values = dict[str, Any]


def chip() -> NonVolatile:
    """Return a small blank chip."""
    return NonVolatile(dict.fromkeys(SECTIONS, PLAIN), PLAIN, 4)


def reread(memory: NonVolatile) -> NonVolatile:
    """Return another chip with the same bytes, as they are after a power cut."""
    copy = NonVolatile(memory.codecs, memory.log_codec, memory.log_capacity)
    copy.restore(json.loads(json.dumps(memory.to_json())))
    return copy


def state(number: int) -> Values:
    """Return one of many states."""
    return {"first": [number, "x" * (number % 5)], "second": {"n": number}}


def _broken_off(write: Callable[[], object]) -> bool:
    try:
        write()
    except PowerLostError:
        return True
    return False


def old_or_new(effort: Effort) -> None:
    """Let power fail at every step of several writes in a row, and read what is there."""
    for before in range(4):
        for step in range(4):
            for again in range(3):
                effort.tried += 1
                memory = chip()
                for number in range(before):
                    memory.write(state(number))
                memory.steps_until_power_fails = step
                failed = _broken_off(lambda memory=memory: memory.write(state(90)))  # type: ignore[misc]
                blank = len([page for page in memory.pages if page is None])
                require(failed is (step < len(STEPS)), f"a write that is cut at step {step} fails: {failed}")
                require(before < 2 or blank == (step == 1), f"cut at step {step}, {blank} pages are blank")
                memory.steps_until_power_fails = None
                expected = (state(before - 1) if before else {}) if failed else state(90)
                for other in (reread(memory), memory):
                    values, damaged = other.load()
                    require(values == expected, f"after {before} writes, cut at step {step}: {values}")
                    require(not damaged, f"an interrupted write counts as damage: {damaged}")
                effort.reached["old" if failed else "new"] += 1
                for number in range(again + 1):
                    memory.write(state(100 + number))
                require(reread(memory).load()[0] == state(100 + again), "after a power cut nothing is written")


def every_flip_is_found(effort: Effort) -> None:
    """Flip each bit of everything that is written, one at a time."""
    memory = chip()
    memory.write(state(1))
    memory.write(state(2))
    memory.append(0, ["entry", 0])
    images = set()
    for place, bits in memory.places():
        for bit in range(bits):
            effort.tried += 1
            damaged = reread(memory)
            damaged.load()
            damaged.flip(place, bit)
            require(damaged.damage(), f"bit {bit} of {place} flips, and nobody notices")
            images.add(json.dumps(damaged.to_json()))
            require(
                reread(damaged).damage(), f"bit {bit} of {place} was flipped, and what is restored counts as whole"
            )
            values, named = reread(damaged).load()
            require(named, f"bit {bit} of {place} was flipped, and nobody notices at power-up")
            for section in SECTIONS:
                known = values.get(section)
                require(
                    known in (None, state(1)[section], state(2)[section]), f"{place} flipped: {section} is {known}"
                )
                stale = known != state(2)[section]
                require(not stale or section in named, f"{place} flipped: the old {section} passes for the new one")
    require(len(images) == effort.tried, f"{effort.tried} bits were flipped, and only {len(images)} were others")


def damage_stays_found(effort: Effort) -> None:
    """Write over damage, blank the damaged log, and look again."""
    memory = chip()
    memory.write(state(1))
    memory.append(0, ["entry", 0])
    memory.append(1, ["entry", 1])
    memory.flip(memory.newest_place("log"), 3)
    require(memory.damage() == ["log"], f"a damaged log entry is called {memory.damage()}")
    found = [memory.log_entry(number) for number in range(memory.log_capacity)]
    require(found == [None, ["entry", 1], None, None], f"of a damaged and half-empty log this is read: {found}")
    require(memory.log_entries() == [["entry", 1]], f"of a damaged log this is read: {memory.log_entries()}")
    require(memory.discard_damaged_log() == 1 and not memory.damage(), "a damaged log stays damaged")
    memory.flip(memory.newest_place("second"), 9)
    require(memory.damage() == ["second"], f"damage to the newest page is called {memory.damage()}")
    memory.write(state(2))
    require(memory.damage() == ["spare second"], f"damage to the other page is called {memory.damage()}")
    memory.write(state(3))
    require(not memory.damage(), "what was written over counts as damaged")
    memory.flip(memory.newest_place("sequence"), 1)
    memory.append(3, ["entry", 3])
    memory.flip("log@3", 1)
    _, named = reread(memory).load()
    require("log" in named, f"with the newest page's number damaged, the log's damage is not named: {named}")
    require(set(SECTIONS) <= set(named), f"with the newest page's number damaged, only {named} is doubted")
    alone = chip()
    require(alone.newest_place("first") == "first@1", "on a blank chip the newest page is another than the last")
    alone.append(2, ["entry", 2])
    require(alone.newest_place("log") == "log@2", f"the one entry of the log lies at {alone.newest_place('log')}")
    effort.tried += 10


def skipped_writes(effort: Effort) -> None:
    """Skip writes of which nothing is left, write what is, and compare with a chip that wrote them all."""
    for before in range(3):
        for skipped in range(5):
            effort.tried += 1
            single, leaping = chip(), chip()
            for number in range(before):
                single.write(state(number))
                leaping.write(state(number))
            for number in range(skipped):
                single.write(state(50 + number))
            leaping.skip(skipped)
            for number in range(len(single.pages)):
                single.write(state(100 + number))
                leaping.write(state(100 + number))
            when = f"{skipped} writes were skipped after {before}"
            require(leaping.to_json() == single.to_json(), f"{when}: the pages are others than written one by one")
            done = before + skipped + len(single.pages)
            for each in (single, leaping):
                require(each.writes == done, f"{when}: {each.writes} writes are counted, not {done}")
            single.write(state(200))
            leaping.write(state(200))
            require(reread(leaping).load() == reread(single).load(), f"{when}: the next write is read as another")


def log_ring(effort: Effort) -> None:
    """Append far more than the log holds, with power failing at every step."""
    memory = chip()
    written: list[int] = []
    for number in range(25):
        for step in (0, 1):
            effort.tried += 1
            memory.steps_until_power_fails = step
            require(_broken_off(lambda number=number: memory.append(number, ["entry", number])), "power did not fail")  # type: ignore[misc]
            found = sorted(entry[1] for entry in reread(memory).log_entries())
            lost = [entry for entry in written[-memory.log_capacity :] if entry not in found]
            require(set(found) <= set(written), f"the log holds {found} after {written}")
            require(lost in ([], written[-memory.log_capacity :][:1]), f"appending {number} loses {lost}")
        memory.steps_until_power_fails = None
        memory.append(number, ["entry", number])
        require(memory.writes == 3 * (number + 1), f"{memory.writes} writes are counted, not three for each entry")
        written.append(number)
        found = sorted(entry[1] for entry in reread(memory).log_entries())
        require(found == written[-memory.log_capacity :], f"the log holds {found}, not the latest")


def images_are_refused(effort: Effort) -> None:
    """Restore from what is no image."""
    memory = chip()
    memory.write(state(1))
    whole = memory.to_json()
    wrongs: list[Values] = [
        {},
        {"pages": []},
        {"pages": [None], "log": {}},
        {"pages": [None] * 3, "log": {}},
        {**whole, "log": 5},
    ]
    for wrong in wrongs:
        effort.tried += 1
        try:
            chip().restore(wrong)
        except ValueError as refusal:
            require(str(refusal).startswith("not a memory image: "), f"{wrong} is refused in these words: {refusal}")
            continue
        require(False, f"{wrong} passes for an image")


def sections_come_back(effort: Effort) -> None:
    """Write the state of a busy pump, read it back, and damage the meaning of it under a right checksum."""
    world = pressed(effort.seed)
    world.talk(Role.CLINICIAN, bolus(9, 1))
    world.talk(Role.PATIENT, PatientBolus())
    world.bench.advance(30_000)
    world.bench.inject("motor_stall")
    world.bench.advance(20 * MINUTE_MS)
    pump = world.device.pump
    if pump is None:
        raise TypeError("a pump without power")
    held = pump.state()._asdict()
    for name, value in held.items():
        effort.tried += 1
        codec = CODECS[name]
        require(codec.decode(codec.encode(value)) == value, f"{name} comes back as something else")
        for wrong in (b"", b"[]", b"{}", b"5", b"[1,2,3]", b"null"):
            try:
                codec.decode(wrong)
            except ValueError:
                continue
            require(name == "ledgers" and wrong in (b"[]", b"{}"), f"{wrong!r} passes for {name}")
    wrong_sum = json.loads(CODECS["ledgers"].encode(held["ledgers"]))
    wrong_sum[0][1][0][2] -= 1
    try:
        CODECS["ledgers"].decode(json.dumps(wrong_sum).encode())
    except ValueError:
        return
    require(False, "a ledger whose sum is wrong is believed")


# --- a whole pump ---------------------------------------------------------------------------------------------


def _busy(seed: int) -> World:
    """Return a pump with small windows in a patient's bolus on a clinician's, hours after it was programmed."""
    patient = grant(strokes=2, minutes=1, lockout=5, count=20)
    world = small(seed, hour_strokes=20, day_strokes=200, patient=patient)
    world.bench.advance(6 * MINUTE_MS)
    world.talk(Role.CLINICIAN, bolus(3, 2))
    world.talk(Role.PATIENT, PatientBolus())
    for _ in range(2):  # the patient's session has replaced the clinician's, who finds out and comes back
        world.talk(Role.CLINICIAN, Interrogate(Section.THERAPY))
    world.bench.advance(20_000)
    return world


COMMANDS: tuple[Callable[[World], Message], ...] = (
    lambda _: Stop(),
    lambda _: Start(),
    lambda _: CancelBolus(),
    lambda _: PatientBolus(),
    lambda _: bolus(1, 1),
    lambda _: SetWallClock(1 << 41),
    lambda world: EnterRefill(Nanolitres(0), Nanolitres(world.bench.residual_nl() // STROKE_NL * STROKE_NL)),
)


def cut_at_every_step(effort: Effort) -> None:
    """Let power fail at each step of each command; judge what comes up, and go on for an hour."""
    for number in range(effort.examples):
        random = Random(effort.seed + number)  # noqa: S311 - an experiment must be repeatable
        for make in COMMANDS:
            for step in range(random.randrange(2), 12, 2):
                effort.tried += 1
                world = _busy(effort.seed + number)
                _cut(world, make(world), step, effort)


def _cut(world: World, message: Message, step: int, effort: Effort) -> None:
    name = f"{type(message).__name__} cut at step {step}"
    before = _counted(world)
    pump = world.device.pump
    grants = pump.record.grants if pump else ()
    prescription = pump.therapy.prescription if pump else None
    world.bench.cut_power_at_write(step)
    world.talk(Role.CLINICIAN, message)
    effort.reached["cut"] += not world.device.powered
    world.bench.cut_power()
    while not world.device.powered:  # it may fail again while the pump starts
        world.bench.restore_power()
    pump = world.device.pump
    if pump is None:
        raise TypeError("a pump without power")
    after = _counted(world)
    for drug, held in before.items():
        require(after.get(drug, 0) >= held, f"{name}: the ledger of {drug} held {held} and holds {after.get(drug)}")
    require(pump.therapy.prescription == prescription, f"{name}: another prescription")
    require(set(grants) <= set(pump.record.grants), f"{name}: patient boluses are forgotten")
    require(alarms.is_raised(pump.panel, AlarmCode.RESET), f"{name}: no alarm")
    require(not pump.record.confirmed, f"{name}: the prescription counts as confirmed")
    world.bench.advance(HALF_AN_HOUR_MS)
    verdict = world.verdict()
    require(verdict.holds, name, "\n".join(verdict.lines()))


HALF_AN_HOUR_MS = 30 * MINUTE_MS


def _counted(world: World) -> dict[tuple[int, str], int]:
    """Return what the day's ledgers hold, as they are without more time passing."""
    pump = world.device.pump
    if pump is None:
        raise TypeError("a pump without power")
    return {
        (code, place): ledger.day.total
        for code, *pair in pump.ledgers
        for place, ledger in zip(("outlet", "tip"), pair, strict=True)
    }


def damage_means_the_worst(effort: Effort) -> None:
    """Flip bits of each section of a busy pump's memory, with power and without, and look what it assumes."""
    random = Random(effort.seed)  # noqa: S311 - an experiment must be repeatable
    still = _busy(effort.seed)
    still.talk(Role.CLINICIAN, Stop())
    still.bench.inject("memory", place="ledgers", bit=1)
    still.bench.advance(2 * MINUTE_MS)
    pump = still.device.pump
    heard = pump is not None and alarms.is_raised(pump.panel, AlarmCode.MEMORY)
    require(heard, "in a stopped pump nobody looks at memory for two minutes")
    for section in ("ledgers", "therapy", "metering", "alarms", "identity"):
        for powered in (True, False):
            for _ in range(effort.examples):
                effort.tried += 1
                world = _busy(effort.seed)
                if not powered:
                    world.bench.cut_power()
                bits = dict(world.device.chip.places())[world.device.chip.newest_place(section)]
                world.bench.inject("memory", place=section, bit=random.randrange(bits))
                world.bench.restore_power()
                world.bench.advance(2 * MINUTE_MS)
                _assumes_the_worst(world, section, f"{section} damaged, power {'on' if powered else 'off'}")


def _assumes_the_worst(world: World, section: str, when: str) -> None:
    pump = world.device.pump
    if pump is None:
        raise TypeError("a pump without power")
    require(alarms.is_raised(pump.panel, AlarmCode.MEMORY), f"{when}: no alarm")
    require(not pump.record.confirmed, f"{when}: the prescription counts as confirmed")
    require(pump.therapy.rate <= pump.profile.minimum_rate.value, f"{when}: it infuses {pump.therapy.rate} nL/day")
    require(not pump.therapy.running, f"{when}: a bolus goes on")
    if section == "ledgers":
        require(pump.ledgers, f"{when}: no ledger is left")
        full = all(not guard.allows(ledger, 1) for _, *pair in pump.ledgers for ledger in pair)
        require(full, f"{when}: a ledger grants something")
    if section == "therapy":
        require(pump.therapy.rate == 0, f"{when}: it infuses without a prescription")
        require(len(grants_today(pump)) >= 50, f"{when}: only {len(grants_today(pump))} patient boluses count")


def lost_ledgers_have_drugs(effort: Effort) -> None:
    """Encode ledgers whose every field is different, so that none can take another's place."""
    effort.tried += 1
    sizes = Sizes(2, 3, 3, 4)
    outlet = guard.observe(guard.advance(guard.new_ledger(5, 6, sizes), 1, sizes), 3)
    tip = guard.commit(guard.advance(guard.new_ledger(7, 8, sizes), 2, sizes), 2)[0]
    held = (DrugLedgers(1, outlet, tip), DrugLedgers(9, tip, outlet))
    codec = CODECS["ledgers"]
    require(codec.decode(codec.encode(held)) == held, "ledgers come back as others")
    panel = Panel((), 5, 77, True)
    require(CODECS["alarms"].decode(CODECS["alarms"].encode(panel)) == panel, "a panel comes back as another")
    memory = new_chip()
    require(memory.log_capacity == LOG_CAPACITY >= 1_000, f"the log holds {memory.log_capacity} entries")
    entry = LogEntry(7, Milliseconds(1 << 40), LogKind.REFILL, 3, (1 << 64) - 1)
    memory.append(7, entry)
    require(reread(memory).log_entries() == [entry], "a log entry comes back as another")
    whole = entry.pack()
    for wrong in (whole[:-1], whole + b"\0"):
        memory.log[7] = Cell(memory.log_codec, raw=wrong + crc32_autosar(wrong).to_bytes(CHECKSUM_OCTETS, "little"))
        require(not memory.log_entries(), f"a log entry of {len(wrong)} bytes is read")


SUITE = Suite(
    "memory",
    "non-volatile memory",
    (
        Property(
            "memory.old or new",
            "A write is there whole or not at all.",
            old_or_new,
            premises=("old", "new"),
            verifies=("PWR-08",),
        ),
        Property(
            "memory.flips",
            "Every flipped bit is found, and its section named.",
            every_flip_is_found,
            verifies=("FLT-03",),
        ),
        Property(
            "memory.damage", "Damage stays found until it is written over.", damage_stays_found, verifies=("LOG-03",)
        ),
        Property("memory.skips", "Skipped writes leave what they would have left.", skipped_writes),
        Property(
            "memory.log", "The log keeps the latest entries, wherever power fails.", log_ring, verifies=("LOG-02",)
        ),
        Property("memory.images", "What is no image is refused.", images_are_refused),
        Property(
            "memory.fields", "Every field comes back in its own place.", lost_ledgers_have_drugs, verifies=("PWR-08",)
        ),
        Property(
            "memory.sections", "Every section comes back, or is refused.", sections_come_back, verifies=("PWR-08",)
        ),
        Property(
            "memory.worst",
            "Of what is damaged the worst is assumed, and said.",
            damage_means_the_worst,
            2,
            verifies=("BOL-09", "BOL-16", "FLT-03", "FLT-04", "FLT-09"),
        ),
        Property(
            "memory.news",
            "What the pump keeps it has told, and nothing else.",
            news_is_neither_lost_nor_early,
            premises=tuple(NEWS),
            verifies=("PWR-08",),
        ),
        Property(
            "memory.power cuts",
            "A command cut off at any step is old or new.",
            cut_at_every_step,
            1,
            ("cut",),
            verifies=("BOL-04", "PWR-08"),
        ),
    ),
)
