"""The channel: whoever has no key changes nothing, learns nothing useful, empties nothing and locks nobody out.

``peer`` plays the owner of the wire at random. The other properties go to each corner on purpose: which role may ask
what, when a session ends, what a handshake binds, how long a flood can delay a clinician, and how many random bytes
it would take until some of them pass for a command.
"""

from __future__ import annotations

import itertools

from hypothesis import strategies as st

from protocol.channel import SESSION_IDLE_MS
from protocol.channel_backoff import Backoff
from protocol.channel_events import (
    Answer,
    AuthenticationFailed,
    CloseCause,
    Malformed,
    NotPermitted,
    RecordRejected,
    Rejection,
    Request,
    SessionClosed,
    SessionOpened,
)
from protocol.errors import ProtocolError
from protocol.messages import (
    MESSAGES,
    Hello,
    Prove,
    encode,
)
from protocol.vocabulary import Role
from verify.suites.desk import ASKS, DONE, Desk, asked, disbelieved, refused
from verify.suites.peer import HostileWire
from verify.suites.samples import some
from verify.suites.suite import Effort, Property, Suite, require

MAY_ASK = {
    Role.OBSERVER: {"Interrogate", "QueryCommand", "Close"},
    Role.PATIENT: {"Interrogate", "QueryCommand", "PatientBolus", "Close"},
}
"""All that these two roles may ask. Whatever else there is, or comes to be, is the clinician's or nobody's."""
NOT_MORE_THAN_MS = 10_000
"""The longest that a flood of bad proofs delays an honest handshake: the longest pause, and a moment."""


def hostile_peer(effort: Effort) -> None:
    """Let a peer do as it likes with the wire for a long time."""
    for number in range(effort.examples):
        wire = HostileWire(effort.seed + number)
        for _ in range(1_000):
            effort.tried += 1
            wire.step()
        for what, count in wire.seen.items():
            effort.reached[str(getattr(what, "value", getattr(what, "__name__", what)))] += count


def roles(effort: Effort) -> None:
    """Ask everything there is in every role."""
    for kind in MESSAGES.values():
        for role in Role:
            effort.tried += 1
            desk = Desk(effort.seed)
            (event,) = desk.events(desk.connected(role).seal(some(kind)))
            name, who = kind.__name__, role.name.lower()
            if not kind.ROLES:
                require(isinstance(event, Malformed), f"{name} is taken for a request: {event}")
            elif name in MAY_ASK.get(role, {name}):
                effort.reached["allowed"] += 1
                require(isinstance(event, Request) or role is Role.SERVICE, f"a {who} may not ask {name}: {event}")
            else:
                effort.reached["not allowed"] += 1
                require(isinstance(event, NotPermitted), f"a {who} may ask {name}: {event}")


def sessions_end(effort: Effort) -> None:
    """Wait just not long enough, and just long enough; close; be replaced; ask again each time."""
    for idle_ms, alive in ((0, True), (SESSION_IDLE_MS - 1, True), (SESSION_IDLE_MS, False), (1 << 40, False)):
        effort.tried += 1
        desk = Desk(effort.seed)
        programmer = desk.connected()
        for _ in range(2):  # a request begins the time anew
            desk.now_ms += idle_ms if alive else 0
            require(asked(desk, programmer), f"a session is over after {idle_ms} ms")
        desk.now_ms += idle_ms
        require(asked(desk, programmer) is alive, f"after {idle_ms} idle ms a session is alive: {not alive}")
    require(60_000 <= SESSION_IDLE_MS <= 600_000, f"a session left behind lives for {SESSION_IDLE_MS} ms")
    desk = Desk(effort.seed)
    first = desk.connected()
    require([type(event) for event in desk.pump.close()] == [SessionClosed], "closing says nothing")
    require(not asked(desk, first), "a closed session goes on")
    second = desk.connected(Role.PATIENT)
    third = desk.connected()
    require(not asked(desk, second), "a session that was replaced goes on")
    require(asked(desk, third), "the new session does not work")
    desk.now_ms += SESSION_IDLE_MS
    require(
        desk.pump.expire(desk.now_ms) == [SessionClosed(Role.CLINICIAN, third.session or b"", CloseCause.IDLE)],
        "an idle session does not end by itself",
    )
    require(desk.pump.role is None and desk.pump.deadline_ms is None, "an ended session is still there")


def each_counter_once(effort: Effort) -> None:
    """Send requests again, out of order and after the next one; answer twice; answer what was not asked."""
    desk = Desk(effort.seed)
    programmer = desk.connected()
    records = [programmer.seal(ASKS) for _ in range(6)]
    for order in ((0, 0), (2, 1, 2, 0), (3, 3), (5, 4, 5)):
        highest = -1
        for number in order:
            effort.tried += 1
            taken = any(isinstance(event, Request) for event in desk.events(records[number]))
            require(taken is (number > highest), f"request {number} after {highest} is carried out: {taken}")
            if taken:
                desk.pump.seal(DONE)
                refused("a second reply under one counter", desk.pump.seal, DONE)
            highest = max(highest, number)
    refused("a request without a session", desk.programmer().seal, ASKS)
    refused("a reply that nobody waits for", desk.programmer().open, b"")
    refused("a proof before a hello", desk.programmer().prove, b"")
    refused("a welcome before a proof", desk.programmer().welcome, b"")


