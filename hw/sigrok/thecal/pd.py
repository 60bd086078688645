"""The decoder as libsigrokdecode sees it: bytes with sample numbers in, annotations out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sigrokdecode as srd

from .seal import Session, read_keylog
from .wire import Cutter, Sight, look

PROGRAMMER, PUMP, FIELD, OPENED, PROBLEM = range(5)
ARROWS = {"programmer": "programmer -> pump", "pump": "programmer <- pump"}

Span = tuple[int, int]
"""First and last sample of a byte."""


class Decoder(srd.Decoder):  # type: ignore[misc] # libsigrokdecode ships no types
    """Thecal's frames and messages, stacked on UART."""

    api_version = 3
    id = "thecal"
    name = "Thecal"
    longname = "Thecal, an emulated drug pump"
    desc = "Frames and messages of an emulated intrathecal pump. Not for clinical use."
    license = "apache-2.0"
    inputs = ["uart"]  # noqa: RUF012 - libsigrokdecode reads these as they are
    outputs: list[str] = []  # noqa: RUF012
    tags = ["Embedded/industrial"]  # noqa: RUF012
    options: Any = ({"id": "keylog", "desc": "Key log file that opens sealed records", "default": ""},)
    annotations = (
        ("programmer", "Frame from the programmer"),
        ("pump", "Frame from the pump"),
        ("field", "Field"),
        ("opened", "Field that was sealed"),
        ("problem", "Damaged or malformed"),
    )
    annotation_rows = (
        ("frames", "Frames", (PROGRAMMER, PUMP)),
        ("fields", "Fields", (FIELD, OPENED)),
        ("problems", "Problems", (PROBLEM,)),
    )

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything; called before each run."""
        self._cutters = (Cutter(), Cutter())
        self._sessions: list[Session] = []

    def start(self) -> None:
        """Get ready; the options are known from here on."""
        self._out = self.register(srd.OUTPUT_ANN)
        if self.options["keylog"]:
            self._sessions = read_keylog(Path(self.options["keylog"]).read_text("utf-8").splitlines())

    def decode(self, ss: int, es: int, data: Any) -> None:
        """Take one packet of the UART decoder."""
        kind, direction, value = data
        if kind == "DATA":
            for encoded, spans in self._cutters[direction].feed(value[0], (ss, es)):
                self._show(look(encoded, self._sessions), encoded, spans)

    def _show(self, sight: Sight, encoded: bytes, spans: list[Span]) -> None:
        if sight.fault:
            whole = f"damaged ({sight.fault}): {encoded.hex(' ')}"
            self._annotate(spans, PROBLEM, [whole, f"damaged ({sight.fault})", "damaged"])
            return
        for leaf in sight.leaves:
            places = sight.places[leaf.at : leaf.at + leaf.octets]
            if places:
                over = [spans[places[0]], spans[places[-1]]]
                self._annotate(over, OPENED if leaf.opened else FIELD, [f"{leaf.name} = {leaf.text}", leaf.text])
        said = sight.message or sight.kind
        session = f", opened with session {sight.session.hex()}" if sight.session else ""
        head = f"{ARROWS[sight.sender]} {sight.kind} seq {sight.seq}"
        line = f"{head}: {sight.message}{session}" if sight.message else head
        self._annotate(spans, PUMP if sight.sender == "pump" else PROGRAMMER, [line, said])
        if sight.problem:
            self._annotate(spans, PROBLEM, [f"malformed: {sight.problem}", "malformed"])

    def _annotate(self, spans: list[Span], row: int, texts: list[str]) -> None:
        self.put(spans[0][0], spans[-1][1], self._out, [row, texts])
