"""One run of a script: a world, what is going on in it, and what was reached, until the judge has seen it."""

from __future__ import annotations

from collections import Counter

from protocol.messages import Message, Prescription, Refused
from protocol.vocabulary import Role
from verify.broken import require
from verify.hostile import FAIR, Weather
from verify.scripts.action import ACTIONS
from verify.scripts.script import Script, Step
from verify.starts import STARTS
from verify.verdict import Verdict

SLOW = 400_000
"""A rate in nL/day at which days may pass in a test."""
ESCAPES = frozenset({"drive_runaway", "valve_open", "mri"})


class Run:
    """A script being played, step by step."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.world = STARTS[script.start](script.seed)
        self.reached: Counter[str] = Counter({f"began {script.start}": 1})
        """What happened: events of the journal, outcomes of commands, weather."""
        self.taken = 0
        """Steps that happened."""
        self._asked_before = len(self.world.answers)
        """What was asked until the script began."""
        self.flipped: set[tuple[str, int]] = set()
        """Bits of memory that are turned over now."""
        self.told_all = True
        """Whether the pump was told of everything that was filled in."""
        self.fluid_changed = False
        self.passed_over: list[str] = []
        """Steps that could not happen."""

    def take(self, step: Step) -> bool:
        """Let a step happen; return False, with nothing done, if it cannot happen now."""
        action = ACTIONS[step.action]
        if not action.possible(self):
            self.passed_over.append(step.line())
            return False
        self.taken += 1
        action.act(self, **step.arguments)
        return True

    def end(self) -> Verdict:
        """Have the run judged, and count what was reached. Further steps would not be judged."""
        verdict = self.world.verdict()
        self.reached.update(verdict.counts())
        self.reached.update(self._carried_out())
        for carrier in self.world.carriers:
            self.reached.update({f"weather {kind}": count for kind, count in carrier.suffered.items()})
        for window in verdict.figures.windows:
            if 10 * window.mass_pg >= 9 * window.limit_pg:
                self.reached[f"a window of {'an hour' if window.hours == 1 else 'a day'} at 90 % of its limit"] += 1
        return verdict

    def require_sound(self, verdict: Verdict) -> None:
        """Raise ``BrokenPropertyError`` unless the judge is content, and the guard of a sound pump was idle."""
        require(verdict.holds, "\n".join([what_broke(verdict), *verdict.lines()]))
        tripped = verdict.figures.occurrences.get("guard.refused")
        require(self.script.faulty or not tripped, "the guard tripped in a healthy pump")

    def _carried_out(self) -> Counter[str]:
        """Count each kind of request that the pump carried out or answered, by whatever action it was asked."""
        answers = self.world.answers[self._asked_before :]
        return Counter(
            f"carried out {type(each.asked).__name__}"
            for each in answers
            if each.reply is not None and not isinstance(each.reply, Refused)
        )

    # --- for actions ---

    def ask(self, role: Role, message: Message, name: str = "") -> Message | None:
        """Ask over the wire and count what came of it."""
        reply = self.world.talk(role, message)
        self.note(name or type(message).__name__, reply)
        return reply

    def insist(self, role: Role, message: Message, name: str = "") -> Message | None:
        """Ask, and once more if nobody answers: another role's session may have taken the place of this one."""
        return self.ask(role, message, name) or self.ask(role, message, name)

    def prescribe(self, prescription: Prescription) -> Message | None:
        """Program as insistently as that."""
        reply = self.world.program(prescription) or self.world.program(prescription)
        self.note("program", reply)
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

    def clear_sky(self) -> None:
        """Let nothing happen to bytes any more."""
        self.set_weather(FAIR)

    def mend(self) -> None:
        """Take every cause away that a clinician can, and wait until that shows."""
        bench = self.world.bench
        for fault in sorted(bench.faults - {"memory"}):
            bench.clear(fault)
        if bench.truth()["valve_shut"]:
            bench.reset_valve()

    def magnet_off(self) -> None:
        """Take the magnet away, if there is one."""
        if "motor_stall" in self.world.bench.faults:
            self.world.bench.clear("motor_stall")

    @property
    def rate(self) -> int:
        """Commanded flow in nL/day, or none without power."""
        pump = self.world.device.pump
        return pump.therapy.rate if pump else 0

    @property
    def valves(self) -> bool:
        """Whether this pump meters with valves."""
        return self.world.profile.drive == "valve"

    @property
    def escaping(self) -> bool:
        """Whether drug may leave the pump unasked: what is filled in, and when, is then no longer the clinician's."""
        return not self.world.bench.faults.isdisjoint(ESCAPES)


def what_broke(verdict: Verdict) -> str:
    """Return in one line what the judge found: which claims and formulas, and the first finding."""
    claims = sorted(claim.value for claim in verdict.broken())
    formulas = [f"formula {formula.id}" for formula in verdict.formulas if formula.violated]
    first = [f"first {min(verdict.findings, key=lambda each: each.at_ms).line()}"] if verdict.findings else []
    return "; ".join([f"broken: {', '.join([*claims, *formulas])}", *first])


def played(script: Script) -> tuple[Run, Verdict]:
    """Play a script to its end; steps that cannot happen are passed over. Raises what an action raises."""
    run = Run(script)
    for step in script.steps:
        run.take(step)
    return run, run.end()
