"""Lost replies: what is unknown is asked for, and reported as what the pump says."""

import secrets
from collections.abc import Iterator

import click
import pytest

from emulator.device import Filling, PumpDevice
from emulator.hardware.profile import load_profile
from emulator.library import Library
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done, NotDone, Result, Unknown
from protocol.carrier import DirectCarrier
from protocol.vocabulary import Role
from thecal.calling import Call
from thecal.failures import Failure, OutsideMissing, document_of
from thecal.visit import calling, ensure_done, explained, report, settle

KEY = bytes(range(32))
SERIAL = "VISIT"


class Deafening:
    """A wire to a pump on which one side can be made deaf."""

    def __init__(self, device: PumpDevice) -> None:
        self.device = device
        self.requests_lost = False
        self.replies_lost = False

    def __call__(self, data: bytes) -> bytes:
        """Carry what is not lost."""
        if self.requests_lost:
            return b""
        answer = self.device.receive(data)
        return b"" if self.replies_lost else answer


@pytest.fixture
def library() -> Library:
    """Return the shipped library."""
    return Library.shipped()


@pytest.fixture
def wire(library: Library) -> Deafening:
    """Return a wire to a new pump full of morphine."""
    return Deafening(
        PumpDevice(
            profile=load_profile("peristaltic"),
            library=library,
            key=KEY,
            serial=SERIAL,
            entropy=secrets.token_bytes,
            filling=Filling(20_000_000, ((1, 20_000),)),
        )
    )


@pytest.fixture
def call(library: Library) -> Call:
    """Return a clinician's call."""
    return Call("wire", 9600, KEY, Role.CLINICIAN, SERIAL, library, as_json=False)


@pytest.fixture
def programmer(wire: Deafening, call: Call) -> Iterator[Programmer]:
    """Yield a programmer in a session with a programmed pump."""
    with calling(DirectCarrier(wire), call) as programmer:
        programmer.interrogate()
        programmer.edit(programmer.blank().fluid(("morphine", "20 mg/mL")).daily_dose("1 mg/day"))
        ensure_done(programmer.update(programmer.review()))
        programmer.verify()
        yield programmer


def hears_again(wire: Deafening, programmer: Programmer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the wire work again as soon as the programmer asks what became of its command."""
    resolve = type(programmer).resolve

    def resolving(self: Programmer, unknown: Unknown) -> Result:
        wire.requests_lost = wire.replies_lost = False
        return resolve(self, unknown)

    monkeypatch.setattr(type(programmer), "resolve", resolving)


@pytest.mark.verifies("COM-04")
def test_a_lost_reply_is_asked_for(wire: Deafening, programmer: Programmer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pump did it: the result is done, and it was done once."""
    hears_again(wire, programmer, monkeypatch)
    wire.replies_lost = True
    result = programmer.bolus("0.1 mg", "10 min")
    assert isinstance(result, Unknown)
    assert isinstance(settle(programmer, result), Done)
    programmer.interrogate()
    assert isinstance(programmer.bolus("0.1 mg", "10 min"), NotDone)


def test_a_lost_request_is_found_not_done(
    wire: Deafening, programmer: Programmer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pump never heard of it, and says so."""
    hears_again(wire, programmer, monkeypatch)
    wire.requests_lost = True
    assert isinstance(settle(programmer, programmer.bolus("0.1 mg", "10 min")), NotDone)


@pytest.mark.verifies("COM-06")
def test_what_cannot_be_found_out_stays_unknown(
    wire: Deafening, programmer: Programmer, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the pump gone for good, nothing is guessed: the command ends as a failure that says unknown."""
    wire.replies_lost = True
    result = settle(programmer, programmer.bolus("0.1 mg", "10 min"))
    assert isinstance(result, Unknown)
    with pytest.raises(Failure) as failure:
        report(call, result)
    assert document_of(failure.value)["result"] == "unknown"
    assert "UNKNOWN" in capsys.readouterr().out
    wire.replies_lost = False


def test_an_interrupt_names_what_is_unknown(wire: Deafening, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C while a reply is awaited says which command may or may not have been carried out."""

    def interrupted() -> None:
        with calling(DirectCarrier(wire), call) as programmer:
            programmer.interrogate()
            wire.replies_lost = True
            programmer.stop()
            wire.replies_lost = False
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert "“Stop”" in capsys.readouterr().err


def test_a_pump_that_does_not_answer_is_missing(wire: Deafening, call: Call) -> None:
    """No contact is something outside, not a bug."""
    wire.requests_lost = True
    with pytest.raises(OutsideMissing, match="No contact"), explained(), calling(DirectCarrier(wire), call):
        raise AssertionError("there is no session to be in")


def test_a_session_that_cannot_be_closed_is_said(
    wire: Deafening, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    """When the pump falls silent at the end, the visit still ends, with a word about it."""
    with calling(DirectCarrier(wire), call) as programmer:
        programmer.interrogate()
        wire.requests_lost = True
    assert "could not be closed" in capsys.readouterr().err


def test_entries_and_refusals_have_their_own_ends(programmer: Programmer) -> None:
    """What was typed wrongly is wrong usage; what the programmer refuses is a failure."""
    with pytest.raises(click.UsageError), explained():
        programmer.bolus("0.1 furlongs", "10 min")
    with pytest.raises(Failure), explained():
        programmer.bolus("5 mg", "10 min")
