"""The non-volatile memory chip: two pages written in turn, and a ring of cells for the event log.

A write first blanks the older page and then fills it, so that at every instant one whole page is there. Power
may fail between any two steps: then the page is blank, which a reader recognises as an interrupted write, and
the other page is the present state. A page is made of named sections, each with its own checksum: damage to one
leaves the others readable. Each log cell is written the same way, blank first.

Pages hold the values themselves; they become bytes only when somebody looks at bytes (an image is saved, a bit
is flipped). What is read after that goes through the bytes and their checksums.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from protocol.crc import crc32_autosar

PAGES = 2
CHECKSUM_OCTETS = 4


Values = Mapping[str, Any] | Callable[[], Mapping[str, Any]]
"""What is written, by section; or how to work it out when somebody looks."""


class PowerLostError(Exception):
    """Power failed while the memory was being written; raised out of the write that did not finish."""


class Codec(NamedTuple):
    """How the value of one section becomes bytes and comes back; ``decode`` raises ``ValueError`` on nonsense."""

    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Any]


@dataclass(slots=True)
class Cell:
    """A checksummed value: kept as it is, or as bytes once somebody has looked at or damaged the bytes."""

    codec: Codec
    value: Any = None
    raw: bytes | None = None

    def to_bytes(self) -> bytes:
        """Return the cell's bytes with their checksum."""
        if self.raw is not None:
            return self.raw
        payload = self.codec.encode(self.value)
        return payload + crc32_autosar(payload).to_bytes(CHECKSUM_OCTETS, "little")

    def flip(self, bit: int) -> None:
        """Turn one bit over."""
        raw = bytearray(self.to_bytes())
        raw[bit // 8] ^= 1 << (bit % 8)
        self.raw = bytes(raw)

    def read(self) -> Any:
        """Return the value; raise ``ValueError`` if the bytes do not carry their checksum."""
        if self.raw is None:
            return self.value
        payload, checksum = self.raw[:-CHECKSUM_OCTETS], self.raw[-CHECKSUM_OCTETS:]
        if len(self.raw) < CHECKSUM_OCTETS or crc32_autosar(payload).to_bytes(CHECKSUM_OCTETS, "little") != checksum:
            raise ValueError("checksum")
        return self.codec.decode(payload)

    @property
    def intact(self) -> bool:
        """Whether the cell can be read."""
        try:
            self.read()
        except ValueError:
            return False
        return True


SEQUENCE = "sequence"

_SEQUENCE_CODEC = Codec(lambda value: int(value).to_bytes(8, "little"), lambda raw: int.from_bytes(raw, "little"))


class Page:
    """One page: its sequence number and sections. Cells are made when somebody looks at single ones."""

    __slots__ = ("_cells", "_codecs", "sequence", "values")

    def __init__(self, sequence: int, values: Values, codecs: Mapping[str, Codec]) -> None:
        self.sequence = sequence
        self.values = values
        self._codecs = codecs
        self._cells: dict[str, Cell] | None = None

    @classmethod
    def from_bytes(cls, sections: Mapping[str, bytes], codecs: Mapping[str, Codec]) -> Page:
        """Take a page out of an image, damaged or not."""
        page = cls(0, {}, codecs)
        page._cells = {name: Cell(codec, raw=sections[name]) for name, codec in _with_sequence(codecs).items()}
        return page

    @property
    def cells(self) -> dict[str, Cell]:
        """Return the sections one by one, the sequence number among them."""
        if self._cells is None:
            values = {**(self.values() if callable(self.values) else self.values), SEQUENCE: self.sequence}
            self._cells = {name: Cell(codec, values[name]) for name, codec in _with_sequence(self._codecs).items()}
        return self._cells


def _with_sequence(codecs: Mapping[str, Codec]) -> dict[str, Codec]:
    return {**codecs, SEQUENCE: _SEQUENCE_CODEC}


@dataclass
class NonVolatile:
    """The chip. ``codecs`` names the sections of a page; ``log_codec`` is for one entry of the log ring."""

    codecs: Mapping[str, Codec]
    log_codec: Codec
    log_capacity: int
    pages: list[Page | None] = field(default_factory=lambda: [None] * PAGES)
    log: list[Cell | None] = field(default_factory=list)
    writes: int = 0
    """How often a page or a log cell was written."""
    steps_until_power_fails: int | None = None
    """Set by the bench: after this many further steps of writing, power fails."""
    _sequence: int = 0
    _newest: int = PAGES - 1
    _damaged: list[str] = field(default_factory=list)
    _suspect: bool = False
    """Whether bytes were touched since damage was last looked for; writing makes whole cells, which are intact."""

    def __post_init__(self) -> None:
        self.log = self.log or [None] * self.log_capacity

    def write(self, values: Values) -> None:
        """Replace the state, whole or not at all. Raises ``PowerLostError`` if power fails in the middle."""
        self.writes += 1
        target = (self._newest + 1) % PAGES
        self._step()
        self.pages[target] = None
        self._step()
        self._sequence += 1
        self.pages[target] = Page(self._sequence, values, self.codecs)
        self._newest = target
        self._suspect = self._suspect or bool(self._damaged)

    def skip(self, writes: int) -> None:
        """Count so many writes of which nothing is left to be read, because as many as there are pages follow."""
        self.writes += writes
        self._sequence += writes
        self._newest = (self._newest + writes) % PAGES

    def append(self, sequence: int, entry: Any) -> None:
        """Write one log entry over the oldest. Raises ``PowerLostError`` if power fails in the middle."""
        self.writes += 1
        at = sequence % self.log_capacity
        self._step()
        self.log[at] = None
        self._step()
        self.log[at] = Cell(self.log_codec, entry)

    def load(self) -> tuple[dict[str, Any], list[str]]:
        """Find the newest page and return what its sections hold, with the names of everything damaged.

        For a section that cannot be read the other page's older value is returned, if that can be read; it is
        for the caller to decide what an older value is good for. A page whose sequence number is damaged might
        have been the newest: then every section is named as damaged.
        """
        self._suspect = True
        candidates = [
            (page.cells[SEQUENCE].read(), at)
            for at, page in enumerate(self.pages)
            if page and page.cells[SEQUENCE].intact
        ]
        if candidates:
            self._sequence, self._newest = max(candidates)
        damaged = list(self.damage())
        if len(candidates) < len([page for page in self.pages if page]):
            damaged += list(self.codecs)
        values: dict[str, Any] = {}
        for _, at in sorted(candidates):
            page = self.pages[at]
            cells = page.cells if page else {}
            values.update({name: cells[name].read() for name in self.codecs if cells[name].intact})
        return values, damaged

    def damage(self) -> list[str]:
        """Return the names of every damaged place: sections of the newest page plainly, others with their page."""
        if self._suspect:
            self._damaged = [
                name if at == self._newest else f"spare {name}"
                for at, page in enumerate(self.pages)
                for name, cell in (page.cells if page else {}).items()
                if not cell.intact
            ] + ["log" for cell in self.log if cell and not cell.intact]
            self._suspect = False
        return self._damaged

    def discard_damaged_log(self) -> int:
        """Blank every damaged log cell and return how many there were."""
        lost = [at for at, cell in enumerate(self.log) if cell and not cell.intact]
        for at in lost:
            self.log[at] = None
        self._suspect = True
        return len(lost)

    def log_entries(self) -> list[Any]:
        """Return every readable log entry, in no particular order."""
        return [cell.read() for cell in self.log if cell and cell.intact]

    def log_entry(self, sequence: int) -> Any:
        """Return what the log cell of a sequence number holds; None if that cannot be read."""
        cell = self.log[sequence % self.log_capacity]
        return cell.read() if cell and cell.intact else None

    def places(self) -> list[tuple[str, int]]:
        """Return every place that can be damaged, by name, and how many bits it has."""
        return [(name, 8 * len(cell.to_bytes())) for name, cell in self._cells()]

    def newest_place(self, section: str) -> str:
        """Return the place of a section on the newest page, or of the first written log cell for ``log``."""
        written = next((at for at, cell in enumerate(self.log) if cell), 0)
        return f"{section}@{written if section == 'log' else self._newest}"

    def flip(self, place: str, bit: int) -> None:
        """Turn over one bit of a place; the bench's way to damage memory."""
        dict(self._cells())[place].flip(bit)
        self._suspect = True

    def to_json(self) -> dict[str, Any]:
        """Return every byte of the chip, for an image file."""
        return {
            "pages": [
                None if page is None else {name: cell.to_bytes().hex() for name, cell in page.cells.items()}
                for page in self.pages
            ],
            "log": {at: cell.to_bytes().hex() for at, cell in enumerate(self.log) if cell},
        }

    def restore(self, content: Mapping[str, Any]) -> None:
        """Take over every byte of an image; raises ``ValueError`` if it is not laid out as one."""
        try:
            self.pages = [self._page_from(page) for page in content["pages"]]
            self.log = [None] * self.log_capacity
            for at, raw in content["log"].items():
                self.log[int(at)] = Cell(self.log_codec, raw=bytes.fromhex(raw))
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError(f"not a memory image: {error!r}") from None
        if len(self.pages) != PAGES:
            raise ValueError("not a memory image: wrong number of pages")
        self._suspect = True

    def _page_from(self, page: Mapping[str, str] | None) -> Page | None:
        if page is None:
            return None
        return Page.from_bytes({name: bytes.fromhex(raw) for name, raw in page.items()}, self.codecs)

    def _cells(self) -> list[tuple[str, Cell]]:
        cells = []
        for at, page in enumerate(self.pages):
            cells += [(f"{name}@{at}", cell) for name, cell in (page.cells if page else {}).items()]
        cells += [(f"log@{at}", cell) for at, cell in enumerate(self.log) if cell]
        return cells

    def _step(self) -> None:
        if self.steps_until_power_fails is not None:
            if self.steps_until_power_fails <= 0:
                self.steps_until_power_fails = None
                raise PowerLostError("power failed while memory was being written")
            self.steps_until_power_fails -= 1


def json_codec(to_plain: Callable[[Any], Any], from_plain: Callable[[Any], Any]) -> Codec:
    """Return a codec for values that become plain JSON; any shape that does not fit is a ``ValueError``."""

    def encode(value: Any) -> bytes:
        return json.dumps(to_plain(value), separators=(",", ":"), ensure_ascii=False).encode()

    def decode(raw: bytes) -> Any:
        try:
            return from_plain(json.loads(raw))
        except (TypeError, KeyError, IndexError, AttributeError) as error:
            raise ValueError(f"not a value of this section: {error!r}") from None

    return Codec(encode, decode)
