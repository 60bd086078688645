"""The handshake: what a proof is of, and that nothing opens anywhere but where it belongs.

Each part of a handshake is changed in turn, repeated, held back, reflected and sent elsewhere. Whatever still opened
would be a way in.
"""

from __future__ import annotations

from dataclasses import replace

from protocol.channel import PumpChannel
from protocol.channel_events import (
    Answer,
    SessionOpened,
)
from protocol.channel_programmer import WrongProof
from protocol.channel_seal import COUNTER_LIMIT, MESSAGE_OCTETS_MAX, Seal, Way
from protocol.keys import Transcript, programmer_proof, pump_proof, role_key, session_keys
from protocol.messages import (
    SERIAL_OCTETS_MAX,
    Hello,
    HelloReply,
    Prove,
    decode,
    encode,
)
from protocol.vocabulary import Role
from verify.suites.desk import SERIAL, Desk, asked, disbelieved, refused
from verify.suites.peer import PUMP_KEY
from verify.suites.suite import Effort, Property, Suite, require


def handshakes_are_bound(effort: Effort) -> None:
    """Change anything in a handshake, repeat it, hold it back, send it to another pump, or come with another key."""
    for alter in (_other_role, _other_nonce, _other_ordinal, _other_proof):
        effort.tried += 1
        desk = Desk(effort.seed)
        programmer = desk.programmer()
        said = decode(programmer.prove(desk.answer(programmer.hello())))
        if not isinstance(said, Prove):
            raise TypeError(said)
        _no_session(desk, encode(alter(said)), f"a proof with {alter.__name__.strip('_').replace('_', ' ')}")
    desk = Desk(effort.seed)
    programmer = desk.programmer()
    proof = programmer.prove(desk.answer(programmer.hello()))
    _no_session(Desk(effort.seed + 1), proof, "a proof for another pump")
    later = Desk(effort.seed, power_ups=2)
    later.answer(later.programmer().hello())
    _no_session(later, proof, "a proof from before the power cut")
    desk.now_ms = 61_000
    _no_session(desk, proof, "a proof a minute after its hello")
    desk = Desk(effort.seed)
    programmer = desk.programmer()
    desk.now_ms = 29_900
    proof = programmer.prove(desk.answer(programmer.hello()))
    desk.now_ms = 58_000
    programmer.welcome(desk.answer(proof))
    require(asked(desk, programmer), "a handshake of half a minute fails")
    desk.pump.close()
    _no_session(desk, proof, "a proof for the second time")


def _other_role(proof: Prove) -> Prove:
    return replace(proof, role=Role.SERVICE)


def _other_nonce(proof: Prove) -> Prove:
    return replace(proof, nonce=bytes(16))


def _other_ordinal(proof: Prove) -> Prove:
    return replace(proof, ordinal=proof.ordinal + 1)


def _other_proof(proof: Prove) -> Prove:
    return replace(proof, proof=proof.proof[:-1] + bytes([proof.proof[-1] ^ 1]))


def _no_session(desk: Desk, record: bytes, what: str) -> None:
    events = desk.events(record)
    require(not any(isinstance(event, SessionOpened) for event in events), f"{what} opens a session")
    require(desk.pump.session is None, f"{what} leaves a session")


def pumps_prove_themselves(effort: Effort) -> None:
    """Answer a hello with another pump's proof, another role's, the programmer's own, or an old one."""
    desk = Desk(effort.seed)
    stale = desk.answer(desk.programmer().hello())
    wrong_key = PumpChannel(bytes(32), SERIAL, desk.random.randbytes, 1)
    for answer in (
        lambda _: stale,
        lambda hello: next(event.record for event in wrong_key.receive(hello, 0) if isinstance(event, Answer)),
        _reflected,
        lambda hello: _relabelled(desk.answer(hello)),
    ):
        effort.tried += 1
        programmer = desk.programmer()
        disbelieved("a pump's proof that is none", programmer.prove, answer(programmer.hello()))
        require(not programmer.established, "a session without a proof")
    elsewhere = desk.programmer(serial="TC000001")
    try:
        elsewhere.prove(desk.answer(elsewhere.hello()))
    except WrongProof:
        pass
    else:
        require(False, "another pump than the one that was asked for is taken")
    require(desk.programmer(serial=SERIAL).hello() != desk.programmer(serial=SERIAL).hello(), "a nonce comes twice")
    names = {desk.connected().session for _ in range(20)}
    require(len(names) == 20, "two sessions have one name")


def _reflected(hello: bytes) -> bytes:
    """Return an answer whose proof is the one that the programmer would send."""
    asked = decode(hello)
    if not isinstance(asked, Hello):
        raise TypeError(hello)
    transcript = Transcript(asked.role, asked.nonce, bytes(16), 1 << 40, SERIAL)
    return encode(
        HelloReply(SERIAL, bytes(16), 1 << 40, programmer_proof(role_key(PUMP_KEY, asked.role), transcript))
    )


