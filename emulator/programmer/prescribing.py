"""Programming a prescription: interrogate, edit, review, justify, update, verify.

What is sent is what was on the screen when it was confirmed: a review is of one prescription, an edit ends it, and
``update`` takes only the present one.
"""

from __future__ import annotations

from collections.abc import Iterable

from emulator.library import Library
from emulator.machine import EventData
from emulator.programmer.contact import Dial
from emulator.programmer.dialogue import Dialogue
from emulator.programmer.draft import Draft
from emulator.programmer.findings import LimitPassedError
from emulator.programmer.results import Done, NotDone, ProgrammerRefusal, Result, StaleReviewError, Unknown
from emulator.programmer.review import (
    Review,
    Verification,
    echo_differences,
    review,
    schedule_differences,
    verification,
)
from emulator.programmer.view import PumpView, interrogate
from emulator.programmer.words import REASONS
from emulator.programmer.workflow import Phase
from protocol.messages import Commit, ScheduleReport, Staged, StagePrescription, StageSchedule
from protocol.vocabulary import Reason

OLD_GOES_ON = "The pump did not answer; it goes on with the old prescription."
UNDERSTOOD_ELSE = "The pump understood something else ({}); nothing was committed."


class Prescribing(Dialogue):
    """The part of the programmer that changes the prescription."""

    def __init__(self, dial: Dial, library: Library, unresolved: Iterable[Unknown] = ()) -> None:
        super().__init__(dial, library, unresolved)
        self.view: PumpView | None = None
        """The last interrogation of this session."""
        self.current_review: Review | None = None
        self._draft: Draft | None = None
        self._reviews = 0
        self._committing: Review | None = None
        self._unverified: Review | None = None

    def interrogate(self) -> PumpView:
        """Read every section of the pump's state. Ends a review: it was set against the view before."""
        self.fire("interrogate")
        self._reach()
        self.view = interrogate(self._ask)
        self._looked()
        self.fire("interrogated")
        return self.view

    @property
    def draft(self) -> Draft:
        """Return the draft under way, or one that begins with what the pump holds."""
        held = self._seen.prescription.prescription
        return self._draft or Draft.from_prescription(held, self.library, self._seen.in_force)

    def blank(self) -> Draft:
        """Return an empty draft."""
        return Draft(self.library)

    def edit(self, draft: Draft) -> None:
        """Make this the draft under way. Any review is over."""
        self._check_library(draft.library)
        self.fire("edit")
        self._draft = draft

    def discard(self) -> None:
        """Drop the draft; the pump goes on as it is."""
        self.fire("discard")

    def review(self) -> Review:
        """Set the draft against what the pump holds.

        Raises ``DraftError`` or ``QuantityError`` for a draft that is no whole prescription yet.
        """
        self.fire("review", reason="")
        return self._on_screen

    def justify(self, reason: str) -> Review:
        """Give the reason for passing the soft limits that the review shows; return the review with the reason."""
        if not reason.strip() or not reason.isprintable():
            raise ProgrammerRefusal("Say why a soft limit is passed, in letters and signs that can be printed.")
        self.fire("justify", reason=reason.strip())
        return self._on_screen

    def update(self, confirmed: Review) -> Result:
        """Send what was reviewed, compare the pump's echo with it, and commit exactly that.

        Raises ``StaleReviewError`` if the confirmed review is not the one on the screen and ``LimitPassedError`` if
        it has unanswered findings. Until the commit succeeds the pump goes on with the old prescription.
        """
        if confirmed != self.current_review:
            raise StaleReviewError("This review is no longer on the screen; review again.")
        if not confirmed.approved:
            raise LimitPassedError(confirmed.findings)
        self.fire("stage")
        try:
            return self._stage_and_commit(confirmed)
        finally:
            if self.state is Phase.STAGED:
                self.fire("turned_down")

    def verify(self) -> Verification:
        """Interrogate again after an update and compare what the pump holds with what was reviewed."""
        self.fire("verify")
        view, reviewed = self.interrogate(), self._unverified
        self.fire("verified")
        self._unverified = None
        if reviewed is None:
            raise ProgrammerRefusal("There is no update to verify.")
        verified = verification(reviewed, view, self.library)
        if not verified.agrees:
            fields = ", ".join(change.field for change in verified.differences)
            self._to_say.append(f"THE PUMP DOES NOT HOLD WHAT WAS REVIEWED: {fields}.")
        return verified

    # --- conditions and actions named in the table ---

    def same_library(self, _: EventData) -> bool:
        """The pump judges by the same drug library."""
        return self.view is not None and self.view.identity.library == self.library.digest

    def approved(self, _: EventData) -> bool:
        """The review on the screen may be sent."""
        return self.current_review is not None and self.current_review.approved

    def has_unverified(self, _: EventData) -> bool:
        """An update has been committed and not yet been verified."""
        return self._unverified is not None

    def show_review(self, event: EventData) -> None:
        """Put the draft, with a reason or none, beside what the pump holds."""
        shown = review(self._reviews + 1, self.draft, self._seen, self.library, event.kwargs["reason"])
        self._reviews += 1
        self.current_review = shown

    def forget_view(self, _: EventData) -> None:
        """A new session knows nothing of the pump yet."""
        self.view = None

    def forget_review(self, _: EventData) -> None:
        """What was on the screen is out of date."""
        self.current_review = None

    def forget_draft(self, _: EventData) -> None:
        """Nothing half-entered is kept."""
        self.current_review = self._draft = None

    # --- helpers ---

    @property
    def _seen(self) -> PumpView:
        if self.view is None:
            raise ProgrammerRefusal("Interrogate the pump first.")
        return self.view

    @property
    def _on_screen(self) -> Review:
        if self.current_review is None:
            raise ProgrammerRefusal("Review the draft first.")
        return self.current_review

    def _check_library(self, used: Library) -> None:
        if self.view is not None and not used.digest == self.library.digest == self.view.identity.library:
            raise ProgrammerRefusal(REASONS[Reason.LIBRARY_MISMATCH])

    def _stage_and_commit(self, reviewed: Review) -> Result:
        refused = self._stage_schedule(reviewed)
        if refused is not None:
            return refused
        staged = self._command(StagePrescription(reviewed.prescription), Staged)
        if isinstance(staged, Unknown):
            return NotDone(None, OLD_GOES_ON)
        if isinstance(staged, NotDone):
            return staged
        if isinstance(staged.reply, Staged) and (wrong := echo_differences(reviewed, staged.reply, self.library)):
            return NotDone(None, UNDERSTOOD_ELSE.format(wrong[0].field))
        self._committing = reviewed
        result = self._command(Commit(reviewed.digest))
        if isinstance(result, Done):
            self._unverified = reviewed
            self.fire("committed")
        return result

    def _stage_schedule(self, reviewed: Review) -> Result | None:
        """Put the schedule, if there is one, before the pump; return why it is not there as reviewed, or None."""
        if reviewed.schedule is None:
            return None
        staged = self._command(StageSchedule(reviewed.schedule), ScheduleReport)
        if isinstance(staged, Unknown):
            return NotDone(None, OLD_GOES_ON)
        if isinstance(staged, NotDone):
            return staged
        if not isinstance(staged.reply, ScheduleReport):
            return NotDone(None, OLD_GOES_ON)
        wrong = schedule_differences(reviewed, staged.reply, self.library)
        return NotDone(None, UNDERSTOOD_ELSE.format(wrong[0].field)) if wrong else None

    def _learn(self, unknown: Unknown, result: Done | NotDone) -> None:
        command, reviewed = unknown.command, self._committing
        if (
            isinstance(command, Commit)
            and isinstance(result, Done)
            and reviewed
            and reviewed.digest == command.digest
        ):
            self._unverified = reviewed
