"""Boolean signals over exact time, as the instants at which they flip.

Time is counted in whole milliseconds, and things that happen in the same millisecond keep their order: an instant is
``(milliseconds, order)``, written as one integer, ``milliseconds << ORDER_BITS | order``, so that instants compare as
time does and every instant has a next one. A switch is false before its first flip, true from that instant on
until just before the next flip, and so on: every stretch is half-open. Something momentary is true for one instant.

All operations are pure and go through the flips once, in order, apart from a sort of two sorted runs, which is
linear too.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

ORDER_BITS = 20
"""Room for a million things in one millisecond."""

Switch = Sequence[int]
"""The instants at which a boolean signal flips, strictly rising. It is false before the first."""

NEVER: Switch = ()
ALWAYS: Switch = (0,)


def instant(at_ms: int, order: int = 0) -> int:
    """Return an instant from its millisecond and its place in it. Raises ``ValueError`` if there is no room."""
    if not 0 <= order < 1 << ORDER_BITS:
        raise ValueError(f"more than {1 << ORDER_BITS} things in one millisecond, at {at_ms} ms")
    return at_ms << ORDER_BITS | order


def ms_of(when: int) -> int:
    """Return the millisecond of an instant."""
    return when >> ORDER_BITS


def value_at(switch: Switch, when: int) -> bool:
    """Return whether a switch is true at an instant."""
    return bool(bisect_right(switch, when) & 1)


def stretches(switch: Switch) -> Iterator[tuple[int, int | None]]:
    """Yield where a switch is true: from, and up to but without; None if it never ends."""
    for index in range(0, len(switch), 2):
        yield switch[index], switch[index + 1] if index + 1 < len(switch) else None


def switch_of(spans: Iterable[tuple[int, int | None]]) -> Switch:
    """Return the switch that is true in each of these spans, which begin in order and may touch or overlap."""
    flips: list[int] = []
    for begins, ends in spans:
        if ends is not None and ends <= begins:
            continue
        if len(flips) & 1:
            break
        if flips and begins <= flips[-1]:
            last = flips.pop()
            if ends is not None:
                flips.append(max(last, ends))
        else:
            flips.append(begins)
            if ends is not None:
                flips.append(ends)
    return flips


def negated(switch: Switch) -> Switch:
    """Return where a switch is false."""
    return switch[1:] if switch and switch[0] == 0 else (0, *switch)


def either(one: Switch, other: Switch) -> Switch:
    """Return where at least one of two switches is true."""
    if not one or not other:
        return one or other
    # An even mark begins a stretch and an odd one ends it; a beginning comes first where both fall together.
    marks = [flip << 1 | index & 1 for switch in (one, other) for index, flip in enumerate(switch)]
    marks.sort()
    flips: list[int] = []
    depth = 0
    for mark in marks:
        if mark & 1:
            depth -= 1
            if not depth:
                flips.append(mark >> 1)
        else:
            if not depth:
                flips.append(mark >> 1)
            depth += 1
    return flips


def both(one: Switch, other: Switch) -> Switch:
    """Return where two switches are both true."""
    if not one or not other:
        return NEVER
    if 8 * len(one) < len(other):
        return _clipped(other, one)
    if 8 * len(other) < len(one):
        return _clipped(one, other)
    return negated(either(negated(one), negated(other)))


def soon(switch: Switch, within_ms: int) -> Switch:
    """Return where a switch is true now or at some instant before the end of the millisecond ``within_ms`` ahead."""
    return switch_of((instant(max(0, ms_of(begins) - within_ms)), ends) for begins, ends in stretches(switch))


def recently(switch: Switch, within_ms: int) -> Switch:
    """Return where a switch is true now or was since the beginning of the millisecond ``within_ms`` ago."""
    return switch_of(
        (begins, None if ends is None else instant(ms_of(ends - 1) + within_ms + 1))
        for begins, ends in stretches(switch)
    )


def held(switch: Switch, for_ms: int) -> Switch:
    """Return where a switch is true and has been without a break since an instant at least ``for_ms`` ago."""
    return switch_of((max(begins, instant(ms_of(begins) + for_ms)), ends) for begins, ends in stretches(switch))


def at_some_time_before(switch: Switch) -> Switch:
    """Return where a switch is true now or was at any instant before."""
    return switch[:1]


def at_some_time_after(switch: Switch) -> Switch:
    """Return where a switch is true now or will be at any instant after."""
    if not switch:
        return NEVER
    return ALWAYS if len(switch) & 1 else (0, switch[-1])


def since(lasting: Switch, began: Switch) -> Switch:
    """Return where ``began`` is true, or was and ``lasting`` has been true at every instant after it until now."""
    if not began:
        return NEVER
    spans: list[tuple[int, int | None]] = list(stretches(began))
    for begins, ends in stretches(lasting):
        first = _first_true(began, max(0, begins - 1))
        if first is not None and (ends is None or first < ends):
            spans.append((max(begins, first), ends))
    return switch_of(sorted(spans, key=lambda span: span[0]))


def just_before(switch: Switch) -> Switch:
    """Return where a switch was true at the instant before; nothing was before the first instant."""
    return [flip + 1 for flip in switch]


def _first_true(switch: Switch, since_when: int) -> int | None:
    index = bisect_right(switch, since_when)
    if index & 1:
        return since_when
    return switch[index] if index < len(switch) else None


def _clipped(many: Switch, few: Switch) -> Switch:
    """Return where both are true, looking only at those flips of the one that fall into the other's stretches."""
    flips: list[int] = []
    for begins, ends in stretches(few):
        first = bisect_right(many, begins)
        last = len(many) if ends is None else bisect_left(many, ends)
        if first & 1:
            flips.append(begins)
        flips.extend(many[first:last])
        if last & 1 and ends is not None:
            flips.append(ends)
    return flips
