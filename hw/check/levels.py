"""The levels on the wire besides data: modem lines, break, parity."""

from __future__ import annotations

import serial

from hw.check.report import Part, Verdict
from hw.check.wire import Ends, becomes, drain, passed
from protocol.frame import Direction, Frame, FrameDecoder, Kind, encode_frame

BREAK_S = 0.05
"""Longer than a byte at 1200 baud, which a receiver needs to see to call it a break."""
PAIRS = (("rts", "cts"), ("dtr", "dsr"), ("dtr", "cd"))
PARITIES = ((7, "E"), (7, "O"), (8, "E"), (8, "O"))


def modem_lines(ends: Ends) -> Part:
    """Move RTS and DTR at each end and find out which inputs follow. Nothing here needs them to be joined."""
    joined = []
    for out, into in ends.directions:
        if out.line is None or into.line is None:
            return Part("modem lines", Verdict.NOT_POSSIBLE, "this port has none")
        joined.append(
            [
                f"{output.upper()}→{entry.upper()}"
                for output, entry in PAIRS
                if _follows(out.line, into.line, output, entry)
            ]
        )
    figures = {"joined": joined}
    if not any(joined):
        words = "none is joined: TX, RX and ground only, which is all that a pump's conversation needs"
        return Part("modem lines", Verdict.DOUBTFUL, words, figures)
    words = " and ".join(", ".join(way) or "none" for way in joined)
    return Part("modem lines", Verdict.GOOD, words, figures)


def _follows(out: serial.SerialBase, into: serial.SerialBase, output: str, entry: str) -> bool:
    for level in (False, True, False, True):
        setattr(out, output, level)
        if not becomes(into, entry, level, patience_ms=500):
            setattr(out, output, True)
            return False
    return True


def break_condition(ends: Ends) -> Part:
    """Send a break and a frame after it: zeros should come, and the frame must."""
    frame = Frame(Direction.FROM_PROGRAMMER, Kind.DATA, 1, b"after the break")
    encoded = encode_frame(frame)
    for sender, receiver in ends.directions:
        if sender.line is None:
            return Part("break", Verdict.NOT_POSSIBLE, "this port has none")
        sender.line.send_break(BREAK_S)
        sender.write(encoded)
        got = drain(receiver)
        if frame not in FrameDecoder().feed(got):
            return Part("break", Verdict.BAD, "the frame after a break is lost", {"received": got.hex()})
        if len(got) == len(encoded):
            return Part("break", Verdict.DOUBTFUL, "the break itself was not seen at the other end")
    return Part("break", Verdict.GOOD, "arrives as a zero byte and costs no frame")


def parity(ends: Ends) -> Part:
    """Send all values with each parity set at both ends, then put eight bits and no parity back."""
    try:
        for bits, kind in PARITIES:
            for line in ends.lines:
                line.apply_settings({"bytesize": bits, "parity": kind})
            every = bytes(range(1 << bits))
            for sender, receiver in ends.directions:
                if passed(ends, sender, receiver, every) != every:
                    return Part("parity", Verdict.BAD, f"bytes do not pass with {bits}{kind}1 at both ends")
    finally:
        for line in ends.lines:
            line.apply_settings({"bytesize": 8, "parity": "N"})
    return Part("parity", Verdict.GOOD, "7E1, 7O1, 8E1 and 8O1 pass (a driver hands on bad parity: the CRC decides)")


def quiet(ends: Ends) -> Part:
    """Listen without sending: on a quiet wire nothing comes."""
    for _, receiver in ends.directions:
        if noise := drain(receiver):
            words = (
                f"{len(noise)} bytes came although nobody sent: RX hangs in the air, the two sides have no common "
                f"ground, or somebody else is on the line"
            )
            return Part("quiet", Verdict.BAD, words, {"received": noise[:64].hex()})
    return Part("quiet", Verdict.GOOD, "nothing comes when nobody sends")
