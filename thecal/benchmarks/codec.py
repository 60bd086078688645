"""The frame codec: frames and noise a second, in chunks and one byte at a time."""

from __future__ import annotations

import random

from protocol.frame import Direction, Frame, FrameDecoder, Kind, encode_frame
from thecal.benchmarks.measure import Figure, Work, median_speeds

FRAMES = 2_000
PAYLOAD = 50
"""Makes frames of 63 bytes on the wire, so that a chunk of 64 holds one and a bit."""
CHUNK = 64
NOISE_OCTETS = 1 << 18
SEED = 1


def codec(seconds: float) -> list[Figure]:
    """Measure each way through the codec for that long."""
    source = random.Random(SEED)  # noqa: S311 - test data, not secrets
    frames = [Frame(Direction.FROM_PUMP, Kind.DATA, number, source.randbytes(PAYLOAD)) for number in range(FRAMES)]
    stream = b"".join(map(encode_frame, frames))
    noise = source.randbytes(NOISE_OCTETS)
    speeds = median_speeds(
        {
            "encode": lambda: len([encode_frame(frame) for frame in frames]),
            "chunks": _decoding(_pieces(stream, CHUNK)),
            "bytes": _decoding(_pieces(stream, 1)),
            "noise": _hearing(_pieces(noise, CHUNK)),
        },
        seconds,
    )
    size = f"{len(stream) // FRAMES}-byte frames"
    return [
        Figure("encode", speeds["encode"], "frames/s", size),
        Figure("decode in 64-byte chunks", speeds["chunks"], "frames/s", size),
        Figure("decode byte by byte", speeds["bytes"], "frames/s", size),
        Figure("hear noise", speeds["noise"] / 1e6, "MB/s", "random bytes in 64-byte chunks"),
    ]


def _pieces(stream: bytes, size: int) -> list[bytes]:
    return [stream[at : at + size] for at in range(0, len(stream), size)]


def _decoding(pieces: list[bytes]) -> Work:
    def work() -> int:
        decoder = FrameDecoder()
        for piece in pieces:
            decoder.feed(piece)
        if decoder.good != FRAMES or decoder.bad:
            raise RuntimeError(f"{decoder.good} of {FRAMES} frames decoded, {decoder.bad} faults")
        return FRAMES

    return work


def _hearing(pieces: list[bytes]) -> Work:
    def work() -> int:
        decoder = FrameDecoder()
        for piece in pieces:
            decoder.feed(piece)
        if decoder.good:
            raise RuntimeError("noise was taken for a frame")
        return NOISE_OCTETS

    return work
