"""How time passes: to the next thing that happens, to just before or after it, or anywhere."""

from __future__ import annotations

from protocol.units import DAY_MS, HOUR_MS, MINUTE_MS
from verify.scripts.action import Who, action, between, one_of
from verify.scripts.run import SLOW, Run


@action(Who.TIME, times=between(1, 20))
def next_events(run: Run, times: int) -> None:
    """Time goes to the next thing that happens, again and again."""
    for _ in range(times):
        run.world.bench.jump()


@action(Who.TIME, offset_ms=one_of(-1, 1))
def beside_next_event(run: Run, offset_ms: int) -> None:
    """Time goes to one millisecond before or after the next thing that happens."""
    due_ms = run.world.device.next_event_ms
    if due_ms is not None and due_ms + offset_ms > run.world.device.now_ms:
        run.world.device.advance_to(due_ms + offset_ms)


@action(
    Who.TIME,
    for_ms=between(
        1, 2 * HOUR_MS, 1, 2, 999, 1_000, 5_017, 60_000, 60_200, 61_000, 5 * MINUTE_MS, 10 * MINUTE_MS, HOUR_MS
    ),
)
def pass_time(run: Run, for_ms: int) -> None:
    """Some time passes."""
    run.world.bench.advance(for_ms)


@action(Who.TIME, lambda run: run.rate < SLOW, days=between(1, 3))
def pass_days(run: Run, days: int) -> None:
    """Days pass, where that does not take too many strokes."""
    run.world.bench.advance(days * DAY_MS)
