"""Contact with one pump: an established conversation, or none.

One rule keeps the three-valued results honest: *no answer ends the conversation*. Whatever comes next goes through a
new session, and the pump drops what is left of the old one, so a request from before can no longer arrive late.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from emulator.programmer.results import NoContactError, ProgrammerRefusal, Unknown
from protocol.conversation import ChannelEnded, NoAnswer, PeerRejected
from protocol.errors import LocalProtocolError, ProtocolError
from protocol.messages import Message, Welcome


class ConversationLike(Protocol):
    """The client end of link and channel; see ``protocol.conversation``."""

    @property
    def session(self) -> bytes | None:
        """Name of the established session."""

    @property
    def serial(self) -> str | None:
        """Serial number of the pump that proved itself."""

    @property
    def last_counter(self) -> int:
        """Counter of the last request."""

    def connect(self) -> Welcome:
        """Establish a session."""

    def request(self, message: Message) -> Message:
        """Send one request; return the pump's reply."""


Dial = Callable[[], ConversationLike]
"""Returns a conversation that is not connected yet, over whatever wire there is."""


class Contact:
    """Opens conversations with ``dial`` and asks through the present one; stays with the first pump it meets."""

    def __init__(self, dial: Dial, serial: str | None = None) -> None:
        self._dial = dial
        self._serial = serial
        self._conversation: ConversationLike | None = None

    @property
    def alive(self) -> bool:
        """Whether a session is established, as far as this end knows."""
        return self._conversation is not None

    @property
    def serial(self) -> str:
        """Return the serial number of the pump, or an empty text before the first contact."""
        return self._serial or ""

    def open(self) -> Welcome:
        """Establish a new session, dropping any old one. Raises ``NoContactError`` with the reason."""
        self.drop()
        try:
            conversation = self._dial()
            welcome = conversation.connect()
        except PeerRejected as error:
            raise NoContactError(f"This key does not open this pump: {error}") from error
        except ProtocolError as error:
            raise NoContactError(f"No contact with the pump: {error}") from error
        if self._serial not in (None, conversation.serial):
            raise NoContactError(
                f"This is pump {conversation.serial}, not {self._serial}; take a new programmer for it."
            )
        self._serial = conversation.serial
        self._conversation = conversation
        return welcome

    def drop(self) -> None:
        """Forget the conversation."""
        self._conversation = None

    def ask(self, message: Message) -> Message | Unknown:
        """Send a request and return the reply, or ``Unknown``, and the conversation is over.

        Raises ``NoContactError``, and the conversation is over, if the request certainly never left;
        ``ProgrammerRefusal``, and nothing has changed, if it does not fit the protocol.
        """
        if self._conversation is None:
            raise NoContactError("There is no contact with the pump.")
        try:
            return self._conversation.request(message)
        except LocalProtocolError as error:
            raise ProgrammerRefusal(f"The pump cannot be asked that: {error}") from error
        except ChannelEnded as error:
            self.drop()
            raise NoContactError(f"The session is over: {error}") from error
        except NoAnswer as error:
            unknown = self.break_off(message)
            if not error.sent:
                raise NoContactError(f"No contact with the pump: {error}") from error
            return unknown

    def break_off(self, message: Message) -> Unknown:
        """End the conversation in the middle of a request, and return what is then unknown."""
        conversation = self._conversation
        self.drop()
        if conversation is None:
            raise NoContactError("There is no contact with the pump.")
        return Unknown(message, self.serial, conversation.session or b"", conversation.last_counter)
