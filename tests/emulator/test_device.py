"""The device whole: hostile bytes and commands over the wire, images, time and power, and never an exception."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from emulator.device import Filling, ImageError, PumpDevice
from emulator.firmware.alarm_table import PRIORITIES
from emulator.firmware.alarms import sound_due
from emulator.firmware.watching import timing_of
from emulator.journal import Event, read_journal
from protocol.conversation import NoAnswer
from protocol.frame import Direction, Frame, Kind, encode_frame
from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    AlarmsReport,
    BatteryReport,
    CancelBolus,
    ClinicianBolus,
    Close,
    CommandReport,
    Commit,
    Drug,
    EnterRefill,
    IdentityReport,
    Interrogate,
    Message,
    PatientBolus,
    PatientBolusGrant,
    Prescription,
    PrescriptionReport,
    Prime,
    QueryCommand,
    ReadLog,
    Refused,
    ReservoirReport,
    Schedule,
    ScheduleReport,
    SelfTest,
    SetWallClock,
    SilenceAlarms,
    Staged,
    StagePrescription,
    StageSchedule,
    Start,
    Stop,
    TherapyReport,
    TotalsReport,
)
from protocol.prescription_digest import schedule_digest
from protocol.units import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    Milliseconds,
    Nanolitres,
    NanolitresPerDay,
    Picograms,
    PicogramsPerNanolitre,
)
from protocol.vocabulary import AlarmCode, AlarmStatus, Mode, Reason, Role, Section, TherapyState
from tests.emulator.worlds import (
    FLUID,
    HYDROMORPHONE,
    KEY,
    LIBRARY,
    MORPHINE,
    NOTHING_GRANTED,
    PROFILE,
    SERIAL,
    World,
    drug,
    granted,
    prescription,
    rng,
    schedule,
)

U32 = (1 << 32) - 1
U64 = (1 << 64) - 1


def infusing(seed: int = 1) -> World:
    """Return a world whose pump infuses, with the lockout over."""
    world = World(seed=seed)
    assert isinstance(world.prescribe(prescription(300_000, grant=granted())), Accepted)
    world.advance(5 * HOUR_MS)
    return world


# --- reports --------------------------------------------------------------------------------------------------


def test_every_section_answers_over_the_wire() -> None:
    """Each section of an interrogation has its own report, from an observer's session too, and they agree."""
    world = infusing()
    world.ask(ClinicianBolus(Nanolitres(2_000), Milliseconds(HOUR_MS), "a test"))
    world.advance(MINUTE_MS)
    reports = {section: world.ask(Interrogate(section), Role.OBSERVER) for section in Section}
    therapy, stored = reports[Section.THERAPY], reports[Section.PRESCRIPTION]
    assert isinstance(therapy, TherapyReport)
    assert isinstance(stored, PrescriptionReport)
    assert (therapy.state, therapy.pump_time.value) == (TherapyState.CLINICIAN_BOLUS, world.device.now_ms)
    assert therapy.rate.value == 300_000 + 48_000
    assert therapy.bolus_remaining.value == 2_000 - 33
    assert (stored.confirmed, stored.prescription.rate) == (True, NanolitresPerDay(300_000))
    kinds = (
        IdentityReport,
        PrescriptionReport,
        TherapyReport,
        ReservoirReport,
        BatteryReport,
        AlarmsReport,
        TotalsReport,
        ScheduleReport,
    )
    assert tuple(type(report) for report in reports.values()) == kinds


def test_a_new_pump_reports_that_it_has_no_prescription() -> None:
    """A pump that was never programmed answers every section, with nothing prescribed and nothing confirmed."""
    world = World()
    for section in Section:
        world.ask(Interrogate(section))
    stored = world.ask(Interrogate(Section.PRESCRIPTION))
    assert isinstance(stored, PrescriptionReport)
    assert (stored.confirmed, stored.prescription.drugs, stored.prescription.patient_bolus) == (
        False,
        (),
        NOTHING_GRANTED,
    )


