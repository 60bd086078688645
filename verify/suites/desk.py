"""A pump's end of the channel and its programmers, undisturbed: where the suites of the channel begin."""

from __future__ import annotations

import random
from collections.abc import Callable

from protocol.channel import PumpChannel
from protocol.channel_events import (
    Answer,
    ChannelEvent,
    Request,
)
from protocol.channel_programmer import ProgrammerChannel
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.keys import role_key
from protocol.messages import (
    Accepted,
    Interrogate,
)
from protocol.units import NanolitresPerDay
from protocol.vocabulary import Role, Section, TherapyState
from verify.suites.peer import PUMP_KEY
from verify.suites.suite import require

SERIAL = "TC000042"
DONE = Accepted(TherapyState.STOPPED, NanolitresPerDay(0))
ASKS = Interrogate(Section.THERAPY)


class Desk:
    """A pump's end and what its programmers do with it, undisturbed."""

    def __init__(self, seed: int, power_ups: int = 1) -> None:
        self.random = random.Random(seed)  # noqa: S311 - an experiment must be repeatable
        self.pump = PumpChannel(PUMP_KEY, SERIAL, self.random.randbytes, power_ups)
        self.now_ms = 0

    def programmer(self, role: Role = Role.CLINICIAN, serial: str | None = None) -> ProgrammerChannel:
        """Return a programmer with the role's key and no session."""
        return ProgrammerChannel(role_key(PUMP_KEY, role), role, self.random.randbytes, serial)

    def connected(self, role: Role = Role.CLINICIAN) -> ProgrammerChannel:
        """Return a programmer with a session."""
        programmer = self.programmer(role)
        programmer.welcome(self.answer(programmer.prove(self.answer(programmer.hello()))))
        return programmer

    def events(self, record: bytes) -> list[ChannelEvent]:
        """Return what the pump's end makes of a record."""
        return self.pump.receive(record, self.now_ms)

    def answer(self, record: bytes) -> bytes:
        """Return what the pump's end answers by itself."""
        return next(event.record for event in self.events(record) if isinstance(event, Answer))


def asked(desk: Desk, programmer: ProgrammerChannel) -> bool:
    """Ask and answer; return whether the pump's end took it for a request."""
    taken = any(isinstance(event, Request) for event in desk.events(programmer.seal(ASKS)))
    if taken:
        require(programmer.open(desk.pump.seal(DONE)) == DONE, "the reply is another one")
    return taken


def refused(what: str, misuse: Callable[..., object], *given: object) -> None:
    """Require that something is refused as a mistake of our own."""
    try:
        misuse(*given)
    except LocalProtocolError:
        return
    require(False, f"{what} is accepted")


def disbelieved(what: str, belief: Callable[..., object], *given: object) -> None:
    """Require that something is refused as a mistake of theirs."""
    try:
        belief(*given)
    except RemoteProtocolError:
        return
    require(False, f"{what} is believed")
