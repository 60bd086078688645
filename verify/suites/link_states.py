"""A wire that may deliver any frame ever sent, any number of times, in any order, or never: every state it leads to.

Retransmission, loss, duplication, delay and reordering are all special cases of such a wire. With few requests the
states are few enough to visit every one; with many, seeded walks go deep.
"""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from protocol.frame import Direction, Frame, FrameDecoder, Kind, encode_frame
from protocol.link import LinkFailed, LinkFailure, ProgrammerLink, ProgrammerLinkEvent, PumpLink, ReplyReceived
from protocol.link_payloads import reset_payload
from verify.suites.suite import require
from verify.suites.wires import answer_to

INTRUDERS = [
    encode_frame(Frame(Direction.FROM_PROGRAMMER, Kind.RESET, 0, reset_payload(epoch))) for epoch in (0xBAD, 0xBADBAD)
]
"""What somebody else on the wire might send."""


@dataclass
class Epochs:
    """Entropy that never repeats."""

    drawn: int = 0

    def __call__(self, octets: int) -> bytes:
        """Return the next number."""
        self.drawn += 1
        return self.drawn.to_bytes(octets, "little")


@dataclass
class World:
    """Both ends and what became of the requests, which are numbered from 1 in the order they are asked."""

    programmer: ProgrammerLink = field(default_factory=lambda: ProgrammerLink(Epochs()))
    pump: PumpLink = field(default_factory=PumpLink)
    asked: int = 0
    executed: tuple[int, ...] = ()
    answered: int = 0
    """The last request that was answered."""
    unsent: tuple[int, ...] = ()

    def ask(self) -> bytes:
        """Begin the next request; return what the programmer sends."""
        self.asked += 1
        return self.programmer.request(b"%d" % self.asked, 0)

    def abandon(self) -> None:
        """Give the outstanding request up."""
        if not self.programmer.abandon():
            self.unsent += (self.asked,)

    def deliver(self, frame: bytes) -> bytes:
        """Let a frame arrive at both ends, as on one shared wire; return what they send."""
        for request in self.pump.receive(frame):
            self._execute(int(request.record))
            self.pump.reply(request, answer_to(request.record))
        for event in self.programmer.receive(frame, 0):
            self._finish(event)
        for end in (self.pump, self.programmer):
            end.decoder = FrameDecoder()  # its counters would make equal states differ
        return self.pump.take_outgoing() + self.programmer.take_outgoing()

    def _execute(self, number: int) -> None:
        require(number not in self.executed, "executed twice")
        require(number > self.answered, "executed after a later request was answered")
        require(number not in self.unsent, "executed although said to be unsent")
        self.executed += (number,)

    def _finish(self, event: ProgrammerLinkEvent) -> None:
        if isinstance(event, ReplyReceived):
            require(event.record == answer_to(b"%d" % self.asked), "a reply to another request")
            require(self.asked in self.executed, "answered and not executed")
            self.answered = self.asked
        else:
            require(event == LinkFailed(LinkFailure.EPOCH_LOST, sent=True), f"an event of no cause: {event}")


def note(seen: Counter[str], world: World, answered: int, executed: int, busy: bool) -> None:
    """Count what is remarkable about a step, given what the world was like before it."""
    seen["answered"] += world.answered > answered
    seen["executed late"] += len(world.executed) > executed and (
        world.executed[-1] < world.asked or not world.programmer.busy
    )
    seen["epoch lost"] += busy and not world.programmer.busy and world.answered == answered


class Exploration:
    """Visits every state of a world in which a bounded number of requests is asked.

    A state is left out if one with the same ends and more frames on the wire was visited: it can do nothing new.
    """

    def __init__(self, requests: int, *intrusions: bytes) -> None:
        self.states = 0
        self.seen: Counter[str] = Counter()
        """How often something remarkable was reached."""
        self._requests = requests
        self._visited: dict[bytes, list[frozenset[bytes]]] = {}
        self._waiting: list[tuple[bytes, frozenset[bytes]]] = []
        self._visit(World(), frozenset(intrusions))

    def run(self) -> None:
        """Visit everything that can be reached."""
        while self._waiting:
            state, wire = self._waiting.pop()
            if wire not in self._visited[state]:
                continue  # a richer one came meanwhile
            for frame in sorted(wire):
                world: World = pickle.loads(state)  # noqa: S301  # our own bytes
                before = (world.answered, len(world.executed), world.programmer.busy)
                sent = world.deliver(frame)
                note(self.seen, world, *before)
                self._visit(world, wire | {sent} - {b""})
            world = pickle.loads(state)  # noqa: S301
            if world.programmer.busy:
                world.abandon()
                self._visit(world, wire)
            elif world.asked < self._requests:
                self._visit(world, wire | {world.ask()})

    def _visit(self, world: World, wire: frozenset[bytes]) -> None:
        state = pickle.dumps(world)
        wires = self._visited.setdefault(state, [])
        if not any(wire <= other for other in wires):
            wires[:] = [other for other in wires if not other <= wire] + [wire]
            self._waiting.append((state, wire))
            self.states += 1


def walk(random: Random, seen: Counter[str], *, restarts: bool) -> None:
    """Walk far in one world, mostly repeating old frames; count what is remarkable."""
    world = World(ProgrammerLink(random.randbytes))
    wire = [INTRUDERS[0]]
    for _ in range(400):
        before = (world.answered, len(world.executed), world.programmer.busy)
        if not world.programmer.busy:
            wire.append(world.ask())
        elif random.random() < 0.03:
            world.abandon()
        elif restarts and random.random() < 0.01:
            world.pump = PumpLink(random.randrange(0x1_0000))
            seen["restarts"] += 1
        else:
            recent = wire[-3:] if random.random() < 0.8 else wire
            sent = world.deliver(random.choice(recent))
            wire += [sent] if sent else []
        note(seen, world, *before)