@pytest.mark.verifies("ALM-08", "ALM-12")
def test_alarms_are_shown_at_every_interrogation() -> None:
    """The alarm report names each raised alarm and its status, most urgent first, every time it is asked for."""
    world = infusing()
    world.ask(EnterRefill(Nanolitres(0), Nanolitres(2_000_000)))
    world.bench.inject("motor_stall")
    world.advance(HOUR_MS)
    for _ in range(3):
        report = world.ask(Interrogate(Section.ALARMS), Role.OBSERVER)
        assert isinstance(report, AlarmsReport)
        assert [(each.code, each.status) for each in report.alarms] == [
            (AlarmCode.MOTOR_STALL, AlarmStatus.ACTIVE),
            (AlarmCode.RESERVOIR_LOW, AlarmStatus.ACTIVE),
        ]
        assert report.word == 1 << AlarmCode.MOTOR_STALL | 1 << AlarmCode.RESERVOIR_LOW
    world.ask(SilenceAlarms())
    world.advance(MINUTE_MS)
    silenced = world.ask(Interrogate(Section.ALARMS))
    assert isinstance(silenced, AlarmsReport)
    assert silenced.silence_remaining.value == 9 * MINUTE_MS


@pytest.mark.verifies("COM-15", "SEC-01")
def test_roles_may_do_what_they_may() -> None:
    """A patient's and an observer's session cannot program, and what they are refused has no effect."""
    for role, message in (
        (Role.PATIENT, Stop()),
        (Role.OBSERVER, PatientBolus()),
        (Role.PATIENT, StagePrescription(prescription())),
        (Role.SERVICE, Start()),
    ):
        world = infusing()
        state = world.pump.state().therapy.state
        reply = world.ask(message, role)
        assert isinstance(reply, Refused)
        assert reply.reason is Reason.NOT_PERMITTED
        assert world.pump.state().therapy.state is state


# --- nothing makes it raise -----------------------------------------------------------------------------------


