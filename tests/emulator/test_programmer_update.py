"""The update: what was reviewed is what is staged, echoed, committed and verified, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from emulator.library import Library
from emulator.machine import NotAllowedError
from emulator.programmer.findings import LimitPassedError
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import (
    Done,
    NoContactError,
    NotDone,
    ProgrammerRefusal,
    StaleReviewError,
    Unknown,
)
from emulator.programmer.review import Review
from emulator.programmer.workflow import MACHINE, Phase
from protocol.messages import (
    Accepted,
    Commit,
    Interrogate,
    Message,
    PrescriptionReport,
    Staged,
    StagePrescription,
    Stop,
)
from protocol.prescription_digest import digest_of
from protocol.units import NanolitresPerDay, Picograms, PicogramsPerNanolitre
from protocol.vocabulary import Reason, TherapyState
from verify.suites.fakes import SERIAL, FakePump, Fault, infusing_pump, morphine_prescription, phase

LIBRARY = Library.shipped()


@pytest.fixture
def pump() -> FakePump:
    """Return a pump that infuses 1 mg/day of morphine."""
    return infusing_pump(LIBRARY)


@pytest.fixture
def programmer(pump: FakePump) -> Programmer:
    """Return a programmer that has interrogated the pump."""
    programmer = pump.programmer(LIBRARY)
    programmer.connect()
    programmer.interrogate()
    return programmer


def reviewed(programmer: Programmer, dose: str = "1.2 mg/day") -> Review:
    """Return the review of another daily dose."""
    programmer.edit(programmer.draft.daily_dose(dose))
    return programmer.review()


def committed(pump: FakePump) -> list[Message]:
    """Return the commits that the pump carried out."""
    return [message for message in pump.executed if isinstance(message, Commit)]


@pytest.mark.verifies("PRG-11")
def test_the_whole_way_of_an_update(pump: FakePump, programmer: Programmer) -> None:
    """Review, update, verify: the pump then holds what was on the screen, and the programmer is ready again."""
    review = reviewed(programmer)
    result = programmer.update(review)
    assert result == Done(Accepted(TherapyState.SIMPLE_CONTINUOUS, NanolitresPerDay(60_000)))
    assert phase(programmer) is Phase.UPDATED
    assert pump.prescription == review.prescription
    assert committed(pump) == [Commit(digest_of(review.prescription, SERIAL))]
    verification = programmer.verify()
    assert verification.agrees
    assert verification.view.prescription.prescription.rate == NanolitresPerDay(60_000)
    assert phase(programmer) is Phase.READY


def test_programming_an_empty_pump(pump: FakePump) -> None:
    """A new pump takes its first prescription from a blank draft."""
    new = FakePump(LIBRARY)
    programmer = new.programmer(LIBRARY)
    programmer.connect()
    programmer.interrogate()
    programmer.edit(programmer.blank().fluid(("baclofen", "2000 ug/mL")).daily_dose("200 ug/day"))
    assert isinstance(programmer.update(programmer.review()), Done)
    assert programmer.verify().agrees
    assert new.prescription.rate == NanolitresPerDay(100_000)


@pytest.mark.verifies("PRG-13")
def test_an_edit_ends_the_review(pump: FakePump, programmer: Programmer) -> None:
    """What is confirmed must be what is on the screen: an older screen is refused, and nothing is sent."""
    old = reviewed(programmer)
    programmer.edit(programmer.draft.daily_dose("1.4 mg/day"))
    before = len(pump.requests)
    with pytest.raises(StaleReviewError):
        programmer.update(old)
    programmer.review()
    with pytest.raises(StaleReviewError):
        programmer.update(old)
    assert len(pump.requests) == before
    assert phase(programmer) is Phase.REVIEWED


@pytest.mark.verifies("PRG-22")
def test_an_interrogation_ends_the_review(programmer: Programmer) -> None:
    """A review is old against new; with a newer old it has to be shown again."""
    old = reviewed(programmer)
    programmer.interrogate()
    assert programmer.current_review is None
    with pytest.raises(StaleReviewError):
        programmer.update(old)
    again = programmer.review()
    assert again.prescription == old.prescription
    assert isinstance(programmer.update(again), Done)


def test_the_same_review_cannot_be_sent_twice(pump: FakePump, programmer: Programmer) -> None:
    """A second press of the button finds no review on the screen."""
    review = reviewed(programmer)
    programmer.update(review)
    with pytest.raises(StaleReviewError):
        programmer.update(review)
    assert len(committed(pump)) == 1


def test_discarding_leaves_the_pump_alone(pump: FakePump, programmer: Programmer) -> None:
    """A discarded draft is gone, and the next one begins with what the pump holds."""
    reviewed(programmer)
    programmer.discard()
    assert phase(programmer) is Phase.READY
    assert programmer.draft.prescription() == pump.prescription
    assert pump.executed == []


@pytest.mark.verifies("DOSE-06")
def test_a_hard_limit_is_refused_whatever_is_confirmed(pump: FakePump, programmer: Programmer) -> None:
    """Neither a reason nor a second try sends a dose above the hard limit."""
    bare = reviewed(programmer, "20.0002 mg/day")
    with pytest.raises(LimitPassedError, match="hard limit"):
        programmer.update(bare)
    justified = programmer.justify("I insist")
    with pytest.raises(LimitPassedError, match="hard limit"):
        programmer.update(justified)
    with pytest.raises(NotAllowedError):
        programmer.fire("stage")
    assert not any(isinstance(message, StagePrescription) for message in pump.requests)


def test_a_tenfold_slip_needs_a_reason(pump: FakePump, programmer: Programmer) -> None:
    """10 mg/day instead of 1 is within the soft limit of morphine and still not sent without a reason."""
    review = reviewed(programmer, "10 mg/day")
    with pytest.raises(LimitPassedError, match="more than 2 times"):
        programmer.update(review)
    assert pump.executed == []
    result = programmer.update(programmer.justify("converted from 3 g oral"))
    assert isinstance(result, Done)
    assert pump.prescription.override_reason == "converted from 3 g oral"


@pytest.mark.verifies("PRG-13")
def test_a_reason_answers_only_what_was_shown_with_it(programmer: Programmer) -> None:
    """A reason does not outlive the review it was given for, and cannot be given before one."""
    reviewed(programmer, "10 mg/day")
    programmer.justify("pain crisis")
    again = reviewed(programmer, "16 mg/day")
    assert not again.approved
    assert again.reason == ""
    programmer.edit(programmer.draft.daily_dose("18 mg/day"))
    with pytest.raises(NotAllowedError):
        programmer.justify("before the review")


@pytest.mark.parametrize("reason", ["", "   ", "\n"])
def test_a_reason_must_say_something(programmer: Programmer, reason: str) -> None:
    """Blanks are refused at once."""
    reviewed(programmer, "10 mg/day")
    with pytest.raises(ProgrammerRefusal, match="Say why"):
        programmer.justify(reason)


def test_a_reason_that_is_too_long_leaves_the_review_as_it_is(programmer: Programmer) -> None:
    """The review without the reason stays on the screen."""
    review = reviewed(programmer, "10 mg/day")
    with pytest.raises(ProgrammerRefusal, match="override_reason"):
        programmer.justify("x" * 41)
    assert programmer.current_review is review
    assert phase(programmer) is Phase.REVIEWED


Tampering = Callable[[Staged], Staged]

TAMPERED: dict[str, Tampering] = {
    "rate": lambda s: replace(s, prescription=replace(s.prescription, rate=NanolitresPerDay(600_000))),
    "primary drug concentration": lambda s: replace(
        s,
        prescription=replace(
            s.prescription,
            drugs=(replace(s.prescription.drugs[0], concentration=PicogramsPerNanolitre(2_000)),),
        ),
    ),
    "primary drug limit in 24 h": lambda s: replace(
        s,
        prescription=replace(s.prescription, drugs=(replace(s.prescription.drugs[0], limit_24h=Picograms(2**63)),)),
    ),
    "patient boluses in 24 h": lambda s: replace(
        s,
        prescription=replace(s.prescription, patient_bolus=replace(s.prescription.patient_bolus, count_24h=200)),
    ),
    "drug library": lambda s: replace(s, prescription=replace(s.prescription, library=bytes(16))),
    "reason for passing a soft limit": lambda s: replace(
        s, prescription=replace(s.prescription, override_reason="ok")
    ),
    "digest": lambda s: replace(s, digest=bytes(16)),
}


@pytest.mark.verifies("PRG-11")
@pytest.mark.parametrize("field", TAMPERED)
def test_an_echo_that_is_not_what_was_reviewed_is_not_committed(
    pump: FakePump, programmer: Programmer, field: str
) -> None:
    """Whatever the pump understood differently, digest included, is named, and the old prescription stays."""
    review = reviewed(programmer)
    pump.tamper = lambda reply: TAMPERED[field](reply) if isinstance(reply, Staged) else reply
    result = programmer.update(review)
    assert isinstance(result, NotDone)
    assert field in result.words
    assert committed(pump) == []
    assert pump.prescription == morphine_prescription(LIBRARY)
    assert phase(programmer) is Phase.DRAFTING


@pytest.mark.verifies("PRG-13")
def test_the_commit_names_what_was_reviewed_not_what_the_pump_supplies(
    pump: FakePump, programmer: Programmer
) -> None:
    """Even a pump that echoes well and staged something else cannot be made to commit it."""
    review = reviewed(programmer)

    def stage_another(reply: Message) -> Message:
        if isinstance(reply, Staged):
            pump.staged = replace(review.prescription, rate=NanolitresPerDay(600_000))
        return reply

    pump.tamper = stage_another
    result = programmer.update(review)
    assert isinstance(result, NotDone)
    assert result.refusal is not None
    assert result.refusal.reason is Reason.DIGEST_MISMATCH
    assert pump.prescription == morphine_prescription(LIBRARY)


@pytest.mark.parametrize("message", [StagePrescription, Commit])
def test_a_refusal_of_the_pump_comes_back_in_words(
    pump: FakePump, programmer: Programmer, message: type[Message]
) -> None:
    """The pump's refusal, at either step, is not done, and the draft can be changed and tried again."""
    pump.refusals[message] = Reason.DAY_LIMIT
    result = programmer.update(reviewed(programmer))
    assert isinstance(result, NotDone)
    assert result.refusal is not None
    assert result.refusal.reason is Reason.DAY_LIMIT
    assert "24 hours" in result.words
    assert phase(programmer) is Phase.DRAFTING
    pump.refusals.clear()
    assert isinstance(programmer.update(programmer.review()), Done)


