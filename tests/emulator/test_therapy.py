"""Therapy: every row of its table is walked, and every command is tried in every state."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

import pytest

from emulator.firmware.pump import SCRUB_MS
from emulator.firmware.state import Bolus, State
from emulator.firmware.therapy import ANY, BOLUS, MACHINE, ROWS, Therapy, new_bolus, not_delivered_nl
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
    Refused,
    SelfTest,
    SetWallClock,
    SilenceAlarms,
    Start,
    Stop,
)
from protocol.units import HOUR_MS, MINUTE_MS, Milliseconds, Nanolitres
from protocol.vocabulary import AlarmCode, Mode, Reason, TherapyState
from tests.emulator.worlds import Bare, granted, infusing, prescription

UNPROGRAMMED, STOPPED, MINIMUM, SIMPLE, CLINICIAN, PATIENT = TherapyState
MINIMUM_RATE = 6_000
A_BOLUS = new_bolus(10_000, HOUR_MS)
PRESCRIPTIONS = {mode: prescription(mode=mode) for mode in Mode}
LOWERING = ("stop", "limit", "halt", "cancel", "bolus_done", "forget")


def therapy(
    state: TherapyState,
    mode: Mode | None,
    *,
    suspended: bool = False,
    restricted: bool = False,
    ended: Callable[[TherapyState, Bolus], None] = lambda _state, _bolus: None,
) -> Therapy:
    """Return a therapy in some state under a prescription of some mode."""
    model = Therapy(
        MINIMUM_RATE,
        ended,
        state=state,
        prescription=None if mode is None else PRESCRIPTIONS[mode],
        running=A_BOLUS if state in BOLUS else None,
        suspended=A_BOLUS if suspended else None,
    )
    model.flow_restricted = restricted
    return model


MODES: dict[TherapyState, tuple[Mode | None, ...]] = {
    UNPROGRAMMED: (None, *Mode),
    STOPPED: tuple(Mode),
    MINIMUM: (Mode.MINIMUM_RATE, Mode.SIMPLE_CONTINUOUS),
    SIMPLE: (Mode.SIMPLE_CONTINUOUS,),
    CLINICIAN: (Mode.MINIMUM_RATE, Mode.SIMPLE_CONTINUOUS),
    PATIENT: (Mode.MINIMUM_RATE, Mode.SIMPLE_CONTINUOUS),
}
"""The prescribed modes that a state can be in."""


def situations() -> list[Therapy]:
    """Return a therapy in every combination of state, prescribed mode, suspended bolus and restriction."""
    return [
        therapy(state, mode, suspended=suspended, restricted=restricted)
        for state in ANY
        for mode, suspended, restricted in itertools.product(MODES[state], (False, True), (False, True))
        if state is PATIENT or not suspended
    ]


DETAILS = {"volume_nl": 10_000, "duration_ms": HOUR_MS}


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
            assert model.rate <= before or model.state is CLINICIAN, event
    assert set(fired) == set(LOWERING)


def test_stop_limit_halt_and_forget_are_allowed_always() -> None:
    """In no situation is a stop, or what an alarm asks for, refused; afterwards no bolus is left."""
    for event, most in (("stop", 0), ("halt", 0), ("forget", 0), ("limit", MINIMUM_RATE)):
        for model in situations():
            model.fire(event)
            assert model.rate <= most
            assert model.running is model.suspended is None


def test_nothing_but_infuse_leads_out_of_a_lowered_flow() -> None:
    """From stopped, unprogrammed or an alarm's minimum rate, no event but ``infuse`` makes the flow larger."""
    for event in MACHINE.events:
        for model in situations():
            lowered = model.state in (STOPPED, UNPROGRAMMED) or (model.state, model.mode) == (
                MINIMUM,
                Mode.SIMPLE_CONTINUOUS,
            )
            before = model.rate
            if event == "infuse" or not lowered or not model.may(event):
                continue
            model.fire(event, **DETAILS)
            assert model.rate <= before


def test_infuse_gives_what_is_prescribed_and_nothing_under_a_restriction() -> None:
    """``infuse`` leads to the prescribed mode from everywhere and ends boluses; a restricting alarm refuses it."""
    states = {Mode.STOPPED: STOPPED, Mode.MINIMUM_RATE: MINIMUM, Mode.SIMPLE_CONTINUOUS: SIMPLE}
    for model in situations():
        mode, restricted = model.mode, model.flow_restricted
        if mode is None or (restricted and mode is not Mode.STOPPED):
            assert not model.may("infuse")
            with pytest.raises(NotAllowedError):
                model.fire("infuse")
        else:
            model.fire("infuse")
            assert model.state is states[mode]
            assert model.running is model.suspended is None


def test_a_bolus_begins_only_on_the_prescribed_basal() -> None:
    """A bolus begins on the prescribed flow alone, never on a lowered one; a patient's may pre-empt."""
    for model in situations():
        on_basal = (model.state, model.mode) in {(SIMPLE, Mode.SIMPLE_CONTINUOUS), (MINIMUM, Mode.MINIMUM_RATE)}
        assert model.may("clinician_bolus") is (on_basal and not model.flow_restricted)
        assert model.may("patient_bolus") is ((on_basal and not model.flow_restricted) or model.state is CLINICIAN)


def test_every_bolus_that_ends_is_told_once() -> None:
    """Running and suspended boluses are told of when they end, each with its own state, and only then."""
    told: list[TherapyState] = []

    def ended(state: TherapyState, _bolus: Bolus) -> None:
        told.append(state)

    for event in ("stop", "limit", "halt", "cancel", "forget", "infuse"):
        told.clear()
        therapy(PATIENT, Mode.SIMPLE_CONTINUOUS, suspended=True, ended=ended).fire(event)
        assert told == [PATIENT, CLINICIAN], event
    told.clear()
    model = therapy(PATIENT, Mode.SIMPLE_CONTINUOUS, suspended=True, ended=ended)
    model.fire("bolus_done")
    assert (told, model.state, model.running, model.suspended) == ([PATIENT], CLINICIAN, A_BOLUS, None)
    model.fire("bolus_done")
    assert (told, model.state) == ([PATIENT, CLINICIAN], SIMPLE)


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
        assert credit + left == 100_000 * passed + A_BOLUS.remaining
    assert not_delivered_nl(A_BOLUS) == 10_000


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
            "limited": R.UNCONFIRMED,
            "halted": R.LOCKOUT,
            "forgotten": R.UNCONFIRMED,
        },
    ),
    "cancel": (
        lambda bare: bare.ask(CancelBolus()),
        {name: R.NO_BOLUS for name in STATES if "bolus" not in name},
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
    if command not in ("start", "clinician bolus", "patient bolus", "commit", "commit the minimum"):
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


def test_a_pump_prescribed_under_an_alarm_is_not_left_standing_unnoticed() -> None:
    """A prescription committed while an alarm forbids its flow counts as stopped: after 48 hours it alarms."""
    bare = forgotten()
    bare.prescribe(prescription())
    bare.ask(AcknowledgeAlarm(AlarmCode.MEMORY))
    assert (bare.state, bare.rate, bare.pump.panel.raised) == (STOPPED, 0, ())
    bare.advance(48 * HOUR_MS)
    assert bare.alarm(AlarmCode.STOPPED_48H) is not None
