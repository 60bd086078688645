"""The alarm panel against a model that remembers when each thing happened.

The model keeps every raised alarm in a list, and for the sounder only what was promised: how soon it must sound, how
long a silence may last, and that one must have been heard before the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from emulator.firmware import alarms
from emulator.firmware.alarms import Panel, Timing
from protocol.vocabulary import AlarmCode, AlarmStatus, Priority
from verify.suites.suite import Effort, Property, Suite, require

TIMING = Timing(critical_ms=10, non_critical_ms=60, silence_ms=25)
FEW = 3
"""So many alarms meet each other often; there is nothing about a panel that needs more."""
CODES = tuple(AlarmCode)[:FEW]
PRIORITIES = {code: Priority.CRITICAL if code % 2 else Priority.NON_CRITICAL for code in AlarmCode}
Action = tuple[str, int]


@dataclass
class Wall:
    """What hangs on the wall, and what was heard."""

    raised: dict[AlarmCode, tuple[AlarmStatus, int]] = field(default_factory=dict)
    """In order of occurrence: a returning alarm is a new one."""
    now: int = 0
    heard_at: int | None = None
    """The last sound since the last event that must be heard at once."""
    quiet_until: int = 0
    heard_since_silence: bool = False

    @property
    def interval(self) -> int:
        """How often the sounder must sound."""
        critical = any(PRIORITIES[code] is Priority.CRITICAL for code in self.raised)
        return TIMING.critical_ms if critical else TIMING.non_critical_ms

    def due(self) -> int | None:
        """Return when the sounder must sound next."""
        if not self.raised:
            return None
        if self.heard_at is None:
            return self.now
        return max(self.heard_at + self.interval, self.quiet_until)


def life(effort: Effort) -> None:
    """Let alarms come, go, return, be acknowledged and silenced, and power fail, in any order."""

    def check(now: int, actions: list[Action]) -> None:
        panel, wall = Panel(), Wall(now=now)
        for action in actions:
            waited = action[0] == "wait"
            panel = _waited(panel, wall, action[1]) if waited else _done(panel, wall, action, effort)
            _compare(panel, wall, action)

    kinds = ("raise", "raise", "gone", "clear", "silence", "restart")
    acts = st.tuples(st.sampled_from(kinds), st.integers(0, FEW - 1))
    waits = st.tuples(st.just("wait"), st.sampled_from([0, 1, 9, 10, 24, 25, 26, 60]))
    effort.search(check, now=st.sampled_from((0, 1, 1_000)), actions=st.lists(acts | waits, min_size=10, max_size=50))


def _done(panel: Panel, wall: Wall, action: Action, effort: Effort) -> Panel:
    """Let one thing happen to both."""
    kind, number = action
    code = CODES[number % FEW]
    status = wall.raised.get(code, (None, 0))[0]
    match kind:
        case "raise":
            if status is not AlarmStatus.ACTIVE:
                wall.raised.pop(code, None)
                wall.raised[code] = (AlarmStatus.ACTIVE, wall.now)
                wall.heard_at, wall.quiet_until = None, 0
                effort.reached["a returning alarm"] += status is AlarmStatus.LATCHED
            return alarms.raise_alarm(panel, code, wall.now)
        case "gone":
            if status is AlarmStatus.ACTIVE:
                wall.raised[code] = (AlarmStatus.LATCHED, wall.raised[code][1])
            return alarms.cause_gone(panel, code)
        case "clear":
            if status is AlarmStatus.LATCHED:
                del wall.raised[code]
                effort.reached["an acknowledged alarm"] += 1
                return alarms.clear(panel, code)
        case "silence":
            require(panel.may_silence is wall.heard_since_silence, f"a silence may be had: {panel.may_silence}")
            if panel.may_silence and wall.raised:
                wall.quiet_until, wall.heard_since_silence = wall.now + TIMING.silence_ms, False
                effort.reached["a silence"] += 1
                return alarms.silence(panel, wall.now, TIMING)
        case _:
            wall.heard_at, wall.quiet_until = None, 0
            return alarms.restarted(panel)
    return panel


def _waited(panel: Panel, wall: Wall, for_ms: int) -> Panel:
    """Let time pass, and the sounder sound whenever it must."""
    end = wall.now + for_ms
    while (due := alarms.sound_due(panel, PRIORITIES, TIMING)) is not None and due <= end:
        expected = wall.due()
        wall.now = max(wall.now, due)
        require(expected is not None and wall.now == max(expected, wall.now), f"it sounds at {due}, not {expected}")
        panel = alarms.sounded(panel, wall.now)
        wall.heard_at, wall.heard_since_silence = wall.now, True
    wall.now = end
    return panel


def _compare(panel: Panel, wall: Wall, after: Action) -> None:
    """Compare everything that can be seen of the panel."""
    seen = [(alarm.code, alarm.status, alarm.raised_at) for alarm in panel.raised]
    expected = [(code, status, at) for code, (status, at) in wall.raised.items()]
    require(seen == expected, f"after {after} the panel shows {seen}, not {expected}")
    due, must = alarms.sound_due(panel, PRIORITIES, TIMING), wall.due()
    require((due is None) is (must is None), f"after {after} the next sound is due at {due}, not {must}")
    if due is not None and must is not None:
        require(
            max(due, wall.now) == max(must, wall.now), f"after {after} the next sound is due at {due}, not {must}"
        )
        latest = wall.now + max(TIMING.non_critical_ms, TIMING.silence_ms)
        require(due <= latest, f"after {after} the pump is mute until {due}")
    for code in AlarmCode:
        status = wall.raised.get(code, (None, 0))[0]
        require(alarms.is_raised(panel, code) is (status is not None), f"after {after}: is_raised of {code.name}")
        active = status is AlarmStatus.ACTIVE
        require(alarms.is_active(panel, code) is active, f"after {after}: is_active of {code.name}")
    bits = [code for code in AlarmCode if alarms.word(panel) >> code & 1]
    require(bits == sorted(wall.raised), f"after {after} the alarm word has the bits {bits}")
    require(alarms.word(panel) >> 64 == 0, "the alarm word has bits of no alarm")
    order = [alarm.code for alarm in alarms.in_order(panel, PRIORITIES)]
    first = [code for code in wall.raised if PRIORITIES[code] is Priority.CRITICAL]
    require(order == first + [code for code in wall.raised if code not in first], f"after {after} it shows {order}")


def flows(effort: Effort) -> None:
    """Look at what an alarm may do to the flow."""
    effort.tried += 1
    require(not alarms.KEEP.restricts, "an alarm that keeps the flow restricts it")
    require(alarms.MINIMUM.restricts and alarms.STOP.restricts, "an alarm that lowers the flow does not hold it down")


def silence_is_for_what_was_heard(effort: Effort) -> None:
    """Silence one alarm, raise each other one at each instant of the silence, and listen to the second sound, too."""
    for first in CODES:
        for second in set(CODES) - {first}:
            for after_ms in range(TIMING.silence_ms):
                effort.tried += 1
                heard = alarms.sounded(alarms.raise_alarm(Panel(), first, 0), 0)
                panel = alarms.raise_alarm(alarms.silence(heard, 0, TIMING), second, after_ms)
                due = alarms.sound_due(panel, PRIORITIES, TIMING)
                require(due is not None and due <= after_ms, f"an alarm in a silence is heard at {due}")
                critical = Priority.CRITICAL in (PRIORITIES[first], PRIORITIES[second])
                again = alarms.sound_due(alarms.sounded(panel, after_ms), PRIORITIES, TIMING)
                interval = TIMING.critical_ms if critical else TIMING.non_critical_ms
                require(again == after_ms + interval, f"the silence before it goes on: heard again at {again}")


SUITE = Suite(
    "panel",
    "the alarm panel",
    (
        Property("panel.flows", "Lowering the flow holds it down.", flows),
        Property(
            "panel.silence",
            "A silence is for what was heard, not for what comes.",
            silence_is_for_what_was_heard,
            verifies=("ALM-09",),
        ),
        Property(
            "panel.life",
            "Alarms are raised, latched, ordered, heard and silenced as promised, in any order of events.",
            life,
            250,
            ("a returning alarm", "an acknowledged alarm", "a silence"),
            verifies=("ALM-08", "ALM-09", "ALM-10", "ALM-11", "ALM-12", "ALM-13", "COM-16"),
        ),
    ),
)
