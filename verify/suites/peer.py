"""Whoever owns the wire: honest programmers and a peer who records, holds back, repeats, alters and splices.

The peer sees every record of every session in both directions and decides what is delivered where, when and how
often; it knows no key. Whatever it does, the pump executes only what an honest programmer asked, in order, each
request at most once, and a programmer believes only what the pump answered to that very request.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter

from protocol.channel import SESSION_IDLE_MS, PumpChannel
from protocol.channel_events import Answer, ChannelEvent, RecordRejected, Request, SessionClosed, SessionOpened
from protocol.channel_programmer import ProgrammerChannel
from protocol.errors import LocalProtocolError, ProtocolError
from protocol.keys import role_key
from protocol.messages import Accepted, Interrogate, Message, Prove, encode
from protocol.units import NanolitresPerDay
from protocol.vocabulary import Role, Section, TherapyState
from verify.suites.suite import require

PUMP_KEY = bytes(range(32))
ROLES = (Role.CLINICIAN, Role.PATIENT)


class HostileWire:
    """Two honest programmers, a pump that may lose power, and everything between them in the peer's hands."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - an experiment must be repeatable
        self.now_ms = 0
        self.power_ups = 0
        self.programmers = {
            role: ProgrammerChannel(role_key(PUMP_KEY, role), role, self.random.randbytes) for role in ROLES
        }
        self.recorded = [b""]
        self.asked: dict[tuple[bytes, int], Message] = {}
        self.executed: list[tuple[bytes, int]] = []
        self.answered: dict[tuple[bytes, int], Message] = {}
        self.open_session: bytes | None = None
        self.seen: Counter[object] = Counter()
        self.power_cut()

    def step(self) -> None:
        """Let one thing happen."""
        honest = [self.handshake] * 3 + [self.exchange] * 6 + [self.hold_back] * 4 + [self.greet] * 3
        events = [self.power_cut] + [self.wait] * 2
        hostile = (
            [self.to_pump] * 12 + [self.to_programmer] * 12 + [self.alter] * 4 + [self.splice] * 2 + [self.guess]
        )
        self.random.choice(honest + events + hostile)()

    # --- what honest parties do; the peer records it all ---

    def handshake(self) -> None:
        """A programmer connects undisturbed."""
        programmer = self.programmers[self.random.choice(ROLES)]
        with contextlib.suppress(ProtocolError):
            proof = self.record(programmer.prove(self.deliver(self.record(programmer.hello()))))
            programmer.welcome(self.deliver(proof))

    def exchange(self) -> None:
        """A programmer asks undisturbed."""
        role = self.random.choice(ROLES)
        reply = self.deliver(self.ask(role))
        self.believe(role, reply)

    def greet(self) -> None:
        """A programmer says hello; the peer holds the record."""
        self.record(self.programmers[self.random.choice(ROLES)].hello())

    def hold_back(self) -> None:
        """A programmer asks; the peer holds the record."""
        self.ask(self.random.choice(ROLES))

    def ask(self, role: Role) -> bytes:
        """A programmer with a session seals a request."""
        programmer = self.programmers[role]
        message = Interrogate(self.random.choice(list(Section)))
        try:
            record = programmer.seal(message)
        except LocalProtocolError:
            return b""
        self.asked[programmer.session or b"", programmer.counter] = message
        return self.record(record)

    def power_cut(self) -> None:
        """The pump restarts, with a random source that repeats itself: the worst that can happen to one."""
        self.power_ups += 1
        self.pump = PumpChannel(PUMP_KEY, "TC000042", random.Random(7).randbytes, self.power_ups)  # noqa: S311
        self.open_session = None

    def wait(self) -> None:
        """Time passes."""
        self.now_ms += self.random.choice([1, 1_000, 10_000, 31_000, SESSION_IDLE_MS - 1, SESSION_IDLE_MS])
        self.note(self.pump.expire(self.now_ms))

    # --- what the peer does ---

    def to_pump(self) -> None:
        """Deliver any recorded record to the pump, twice in a row at times."""
        record = self.pick()
        for _ in range(self.random.choice([1, 1, 2])):
            self.deliver(record)

    def to_programmer(self) -> None:
        """Deliver any recorded record to a programmer, as whatever it may be waiting for."""
        role, record = self.random.choice(ROLES), self.pick()
        with contextlib.suppress(ProtocolError):
            self.record(self.programmers[role].prove(record))
        with contextlib.suppress(ProtocolError):
            self.programmers[role].welcome(record)
        self.believe(role, record)

    def alter(self) -> None:
        """Change one byte of a record and deliver it."""
        changed = bytearray(self.pick() or b"\0")
        changed[self.random.randrange(len(changed))] ^= self.random.randrange(1, 256)
        self.deliver(self.record(bytes(changed)))

    def splice(self) -> None:
        """Deliver the beginning of one record before the end of another."""
        cut = self.random.randrange(1, 60)
        self.deliver(self.record(self.pick()[:cut] + self.pick()[cut:]))

    def guess(self) -> None:
        """Try a few proofs blindly."""
        for _ in range(5):
            self.deliver(encode(Prove(Role.CLINICIAN, bytes(16), self.power_ups << 40, self.random.randbytes(32))))

    def pick(self) -> bytes:
        """Choose a record, one of the latest more often than not."""
        return self.random.choice(self.random.choice([self.recorded, self.recorded[-12:], self.recorded[-4:]]))

    def record(self, record: bytes) -> bytes:
        """Keep a record that is on the wire."""
        self.recorded.append(record)
        return record

    # --- what must hold ---

    def deliver(self, record: bytes) -> bytes:
        """Give the pump a record; return, and record, what it sends."""
        return self.record(self.note(self.pump.receive(record, self.now_ms)))

    def note(self, events: list[ChannelEvent]) -> bytes:
        """Check the pump's events against what honest programmers did; return the record it sends."""
        for event in events:
            self.seen[event.rejection if isinstance(event, RecordRejected) else type(event)] += 1
            match event:
                case Request(message, _, session, counter):
                    return self.execute(message, session, counter)
                case SessionOpened(_, session):
                    require(self.open_session is None, "two sessions at a time")
                    self.open_session = session
                case SessionClosed(_, session, _):
                    require(session == self.open_session, "a session ends that is not open")
                    self.open_session = None
                case Answer(record):
                    return record
        return b""

    def execute(self, message: Message, session: bytes, counter: int) -> bytes:
        """Carry out a request, the pump's way, and check that it is an honest one and new."""
        require(session == self.open_session, "a request of a session that is not open")
        require(self.asked.get((session, counter)) == message, "nobody asked this")
        require(
            all(counter > earlier for name, earlier in self.executed if name == session), "again, or out of order"
        )
        self.executed.append((session, counter))
        reply = Accepted(TherapyState.STOPPED, NanolitresPerDay(len(self.executed)))
        self.answered[session, counter] = reply
        return self.pump.seal(reply)

    def believe(self, role: Role, record: bytes) -> None:
        """Let a programmer open a record as the reply to its last request; check that the pump really said so."""
        programmer = self.programmers[role]
        try:
            reply = programmer.open(record)
        except ProtocolError:
            return
        said = self.answered.get((programmer.session or b"", programmer.counter))
        require(said == reply, f"{reply} is believed, and the pump said {said}")
        self.seen["believed"] += 1