def replies_are_bound(effort: Effort) -> None:
    """Give a programmer the reply to another request, of another session, its own request, and a reply twice."""
    desk = Desk(effort.seed)
    programmer, replies = desk.connected(), []
    for _ in range(3):
        desk.events(programmer.seal(ASKS))
        replies.append(desk.pump.seal(DONE))
        programmer.open(replies[-1])
    other = desk.connected()
    for foreign in (*replies, programmer.seal(ASKS)):
        effort.tried += 1
        own = other.seal(ASKS)
        for wrong in (foreign, own):
            disbelieved("what is no reply to this request", other.open, wrong)
        desk.events(own)
        right = desk.pump.seal(DONE)
        require(other.open(right) == DONE, "the right reply is not believed after a wrong one")
        refused("a reply for the second time", other.open, right)


def nonsense_under_a_seal(effort: Effort) -> None:
    """Seal what is no message, and what is no request, on the pump's side and on the programmer's."""
    desk = Desk(effort.seed)
    programmer = desk.connected()
    to_pump = programmer._to_pump
    if to_pump is None:
        raise TypeError("no session")
    for counter, inner in enumerate((b"", b"\x00", b"\xee", encode(ASKS) + b"more", encode(DONE)), 1):
        effort.tried += 1
        (event,) = desk.events(to_pump.close(counter, inner))
        require(isinstance(event, Malformed), f"{inner.hex()} under a seal is {event}")
        desk.pump.seal(DONE)
    other = Desk(effort.seed)
    programmer = other.connected()
    other.events(programmer.seal(ASKS))
    disbelieved("a request in place of a reply", programmer.open, other.pump.seal(ASKS))
    programmer.seal(ASKS)
    programmer.forget()
    refused("a reply in a session that was given up", programmer.open, b"")


def random_bytes_are_no_command(effort: Effort) -> None:
    """Send a pump's end random bytes, alone and in place of parts of a genuine record, with a session open."""
    desk = Desk(effort.seed)
    programmer = desk.connected()
    genuine = programmer.seal(ASKS)
    session = desk.pump.session

    def check(noise: bytes, at: int, whole: bool) -> None:
        record = noise if whole else genuine[:at] + noise + genuine[at + len(noise) :]
        if record == genuine:
            return
        events = desk.events(record)
        effort.reached["random strings"] += 1
        taken = [event for event in events if isinstance(event, Request | SessionOpened | SessionClosed)]
        require(not taken, f"{record.hex()} passes for {taken}")
        require(desk.pump.session == session, f"{record.hex()} changes the session")

    effort.search(check, noise=st.binary(max_size=60), at=st.integers(0, len(genuine)), whole=st.booleans())
    require(any(isinstance(event, Request) for event in desk.events(genuine)), "the genuine request is lost")


def floods_delay_and_no_more(effort: Effort) -> None:
    """Flood a pump's end with hellos and bad proofs while a clinician connects, and look how long that takes."""
    for hellos, later in itertools.product((0, 20), range(8)):
        effort.tried += 1
        desk = Desk(effort.seed)
        desk.connected(Role.PATIENT)
        wrong = encode(Prove(Role.CLINICIAN, bytes(16), (1 << 40) + 1, bytes(32)))
        for _ in range(FLOOD_STEPS + 13 * later):
            desk.now_ms += STEP_MS
            for _ in range(hellos):
                desk.events(encode(Hello(Role.CLINICIAN, bytes(16))))
            desk.events(wrong)
        began_ms = desk.now_ms
        through = any(_connects_amid(desk, wrong, STEP_MS) for _ in range(FLOOD_STEPS))
        took_ms = desk.now_ms - began_ms
        require(through, f"with a bad proof every {STEP_MS} ms a clinician never gets through")
        require(took_ms <= NOT_MORE_THAN_MS, f"a flood delays a clinician by {took_ms} ms")


STEP_MS, FLOOD_STEPS = 100, 600


def _connects_amid(desk: Desk, wrong: bytes, step_ms: int) -> bool:
    """Try one handshake, with a bad proof before, between and behind its records."""
    programmer = desk.programmer()
    try:
        desk.now_ms += step_ms
        desk.events(wrong)
        proof = programmer.prove(desk.answer(programmer.hello()))
        desk.events(wrong)
        programmer.welcome(desk.answer(proof))
    except ProtocolError:
        return False
    desk.events(wrong)
    return asked(desk, programmer)