class Chaos:
    """Commands of every kind with fields of every size, bench actions and noise, at random but for the seed."""

    def __init__(self, seed: int) -> None:
        self.random = rng(seed)
        self.world = World(seed=seed, fluid=FLUID if seed % 3 else ((MORPHINE, 1_000), (HYDROMORPHONE, 500)))
        self.seen: Counter[str] = Counter()

    def number(self, most: int) -> int:
        """Return a number that is ordinary, at an edge or anything at all."""
        ordinary = self.random.choice((0, 1, 499, 500, 5_000, 60_000, 3_600_000, 20_000_000))
        return min(most, self.random.choice((ordinary, ordinary, most, most - 1, self.random.randrange(most + 1))))

    def prescription(self) -> Prescription:
        """Return a prescription that is good, or has one field from anywhere."""
        codes = self.random.sample(range(1, 9), self.random.choice((1, 1, 2, 5)))
        rate = self.random.choice((48_000, 100_000, 400_000))
        drugs = [drug(code, self.random.choice((1, 20, 100)), self.random.choice((None, 10**6))) for code in codes]
        mode = self.random.choices(list(Mode), (1, 1, 4, 2))[0]
        good = prescription(rate, drugs, mode=mode, low_nl=0)
        if mode is Mode.FLEX:
            good = replace(good, schedule=schedule_digest(self.schedule()))
        if mode is not Mode.STOPPED and self.random.random() < 0.3:
            good = replace(good, bridge=NanolitresPerDay(self.random.choice((48_000, 100_000, self.number(U32)))))
        if good.mode is not Mode.STOPPED and self.random.random() < 0.5:
            good = replace(good, patient_bolus=granted(500, MINUTE_MS, lockout_ms=5 * MINUTE_MS, count=9))
        if self.random.random() < 0.6:
            return good
        return self.random.choice(
            (
                replace(good, rate=NanolitresPerDay(self.number(U32))),
                replace(good, drugs=(*good.drugs[:4], self.any_drug())),
                replace(good, drugs=()),
                replace(good, patient_bolus=self.any_grant()),
                replace(good, low_reservoir=Nanolitres(self.number(U32))),
                replace(good, library=bytes(16)),
                replace(good, override_reason=self.random.choice(("", "µ" * 20))),
            )
        )

    def schedule(self) -> Schedule:
        """Stage a schedule, good or bad, and return it."""
        steps = [
            self.random.choice((48_000, 100_000, self.number(U32))) for _ in range(self.random.choice((1, 2, 6)))
        ]
        wanted = schedule(*steps, weekend=(60_000,), anchor_ms=self.random.choice((0, 1, self.number(U32))))
        self.world.ask(StageSchedule(wanted))
        return wanted

    def any_grant(self) -> PatientBolusGrant:
        """Return a grant with numbers from anywhere."""
        return granted(self.number(U32), self.number(U32), self.number(U32), self.number(255))

    def any_drug(self) -> Drug:
        """Return a drug with numbers from anywhere."""
        return Drug(
            self.number(255),
            PicogramsPerNanolitre(self.number(U32)),
            Picograms(self.number(U64)),
            Picograms(self.number(U64)),
        )

    def message(self) -> Message:
        """Return a request of any kind."""
        kinds: tuple[Callable[[], Message], ...] = (
            lambda: Interrogate(self.random.choice(list(Section))),
            lambda: QueryCommand(self.random.randbytes(8)),
            lambda: ReadLog(self.number(U32)),
            lambda: Commit(self.random.randbytes(16)),
            Stop,
            Start,
            Start,
            lambda: ClinicianBolus(Nanolitres(self.number(U32)), Milliseconds(self.number(U32)), "a test"),
            lambda: ClinicianBolus(Nanolitres(self.number(20_000)), Milliseconds(MINUTE_MS * self.number(60)), "x"),
            CancelBolus,
            PatientBolus,
            PatientBolus,
            lambda: Prime(Nanolitres(self.number(U32)), Milliseconds(self.number(U32)), self.random.random() < 0.5),
            lambda: Prime(Nanolitres(60_000), Milliseconds(HOUR_MS), True),
            lambda: EnterRefill(Nanolitres(self.number(U32)), Nanolitres(self.number(U32))),
            lambda: EnterRefill(Nanolitres(0), Nanolitres(18_000_000)),
            lambda: SetWallClock(self.number(U64)),
            SilenceAlarms,
            lambda: AcknowledgeAlarm(self.random.choice(list(AlarmCode))),
            lambda: AcknowledgeAlarm(self.random.choice(list(AlarmCode))),
            SelfTest,
            lambda: Close(self.random.random() < 0.5),
        )
        return self.random.choice(kinds)()

    def step(self) -> None:
        """Do one thing."""
        world, bench = self.world, self.world.bench
        actions: tuple[tuple[int, Callable[[], object]], ...] = (
            (10, self.ask),
            (5, self.program),
            (3, self.repair),
            (8, lambda: world.advance(self.number(2 * DAY_MS))),
            (4, lambda: world.advance(self.number(HOUR_MS))),
            (1, world.cycle_power),
            (1, bench.cut_power),
            (1, lambda: bench.cut_power_at_write(self.random.randrange(12))),
            (1, lambda: bench.inject("motor_stall")),
            (3, self.clear),
            (1, self.flip),
            (1, lambda: bench.refill(self.number(20_000_000))),
            (1, lambda: world.device.receive(self.random.randbytes(self.random.randrange(300)))),
            (1, self.thaw),
            (1, lambda: world.device.advance_to(self.number(world.device.now_ms))),
            (2, bench.jump),
        )
        weights = [weight for weight, _ in actions]
        self.random.choices([action for _, action in actions], weights)[0]()
        if not world.device.powered and self.random.random() < 0.7:
            bench.restore_power()

    def ask(self) -> None:
        """Ask anything as anybody."""
        message = self.message()
        role = self.random.choices(list(Role), (1, 3, 12, 1))[0]
        with contextlib.suppress(NoAnswer):
            reply = self.world.ask(message, role)
            self.seen[reply.reason.name if isinstance(reply, Refused) else type(message).__name__] += 1

    def program(self) -> None:
        """Stage and commit, or only stage."""
        with contextlib.suppress(NoAnswer):
            staged = self.world.ask(StagePrescription(self.prescription()))
            if isinstance(staged, Staged) and self.random.random() < 0.9:
                reply = self.world.ask(Commit(staged.digest))
                self.seen[reply.reason.name if isinstance(reply, Refused) else "committed"] += 1

    def repair(self) -> None:
        """Put everything right, as a clinician would, and let the lockout pass."""
        wanted = prescription(100_000, [drug(concentration=100)], grant=granted(500, MINUTE_MS, 5 * MINUTE_MS, 9))
        with contextlib.suppress(NoAnswer):
            self.world.ask(EnterRefill(Nanolitres(0), Nanolitres(18_000_000)))
            self.world.prescribe(wanted)
            for code in AlarmCode:
                self.world.ask(AcknowledgeAlarm(code))
            self.world.ask(Start())
        self.world.advance(5 * MINUTE_MS + 1)

    def clear(self) -> None:
        """End a stall, if there is one."""
        if "motor_stall" in self.world.bench.faults:
            self.world.bench.clear("motor_stall")

    def flip(self) -> None:
        """Turn over any bit of memory."""
        place, bits = self.random.choice(self.world.device.chip.places())
        self.world.bench.inject("memory", place=place, bit=self.random.randrange(bits))
        self.seen["flip"] += 1

    def thaw(self) -> None:
        """Put the pump away in an image and go on with the one taken out."""
        journal = self.world.journal
        self.world = self.world.thawed(self.world.device.image(), self.random.randrange(1 << 30))
        self.seen["events"] += len(list(read_journal(journal.lines)))

    def check(self) -> None:
        """See that nothing is beyond its bounds and nothing is silent that should be heard."""
        device = self.world.device
        if device.pump is None:
            assert device.next_event_ms is None
            return
        pump = device.pump
        record = pump.record
        assert len(record.grants) <= 255
        assert len(record.commands) <= 8
        assert len(pump.ledgers) <= 8
        assert len(pump.line) <= PROFILE.line_nl // PROFILE.stroke.value + 2
        assert pump.therapy.rate <= PROFILE.rate_max.value
        assert record.confirmed or pump.therapy.rate <= PROFILE.minimum_rate.value
        assert 0 <= pump.reservoir_nl <= PROFILE.capacity.value
        sound = sound_due(pump.panel, PRIORITIES, timing_of(pump.profile))
        if pump.panel.raised:
            assert sound is not None
            assert sound - pump.now <= 70 * MINUTE_MS
        elif pump.therapy.rate == 0 and pump.therapy.prescription is not None:
            assert record.stopped_at > pump.now - 48 * HOUR_MS
        assert device.next_event_ms is None or device.next_event_ms >= device.now_ms


