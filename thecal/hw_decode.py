"""``thecal hw decode``: every frame of a capture, with time, direction, message and fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from hw.capture import MICROSECONDS, CaptureError, Packet, read_capture
from hw.keylog import KeyLogError, KeyRing, read_keylog
from hw.listening import Heard, listen
from protocol.frame import Direction, Frame
from protocol.messages import Message, Sealed
from thecal.failures import OutsideMissing
from thecal.output import bad, doubtful, emit, good, say, table
from thecal.plain import plain, rows

FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
SENDERS = {Direction.FROM_PROGRAMMER: "programmer", Direction.FROM_PUMP: "pump"}
ARROWS = {Direction.FROM_PROGRAMMER: "programmer -> pump", Direction.FROM_PUMP: "programmer <- pump"}
INDENT = "    "


@click.command()
@click.argument("capture", type=FILE)
@click.option("--keylog", "keylog_path", type=FILE, help="Open sealed records with the keys in this file.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def decode(capture: Path, keylog_path: Path | None, as_json: bool) -> None:
    """Print every frame of CAPTURE, a pcapng file that “--capture” wrote. Not for clinical use.

    Bytes that are no frame are shown with the check that they fail. Without the session's keys a sealed record
    shows its counter only. A capture that was cut off is shown as far as it goes, and the exit code is 3.

    \b
    Examples:
      thecal hw decode wire.pcapng
      thecal hw decode wire.pcapng --keylog keys.txt --json
    """
    packets = _Packets(capture)
    heard = listen(packets, _ring(keylog_path))
    if as_json:
        frames = [_document(each) for each in heard]
        emit({"capture": str(capture), "frames": frames, "problem": packets.problem})
    else:
        counts: Counter[str] = Counter()
        for each in heard:
            say(_text(each))
            counts["damaged" if each.fault else "frames"] += 1
            counts["sealed, not opened"] += isinstance(each.record, Sealed) and each.session is None
        say(", ".join(f"{counts[name]} {name}" for name in ("frames", "damaged", "sealed, not opened")))
    if packets.problem:
        raise OutsideMissing(packets.problem)


class _Packets:
    """The packets of a capture up to where it can be read; ``problem`` says afterwards why not further."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problem = ""

    def __iter__(self) -> Iterator[Packet]:
        try:
            yield from read_capture(self._path)
        except CaptureError as error:
            self.problem = str(error)


def _ring(path: Path | None) -> KeyRing:
    if path is None:
        return KeyRing()
    try:
        return KeyRing(read_keylog(path.read_text("utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise OutsideMissing(f"cannot read the key log {path}: {error}") from error
    except KeyLogError as error:
        raise click.BadParameter(str(error), param_hint="--keylog") from None


def _time(at_us: int) -> str:
    """Return the wall clock in UTC to the microsecond."""
    seconds, rest = divmod(at_us, MICROSECONDS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06}Z"


# --- for programs ---------------------------------------------------------------------------------------------


def _document(heard: Heard) -> dict[str, Any]:
    """Return everything that is known of one frame as JSON values."""
    document: dict[str, Any] = {
        "time": _time(heard.at_us),
        "flow": heard.flow.name.lower() if heard.flow else None,
    }
    frame = heard.frame
    if not isinstance(frame, Frame):
        return document | {"damaged": frame.reason.value, "bytes": frame.encoded.hex()}
    document |= {
        "from": SENDERS[frame.direction],
        "kind": frame.kind.name.lower(),
        "seq": frame.seq,
        "epoch": heard.epoch,
    }
    if heard.nak is not None:
        document["reason"] = heard.nak.name.lower()
    if isinstance(heard.record, Sealed):
        document["sealed"] = {"counter": heard.record.counter, "session": plain(heard.session)}
    if (message := _message(heard)) is not None:
        document |= {"message": type(message).__name__, "type": message.TYPE, "fields": plain(message)}
    if heard.problem:
        document["problem"] = heard.problem
    return document


def _message(heard: Heard) -> Message | None:
    """Return the message that was said; None if there is none, or it stays under its seal."""
    return heard.inner if isinstance(heard.record, Sealed) else heard.record


# --- for people -----------------------------------------------------------------------------------------------


def _text(heard: Heard) -> str:
    frame = heard.frame
    if not isinstance(frame, Frame):
        return f"{_time(heard.at_us)}  {bad(f'damaged ({frame.reason.value})')}  {frame.encoded.hex(' ')}"
    epoch = "" if heard.epoch is None else f"  epoch {heard.epoch:08x}"
    head = f"{_time(heard.at_us)}  {ARROWS[frame.direction]}  {frame.kind.name}  seq {frame.seq}{epoch}"
    return "\n".join([head, *_lines(heard)])


def _lines(heard: Heard) -> Iterator[str]:
    """Yield what stands under a frame's first line."""
    if heard.nak is not None:
        yield f"{INDENT}{doubtful(heard.nak.name)}"
    message, seal = _message(heard), ""
    if isinstance(heard.record, Sealed):
        session = f"session {heard.session.hex()}" if heard.session else "not opened: no key fits"
        seal = f"sealed, counter {heard.record.counter}, {session}"
    if message is not None:
        yield INDENT + "  ".join(part for part in (good(type(message).__name__), seal) if part)
        fields: list[tuple[str, ...]] = list(rows(message))
        if fields:
            yield from (INDENT * 2 + line for line in table(fields).splitlines())
    elif seal:
        yield INDENT + doubtful(seal)
    if heard.problem:
        yield INDENT + bad(heard.problem)
