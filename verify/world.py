"""A small world for experiments: one pump on a bench, people who talk to it over frames, and the judge at the end.

Everything is made from a seed. ``SMALL`` windows shrink the guard's hour and day to a minute and 24 minutes; the
journal's header says so, and the judge takes them from there. Limits are reached within a few strokes, where tests at
real sizes would be nearly blind.
"""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import NamedTuple

from emulator.bench import Bench
from emulator.device import Filling, PumpDevice
from emulator.firmware.guard import Sizes
from emulator.hardware.profile import Profile, load_profile
from emulator.journal import Journal
from emulator.library import Library
from emulator.windows import Windows
from protocol.carrier import CarrierLost
from protocol.conversation import ChannelEnded, Conversation, NoAnswer, PeerRejected
from protocol.errors import ProtocolError
from protocol.keys import KEY_OCTETS, role_key
from protocol.messages import (
    NO_DIGEST,
    Commit,
    Drug,
    Message,
    PatientBolusGrant,
    Prescription,
    Prove,
    Refused,
    Schedule,
    Staged,
    StagePrescription,
    StageSchedule,
    encode,
)
from protocol.prescription_digest import schedule_digest
from protocol.units import DAY_MS, HOUR_MS, Milliseconds, Nanolitres, NanolitresPerDay, Picograms
from protocol.units import PicogramsPerNanolitre as Concentration
from protocol.vocabulary import Mode, Role
from verify.hostile import FAIR, HostileCarrier, Weather
from verify.judge import judge_lines
from verify.properties import load_properties
from verify.verdict import Verdict

SERIAL = "THECAL-1"
MORPHINE = 1
NO_BOLUS = PatientBolusGrant(Nanolitres(0), Milliseconds(0), Milliseconds(0), 0)


