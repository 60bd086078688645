"""Whose fault it is: errors of ours apart from errors of theirs.

A ``LocalProtocolError`` means that our own code asked for something the protocol does not allow; it is a bug and
is raised. A ``RemoteProtocolError`` means that the bytes that came in break the rules; the receiving layer
catches it and turns it into an event, because noise on a wire is part of an ordinary day.
"""

from __future__ import annotations


class ProtocolError(Exception):
    """Base of everything this package raises."""


class LocalProtocolError(ProtocolError):
    """We tried to break the rules: a field out of range, a payload too long, a call at the wrong time."""


class RemoteProtocolError(ProtocolError):
    """They broke the rules: bytes that are not a message, a seal that does not open, a counter that ran back."""
