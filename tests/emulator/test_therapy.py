"""Therapy: every row of its table is walked, and every command is tried in every state."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from emulator.firmware.pump import SCRUB_MS
from emulator.firmware.state import Bolus, State, TherapyRecord
from emulator.firmware.therapy import ANY, BASAL_OF, BOUNDED, MACHINE, ROWS, Therapy, new_bolus, not_delivered_nl
from emulator.machine import NotAllowedError
from protocol.messages import (
    AcknowledgeAlarm,
    CancelBolus,
    ClinicianBolus,
    Commit,
    EnterRefill,
    Message,
    PatientBolus,
    Prescription,
    Prime,
    Refused,
    SelfTest,
    SetWallClock,
    SilenceAlarms,
    Start,
    Stop,
)
from protocol.units import HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres, NanolitresPerDay
from protocol.vocabulary import AlarmCode, Mode, Reason, TherapyState
from tests.emulator.worlds import CONCENTRATION, Bare, drug, flex, granted, infusing, prescription, schedule

UNPROGRAMMED, STOPPED, MINIMUM, SIMPLE, CLINICIAN, PATIENT, FLEX, PRIMING, BRIDGE = TherapyState
MINIMUM_RATE = 6_000
BOLUSES = {state: new_bolus(state, 10_000, HOUR_MS) for state in (CLINICIAN, PATIENT, PRIMING)}
SCHEDULED = 70_000
PRESCRIPTIONS = {
    mode: replace(prescription(mode=mode), bridge=NanolitresPerDay(60_000 if mode is not Mode.STOPPED else 0))
    for mode in Mode
}
LOWERING = ("stop", "limit", "halt", "cancel", "bolus_done", "forget")


def therapy(
    state: TherapyState,
    mode: Mode | None,
    *,
    suspended: tuple[TherapyState, ...] = (),
    restricted: bool = False,
    bridged: bool = True,
    from_stop: bool = False,
    ended: Callable[[Bolus], None] = lambda _bolus: None,
) -> Therapy:
    """Return a therapy in some state under a prescription of some mode."""
    record = TherapyRecord(
        state,
        None if mode is None else PRESCRIPTIONS[mode],
        BOLUSES.get(state),
        tuple(BOLUSES[each] for each in suspended),
        primed_from_stop=from_stop,
    )
    model = Therapy(MINIMUM_RATE, ended, record)
    model.scheduled_rate, model.flow_restricted, model.line_bridged = SCHEDULED, restricted, bridged
    return model


FLOWING_MODES = (Mode.MINIMUM_RATE, Mode.SIMPLE_CONTINUOUS, Mode.FLEX)
MODES: dict[TherapyState, tuple[Mode | None, ...]] = {
    UNPROGRAMMED: (None, *Mode),
    STOPPED: tuple(Mode),
    MINIMUM: FLOWING_MODES,
    SIMPLE: (Mode.SIMPLE_CONTINUOUS,),
    FLEX: (Mode.FLEX,),
    BRIDGE: FLOWING_MODES,
    CLINICIAN: FLOWING_MODES,
    PATIENT: FLOWING_MODES,
    PRIMING: tuple(Mode),
}
"""The prescribed modes that a state can be in."""


def situations() -> list[Therapy]:
    """Return a therapy in every combination of state, prescribed mode, suspended boluses, bridge and restriction."""
    return [
        therapy(state, mode, suspended=suspended, restricted=restricted, bridged=bridged, from_stop=from_stop)
        for state in ANY
        for mode, restricted in itertools.product(MODES[state], (False, True))
        for suspended in SUSPENDED.get(state, ((),))
        for bridged in ((True, False) if state not in BOUNDED else (True,))
        for from_stop in ((True, False) if state is PRIMING and not suspended else (False,))
        if from_stop or mode is not Mode.STOPPED or state in (UNPROGRAMMED, STOPPED)
    ]


SUSPENDED = {PATIENT: ((), (CLINICIAN,)), PRIMING: ((), (CLINICIAN,), (PATIENT,), (CLINICIAN, PATIENT))}
"""What can be set aside in a state, the last one to go on first."""
DETAILS = {"bolus": BOLUSES[CLINICIAN]}


@pytest.mark.verifies("MODE-01")
def test_every_row_of_the_table_is_reached() -> None:
    """For each row there is a situation in which its event leads from one of its sources to its target."""
    reached: Counter[int] = Counter()
    for number, row in enumerate(ROWS):
        for model in situations():
            if model.state not in row.sources:
                continue
            data = None
            wanted = all(
                not getattr(model, name.removeprefix("not "))(data)
                if name.startswith("not ")
                else getattr(model, name)(data)
                for name in row.when
            )
            before = model.state
            if wanted and model.may(row.event):
                model.fire(row.event, **DETAILS)
                reached[number] += model.state is (before if row.target is None else row.target)
    assert sorted(reached) == list(range(len(ROWS)))
    assert min(reached.values()) > 0


@pytest.mark.verifies("ALM-06", "MODE-07")
def test_no_lowering_event_ever_raises_the_flow() -> None:
    """Stop, limit, halt, cancel, the end of a bolus and forgetting never leave more flow than a resumed bolus has."""
    fired: Counter[str] = Counter()
    for event in LOWERING:
        for model in situations():
            before = model.rate
            if not model.may(event):
                continue
            model.fire(event, **DETAILS)
            fired[event] += 1
            assert model.rate <= before or model.running, event
    assert set(fired) == set(LOWERING)


@pytest.mark.verifies("MODE-15")
def test_stop_limit_halt_and_forget_are_allowed_always() -> None:
    """In no situation is a stop, or what an alarm asks for, refused; afterwards no bolus is left."""
    for event, most in (("stop", 0), ("halt", 0), ("forget", 0), ("limit", MINIMUM_RATE)):
        for model in situations():
            model.fire(event)
            assert model.rate <= most
            assert (model.running, model.suspended) == (None, ())


@pytest.mark.verifies("ALM-05", "ALM-16")
def test_nothing_but_infuse_leads_out_of_a_lowered_flow() -> None:
    """From stopped, unprogrammed or an alarm's minimum rate, only ``infuse`` or a prime makes the flow larger."""
    for event in MACHINE.events:
        for model in situations():
            lowered = model.state in (STOPPED, UNPROGRAMMED) or (
                model.state is MINIMUM and model.mode in (Mode.SIMPLE_CONTINUOUS, Mode.FLEX)
            )
            before = model.rate
            if event in ("infuse", "prime") or not lowered or not model.may(event):
                continue
            model.fire(event, **DETAILS)
            assert model.rate <= before


