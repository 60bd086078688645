"""What the pump and the programmer reckon: the reckoning is compared with one made here from what truly moved."""

from __future__ import annotations

from protocol.units import DAY_MS, MINUTE_MS
from verify.faults.alarmed import alarm_comes
from verify.faults.report import Report, Scene
from verify.faults.stage import FILLED_NL, Stage

LOW_NL = 2_000_000


def _run_down(stage: Stage, to_nl: int) -> Report:
    """Let the pump infuse until the reservoir truly holds so little; the scene begins with that stroke."""
    stage.fill(LOW_NL + 100_000)
    body = stage.device.body
    while body.reservoir_nl > to_nl:
        stage.bed.advance(MINUTE_MS)
    return Report.begin(stage, stage.now_ms - MINUTE_MS)


def reservoir_low(stage: Stage) -> Report:
    """The reservoir runs down to the threshold."""
    report = _run_down(stage, LOW_NL)
    alarm_comes(stage, report, "reservoir_low")
    return report


def reservoir_empty(stage: Stage) -> Report:
    """The reservoir runs down to less than a stroke."""
    report = _run_down(stage, stage.device.profile.stroke.value - 1)
    report.note = "deadline: 1 min, and 1 min more because the scene looks once a minute whether it is empty"
    alarm_comes(stage, report, "reservoir_empty", within_ms=2 * MINUTE_MS)
    return report


def refill_due(stage: Stage) -> Report:
    """The refill date is the earlier of volume, every bolus used, and stability; a refill moves it."""
    stage.fill(FILLED_NL)
    report = Report.begin(stage, at_entry=True)
    clinician = stage.sit_down()
    due = clinician.dates()
    pump = stage.pump
    if pump is None or due.refill.at is None:
        report.demand(False, "no refill date is told")
        return report
    a_day_nl = 100_000 + 4 * 5_000
    volume_ms = (FILLED_NL - LOW_NL) * DAY_MS // a_day_nl
    stability_ms = 90 * DAY_MS
    expected_ms = report.began_ms + min(volume_ms, stability_ms)
    told_ms = due.refill.at.value + stage.now_ms - pump.now
    off_ms = abs(told_ms - expected_ms)
    report.demand(off_ms <= DAY_MS, f"the refill date is off by {off_ms // DAY_MS} days")
    report.demand(told_ms <= expected_ms + MINUTE_MS, "the refill date is later than volume and stability allow")
    report.notice(stage.now_ms, f"due by {due.refill.words}")
    stage.stand_up()
    return report


SCENES: dict[str, Scene] = {
    "RESERVOIR-LOW": reservoir_low,
    "RESERVOIR-EMPTY": reservoir_empty,
    "REFILL-DUE": refill_due,
}
