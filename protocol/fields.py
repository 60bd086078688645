"""How one field of a message looks on the wire.

A message is a frozen dataclass whose annotations carry everything the codec needs::

    rate: Annotated[NanolitresPerDay, Width(4), "basal flow"]

``wire_field`` reads such an annotation and returns the ``Field`` that packs and unpacks it. Everything is
little-endian; lengths and counts are one byte. Unpacking never trusts its input: what does not fit raises
``RemoteProtocolError`` and nothing is half-read.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, get_args, get_origin

from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.units import Quantity


@dataclass(frozen=True, slots=True)
class Width:
    """Bytes that a number, an enumeration or a fixed byte string takes."""

    octets: int


@dataclass(frozen=True, slots=True)
class AtMost:
    """The most bytes of a text, or the most records of a list."""

    count: int


class Record(Protocol):
    """A dataclass that knows its own fields on the wire; see ``protocol.messages``."""

    def pack(self) -> bytes:
        """Return the fields as bytes."""

    @classmethod
    def unpack(cls, data: bytes, at: int) -> tuple[Any, int]:
        """Read the fields from ``data`` at ``at``; return the record and the position after it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name, its place in the documentation, and its codec."""

    name: str
    meaning: str

    def kind(self) -> str:
        """Say in one phrase what the documentation's table shows as the field's type."""
        raise NotImplementedError

    def pack(self, value: Any) -> bytes:
        """Return the value as bytes; ``LocalProtocolError`` if it does not fit."""
        raise NotImplementedError

    def unpack(self, data: bytes, at: int) -> tuple[Any, int]:
        """Read the value at ``at``; ``RemoteProtocolError`` if the bytes are not one."""
        raise NotImplementedError

    def _slice(self, data: bytes, at: int, octets: int) -> bytes:
        piece = data[at : at + octets]
        if len(piece) != octets:
            raise RemoteProtocolError(f"message ends inside {self.name}")
        return piece


@dataclass(frozen=True, slots=True)
class NumberField(Field):
    """An unsigned integer; as a quantity, a flag, an enumeration or plain."""

    octets: int
    type_: type

    def kind(self) -> str:
        """Say the width and what the number counts."""
        width = f"u{8 * self.octets}"
        if issubclass(self.type_, Quantity):
            return f"{width}, {next(iter(self.type_.UNITS))}"
        if issubclass(self.type_, bool):
            return f"{width}, 0 or 1"
        if issubclass(self.type_, enum.Enum):
            return f"{width}, {self.type_.__name__}"
        return width

    def pack(self, value: Any) -> bytes:
        """Return the number little-endian."""
        number = value.value if isinstance(value, Quantity) else int(value)
        try:
            return number.to_bytes(self.octets, "little")
        except OverflowError:
            raise LocalProtocolError(f"{self.name} = {value} does not fit {self.octets} bytes") from None

    def unpack(self, data: bytes, at: int) -> tuple[Any, int]:
        """Read the number; a flag must be 0 or 1 and an enumeration must know the value."""
        number = int.from_bytes(self._slice(data, at, self.octets), "little")
        if self.type_ is bool and number > 1:
            raise RemoteProtocolError(f"{self.name} = {number} is neither 0 nor 1")
        try:
            return self.type_(number), at + self.octets
        except ValueError:
            raise RemoteProtocolError(f"{self.name} = {number} is no {self.type_.__name__}") from None


@dataclass(frozen=True, slots=True)
class BytesField(Field):
    """A byte string of fixed length, or the rest of the message when the length is None."""

    octets: int | None

    def kind(self) -> str:
        """Say the length."""
        return "rest of the message" if self.octets is None else f"{self.octets} bytes"

    def pack(self, value: Any) -> bytes:
        """Return the bytes as they are."""
        if self.octets is not None and len(value) != self.octets:
            raise LocalProtocolError(f"{self.name} takes {self.octets} bytes, not {len(value)}")
        return bytes(value)

    def unpack(self, data: bytes, at: int) -> tuple[Any, int]:
        """Read the bytes."""
        octets = len(data) - at if self.octets is None else self.octets
        return self._slice(data, at, octets), at + octets


@dataclass(frozen=True, slots=True)
class TextField(Field):
    """UTF-8 text after one length byte."""

    most: int

    def kind(self) -> str:
        """Say the longest length."""
        return f"text, at most {self.most} bytes"

    def pack(self, value: Any) -> bytes:
        """Return the length and the text."""
        encoded = str(value).encode()
        if len(encoded) > self.most:
            raise LocalProtocolError(f"{self.name} is {len(encoded)} bytes long, at most {self.most} fit")
        return bytes([len(encoded)]) + encoded

    def unpack(self, data: bytes, at: int) -> tuple[Any, int]:
        """Read the text; it must be short enough and valid UTF-8."""
        length = self._slice(data, at, 1)[0]
        if length > self.most:
            raise RemoteProtocolError(f"{self.name} is {length} bytes long, at most {self.most} fit")
        try:
            return self._slice(data, at + 1, length).decode(), at + 1 + length
        except UnicodeDecodeError:
            raise RemoteProtocolError(f"{self.name} is not UTF-8") from None


@dataclass(frozen=True, slots=True)
class RecordField(Field):
    """Another record's fields, in line."""

    record: type[Record]

    def kind(self) -> str:
        """Name the record."""
        return self.record.__name__

    def pack(self, value: Any) -> bytes:
        """Return the record's own bytes."""
        packed: bytes = value.pack()
        return packed

    def unpack(self, data: bytes, at: int) -> tuple[Any, int]:
        """Read the record."""
        return self.record.unpack(data, at)


@dataclass(frozen=True, slots=True)
class ListField(Field):
    """Records after one count byte."""

    record: type[Record]
    most: int

    def kind(self) -> str:
        """Name the record and the largest count."""
        return f"list of {self.record.__name__}, at most {self.most}"

    def pack(self, value: Any) -> bytes:
        """Return the count and the records."""
        if len(value) > self.most:
            raise LocalProtocolError(f"{self.name} has {len(value)} entries, at most {self.most} fit")
        return bytes([len(value)]) + b"".join(entry.pack() for entry in value)

    def unpack(self, data: bytes, at: int) -> tuple[Any, int]:
        """Read the count and the records."""
        count = self._slice(data, at, 1)[0]
        if count > self.most:
            raise RemoteProtocolError(f"{self.name} has {count} entries, at most {self.most} fit")
        entries = []
        at += 1
        for _ in range(count):
            entry, at = self.record.unpack(data, at)
            entries.append(entry)
        return tuple(entries), at


def wire_field(name: str, annotation: Any) -> Field:
    """Return the codec that an annotation describes; ``TypeError`` for one that describes none."""
    if get_origin(annotation) is not Annotated:
        raise TypeError(f"{name}: a wire field is Annotated[type, Width or AtMost, meaning]")
    type_, *extras = get_args(annotation)
    meaning = next((extra for extra in extras if isinstance(extra, str)), "")
    width = next((extra.octets for extra in extras if isinstance(extra, Width)), None)
    most = next((extra.count for extra in extras if isinstance(extra, AtMost)), None)
    if type_ is bytes:
        return BytesField(name, meaning, width)
    if type_ is str and most is not None:
        return TextField(name, meaning, most)
    if get_origin(type_) is tuple and most is not None:
        return ListField(name, meaning, get_args(type_)[0], most)
    if width is not None:
        return NumberField(name, meaning, width, type_)
    if hasattr(type_, "unpack"):
        return RecordField(name, meaning, type_)
    raise TypeError(f"{name}: nothing says how {type_} goes on the wire")
