"""The programmer's whole side of the wire: link and channel together, one call for one question. Synchronous.

The one rule of this module: **a request that may have left is unknown until a properly sealed reply to it is here.**
Silence, damage, a forged reply and an injected ``ChannelRefusal`` all end the same way, as ``NoAnswer(sent=True)``;
nobody on the wire can make the programmer believe that a command was *not* executed. Only what failed before
anything was sent is "not sent". A request is repeated by the link, never by the conversation: the pump executes it
at most once.

How an unknown result is resolved: ``NoAnswer`` names session and counter of the request; ask
``QueryCommand(session)``, in the same session or, after ``connect``, in a new one. Either way the pump accepts no
earlier counter and no earlier session from then on, so that "not executed" is final too: the request cannot turn up
late.
"""

from __future__ import annotations

from collections.abc import Callable

from protocol.carrier import Carrier, CarrierLost
from protocol.channel_backoff import LONGEST_PAUSE_MS
from protocol.channel_programmer import ChannelRefused, ProgrammerChannel, WrongProof
from protocol.errors import ProtocolError, RemoteProtocolError
from protocol.link import LinkFailed, LinkFailure, ProgrammerLink, ProgrammerLinkEvent
from protocol.messages import Closed, Message, Welcome
from protocol.vocabulary import ChannelReason, Role

CONNECT_ATTEMPTS = 4
"""Handshakes tried by one ``connect``. Two are enough against a flooder (see ``protocol.channel_backoff``), two more
forgive a link that somebody else resets."""


class NoAnswer(ProtocolError):  # noqa: N818 - says what happened
    """No properly sealed reply came.

    ``sent`` False: nothing of the request has left; it was not executed. ``sent`` True: its result is **unknown**,
    and ``session`` and ``counter`` name it for ``QueryCommand``. ``advice`` is what a ``ChannelRefusal`` said, if
    one came instead: good for a hint to the user, never for a decision.
    """

    def __init__(
        self,
        why: str,
        *,
        sent: bool,
        session: bytes | None = None,
        counter: int = 0,
        advice: ChannelReason | None = None,
    ) -> None:
        super().__init__(why)
        self.sent = sent
        self.session = session
        self.counter = counter
        self.advice = advice


class ChannelEnded(ProtocolError):  # noqa: N818 - says what happened
    """There is no session to send the request in, and it was not sent; ``connect`` first."""


class PeerRejected(ProtocolError):  # noqa: N818 - says what happened
    """Whoever answers does not prove to be the pump: another key, another pump, or somebody in between."""


