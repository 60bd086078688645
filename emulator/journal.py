"""The journal: the record of everything that happened on the bench.

JSON Lines, one event a line: sequence number, simulated time, kind, data, and a hash chained over all lines
before it, so that a line cannot be changed, lost or moved without showing. Same seed and script, same bytes.

What physically moved is recorded as ``drive.strokes``: up to ``BLOCK`` strokes in one event, each with its own
time and mass. A block is closed by the next event of any other kind, so the order of events is kept. ``tip`` is what
left the catheter's tip into the CSF. Columns that say nothing new are left out: ``moved_nl`` when every stroke took
its full volume from the reservoir, ``pocket`` and ``tissue`` when nothing went there, ``held_nl`` when nothing was
held back by an obstruction, ``unasked`` when every stroke was asked for. What moves without the drive is an event of
its own, ``catheter.flow``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

FIRST_HASH = "thecal journal 1"
BLOCK = 256
"""Most strokes in one event: keeps a line readable and memory bounded while a long basal run is recorded."""

Masses = Mapping[int, int]
"""Picograms by drug code."""

NO_MASS: Masses = {}


class JournalDamagedError(Exception):
    """A journal is not what was written: the message names the line and what is wrong with it."""


class Event(NamedTuple):
    """One line of a journal."""

    seq: int
    at: int
    kind: str
    data: dict[str, Any]


class _Stroke(NamedTuple):
    at_ms: int
    volume_nl: int
    outlet: Masses
    tip: Masses
    moved_nl: int
    pocket: Masses
    tissue: Masses
    held_nl: int
    unasked: bool


class Journal:
    """Collects events in order; hands each finished line to ``sink`` and keeps it unless told not to.

    With ``recording=False`` nothing is recorded: for long simulations of which only the end matters.
    """

    def __init__(
        self, sink: Callable[[str], None] | None = None, *, keep: bool = True, recording: bool = True
    ) -> None:
        self.lines: list[str] = []
        self.recording = recording
        self._sink = sink
        self._keep = keep
        self._seq = 0
        self._hash = FIRST_HASH
        self._strokes: list[_Stroke] = []

    def record(self, at_ms: int, kind: str, /, **data: Any) -> None:
        """Record one event at a simulated time; ``data`` must be plain JSON values."""
        if self.recording:
            self.flush()
            self._write(at_ms, kind, data)

    def stroke(
        self,
        at_ms: int,
        volume_nl: int,
        outlet: Masses,
        tip: Masses,
        *,
        moved_nl: int | None = None,
        pocket: Masses = NO_MASS,
        tissue: Masses = NO_MASS,
        held_nl: int = 0,
        unasked: bool = False,
    ) -> None:
        """Record a stroke of the drive, and the mass by drug that left the pump and the tip.

        ``volume_nl`` is what the stroke should move, ``moved_nl`` what truly left the reservoir if that differs;
        ``pocket`` and ``tissue`` are what went beside the CSF, ``held_nl`` what an obstruction held back; ``unasked``
        is a stroke that nobody asked for.
        """
        if not self.recording:
            return
        if self._strokes and (len(self._strokes) >= BLOCK or self._strokes[0].volume_nl != volume_nl):
            self.flush()
        moved_nl = volume_nl if moved_nl is None else moved_nl
        self._strokes.append(_Stroke(at_ms, volume_nl, outlet, tip, moved_nl, pocket, tissue, held_nl, unasked))

    def flush(self) -> None:
        """Write out the strokes collected so far."""
        strokes, self._strokes = self._strokes, []
        if strokes:
            data: dict[str, Any] = {
                "at": [stroke.at_ms for stroke in strokes],
                "volume_nl": strokes[0].volume_nl,
                "outlet": _columns([stroke.outlet for stroke in strokes]),
                "tip": _columns([stroke.tip for stroke in strokes]),
            }
            self._write(strokes[0].at_ms, "drive.strokes", data | _unusual(strokes))

    def _write(self, at_ms: int, kind: str, data: Mapping[str, Any]) -> None:
        body = _canonical({"seq": self._seq, "at": at_ms, "kind": kind, "data": data})
        self._hash = _chained(self._hash, body)
        line = _signed(body, self._hash)
        self._seq += 1
        if self._keep:
            self.lines.append(line)
        if self._sink:
            self._sink(line)


def read_journal(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the events of a journal, checking sequence and hash chain as it goes.

    Raises ``JournalDamagedError``, naming the line, at the first line that is not what was written.
    """
    previous = FIRST_HASH
    for number, line in enumerate(line for line in lines if line.strip()):
        try:
            event = json.loads(line)
            body = _canonical({name: event[name] for name in ("seq", "at", "kind", "data")})
            expected = _chained(previous, body)
            if event["seq"] != number:
                raise JournalDamagedError(f"line {number + 1}: sequence {event['seq']} instead of {number}")
            if line.strip() != _signed(body, expected):
                raise JournalDamagedError(f"line {number + 1}: the hash does not follow from the lines before it")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise JournalDamagedError(f"line {number + 1}: not a journal event ({error})") from None
        previous = expected
        yield Event(event["seq"], event["at"], event["kind"], event["data"])


def _unusual(strokes: list[_Stroke]) -> dict[str, Any]:
    """Return the columns that only faults make worth writing."""
    columns: dict[str, Any] = {}
    if any(stroke.moved_nl != stroke.volume_nl for stroke in strokes):
        columns["moved_nl"] = [stroke.moved_nl for stroke in strokes]
    if any(stroke.pocket for stroke in strokes):
        columns["pocket"] = _columns([stroke.pocket for stroke in strokes])
    if any(stroke.tissue for stroke in strokes):
        columns["tissue"] = _columns([stroke.tissue for stroke in strokes])
    if any(stroke.held_nl for stroke in strokes):
        columns["held_nl"] = [stroke.held_nl for stroke in strokes]
    if any(stroke.unasked for stroke in strokes):
        columns["unasked"] = [int(stroke.unasked) for stroke in strokes]
    return columns


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _chained(previous: str, body: str) -> str:
    return hashlib.sha256((previous + body).encode()).hexdigest()


def _signed(body: str, digest: str) -> str:
    return f'{body[:-1]},"hash":"{digest}"}}'


def _columns(rows: list[Masses]) -> dict[str, list[int]]:
    codes = sorted({code for row in rows for code in row})
    return {str(code): [row.get(code, 0) for row in rows] for code in codes}
