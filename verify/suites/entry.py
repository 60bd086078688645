"""Entry: what was typed is what is shown, what is shown is what is sent, and what came of it is told truly.

The clinician at random (``clinic``) and every sequence of keys (``keyboard``) show that no way round a limit exists.
Here each field is changed alone and followed from the keyboard to the screen, to the pump and back.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from emulator.programmer import words
from emulator.programmer.closing import concerns, infusing
from emulator.programmer.describe import derive, describe
from emulator.programmer.draft import Draft, parse_amount
from emulator.programmer.fate import decide
from emulator.programmer.results import Done, NoContactError, NotDone, ProgrammerRefusal, Unknown
from emulator.programmer.review import changes, echo_differences, review, verification
from protocol.messages import (
    AlarmEntry,
    AlarmsReport,
    ClinicianBolus,
    Close,
    CommandReport,
    Commit,
    PatientBolusGrant,
    Prescription,
    PrescriptionReport,
    Staged,
    Stop,
)
from protocol.prescription_digest import digest_of
from protocol.units import (
    Milliseconds,
    Nanolitres,
    NanolitresPerDay,
    Picograms,
    PicogramsPerDay,
    PicogramsPerNanolitre,
    QuantityError,
)
from protocol.vocabulary import AlarmCode, AlarmStatus, Mode, Outcome, Priority, Reason, TherapyState
from verify.suites.clinic import PREMISES, any_sequence
from verify.suites.fakes import SERIAL, FakePump, Fault, seen
from verify.suites.keyboard import every_sequence_of_keys
from verify.suites.suite import Effort, Property, Suite, require
from verify.suites.tiny import HARD_1H, HARD_24H, LIBRARY, prescribe

SLOWEST, FASTEST, HELD = 48_000, 24_000_000, 6_000
"""The rates in nL/day of the pump that only talks, and its minimum rate."""
CAPACITY_NL, LINE_NL = 20_000_000, 327_000
NO_TIME = Milliseconds(0)
VIEW = seen(FakePump(LIBRARY))


def _infusing(prescription: Prescription) -> FakePump:
    pump = FakePump(LIBRARY)
    pump.prescription, pump.confirmed, pump.state = prescription, True, TherapyState.SIMPLE_CONTINUOUS
    return pump


def echoes(effort: Effort) -> None:
    """Let the pump echo each field as another, and look whether anything is committed."""
    for label, _, changed in _changed():
        effort.tried += 1
        pump = _infusing(prescribe(bolus=1_000, count=3))
        programmer = pump.programmer(LIBRARY)
        programmer.connect()
        programmer.interrogate()
        programmer.edit(programmer.draft.daily_dose("120 ng/day"))
        shown = programmer.review()
        reply = Staged(shown.digest, changed)
        pump.tamper = lambda said, reply=reply: reply if isinstance(said, Staged) else said  # type: ignore[misc]
        result = programmer.update(shown)
        require(isinstance(result, NotDone), f"{label} comes back as another, and the update is {result}")
        require(
            not any(isinstance(sent, Commit) for sent in pump.executed), f"{label} comes back as another, committed"
        )


def two_unknowns(effort: Effort) -> None:
    """Lose the reply to a bolus, and to the stop that follows it at once; then ask what became of both."""
    effort.tried += 1
    pump = _infusing(prescribe())
    programmer = pump.programmer(LIBRARY)
    programmer.connect()
    programmer.interrogate()
    pump.faults = [(ClinicianBolus, Fault.REPLY_LOST)]
    first = programmer.bolus("1 ng", "1 h")
    pump.faults = [(Stop, Fault.REPLY_LOST)]
    second = programmer.stop()
    require(programmer.unresolved == (first, second), f"of two unknown results {programmer.unresolved} are left")
    programmer.connect()
    for unknown in (first, second):
        require(isinstance(unknown, Unknown), f"a command whose reply was lost is {unknown}")
        if isinstance(unknown, Unknown):
            told = programmer.resolve(unknown)
            require(isinstance(told, Done), f"{unknown.command} was carried out, and asked for it is {told}")


def closing_sessions(effort: Effort) -> None:
    """Close on pumps that infuse and that do not, with and without acknowledging it; and meet another pump."""
    for state, acknowledged in itertools.product(TherapyState, (False, True)):
        effort.tried += 1
        pump = _infusing(prescribe())
        pump.state = state
        programmer = pump.programmer(LIBRARY)
        programmer.connect()
        programmer.interrogate()
        closing = programmer.close(stopped_acknowledged=acknowledged)
        still = state in (TherapyState.UNPROGRAMMED, TherapyState.STOPPED, TherapyState.MINIMUM_RATE)
        done = isinstance(closing.result, Done)
        require(done is (acknowledged or not still), f"on a pump that is {state.name} a close is done: {done}")
        require(bool(closing.notes) is still, f"on a pump that is {state.name} the close says {closing.notes}")
        sent = [message for message in pump.requests if isinstance(message, Close)]
        require(len(sent) == done, f"on a pump that is {state.name} a close is sent {len(sent)} times")
    pump = _infusing(prescribe())
    programmer = pump.programmer(LIBRARY)
    programmer.connect()
    programmer.hang_up()
    pump.serial = "TH-0002"
    try:
        programmer.connect()
    except NoContactError:
        return
    require(False, "a programmer goes on with another pump")


def closings(effort: Effort) -> None:
    """Close on pumps in every state, with every prescription, confirmed or not, and with alarms."""
    moving = set(TherapyState) - {TherapyState.UNPROGRAMMED, TherapyState.STOPPED}
    for state, mode, rate, confirmed, raised in itertools.product(
        TherapyState, (Mode.STOPPED, Mode.MINIMUM_RATE, Mode.SIMPLE_CONTINUOUS), (0, HELD), (False, True), (0, 2)
    ):
        effort.tried += 1
        report = PrescriptionReport(confirmed, bytes(16), replace(prescribe(), mode=mode))
        therapy = replace(VIEW.therapy, state=state, rate=NanolitresPerDay(rate))
        held_down = state is TherapyState.MINIMUM_RATE and mode is Mode.SIMPLE_CONTINUOUS
        expected = state in moving and rate > 0 and not held_down
        require(
            infusing(report, therapy) is expected, f"{state.name} of {mode.name} at {rate}: infusing {not expected}"
        )
        alarms = tuple(
            AlarmEntry(code, Priority.CRITICAL, AlarmStatus.LATCHED, NO_TIME) for code in list(AlarmCode)[:raised]
        )
        said = list(concerns(report, therapy, AlarmsReport(0, NO_TIME, alarms)))
        count = (not expected) + (not confirmed) + raised
        require(len(said) == count, f"{state.name} of {mode.name}, confirmed {confirmed}, {raised} alarms: {said}")


def fates(effort: Effort) -> None:
    """Decide what became of a command from every report that a pump could give."""
    unknown = Unknown(Stop(), "TH-1", b"session1", 5)
    for known, counter, command, outcome, reason, serial in itertools.product(
        (True, False),
        (0, 4, 5, 6),
        (Stop.TYPE, Stop.TYPE + 1),
        Outcome,
        (0, int(Reason.LOCKOUT), 250),
        ("TH-1", "TH-2"),
    ):
        effort.tried += 1
        report = CommandReport(known, counter, command, outcome, reason, NO_TIME)
        found = decide(unknown, report, serial, LIBRARY)
        expected: type[Done | NotDone | Unknown] = Unknown
        if known and serial == "TH-1":
            if outcome is Outcome.NONE or counter < 5:
                expected = NotDone
            elif counter == 5 and command == Stop.TYPE:
                refused = outcome is Outcome.REFUSED
                expected = (
                    Done if not refused else NotDone if reason == Reason.LOCKOUT or reason in set(Reason) else Unknown
                )
        require(type(found) is expected, f"{report} from {serial}: {type(found).__name__}, not {expected.__name__}")
        said_refusal = isinstance(found, NotDone) and found.refusal is not None
        executed = expected is NotDone and outcome is Outcome.REFUSED and counter == 5
        require(said_refusal is executed, f"{report}: a refusal is told that was none, or none that was")
    found = decide(unknown, Staged(bytes(16), prescribe()), "TH-1", LIBRARY)
    require(isinstance(found, Unknown), "any answer decides")


FIELDS: dict[str, tuple[str, Any, str]] = {
    "mode": ("mode", Mode.MINIMUM_RATE, "minimum rate"),
    "rate": ("rate", NanolitresPerDay(123_456), "123.456 uL/day"),
    "low_reservoir": ("low-reservoir alarm at", Nanolitres(1_234_000), "1.234 mL"),
    "library": ("drug library", bytes(range(16)), bytes(range(16)).hex()),
    "override_reason": ("reason for passing a soft limit", "because", "“because”"),
}
DRUG_FIELDS: dict[str, tuple[str, Any, str]] = {
    "concentration": ("primary drug concentration", PicogramsPerNanolitre(3), "3 ug/mL"),
    "limit_1h": ("primary drug limit in 1 h", Picograms(29_000), "29 ng"),
    "limit_24h": ("primary drug limit in 24 h", Picograms(470_000), "470 ng"),
    "code": ("primary drug", 9, "drug 9"),
}
BOLUS_FIELDS: dict[str, tuple[str, Any, str]] = {
    "volume": ("patient bolus volume", Nanolitres(1_500), "1.5 uL"),
    "duration": ("patient bolus duration", Milliseconds(600_000), "10 min"),
    "lockout": ("patient bolus lockout", Milliseconds(1_800_000), "30 min"),
    "count_24h": ("patient boluses in 24 h", 7, "7"),
}


def _changed() -> Iterator[tuple[str, str, Prescription]]:
    """Yield each field's label, what is to be shown, and the prescription in which it alone is another."""
    base = prescribe(bolus=1_000, count=3)
    for name, (label, value, text) in FIELDS.items():
        yield label, text, replace(base, **{name: value})
    for name, (label, value, text) in DRUG_FIELDS.items():
        yield label, text, replace(base, drugs=(replace(base.drugs[0], **{name: value}),))
    for name, (label, value, text) in BOLUS_FIELDS.items():
        yield label, text, replace(base, patient_bolus=replace(base.patient_bolus, **{name: value}))