class Conversation:
    """Talks to one pump in one role; ``key`` is the role's key, ``serial`` the pump's number if it is known.

    ``connect`` first, then ``request`` as often as needed; after any error it can be connected again. Entropy is
    asked for nonces and link epochs. All waiting is in the carrier, and bounded: about half a minute for a request.
    """

    def __init__(
        self,
        carrier: Carrier,
        key: bytes,
        role: Role,
        entropy: Callable[[int], bytes],
        serial: str | None = None,
    ) -> None:
        self.role = role
        self._carrier = carrier
        self._link = ProgrammerLink(entropy)
        self._channel = ProgrammerChannel(key, role, entropy, serial)
        self._idle_timeout_ms = 0
        self._last_use_ms = 0
        """When the last request that got its reply was sent: the pump's idle time began no earlier."""

    @property
    def connected(self) -> bool:
        """Whether there is a session to ask in, as far as this end can know."""
        return self._channel.established

    @property
    def session(self) -> bytes | None:
        """Name of the last established session, also after its end; None before the first."""
        return self._channel.session

    @property
    def last_counter(self) -> int:
        """Counter of the last request sent in that session; with its name, it names the command."""
        return self._channel.counter

    @property
    def serial(self) -> str | None:
        """Serial number of the pump that proved itself; None before the first session."""
        return self._channel.serial

    def connect(self) -> Welcome:
        """Establish a new session; any earlier one is over, whatever comes of this.

        Raises ``PeerRejected`` if whoever answers has another key, ``NoAnswer`` (never sent) if nobody does.
        """
        self._channel.forget()
        wait_ms = 0
        for _ in range(CONNECT_ATTEMPTS):
            self._pause(wait_ms)
            try:
                return self._handshake()
            except (_NoReply, RemoteProtocolError) as error:
                problem = error
            if isinstance(problem, _NoReply) and not problem.worth_repeating:
                break
            wait_ms = min(problem.refusal.wait.value, LONGEST_PAUSE_MS) if isinstance(problem, ChannelRefused) else 0
        if isinstance(problem, WrongProof):
            raise PeerRejected(str(problem)) from problem
        raise NoAnswer(str(problem), sent=False, advice=_advice(problem)) from problem

    def request(self, message: Message) -> Message:
        """Ask, and return the pump's reply, which may be a ``Refused``.

        Raises ``ChannelEnded`` or ``NoAnswer(sent=False)`` if the request has not left, ``NoAnswer(sent=True)`` if
        nobody knows what became of it, and ``LocalProtocolError``, with nothing sent, for a message that does not
        fit.
        """
        now_ms = self._carrier.now_ms()
        if now_ms - self._last_use_ms >= self._idle_timeout_ms:
            self._channel.forget()
        if not self._channel.established:
            raise ChannelEnded("no session is established, or it was idle for too long; nothing was sent")
        record = self._channel.seal(message)
        try:
            reply = self._channel.open(self.exchange(record))
        except (_NoReply, RemoteProtocolError) as error:
            sent = error.sent if isinstance(error, _NoReply) else True
            raise self._no_answer(str(error), sent=sent, advice=_advice(error)) from error
        self._last_use_ms = now_ms
        if isinstance(reply, Closed):
            self._channel.forget()
        return reply

    def _handshake(self) -> Welcome:
        proof = self._channel.prove(self.exchange(self._channel.hello()))
        self._last_use_ms = self._carrier.now_ms()
        welcome = self._channel.welcome(self.exchange(proof))
        self._idle_timeout_ms = welcome.idle_timeout.value
        return welcome

    def exchange(self, record: bytes) -> bytes:
        """Return the link's answer to one record, whatever it is worth: for the handshake, and for experiments."""
        try:
            self._carrier.write(self._link.request(record, self._carrier.now_ms()))
            while True:
                for event in self._wait():
                    if isinstance(event, LinkFailed):
                        raise _NoReply(
                            event.reason.value, sent=event.sent, again=event.reason is LinkFailure.EPOCH_LOST
                        )
                    return event.record
        except CarrierLost as lost:
            raise _NoReply(str(lost), sent=self._link.abandon(), again=False) from lost
        finally:
            self._link.abandon()  # after an interrupt from outside, too, the link is ready for the next request

    def _wait(self) -> list[ProgrammerLinkEvent]:
        """Wait for bytes until the link's deadline, and send what the link has to say to them."""
        deadline_ms = self._link.deadline_ms
        now_ms = self._carrier.now_ms()
        data = self._carrier.read(max(0, deadline_ms - now_ms) if deadline_ms is not None else 0)
        now_ms = self._carrier.now_ms()
        events = self._link.receive(data, now_ms) + self._link.tick(now_ms)
        if outgoing := self._link.take_outgoing():
            self._carrier.write(outgoing)
        return events

    def _pause(self, pause_ms: int) -> None:
        """Let the time pass; what comes in meanwhile answers nothing."""
        end_ms = self._carrier.now_ms() + pause_ms
        try:
            while (left_ms := end_ms - self._carrier.now_ms()) > 0:
                self._carrier.read(left_ms)
        except CarrierLost as lost:
            raise NoAnswer(str(lost), sent=False) from lost

    def _no_answer(self, why: str, *, sent: bool, advice: ChannelReason | None) -> NoAnswer:
        fate = "it is not known what became of the request" if sent else "the request was not sent"
        return NoAnswer(f"{why}; {fate}", sent=sent, session=self.session, counter=self.last_counter, advice=advice)


class _NoReply(ProtocolError):  # noqa: N818 - says what happened
    """The link brought nothing back."""

    def __init__(self, why: str, *, sent: bool, again: bool) -> None:
        super().__init__(why)
        self.sent = sent
        self.worth_repeating = again


def _advice(error: ProtocolError) -> ChannelReason | None:
    return error.refusal.reason if isinstance(error, ChannelRefused) else None