@pytest.mark.verifies("ALM-05", "MODE-04")
def test_infuse_gives_what_is_prescribed_and_nothing_under_a_restriction() -> None:
    """``infuse`` leads to the prescribed mode from everywhere and ends boluses; a restricting alarm refuses it."""
    states = {Mode.STOPPED: STOPPED, **BASAL_OF}
    for model in situations():
        mode, restricted = model.mode, model.flow_restricted
        if mode is None or (restricted and mode is not Mode.STOPPED):
            assert not model.may("infuse")
            with pytest.raises(NotAllowedError):
                model.fire("infuse")
        else:
            model.fire("infuse")
            bridging = not model.line_bridged and mode is not Mode.STOPPED
            assert model.state is (BRIDGE if bridging else states[mode])
            assert (model.running, model.suspended) == (None, ())


@pytest.mark.verifies("BOL-10", "BOL-11")
def test_a_bolus_begins_only_on_the_prescribed_basal() -> None:
    """A bolus begins on the prescribed flow alone, never on a lowered one; a patient's may pre-empt."""
    for model in situations():
        on_basal = model.mode in BASAL_OF and model.state is BASAL_OF[model.mode]
        assert model.may("clinician_bolus") is (on_basal and not model.flow_restricted)
        assert model.may("patient_bolus") is ((on_basal and not model.flow_restricted) or model.state is CLINICIAN)


