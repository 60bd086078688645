"""Pumps to test: prescriptions that fit them, a pump on its wire with its bench, and a bare controller.

Nothing here is random but by a seed, and no time passes but by ``advance``.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from emulator.bench import Bench
from emulator.device import Filling, PumpDevice
from emulator.firmware.alarms import Panel
from emulator.firmware.commands import Commands
from emulator.firmware.guard import Sizes
from emulator.firmware.prescribing import fluid_of
from emulator.firmware.pump import Pump
from emulator.firmware.state import Identity, Metering, State, TherapyRecord, new_chip
from emulator.hardware.body import Body, Moved
from emulator.hardware.line import Fluid, filled
from emulator.hardware.nonvolatile import PowerLostError
from emulator.hardware.profile import Profile, load_profile
from emulator.journal import Journal
from emulator.library import Library
from protocol.carrier import DirectCarrier
from protocol.conversation import Conversation
from protocol.keys import role_key
from protocol.messages import (
    Accepted,
    ClinicianBolus,
    Commit,
    Drug,
    Message,
    PatientBolus,
    PatientBolusGrant,
    Prescription,
    Refused,
    Schedule,
    Staged,
    StagePrescription,
    StageSchedule,
    Step,
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
from protocol.vocabulary import AlarmCode, AlarmStatus, Mode, Reason, Role, TherapyState

LIBRARY = Library.shipped()
PROFILE = load_profile("peristaltic")
KEY = bytes(range(32))
SERIAL = "TH-0001"
MORPHINE, HYDROMORPHONE, FENTANYL, SUFENTANIL, BUPIVACAINE, CLONIDINE, ZICONOTIDE, BACLOFEN = range(1, 9)
CONCENTRATION = 20_000
FLUID: Fluid = ((MORPHINE, CONCENTRATION),)
CONTENTS_NL = 18_000_000


def rng(seed: int) -> random.Random:
    """Return a source of chance that is the same every time."""
    return random.Random(seed)


NOTHING_GRANTED = PatientBolusGrant(Nanolitres(0), Milliseconds(0), Milliseconds(0), 0)
LOCKOUT_MS = 4 * HOUR_MS


def granted(
    volume_nl: int = 5_000, duration_ms: int = 10 * MINUTE_MS, lockout_ms: int = LOCKOUT_MS, count: int = 4
) -> PatientBolusGrant:
    """Return what a patient may ask for."""
    return PatientBolusGrant(Nanolitres(volume_nl), Milliseconds(duration_ms), Milliseconds(lockout_ms), count)


def drug(
    code: int = MORPHINE,
    concentration: int = CONCENTRATION,
    limit_1h: int | None = None,
    limit_24h: int | None = None,
) -> Drug:
    """Return a drug with the library's hard limits, or tighter ones."""
    entry = LIBRARY.drug(code)
    if entry is None:
        raise LookupError(code)
    return Drug(
        code,
        PicogramsPerNanolitre(concentration),
        entry.hard_1h if limit_1h is None else Picograms(limit_1h),
        entry.hard_24h if limit_24h is None else Picograms(limit_24h),
    )


def prescription(
    rate: int = 100_000,
    drugs: Iterable[Drug] | None = None,
    *,
    mode: Mode = Mode.SIMPLE_CONTINUOUS,
    grant: PatientBolusGrant = NOTHING_GRANTED,
    low_nl: int = 2_000_000,
    reason: str = "a test",
    library: Library = LIBRARY,
) -> Prescription:
    """Return a complete prescription; a rate only where the mode has one."""
    return Prescription(
        mode,
        NanolitresPerDay(rate if mode is Mode.SIMPLE_CONTINUOUS else 0),
        (drug(),) if drugs is None else tuple(drugs),
        grant,
        Nanolitres(low_nl),
        library.digest,
        reason,
    )


