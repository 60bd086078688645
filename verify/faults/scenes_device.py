"""Failures that the pump's own electronics can know: each is caused, and its alarm is waited for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from emulator.programmer.results import Done, NoContactError, NotDone
from protocol.channel_events import CloseCause
from protocol.conversation import Conversation, NoAnswer, PeerRejected
from protocol.errors import ProtocolError
from protocol.keys import KEY_OCTETS
from protocol.messages import Prove, encode
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from protocol.vocabulary import AlarmCode, Role
from verify.deadlines import load_deadlines
from verify.faults.alarmed import alarm_comes, clears_only_without_cause
from verify.faults.report import Report, Scene
from verify.faults.stage import LOCKOUT_OVER_MS, Stage
from verify.hostile import STORM, HostileCarrier


def _clearing(fault: str, alarm: str) -> Callable[[Stage], object]:
    def end(stage: Stage) -> None:
        if fault in stage.bench.faults:
            stage.bench.clear(fault)
        _put_right(stage, alarm)

    return end


def _put_right(stage: Stage, alarm: str) -> None:
    """Confirm the prescription, acknowledge every alarm but one, and start, as a clinician does after a reset."""
    clinician = stage.sit_down()
    clinician.edit(clinician.draft)
    clinician.update(clinician.review())
    clinician.verify()
    for raised in clinician.interrogate().alarms.alarms:
        if raised.code is not AlarmCode[alarm.upper()]:
            clinician.acknowledge(raised.code)
    clinician.start()
    stage.stand_up()


def _righted(alarm: str) -> Callable[[Stage], object]:
    return lambda stage: _put_right(stage, alarm)


def stall(stage: Stage) -> Report:
    """The motor stalls; what does not move is not counted; recovery is logged as it happens."""
    report = Report.begin(stage)
    moved = stage.device.body.strokes
    stage.bench.inject("motor_stall")
    if alarm_comes(stage, report, "motor_stall"):
        pump = stage.pump
        report.demand(pump is not None and pump.strokes == moved, "strokes were counted that did not move")
        clears_only_without_cause(
            stage, report, "motor_stall", _clearing("motor_stall", "motor_stall"), wait_ms=HOUR_MS
        )
    return report


def guard_trip(stage: Stage) -> Report:
    """A ledger that cannot be read counts as full: the next stroke that is asked for is refused."""
    stage.bench.inject("memory", place="ledgers", bit=3)
    refused = stage.wait_for("guard.refused", 3 * DAY_MS)
    report = Report.begin(stage, refused["at"] if refused else None)
    report.demand(refused is not None, "the guard refused nothing although its ledger is lost")
    if refused:
        alarm_comes(stage, report, "dose_limit")
    return report


def valve_open(stage: Stage) -> Report:
    """A field opens both valves; the flow-activated valve shuts, and somebody opens it again by hand afterwards."""
    report = Report.begin(stage)
    stage.bench.inject("valve_open")
    if alarm_comes(stage, report, "free_flow"):
        escaped_nl = 10_000
        moved_pg = stage.tip_pg() - report.before["tip_pg"]
        report.demand(moved_pg <= escaped_nl * 20_000, "more escaped than the flow-activated valve lets through")

        def end(stage: Stage) -> None:
            stage.bench.clear("valve_open")
            stage.bench.reset_valve()
            _put_right(stage, "free_flow")

        clears_only_without_cause(stage, report, "free_flow", end, wait_ms=HOUR_MS)
    return report


def runaway(stage: Stage) -> Report:
    """The drive begins to move by itself; what counts is the first stroke that nobody granted."""
    stage.bench.inject("drive_runaway")
    moved = stage.device.body.strokes
    while stage.device.body.strokes == moved:
        stage.bench.jump()
    report = Report.begin(stage)
    if alarm_comes(stage, report, "unrequested_delivery"):
        end = _clearing("drive_runaway", "unrequested_delivery")
        clears_only_without_cause(stage, report, "unrequested_delivery", end, wait_ms=DAY_MS)
    return report


def battery(fault: str, alarms: tuple[str, ...], **settings: int) -> Scene:
    """Return the scene of a battery that nears or reaches its end; the alarms come in this order."""

    def scene(stage: Stage) -> Report:
        stage.bench.inject(fault, **settings)
        report = Report.begin(stage, stage.now_ms + _until_indicator_ms(stage, settings.get("within", 0)))
        if "within" in settings:
            report.note = "counted from when the leak alone would reach the indicator; the therapy gets there sooner"
        report.deadline_ms = load_deadlines().alarms[alarms[0]].within_ms
        for alarm in alarms:
            event = stage.first("alarm.raised", report.began_ms, alarm=alarm) or stage.wait_for(
                "alarm.raised", 40 * DAY_MS, alarm=alarm
            )
            report.demand(event is not None, f"{alarm} was not raised")
            if event is None:
                return report
            report.notice(event["at"], f"alarm {', then '.join(alarms)}")
        moved = stage.device.body.strokes
        if alarms[-1] == "eos":
            report.demand(
                stage.rate == 0 and stage.pump is not None, "the pump did not stop while it could still speak"
            )
            stage.bed.advance(HOUR_MS)
            report.demand(stage.device.body.strokes == moved, "drug moved after the end of service")
        else:
            report.demand(stage.sit_down().interrogate().battery.eri, "the indicator is not shown at interrogation")
            report.demand(stage.sit_down().interrogate().battery.eri, "it is not shown at the second interrogation")
            stage.stand_up()
        return report

    return scene


def _until_indicator_ms(stage: Stage, empty_in_ms: int) -> int:
    """Return after how long a charge that leaks away evenly is a thousandth above the replacement indicator."""
    left, indicator = stage.device.body.battery.left_permille(), stage.device.profile.battery_eri
    return empty_in_ms * max(0, left - indicator - 1) // left


def replacement_date(stage: Stage) -> Report:
    """The replacement date is told, lies within design life, and use only ever moves it nearer."""
    report = Report.begin(stage, at_entry=True)
    now_ms = stage.now_ms
    told = []
    for _ in range(3):
        view = stage.sit_down().interrogate()
        told.append(stage.now_ms + view.battery.replace_in.value)
        stage.stand_up()
        stage.bed.advance(10 * DAY_MS)
    stage.bench.inject("battery_eri")
    stage.bed.advance(DAY_MS)
    view = stage.sit_down().interrogate()
    told.append(stage.now_ms + view.battery.replace_in.value)
    report.demand(told == sorted(told, reverse=True), "the replacement date moved later")
    report.demand(view.battery.replace_in.value <= 90 * DAY_MS, "at the indicator more than 90 days are told")
    report.demand(told[0] > stage.now_ms + 365 * DAY_MS, "a new pump is to be replaced within the year")
    report.notice(
        now_ms,
        f"due in {(told[0] - report.began_ms) // DAY_MS} days, at the indicator in "
        f"{view.battery.replace_in.value // DAY_MS}",
    )
    return report


def low_battery_reset(stage: Stage) -> Report:
    """The voltage breaks down for a moment: minimum rate, unconfirmed, ledgers and lockout kept."""
    pump = stage.pump
    lockout = pump.record.lockout_until if pump else 0
    totals = [entry.tip.day.total for entry in pump.ledgers] if pump else []
    report = Report.begin(stage)
    stage.bench.inject("low_battery_reset")
    stage.bench.restore_power()
    if alarm_comes(stage, report, "reset"):
        pump = stage.pump
        report.demand(pump is not None and not pump.record.confirmed, "the prescription is still confirmed")
        report.demand(pump is not None and pump.record.lockout_until >= lockout, "the lockout was given back")
        kept = [entry.tip.day.total for entry in pump.ledgers] if pump else []
        report.demand(all(now >= 0.9 * then for now, then in zip(kept, totals, strict=True)), "the ledger forgot")
        clears_only_without_cause(stage, report, "reset", _righted("reset"), wait_ms=MINUTE_MS)
    return report


def memory_corrupt(stage: Stage) -> Report:
    """A bit of the prescription turns over: the pump refuses, says so, can be read and can be stopped."""
    report = Report.begin(stage)
    stage.bench.inject("memory", place="therapy", bit=99)
    if alarm_comes(stage, report, "memory"):
        clinician = stage.sit_down()
        view = clinician.interrogate()
        report.demand(not view.prescription.confirmed, "the damaged prescription is still confirmed")
        report.demand(isinstance(clinician.stop(), Done), "a pump with damaged memory could not be stopped")
        stage.stand_up()
    return report


def clock_fault(stage: Stage) -> Report:
    """The clock stands still; then, mended, it jumps: nothing is given back."""
    report = Report.begin(stage)
    stage.bench.inject("clock", how="stands")
    if alarm_comes(stage, report, "clock"):
        stage.bench.clear("clock")
        stage.bed.advance(HOUR_MS)
        before = [entry.tip.day.total for entry in stage.pump.ledgers] if stage.pump else []
        stage.bench.inject("clock", how="forwards", by=DAY_MS)
        stage.bed.advance(5 * MINUTE_MS)
        after = [entry.tip.day.total for entry in stage.pump.ledgers] if stage.pump else []
        report.demand(
            all(now >= then * 9 // 10 for now, then in zip(after, before, strict=True)),
            "a jump of the clock gave back budget",
        )
    return report


def annunciator(stage: Stage) -> Report:
    """The sounder breaks: the next self-test finds it, therapy goes on, and another alarm is not hidden."""
    report = Report.begin(stage)
    before = stage.rate
    stage.bench.inject("annunciator")
    if alarm_comes(stage, report, "annunciator"):
        report.demand(stage.rate == before, "a mute sounder changed the therapy")
        clears_only_without_cause(
            stage, report, "annunciator", _clearing("annunciator", "annunciator"), wait_ms=2 * DAY_MS
        )
    return report


def telemetry_latch(stage: Stage) -> Report:
    """Interference while an alarm sounds holds the receiver on: therapy does not wait, and that ends by itself."""
    stage.fill(2_000_000)
    stage.wait_for("alarm.sound", DAY_MS)
    before = stage.rate
    stage.bench.inject("telemetry_latch")
    stage.bed.advance(MINUTE_MS)
    sound = stage.wait_for("alarm.sound", 2 * HOUR_MS)
    report = Report.begin(stage, sound["at"] if sound else None)
    if alarm_comes(stage, report, "telemetry_timeout"):
        report.demand(stage.rate == before, "the therapy waited for telemetry")
        stage.bench.clear("telemetry_latch")
    return report


def magnetic_resonance(stage: Stage) -> Report:
    """An examination: a rotor stands still, valves stand open; either is alarmed as such."""
    alarm = "motor_stall" if stage.device.profile.drive == "peristaltic" else "free_flow"
    report = Report.begin(stage)
    stage.bench.inject("mri", recovery=6 * HOUR_MS)
    alarm_comes(stage, report, alarm)
    return report


def stopped_too_long(stage: Stage) -> Report:
    """A pump is stopped, the session closed with an acknowledgement, and everybody forgets."""
    stage.sit_down().stop()
    report = Report.begin(stage)
    stage.stand_up()
    if alarm_comes(stage, report, "stopped_48h"):
        clears_only_without_cause(stage, report, "stopped_48h", _righted("stopped_48h"), wait_ms=MINUTE_MS)
    return report


def update_aborted(stage: Stage) -> Report:
    """First an update is cut off in the middle: the old prescription flows. Then a session ends on a stopped pump."""
    clinician = stage.sit_down()
    clinician.edit(clinician.draft.daily_dose("1.8 mg/day"))
    clinician.review()
    rate = stage.rate
    stage.bed.advance(HOUR_MS)
    after = stage.first("alarm.raised", stage.now_ms - HOUR_MS)
    stage.sit_down().stop()
    closed = stage.wait_for("session.closed", HOUR_MS, cause=CloseCause.IDLE.value)
    report = Report.begin(stage, closed["at"] if closed else None)
    report.demand(rate == stage.device.profile.rate_min.value or rate > 0, "an unfinished update stopped the pump")
    report.demand(after is None, "an unfinished update raised an alarm although the old prescription flows")
    if alarm_comes(stage, report, "session_aborted"):
        _put_right(stage, "session_aborted")
        cleared = stage.sit_down().acknowledge(AlarmCode.SESSION_ABORTED)
        report.demand(isinstance(cleared, Done), "session_aborted could not be cleared with the pump infusing again")
        stage.stand_up()
    return report


def link_noise(stage: Stage) -> Report:
    """A clinician programs through a storm: every answer is true, and nothing happens twice."""
    report, random = Report.begin(stage, at_entry=True), stage.random
    executed = 0

    def storm() -> HostileCarrier:
        return HostileCarrier(stage.device.receive, stage.bed.advance, lambda: stage.now_ms, random, STORM)

    for _ in range(6):
        programmer = stage.programmer(Role.CLINICIAN, storm)
        try:
            programmer.connect()
            programmer.interrogate()
            executed += isinstance(programmer.set_clock(1_800_000_000_000), Done)
        except (NoContactError, NoAnswer, PeerRejected):
            continue
    logged = sum(event["kind"] == "wire.command" and event["at"] >= report.began_ms for event in stage.events)
    report.demand(executed <= logged, "a command was reported done that was never executed")
    report.demand(stage.rate == stage.sit_down().interrogate().therapy.rate.value > 0, "the storm changed the flow")
    stage.stand_up()
    report.notice(report.began_ms, f"damaged frames discarded; {executed} of {logged} commands got their answer")
    return report


def intruder(stage: Stage) -> Report:
    """Somebody without the key sends one wrong proof after the other; then the clinician comes and is let in."""
    before, charge = stage.rate, _charge(stage)
    for _ in range(8):
        proof = Prove(
            Role.CLINICIAN, stage.random.randbytes(16), stage.random.randrange(1 << 32), stage.random.randbytes(32)
        )
        stranger = Conversation(stage.wire(), bytes(KEY_OCTETS), Role.CLINICIAN, stage.random.randbytes)
        with contextlib.suppress(ProtocolError):
            stranger.exchange(encode(proof))
        stage.bed.advance(10_000)
    fourth = stage.first("wire.authentication_failed", 0, failures=INTRUSION)
    report = Report.begin(stage, fourth["at"] if fourth else None)
    report.note = "counted from the fourth wrong proof in a row"
    report.demand(fourth is not None, "wrong proofs went unnoticed")
    alarm_comes(stage, report, "intrusion")
    report.demand(stage.rate == before, "the intruder changed the flow")
    report.demand(charge - _charge(stage) <= 1, "the intruder drained the battery")
    return report


INTRUSION = 4
"""So many wrong proofs in a row are an intrusion."""


def _charge(stage: Stage) -> int:
    return stage.device.body.battery.left_permille()


def patient_overuse(stage: Stage) -> Report:
    """The button is pressed every minute for a day: the granted boluses come, the rest is counted and refused."""
    stage.bed.advance(LOCKOUT_OVER_MS)
    report, granted = Report.begin(stage, at_entry=True), 0
    patient = stage.programmer(Role.PATIENT)
    patient.connect()
    for _ in range(24 * 60):
        result = patient.patient_bolus()
        granted += isinstance(result, Done)
        report.demand(isinstance(result, Done | NotDone), "a press got no answer")
        stage.bed.advance(MINUTE_MS)
    denied = stage.pump.record.denied if stage.pump else 0
    report.demand(granted == 4, f"{granted} boluses in a day, 4 are granted")
    report.demand(denied >= 24 * 60 - 4, "denied requests were not counted")
    report.demand(stage.first("alarm.raised", report.began_ms) is None, "overuse raised an alarm")
    report.notice(report.began_ms, f"{granted} boluses granted, {denied} requests denied and counted")
    return report


SCENES: dict[str, Scene] = {
    "MOTOR-STALL": stall,
    "VALVE-OPEN": valve_open,
    "GUARD-TRIP": guard_trip,
    "DRIVE-RUNAWAY": runaway,
    "BATTERY-ERI": battery("battery_eri", ("eri",)),
    "BATTERY-EOS": battery("battery_eos", ("eos",)),
    "BATTERY-PREMATURE": battery("battery_premature", ("eri", "eos"), within=10 * DAY_MS),
    "LOW-BATTERY-RESET": low_battery_reset,
    "REPLACE-DATE": replacement_date,
    "MEMORY-CORRUPT": memory_corrupt,
    "CLOCK-FAULT": clock_fault,
    "ANNUNCIATOR-FAULT": annunciator,
    "TELEMETRY-LATCH": telemetry_latch,
    "MRI": magnetic_resonance,
    "STOPPED-TOO-LONG": stopped_too_long,
    "UPDATE-ABORTED": update_aborted,
    "LINK-NOISE": link_noise,
    "INTRUDER": intruder,
    "PATIENT-OVERUSE": patient_overuse,
}
