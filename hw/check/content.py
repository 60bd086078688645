"""Do bytes and frames arrive as they were sent?"""

from __future__ import annotations

import random

from hw.check.report import Part, Verdict
from hw.check.wire import Ends, passed
from protocol.frame import MAX_PAYLOAD, Direction, Frame, FrameDecoder, Kind, encode_frame

EVERY_BYTE = bytes(range(256))
FRAMES = 20
SEED = 1


def byte_values(ends: Ends) -> Part:
    """Send every value that a byte can have, and find the ones that do not arrive."""
    for sender, receiver in ends.directions:
        got = passed(ends, sender, receiver, EVERY_BYTE)
        if got != EVERY_BYTE:
            return Part("bytes", Verdict.BAD, _difference(got), {"received": got.hex()})
    return Part("bytes", Verdict.GOOD, "all 256 values arrive as they were sent")


def frames(ends: Ends) -> Part:
    """Send frames of the protocol, of every size, and count what the decoder makes of them."""
    rng = random.Random(SEED)  # noqa: S311 - the same frames every time
    for direction, (sender, receiver) in zip(Direction, ends.directions, strict=False):
        decoder, arrived = FrameDecoder(), 0
        for number in range(FRAMES):
            frame = Frame(direction, Kind.DATA, number, rng.randbytes(number * MAX_PAYLOAD // (FRAMES - 1)))
            arrived += frame in decoder.feed(passed(ends, sender, receiver, encode_frame(frame)))
        if arrived != FRAMES:
            words = f"{FRAMES - arrived} of {FRAMES} frames did not arrive, {decoder.bad} arrived damaged"
            return Part("frames", Verdict.BAD, words, {"arrived": arrived, "damaged": decoder.bad})
    return Part("frames", Verdict.GOOD, f"{FRAMES} frames each way, up to {MAX_PAYLOAD} bytes")


def _difference(got: bytes) -> str:
    """Say what a person would look for in the bytes that came instead of all values in order."""
    if not got:
        return "nothing arrives"
    if got == bytes(octet & 0x7F for octet in EVERY_BYTE):
        return "the eighth bit is lost: something on the way is set to seven data bits"
    missing = sorted(set(EVERY_BYTE) - set(got))
    if len(got) < len(EVERY_BYTE) and got == bytes(octet for octet in EVERY_BYTE if octet not in missing):
        values = " ".join(f"{octet:02x}" for octet in missing[:8])
        return f"some values do not arrive: {values}; something on the way takes them for control characters"
    wrong = sum(a != b for a, b in zip(got, EVERY_BYTE, strict=False))
    return f"{len(got)} of 256 bytes arrived, {wrong} of them with another value"