@pytest.mark.verifies("PRG-10")
def test_a_pump_with_another_library_is_not_programmed(pump: FakePump, programmer: Programmer) -> None:
    """With another digest no edit and no bolus is possible, but interrogation and stop are."""
    pump.library = bytes(16)
    view = programmer.interrogate()
    assert view.identity.library == bytes(16)
    with pytest.raises(ProgrammerRefusal, match="drug librar"):
        programmer.edit(programmer.draft)
    with pytest.raises(NotAllowedError):
        programmer.fire("edit")
    with pytest.raises(ProgrammerRefusal, match="drug librar"):
        programmer.bolus("0.1 mg", "10 min")
    with pytest.raises(NotAllowedError):
        programmer.fire("dose")
    assert isinstance(programmer.stop(), Done)
    assert pump.executed == [Stop()]


@pytest.mark.verifies("PRG-10")
def test_a_library_that_changes_under_a_review_ends_it(pump: FakePump, programmer: Programmer) -> None:
    """The comparison is made again at every step, not only at the first."""
    reviewed(programmer)
    pump.library = bytes(16)
    programmer.interrogate()
    for event in ("review", "stage"):
        assert not programmer.may(event, reason="")
    assert isinstance(programmer.stop(), Done)


def test_a_draft_made_with_another_library_is_refused(programmer: Programmer) -> None:
    """A draft carries the digest of the library it was written with."""
    other = Library("other", "1", tuple(LIBRARY)[:1])
    with pytest.raises(ProgrammerRefusal, match="drug librar"):
        programmer.edit(replace(programmer.draft, library=other))


