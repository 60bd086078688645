"""The demo's story: three days with an implanted pump, from programming to a power cut in the middle of an update.

Every line that the story prints comes from what the pump answered over the wire, or from the bench where it says
so. Nothing here knows how the pump works inside.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.bench import Bench
from emulator.programmer.draft import Draft
from emulator.programmer.programmer import Programmer
from emulator.programmer.results import Done, NotDone, ProgrammerRefusal, Result, Unknown
from emulator.programmer.view import PumpView
from emulator.programmer.words import STATES, alarm_words
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, QuantityError
from protocol.vocabulary import AlarmCode
from thecal.demo_wire import DemoWire

DRUG, CONCENTRATION = "morphine", "20 mg/mL"
DAILY_DOSE, RAISED_DOSE, DAY_LIMIT = "2 mg/day", "2.2 mg/day", "2.7 mg"
BOLUS_DOSE, BOLUS_DURATION, LOCKOUT, BOLUSES = "0.1 mg", "10 min", "4 h", 4
CLINICIAN_BOLUS, CLINICIAN_DURATION = "0.4 mg", "30 min"

Say = Callable[[int, str, str], None]
"""Told when (bench ms), who, and what."""


class Visit:
    """Plays the story through two programmers, the clinician's and the patient's, and a bench."""

    def __init__(self, clinician: Programmer, patient: Programmer, bench: Bench, wire: DemoWire, say: Say) -> None:
        self._clinician = clinician
        self._patient = patient
        self._bench = bench
        self._wire = wire
        self._say_at = say
        self.unexpected: list[str] = []
        """What did not go as the story goes: the demo fails if there is anything."""

    def play(self) -> None:
        """Play every scene, in order."""
        self._program()
        self._patient_boluses()
        self._stall()
        self._wait(DAY_MS)
        self._lost_acknowledgement()
        self._power_cut_in_an_update()
        self._wait(DAY_MS)

    # --- scenes ---

    def _program(self) -> None:
        view = self._sit_down()
        self._say("pump", f"{view.identity.model}, serial {view.identity.serial}: {STATES[view.therapy.state]}")
        draft = self._clinician.blank().fluid((DRUG, CONCENTRATION))
        for slip in ("2", "2,0 mg/day", "2 mg"):
            self._mistype(draft, slip)
        self._review(draft.daily_dose("22 mg/day"))
        wanted = draft.daily_dose(DAILY_DOSE).patient_bolus(BOLUS_DOSE, BOLUS_DURATION, LOCKOUT, BOLUSES)
        self._review(wanted.limits(DRUG, day=DAY_LIMIT), shown=True)
        self._update(Done, "update: stage, compare the pump's echo, commit")
        self._verify()
        self._stand_up()

    def _patient_boluses(self) -> None:
        self._press(NotDone, "presses the button at once")
        for words in ("presses when the lockout is over", "presses again four hours later"):
            self._wait(4 * HOUR_MS + 15 * MINUTE_MS)
            self._press(Done, words)
            self._wait(HOUR_MS)
            self._press(NotDone, "and again after an hour")
        self._wait(3 * HOUR_MS)
        self._sit_down()
        self._expect(Done, self._clinician.bolus(CLINICIAN_BOLUS, CLINICIAN_DURATION), f"bolus of {CLINICIAN_BOLUS}")
        self._stand_up()
        self._wait(5 * HOUR_MS)
        self._press(NotDone, "presses, lockout over and boluses left, but with the clinician's bolus")

    def _stall(self) -> None:
        self._bench.inject("motor_stall")
        self._say("bench", "the motor stalls")
        self._wait(20 * MINUTE_MS)
        raised = self._list_alarms(self._sit_down())
        self._check(AlarmCode.MOTOR_STALL in raised, "no alarm within 20 min of the stall")
        self._expect(Done, self._clinician.silence(), "silence for ten minutes")
        self._expect(NotDone, self._clinician.acknowledge(AlarmCode.MOTOR_STALL), "acknowledge the stall")
        self._stand_up()
        self._bench.clear("motor_stall")
        self._say("bench", "the motor turns again")
        self._wait(20 * MINUTE_MS)
        self._sit_down()
        self._expect(Done, self._clinician.acknowledge(AlarmCode.MOTOR_STALL), "acknowledge the stall")
        self._stand_up()

    def _lost_acknowledgement(self) -> None:
        self._sit_down()
        self._review(self._clinician.draft.daily_dose(RAISED_DOSE), shown=True)
        self._wire.answers_until_lost = 1
        result = self._update(Unknown, "update; the pump's answer to the commit is lost")
        self._wire.answers_until_lost = None
        self._resolve(Done, result)
        self._clinician.interrogate()
        self._verify()
        self._stand_up()

    def _power_cut_in_an_update(self) -> None:
        self._sit_down()
        self._review(self._clinician.draft.daily_dose(DAILY_DOSE), shown=True)
        self._bench.cut_power_at_write(1)
        result = self._update(Unknown, "update; power fails while the pump is writing it")
        self._wait(MINUTE_MS)
        self._bench.restore_power()
        self._say("bench", "power is back")
        self._resolve(NotDone, result)
        view = self._clinician.interrogate()
        self._check(AlarmCode.RESET in self._list_alarms(view), "no alarm after the reset")
        self._say("pump", f"{STATES[view.therapy.state]}: the old prescription awaits confirmation")
        self._review(self._clinician.draft)
        self._update(Done, "confirm the old prescription")
        self._verify()
        self._expect(Done, self._clinician.acknowledge(AlarmCode.RESET), "acknowledge the reset")
        self._expect(Done, self._clinician.start(), "start")
        therapy = self._clinician.interrogate().therapy
        self._say("pump", f"{STATES[therapy.state]}, {therapy.rate}")
        self._stand_up()

    # --- what the clinician and the patient do ---

    def _sit_down(self) -> PumpView:
        self._clinician.connect()
        return self._clinician.interrogate()

    def _stand_up(self) -> None:
        closing = self._clinician.close()
        self._check(isinstance(closing.result, Done), "the session could not be closed")

    def _mistype(self, draft: Draft, slip: str) -> None:
        try:
            draft.daily_dose(slip)
        except (QuantityError, ProgrammerRefusal) as refusal:
            self._say("programmer", f"entry refused: {refusal}")
        else:
            self._check(False, f"“{slip}” was taken for a daily dose")

    def _review(self, draft: Draft, *, shown: bool = False) -> None:
        self._clinician.edit(draft)
        reviewed = self._clinician.review()
        for change in reviewed.changes if shown else ():
            self._say("review", f"{change.field}: {change.old} -> {change.new}")
        for finding in reviewed.findings:
            self._say("review", str(finding))

    def _update(self, expected: type[Result], words: str) -> Result:
        reviewed = self._clinician.current_review
        if reviewed is None:
            raise LookupError("nothing has been reviewed")
        return self._expect(expected, self._clinician.update(reviewed), words)

    def _verify(self) -> None:
        verification = self._clinician.verify()
        self._check(verification.agrees, "the pump does not hold what was reviewed")
        self._say("programmer", f"verified: {STATES[verification.view.therapy.state]}")

    def _resolve(self, expected: type[Result], result: Result) -> None:
        self._clinician.connect()
        if isinstance(result, Unknown):
            self._expect(expected, self._clinician.resolve(result), "reconnect and ask what was last executed")

    def _press(self, expected: type[Result], words: str) -> None:
        self._patient.connect()
        self._expect(expected, self._patient.patient_bolus(), words, who="patient")
        self._patient.close()

    def _list_alarms(self, view: PumpView) -> set[AlarmCode]:
        for alarm in view.alarms.alarms:
            self._say("pump", alarm_words(alarm))
        return {alarm.code for alarm in view.alarms.alarms}

    # --- telling ---

    def _wait(self, for_ms: int) -> None:
        self._bench.advance(for_ms)

    def _say(self, who: str, words: str) -> None:
        self._say_at(self._bench.now_ms, who, words)

    def _expect(self, expected: type[Result], result: Result, words: str, who: str = "clinician") -> Result:
        self._say(who, f"{words}: {_outcome(result)}")
        self._check(isinstance(result, expected), f"{words}: not {expected.__name__}")
        return result

    def _check(self, good: bool, otherwise: str) -> None:
        if not good:
            self._say("DEMO", f"unexpected: {otherwise}")
            self.unexpected.append(otherwise)


def _outcome(result: Result) -> str:
    match result:
        case Done():
            return "done"
        case NotDone(_, words):
            return f"NOT DONE. {words}"
        case Unknown():
            return "UNKNOWN"
