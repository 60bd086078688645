"""The whole wire, from a question to its reply: in any weather the truth about every command is told.

A conversation talks to a pump's end that only counts. What was carried out is known exactly, so that everything the
programmer's side says about it can be compared: answered means once, not sent means never, and unknown is resolved by
asking, for good.
"""

from __future__ import annotations

from collections import Counter
from random import Random

from protocol.channel import SESSION_IDLE_MS, PumpChannel
from protocol.channel_events import ChannelEvent, Malformed, NotPermitted, Request, SessionClosed, SessionOpened
from protocol.conversation import ChannelEnded, Conversation, NoAnswer, PeerRejected
from protocol.keys import role_key
from protocol.link import PumpLink
from protocol.messages import (
    Accepted,
    Close,
    Closed,
    CommandReport,
    Message,
    QueryCommand,
    Refused,
    SetWallClock,
    Stop,
)
from protocol.pump_end import PumpEnd
from protocol.units import Milliseconds, NanolitresPerDay
from protocol.vocabulary import Outcome, Reason, Role, TherapyState
from verify.hostile import FAIR, ROUGH, STORM, HostileCarrier, Weather
from verify.suites.peer import PUMP_KEY
from verify.suites.suite import Effort, Property, Suite, require

SERIAL = "TC000042"
ACCEPTED = Accepted(TherapyState.STOPPED, NanolitresPerDay(0))
LONGEST_REQUEST_MS = 61_000
LONGEST_CONNECT_MS = 300_000


class CountingPump:
    """A pump's end whose commands are numbers, and the programmers on the other side of the weather."""

    def __init__(self, seed: int, weather: Weather) -> None:
        self.random = Random(seed)  # noqa: S311 - an experiment must be repeatable
        self.weather = weather
        self.now_ms = 0
        self.executed: Counter[int] = Counter()
        self.closed = 0
        self.reports: list[ChannelEvent] = []
        self.remembered: dict[bytes, tuple[int, int]] = {}
        """Session to the counter and number of its last command."""
        self.carriers: list[HostileCarrier] = []
        channel = PumpChannel(PUMP_KEY, SERIAL, self.random.randbytes, 1)
        self.end = PumpEnd(PumpLink(self.random.randrange(1 << 16)), channel, self._execute, self._report)

    def conversation(self, role: Role = Role.CLINICIAN) -> Conversation:
        """Return a conversation over a new wire."""
        carrier = HostileCarrier(self.receive, self.pass_time, lambda: self.now_ms, self.random, self.weather)
        self.carriers.append(carrier)
        return Conversation(carrier, role_key(PUMP_KEY, role), role, self.random.randbytes, SERIAL)

    def receive(self, data: bytes) -> bytes:
        """Return what the pump's end sends back."""
        return self.end.receive(data, self.now_ms)

    def pass_time(self, span_ms: int) -> None:
        """Let time pass for the pump's end."""
        self.now_ms += span_ms
        self.end.expire(self.now_ms)

    def _report(self, event: ChannelEvent) -> None:
        self.reports.append(event)
        if isinstance(event, SessionOpened):
            self.remembered[event.session] = (0, -1)

    def _execute(self, request: Request) -> Message:
        match request.message:
            case SetWallClock(number):
                self.executed[number] += 1
                self.remembered[request.session] = (request.counter, number)
                return ACCEPTED
            case QueryCommand(session):
                counter, _ = self.remembered.get(session, (0, -1))
                outcome = Outcome.ACCEPTED if counter else Outcome.NONE
                known = session in self.remembered
                return CommandReport(known, counter, SetWallClock.TYPE, outcome, 0, Milliseconds(0))
            case Close():
                self.closed += 1
                return Closed()
        return ACCEPTED


def whole_stack(effort: Effort) -> None:
    """Give commands in every weather, resolve what stays unknown, and replay everything at the end."""
    for number in range(effort.examples):
        for weather in (FAIR, ROUGH, STORM):
            effort.tried += 1
            pump = CountingPump(effort.seed + number, weather)
            for command in range(20):
                _command(pump, command, effort)
            before = pump.executed.copy()
            for carrier in pump.carriers:
                carrier.replay_all()
            require(pump.executed == before, "a recording of everything carries a command out again")
            require(max(pump.executed.values(), default=0) <= 1, f"carried out twice: {pump.executed}")


def _command(pump: CountingPump, number: int, effort: Effort) -> None:
    """Give one command, and find out what became of it."""
    conversation = pump.conversation()
    began_ms = pump.now_ms
    try:
        conversation.connect()
    except (NoAnswer, PeerRejected):
        require(pump.weather != FAIR, "on a good line nobody answers")
        require(pump.now_ms - began_ms <= LONGEST_CONNECT_MS, f"connecting took {pump.now_ms - began_ms} ms")
        effort.reached["no contact"] += 1
        return
    began_ms = pump.now_ms
    try:
        reply = conversation.request(SetWallClock(number))
    except ChannelEnded:
        require(not pump.executed[number], f"command {number} is said to be unsent and was carried out")
    except NoAnswer as error:
        require(pump.weather != FAIR, "on a good line a request is lost")
        require(pump.now_ms - began_ms <= LONGEST_REQUEST_MS, f"a request took {pump.now_ms - began_ms} ms")
        _resolve(pump, number, error, effort)
    else:
        require(reply == ACCEPTED, f"the reply to a command is {reply}")
        require(pump.executed[number] == 1, f"answered, and carried out {pump.executed[number]} times")
        effort.reached["answered"] += 1