def reviews(effort: Effort) -> None:
    """Change each field of a prescription alone, and look at the lines, at the echo and at the verification."""
    base = prescribe(bolus=1_000, count=3)
    report = PrescriptionReport(True, bytes(16), base)
    view = replace(VIEW, prescription=report)
    shown = review(1, Draft.from_prescription(base, LIBRARY), view, LIBRARY, "")
    require(not shown.changes, f"nothing was changed, and the review shows {shown.changes}")
    require(shown.prescription == base, "the review is of another prescription")
    for label, text, changed in _changed():
        effort.tried += 1
        found = changes(describe(base, LIBRARY), describe(changed, LIBRARY))
        require([(line.field, line.new) for line in found] == [(label, text)], f"{label} becomes {text}: {found}")
        back = changes(describe(changed, LIBRARY), describe(base, LIBRARY))
        require([line.old for line in back] == [text], f"{label} was {text}: {back}")
        read = replace(shown, changes=found).text()
        require(f"{label}: {found[0].old} -> {text}" in read, f"{label} is not in the text")
        require(
            echo_differences(shown, Staged(shown.digest, changed), LIBRARY), f"{label} is echoed otherwise, unseen"
        )
        held = replace(view, prescription=PrescriptionReport(True, shown.digest, changed))
        require(not verification(shown, held, LIBRARY).agrees, f"{label} differs in the pump, unseen")
        require(digest_of(changed, SERIAL) != shown.digest, f"{label} is not in the digest")
    require(not echo_differences(shown, Staged(shown.digest, base), LIBRARY), "the right echo is refused")
    require(echo_differences(shown, Staged(bytes(16), base), LIBRARY), "an echo with another digest is taken")
    good = replace(view, prescription=PrescriptionReport(True, shown.digest, base))
    require(verification(shown, good, LIBRARY).agrees, "what was reviewed does not agree")
    unsure = replace(view, prescription=PrescriptionReport(False, shown.digest, base))
    require(not verification(shown, unsure, LIBRARY).agrees, "an unconfirmed prescription agrees")
    other = review(2, Draft.from_prescription(base, LIBRARY).daily_dose("120 ng/day"), view, LIBRARY, "")
    require(other.prescription == replace(base, rate=NanolitresPerDay(120_000)), "the review is of another dose")
    require(other.digest == digest_of(other.prescription, SERIAL), "the review is named by another digest")
    require([line.field for line in other.changes] == ["rate"], f"a change of dose is shown as {other.changes}")