@pytest.mark.verifies("COM-10", "COM-12", "FLT-15")
def test_no_sequence_of_anything_raises_hangs_or_silences_the_pump() -> None:
    """Whatever is asked, sent, broken and cut: no exception, everything in bounds, and heard when it must be."""
    seen: Counter[str] = Counter()
    for seed in range(8):
        chaos = Chaos(seed)
        for _ in range(150):
            chaos.step()
            chaos.check()
        seen += chaos.seen
        assert chaos.world.device.now_ms > DAY_MS
    assert min(seen[each] for each in ("committed", "Start", "Stop", "PatientBolus", "flip", "events")) > 0
    assert len(seen) > 25


def test_a_device_without_power_is_dumb() -> None:
    """Without power the device answers nothing, has no next event, and lets time pass."""
    world = infusing()
    world.bench.cut_power()
    assert world.device.receive(encode_frame(Frame(Direction.FROM_PROGRAMMER, Kind.RESET, 0, bytes(4)))) == b""
    assert world.device.next_event_ms is None
    assert not world.device.session_open
    world.advance(DAY_MS)
    assert world.device.now_ms == 5 * HOUR_MS + DAY_MS


@pytest.mark.verifies("COM-09", "COM-13", "PRG-15")
def test_an_idle_session_ends_by_itself_and_the_therapy_goes_on() -> None:
    """Five minutes after the last request the session is over; what was staged is dropped and the flow unchanged."""
    world = infusing()
    rate = world.pump.therapy.rate
    staged = world.ask(StagePrescription(prescription()))
    assert isinstance(staged, Staged)
    open_at = {}
    for wait in (5 * MINUTE_MS - 1, 1):
        world.advance(wait)
        open_at[wait] = world.device.session_open
    assert open_at == {5 * MINUTE_MS - 1: True, 1: False}
    reply = world.ask(Commit(staged.digest))
    assert isinstance(reply, Refused)
    assert reply.reason is Reason.NOTHING_STAGED
    assert world.pump.therapy.rate == rate


@pytest.mark.verifies("COM-04")
def test_an_unknown_result_is_resolved_by_asking() -> None:
    """A command whose answer was lost with the power is found by its session and counter, or known not to be."""
    for step, executed in ((0, False), (1, False), (2, True), (3, True)):
        world = infusing()
        conversation = world.connect()
        world.bench.cut_power_at_write(step)
        with pytest.raises(NoAnswer) as lost:
            conversation.request(Stop())
        assert lost.value.sent
        assert lost.value.session is not None
        world.bench.restore_power()
        report = world.ask(QueryCommand(lost.value.session))
        assert isinstance(report, CommandReport)
        assert report.known
        assert (report.counter == lost.value.counter) is executed
        assert (world.pump.therapy.state is TherapyState.STOPPED) is executed


# --- images ---------------------------------------------------------------------------------------------------


def paused_in_a_bolus() -> World:
    """Return a world in the middle of a pre-empted bolus."""
    world = infusing()
    world.ask(ClinicianBolus(Nanolitres(9_000), Milliseconds(HOUR_MS), "a test"))
    world.advance(MINUTE_MS)
    world.ask(PatientBolus())
    world.advance(MINUTE_MS)
    return world


