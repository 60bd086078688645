"""The codec of every message: whole fields, exact lengths, and nothing but ``RemoteProtocolError`` for bad bytes."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.channel_seal import MESSAGE_OCTETS_MAX, RECORD_OCTETS_MAX
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.fields import BytesField, Field, ListField, NumberField, RecordField, TextField, wire_field
from protocol.messages import (
    MESSAGES,
    ChannelRefusal,
    Close,
    HelloReply,
    Interrogate,
    LogEntry,
    LogPage,
    Message,
    Prescription,
    Sealed,
    StagePrescription,
    Stop,
    WireRecord,
    decode,
    encode,
    message,
)
from protocol.units import Milliseconds, Nanolitres, Quantity
from protocol.vocabulary import ChannelReason, Role, Section
from verify.suites.samples import records

EVERY_MESSAGE = sorted(MESSAGES.values(), key=lambda cls: cls.TYPE)
fewer = settings(max_examples=settings().max_examples // 8 + 1)
"""For tests that run once for each message."""
more = settings(max_examples=settings().max_examples * 5)
Put = Callable[[Any], Any]
every_message = pytest.mark.parametrize("cls", EVERY_MESSAGE, ids=lambda cls: cls.__name__)

# --- the lowest and the highest that a field can hold; any value between is verify.suites.samples'


def extreme(field: Field, *, high: bool) -> Any:
    """Return the value of a field that has all its bytes at their lowest or highest."""
    match field:
        case NumberField():
            make: Any = field.type_
            if issubclass(field.type_, enum.IntEnum):
                return (max if high else min)(make)
            most = 1 if field.type_ is bool else 256**field.octets - 1
            return make(most if high else 0)
        case BytesField():
            octets = (RECORD_OCTETS_MAX - 9) if field.octets is None else field.octets
            return (b"\xff" if high else b"\0") * octets
        case TextField():
            return "Z" * field.most if high else ""
        case RecordField():
            return extreme_record(field.record, high=high)
        case ListField():
            return (extreme_record(field.record, high=True),) * field.most if high else ()
    raise TypeError(field)


def extreme_record(cls: type[Any], *, high: bool) -> Any:
    """Return a record with every field at its lowest or highest."""
    return cls(*(extreme(field, high=high) for field in cls.FIELDS))


def small_numbers(cls: type[Any]) -> Iterator[tuple[str, NumberField, Put]]:
    """Yield every field of one or two bytes, however deep, with a function that makes a record with a value there."""
    base = extreme_record(cls, high=True)
    for field in cls.FIELDS:
        match field:
            case NumberField(octets=1 | 2):
                yield field.name, field, putter(base, field.name)
            case RecordField() | ListField():
                for name, inner, put in small_numbers(field.record):
                    yield name, inner, putter(base, field.name, put, listed=isinstance(field, ListField))
            case _:
                continue


def putter(base: Any, name: str, put: Put = lambda value: value, *, listed: bool = False) -> Put:
    """Return a function that makes ``base`` with another value in one field, or in a record inside it."""

    def with_value(value: Any) -> Any:
        return dataclasses.replace(base, **{name: (put(value),) if listed else put(value)})

    return with_value


def quantity_or_int(value: Any) -> int:
    """Return the number on the wire."""
    return value.value if isinstance(value, Quantity) else int(value)


# --- tests -------------------------------------------------------------------------------------------------


@every_message
@fewer
@given(data=st.data())
def test_what_is_encoded_is_decoded_again(cls: type[Message], data: st.DataObject) -> None:
    """Every message comes back from its bytes as it was, field by field, and of the same class."""
    item = data.draw(records(cls))
    assert decode(encode(item)) == item


@pytest.mark.verifies("LOG-10")
@every_message
@pytest.mark.parametrize("high", [False, True])
def test_the_extremes_come_back_whole(cls: type[Message], high: bool) -> None:
    """A message with every field at its lowest or highest loses no byte on the way."""
    item = extreme_record(cls, high=high)
    assert decode(encode(item)) == item


@pytest.mark.verifies("LOG-10")
@every_message
def test_every_value_of_every_small_field_survives(cls: type[Message]) -> None:
    """Each one- and two-byte field takes all its values, high bytes included; a value it cannot mean is refused."""
    for name, field, put in small_numbers(cls):
        lowest = encode(put(extreme(field, high=False)))
        highest = encode(put(extreme(field, high=True)))
        differing = [at for at, pair in enumerate(zip(lowest, highest, strict=True)) if pair[0] != pair[1]]
        at = differing[0]
        for number in range(256**field.octets):
            octets = number.to_bytes(field.octets, "little")
            data = lowest[:at] + octets + lowest[at + field.octets :]
            try:
                meant = field.type_(number) if field.type_ is not bool or number < 2 else None
            except ValueError:
                meant = None
            if meant is None:
                with pytest.raises(RemoteProtocolError, match=name):
                    decode(data)
            else:
                assert decode(data) == put(meant), (name, number)
                assert encode(decode(data)) == data


@pytest.mark.verifies("COM-14", "LOG-10")
@every_message
@fewer
@given(data=st.data())
def test_wide_numbers_are_little_endian_and_whole(cls: type[Message], data: st.DataObject) -> None:
    """A number of four or eight bytes stands on the wire low byte first, with none left out."""
    wide = [field for field in cls.FIELDS if isinstance(field, NumberField) and field.octets > 2]
    for field in wide:
        number = data.draw(st.integers(0, 256**field.octets - 1))
        item = dataclasses.replace(extreme_record(cls, high=False), **{field.name: field.type_(number)})
        assert number.to_bytes(field.octets, "little") in encode(item)
        assert quantity_or_int(getattr(decode(encode(item)), field.name)) == number


@every_message
def test_a_message_cut_anywhere_is_refused(cls: type[Message]) -> None:
    """Every proper beginning of a message is an error. (A sealed record of any length is for its seal to refuse.)"""
    whole = encode(extreme_record(cls, high=True))
    for length in range(9 if cls is Sealed else len(whole)):
        with pytest.raises(RemoteProtocolError):
            decode(whole[:length])


@pytest.mark.parametrize("cls", [cls for cls in EVERY_MESSAGE if cls is not Sealed], ids=lambda cls: cls.__name__)
@fewer
@given(rest=st.binary(min_size=1, max_size=20))
def test_bytes_after_a_message_are_refused(cls: type[Message], rest: bytes) -> None:
    """A message that is followed by anything is not that message."""
    with pytest.raises(RemoteProtocolError, match="too many"):
        decode(encode(extreme_record(cls, high=True)) + rest)


@more
@given(kind=st.sampled_from([*MESSAGES, 0, 0x06, 0x7F, 0xFF]), rest=st.binary(max_size=RECORD_OCTETS_MAX))
def test_any_bytes_decode_or_are_refused(kind: int, rest: bytes) -> None:
    """Arbitrary bytes give a message that encodes to the same bytes, or the one error; never anything else."""
    data = bytes((kind,)) + rest
    try:
        item = decode(data)
    except RemoteProtocolError:
        return
    assert encode(item) == data


@every_message
@fewer
@given(data=st.data())
def test_a_damaged_message_decodes_to_its_own_bytes_or_is_refused(cls: type[Message], data: st.DataObject) -> None:
    """With one byte changed a message is another valid one or an error: two byte strings never mean the same."""
    whole = bytearray(encode(data.draw(records(cls))))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    try:
        item = decode(bytes(whole))
    except RemoteProtocolError:
        return
    assert encode(item) == bytes(whole)


def test_every_type_number_without_a_message_is_refused() -> None:
    """All 256 type numbers are either in the table or an error that names the number."""
    for number in set(range(256)) - set(MESSAGES):
        with pytest.raises(RemoteProtocolError, match=f"{number:#04x}"):
            decode(bytes((number,)))


def test_no_bytes_are_no_message() -> None:
    """An empty record is refused."""
    with pytest.raises(RemoteProtocolError, match="empty"):
        decode(b"")


@every_message
def test_the_longest_message_fits_its_frame(cls: type[Message]) -> None:
    """No content makes a message too long: handshake records fit a frame, all others fit it sealed."""
    limit = RECORD_OCTETS_MAX if cls.TYPE < 0x10 else MESSAGE_OCTETS_MAX
    assert len(encode(extreme_record(cls, high=True))) <= limit


@every_message
def test_requests_name_their_roles_and_replies_have_none(cls: type[Message]) -> None:
    """Exactly the numbers from 0x10 to 0x7F are requests, and only they can change the pump."""
    assert bool(cls.ROLES) == (0x10 <= cls.TYPE < 0x80)
    assert cls.ROLES or not cls.CHANGES_STATE


@pytest.mark.verifies("COM-15")
@every_message
def test_what_changes_the_pump_is_never_for_observers(cls: type[Message]) -> None:
    """No command that the pump executes is open to the role that only looks."""
    assert not (cls.CHANGES_STATE and Role.OBSERVER in cls.ROLES)


@every_message
def test_a_message_cannot_be_altered(cls: type[Message]) -> None:
    """A message is a value: setting any field of it is an error."""
    item = extreme_record(cls, high=False)
    for field in cls.FIELDS:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(item, field.name, getattr(item, field.name))


def test_a_number_belongs_to_one_message() -> None:
    """A second message under a number in use is refused when the module is loaded, and the first one stays."""
    with pytest.raises(TypeError, match="taken by Stop"):

        @message(Stop.TYPE)
        class Another(Message):
            """Not to be."""

    assert MESSAGES[Stop.TYPE] is Stop


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (ChannelRefusal(ChannelReason.SLOW_DOWN, Milliseconds(2**32)), "wait"),
        (HelloReply("x" * 13, bytes(16), 0, bytes(32)), "serial"),
        (HelloReply("é" * 7, bytes(16), 0, bytes(32)), "serial"),
        (HelloReply("", bytes(15), 0, bytes(32)), "nonce"),
        (HelloReply("", bytes(16), -1, bytes(32)), "ordinal"),
        (LogPage(0, 0, (extreme_record(LogEntry, high=False),) * 10), "entries"),
    ],
)
def test_a_value_that_does_not_fit_is_our_own_error(item: Message, field: str) -> None:
    """Encoding never cuts a value down to its field: it refuses and names the field."""
    with pytest.raises(LocalProtocolError, match=field):
        encode(item)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (bytes((Interrogate.TYPE, 0)), "section = 0 is no Section"),
        (bytes((Interrogate.TYPE, 99)), "section = 99 is no Section"),
        (bytes((Close.TYPE, 2)), "neither 0 nor 1"),
        (bytes((HelloReply.TYPE, 13)) + bytes(80), "serial is 13 bytes long"),
        (bytes((HelloReply.TYPE, 2)) + b"\xff\xfe" + bytes(56), "not UTF-8"),
        (bytes((HelloReply.TYPE, 2)) + b"\xc0\x80" + bytes(56), "not UTF-8"),
        (bytes((HelloReply.TYPE, 3)) + b"\xed\xa0\x80" + bytes(56), "not UTF-8"),
        (bytes((LogPage.TYPE,)) + bytes(8) + b"\x0a" + bytes(220), "entries has 10 entries"),
        (bytes((StagePrescription.TYPE, 2)) + bytes(4) + b"\x06" + bytes(200), "drugs has 6 entries"),
    ],
)
def test_a_field_that_means_nothing_is_refused_by_name(data: bytes, match: str) -> None:
    """A value outside an enumeration, a flag, a text or a list is refused, and the message says which field."""
    with pytest.raises(RemoteProtocolError, match=match):
        decode(data)


def test_a_field_without_a_description_is_a_programming_error() -> None:
    """A dataclass field that does not say how it goes on the wire stops the module from loading."""
    for annotation in (int, str, Nanolitres):
        with pytest.raises(TypeError, match="width"):
            wire_field("width", annotation)


def test_known_bytes_of_a_small_message() -> None:
    """The codec is what the documentation says, byte by byte, for one message written out by hand."""
    assert encode(Interrogate(Section.ALARMS)) == b"\x10\x06"
    refusal = ChannelRefusal(ChannelReason.SLOW_DOWN, Milliseconds(0x01020304))
    assert encode(refusal) == b"\x05\x04\x04\x03\x02\x01"


def test_a_record_inside_a_message_is_read_in_line() -> None:
    """A prescription inside a message has the bytes that it has alone."""
    prescription: WireRecord = extreme_record(Prescription, high=True)
    assert isinstance(prescription, Prescription)
    assert encode(StagePrescription(prescription)) == bytes((StagePrescription.TYPE,)) + prescription.pack()