def derived(effort: Effort) -> None:
    """Work out again what follows from prescriptions, and compare with what the review shows."""
    for rate, strength, bolus, count, mode in itertools.product(
        (48_000, 100_000), (1, 2, 20), (0, 1_000), (1, 3), (Mode.SIMPLE_CONTINUOUS, Mode.MINIMUM_RATE)
    ):
        effort.tried += 1
        wanted = prescribe(rate=rate, strength=strength, bolus=bolus, count=count, mode=mode)
        shown = derive(wanted, LIBRARY, VIEW.identity)
        flow = rate if mode is Mode.SIMPLE_CONTINUOUS else HELD
        day = flow + (count * bolus if bolus else 0)
        expected = {
            "basal flow": str(NanolitresPerDay(flow)),
            "flow with every patient bolus": str(NanolitresPerDay(day)),
            "drug basal dose": str(PicogramsPerDay(flow * strength)),
            "drug most in a day with every patient bolus": str(PicogramsPerDay(day * strength)),
        }
        if bolus:
            expected["drug in one patient bolus"] = str(Picograms(bolus * strength))
            expected["patient bolus flow"] = str(NanolitresPerDay(bolus * 24))
        require({name: shown.get(name) for name in expected} == expected, f"{wanted} is shown as {shown}")