def test_verification_finds_what_the_pump_does_not_hold(pump: FakePump, programmer: Programmer) -> None:
    """A prescription that is not the reviewed one, or not confirmed, is named after the update."""
    programmer.update(reviewed(programmer))
    pump.prescription = replace(pump.prescription, rate=NanolitresPerDay(61_000))
    pump.confirmed = False
    verification = programmer.verify()
    assert not verification.agrees
    assert [change.field for change in verification.differences] == ["rate", "confirmed"]
    assert verification.differences[0][1:] == ("60 uL/day", "61 uL/day")
    said = "THE PUMP DOES NOT HOLD WHAT WAS REVIEWED: rate, confirmed."
    assert said in programmer.close().notes
    programmer.connect()
    assert said not in programmer.close().notes


def test_verification_compares_the_digest_too(pump: FakePump, programmer: Programmer) -> None:
    """A pump that shows the right fields under a wrong digest does not agree."""
    programmer.update(reviewed(programmer))
    pump.tamper = lambda reply: replace(reply, digest=bytes(16)) if isinstance(reply, PrescriptionReport) else reply
    assert [change.field for change in programmer.verify().differences] == ["digest"]


def test_after_an_update_nothing_else_is_done_before_it_is_verified(programmer: Programmer) -> None:
    """Editing, dosing and closing wait for the verification; a stop does not."""
    programmer.update(reviewed(programmer))
    for step in (
        lambda: programmer.edit(programmer.blank()),
        lambda: programmer.bolus("0.1 mg", "10 min"),
        programmer.close,
        programmer.start,
    ):
        with pytest.raises(NotAllowedError):
            step()
    assert isinstance(programmer.stop(), Done)


