"""What can become of a command: done, not done, or unknown. Never a guess."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Self

from protocol.messages import Message, Refused

__all__ = [
    "Done",
    "DraftError",
    "NoContactError",
    "NotDone",
    "ProgrammerRefusal",
    "Result",
    "StaleReviewError",
    "Unknown",
]


class ProgrammerRefusal(Exception):  # noqa: N818 - a refusal is an ordinary outcome of an entry
    """The programmer itself refuses; nothing was sent to the pump. The message says why."""


class DraftError(ProgrammerRefusal):
    """An entry does not make sense or is missing. The message says what to enter."""


class StaleReviewError(ProgrammerRefusal):
    """The review that was confirmed is not the one on the screen."""


class NoContactError(Exception):
    """The pump did not answer, so nothing is known. Nothing that changes the pump was asked."""


@dataclass(frozen=True, slots=True)
class Done:
    """The pump did it and said so."""

    reply: Message


@dataclass(frozen=True, slots=True)
class NotDone:
    """It did not happen and never will. ``refusal`` is the pump's, or None if the command never took effect."""

    refusal: Refused | None
    words: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows yet whether the pump did it: ask the pump with ``Programmer.resolve``.

    Serial number, session and counter name the command for the pump; ``words`` say what is known so far.
    """

    command: Message
    serial: str
    session: bytes
    counter: int
    words: str = field(default="The pump did not answer; whether it acted is unknown.", compare=False)

    def still(self, words: str) -> Self:
        """Return the same unknown with what was found out about it."""
        return replace(self, words=words)


Result = Done | NotDone | Unknown