def drafts(effort: Effort) -> None:
    """Write prescriptions in the clinician's words, change their fluid, and leave things out."""
    blank = Draft(LIBRARY)
    one = blank.fluid(("drug", "2 ug/mL")).daily_dose("200 ng/day").patient_bolus("1 ng", "10 min", "1 h", 3)
    for strength, flow, volume in ((1, 200_000, 1_000), (2, 100_000, 500), (4, 50_000, 250)):
        effort.tried += 1
        made = one.fluid(("drug", f"{strength} ug/mL")).prescription()
        require(
            (made.rate.value, made.drugs[0].concentration.value) == (flow, strength), f"{made.rate} at {strength}"
        )
        grant = made.patient_bolus
        expected = PatientBolusGrant(Nanolitres(volume), Milliseconds(600_000), Milliseconds(3_600_000), 3)
        require(grant == expected, f"the patient's bolus is {grant} at {strength}")
        require((made.drugs[0].limit_1h.value, made.drugs[0].limit_24h.value) == (HARD_1H, HARD_24H), "other limits")
        again = Draft.from_prescription(made, LIBRARY).prescription()
        require(again == made, f"taken up again, {made} is {again}")
    typed = blank.fluid(("drug", "2 ug/mL")).rate("0.1 mL/day")
    require(typed.prescription().rate.value == 100_000, "a typed flow is another one")
    limited = one.limits("drug", hour="20 ng", day="300 ng").fluid(("drug", "1 ug/mL"))
    kept = limited.prescription().drugs[0]
    require((kept.limit_1h.value, kept.limit_24h.value) == (20_000, 300_000), "limits are lost with the fluid")
    for left_out in (
        blank.prescription,
        lambda: blank.fluid(("drug", "2 ug/mL")).prescription(),
        lambda: blank.daily_dose("1 ng/day").prescription(),
        lambda: typed.fluid(("drug", "4 ug/mL")).prescription(),
        lambda: blank.fluid(("drug", "0 ug/mL")),
        lambda: blank.fluid(("drog", "1 ug/mL")),
        lambda: blank.fluid(("drug", "1 ug/mL"), ("drug", "2 ug/mL")),
        blank.fluid,
        lambda: one.daily_dose("1 ng/day", of="other"),
        lambda: one.patient_bolus("1 ng", "10 min", "1 h", 0),
        lambda: one.patient_bolus("1 ng", "10 min", "1 h", 256),
        lambda: one.patient_bolus("0 ng", "10 min", "1 h", 1),
        lambda: one.daily_dose("200.001 ng/day").prescription(),
        lambda: one.limits("other", hour="1 ng"),
    ):
        effort.tried += 1
        try:
            left_out()
        except (ProgrammerRefusal, QuantityError):
            continue
        require(False, "what lacks something, or makes no sense, is a prescription")
    require(one.stopped().prescription().patient_bolus.volume == Nanolitres(0), "a stop grants boluses")
    require(one.minimum_rate().prescription().rate.value == 0, "the minimum rate has another")
    require(
        parse_amount("1 mL") == Nanolitres(10**6) and parse_amount("1 mg") == Picograms(10**9), "units are mixed up"
    )


