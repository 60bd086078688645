"""The link: one question at a time, repeated until it is answered, and never executed twice.

Theory of operation
===================

The programmer asks, the pump answers. The programmer sends a request and waits; when the answer does not come it
sends the very same frame again, a bounded number of times. The pump hands a request up once; when the same frame
comes again it repeats its reply from a cache of one entry.

**Epochs.** Before its first request, and after every failure, the programmer draws a nonce and sends RESET with it;
the pump answers RESET_ACK with the same nonce, which is from then on the *epoch* of every frame. What is still under
way from before names another epoch and dies: an acknowledgement or reply at the programmer, a request at the pump.

**Sequence numbers.** Each request has a 16-bit number, its reply has the same. The numbers are the pump's: RESET_ACK
says which one it expects, in its sequence field, and a reset does **not** set it back. That keeps an old RESET which
turns up late, with the old request behind it, from executing that request again: the epoch would fit, the number
does not. It also makes the fate of a request final: once a later request is answered, an earlier one that was not
executed never will be. All that is assumed of the wire is that no frame outlives 65 535 later requests. Across a
power cut of the pump, which forgets the count and draws a new one, the same holds but for one chance in 65 536.

**Repeated RESET.** A RESET with the present nonce is acknowledged again and changes nothing: the cached reply stays.

**Refusals.** The pump sends a NAK for damaged bytes, for DATA of an epoch that it is not in, and for DATA out of
sequence; each at most once until something acceptable comes, so that noise is not answered with noise. A NAK for
damage makes the programmer repeat its frame early. A NAK for an unknown epoch names that epoch; if it is the
programmer's present one, the pump was restarted or somebody else reset the link. The request may have been executed
before that or not, so the programmer does not carry it into a new epoch: it reports ``EPOCH_LOST``, and whoever asked
has to find out.

**Results.** A request ends in ``ReplyReceived`` or in ``LinkFailed``, which says whether the request was ever put on
the wire: if not, it was not executed; if so, its fate is *unknown*.

**Shared wire.** Each end drops the frames of its own direction, so both can share one wire that echoes.

The two ends have no port, no clock and no thread. Bytes come in, events and bytes come out, and time is an argument.
A reset of the link says nothing about the secure channel above it.
"""

from __future__ import annotations

from protocol.link_payloads import MAX_RECORD, NakReason
from protocol.link_programmer import LinkFailed, LinkFailure, ProgrammerLink, ProgrammerLinkEvent, ReplyReceived
from protocol.link_pump import PumpLink, RequestReceived

__all__ = [
    "MAX_RECORD",
    "LinkFailed",
    "LinkFailure",
    "NakReason",
    "ProgrammerLink",
    "ProgrammerLinkEvent",
    "PumpLink",
    "ReplyReceived",
    "RequestReceived",
]