def stalled_and_silenced() -> World:
    """Return a world with a stalled motor, whose alarm is silenced."""
    world = infusing()
    world.bench.inject("motor_stall")
    world.advance(HOUR_MS)
    world.ask(SilenceAlarms())
    world.advance(MINUTE_MS)
    return world


def stopped_for_hours() -> World:
    """Return a world whose pump is stopped and will alarm."""
    world = infusing()
    world.ask(Stop())
    world.advance(47 * HOUR_MS + 12_345)
    return world


def refused_by_the_guard() -> World:
    """Return a world whose guard refuses every stroke."""
    world = infusing()
    world.pump.ledgers = ()
    world.advance(HOUR_MS)
    return world


def off() -> World:
    """Return a world without power."""
    world = infusing()
    world.advance(1_234)
    world.bench.cut_power()
    world.advance(HOUR_MS)
    return world


def between_strokes() -> World:
    """Return a world at some instant that nothing happens at, in a mixture of fluids."""
    world = World(fluid=((HYDROMORPHONE, 15_000),))
    world.prescribe(prescription(48_000))
    world.advance(3 * DAY_MS + 54_321)
    return world


SITUATIONS = (
    World,
    infusing,
    paused_in_a_bolus,
    stalled_and_silenced,
    stopped_for_hours,
    refused_by_the_guard,
    off,
    between_strokes,
)


def future(world: World) -> list[Event]:
    """Live through three days of a world and return the events from now on, without their numbers."""
    begins = len(world.journal.lines)
    if not world.device.powered:
        world.bench.restore_power()
    world.advance(DAY_MS)
    if "motor_stall" in world.bench.faults:
        world.bench.clear("motor_stall")
    world.advance(2 * DAY_MS)
    world.bench.finish()
    events = [event._replace(seq=0) for event in read_journal(world.journal.lines)]
    return [event for event in events[begins:] if event.kind != "bench.thawed"]


@pytest.mark.verifies("PWR-08")
@pytest.mark.parametrize("situation", SITUATIONS)
def test_an_image_has_the_identical_future(situation: Callable[[], World]) -> None:
    """Taken out of an image, the pump lives through exactly what it would have lived through without."""
    world = situation()
    if world.device.session_open:
        world.ask(Close(True))
    world.journal.flush()
    thawed = world.thawed(world.device.image())
    assert thawed.device.now_ms == world.device.now_ms
    assert thawed.bench.truth() == world.bench.truth()
    assert future(thawed) == future(world)
    assert len(thawed.journal.lines) > 2 or situation is World


@pytest.mark.parametrize("situation", SITUATIONS)
def test_an_image_of_an_image_is_the_same(situation: Callable[[], World]) -> None:
    """An image of a pump that was just taken out of one tells of the same pump."""
    first = situation()
    image = first.device.image()
    second = first.thawed(image)
    third = second.thawed(second.device.image())
    assert third.bench.truth() == second.bench.truth() == first.bench.truth()
    if first.device.powered:
        unattended = first.pump.noticed._replace(attended=False)  # a session cannot be put away
        assert third.pump.state() == second.pump.state() == first.pump.state()._replace(noticed=unattended)


def test_damage_in_the_imaged_memory_is_found_by_the_pump() -> None:
    """A flipped bit inside the emulated chip is no damaged image: the pump comes up with its memory alarm."""
    world = infusing()
    world.bench.cut_power()
    world.bench.inject("memory", place="therapy", bit=99)
    thawed = world.thawed(world.device.image())
    thawed.bench.restore_power()
    assert {alarm.code for alarm in thawed.pump.panel.raised} == {AlarmCode.RESET, AlarmCode.MEMORY}
    assert thawed.pump.therapy.rate == 0


def test_taking_an_image_does_not_cover_damage() -> None:
    """Damage that was not yet found is found when an image is taken, on either page."""
    for page in (0, 1):
        world = infusing()
        world.bench.inject("memory", place=f"metering@{page}", bit=5)
        thawed = world.thawed(world.device.image())
        thawed.advance(MINUTE_MS)
        assert AlarmCode.MEMORY in {alarm.code for alarm in thawed.pump.panel.raised}


def opened(image: bytes) -> None:
    """Take a pump out of an image."""
    PumpDevice.from_image(image, profile=PROFILE, key=KEY, entropy=rng(1).randbytes)