def every_word(effort: Effort) -> None:
    """Look for a sentence for everything that the pump can say, and for two that are the same."""
    for kind, table in (
        (Reason, words.REASONS),
        (AlarmCode, words.ALARMS),
        (TherapyState, words.STATES),
        (Mode, words.MODES),
    ):
        effort.tried += 1
        require(set(table) == set(kind), f"of {kind.__name__} there are words for {len(table)} of {len(kind)}")
        require(len(set(table.values())) == len(table), f"two of {kind.__name__} have the same words")
    for span, text in (
        (0, "0 s"),
        (1, "1 s"),
        (59_999, "1 min"),
        (3_600_000, "1 h"),
        (86_400_000, "1 day"),
        (28_200_000, "7 h 50 min"),
    ):
        require(words.clock(span) == text, f"{span} ms is shown as {words.clock(span)}, not {text}")
    for priority, status in itertools.product(Priority, AlarmStatus):
        said = words.alarm_words(AlarmEntry(AlarmCode.RESET, priority, status, NO_TIME))
        require(("CRITICAL" in said) is (priority is Priority.CRITICAL), f"a {priority.name} alarm reads: {said}")
        require(("gone" in said) is (status is AlarmStatus.LATCHED), f"an alarm that is {status.name} reads: {said}")


SUITE = Suite(
    "entry",
    "the programmer's screens",
    (
        Property("entry.echo", "Nothing is committed that comes back as another.", echoes, verifies=("PRG-11",)),
        Property(
            "entry.unknowns",
            "No unknown result is forgotten for another.",
            two_unknowns,
            verifies=("COM-04", "COM-07"),
        ),
        Property(
            "entry.closing sessions",
            "No session closes on a still pump unsaid.",
            closing_sessions,
            verifies=("PRG-18",),
        ),
        Property("entry.closings", "No session closes without saying what is wrong.", closings, verifies=("PRG-18",)),
        Property("entry.fates", "What became of a command is never guessed.", fates, verifies=("COM-04", "COM-06")),
        Property(
            "entry.reviews",
            "Each changed field is shown, old and new, and compared when it comes back.",
            reviews,
            verifies=("PRG-11", "PRG-12"),
        ),
        Property("entry.derived", "What follows from a prescription is shown as it is.", derived),
        Property(
            "entry.drafts", "A prescription is what was typed, and whole.", drafts, verifies=("PRG-07", "PRG-09")
        ),
        Property(
            "entry.words", "There is a sentence for everything, and no two alike.", every_word, verifies=("PRG-06",)
        ),
        Property(
            "entry.keys",
            "No sequence of keys disarms a limit.",
            every_sequence_of_keys,
            1,
            ("committed",),
            verifies=("DOSE-06", "PRG-13", "PRG-14"),
        ),
        Property(
            "entry.clinic",
            "Nor does any clinician on any wire; and every result is true.",
            any_sequence,
            400,
            PREMISES,
            verifies=("COM-04", "COM-05", "COM-06", "DOSE-05", "DOSE-06", "PRG-13", "PRG-14"),
        ),
    ),
)
