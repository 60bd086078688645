"""How long a byte takes there, and how many come through in a second."""

from __future__ import annotations

import statistics
import time

from hw.abilities import Ability
from hw.check.report import Part, Verdict
from hw.check.wire import BITS_OF_OCTET, SLACK_MS, Ends, receive
from hw.descriptor import DescriptorPort

ROUND_TRIPS = 200
STREAM_S = 2
MOST_STREAM = 65_536
PIECE = 256
"""Sent at once while reading; small enough to fit every buffer on the way."""
AHEAD = 1_024
"""Bytes that may be under way: fills the wire, and overruns no adapter's buffer."""
LATENCY_TIMER_US = 14_000
"""An FTDI chip holds a short answer back for 16 ms unless it is told not to."""
FULL_PERMILLE = 900
"""Of the wire's own rate: less means that something on the way is slower than the wire."""
IMPOSSIBLE_PERMILLE = 1_050


def latency(ends: Ends) -> Part:
    """Time single bytes, from writing one to reading it at the other end."""
    sender, receiver = ends.directions[0]
    times_us = []
    for number in range(ROUND_TRIPS):
        began = time.perf_counter_ns()
        sender.write(bytes([number]))
        if receive(receiver, 1, SLACK_MS) != bytes([number]):
            return Part("latency", Verdict.BAD, f"byte {number} of {ROUND_TRIPS} did not arrive in {SLACK_MS} ms")
        times_us.append((time.perf_counter_ns() - began) // 1_000)
    median = int(statistics.median(times_us))
    words = f"median {_ms(median)}, from {_ms(min(times_us))} to {_ms(max(times_us))}"
    figures = {"microseconds": times_us, "median_us": median}
    if median >= LATENCY_TIMER_US:
        words += "; the adapter seems to wait before it hands bytes on: set its latency timer to 1 ms"
        return Part("latency", Verdict.DOUBTFUL, words, figures)
    return Part("latency", Verdict.GOOD, words, figures)


def throughput(ends: Ends) -> Part:
    """Send a stream and compare how fast it arrives with the rate of the wire."""
    rate = ends.baud // BITS_OF_OCTET
    paced = ends.kind.can(Ability.PACING)
    count = min(MOST_STREAM, rate * STREAM_S) if paced else MOST_STREAM
    slowest = MOST_STREAM
    for sender, receiver in ends.directions:
        speed = _stream(ends, sender, receiver, count)
        if speed is None:
            return Part("throughput", Verdict.BAD, f"a stream of {count} bytes did not arrive as it was sent")
        slowest = speed if slowest == MOST_STREAM else min(slowest, speed)
    figures = {"octets_per_s": slowest, "rate_of_the_wire": rate if paced else None}
    if not paced:
        words = f"{slowest} bytes/s; there is no rate to compare it with: {ends.kind.cannot[Ability.PACING]}"
        return Part("throughput", Verdict.GOOD, words, figures)
    permille = slowest * 1_000 // rate
    words = f"{slowest} bytes/s, {permille / 10:.1f} % of the {rate} that {ends.baud} baud allow"
    if permille > IMPOSSIBLE_PERMILLE:
        words += ": faster than that wire can be, so the bytes did not go over one at this rate"
        return Part("throughput", Verdict.DOUBTFUL, words, figures)
    verdict = Verdict.GOOD if permille >= FULL_PERMILLE else Verdict.DOUBTFUL
    return Part("throughput", verdict, words, figures)


def _stream(ends: Ends, sender: DescriptorPort, receiver: DescriptorPort, count: int) -> int | None:
    """Return bytes a second, or None if they did not all arrive in order."""
    data = bytes(index * 167 % 256 for index in range(count))
    began, sent, got = time.perf_counter_ns(), 0, bytearray()
    patience_ms = ends.time_ms(AHEAD) + SLACK_MS
    while len(got) < count:
        while sent < count and sent - len(got) < AHEAD:
            sender.write(data[sent : sent + PIECE])
            sent += PIECE
        piece = receiver.read(patience_ms)
        if not piece:
            return None
        got += piece
    took_ns = time.perf_counter_ns() - began
    return count * 1_000_000_000 // took_ns if got == data else None


def _ms(microseconds: int) -> str:
    return f"{microseconds / 1_000:.2f} ms"
