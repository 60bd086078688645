"""The safety properties over the real wire: whatever people, faults and time do, the independent judge is content.

Hypothesis writes the script: clinician and patient over frames in any weather, a stranger without a key, faults,
power cuts in the middle of a write, refills, and time that goes to the next event, just before it, just after it, or
anywhere. It begins where it hurts: at full rate, with the highest concentration, a nearly full ledger, tight limits,
windows so small that every few strokes reach one. At the end of each run the journal is judged.

A run that never came near a limit has shown nothing, so what was reached is counted, shown, and insisted on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import ClassVar

from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from emulator.bench import BenchError
from protocol.conversation import NoAnswer, PeerRejected
from protocol.messages import (
    Accepted,
    AcknowledgeAlarm,
    CancelBolus,
    Close,
    EnterRefill,
    Interrogate,
    Message,
    PatientBolus,
    PatientBolusGrant,
    QueryCommand,
    Refused,
    SelfTest,
    SetWallClock,
    SilenceAlarms,
    Start,
    Stop,
)
from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS, Nanolitres
from protocol.vocabulary import AlarmCode, Mode, Role, Section
from verify.hostile import FAIR, ROUGH, STORM, Weather
from verify.starts import STARTS, STROKE_NL, STRONGEST, bolus, grant
from verify.suites.suite import BrokenPropertyError, Effort, Property, Suite, require
from verify.world import MORPHINE, NO_BOLUS, World

STEPS = 50
SMOKE = 4
"""Scripts from each start that find most of what can be found; the premises take a few dozen."""
SLOW = 400_000
"""A rate in nL/day at which days may pass in a test."""

ALWAYS_REACH = (
    *(f"began {start.__name__}" for start in STARTS),
    "a command without an answer",
    "a stranger was turned away",
    *(f"weather {kind}" for kind in ("lose", "repeat", "damage", "noise", "replay", "cut")),
    "bench.refill",
    "drive.strokes",
    "alarm.raised reservoir_low",
    "alarm.raised reservoir_empty",
    "alarm.cleared reservoir_low",
    "alarm.cleared reservoir_empty",
    "alarm.raised stopped_48h",
    "alarm.silenced",
    "SilenceAlarms refused silence_spent",
    "AcknowledgeAlarm refused cause_present",
    "pump.bolus clinician started",
    "pump.bolus clinician ended",
    "pump.bolus patient started",
    "pump.bolus patient ended",
    "ClinicianBolus refused hour_limit",
    "PatientBolus refused lockout",
    "other fluid done",
)
HEALTHY_REACH = (
    *ALWAYS_REACH,
    *(f"program refused {reason}" for reason in ("hour_limit", "day_limit")),
    *(f"ClinicianBolus refused {reason}" for reason in ("day_limit", "bolus_running", "rate_range")),
    *(f"PatientBolus refused {reason}" for reason in ("count_limit", "patient_bolus_off", "bolus_running")),
    "a window of an hour at 90 % of its limit",
    "a window of a day at 90 % of its limit",
)
FAULTY_REACH = (
    *ALWAYS_REACH,
    *(f"alarm.raised {code.name.lower()}" for code in AlarmCode),
    *(f"alarm.cleared {code.name.lower()}" for code in AlarmCode),
    "fault.injected memory",
    "fault.injected motor_stall",
    "fault.injected mri",
    "drive.recovered",
    "fault.injected drive_runaway",
    "fault.injected valve_open",
    "fault.injected clock",
    "fault.injected annunciator",
    "fault.injected telemetry_latch",
    "fault.injected battery_eri",
    "fault.injected battery_eos",
    "fault.injected low_battery_reset",
    "telemetry.held",
    "telemetry.released",
    "valve.shut",
    "bench.valve_reset",
    "guard.refused",
    "power.cut",
    "power cut at a write",
    "PatientBolus refused unconfirmed",
    "PatientBolus refused alarm_restricts",
    "ClinicianBolus refused alarm_restricts",
    "Start refused alarm_restricts",
)
"""The premises of what is claimed. A run of the suite that misses one has not shown the claim."""


# --- what may happen -----------------------------------------------------------------------------------------


GRANTS = st.builds(
    grant,
    strokes=st.sampled_from([1, 2, 4, 9, 30]),
    minutes=st.sampled_from([1, 2, 30]),
    lockout=st.sampled_from([5, 6, 30]),
    count=st.sampled_from([1, 2, 4, 50]),
) | st.just(NO_BOLUS)
TIMES = st.sampled_from(
    [1, 2, 999, 1_000, 5_017, 60_000, 60_200, 61_000, 5 * MINUTE_MS, 10 * MINUTE_MS, HOUR_MS]
) | st.integers(1, 2 * HOUR_MS)


class Wire(RuleBasedStateMachine):
    """One run."""

    start: ClassVar[Callable[[int], World]]
    faulty: ClassVar[bool]
    """Whether faults may happen. Half of the runs have none, so that flow and limits are reached."""
    reached: ClassVar[Counter[str]]
    """What happened in all runs: events of the journals, outcomes of commands, weather."""
    effort: ClassVar[Effort]
    world: World

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        """Begin somewhere bad."""
        self.effort.tried += 1
        self.flipped: set[tuple[str, int]] = set()
        self.told_all, self.fluid_changed = True, False
        start = type(self).start
        self.world = start(seed)
        self.reached[f"began {start.__name__}"] += 1

    def teardown(self) -> None:
        """Judge."""
        if not hasattr(self, "world"):
            return
        verdict = self.world.verdict()
        figures = verdict.figures
        self.reached.update(verdict.counts())
        for carrier in self.world.carriers:
            self.reached.update({f"weather {kind}": count for kind, count in carrier.suffered.items()})
        for window in figures.windows:
            if 10 * window.mass_pg >= 9 * window.limit_pg:
                self.reached[f"a window of {'an hour' if window.hours == 1 else 'a day'} at 90 % of its limit"] += 1
        require(verdict.holds, "\n".join(verdict.lines()))
        tripped = figures.occurrences.get("guard.refused")
        require(self.faulty or not tripped, "the guard tripped in a healthy pump")

    def ask(self, role: Role, message: Message, name: str = "") -> Message | None:
        """Ask over the wire and count what came of it."""
        reply = self.world.talk(role, message)
        self.note(name or type(message).__name__, reply)
        return reply

    def note(self, name: str, reply: Message | None) -> None:
        """Count what came of a command."""
        if reply is None:
            self.reached["a command without an answer"] += 1
        elif isinstance(reply, Refused):
            self.reached[f"{name} refused {reply.reason.name.lower()}"] += 1
        else:
            self.reached[f"{name} done"] += 1

    def set_weather(self, weather: Weather) -> None:
        """Change the weather on all wires to come and all that there are."""
        self.world.weather = weather
        for carrier in self.world.carriers:
            carrier.weather = weather

    # --- people ---

    @rule(
        rate=st.integers(48_000, 12_000_000) | st.sampled_from([48_000, 100_000, 800_000, 24_000_000]),
        mode=st.sampled_from([Mode.SIMPLE_CONTINUOUS] * 4 + [Mode.MINIMUM_RATE, Mode.STOPPED]),
        hour=st.integers(1, 40),
        day=st.integers(1, 400),
        patient=GRANTS,
    )
    def program(self, rate: int, mode: Mode, hour: int, day: int, patient: PatientBolusGrant) -> None:
        """A clinician programs some rate with some limits."""
        mass_pg = STROKE_NL * self.world.concentration
        prescription = self.world.prescription(
            rate, mode=mode, limit_1h=hour * mass_pg, limit_24h=day * mass_pg, patient_bolus=patient
        )
        self.note("program", self.world.program(prescription))

    @rule()
    def confirm(self) -> None:
        """A clinician sends the prescription that the pump has once more."""
        pump = self.world.device.pump
        if pump and pump.therapy.prescription:
            self.note("confirm", self.world.program(pump.therapy.prescription))

    @rule(strokes=st.sampled_from([1, 2, 3, 5, 8, 20, 60]), minutes=st.sampled_from([1, 1, 2, 30, 24 * 60]))
    def clinician_bolus(self, strokes: int, minutes: int) -> None:
        """A clinician gives a bolus."""
        self.ask(Role.CLINICIAN, bolus(strokes, minutes))

    @rule(presses=st.integers(1, 4))
    def patient_bolus(self, presses: int) -> None:
        """The patient presses the button, more than once."""
        for _ in range(presses):
            self.ask(Role.PATIENT, PatientBolus())

    @rule(
        message=st.sampled_from(
            [Stop(), Start(), Start(), CancelBolus(), SilenceAlarms(), SilenceAlarms(), SelfTest(), Close(True)]
        )
    )
    def command(self, message: Message) -> None:
        """A clinician gives a plain command."""
        self.ask(Role.CLINICIAN, message)

    @rule()
    def acknowledge_all(self) -> None:
        """A clinician acknowledges every alarm there is."""
        for code in AlarmCode:
            self.ask(Role.CLINICIAN, AcknowledgeAlarm(code))

    @rule(section=st.sampled_from(list(Section)), role=st.sampled_from(list(Role)))
    def look(self, section: Section, role: Role) -> None:
        """Anybody with a key may look, and looking changes nothing."""
        self.ask(role, Interrogate(section))
        self.ask(role, QueryCommand(bytes(8)))

    @rule(role=st.sampled_from([Role.PATIENT, Role.OBSERVER]), message=st.sampled_from([Stop(), Start(), SelfTest()]))
    def not_allowed(self, role: Role, message: Message) -> None:
        """A patient or observer tries what only a clinician may."""
        reply = self.ask(role, message)
        require(reply is None or isinstance(reply, Refused), f"a {role.name.lower()} may ask {message}: {reply}")

    @rule(unix_ms=st.sampled_from([0, 2**31 * 1_000, 2**32 * 1_000, 1_709_164_800_000, 1_711_846_800_000]))
    def wall_clock(self, unix_ms: int) -> None:
        """The wall clock is set: to zero, past 2038, to a leap day, into a change of daylight saving."""
        self.ask(Role.CLINICIAN, SetWallClock(unix_ms))

    @rule(strokes=st.sampled_from([0, 3, 60, 4_000, 40_000]), told=st.booleans())
    def refill(self, strokes: int, told: bool) -> None:
        """The reservoir is filled, and the pump is told or not.

        With less than it believes, it may run dry unnoticed and then no longer knows what stands in its line: no
        change of fluid in the same run, since what the pump is told about its fluid is a premise of the limits. So a
        telling without an answer, after which nobody knows what the pump believes, is followed by a full reservoir.
        """
        if not told and (self.fluid_changed or self.escaping):
            return
        self.told_all = self.told_all and told
        if told:
            entry = EnterRefill(Nanolitres(0), Nanolitres(strokes * STROKE_NL))
            if not isinstance(self.ask(Role.CLINICIAN, entry), Accepted):
                strokes = self.world.profile.capacity.value // STROKE_NL
        self.world.bench.refill(strokes * STROKE_NL)

    @rule()
    def visit(self) -> None:
        """A clinician puts everything right: fills, confirms, acknowledges, starts."""
        self.set_weather(FAIR)
        self.all_mended()
        self.world.bench.restore_power()
        self.refill(strokes=40_000, told=True)
        self.confirm()
        self.command(Start())
        self.acknowledge_all()
        self.command(Start())

    @rule(wait=st.booleans())
    def fill_the_windows(self, wait: bool) -> None:
        """A clinician gives the largest bolus that is accepted, then smaller ones, until nothing more fits."""
        for strokes in (64, 32, 16, 8, 4, 2, 1):
            reply = self.ask(Role.CLINICIAN, bolus(strokes, minutes=1))
            if wait or not isinstance(reply, Refused):
                self.world.bench.advance(MINUTE_MS + 1_000)

    @rule(presses=st.integers(2, 30))
    def press_for_hours(self, presses: int) -> None:
        """The patient presses again as soon as the pump says that it may help."""
        for _ in range(presses):
            reply = self.ask(Role.PATIENT, PatientBolus())
            wait_ms = reply.retry_after.value if isinstance(reply, Refused) else MINUTE_MS
            self.world.bench.advance(min(wait_ms, DAY_MS if self.rate < SLOW else HOUR_MS))

    @rule()
    def left_stopped(self) -> None:
        """A clinician stops the pump and forgets it for two days; then somebody notices."""
        self.set_weather(FAIR)
        self.ask(Role.CLINICIAN, Stop())
        self.world.bench.advance(2 * DAY_MS + 15 * MINUTE_MS)
        self.visit()

    @rule()
    def silence_twice(self) -> None:
        """Somebody wants quiet."""
        self.ask(Role.CLINICIAN, SilenceAlarms())
        self.ask(Role.CLINICIAN, SilenceAlarms())

    @rule(concentration=st.sampled_from([STRONGEST, 5_000, 1_000]), share=st.sampled_from([1, 2, 8]))
    def other_fluid(self, concentration: int, share: int) -> None:
        """The reservoir is filled with another concentration and the pump is told at once; no bridge is given.

        The rate is the one that keeps the dose, or a part of it. If the pump does not take the prescription, the old
        fluid is filled in again: what the label says is in the reservoir is one of the premises.
        """
        pump, world = self.world.device.pump, self.world
        before, volume_nl = world.concentration, world.bench.residual_nl()
        if pump is None or pump.therapy.prescription is None or not self.told_all or self.escaping:
            return
        self.fluid_changed = True
        self.set_weather(FAIR)
        drug = pump.therapy.prescription.drugs[0]
        world.concentration = concentration
        rate = max(48_000, pump.therapy.prescription.rate.value * before // concentration // share)
        prescription = world.prescription(
            min(rate, 24_000_000), limit_1h=drug.limit_1h.value, limit_24h=drug.limit_24h.value
        )
        world.bench.refill(volume_nl, ((MORPHINE, concentration),))
        reply = world.program(prescription)
        self.note("other fluid", reply)
        if not isinstance(reply, Accepted):
            world.concentration = before
            world.bench.refill(volume_nl, ((MORPHINE, before),))

    # --- the world ---

    @rule(weather=st.sampled_from([FAIR, FAIR, ROUGH, STORM]))
    def change_weather(self, weather: Weather) -> None:
        """The wire gets better or worse."""
        self.set_weather(weather)

    @rule()
    def replay(self) -> None:
        """Somebody sends everything once more that was ever on the last wires."""
        for carrier in self.world.carriers[-3:]:
            carrier.replay_all()

    @rule()
    def stranger(self) -> None:
        """Somebody without the key tries to open a session."""
        try:
            self.world.stranger().connect()
        except (NoAnswer, PeerRejected):
            self.reached["a stranger was turned away"] += 1
        else:
            raise BrokenPropertyError("a stranger was let in")

    @precondition(lambda self: self.faulty)
    @rule(stalled=st.booleans())
    def magnet(self, stalled: bool) -> None:
        """A strong magnetic field comes or goes."""
        if stalled and not self.valves:
            self.world.bench.inject("motor_stall")
        else:
            self.magnet_off()

    @precondition(lambda self: self.faulty)
    @rule()
    def examination(self) -> None:
        """A magnet stays until the stall is announced; the patient presses; the magnet goes and flow returns."""
        self.magnet(stalled=True)
        self.world.bench.advance(20 * MINUTE_MS)
        self.ask(Role.PATIENT, PatientBolus())
        self.ask(Role.CLINICIAN, bolus(2, minutes=1))
        self.magnet_off()
        self.world.bench.advance(20 * MINUTE_MS)
        self.ask(Role.CLINICIAN, AcknowledgeAlarm(AlarmCode.MOTOR_STALL))

    def magnet_off(self) -> None:
        """Take the magnet away, if there is one."""
        if "motor_stall" in self.world.bench.faults:
            self.world.bench.clear("motor_stall")

    @property
    def valves(self) -> bool:
        """Whether this pump meters with valves."""
        return self.world.profile.drive == "valve"

    @property
    def escaping(self) -> bool:
        """Whether drug may leave the pump unasked: what is filled in, and when, is then no longer the clinician's."""
        return not self.world.bench.faults.isdisjoint({"drive_runaway", "valve_open", "mri"})

    def all_mended(self) -> None:
        """Take every cause away that a clinician can, and wait until that shows."""
        bench = self.world.bench
        for fault in sorted(bench.faults - {"memory"}):
            bench.clear(fault)
        if bench.truth()["valve_shut"]:
            bench.reset_valve()

    @precondition(lambda self: self.faulty)
    @rule(rate=st.sampled_from([96_000, 1_000_000, 24_000_000]), for_ms=st.sampled_from([1, MINUTE_MS, HOUR_MS]))
    def run_away(self, rate: int, for_ms: int) -> None:
        """The drive turns by itself for a while; then a clinician comes."""
        self.world.bench.inject("drive_runaway", rate=rate, lasts=for_ms)
        self.world.bench.advance(for_ms)
        self.ask(Role.PATIENT, PatientBolus())
        self.world.bench.advance(16 * MINUTE_MS)
        self.visit()

    @precondition(lambda self: self.faulty)
    @rule(for_ms=st.sampled_from([1, MINUTE_MS, HOUR_MS]), recovery=st.sampled_from([0, 1, HOUR_MS, DAY_MS]))
    def field(self, for_ms: int, recovery: int) -> None:
        """The patient goes through an examination, and is interrogated before and after flow returns."""
        self.world.bench.inject("mri", lasts=for_ms, recovery=recovery)
        self.world.bench.advance(for_ms)
        self.look(Section.ALARMS, Role.OBSERVER)
        self.world.bench.advance(recovery if self.rate < SLOW else HOUR_MS)
        self.look(Section.ALARMS, Role.OBSERVER)
        self.visit()

    @precondition(lambda self: self.faulty)
    @rule(
        how=st.sampled_from(["stands", "forwards", "backwards", "wraps"]),
        by=st.sampled_from([2_000, HOUR_MS, DAY_MS]),
        for_ms=st.sampled_from([1, 31_000, HOUR_MS]),
    )
    def bad_clock(self, how: str, by: int, for_ms: int) -> None:
        """The clock goes wrong for a while, and everybody presses for more meanwhile."""
        self.world.bench.inject("clock", how=how, by=by)
        self.world.bench.advance(for_ms)
        self.ask(Role.PATIENT, PatientBolus())
        self.fill_the_windows(wait=True)
        self.visit()

    @precondition(lambda self: self.faulty)
    @rule()
    def mute(self) -> None:
        """The sounder breaks, and a day later somebody notices."""
        self.world.bench.inject("annunciator")
        self.world.bench.advance(DAY_MS if self.rate < SLOW else HOUR_MS)
        self.look(Section.ALARMS, Role.OBSERVER)
        self.visit()
        self.ask(Role.CLINICIAN, SelfTest())
        self.acknowledge_all()

    @precondition(lambda self: self.faulty)
    @rule(for_ms=st.sampled_from([MINUTE_MS, HOUR_MS, 3 * HOUR_MS]))
    def interference(self, for_ms: int) -> None:
        """A disturbance, during which an alarm is likely to sound."""
        self.world.bench.inject("telemetry_latch")
        self.ask(Role.CLINICIAN, Stop())
        self.world.bench.advance(for_ms)
        self.visit()

    @precondition(lambda self: self.faulty)
    @rule(worn=st.sampled_from([("battery_eri", 90), ("battery_eri", 21), ("battery_eos", 20)]))
    def worn_battery(self, worn: tuple[str, int]) -> None:
        """The battery gets old all at once, and is used on."""
        fault, left = worn
        self.world.bench.inject(fault, left=left)
        self.world.bench.advance(DAY_MS if self.rate < SLOW else HOUR_MS)
        self.acknowledge_all()

    @precondition(lambda self: self.faulty)
    @rule()
    def new_battery(self) -> None:
        """The emulation's own mercy: a full battery, so that the run can go on."""
        for fault in sorted(self.world.bench.faults & {"battery_eri", "battery_eos"}):
            self.world.bench.clear(fault)
        self.world.device.body.battery.used = 0
        self.world.device.body.look_at_battery()
        self.visit()

    @precondition(lambda self: self.faulty)
    @rule()
    def flicker(self) -> None:
        """The battery's voltage breaks down for a moment."""
        self.world.bench.inject("low_battery_reset")

    @rule(minutes=st.sampled_from([0, 6, 11]))
    def cut_off(self, minutes: int) -> None:
        """A clinician stops the pump and is cut off; after a while somebody comes back, or nobody does."""
        self.set_weather(FAIR)
        self.ask(Role.CLINICIAN, Stop())
        self.world.hang_up()
        self.world.bench.advance(minutes * MINUTE_MS)

    @rule(times=st.integers(1, 6))
    def strangers(self, times: int) -> None:
        """Somebody without the key proves nothing, again and again."""
        self.set_weather(FAIR)
        for _ in range(times):
            self.world.wrong_proof()
            self.world.bench.advance(11_000)

    @precondition(lambda self: self.faulty and self.valves)
    @rule(for_ms=st.sampled_from([1, 600, MINUTE_MS]))
    def open_valves(self, for_ms: int) -> None:
        """The valves come to stand open, and perhaps nobody looks after them."""
        self.world.bench.inject("valve_open", lasts=for_ms)
        self.world.bench.advance(for_ms)
        self.world.bench.advance(MINUTE_MS)

    @precondition(lambda self: self.faulty)
    @rule(
        place=st.sampled_from(["therapy", "ledgers", "ledgers", "metering", "alarms", "identity", "log"]),
        bit=st.integers(0, 4_000),
    )
    def flip(self, place: str, bit: int) -> None:
        """A bit flips in memory; not one that is damaged already, since flipping it back would repair it."""
        if not self.world.device.chip.damage():
            self.flipped = set()
        if (place, bit) in self.flipped:
            return
        try:
            self.world.bench.inject("memory", place=place, bit=bit)
            self.flipped.add((place, bit))
        except BenchError:
            self.reached["no such bit"] += 1

    @precondition(lambda self: self.faulty)
    @rule(for_ms=st.sampled_from([0, 1, 60_000, HOUR_MS, DAY_MS]))
    def power_cut(self, for_ms: int) -> None:
        """Power fails for a while."""
        self.world.bench.cut_power()
        self.world.bench.advance(for_ms)
        self.world.bench.restore_power()

    @precondition(lambda self: self.faulty)
    @rule(bit=st.integers(0, 400))
    def lost_ledger(self, bit: int) -> None:
        """The guard's ledgers are damaged: they count as full, and refuse every stroke until a day has gone by."""
        self.set_weather(FAIR)
        self.flip("ledgers", bit)
        self.world.bench.advance(3 * HOUR_MS)
        self.visit()
        self.world.bench.advance(HOUR_MS)
        self.ask(Role.CLINICIAN, AcknowledgeAlarm(AlarmCode.DOSE_LIMIT))

    @precondition(lambda self: self.faulty)
    @rule()
    def brown_out(self) -> None:
        """The windows are full, power flickers, a clinician puts everything right, and asks for more."""
        self.fill_the_windows(wait=True)
        self.power_cut(for_ms=0)
        self.visit()
        self.fill_the_windows(wait=True)

    @precondition(lambda self: self.faulty)
    @rule(step=st.integers(0, 12))
    def power_cut_at_write(self, step: int) -> None:
        """Power fails in the middle of a write to memory, one of the next, while a clinician is at it."""
        self.world.bench.cut_power_at_write(step)
        self.confirm()

    @precondition(lambda self: not self.world.device.powered)
    @rule()
    def power_returns(self) -> None:
        """Power comes back after it failed at a write."""
        self.reached["power cut at a write"] += 1
        self.world.bench.restore_power()

    # --- time ---

    @rule(times=st.integers(1, 20))
    def next_events(self, times: int) -> None:
        """Time goes to the next thing that happens, again and again."""
        for _ in range(times):
            self.world.bench.jump()

    @rule(offset_ms=st.sampled_from([-1, 1]))
    def beside_next_event(self, offset_ms: int) -> None:
        """Time goes to one millisecond before or after the next thing that happens."""
        due_ms = self.world.device.next_event_ms
        if due_ms is not None and due_ms + offset_ms > self.world.device.now_ms:
            self.world.device.advance_to(due_ms + offset_ms)

    @rule(for_ms=TIMES)
    def pass_time(self, for_ms: int) -> None:
        """Some time passes."""
        self.world.bench.advance(for_ms)

    @precondition(lambda self: self.rate < SLOW)
    @rule(days=st.integers(1, 3))
    def pass_days(self, days: int) -> None:
        """Days pass, where that does not take too many strokes."""
        self.world.bench.advance(days * DAY_MS)

    @property
    def rate(self) -> int:
        """Commanded flow, or none without power."""
        pump = self.world.device.pump
        return pump.therapy.rate if pump else 0


def runs(effort: Effort, *, faulty: bool) -> None:
    """Let Hypothesis write as many scripts as the budget says, from every start; judge each."""
    for begins in STARTS:
        attributes = {"start": begins, "faulty": faulty, "reached": effort.reached, "effort": effort}
        kind = seeded(effort.seed)(type(f"From_{begins.__name__}", (Wire,), attributes))
        run_state_machine_as_test(kind, settings=effort.settings(stateful_step_count=STEPS))


def healthy(effort: Effort) -> None:
    """People, weather and time, and no fault: what is prescribed arrives, and the guard has nothing to refuse."""
    runs(effort, faulty=False)


def faulty(effort: Effort) -> None:
    """The same with magnets, flipped bits and power cuts at any instant."""
    runs(effort, faulty=True)


SUITE = Suite(
    "wire",
    "the whole pump, through real frames",
    (
        Property("wire.healthy", "No script of people, weather and time breaks what is claimed.", healthy, SMOKE),
        Property("wire.faulty", "Nor does one with faults and power cuts in it.", faulty, SMOKE),
    ),
)