def signed(text: str) -> bytes:
    """Return an image file with this content and a right checksum."""
    return f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}\n".encode()


def test_every_damaged_byte_of_an_image_is_found() -> None:
    """Change, drop or add any byte of the file and it is refused with one clear error."""
    image = infusing().device.image()
    opened(image)
    chance = rng(4)
    for at in [*range(80), *(chance.randrange(len(image) - 1) for _ in range(200))]:
        flipped = bytes([*image[:at], image[at] ^ (1 << chance.randrange(8)), *image[at + 1 :]])
        for damaged in (flipped, image[:at], image[:at] + image[at + 1 :]):
            with pytest.raises(ImageError, match="damaged"):
                opened(damaged)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "x",
        "7",
        "null",
        "[]",
        "{}",
        '{"format":"thecal pump image 0"}',
        '{"format":"thecal pump image 2"}',
        '{"format":"thecal pump image 2","profile":"valve"}',
        '{"format":"thecal pump image 2","profile":"peristaltic"}',
        '{"format":"thecal pump image 2","profile":"peristaltic","now_ms":"x","chip":{},"body":{},"powered":true}',
        '{"format":"thecal pump image 2","profile":"peristaltic","now_ms":5,"chip":[],"body":{},"powered":true}',
        "[" * 100_000,
    ],
)
def test_a_file_that_is_no_image_is_refused(content: str) -> None:
    """A file with a right checksum and any other content is refused with the same error."""
    with pytest.raises(ImageError, match=r".+"):
        opened(signed(content))


@pytest.mark.parametrize(
    "name",
    ["reservoir_nl", "fluid", "held", "conditions", "drive", "troubles", "stalled", "rotor", "strokes", "tip_pg"],
)
@pytest.mark.parametrize("value", [None, "x", [[1]]])
def test_an_image_of_another_body_is_refused(name: str, value: object) -> None:
    """A physical state with a missing or senseless part is refused, not guessed."""
    text = infusing().device.image().decode().partition("\n")[2]
    content = json.loads(text)
    content["body"][name] = value
    if (name, value) in (("stalled", None), ("stalled", "x")) or name == "stalled":
        del content["body"][name]
    with pytest.raises(ImageError, match=r".+"):
        opened(signed(json.dumps(content)))


def test_an_image_of_another_kind_of_pump_is_refused() -> None:
    """The error names both kinds."""
    image = World().device.image()
    other = replace(PROFILE, name="valve")
    with pytest.raises(ImageError, match=r"peristaltic.*valve"):
        PumpDevice.from_image(image, profile=other, key=KEY, entropy=rng(1).randbytes)


def test_the_image_is_out_of_date_when_memory_was_written() -> None:
    """The count of memory writes changes with a command and with a stroke, and not by looking."""
    world = infusing()
    world.ask(Interrogate(Section.THERAPY))
    writes = world.device.memory_writes
    world.ask(Interrogate(Section.TOTALS))
    assert world.device.memory_writes == writes
    world.ask(Stop())
    assert world.device.memory_writes > writes


@pytest.mark.verifies("SEC-01")
def test_another_key_opens_no_session() -> None:
    """A pump taken out of its image with another key does not answer to the old one."""
    world = infusing()
    other = PumpDevice.from_image(world.device.image(), profile=PROFILE, key=bytes(32), entropy=rng(1).randbytes)
    stranger = World.__new__(World)
    stranger.random, stranger.journal = rng(2), world.journal
    stranger._attach(other)
    with pytest.raises(Exception, match=r"key|proof|prove"):
        stranger.connect()


def test_two_pumps_share_nothing() -> None:
    """What happens to one pump does not happen to another."""
    one, two = infusing(1), infusing(2)
    one.ask(Stop())
    one.advance(DAY_MS)
    assert two.pump.therapy.state is TherapyState.SIMPLE_CONTINUOUS
    assert two.device.body.strokes < 200


def test_a_pump_is_made_with_what_it_is_filled_with() -> None:
    """A new pump's line and reservoir hold the fluid it was filled with, and it knows so."""
    device = PumpDevice(
        profile=PROFILE,
        library=LIBRARY,
        key=KEY,
        serial=SERIAL,
        entropy=rng(1).randbytes,
        filling=Filling(5_000_000, FLUID),
    )
    assert device.pump is not None
    assert (device.pump.reservoir_nl, device.body.reservoir_nl) == (5_000_000, 5_000_000)
    assert device.pump.line == device.body.line == ((PROFILE.line_nl, FLUID),)