def floods_are_slowed_and_counted(effort: Effort) -> None:
    """Count how many bad proofs of a flood are examined, and how many are written down."""
    desk = Desk(effort.seed)
    wrong = encode(Prove(Role.CLINICIAN, bytes(16), 1 << 40, bytes(32)))
    desk.answer(desk.programmer().hello())
    examined = reports = 0
    for _ in range(36_000):
        effort.tried += 1
        desk.now_ms += 200
        events = desk.events(wrong)
        examined += RecordRejected(Rejection.BAD_PROOF) in events
        reports += sum(isinstance(event, AuthenticationFailed) for event in events)
    require(examined <= 36_000 // 4, f"of 36000 bad proofs {examined} are examined")
    require(1 <= reports <= 40, f"two hours of flood make {reports} entries in the log")
    desk = Desk(effort.seed)
    for _ in range(20):
        desk.connected()
        for _ in range(2):
            require(
                RecordRejected(Rejection.BAD_PROOF) in desk.events(wrong), "slips between successes bring a pause"
            )
    first = Backoff()
    require([first.failed(at) for at in (0, 1)] == [True, True], "the first failures are not reported")
    require(first.wait_ms(1) == 0 and Backoff().wait_ms(0) == 0, "a slip or two is punished")
    first.failed(2)
    require(first.wait_ms(2) > 0, "three failures in a row bring no pause")
    first.succeeded()
    require((first.wait_ms(3), first.failures) == (0, 0), "a correct proof does not end the run")
    pauses = []
    for earlier in (0, 100):
        backoff = Backoff()
        for number in range(earlier):
            backoff.failed(1_000 * number)
        backoff.succeeded()
        for _ in range(3):
            backoff.failed(1_000_000)
        pauses.append(backoff.wait_ms(1_000_000))
    require(pauses[0] == pauses[1] > 0, f"before a correct proof or after, the first pauses are {pauses} ms")


def refusals_change_nothing(effort: Effort) -> None:
    """Send everything that is refused to a pump with a session, and look whether anything is different."""
    desk = Desk(effort.seed)
    programmer = desk.connected()
    own = programmer.seal(ASKS)
    before = (desk.pump.session, desk.pump.role, desk.pump.deadline_ms)
    desk.now_ms = 1_000
    for record in (
        b"",
        b"\x00",
        b"\xff" * 20,
        encode(some(MESSAGES[0x15])),
        encode(some(MESSAGES[0x02])),
        own[:-1] + bytes([own[-1] ^ 1]),
        encode(Prove(Role.CLINICIAN, bytes(16), 1 << 40, bytes(32))),
    ):
        effort.tried += 1
        events = desk.events(record)
        kinds = [type(event) for event in events]
        require(RecordRejected in kinds and kinds[-1] is Answer, f"{record.hex()} is not refused: {events}")
        after = (desk.pump.session, desk.pump.role, desk.pump.deadline_ms)
        require(after == before, f"{record.hex()} changes the session from {before} to {after}")
    require(any(isinstance(event, Request) for event in desk.events(own)), "the genuine request is lost")
    require((desk.pump.deadline_ms or 0) > (before[2] or 0), "a request does not begin the idle time anew")


SUITE = Suite(
    "channel",
    "the secure channel",
    (
        Property(
            "channel.roles",
            "Each role may ask what it may, and no more.",
            roles,
            premises=("allowed", "not allowed"),
            verifies=("COM-15",),
        ),
        Property(
            "channel.sessions",
            "A session ends when it is idle, closed or replaced.",
            sessions_end,
            verifies=("COM-13",),
        ),
        Property(
            "channel.counters",
            "Each request is carried out once and answered once.",
            each_counter_once,
            verifies=("COM-05", "PRG-03"),
        ),
        Property("channel.replies", "A reply is believed for its own request alone.", replies_are_bound),
        Property(
            "channel.refusals", "What is refused changes nothing.", refusals_change_nothing, verifies=("SEC-01",)
        ),
        Property("channel.malformed", "A seal makes no request of nonsense.", nonsense_under_a_seal),
        Property(
            "channel.floods",
            "A flood delays a clinician by a pause at most.",
            floods_delay_and_no_more,
            verifies=("COM-12",),
        ),
        Property(
            "channel.slowed",
            "A flood is slowed down and written down rarely.",
            floods_are_slowed_and_counted,
            verifies=("FLT-15",),
        ),
        Property(
            "channel.random bytes",
            "Random bytes are no command.",
            random_bytes_are_no_command,
            1_000,
            ("random strings",),
            verifies=("COM-03", "SEC-01"),
        ),
        Property(
            "channel.hostile peer",
            "A peer without a key can only delay and lose.",
            hostile_peer,
            4,
            ("Request", "SessionOpened", "SessionClosed", "believed", *(each.value for each in Rejection)),
            verifies=("COM-05", "SEC-01", "SEC-02"),
        ),
    ),
)