def schedule(*rates: int, weekend: tuple[int, ...] = (), anchor_ms: int = 0) -> Schedule:
    """Return a schedule of equally long steps a day, with other ones at the weekend if there are any."""
    patterns = [rates, weekend] if weekend else [rates]
    steps = [
        Step(number, Milliseconds(at * DAY_MS // len(pattern) // MINUTE_MS * MINUTE_MS), NanolitresPerDay(rate))
        for number, pattern in enumerate(patterns)
        for at, rate in enumerate(pattern)
    ]
    days = bytes((0,) * 5 + (len(patterns) - 1,) * 2)
    return Schedule(Milliseconds(anchor_ms), days, tuple(steps))


def flex(wanted: Schedule, drugs: Iterable[Drug] | None = None, **changes: Any) -> Prescription:
    """Return a prescription of a schedule."""
    return replace(prescription(0, drugs, mode=Mode.FLEX, **changes), schedule=schedule_digest(wanted))


class Stroke(NamedTuple):
    """One movement of the drive, as it truly happened."""

    at_ms: int
    volume_nl: int
    outlet: dict[int, int]
    tip: dict[int, int]


class Bare:
    """A pump's controller with its memory and its body, and no wire: requests go straight to the commands."""

    def __init__(
        self,
        *,
        profile: Profile = PROFILE,
        sizes: Sizes | None = None,
        fluid: Fluid = FLUID,
        contents_nl: int = CONTENTS_NL,
        line_fluid: Fluid | None = None,
        start_ms: int = 0,
        library: Library = LIBRARY,
    ) -> None:
        in_line = fluid if line_fluid is None else line_fluid
        self.profile = profile
        self.sizes = sizes or Sizes()
        self.strokes: list[Stroke] = []
        self.told: list[tuple[int, str, dict[str, Any]]] = []
        self.chip = new_chip()
        self.body = Body(profile, self._moved)
        self.body.refill(contents_nl, fluid)
        self.body.fill_line(in_line)
        line = filled(profile.line_nl, in_line)
        self.chip.write(
            State(
                Identity(SERIAL, library.canonical(), 0),
                (),
                Metering(start_ms, 0, line, contents_nl, 0, 0, ()),
                TherapyRecord(TherapyState.UNPROGRAMMED),
                Panel(),
            )._asdict()
        )
        self._sessions = 0
        self.power_up()

    # --- power and time ---

    def power_up(self) -> None:
        """Start the controller from its memory."""
        self._sessions += 1
        self.pump: Pump = None  # type: ignore[assignment]  # what moves while it starts has no controller yet
        self.pump = Pump(self.chip, self.body, self.profile, self.sizes, self._tell)
        self.told = [(self.pump.now if at < 0 else at, kind, data) for at, kind, data in self.told]
        self.commands = Commands(self.pump)
        self.counter = 0
        self.session = self._sessions.to_bytes(8, "little")
        self.commands.session_opened(self.session, Role.CLINICIAN)

    def advance(self, for_ms: int) -> None:
        """Let time pass."""
        self.pump.advance_to(self.pump.now + for_ms)

    @property
    def now(self) -> int:
        """Pump time."""
        return self.pump.now

    # --- requests ---

    def ask(self, message: Message, role: Role = Role.CLINICIAN) -> Message:
        """Carry out one request."""
        self.counter += 1
        return self.commands.handle(message, role, self.session, self.counter)

    def prescribe(self, wanted: Prescription, by: Schedule | None = None) -> Message:
        """Stage and commit, and fill in what was prescribed; the reply to the commit, or the refusal to stage."""
        if by:
            self.ask(StageSchedule(by))
        staged = self.ask(StagePrescription(wanted))
        reply = self.ask(Commit(staged.digest)) if isinstance(staged, Staged) else staged
        if isinstance(reply, Accepted):
            self.body.fluid = fluid_of(wanted)
        return reply

    # --- looking ---

    @property
    def state(self) -> TherapyState:
        """What the pump is doing."""
        return self.pump.therapy.state

    @property
    def rate(self) -> int:
        """Commanded flow in nL/day."""
        return self.pump.therapy.rate

    def alarm(self, code: AlarmCode) -> AlarmStatus | None:
        """Where an alarm is in its life; None while it is not raised."""
        return next((alarm.status for alarm in self.pump.panel.raised if alarm.code == code), None)

    def tip_pg(self, code: int = MORPHINE) -> int:
        """What has truly reached the patient."""
        return self.body.tip_pg.get(code, 0)

    def sounds(self) -> list[int]:
        """When the sounder has sounded."""
        return [at for at, kind, _ in self.told if kind == "alarm.sound"]

    def count(self, kind: str, **data: Any) -> int:
        """How often something was told."""
        return sum(
            each == kind and all(said.get(name) == value for name, value in data.items())
            for _, each, said in self.told
        )

    def _moved(self, moved: Moved) -> None:
        self.strokes.append(Stroke(self.pump.now, moved.stroke_nl, dict(moved.outlet), dict(moved.tip)))

    def _tell(self, kind: str, /, **data: Any) -> None:
        self.told.append((self.pump.now if self.pump else -1, kind, data))


def infusing(rate: int = 100_000, **changes: Any) -> Bare:
    """Return a bare pump that infuses what was prescribed, with patient boluses granted."""
    bare = Bare(**{name: changes.pop(name) for name in ("profile", "sizes", "start_ms") if name in changes})
    bare.prescribe(prescription(rate, **{"grant": granted(), **changes}))
    return bare


A_BOLUS = ClinicianBolus(Nanolitres(5_000), Milliseconds(HOUR_MS), "a test")


def ready(**grant: int) -> Bare:
    """Return an infusing pump whose lockout is over."""
    bare = infusing(grant=granted(**grant))
    bare.advance(bare.pump.record.lockout_until + 1 - bare.now)
    return bare


def press(bare: Bare) -> Reason | None:
    """Press the patient's button; return why it was refused, or None."""
    reply = bare.ask(PatientBolus(), Role.PATIENT)
    return reply.reason if isinstance(reply, Refused) else None


class World:
    """A pump on its wire, its bench, its journal and programmers of every role. No time passes by asking."""

    def __init__(self, *, seed: int = 1, start_ms: int = 0, profile: Profile = PROFILE, fluid: Fluid = FLUID) -> None:
        self.random = rng(seed)
        self.journal = Journal()
        device = PumpDevice(
            profile=profile,
            library=LIBRARY,
            key=KEY,
            serial=SERIAL,
            entropy=self.random.randbytes,
            filling=Filling(CONTENTS_NL, fluid),
            journal=self.journal,
            seed=seed,
        )
        self._attach(device)
        self.bench.advance(start_ms)

    def _attach(self, device: PumpDevice) -> None:
        self.device = device
        self.bench = Bench(device, LIBRARY)
        self._conversation: Conversation | None = None

    def thawed(self, image: bytes, seed: int = 1) -> World:
        """Return another world with the pump out of an image, and a journal of its own."""
        other = World.__new__(World)
        other.random = rng(seed)
        other.journal = Journal()
        other._attach(
            PumpDevice.from_image(
                image,
                profile=self.device.profile,
                key=KEY,
                entropy=other.random.randbytes,
                journal=other.journal,
            )
        )
        return other

    # --- the wire ---

    def connect(self, role: Role = Role.CLINICIAN) -> Conversation:
        """Open a session in a role."""
        carrier = DirectCarrier(self.device.receive)
        self._conversation = Conversation(carrier, role_key(KEY, role), role, self.random.randbytes)
        self._conversation.connect()
        return self._conversation

    def ask(self, message: Message, role: Role = Role.CLINICIAN) -> Message:
        """Ask over the wire, in the open session if it is of that role."""
        conversation = self._conversation
        if conversation is None or conversation.role is not role or not self.device.session_open:
            conversation = self.connect(role)
        return conversation.request(message)

    def prescribe(self, wanted: Prescription, by: Schedule | None = None) -> Message:
        """Stage and commit; the reply to the commit, or the refusal to stage."""
        if by:
            self.ask(StageSchedule(by))
        staged = self.ask(StagePrescription(wanted))
        return self.ask(Commit(staged.digest)) if isinstance(staged, Staged) else staged

    def advance(self, for_ms: int) -> None:
        """Let bench time pass."""
        self.bench.advance(for_ms)

    def cycle_power(self) -> None:
        """Take the power away and give it back."""
        self.bench.cut_power()
        self.bench.restore_power()

    @property
    def pump(self) -> Pump:
        """The controller, which there is only under power."""
        if self.device.pump is None:
            raise PowerLostError("no power")
        return self.device.pump


def small_profile(**figures: int) -> Profile:
    """Return the peristaltic profile with other figures, in base units."""
    return replace(PROFILE, **{name: type(getattr(PROFILE, name))(value) for name, value in figures.items()})