@pytest.mark.verifies("MODE-12")
def test_every_bolus_that_ends_is_told_once() -> None:
    """Running and suspended boluses are told of when they end, each with its own state, and only then."""
    told: list[TherapyState] = []

    def ended(bolus: Bolus) -> None:
        told.append(bolus.state)

    for event in ("stop", "limit", "halt", "cancel", "forget", "infuse"):
        told.clear()
        therapy(PATIENT, Mode.SIMPLE_CONTINUOUS, suspended=(CLINICIAN,), ended=ended).fire(event)
        assert told == [PATIENT, CLINICIAN], event
    told.clear()
    model = therapy(PATIENT, Mode.SIMPLE_CONTINUOUS, suspended=(CLINICIAN,), ended=ended)
    model.fire("bolus_done")
    assert (told, model.state, model.running, model.suspended) == ([PATIENT], CLINICIAN, BOLUSES[CLINICIAN], ())
    model.fire("bolus_done")
    assert (told, model.state) == ([PATIENT, CLINICIAN], SIMPLE)


@pytest.mark.verifies("DOSE-04")
def test_a_bolus_flows_exactly_its_volume() -> None:
    """Cut into any pieces, the flow of a bolus adds up to its volume and then ends."""
    for piece in (1, 7, 999_983, HOUR_MS):
        model = therapy(CLINICIAN, Mode.SIMPLE_CONTINUOUS)
        credit = passed = 0
        while (rest := model.bolus_end_in()) is not None and rest > 0 and passed < 5_000 * piece:
            step = min(piece, rest)
            credit += model.flow(step)
            passed += step
        left = model.running.remaining if model.running else 0
        assert credit + left == 100_000 * passed + BOLUSES[CLINICIAN].remaining
    assert not_delivered_nl(BOLUSES[CLINICIAN]) == 10_000


# --- every command in every state -----------------------------------------------------------------------------


def unprogrammed() -> Bare:
    """Return a pump that was never programmed."""
    return Bare()


def stopped() -> Bare:
    """Return a pump that a clinician has stopped."""
    bare = settled()
    bare.ask(Stop())
    return bare


def at_minimum() -> Bare:
    """Return a pump that infuses the minimum rate as prescribed."""
    bare = Bare()
    bare.prescribe(prescription(mode=Mode.MINIMUM_RATE, grant=granted(2_000, HOUR_MS)))
    bare.advance(5 * HOUR_MS)
    return bare


def settled() -> Bare:
    """Return a pump that infuses and whose lockout is over."""
    bare = infusing()
    bare.advance(5 * HOUR_MS)
    return bare


def in_clinician_bolus() -> Bare:
    """Return a pump in a clinician's bolus."""
    bare = settled()
    bare.ask(ClinicianBolus(Nanolitres(5_000), Milliseconds(6 * HOUR_MS), "a test"))
    bare.advance(MINUTE_MS)
    return bare


def in_patient_bolus() -> Bare:
    """Return a pump in a patient's bolus that has suspended a clinician's."""
    bare = in_clinician_bolus()
    bare.ask(PatientBolus())
    bare.advance(MINUTE_MS)
    return bare


def by_schedule() -> Bare:
    """Return a pump that infuses by a schedule, lockout over."""
    bare = Bare()
    by = schedule(100_000, 200_000)
    bare.prescribe(flex(by, grant=granted()), by)
    bare.advance(5 * HOUR_MS)
    return bare


