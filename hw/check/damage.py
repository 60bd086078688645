"""How many bits arrive turned, and how sure one can be of that."""

from __future__ import annotations

import random
from typing import Any

from hw.check.confidence import CONFIDENCE, Interval, clopper_pearson
from hw.check.report import Part, Verdict
from hw.check.wire import BITS_OF_OCTET, Ends, drain, passed

OCTETS = 20_000
LONGEST_S = 10
"""On a slow wire fewer bytes are sent: a person is waiting."""
BLOCK = 250
SEED = 2


def bit_errors(ends: Ends, octets: int = OCTETS) -> Part:
    """Send random bytes in blocks and count turned bits; bytes that are lost or added are counted apart."""
    rng = random.Random(SEED)  # noqa: S311 - the same bytes every time
    turned = bits = slipped = 0
    blocks = max(1, min(octets, ends.baud // BITS_OF_OCTET * LONGEST_S) // BLOCK)
    for _ in range(blocks):
        for sender, receiver in ends.directions:
            block = rng.randbytes(BLOCK)
            got = passed(ends, sender, receiver, block)
            if got != block:
                got += drain(receiver)  # what was added has pushed the end of the block out
            if len(got) != BLOCK:
                slipped += 1
                continue
            bits += 8 * BLOCK
            turned += sum((a ^ b).bit_count() for a, b in zip(got, block, strict=True))
    figures: dict[str, Any] = {"bits": bits, "turned": turned, "blocks_with_lost_or_added_bytes": slipped}
    if not bits:
        return Part("bit errors", Verdict.BAD, "bytes are lost or added in every block", figures)
    interval = clopper_pearson(turned, bits)
    figures |= {"low": interval.low, "high": interval.high, "confidence": CONFIDENCE}
    words = _words(turned, bits, interval)
    if slipped:
        words += f"; bytes were lost or added in {slipped} of {blocks * len(ends.directions)} blocks"
    return Part("bit errors", Verdict.BAD if turned or slipped else Verdict.GOOD, words, figures)


def _words(turned: int, bits: int, interval: Interval) -> str:
    if not turned:
        return f"none in {bits} bits: below {interval.high:.1e} at {CONFIDENCE:.0%} confidence"
    return f"{turned} in {bits} bits: from {interval.low:.1e} to {interval.high:.1e} at {CONFIDENCE:.0%} confidence"