def _relabelled(answer: bytes) -> bytes:
    reply = decode(answer)
    if not isinstance(reply, HelloReply):
        raise TypeError(answer)
    return encode(replace(reply, serial="TC000043"))


def nonces_are_fresh(effort: Effort) -> None:
    """Greet pumps of other secrets, and one pump again and again, with the same hello."""
    hello = encode(Hello(Role.CLINICIAN, bytes(16)))
    desks = [Desk(effort.seed + number) for number in range(4)]
    nonces = set()
    for desk in (*desks, desks[0], desks[0]):
        effort.tried += 1
        reply = decode(desk.answer(hello))
        nonces.add(reply.nonce if isinstance(reply, HelloReply) else b"")
    require(len(nonces) == 6 and b"" not in nonces, f"six hellos get {len(nonces)} different nonces")


def keys_are_apart(effort: Effort) -> None:
    """Change each part of a transcript in turn, and look whether anything stays the same."""
    base = Transcript(Role.CLINICIAN, b"p" * 16, b"q" * 16, 7, SERIAL)
    key = role_key(PUMP_KEY, Role.CLINICIAN)
    changed = (
        base._replace(role=Role.PATIENT),
        base._replace(programmer_nonce=b"r" * 16),
        base._replace(pump_nonce=b"r" * 16),
        base._replace(programmer_nonce=b"q" * 16, pump_nonce=b"p" * 16),
        base._replace(ordinal=8),
        base._replace(ordinal=7 + (1 << 32)),
        base._replace(serial="TC000043"),
    )
    for make in (pump_proof, programmer_proof, lambda key, transcript: session_keys(key, transcript).session):
        effort.tried += 1
        made = {bytes(make(key, each)) for each in (base, *changed)}
        require(len(made) == 1 + len(changed), "two transcripts give one proof or one session")
    require(pump_proof(key, base) != programmer_proof(key, base), "each end's proof is the other's, too")
    keys = session_keys(key, base)
    require(len({keys.to_pump, keys.to_programmer, key, PUMP_KEY}) == 4, "one key serves two purposes")
    require(len({role_key(PUMP_KEY, role) for role in Role}) == len(Role), "two roles have one key")
    for size in (0, 16, 31, 33):
        refused(f"a key of {size} bytes", role_key, bytes(size), Role.CLINICIAN)
    for serial in ("T" * (SERIAL_OCTETS_MAX + 1), "é" * (SERIAL_OCTETS_MAX // 2 + 1)):
        refused(f"{serial} for a serial number", PumpChannel, PUMP_KEY, serial, bytes, 1)
    PumpChannel(PUMP_KEY, "T" * SERIAL_OCTETS_MAX, bytes, 1)


def seals_are_bound(effort: Effort) -> None:
    """Open a sealed record elsewhere, the other way, under another counter, altered, cut, and as another kind."""
    seal = Seal(b"k" * 32, b"session1", Way.TO_PUMP)
    record = seal.close(5, b"message")
    require(seal.open(record) == (5, b"message"), "a seal does not open where it belongs")
    others = (
        Seal(b"k" * 32, b"session2", Way.TO_PUMP),
        Seal(b"k" * 32, b"session1", Way.TO_PROGRAMMER),
        Seal(b"j" * 32, b"session1", Way.TO_PUMP),
    )
    for other in others:
        effort.tried += 1
        disbelieved("a record of elsewhere", other.open, record)
    for bit in range(8 * len(record)):
        effort.tried += 1
        altered = bytearray(record)
        altered[bit // 8] ^= 1 << bit % 8
        disbelieved(f"a record with bit {bit} flipped", seal.open, bytes(altered))
    for size in range(len(record)):
        disbelieved(f"a record cut to {size} bytes", seal.open, record[:size])
    refused("a counter that does not fit", seal.close, COUNTER_LIMIT, b"")
    refused("a message that fits no frame", seal.close, 1, bytes(MESSAGE_OCTETS_MAX + 1))
    require(len(seal.close(2, bytes(MESSAGE_OCTETS_MAX))) == 252, "the longest message does not fill a frame")
    require(seal.close(1, b"x") != seal.close(2, b"x"), "two counters give one box")


SUITE = Suite(
    "handshake",
    "the handshake, the keys and the seal",
    (
        Property(
            "handshake.handshakes",
            "A proof opens one session, once, soon, here.",
            handshakes_are_bound,
            verifies=("SEC-01", "SEC-02"),
        ),
        Property(
            "handshake.proofs",
            "A programmer believes no pump without its proof.",
            pumps_prove_themselves,
            verifies=("SEC-02",),
        ),
        Property(
            "handshake.unpredictable", "No two hellos get the same nonce.", nonces_are_fresh, verifies=("SEC-02",)
        ),
        Property(
            "handshake.keys",
            "Keys and proofs are of one transcript, one end and one role.",
            keys_are_apart,
            verifies=("SEC-02",),
        ),
        Property(
            "handshake.seals",
            "A record opens in its own session, way and counter alone.",
            seals_are_bound,
            verifies=("COM-03", "SEC-02"),
        ),
    ),
)
