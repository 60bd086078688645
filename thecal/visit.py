"""One visit to a pump: open the port, connect, do one thing, say how it ended, close the session.

Whatever happens, the visit ends with a sentence: a command is done, not done or unknown, a session is closed or it
is said why not, and a pump that is not infusing is never left without a word.
"""

from __future__ import annotations

import contextlib
import functools
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from emulator.machine import NotAllowedError
from emulator.programmer.draft import DraftError
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done, NoContactError, NotDone, ProgrammerRefusal, Result, Unknown
from hw.lasting import LastingPort
from hw.ports import open_port
from protocol.carrier import Carrier
from protocol.conversation import Conversation
from protocol.keys import role_key
from protocol.units import QuantityError
from thecal.calling import Call
from thecal.failures import Failure, OutsideMissing
from thecal.output import bad, doubtful, emit, good, say, tell
from thecal.plain import plain
from thecal.recording import recorded

ASK_AGAIN = 3
"""Times that a pump is asked what became of a command, each with the link's own patience of about half a minute."""

REPLUG_MS = 30_000
"""How long an unplugged adapter is waited for, each time that the pump is asked."""

WORDS: dict[type[Result], str] = {Done: good("done"), NotDone: bad("not done"), Unknown: doubtful("UNKNOWN")}


@contextmanager
def visit(call: Call) -> Iterator[Programmer]:
    """Yield a programmer in a session with the pump, and close the session afterwards.

    Every error of pump, port and programmer leaves as one of ``thecal.failures`` or of click.
    """
    with (
        recorded(call.recording, call.key) as tap,
        LastingPort(call.port, lambda name: tap(open_port(name, call.baud))) as port,
        explained(),
        calling(port, call, ready=functools.partial(_plugged_in, port)) as programmer,
    ):
        yield programmer


@contextmanager
def calling(carrier: Carrier, call: Call, ready: Callable[[], None] = lambda: None) -> Iterator[Programmer]:
    """Yield a programmer in a session over this carrier, and close the session afterwards.

    ``ready`` is called before each session begins, and raises ``CarrierLost`` if the carrier is not there.
    """
    key = role_key(call.key, call.role)

    def dial() -> Conversation:
        ready()
        return Conversation(carrier, key, call.role, secrets.token_bytes, call.serial)

    programmer = Programmer(dial, call.library)
    programmer.connect()
    try:
        yield programmer
    except BaseException:
        for unknown in programmer.unresolved:
            tell(doubtful(f"It is unknown whether the pump carried out {_name(unknown)}: interrogate it."))
        _close(programmer)
        raise
    _close(programmer)


def _plugged_in(port: LastingPort) -> None:
    """Make sure that the port is there; if it was unplugged, ask for it and wait."""
    if port.lost:
        tell(doubtful(f"{port.identity.words} is gone; plug it in again (waiting {REPLUG_MS // 1_000} s)"))
        port.wait(REPLUG_MS)
        tell(f"{good('back')} as {port.name}")


@contextmanager
def explained() -> Iterator[None]:
    """Turn what a programmer raises into an end with an exit code."""
    try:
        yield
    except NoContactError as error:
        raise OutsideMissing(str(error)) from error
    except (QuantityError, DraftError) as error:
        raise click.UsageError(str(error)) from error
    except (ProgrammerRefusal, NotAllowedError) as error:
        raise Failure(str(error)) from error


def settle(programmer: Programmer, result: Result) -> Result:
    """Ask the pump what became of a command whose result is unknown; return what is known in the end."""
    for attempt in range(ASK_AGAIN):
        if not isinstance(result, Unknown):
            return result
        tell(f"no answer; asking the pump what became of {_name(result)} ({attempt + 1} of {ASK_AGAIN})")
        with contextlib.suppress(NoContactError):
            result = programmer.resolve(result)
    return result


def confirm(question: str, yes: bool, **more: Any) -> None:
    """Go on only with somebody's yes; otherwise a ``Failure`` says that nothing was sent."""
    try:
        confirmed = yes or click.confirm(question, err=True)
    except click.Abort as abort:
        if isinstance(abort.__context__, KeyboardInterrupt):
            tell("nothing was sent")
            raise
        confirmed = False  # there is nobody to ask
    if not confirmed:
        raise Failure("not confirmed; nothing was sent", {"result": "not_done", "words": "not confirmed", **more})


def report(call: Call, result: Result, found: str = "", **more: Any) -> None:
    """Say what became of a command. Anything but done is a ``Failure``, and so is what was ``found`` wrong."""
    if not call.as_json:
        say(WORDS[type(result)])
    ensure_done(result, **more)
    if found:
        raise Failure(found, _document(result, more) | {"words": found})
    if call.as_json:
        emit(_document(result, more))


def ensure_done(result: Result, **more: Any) -> None:
    """Raise ``Failure``, with what is known, for a result that is anything but done."""
    if not isinstance(result, Done):
        raise Failure(result.words, _document(result, more))


def _document(result: Result, more: dict[str, Any]) -> dict[str, Any]:
    kind = {Done: "done", NotDone: "not_done", Unknown: "unknown"}[type(result)]
    if isinstance(result, Done):
        return {"result": kind, "reply": plain(result.reply), **more}
    return {"result": kind, "words": result.words, **more}


def carry_out(call: Call, order: Callable[[Programmer], Result]) -> None:
    """Visit the pump for one command: interrogate, give the order, settle and report its result."""
    with visit(call) as programmer:
        programmer.interrogate()
        report(call, settle(programmer, order(programmer)))


def _close(programmer: Programmer) -> None:
    """Close the session, saying everything that is not as it should be.

    The words on the screen are the acknowledgement of a stopped pump: a script has nobody to ask.
    """
    if programmer.may("discard"):
        programmer.discard()  # a draft that came to nothing must not keep the session open
    try:
        closing = programmer.close(stopped_acknowledged=True)
    except NoContactError as error:
        tell(doubtful(f"The session could not be closed ({error}); the pump will end it by itself."))
        return
    except NotAllowedError:
        return  # an unknown result or an unverified update has been said already
    for note in closing.notes:
        tell(doubtful(note))


def _name(unknown: Unknown) -> str:
    return f"“{type(unknown.command).__name__}”"
