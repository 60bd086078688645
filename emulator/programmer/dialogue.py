"""Commands and their three-valued results: sending, losing contact, and finding out what became of a command.

While the result of a command is unknown nothing else may change the pump, except a stop. Every message after a lost
reply goes through a new session: the lost command, if a copy of it is still on its way, is dead from then on. That
is why a stop cannot be overtaken by the bolus before it, and why “never executed” is final.
"""

from __future__ import annotations

from collections.abc import Iterable

from emulator.library import Library
from emulator.machine import EventData, Stateful
from emulator.programmer.contact import Contact, Dial
from emulator.programmer.fate import decide
from emulator.programmer.results import Done, NoContactError, NotDone, ProgrammerRefusal, Result, Unknown
from emulator.programmer.words import refusal_words
from emulator.programmer.workflow import Phase
from protocol.messages import Accepted, Message, QueryCommand, Refused, Stop, Welcome

NOT_SENT = "The command was not sent; nothing has changed."


class Dialogue(Stateful[Phase]):
    """The part of the programmer that talks, with one pump: the first that it meets.

    ``unresolved`` hands over what an earlier programmer could not resolve.
    """

    def __init__(self, dial: Dial, library: Library, unresolved: Iterable[Unknown] = ()) -> None:
        super().__init__()
        self.library = library
        self.unresolved: tuple[Unknown, ...] = tuple(unresolved)
        self._contact = Contact(dial, self.unresolved[0].serial if self.unresolved else None)
        self._in_vain: dict[Unknown, bool] = {}
        """Unknowns that the pump could not decide, and whether it has been interrogated since."""
        self._to_say: list[str] = []
        """What must be said again when the session is closed."""

    # --- contact ---

    def connect(self) -> Welcome:
        """Establish a session. Raises ``NoContactError`` and stays disconnected if the pump does not answer."""
        self.fire("connect")
        welcome = self._contact.open()
        self.fire("connected")
        return welcome

    def hang_up(self) -> None:
        """Break off without closing the session; the pump ends it by itself. Says nothing to the pump."""
        self._contact.drop()
        self.fire("lost")

    def stop(self) -> Result:
        """Stop the infusion. Allowed in every session and while a result is unknown."""
        self.fire("stop")
        try:
            self._reach()
        except NoContactError as error:
            return NotDone(None, f"{NOT_SENT} {error}")
        result = self._command(Stop())
        if isinstance(result, Done) and self.state is Phase.UNRESOLVED:
            self._settle([unknown for unknown in self.unresolved if isinstance(unknown.command, Stop)])
        return result

    # --- results ---

    def resolve(self, unknown: Unknown) -> Result:
        """Ask the pump what became of a command. Returns what it says, or the same unknown, in words, if it cannot.

        Raises ``NoContactError``, and everything is as before, if the pump does not answer.
        """
        self._check_unresolved(unknown)
        self.fire("resolve")
        self._reach()
        reply = self._ask(QueryCommand(unknown.session))
        result = decide(unknown, reply, self._contact.serial, self.library)
        if isinstance(result, Unknown):
            self._in_vain[unknown] = False
        else:
            self._learn(unknown, result)
            self._settle([unknown])
        return result

    def accept_unknown(self, unknown: Unknown) -> None:
        """Go on although nobody will ever know, after ``resolve`` was in vain and an interrogation was looked at."""
        self._check_unresolved(unknown)
        self.fire("accept_unknown", unknown=unknown)
        self._to_say.append(f"It was never found out whether the pump carried out {type(unknown.command).__name__}.")
        self._settle([unknown])

    def asked_in_vain(self, event: EventData) -> bool:
        """The pump was asked and could not say."""
        return event.kwargs["unknown"] in self._in_vain

    def looked_since(self, event: EventData) -> bool:
        """The pump was interrogated after that."""
        return self._in_vain.get(event.kwargs["unknown"], False)

    def has_unresolved(self, _: EventData) -> bool:
        """The result of a command is unknown."""
        return bool(self.unresolved)

    # --- for the commands of the programmer ---

    def _ask(self, message: Message) -> Message:
        """Ask for something that changes nothing. Raises ``NoContactError``, and the contact is lost."""
        try:
            reply = self._contact.ask(message)
            if isinstance(reply, Unknown):
                raise NoContactError("The pump did not answer.")
        except NoContactError:
            self._lose()
            raise
        return reply

    def _command(self, message: Message, expected: type[Message] = Accepted) -> Result:
        """Send a command; a lost reply to one that changes the pump leaves its result unresolved."""
        try:
            reply = self._contact.ask(message)
        except NoContactError as error:
            self._lose()
            return NotDone(None, f"{NOT_SENT} {error}")
        except ProgrammerRefusal:
            raise
        except BaseException:
            # Interrupted while waiting: the pump may have carried it out.
            self._lose_reply(self._contact.break_off(message))
            raise
        if isinstance(reply, Refused):
            return NotDone(reply, refusal_words(reply, self.library))
        if isinstance(reply, expected):
            return Done(reply)
        if not isinstance(reply, Unknown):
            words = f"The pump answered {type(reply).__name__}, which is no answer to {type(message).__name__}."
            reply = self._contact.break_off(message).still(words)
        self._lose_reply(reply)
        return reply

    def _lose_reply(self, unknown: Unknown) -> None:
        if not unknown.command.CHANGES_STATE:
            self._lose()
            return
        self.unresolved = (*self.unresolved, unknown)
        self.fire("unknown")

    def _lose(self) -> None:
        self._contact.drop()
        self.fire("lost")

    def _reach(self) -> None:
        """Make sure of a session; after a lost reply, of a new one."""
        if not self._contact.alive:
            self._contact.open()

    def _settle(self, settled: Iterable[Unknown]) -> None:
        gone = set(settled)
        self.unresolved = tuple(unknown for unknown in self.unresolved if unknown not in gone)
        for unknown in gone:
            self._in_vain.pop(unknown, None)
        self.fire("resolved")

    def _check_unresolved(self, unknown: Unknown) -> None:
        if unknown not in self.unresolved:
            raise ProgrammerRefusal("That result is not waiting to be resolved.")

    def _looked(self) -> None:
        """Note that the pump was interrogated."""
        self._in_vain = dict.fromkeys(self._in_vain, True)

    def _learn(self, unknown: Unknown, result: Done | NotDone) -> None:
        """Let the programmer note what became of a command; called before the state changes."""
