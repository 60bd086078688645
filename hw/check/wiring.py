"""What is joined to what: found by listening at both ends while one sends."""

from __future__ import annotations

from itertools import permutations
from typing import NamedTuple

from hw.check.report import Part, Verdict
from hw.check.wire import Ends, drain
from hw.descriptor import DescriptorPort
from hw.uart import Framing, heard

PROBE = b"\x55Thecal line test\xaa"
RATES = (1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 57_600, 115_200, 230_400)


class Heard(NamedTuple):
    """What each end heard of a probe, its sender's own end first."""

    own: bytes
    other: bytes


def wiring(ends: Ends) -> Part:
    """Find out how the ends are joined, and name what is wrong."""
    if ends.looped:
        return _looped(ends)
    there, back = _probe(ends.near, ends.far), _probe(ends.far, ends.near)
    words = _fault(ends, there, back)
    figures = {"near_to_far": there.other == PROBE, "far_to_near": back.other == PROBE}
    if words:
        return Part("wiring", Verdict.BAD, words, figures)
    return Part("wiring", Verdict.GOOD, "TX goes to RX both ways", figures)


def _looped(ends: Ends) -> Part:
    ends.near.write(PROBE)
    got = drain(ends.near)
    if got == PROBE:
        return Part("wiring", Verdict.GOOD, "TX is joined to RX")
    if not got:
        return Part("wiring", Verdict.BAD, "nothing comes back: TX and RX are not joined")
    return Part(
        "wiring", Verdict.BAD, f"what comes back is damaged: {_damage(got, ends.baud)}", {"received": got.hex()}
    )


def _probe(sender: DescriptorPort, other: DescriptorPort) -> Heard:
    sender.write(PROBE)
    return Heard(own=drain(sender), other=drain(other))


def _fault(ends: Ends, there: Heard, back: Heard) -> str:
    """Return what is wrong, in words, or nothing."""
    names = ends.near.name, ends.far.name
    if there.own == PROBE and back.own == PROBE and not there.other and not back.other:
        return "each port hears only itself: its TX is joined to its own RX. Cross them: TX of one to RX of the other"
    if not (there.other or back.other):
        return (
            "nothing passes either way: the ports are not joined, or TX goes to TX and RX to RX (a straight cable "
            "where a null modem is needed)"
        )
    if not (there.other and back.other):
        source, sink = names if back.other else reversed(names)
        return f"one way only: the wire from TX of {source} to RX of {sink} is missing or broken"
    for got, (source, sink) in ((there.other, names), (back.other, tuple(reversed(names)))):
        if got != PROBE:
            return f"what {sink} hears of {source} is damaged: {_damage(got, ends.baud)}"
    if there.own or back.own:
        return "a port hears what it sends itself, and so does the other: TX and RX are all on one wire"
    return ""


def _damage(got: bytes, asked: int) -> str:
    """Name what would make the probe into that; of two rates one is likely the one that was asked for."""
    for sender, receiver in sorted(permutations(RATES, 2), key=lambda pair: asked not in pair):
        if heard(PROBE, Framing(sender), Framing(receiver)) == got:
            return f"as if sent at {sender} and heard at {receiver} baud, or at that ratio; set both ends to one rate"
    if not any(got):
        return "zeros only: the line stays low, as with TX and RX of different voltages or a missing common ground"
    return (
        "not explained by a wrong rate; look for a missing common ground, levels of different voltage (RS-232 "
        "against TTL), or a cable that is too long"
    )
