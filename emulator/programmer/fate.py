"""What became of a command whose reply was lost, decided from the pump's own record of it."""

from __future__ import annotations

from emulator.library import Library
from emulator.programmer.results import Done, NotDone, Result, Unknown
from emulator.programmer.words import refusal_words
from protocol.messages import NO_SUBJECT, CommandReport, Message, Refused
from protocol.units import Milliseconds, Picograms
from protocol.vocabulary import Outcome, Reason

NEVER_EXECUTED = "The command never reached the pump and no longer can."


def decide(unknown: Unknown, reply: Message, serial: str, library: Library) -> Result:
    """Decide from the pump's answer to a ``QueryCommand`` for the unknown's session.

    The answer must come through a newer session than the unknown's: only then is a copy of the command that may
    still be on its way dead, so that “not executed” is final. Whatever does not decide leaves it unknown.
    """
    if not isinstance(reply, CommandReport):
        return unknown.still("The pump did not say what became of the command.")
    doubt = _doubt(unknown, reply, serial)
    if doubt is not None:
        return unknown.still(doubt)
    if reply.outcome is Outcome.NONE or reply.counter < unknown.counter:
        return NotDone(None, NEVER_EXECUTED)
    if reply.outcome is Outcome.ACCEPTED:
        return Done(reply)
    refused = Refused(Reason(reply.reason), NO_SUBJECT, Milliseconds(0), Picograms(0))
    return NotDone(refused, refusal_words(refused, library))


def _doubt(unknown: Unknown, report: CommandReport, serial: str) -> str | None:
    """Say why the report does not decide, or None if it does."""
    executed = report.outcome is not Outcome.NONE and report.counter >= unknown.counter
    refused_for = report.reason if report.outcome is Outcome.REFUSED else Reason.NOT_PERMITTED
    doubts = (
        (serial != unknown.serial, f"This is pump {serial}; the command went to pump {unknown.serial}."),
        (not report.known, "The pump no longer remembers that session."),
        (executed and report.counter > unknown.counter, "The pump remembers only a later command of that session."),
        (executed and report.command != unknown.command.TYPE, "The pump remembers another command by this number."),
        (
            executed and refused_for not in set(Reason),
            f"This programmer does not know the pump's reason {refused_for}.",
        ),
    )
    return next((words for doubtful, words in doubts if doubtful), None)
