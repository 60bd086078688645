"""Failures that the programmer finds with the clinician: no session closes, and no entry is taken, without a word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from emulator.bench_settings import BenchError
from emulator.programmer.results import Done, NoContactError, ProgrammerRefusal
from protocol.messages import NO_BRIDGE, Refused, StagePrescription
from protocol.units import DAY_MS, HOUR_MS, QuantityError
from protocol.vocabulary import Reason
from verify.faults.report import Report, Scene
from verify.faults.stage import DRUG, FILLED_NL, STRENGTH, Stage

MISMATCH = "RESIDUAL MISMATCH"


def residual(fault: str, *, refilled: bool = False, wait_ms: int = 40 * DAY_MS, **settings: object) -> Scene:
    """Return the scene of a fault that the residual volume shows at the next refill."""

    def scene(stage: Stage) -> Report:
        report = Report.begin(stage)
        stage.bench.inject(fault, **settings)
        if refilled:
            stage.fill(FILLED_NL)
        stage.bed.advance(wait_ms)
        said = stage.fill(FILLED_NL)
        found = next((words for words in said if words.startswith(MISMATCH)), None)
        report.demand(found is not None, "the refill did not say that the residual volume is off")
        report.demand(said.count(said[0]) >= 2, "the close did not say it again")
        if found:
            report.notice(stage.now_ms, found.split(". ")[0].lower())
        return report

    return scene


def total_failure(stage: Stage) -> Report:
    """The processor dies; the next telemetry attempt gets no answer, and the programmer says so."""
    report = Report.begin(stage)
    stage.bench.inject("total_failure")
    stage.bed.advance(DAY_MS)
    return _no_contact(stage, report)


def flipped(stage: Stage) -> Report:
    """The pump turns over: telemetry fails and the needle does not find the port; infusion goes on."""
    report = Report.begin(stage)
    before = stage.tip_pg()
    stage.bench.inject("pump_flipped")
    stage.bed.advance(DAY_MS)
    report.demand(stage.tip_pg() > before, "infusion did not go on")
    try:
        stage.bench.residual_nl()
        report.demand(False, "the needle found the port")
    except BenchError:
        pass
    return _no_contact(stage, report)


def _no_contact(stage: Stage, report: Report) -> Report:
    attempt_ms = stage.now_ms
    try:
        stage.sit_down()
        report.demand(False, "the programmer found contact")
    except NoContactError as error:
        report.notice(attempt_ms, f"telemetry: {error}")
    return report


def _refused(stage: Stage, report: Report, what: str, attempt: Callable[[], object]) -> None:
    """Demand that an entry is refused with a sentence, and that nothing about the pump changes."""
    before = stage.rate
    try:
        result = attempt()
        report.demand(not isinstance(result, Done), f"{what} was accepted")
        words = str(getattr(result, "words", result))
    except (QuantityError, ProgrammerRefusal) as refusal:
        words = str(refusal)
    report.demand(stage.rate == before, f"{what} changed the flow")
    report.notice(stage.now_ms, f"refused: {words}")


def bridge_missing(stage: Stage) -> Report:
    """The concentration is changed and neither a bridge nor a reason given."""
    report = Report.begin(stage, at_entry=True)
    clinician = stage.sit_down()

    def without() -> object:
        clinician.edit(clinician.draft.fluid((DRUG, "10 mg/mL")).no_bridge(""))
        return clinician.update(clinician.review())

    _refused(stage, report, "a change of concentration without bridge or reason", without)
    clinician.edit(clinician.draft.fluid((DRUG, "10 mg/mL")))
    review = clinician.review()
    report.demand(review.prescription.bridge.value > 0, "the review shows no bridge")
    bare = replace(review.prescription, bridge=NO_BRIDGE, override_reason="")
    conversation = stage.conversation()
    reply = conversation.request(StagePrescription(bare))
    refused = isinstance(reply, Refused) and reply.reason is Reason.BRIDGE_NEEDED
    report.demand(refused, "the pump itself would have taken it")
    return report


def prime_wrong(stage: Stage) -> Report:
    """The line is primed with the tubing volume of another pump."""
    report = Report.begin(stage, at_entry=True)
    clinician = stage.sit_down()
    too_much_nl = 199_000 + stage.device.profile.catheter.value
    _refused(
        stage,
        report,
        f"a prime of {too_much_nl} nL",
        lambda: clinician.propose_prime(volume=f"{too_much_nl} nL", line_emptied=True),
    )
    return report


def overfill(stage: Stage) -> Report:
    """A refill of more than the reservoir holds is entered."""
    report = Report.begin(stage, at_entry=True)
    clinician = stage.sit_down()
    _refused(stage, report, "a refill of 21 mL", lambda: clinician.refill("2 mL", "21 mL").result)
    return report


SLIPS = ("2", "2 mg", "2,0 mg/day", ".2 mg/day.", "20 mg/mL", "2 mg/h/day", "22 mg/day")
"""Daily doses with a slip: no unit, half a unit, a comma, a point too many, another quantity, ten times as much."""


def entry_error(stage: Stage) -> Report:
    """A dose is mistyped in every way, hours are given for minutes, and an interval without its unit."""
    report = Report.begin(stage, at_entry=True)
    clinician = stage.sit_down()
    draft = clinician.blank().fluid((DRUG, STRENGTH))
    for slip in SLIPS:

        def entered(slip: str = slip) -> object:
            clinician.edit(draft.daily_dose(slip))
            return clinician.update(clinician.review())

        _refused(stage, report, f"“{slip}”", entered)
    dosed = draft.daily_dose("2 mg/day")
    for lockout in ("4", "4 mg"):

        def locked(lockout: str = lockout) -> object:
            return dosed.patient_bolus("0.1 mg", "10 min", lockout, 4)

        _refused(stage, report, f"a lockout of “{lockout}”", locked)
    return report


SCENES: dict[str, Scene] = {
    "OVER-INFUSION": residual("over_infusion", severity=250),
    "UNDER-INFUSION": residual("under_infusion", severity=250),
    "TOTAL-FAILURE": total_failure,
    "PUMP-FLIPPED": flipped,
    "BRIDGE-MISSING": bridge_missing,
    "PRIME-WRONG": prime_wrong,
    "REFILL-POCKET": residual("refill_pocket", refilled=True, wait_ms=6 * HOUR_MS),
    "REFILL-WRONG-VOLUME": residual("refill_wrong_volume", refilled=True, wait_ms=HOUR_MS, severity=500),
    "REFILL-OVERFILL": overfill,
    "ENTRY-ERROR": entry_error,
}