def bridging() -> Bare:
    """Return a pump whose line still holds the stronger fluid of before."""
    bare = settled()
    weaker = prescription(200_000, [drug(concentration=CONCENTRATION // 2)], grant=granted())
    bare.prescribe(replace(weaker, bridge=NanolitresPerDay(100_000)))
    bare.advance(5 * HOUR_MS)
    return bare


def priming() -> Bare:
    """Return a pump that is filling an emptied line, with two boluses set aside."""
    bare = in_patient_bolus()
    bare.ask(Prime(Nanolitres(100_000), Milliseconds(5 * HOUR_MS), True))
    bare.advance(MINUTE_MS)
    return bare


def limited() -> Bare:
    """Return a pump that an alarm keeps at the minimum rate: power was lost."""
    bare = settled()
    bare.power_up()
    return bare


def halted() -> Bare:
    """Return a pump that an alarm has stopped: its reservoir is empty."""
    bare = settled()
    bare.ask(EnterRefill(Nanolitres(0), Nanolitres(0)))
    return bare


def forgotten() -> Bare:
    """Return a pump that could not read its prescription."""
    bare = settled()
    bare.chip.flip(bare.chip.newest_place("therapy"), 0)
    bare.advance(SCRUB_MS)
    return bare


STATES: dict[str, tuple[Callable[[], Bare], TherapyState]] = {
    "unprogrammed": (unprogrammed, UNPROGRAMMED),
    "stopped": (stopped, STOPPED),
    "minimum": (at_minimum, MINIMUM),
    "simple": (settled, SIMPLE),
    "clinician bolus": (in_clinician_bolus, CLINICIAN),
    "patient bolus": (in_patient_bolus, PATIENT),
    "flex": (by_schedule, FLEX),
    "bridge": (bridging, BRIDGE),
    "priming": (priming, PRIMING),
    "limited": (limited, MINIMUM),
    "halted": (halted, STOPPED),
    "forgotten": (forgotten, UNPROGRAMMED),
}
OK = None
R = Reason

COMMANDS: dict[str, tuple[Callable[[Bare], Message], dict[str, Reason | None]]] = {
    "stop": (lambda bare: bare.ask(Stop()), {}),
    "start": (
        lambda bare: bare.ask(Start()),
        {
            "unprogrammed": R.UNCONFIRMED,
            "clinician bolus": R.BOLUS_RUNNING,
            "patient bolus": R.BOLUS_RUNNING,
            "priming": R.BOLUS_RUNNING,
            "limited": R.UNCONFIRMED,
            "halted": R.ALARM_RESTRICTS,
            "forgotten": R.UNCONFIRMED,
        },
    ),
    "commit": (lambda bare: bare.prescribe(prescription(120_000)), {}),
    "commit the minimum": (lambda bare: bare.prescribe(prescription(mode=Mode.MINIMUM_RATE)), {}),
    "commit a stop": (lambda bare: bare.prescribe(prescription(mode=Mode.STOPPED)), {}),
    "commit nothing": (lambda bare: bare.ask(Commit(bytes(16))), dict.fromkeys(STATES, R.NOTHING_STAGED)),
    "clinician bolus": (
        lambda bare: bare.ask(ClinicianBolus(Nanolitres(2_000), Milliseconds(HOUR_MS), "a test")),
        {
            "unprogrammed": R.UNCONFIRMED,
            "stopped": R.WRONG_STATE,
            "clinician bolus": R.BOLUS_RUNNING,
            "patient bolus": R.BOLUS_RUNNING,
            "bridge": R.WRONG_STATE,
            "priming": R.BOLUS_RUNNING,
            "limited": R.UNCONFIRMED,
            "halted": R.ALARM_RESTRICTS,
            "forgotten": R.UNCONFIRMED,
        },
    ),
    "prime an emptied line": (
        lambda bare: bare.ask(Prime(Nanolitres(50_000), Milliseconds(2 * HOUR_MS), True)),
        {
            "unprogrammed": R.UNCONFIRMED,
            "bridge": R.WRONG_STATE,
            "priming": R.BOLUS_RUNNING,
            "limited": R.UNCONFIRMED,
            "halted": R.ALARM_RESTRICTS,
            "forgotten": R.UNCONFIRMED,
        },
    ),
    "prime": (
        lambda bare: bare.ask(Prime(Nanolitres(50_000), Milliseconds(2 * HOUR_MS), False)),
        {
            **dict.fromkeys(STATES, R.LINE_HOLDS_DRUG),
            "unprogrammed": R.UNCONFIRMED,
            "bridge": R.WRONG_STATE,
            "priming": R.BOLUS_RUNNING,
            "limited": R.UNCONFIRMED,
            "halted": R.ALARM_RESTRICTS,
            "forgotten": R.UNCONFIRMED,
        },
    ),
    "patient bolus": (
        lambda bare: bare.ask(PatientBolus()),
        {
            "unprogrammed": R.UNCONFIRMED,
            "stopped": R.WRONG_STATE,
            "patient bolus": R.BOLUS_RUNNING,
            "bridge": R.WRONG_STATE,
            "priming": R.BOLUS_RUNNING,
            "limited": R.UNCONFIRMED,
            "halted": R.LOCKOUT,
            "forgotten": R.UNCONFIRMED,
        },
    ),
    "cancel": (
        lambda bare: bare.ask(CancelBolus()),
        {name: R.NO_BOLUS for name in STATES if "bolus" not in name and name != "priming"},
    ),
    "refill": (lambda bare: bare.ask(EnterRefill(Nanolitres(7), Nanolitres(9_000_000))), {}),
    "overfill": (
        lambda bare: bare.ask(EnterRefill(Nanolitres(0), Nanolitres(20_000_001))),
        dict.fromkeys(STATES, R.CAPACITY),
    ),
    "clock": (lambda bare: bare.ask(SetWallClock(1_900_000_000_000)), {}),
    "silence": (
        lambda bare: bare.ask(SilenceAlarms()),
        {name: R.NO_SUCH_ALARM for name in STATES if name not in ("limited", "halted", "forgotten")},
    ),
    "acknowledge": (
        lambda bare: bare.ask(AcknowledgeAlarm(AlarmCode.RESET)),
        {name: R.CAUSE_PRESENT if name == "limited" else R.NO_SUCH_ALARM for name in STATES},
    ),
    "self-test": (lambda bare: bare.ask(SelfTest()), {}),
}


def effects(bare: Bare) -> State:
    """Return everything that a command may change but the notes about it: last commands, denied requests."""
    state = bare.pump.state()
    return state._replace(therapy=state.therapy._replace(commands=(), denied=0))


RAISING = (
    "start",
    "clinician bolus",
    "patient bolus",
    "commit",
    "commit the minimum",
    "prime",
    "prime an emptied line",
    "cancel",
)
"""What may let more flow than before; the end of a prime may, too, if what it interrupted flows faster."""


@pytest.mark.verifies("COM-10", "MODE-08")
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_in_every_state(command: str, state: str) -> None:
    """Each command in each therapy state is accepted, or refused with its one reason and without any effect."""
    make, expected_state = STATES[state]
    act, refusals = COMMANDS[command]
    bare = make()
    assert bare.state is expected_state
    before, rate = effects(bare), bare.rate
    reply = act(bare)
    refused = reply.reason if isinstance(reply, Refused) else None
    assert refused is refusals.get(state)
    if refused:
        assert effects(bare) == before
    if (
        command not in ("start", "clinician bolus", "patient bolus", "commit", "commit the minimum", "cancel")
        and "prime" not in command
    ):
        assert bare.rate <= rate
    if command == "stop":
        assert bare.rate == 0


@pytest.mark.parametrize(("state", "wanted", "then"), [
    ("unprogrammed", prescription(120_000), SIMPLE),
    ("stopped", prescription(120_000), SIMPLE),
    ("patient bolus", prescription(120_000), SIMPLE),
    ("simple", prescription(mode=Mode.MINIMUM_RATE), MINIMUM),
    ("simple", prescription(mode=Mode.STOPPED), STOPPED),
    ("limited", prescription(120_000), MINIMUM),
    ("limited", prescription(mode=Mode.STOPPED), STOPPED),
    ("halted", prescription(120_000), STOPPED),
    ("forgotten", prescription(120_000), STOPPED),
])  # fmt: skip
def test_a_commit_flows_at_once_unless_an_alarm_forbids_it(
    state: str, wanted: Prescription, then: TherapyState
) -> None:
    """A committed prescription is what flows; under a restricting alarm the flow stays as low as it was."""
    bare = STATES[state][0]()
    rate = bare.rate
    bare.prescribe(wanted)
    assert bare.state is then
    assert bare.pump.record.confirmed
    if bare.pump.therapy.flow_restricted:
        assert bare.rate <= rate


@pytest.mark.verifies("ALM-20")
def test_a_pump_prescribed_under_an_alarm_is_not_left_standing_unnoticed() -> None:
    """A prescription committed while an alarm forbids its flow counts as stopped: after 48 hours it alarms."""
    bare = forgotten()
    bare.prescribe(prescription())
    bare.ask(AcknowledgeAlarm(AlarmCode.MEMORY))
    assert (bare.state, bare.rate, bare.pump.panel.raised) == (STOPPED, 0, ())
    bare.advance(48 * HOUR_MS)
    assert bare.alarm(AlarmCode.STOPPED_48H) is not None
