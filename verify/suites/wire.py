"""The safety properties over the real wire: whatever people, faults and time do, the independent judge is content.

Hypothesis draws the script: clinician and patient over frames in any weather, a stranger without a key, faults, power
cuts in the middle of a write, refills, and time that goes to the next event, just before it, just after it, or
anywhere (``verify.scripts``). It begins where it hurts: at full rate, with the highest concentration, a nearly full
ledger, tight limits, windows so small that every few strokes reach one. At the end of each run the journal is judged.

A run that never came near a limit has shown nothing, so what was reached is counted, shown, and insisted on
(``verify.suites.reach``). What breaks is kept as a script, to be played again by ``thecal verify replay``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, NoReturn

from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from verify.scripts.action import Action, Domain
from verify.scripts.catalogue import ACTIONS
from verify.scripts.kept import kept_scripts
from verify.scripts.run import Run, played
from verify.scripts.script import Script, Step
from verify.scripts.shorten import shortened
from verify.scripts.told import replay
from verify.scripts.tours import tours
from verify.starts import STARTS
from verify.suites.suite import BrokenPropertyError, Effort, Property, Suite, require

STEPS = 50
TRIES = 100
"""Plays that shortening a script may take before its story is told: some ten seconds."""
SMOKE = 4
"""Scripts from each start that find most of what can be found; the premises take a few dozen."""


class Wire(RuleBasedStateMachine):
    """One run. The rules are the actions, entered below."""

    start: ClassVar[str]
    faulty: ClassVar[bool]
    """Whether faults may happen. Half of the runs have none, so that flow and limits are reached."""
    effort: ClassVar[Effort]
    last: ClassVar[Script]
    """The script of the run before or of this one; after a failure, of the shortest that fails."""
    run: Run | None = None

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        """Begin somewhere bad."""
        kind = type(self)
        self.effort.tried += 1
        kind.last = Script(kind.start, seed, kind.faulty)
        self.run = Run(kind.last)

    def take(self, name: str, arguments: dict[str, Any]) -> None:
        """Let an action happen, and write it down first."""
        if self.run is None:
            raise TypeError("a rule before the beginning")
        step = Step(name, arguments)
        self.run.script.steps.append(step)
        self.run.take(step)

    def teardown(self) -> None:
        """Judge."""
        if self.run is not None:
            verdict = self.run.end()
            self.effort.reached.update(self.run.reached)
            self.effort.ran(self.run.taken, self.run.world.device.now_ms)
            self.run.require_sound(verdict)


def drawn(domain: Domain) -> st.SearchStrategy[Any]:
    """Return the strategy that draws an argument."""
    if not domain.ranges:
        return st.sampled_from(domain.choices)
    numbers = st.integers(domain.low, domain.high)
    return numbers | st.sampled_from(domain.choices) if domain.choices else numbers


def _rule_of(action: Action) -> Any:
    """Return an action as a rule of the machine."""

    def act(self: Wire, **arguments: Any) -> None:
        self.take(action.name, arguments)

    act.__name__ = action.name
    possible = precondition(lambda self: self.run is not None and action.possible(self.run))
    arguments: Any = {name: drawn(domain) for name, domain in action.domains.items()}
    return possible(rule(**arguments)(act))  # type: ignore[no-untyped-call] # Hypothesis leaves it open


for _action in ACTIONS.values():
    setattr(Wire, _action.name, _rule_of(_action))


def runs(effort: Effort, *, faulty: bool) -> None:
    """Play the tours, then let Hypothesis draw as many scripts as the budget says, from every start; judge each.

    Raises what breaks, with the script that breaks it in ``effort.counterexample``.
    """
    for tour in tours(effort.seed, faulty=faulty):
        play(effort, tour)
    for start in STARTS:
        kind: Any = type(f"From_{start}", (Wire,), {"start": start, "faulty": faulty, "effort": effort})
        try:
            run_state_machine_as_test(seeded(effort.seed)(kind), settings=effort.settings(stateful_step_count=STEPS))
        except Exception as broken:  # noqa: BLE001 - it is told, with the script that leads to it
            _tell(effort, kind.last, broken)


def play(effort: Effort, script: Script, *, whole: bool = False) -> None:
    """Play one script and judge it; each step must happen if it is to be ``whole``. Raises what breaks."""
    effort.tried += 1
    try:
        run, verdict = played(script)
        effort.reached.update(run.reached)
        effort.ran(run.taken, run.world.device.now_ms)
        run.require_sound(verdict)
        passed_over = run.passed_over if whole else []
        require(not passed_over, f"{', '.join(passed_over)} cannot happen any more")
    except Exception as broken:  # noqa: BLE001 - the same
        _tell(effort, script, broken)


def _tell(effort: Effort, script: Script, broken: Exception) -> NoReturn:
    """Keep the script that broke something, as short as can be if stories matter, and raise its story."""
    if not effort.minimal:
        effort.counterexample = kept(script, str(broken))
        raise broken
    short = shortened(script, TRIES)
    told = replay(short)
    if told.holds:  # it was broken by nothing that a replay could see
        effort.counterexample = kept(script, str(broken))
        raise broken
    effort.counterexample = kept(short, told.broken_words)
    raise BrokenPropertyError("\n".join([told.broken_words, "", *told.lines()])) from broken


def kept(script: Script, story: str) -> str:
    """Return a script that broke something as the text of a file; the story's first lines go with it."""
    return replace(script, story="; ".join(story.splitlines()[:3])).text()


def healthy(effort: Effort) -> None:
    """People, weather and time, and no fault: what is prescribed arrives, and the guard has nothing to refuse."""
    runs(effort, faulty=False)


def faulty(effort: Effort) -> None:
    """The same with magnets, flipped bits and power cuts at any instant."""
    runs(effort, faulty=True)


def once_broken(effort: Effort) -> None:
    """Play every script that once broke something, each of its steps."""
    for name, script in kept_scripts().items():
        try:
            play(effort, script, whole=True)
        except Exception as broken:
            broken.add_note(f"kept as {name}")
            raise


# What these show is marked where it is insisted on what must be reached: tests/verify/test_wire_properties.py.
SUITE = Suite(
    "wire",
    "the whole pump, through real frames",
    (
        Property("wire.kept", "No script that once broke something breaks anything again.", once_broken),
        Property("wire.healthy", "No script of people, weather and time breaks what is claimed.", healthy, SMOKE),
        Property("wire.faulty", "Nor does one with faults and power cuts in it.", faulty, SMOKE),
    ),
)
