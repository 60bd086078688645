"""What every alarm must do once its failure is there: come in time, be heard, lower the flow, be listed and logged,
stay while the cause stays, outlive a power loss, and be cleared only then.
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.programmer.results import Done
from protocol.units import MINUTE_MS, Milliseconds
from protocol.vocabulary import AlarmCode, LogKind
from verify.deadlines import Deadline, load_deadlines
from verify.faults.report import Report
from verify.faults.stage import Stage

PATIENCE = 2
"""A late alarm is waited for until twice its deadline, so that the report can say how late it was."""


def alarm_comes(stage: Stage, report: Report, alarm: str, *, within_ms: int | None = None) -> bool:
    """Wait for an alarm that is due; check time, priority, sound, flow, listing and log. Return whether it came."""
    row = load_deadlines().alarms[alarm]
    deadline_ms = row.within_ms if within_ms is None else within_ms
    report.deadline_ms = deadline_ms
    rate_before = stage.rate
    event = stage.first("alarm.raised", report.began_ms, alarm=alarm) or stage.wait_for(
        "alarm.raised", PATIENCE * deadline_ms + MINUTE_MS, alarm=alarm
    )
    if event is None:
        report.demand(False, f"{alarm} was not raised within {Milliseconds(PATIENCE * deadline_ms)}")
        return False
    report.notice(event["at"], f"alarm {alarm}")
    late_ms = event["at"] - report.began_ms - deadline_ms
    report.demand(late_ms <= 0, f"{alarm} came {Milliseconds(max(0, late_ms))} after its deadline")
    said = event["data"]["priority"].replace("-", "_")
    report.demand(said == row.priority, f"{alarm} was raised as {said}")
    _check_flow(stage, report, row, rate_before)
    _check_record(stage, report, row, event["at"])
    return True


def clears_only_without_cause(
    stage: Stage, report: Report, alarm: str, end: Callable[[Stage], object], *, wait_ms: int
) -> None:
    """Check that the alarm cannot be acknowledged while its cause is there, outlives a power loss, and then can."""
    code = AlarmCode[alarm.upper()]
    clinician = stage.sit_down()
    report.demand(not isinstance(clinician.acknowledge(code), Done), f"{alarm} was cleared with its cause there")
    stage.stand_up()
    stage.bench.cut_power()
    stage.bed.advance(MINUTE_MS)
    stage.bench.restore_power()
    stage.bed.advance(MINUTE_MS)
    report.demand(_is_raised(stage, code), f"{alarm} was lost with the power")
    end(stage)
    stage.bed.advance(wait_ms)
    clinician = stage.sit_down()
    report.demand(isinstance(clinician.acknowledge(code), Done), f"{alarm} could not be cleared without its cause")
    stage.stand_up()


def _is_raised(stage: Stage, code: AlarmCode) -> bool:
    return stage.pump is not None and any(alarm.code is code for alarm in stage.pump.panel.raised)


def _check_flow(stage: Stage, report: Report, row: Deadline, before: int) -> None:
    pump = stage.pump
    if pump is None:
        return
    minimum = pump.profile.minimum_rate.value
    allowed = {"keep": before, "minimum": min(before, minimum), "stop": 0}[row.flow]
    report.demand(stage.rate <= allowed, f"{row.name} left {stage.rate} nL/day, {allowed} nL/day is the most")


def _check_record(stage: Stage, report: Report, row: Deadline, raised_ms: int) -> None:
    code = AlarmCode[row.name.upper()]
    pump = stage.pump
    if pump is None:
        return
    heard = stage.first("alarm.sound", raised_ms)
    first_ms = load_deadlines().sound.first_ms
    in_time = heard is not None and heard["at"] <= raised_ms + first_ms
    report.demand(in_time, f"nothing sounded within {Milliseconds(first_ms)} of {row.name}")
    logged = [(entry.kind, entry.subject) for entry in pump.chip.log_entries()]
    report.demand((LogKind.ALARM_RAISED, code) in logged, f"{row.name} is not in the log")
    view = stage.sit_down().interrogate()
    report.demand(code in {alarm.code for alarm in view.alarms.alarms}, f"{row.name} is not listed at interrogation")
    stage.stand_up()
