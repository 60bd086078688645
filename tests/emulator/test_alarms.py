"""Alarms from condition to acknowledgement: raised in time, heard until cleared, and never an end to the sound."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from emulator.firmware import alarms, guard
from emulator.firmware.alarm_table import ALARMS, BY_CODE, PRIORITIES
from emulator.firmware.alarms import KEEP, MINIMUM, STOP, Panel, Timing
from emulator.firmware.allowance import age_ledgers
from emulator.firmware.contact import (
    ABORTED_HOLD_MS,
    INTRUSION_FAILURES,
    TELEMETRY_HOLD_MS,
    look_at_telemetry,
    proof_failed,
    session_opened,
)
from emulator.firmware.escapes import QUIET_MS
from emulator.firmware.pump import SCRUB_MS
from emulator.firmware.time_bases import COMPARE_MS
from emulator.firmware.upkeep import SELF_TEST_EVERY_MS
from emulator.hardware.body import RUNAWAY
from emulator.hardware.profile import load_profile
from protocol.channel_events import CloseCause
from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    AlarmsReport,
    ClinicianBolus,
    EnterRefill,
    Interrogate,
    Message,
    Prescription,
    Refused,
    SelfTest,
    SilenceAlarms,
    Start,
    Stop,
)
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres
from protocol.vocabulary import AlarmCode, AlarmStatus, Mode, Priority, Reason, Role, Section, TherapyState
from tests.emulator.worlds import A_BOLUS, PROFILE, Bare, drug, granted, infusing, prescription, press, ready, rng

CRITICAL_MS, NON_CRITICAL_MS, SILENCE_MS = 10 * MINUTE_MS, HOUR_MS, 10 * MINUTE_MS
VALVE = load_profile("valve")
TIMING = Timing(CRITICAL_MS, NON_CRITICAL_MS, SILENCE_MS)
ACTIVE, LATCHED = AlarmStatus.ACTIVE, AlarmStatus.LATCHED


def reason(reply: Message) -> Reason | None:
    """Return why something was refused, or None if it was accepted."""
    return reply.reason if isinstance(reply, Refused) else None


# --- one cause for each alarm ---------------------------------------------------------------------------------


def dose_limit() -> Bare:
    """Return a pump whose guard has just refused a stroke."""
    bare = infusing()
    bare.pump.ledgers = tuple(
        entry._replace(tip=guard.observe(entry.tip, entry.tip.limit_1h)) for entry in bare.pump.ledgers
    )
    bare.advance(HOUR_MS // 4)
    return bare


def motor_stall() -> Bare:
    """Return a pump whose rotor has just been found standing."""
    bare = infusing()
    bare.body.stalled = True
    bare.advance(8 * MINUTE_MS)
    return bare


def reservoir_low() -> Bare:
    """Return a pump whose computed reservoir has just reached the threshold."""
    bare = infusing()
    bare.ask(EnterRefill(Nanolitres(0), Nanolitres(2_000_000)))
    return bare


def reservoir_empty() -> Bare:
    """Return a pump whose computed reservoir has just become empty."""
    bare = infusing(low_nl=100)
    bare.ask(EnterRefill(Nanolitres(0), Nanolitres(499)))
    return bare


def reset() -> Bare:
    """Return a pump that has just had its power back."""
    bare = infusing()
    bare.advance(HOUR_MS)
    bare.power_up()
    return bare


def memory() -> Bare:
    """Return a pump that has just found a flipped bit."""
    bare = infusing()
    bare.chip.flip(bare.chip.newest_place("metering"), 17)
    bare.advance(SCRUB_MS)
    return bare


def stopped_48h() -> Bare:
    """Return a pump that was stopped for 48 hours."""
    bare = infusing()
    bare.ask(Stop())
    bare.advance(48 * HOUR_MS)
    return bare


def unrequested_delivery() -> Bare:
    """Return a pump whose drive has just moved by itself."""
    bare = infusing()
    bare.advance(HOUR_MS)
    bare.body._turn(RUNAWAY)
    return bare


def free_flow() -> Bare:
    """Return a valve-metered pump whose valves a field has just opened."""
    bare = infusing(profile=VALVE)
    bare.advance(HOUR_MS)
    bare.body.open_valves(1_000_000)
    bare.body.on_sensor()
    return bare


def eri() -> Bare:
    """Return a pump whose battery has just reached its elective replacement indicator."""
    return worn(90)


def eos() -> Bare:
    """Return a pump whose battery has just reached its end of service, with the indicator acknowledged long ago."""
    bare = worn(20)
    bare.pump.alarms.panel = alarms.clear(bare.pump.panel, AlarmCode.ERI)
    bare.pump.noticed = bare.pump.noticed._replace(eri_at=-1)
    return bare


def worn(left: int) -> Bare:
    """Return an infusing pump with a worn battery."""
    bare = infusing()
    bare.body.battery.wear(left)
    bare.body.look_at_battery()
    return bare


def clock() -> Bare:
    """Return a pump whose clock was just found to stand still."""
    bare = infusing()
    bare.body.clock.stop(bare.now)
    bare.advance(COMPARE_MS)
    return bare


def annunciator() -> Bare:
    """Return a pump whose daily self-test has just found a broken sounder."""
    bare = infusing()
    bare.body.sounder_works = False
    bare.advance(SELF_TEST_EVERY_MS)
    return bare


def telemetry_timeout() -> Bare:
    """Return a pump whose receiver interference has just held on for as long as it may."""
    bare = infusing()
    bare.body.interference = True
    bare.body.sound()
    look_at_telemetry(bare.pump)
    bare.pump.watch()
    bare.advance(TELEMETRY_HOLD_MS - 1)
    bare.body.interference = False
    bare.advance(1)
    return bare


def session_aborted() -> Bare:
    """Return a pump that a broken-off session left stopped a minute ago."""
    bare = infusing()
    bare.ask(Stop())
    bare.commands.session_closed(Role.CLINICIAN, CloseCause.IDLE)
    bare.advance(ABORTED_HOLD_MS)
    return bare


def intrusion() -> Bare:
    """Return a pump that has just received one wrong proof too many."""
    bare = infusing()
    for _ in range(INTRUSION_FAILURES):
        proof_failed(bare.pump)
    return bare


CAUSES: dict[AlarmCode, Callable[[], Bare]] = {
    AlarmCode.DOSE_LIMIT: dose_limit,
    AlarmCode.MOTOR_STALL: motor_stall,
    AlarmCode.RESERVOIR_LOW: reservoir_low,
    AlarmCode.RESERVOIR_EMPTY: reservoir_empty,
    AlarmCode.RESET: reset,
    AlarmCode.MEMORY: memory,
    AlarmCode.STOPPED_48H: stopped_48h,
    AlarmCode.UNREQUESTED_DELIVERY: unrequested_delivery,
    AlarmCode.FREE_FLOW: free_flow,
    AlarmCode.ERI: eri,
    AlarmCode.EOS: eos,
    AlarmCode.CLOCK: clock,
    AlarmCode.ANNUNCIATOR: annunciator,
    AlarmCode.TELEMETRY_TIMEOUT: telemetry_timeout,
    AlarmCode.SESSION_ABORTED: session_aborted,
    AlarmCode.INTRUSION: intrusion,
}


def repaired(bare: Bare, code: AlarmCode) -> None:  # noqa: PLR0912 - one case for each alarm
    """Take the cause of an alarm away, as one does at the bedside."""
    match code:
        case AlarmCode.DOSE_LIMIT:
            bare.advance(2 * HOUR_MS)
        case AlarmCode.MOTOR_STALL:
            bare.body.stalled = False
            bare.advance(HOUR_MS)
        case AlarmCode.RESERVOIR_LOW | AlarmCode.RESERVOIR_EMPTY:
            bare.ask(EnterRefill(Nanolitres(0), Nanolitres(18_000_000)))
        case AlarmCode.RESET | AlarmCode.MEMORY:
            bare.prescribe(prescription(grant=granted()))
        case AlarmCode.STOPPED_48H:
            bare.ask(Start())
        case AlarmCode.UNREQUESTED_DELIVERY:
            bare.advance(QUIET_MS)
        case AlarmCode.FREE_FLOW:
            bare.body.open_valves(0)
            bare.body.on_sensor()
        case AlarmCode.ERI | AlarmCode.EOS:
            bare.body.battery.used = 0
            bare.body.look_at_battery()
        case AlarmCode.CLOCK:
            bare.body.clock.go_on(bare.now)
            bare.advance(2 * COMPARE_MS)
        case AlarmCode.ANNUNCIATOR:
            bare.body.sounder_works = True
            bare.ask(SelfTest())
        case AlarmCode.TELEMETRY_TIMEOUT:
            bare.advance(MINUTE_MS)
        case AlarmCode.SESSION_ABORTED:
            bare.ask(Start())
        case AlarmCode.INTRUSION:
            session_opened(bare.pump, Role.PATIENT)
            bare.pump.watch()


@pytest.mark.verifies("ALM-01", "ALM-24")
def test_every_alarm_has_a_row_and_a_cause() -> None:
    """No alarm code is without its row in the table, its cause here, and its meaning in words."""
    assert set(CAUSES) == set(AlarmCode) == set(BY_CODE)
    assert len(ALARMS) == len(AlarmCode)
    assert all(row.meaning for row in ALARMS)


@pytest.mark.verifies("ALM-23", "ALM-24")
@pytest.mark.parametrize("code", AlarmCode)
def test_a_healthy_pump_has_no_alarm_and_each_cause_raises_exactly_its_own(code: AlarmCode) -> None:
    """Before the cause nothing is raised; after it this alarm is active and heard at once, and no other is."""
    bare = CAUSES[code]()
    assert [alarm.code for alarm in bare.pump.panel.raised] == [code]
    assert bare.alarm(code) is ACTIVE
    assert bare.count("alarm.raised", alarm=code.name.lower()) == 1
    assert bare.sounds()[-1] == bare.pump.panel.raised[-1].raised_at


POLICIES = {
    AlarmCode.DOSE_LIMIT: (MINIMUM, Priority.CRITICAL),
    AlarmCode.MOTOR_STALL: (KEEP, Priority.CRITICAL),
    AlarmCode.RESERVOIR_LOW: (KEEP, Priority.NON_CRITICAL),
    AlarmCode.RESERVOIR_EMPTY: (STOP, Priority.CRITICAL),
    AlarmCode.RESET: (MINIMUM, Priority.CRITICAL),
    AlarmCode.MEMORY: (MINIMUM, Priority.CRITICAL),
    AlarmCode.STOPPED_48H: (KEEP, Priority.CRITICAL),
    AlarmCode.UNREQUESTED_DELIVERY: (STOP, Priority.CRITICAL),
    AlarmCode.FREE_FLOW: (STOP, Priority.CRITICAL),
    AlarmCode.ERI: (KEEP, Priority.NON_CRITICAL),
    AlarmCode.EOS: (STOP, Priority.CRITICAL),
    AlarmCode.CLOCK: (MINIMUM, Priority.CRITICAL),
    AlarmCode.ANNUNCIATOR: (KEEP, Priority.CRITICAL),
    AlarmCode.TELEMETRY_TIMEOUT: (KEEP, Priority.NON_CRITICAL),
    AlarmCode.SESSION_ABORTED: (KEEP, Priority.CRITICAL),
    AlarmCode.INTRUSION: (KEEP, Priority.NON_CRITICAL),
}
FLOWS = {"keep": 100_000, "minimum": 6_000, "stop": 0}


@pytest.mark.verifies("ALM-03", "ALM-04", "ALM-06", "ALM-07")
@pytest.mark.parametrize("code", AlarmCode)
def test_each_alarm_does_to_the_flow_what_its_policy_says(code: AlarmCode) -> None:
    """The flow is kept, lowered to the minimum rate or stopped, as the published table of failures asks."""
    flow, priority = POLICIES[code]
    bare = CAUSES[code]()
    assert (BY_CODE[code].flow, PRIORITIES[code]) == (flow, priority)
    assert bare.rate == (0 if code in (AlarmCode.STOPPED_48H, AlarmCode.SESSION_ABORTED) else FLOWS[flow.name])


@pytest.mark.verifies("ALM-16")
@pytest.mark.parametrize("code", AlarmCode)
def test_an_alarm_ends_only_by_acknowledgement_after_its_cause(code: AlarmCode) -> None:
    """While the cause is there it cannot be acknowledged; then it is latched, and acknowledged once it is gone."""
    bare = CAUSES[code]()
    assert reason(bare.ask(AcknowledgeAlarm(code))) is Reason.CAUSE_PRESENT
    assert bare.alarm(code) is ACTIVE
    repaired(bare, code)
    assert bare.alarm(code) is LATCHED
    assert bare.count("alarm.cause_gone", alarm=code.name.lower()) == 1
    rate = bare.rate
    assert isinstance(bare.ask(AcknowledgeAlarm(code)), Accepted)
    assert bare.alarm(code) is None
    assert bare.rate == rate
    assert reason(bare.ask(AcknowledgeAlarm(code))) is Reason.NO_SUCH_ALARM


@pytest.mark.verifies("ALM-16", "PWR-08")
@pytest.mark.parametrize("code", AlarmCode)
@pytest.mark.parametrize("latched", [False, True])
def test_an_alarm_is_kept_over_a_power_loss(code: AlarmCode, latched: bool) -> None:
    """After a power loss an alarm is raised as it was, cause and time included, and sounds again at once."""
    bare = CAUSES[code]()
    if latched:
        repaired(bare, code)
    before = bare.pump.panel.raised
    if code in (AlarmCode.TELEMETRY_TIMEOUT, AlarmCode.SESSION_ABORTED, AlarmCode.INTRUSION):
        before = tuple(alarm._replace(status=LATCHED) for alarm in before)  # a clinician is there: the cause is gone
    heard = len(bare.sounds())
    bare.power_up()
    apart = {AlarmCode.RESET, AlarmCode.ERI} if code is AlarmCode.EOS else {AlarmCode.RESET}
    kept = [alarm for alarm in bare.pump.panel.raised if alarm.code not in apart]
    assert kept == [alarm for alarm in before if alarm.code not in apart]
    assert bare.alarm(AlarmCode.RESET) is ACTIVE
    assert len(bare.sounds()) > heard
    assert bare.rate <= 6_000


@pytest.mark.verifies("ALM-05", "ALM-16")
@pytest.mark.parametrize("code", AlarmCode)
def test_no_restricting_alarm_lets_the_infusion_start(code: AlarmCode) -> None:
    """While an alarm limits the flow, active or latched, Start is refused; a critical one allows no bolus."""
    bare = CAUSES[code]()
    flow, priority = POLICIES[code]
    for step in ("active", "latched"):
        start = reason(bare.ask(Start())) if step == "active" or flow.restricts else None
        if flow.restricts:
            assert start in (Reason.ALARM_RESTRICTS, Reason.UNCONFIRMED)
        bolus = reason(bare.ask(ClinicianBolus(Nanolitres(1_000), Milliseconds(HOUR_MS), "a test")))
        if priority is Priority.CRITICAL:
            assert bolus in (Reason.ALARM_RESTRICTS, Reason.UNCONFIRMED)
        repaired(bare, code)
    if flow.restricts:
        bare.ask(AcknowledgeAlarm(code))
        bare.ask(AcknowledgeAlarm(AlarmCode.RESERVOIR_LOW))
        assert isinstance(bare.ask(Start()), Accepted)
        assert bare.rate == 100_000


@pytest.mark.verifies("BOL-08", "BOL-09")
@pytest.mark.parametrize("code", [AlarmCode.MOTOR_STALL, AlarmCode.RESERVOIR_LOW])
def test_a_critical_alarm_ends_a_bolus_and_any_other_lets_it_run(code: AlarmCode) -> None:
    """A critical alarm that keeps the flow still ends both boluses; a non-critical one leaves them."""
    bare = ready()
    bare.ask(A_BOLUS)
    press(bare)
    if code is AlarmCode.MOTOR_STALL:
        bare.body.stalled = True
        bare.advance(5 * MINUTE_MS)
    else:
        bare.ask(EnterRefill(Nanolitres(0), Nanolitres(2_000_000)))
    assert bare.alarm(code) is ACTIVE
    ended = code is AlarmCode.MOTOR_STALL
    assert bare.state is (TherapyState.SIMPLE_CONTINUOUS if ended else TherapyState.PATIENT_BOLUS)
    assert bare.count("pump.bolus", what="ended") == 2 * ended
    assert (bare.rate == 100_000) is ended


# --- the sounder ----------------------------------------------------------------------------------------------


@pytest.mark.verifies("ALM-22")
@pytest.mark.parametrize(
    ("code", "interval"), [(AlarmCode.MOTOR_STALL, CRITICAL_MS), (AlarmCode.RESERVOIR_LOW, NON_CRITICAL_MS)]
)
def test_the_repetition_is_exact(code: AlarmCode, interval: int) -> None:
    """A critical alarm sounds every ten minutes and any other every hour, to the millisecond, for days."""
    bare = CAUSES[code]()
    bare.advance(2 * DAY_MS)
    sounds = bare.sounds()
    assert sounds == [sounds[0] + number * interval for number in range(len(sounds))]
    assert len(sounds) == 2 * DAY_MS // interval + 1
    patterns = {said["pattern"] for _, kind, said in bare.told if kind == "alarm.sound"}
    assert patterns == {"critical" if interval == CRITICAL_MS else "non-critical"}


@pytest.mark.verifies("ALM-08", "ALM-09", "ALM-11")
def test_a_critical_alarm_quickens_the_sound_and_names_itself() -> None:
    """The highest priority decides interval and name; when it is cleared the other's slower sound comes back."""
    bare = reservoir_low()
    bare.advance(HOUR_MS // 2)
    bare.body.stalled = True
    bare.advance(HOUR_MS)
    assert [said["alarm"] for _, kind, said in bare.told if kind == "alarm.sound"][1:] == ["motor_stall"] * 6
    repaired(bare, AlarmCode.MOTOR_STALL)
    bare.ask(AcknowledgeAlarm(AlarmCode.MOTOR_STALL))
    heard = bare.sounds()[-1]
    bare.advance(2 * HOUR_MS)
    assert bare.sounds()[-2:] == [heard + HOUR_MS, heard + 2 * HOUR_MS]


@pytest.mark.verifies("ALM-12", "ALM-13")
def test_a_silence_is_bounded_and_cannot_be_stacked() -> None:
    """A silence lasts its time from when it is asked for; another is granted only after the sounder has sounded."""
    bare = motor_stall()
    start = bare.now
    bare.advance(4 * MINUTE_MS)
    asked = bare.now
    assert isinstance(bare.ask(SilenceAlarms()), Accepted)
    assert reason(bare.ask(SilenceAlarms())) is Reason.SILENCE_SPENT
    bare.advance(asked + SILENCE_MS - 1 - bare.now)
    assert max(bare.sounds()) < asked
    assert reason(bare.ask(SilenceAlarms())) is Reason.SILENCE_SPENT
    bare.advance(1)
    assert bare.sounds()[-1] == asked + SILENCE_MS
    assert isinstance(bare.ask(SilenceAlarms()), Accepted)
    assert start < asked


@pytest.mark.verifies("ALM-13")
def test_silence_reset_silence_do_not_add_up() -> None:
    """A reset ends a silence with a sound, so that silences and resets in turn never make the pump mute."""
    bare = motor_stall()
    for _ in range(20):
        heard = len(bare.sounds())
        bare.ask(SilenceAlarms())
        assert reason(bare.ask(SilenceAlarms())) is Reason.SILENCE_SPENT
        bare.advance(5 * MINUTE_MS)
        bare.power_up()
        assert len(bare.sounds()) > heard


@pytest.mark.verifies("ALM-22")
def test_a_pump_that_is_powered_only_for_minutes_is_heard() -> None:
    """With power cut every few minutes, so that no interval ever ends, the sounder sounds at every power-up."""
    bare = reset()
    heard = len(bare.sounds())
    for _ in range(50):
        bare.advance(5 * MINUTE_MS)
        bare.power_up()
    assert len(bare.sounds()) >= heard + 50


@pytest.mark.verifies("ALM-09")
@pytest.mark.parametrize("new", [AlarmCode.RESERVOIR_LOW, AlarmCode.RESERVOIR_EMPTY])
def test_a_new_alarm_breaks_a_silence(new: AlarmCode) -> None:
    """Whatever its priority, an alarm that is raised during a silence sounds at once and ends the silence."""
    bare = motor_stall()
    bare.ask(SilenceAlarms())
    bare.advance(MINUTE_MS)
    bare.ask(EnterRefill(Nanolitres(0), Nanolitres(0 if new is AlarmCode.RESERVOIR_EMPTY else 2_000_000)))
    assert bare.alarm(new) is ACTIVE
    assert bare.sounds()[-1] == bare.now
    report = bare.ask(Interrogate(Section.ALARMS))
    assert isinstance(report, AlarmsReport)
    assert report.silence_remaining.value == 0
    bare.advance(CRITICAL_MS)
    assert bare.sounds()[-1] == bare.now


@pytest.mark.verifies("ALM-13")
def test_a_returning_cause_breaks_a_silence() -> None:
    """A latched alarm whose cause comes back is active again, and heard."""
    bare = motor_stall()
    repaired(bare, AlarmCode.MOTOR_STALL)
    bare.ask(SilenceAlarms())
    bare.body.stalled = True
    bare.advance(8 * MINUTE_MS)
    assert bare.alarm(AlarmCode.MOTOR_STALL) is ACTIVE
    assert bare.sounds()[-1] == bare.now - bare.now % 432_000


def test_without_an_alarm_there_is_nothing_to_silence() -> None:
    """A healthy pump refuses to be silenced in advance and never sounds."""
    bare = infusing()
    assert reason(bare.ask(SilenceAlarms())) is Reason.NO_SUCH_ALARM
    bare.advance(3 * DAY_MS)
    assert bare.sounds() == []


@pytest.mark.verifies("ALM-13", "ALM-22")
def test_no_gap_between_sounds_is_ever_longer_than_interval_and_silence() -> None:
    """Whoever asks for every silence that can be had hears the pump at least every twenty minutes."""
    bare = motor_stall()
    chance = rng(5)
    for _ in range(300):
        bare.ask(SilenceAlarms())
        bare.advance(chance.randrange(1, 9 * MINUTE_MS))
    sounds = bare.sounds()
    gaps = [after - before for before, after in itertools.pairwise(sounds)]
    assert max(gaps) <= CRITICAL_MS + SILENCE_MS
    assert len(sounds) > 60


# --- the panel as a value -------------------------------------------------------------------------------------


@pytest.mark.verifies("ALM-08", "ALM-10")
def test_alarms_are_listed_by_priority_then_by_occurrence() -> None:
    """Critical alarms come first, and equals in the order in which they were raised, in every order of raising."""
    for order in itertools.permutations([AlarmCode.RESERVOIR_LOW, AlarmCode.MEMORY, AlarmCode.RESET]):
        panel = Panel()
        for at, code in enumerate(order):
            panel = alarms.raise_alarm(panel, code, at)
        listed = [alarm.code for alarm in alarms.in_order(panel, PRIORITIES)]
        assert listed == [*(code for code in order if code is not AlarmCode.RESERVOIR_LOW), AlarmCode.RESERVOIR_LOW]
        assert alarms.word(panel) == 1 << AlarmCode.RESERVOIR_LOW | 1 << AlarmCode.MEMORY | 1 << AlarmCode.RESET


def test_an_active_alarm_is_raised_once() -> None:
    """Seeing the same condition again changes nothing: time, order and silence stay."""
    panel = alarms.silence(alarms.sounded(alarms.raise_alarm(Panel(), AlarmCode.RESET, 5), 5), 6, TIMING)
    assert alarms.raise_alarm(panel, AlarmCode.RESET, 7) is panel


@pytest.mark.verifies("ALM-16")
def test_a_latched_alarm_still_sounds_and_is_still_shown() -> None:
    """An alarm whose cause is gone counts as raised, in the word and for the sounder, until it is cleared."""
    panel = alarms.cause_gone(alarms.raise_alarm(Panel(), AlarmCode.RESET, 5), AlarmCode.RESET)
    assert alarms.is_raised(panel, AlarmCode.RESET)
    assert not alarms.is_active(panel, AlarmCode.RESET)
    assert alarms.word(panel) == 1 << AlarmCode.RESET
    assert alarms.sound_due(panel, PRIORITIES, TIMING) == 0
    assert alarms.sound_due(alarms.clear(panel, AlarmCode.RESET), PRIORITIES, TIMING) is None


# --- deadlines ------------------------------------------------------------------------------------------------


@pytest.mark.verifies("ALM-20")
def test_48_hours_are_exactly_48_hours() -> None:
    """One millisecond before 48 hours of standing still there is no alarm, and at 48 hours there is."""
    bare = infusing()
    bare.ask(Stop())
    bare.advance(48 * HOUR_MS - 1)
    assert bare.alarm(AlarmCode.STOPPED_48H) is None
    bare.advance(1)
    assert bare.alarm(AlarmCode.STOPPED_48H) is ACTIVE


@pytest.mark.verifies("ALM-20")
@pytest.mark.parametrize("in_between", ["stop again", "prescribe to stand still", "start standing still", "power"])
def test_nothing_restarts_the_48_hours(in_between: str) -> None:
    """A second stop, a prescription to stand still, a start of it and a power loss leave the count as it was."""
    bare = infusing()
    bare.ask(Stop())
    stopped = bare.now
    bare.advance(40 * HOUR_MS)
    match in_between:
        case "stop again":
            bare.ask(Stop())
        case "prescribe to stand still":
            bare.prescribe(prescription(mode=Mode.STOPPED))
        case "start standing still":
            bare.prescribe(prescription(mode=Mode.STOPPED))
            bare.ask(Start())
        case _:
            bare.pump.save()
            bare.power_up()
    bare.advance(8 * HOUR_MS)
    assert bare.now == stopped + 48 * HOUR_MS
    assert bare.alarm(AlarmCode.STOPPED_48H) is ACTIVE


@pytest.mark.verifies("DOSE-11", "FLT-06")
@pytest.mark.parametrize(
    ("wanted", "deadline"),
    [
        (prescription(48_000), 20 * MINUTE_MS),
        (prescription(100_000), 20 * MINUTE_MS),
        (prescription(mode=Mode.MINIMUM_RATE), 24 * HOUR_MS),
    ],
    ids=["0.048 mL/day", "0.1 mL/day", "minimum rate"],
)
@pytest.mark.parametrize("after_ms", [0, 1, 10 * MINUTE_MS, 899_999, 900_000, 7 * HOUR_MS])
def test_a_stall_is_alarmed_in_time(wanted: Prescription, deadline: int, after_ms: int) -> None:
    """Whenever the rotor begins to stand, the alarm comes within the deadline for the rate."""
    bare = Bare()
    bare.prescribe(wanted)
    bare.advance(DAY_MS + after_ms)
    bare.body.stalled = True
    stalled = bare.now
    bare.advance(deadline)
    assert bare.alarm(AlarmCode.MOTOR_STALL) is ACTIVE
    assert stalled <= bare.pump.panel.raised[0].raised_at <= stalled + deadline


@pytest.mark.verifies("FLT-07")
def test_a_stall_and_its_end_are_each_logged_once() -> None:
    """However long it lasts and across a power loss, one stall is one alarm and its end is one more entry."""
    bare = infusing()
    bare.body.stalled = True
    bare.advance(5 * HOUR_MS)
    bare.power_up()
    bare.advance(5 * HOUR_MS)
    assert bare.count("alarm.cause_gone") == 0
    bare.body.stalled = False
    bare.advance(5 * HOUR_MS)
    assert (bare.count("alarm.raised", alarm="motor_stall"), bare.count("alarm.cause_gone", alarm="motor_stall")) == (
        1,
        1,
    )


@pytest.mark.verifies("DOSE-14", "FLT-06", "FLT-08")
def test_a_stalled_stroke_is_counted_by_the_guard_and_not_as_delivered() -> None:
    """While the rotor stands the ledgers fill as if it turned, but no volume is counted and the line stands still."""
    bare = infusing(drugs=[drug(concentration=5_000)])
    bare.advance(DAY_MS)
    bare.body.stalled = True
    pump = bare.pump
    before = (pump.volume_nl, pump.strokes, pump.line, pump.reservoir_nl, dict(pump.delivered))
    bare.advance(HOUR_MS)
    assert (pump.volume_nl, pump.strokes, pump.line, pump.reservoir_nl, pump.delivered) == before
    age_ledgers(pump)
    assert pump.ledgers[0].outlet.hour.total >= 8 * 500 * 5_000


@pytest.mark.verifies("RES-01", "RES-02", "RES-03", "RES-06")
def test_low_comes_before_empty_at_exactly_the_computed_volumes() -> None:
    """Low is raised by the stroke that reaches the threshold, empty by the one that leaves less than a stroke."""
    bare = infusing(800_000, low_nl=2_000_000)
    bare.ask(EnterRefill(Nanolitres(0), Nanolitres(2_001_250)))
    bare.body.refill(2_001_250, bare.body.fluid)
    seen = []
    while bare.rate:
        bare.advance(max(0, (bare.pump.due_ms or 0) - bare.now))
        seen.append(
            (bare.pump.reservoir_nl, bare.alarm(AlarmCode.RESERVOIR_LOW), bare.alarm(AlarmCode.RESERVOIR_EMPTY))
        )
    assert [volume for volume, low, _ in seen if low is None][-1] == 2_000_250
    assert min(volume for volume, _, empty in seen if empty is None) == 750
    assert seen[-1] == (250, ACTIVE, ACTIVE)
    assert bare.state is TherapyState.STOPPED
    assert bare.body.reservoir_nl == 250


@pytest.mark.verifies("ALM-02", "RES-10")
def test_the_profile_is_the_one_of_the_deadlines() -> None:
    """The intervals that these tests name are those of the shipped profile."""
    assert (PROFILE.critical_interval.value, PROFILE.non_critical_interval.value) == (CRITICAL_MS, NON_CRITICAL_MS)
    assert PROFILE.silence.value == SILENCE_MS


ON_THE_WIRE = [
    "dose_limit",
    "motor_stall",
    "reservoir_low",
    "reservoir_empty",
    "reset",
    "memory",
    "stopped_48h",
    "unrequested_delivery",
    "free_flow",
    "eri",
    "eos",
    "clock",
    "annunciator",
    "telemetry_timeout",
    "session_aborted",
    "intrusion",
]
"""Each alarm at the place of its bit, for ever: recorded traffic and other people's clients depend on it."""


@pytest.mark.verifies("COM-16")
@pytest.mark.parametrize("code", AlarmCode)
def test_the_alarm_word_has_one_bit_for_each_raised_alarm(code: AlarmCode) -> None:
    """The word is the sum of the listed alarms' bits, each at its own place, and that place never changes."""
    report = CAUSES[code]().ask(Interrogate(Section.ALARMS))
    assert isinstance(report, AlarmsReport)
    assert report.word == sum(1 << ON_THE_WIRE.index(entry.code.name.lower()) for entry in report.alarms)
    assert report.word >> ON_THE_WIRE.index(code.name.lower()) & 1


@pytest.mark.verifies("MODE-14")
@pytest.mark.parametrize("prescribed_first", [True, False])
def test_an_alarm_in_the_instant_of_a_command_leaves_the_lower_flow(prescribed_first: bool) -> None:
    """Whichever of the two comes first in one millisecond, a pump that just became empty does not flow."""
    bare = infusing(low_nl=100)
    bare.ask(Stop())
    bare.ask(AcknowledgeAlarm(AlarmCode.RESERVOIR_LOW))
    commands = [Start(), EnterRefill(Nanolitres(0), Nanolitres(499))]
    for command in commands if prescribed_first else reversed(commands):
        bare.ask(command)
    assert (bare.state, bare.rate) == (TherapyState.STOPPED, 0)
