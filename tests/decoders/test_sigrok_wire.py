"""The sigrok decoder's reading of bytes, without sigrok: on any bytes it agrees with ours."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from types import ModuleType

from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from hw.keylog import KeyRing, line_of
from hw.listening import hear
from protocol.crc import crc32_autosar
from protocol.frame import FrameDecoder, FrameError, decode_piece
from tests.decoders import views, wires

PACKAGE = "thecal_for_sigrok"


def part(name: str) -> ModuleType:
    """Return a module of the decoder. The package itself imports what only sigrok has, and is passed over."""
    if PACKAGE not in sys.modules:
        spec = ModuleSpec(PACKAGE, None, is_package=True)
        spec.submodule_search_locations = [str(views.SIGROK / "thecal")]
        sys.modules[PACKAGE] = module_from_spec(spec)
    return importlib.import_module(f"{PACKAGE}.{name}")


WIRE, SEAL = part("wire"), part("seal")
SESSIONS = SEAL.read_keylog([line_of(wires.OTHERS), line_of(wires.SECRET)])

PAYLOADS = st.one_of(st.binary(max_size=256), st.binary(max_size=4).map(lambda data: data + bytes(200)))
FRAMES = st.builds(
    lambda head, seq, payload: head + seq + len(payload).to_bytes(2, "little") + payload,
    st.sampled_from([bytes([1, kind]) for kind in (1, 3, 0x82, 0x83, 0x84, 4)]),
    st.binary(min_size=2, max_size=2),
    PAYLOADS,
).map(lambda packet: cobs.encode(packet + crc32_autosar(packet).to_bytes(4, "little")))
PIECES = st.one_of(FRAMES, st.binary(max_size=400).map(lambda data: data.replace(b"\0", b"\1")))


@given(piece=PIECES.filter(bool))
def test_any_piece_is_seen_as_we_see_it(piece: bytes) -> None:
    """The same fault, or the same sender, kind and number, and a problem where we have one."""
    ours = hear(0, None, decode_piece(piece), KeyRing([wires.OTHERS, wires.SECRET]))
    theirs = WIRE.look(piece, SESSIONS)
    if isinstance(ours.frame, FrameError):
        assert theirs.fault == ours.frame.reason.value
        return
    assert (theirs.fault, theirs.kind, theirs.seq) == ("", ours.frame.kind.name, ours.frame.seq)
    assert theirs.sender == ours.frame.direction.name.removeprefix("FROM_").lower()
    assert bool(theirs.problem) == bool(ours.problem)
    packet = cobs.decode(piece)
    assert len(theirs.places) == len(packet)
    assert all(byte in {0, piece[place]} for byte, place in zip(packet, theirs.places, strict=True))


@given(stream=st.lists(st.one_of(PIECES, st.just(b"")), max_size=6).map(b"\0".join))
def test_any_stream_is_cut_as_we_cut_it(stream: bytes) -> None:
    """As many pieces, the same bytes, and each byte's tag beside it."""
    cutter = WIRE.Cutter()
    theirs = [piece for place, byte in enumerate(stream) for piece in cutter.feed(byte, place)]
    for encoded, places in theirs:
        assert bytes(stream[place] for place in places) == encoded
    ours = FrameDecoder().feed(stream)
    assert [WIRE.look(encoded, []).fault for encoded, _ in theirs] == [
        event.reason.value if isinstance(event, FrameError) else "" for event in ours
    ]