@pytest.mark.verifies("COM-08")
def test_no_answer_to_the_staging_leaves_the_old_prescription(pump: FakePump, programmer: Programmer) -> None:
    """Staging changes nothing, so its lost reply is not done, and the session is over."""
    for fault in (Fault.REQUEST_LOST, Fault.REPLY_LOST, Fault.UNSENT, Fault.NO_SESSION):
        pump.faults = [(StagePrescription, fault)]
        result = programmer.update(reviewed(programmer))
        assert isinstance(result, NotDone)
        assert phase(programmer) is Phase.DISCONNECTED
        assert programmer.current_review is None
        assert pump.prescription == morphine_prescription(LIBRARY)
        programmer.connect()
        programmer.interrogate()


@pytest.mark.parametrize("fault", [Fault.UNSENT, Fault.NO_SESSION])
def test_a_commit_that_never_left_is_not_done(pump: FakePump, programmer: Programmer, fault: Fault) -> None:
    """What certainly was not sent is certainly not done."""
    pump.faults = [(Commit, fault)]
    result = programmer.update(reviewed(programmer))
    assert isinstance(result, NotDone)
    assert phase(programmer) is Phase.DISCONNECTED
    assert programmer.unresolved == ()
    assert committed(pump) == []


def test_a_lost_reply_to_the_commit_is_resolved_and_then_verified(pump: FakePump, programmer: Programmer) -> None:
    """The commit took effect; the pump says so when asked, and the update still waits for its verification."""
    pump.faults = [(Commit, Fault.REPLY_LOST)]
    result = programmer.update(reviewed(programmer))
    assert isinstance(result, Unknown)
    assert phase(programmer) is Phase.UNRESOLVED
    assert isinstance(programmer.resolve(result), Done)
    assert phase(programmer) is Phase.UPDATED
    assert programmer.verify().agrees
    assert len(committed(pump)) == 1


@pytest.mark.verifies("COM-04")
def test_a_lost_commit_is_resolved_as_not_done(pump: FakePump, programmer: Programmer) -> None:
    """The commit never arrived: not done, even when its late copy comes, and the old prescription runs on."""
    pump.faults = [(Commit, Fault.REQUEST_LOST)]
    result = programmer.update(reviewed(programmer))
    assert isinstance(result, Unknown)
    assert isinstance(programmer.resolve(result), NotDone)
    pump.deliver_late()
    assert pump.prescription == morphine_prescription(LIBRARY)
    assert phase(programmer) is Phase.CONNECTED


def test_an_update_that_was_cut_off_before_its_verification_waits_for_it(
    pump: FakePump, programmer: Programmer
) -> None:
    """Losing contact after the commit does not make anybody forget to verify."""
    programmer.update(reviewed(programmer))
    pump.faults = [(Interrogate, Fault.REPLY_LOST)]
    with pytest.raises(NoContactError):
        programmer.verify()
    programmer.connect()
    assert phase(programmer) is Phase.UPDATED
    assert programmer.verify().agrees
    programmer.hang_up()
    programmer.connect()
    assert phase(programmer) is Phase.CONNECTED


def test_the_table_is_complete_and_reachable() -> None:
    """Every phase can be reached, and left again."""
    reached = {MACHINE.initial} | {row.target for row in MACHINE.rows if row.target is not None}
    left = {source for row in MACHINE.rows for source in row.sources if row.target not in (None, source)}
    assert reached == left == set(Phase)