REAL = Windows()
SMALL = Windows(Sizes(5_017, 13, 60_200, 25), HOUR_MS // 60, DAY_MS // 60)
"""Sixty times smaller and in fewer buckets, each 0.33 % longer than nominal, like the real ones."""


class Answer(NamedTuple):
    """What came of one question."""

    at_ms: int
    """When the answer came, or nobody waited any longer."""
    role: Role
    asked: Message
    reply: Message | None
    lines: int
    """How many lines the journal had by then."""


class World:
    """One pump and everything around it. ``talk`` never raises: an answer that does not come is None."""

    def __init__(
        self,
        seed: int,
        *,
        windows: Windows = REAL,
        concentration: int = 25_000,
        volume_nl: int = 20_000_000,
        weather: Weather = FAIR,
        profile: str | Profile = "peristaltic",
    ) -> None:
        self.random = Random(seed)  # noqa: S311 - an experiment must be repeatable
        self.windows = windows
        self.concentration = concentration
        self.weather = weather
        self.library = Library.shipped()
        self.profile = load_profile(profile) if isinstance(profile, str) else profile
        self.journal = Journal()
        self.key = self.random.randbytes(KEY_OCTETS)
        self.device = PumpDevice(
            profile=self.profile,
            library=self.library,
            key=self.key,
            serial=SERIAL,
            entropy=self.random.randbytes,
            filling=Filling(volume_nl, ((MORPHINE, concentration),)),
            journal=self.journal,
            windows=windows,
            seed=seed,
        )
        self.bench = Bench(self.device, self.library)
        self.carriers: list[HostileCarrier] = []
        self.answers: list[Answer] = []
        """What came of everything that was asked, in order."""
        self._conversations: dict[Role, Conversation] = {}

    # --- talking ---

    def talk(self, role: Role, message: Message) -> Message | None:
        """Ask as a role, over a session that is established if need be; return the reply, or None if none came."""
        reply = self._answer(role, message)
        self.answers.append(Answer(self.device.now_ms, role, message, reply, len(self.journal.lines)))
        return reply

    def _answer(self, role: Role, message: Message) -> Message | None:
        for conversation in (self._conversations.get(role), None):
            try:
                return (conversation or self._connected(role)).request(message)
            except ChannelEnded:
                continue
            except (NoAnswer, PeerRejected):
                # What gets no answer ends the conversation; the next question comes through a new session.
                self._conversations.pop(role, None)
                return None
        return None

    def conversation(self, role: Role) -> Conversation:
        """Return the conversation in which a role has last asked."""
        return self._conversations[role]

    def session_of(self, role: Role) -> bytes | None:
        """Return the name of the session in which a role has last asked, if it has and was answered."""
        conversation = self._conversations.get(role)
        return conversation.session if conversation else None

    def program(self, prescription: Prescription, schedule: Schedule | None = None) -> Message | None:
        """Stage and commit a prescription, after its schedule if it has one; return the last reply."""
        if schedule is not None:
            staged = self.talk(Role.CLINICIAN, StageSchedule(schedule))
            if staged is None or isinstance(staged, Refused):
                return staged
        staged = self.talk(Role.CLINICIAN, StagePrescription(prescription))
        if not isinstance(staged, Staged):
            return staged
        return self.talk(Role.CLINICIAN, Commit(staged.digest))

    def stranger(self) -> Conversation:
        """Return a conversation of somebody who does not have the key."""
        return Conversation(self.carrier(), bytes(KEY_OCTETS), Role.CLINICIAN, self.random.randbytes)

    def wrong_proof(self) -> None:
        """Let somebody who has no key send a proof that is none."""
        chance = self.random
        proof = Prove(Role.CLINICIAN, chance.randbytes(16), chance.randrange(1 << 32), chance.randbytes(32))
        with suppress(ProtocolError):
            self.stranger().exchange(encode(proof))

    def hang_up(self) -> None:
        """Forget every conversation, as people do whose cable was pulled."""
        self._conversations.clear()

    def carrier(self) -> HostileCarrier:
        """Return a new wire to the pump, in the present weather."""
        carrier = HostileCarrier(
            self.device.receive, self.bench.advance, lambda: self.device.now_ms, self.random, self.weather
        )
        self.carriers.append(carrier)
        return carrier

    def _connected(self, role: Role) -> Conversation:
        """Return a conversation with a new session. Raises ``NoAnswer`` or ``PeerRejected``."""
        conversation = Conversation(self.carrier(), role_key(self.key, role), role, self.random.randbytes, SERIAL)
        self._conversations[role] = conversation
        try:
            conversation.connect()
        except CarrierLost as lost:
            raise NoAnswer(str(lost), sent=False) from lost
        return conversation

    # --- prescribing ---

    def prescription(
        self,
        rate: int,
        *,
        mode: Mode = Mode.SIMPLE_CONTINUOUS,
        limit_1h: int | None = None,
        limit_24h: int | None = None,
        patient_bolus: PatientBolusGrant = NO_BOLUS,
        low_reservoir_nl: int = 2_000_000,
        schedule: Schedule | None = None,
        bridge: int = 0,
    ) -> Prescription:
        """Return a prescription of the fluid in the reservoir; limits not given are the library's hard ones."""
        entry = self.library.drug(MORPHINE)
        hard_1h, hard_24h = (entry.hard_1h.value, entry.hard_24h.value) if entry else (0, 0)
        limits = (hard_1h if limit_1h is None else limit_1h, hard_24h if limit_24h is None else limit_24h)
        drug = Drug(MORPHINE, Concentration(self.concentration), Picograms(limits[0]), Picograms(limits[1]))
        return Prescription(
            mode=mode,
            rate=NanolitresPerDay(rate if mode is Mode.SIMPLE_CONTINUOUS else 0),
            drugs=(drug,),
            patient_bolus=patient_bolus,
            low_reservoir=Nanolitres(low_reservoir_nl),
            library=self.library.digest,
            override_reason="an experiment",
            schedule=schedule_digest(schedule) if schedule else NO_DIGEST,
            bridge=NanolitresPerDay(bridge),
        )

    # --- the end ---

    def verdict(self) -> Verdict:
        """Close the journal and have it judged, by the shipped properties too."""
        self.bench.finish()
        return judge_lines(self.journal.lines, properties=load_properties())