def _resolve(pump: CountingPump, number: int, error: NoAnswer, effort: Effort) -> None:
    if not error.sent:
        effort.reached["not sent"] += 1
        require(not pump.executed[number], f"command {number} is said to be unsent and was carried out")
        return
    effort.reached["unknown"] += 1
    for _ in range(40):
        conversation = pump.conversation()
        try:
            conversation.connect()
            report = conversation.request(QueryCommand(error.session or b""))
        except (NoAnswer, PeerRejected, ChannelEnded):
            continue
        if not isinstance(report, CommandReport):
            raise TypeError(report)
        done = report.known and report.counter == error.counter
        require(done is bool(pump.executed[number]), f"command {number}: the pump says {report}, untruly")
        effort.reached["resolved: done" if done else "resolved: not done"] += 1
        for carrier in pump.carriers:
            carrier.replay_all()
        require(done is bool(pump.executed[number]), f"command {number} turned up after it was resolved")
        return


def sessions_and_roles(effort: Effort) -> None:
    """Close a session, leave one, ask what the role may not, and look what the pump's end reports and does."""
    pump = CountingPump(effort.seed, FAIR)
    patient = pump.conversation(Role.PATIENT)
    patient.connect()
    reply = patient.request(Stop())
    require(isinstance(reply, Refused) and reply.reason is Reason.NOT_PERMITTED, f"a patient may stop it: {reply}")
    require(any(isinstance(event, NotPermitted) for event in pump.reports), "what a role may not ask is not reported")
    patient.request(SetWallClock(1))
    require(not pump.executed[1], "what a role may not ask is carried out")
    clinician = pump.conversation()
    clinician.connect()
    require(isinstance(clinician.request(Close(True)), Closed), "a session cannot be closed")
    require(pump.end.channel.session is None, "a closed session is still open in the pump")
    require(not clinician.connected, "a closed session is still open in the programmer")
    _ended(clinician, "after a close")
    clinician.connect()
    reply = clinician.request(ACCEPTED)
    require(isinstance(reply, Refused) and reply.reason is Reason.MALFORMED, f"no request is answered by {reply}")
    require(any(isinstance(event, Malformed) for event in pump.reports), "what is no request is not reported")
    effort.tried += 3
    pump.now_ms += SESSION_IDLE_MS - 1
    clinician.request(SetWallClock(2))
    require(pump.executed[2] == 1, "a session of nearly five minutes is over")
    pump.pass_time(SESSION_IDLE_MS)
    require(pump.end.channel.session is None, "an idle session does not end")
    _ended(clinician, "after five minutes")
    opened = sum(isinstance(event, SessionOpened) for event in pump.reports)
    closed = sum(isinstance(event, SessionClosed) for event in pump.reports)
    require((opened, closed) == (3, 3), f"{opened} sessions are reported open and {closed} closed")


def _ended(conversation: Conversation, when: str) -> None:
    try:
        conversation.request(SetWallClock(99))
    except ChannelEnded:
        return
    require(False, f"{when} the programmer still asks in the old session")


def strangers(effort: Effort) -> None:
    """Talk to a pump with another key, to another pump, and to nobody."""
    pump = CountingPump(effort.seed, FAIR)
    for key, serial in ((bytes(32), SERIAL), (role_key(PUMP_KEY, Role.CLINICIAN), "TC000001")):
        effort.tried += 1
        carrier = HostileCarrier(pump.receive, pump.pass_time, lambda: pump.now_ms, pump.random)
        conversation = Conversation(carrier, key, Role.CLINICIAN, pump.random.randbytes, serial)
        try:
            conversation.connect()
        except PeerRejected:
            require(not conversation.connected, "a pump that was not believed is talked to")
        else:
            require(False, "whoever answers is believed")
    for lost, name in ((Weather(lose=1_000), "a dead line"), (Weather(cut=1_000), "a line that is cut")):
        pump.weather = lost
        began_ms = pump.now_ms
        try:
            pump.conversation().connect()
        except NoAnswer as error:
            require(not error.sent, f"over {name} a handshake counts as a command")
            require(pump.now_ms - began_ms <= LONGEST_CONNECT_MS, f"over {name} connecting takes too long")
        else:
            require(False, f"over {name} somebody answers")


SUITE = Suite(
    "conversation",
    "a question and its reply, through every layer of the wire",
    (
        Property(
            "conversation.sessions",
            "A session is asked in as long as both ends have it.",
            sessions_and_roles,
            verifies=("COM-13",),
        ),
        Property(
            "conversation.strangers", "Nobody is talked to who is not the pump.", strangers, verifies=("ALM-26",)
        ),
        Property(
            "conversation.whole stack",
            "In any weather each command is carried out at most once, and what is said of it is true.",
            whole_stack,
            6,
            ("answered", "unknown", "no contact", "resolved: done", "resolved: not done"),
            verifies=("BOL-14", "COM-04", "COM-05", "COM-06", "PRG-03"),
        ),
    ),
)
