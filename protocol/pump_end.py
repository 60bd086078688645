"""The pump's whole side of the wire: link and channel together, one function call for one request.

The counterpart of ``protocol.conversation``. Bytes from the wire go in, bytes for the wire come out; what a
programmer may ask reaches ``execute`` exactly once and its reply is sealed. Everything else the two layers settle
between them.
"""

from __future__ import annotations

from collections.abc import Callable

from protocol.channel import PumpChannel
from protocol.channel_events import Answer, ChannelEvent, Malformed, NotPermitted, Request
from protocol.link import PumpLink, RequestReceived
from protocol.messages import NO_SUBJECT, Closed, Message, Refused
from protocol.units import Milliseconds, Picograms
from protocol.vocabulary import Reason


def refusal(reason: Reason) -> Refused:
    """Return a refusal that needs no more than its reason."""
    return Refused(reason, NO_SUBJECT, Milliseconds(0), Picograms(0))


class PumpEnd:
    """Joins a ``PumpLink`` and a ``PumpChannel``.

    ``execute(request)`` carries a request out and returns the reply; ``Closed`` ends the session behind it.
    ``report`` is told every other event of the channel, for log and journal.
    """

    def __init__(
        self,
        link: PumpLink,
        channel: PumpChannel,
        execute: Callable[[Request], Message],
        report: Callable[[ChannelEvent], None] = lambda _event: None,
    ) -> None:
        self.link = link
        self.channel = channel
        self._execute = execute
        self._report = report

    def receive(self, data: bytes, now_ms: int) -> bytes:
        """Take bytes from the wire, at the pump's time ``now_ms``; return what to send. No bytes make it raise."""
        for request in self.link.receive(data):
            for event in self.channel.receive(request.record, now_ms):
                match event:
                    case Answer(record):
                        self.link.reply(request, record)
                    case Request():
                        self._reply(request, self._execute(event))
                    case NotPermitted():
                        self._report(event)
                        self._reply(request, refusal(Reason.NOT_PERMITTED))
                    case Malformed():
                        self._report(event)
                        self._reply(request, refusal(Reason.MALFORMED))
                    case _:
                        self._report(event)
        return self.link.take_outgoing()

    def expire(self, now_ms: int) -> None:
        """End an idle session; call it at ``channel.deadline_ms``."""
        for event in self.channel.expire(now_ms):
            self._report(event)

    def _reply(self, request: RequestReceived, reply: Message) -> None:
        self.link.reply(request, self.channel.seal(reply))
        if isinstance(reply, Closed):
            for event in self.channel.close():
                self._report(event)
