"""Messages: whole fields, exact lengths, and nothing but a refusal for bytes that are none."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from protocol.channel_seal import MESSAGE_OCTETS_MAX
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.fields import ListField, NumberField, TextField
from protocol.messages import MESSAGES, Close, Interrogate, Message, Stop, decode, encode
from protocol.prescription_digest import digest_of
from verify.suites.samples import records, some
from verify.suites.suite import Effort, Property, Suite, require
from verify.suites.tiny import prescribe

KINDS = sorted(MESSAGES.values(), key=lambda kind: kind.TYPE)


def _any_message(kind: type[Message]) -> st.SearchStrategy[Message]:
    found: st.SearchStrategy[Message] = records(kind)
    return found


ANY = st.sampled_from(KINDS).flatmap(_any_message)


def there_and_back(effort: Effort) -> None:
    """Write messages of every kind with any values, and read them."""

    def check(message: Message) -> None:
        data = encode(message)
        require(data[0] == message.TYPE, f"{type(message).__name__} begins with {data[0]:#04x}")
        require(decode(data) == message, f"{message} comes back as {decode(data)}")
        effort.reached[type(message).__name__] += 1

    effort.search(check, message=ANY)


def whole_numbers(effort: Effort) -> None:
    """Put the largest and the most lopsided number into every field of a number, and look at its bytes."""
    for kind in KINDS:
        base = some(kind)
        for field in kind.FIELDS:
            if not isinstance(field, NumberField) or field.type_ is bool:
                continue
            for value in (1, 0x80, 256 ** (field.octets - 1), 256**field.octets - 1):
                try:
                    wanted: Any = field.type_(value)
                except ValueError:
                    continue  # an enumeration that has no such member
                effort.tried += 1
                packed = field.pack(wanted)
                require(packed == value.to_bytes(field.octets, "little"), f"{field.name} = {value} is {packed.hex()}")
                require(
                    field.unpack(packed, 0) == (wanted, field.octets), f"{field.name} = {value} comes back otherwise"
                )
            for wrong in (256**field.octets, -1):
                _unwritten(field, wrong)
        require(decode(encode(base)) == base, f"the least {kind.__name__} comes back otherwise")


def _unwritten(field: NumberField, value: int) -> None:
    try:
        field.pack(value)
    except LocalProtocolError:
        return
    require(False, f"{field.name} = {value} is written")


def nothing_else(effort: Effort) -> None:
    """Cut messages short, put bytes behind them, and read random bytes."""

    def check(message: Message, extra: bytes, at: float) -> None:
        data = encode(message)
        cut = data[: int(at * len(data))]
        for wrong in (cut, data + extra):
            try:
                found = decode(wrong)
            except RemoteProtocolError:
                effort.reached["refused"] += 1
                continue
            require(encode(found) == wrong, f"{wrong.hex()} is read as {found}")
        try:
            found = decode(extra)
        except RemoteProtocolError:
            return
        require(encode(found) == extra, f"{extra.hex()} is read as {found}")

    effort.search(check, message=ANY, extra=st.binary(min_size=1, max_size=40), at=st.floats(0, 0.999))


def strict(effort: Effort) -> None:
    """Read what is nearly a message."""
    interrogate = encode(some(Interrogate))
    for wrong in (
        b"",
        b"\xfe",
        encode(Stop()) + b"\0",
        interrogate[:1],
        interrogate[:1] + b"\x63",
        bytes((Close.TYPE, 2)),
        bytes((Close.TYPE, 255)),
    ):
        effort.tried += 1
        try:
            found = decode(wrong)
        except RemoteProtocolError:
            continue
        require(False, f"{wrong.hex()} is read as {found}")


def lists_and_texts(effort: Effort) -> None:
    """Read lists and texts that are one longer than they may be."""
    for field in (field for kind in KINDS for field in kind.FIELDS):
        if isinstance(field, ListField):
            one = some(field.record).pack()
            longer = bytes([field.most + 1]) + one * (field.most + 1)
        elif isinstance(field, TextField):
            longer = bytes([field.most + 1]) + b"x" * (field.most + 1)
        else:
            continue
        effort.tried += 1
        try:
            field.unpack(longer, 0)
        except RemoteProtocolError:
            continue
        require(False, f"{field.name} may have {field.most}, and {field.most + 1} are read")


def digests(effort: Effort) -> None:
    """Compare the digests of prescriptions, and of one for two pumps."""
    base = prescribe(bolus=1_000, count=3)
    others = [prescribe(rate=99_999, bolus=1_000, count=3), prescribe(bolus=1_000, count=4), prescribe(limit_1h=1)]
    made = {digest_of(each, "TH-1") for each in (base, *others)} | {digest_of(base, "TH-2")}
    effort.tried += 5
    require(len(made) == 5, "two prescriptions, or one for two pumps, have one digest")
    longest = max(len(encode(some(kind))) for kind in KINDS)
    require(longest <= MESSAGE_OCTETS_MAX, "the least message fits no frame")


SUITE = Suite(
    "messages",
    "messages and their fields",
    (
        Property("messages.strict", "What is nearly a message is none.", strict),
        Property("messages.numbers", "Every number is whole, to its last byte.", whole_numbers, verifies=("LOG-10",)),
        Property("messages.lists", "No list or text is longer than it may be.", lists_and_texts),
        Property("messages.digests", "A digest names one prescription for one pump.", digests),
        Property(
            "messages.there and back", "Every message comes back as it was.", there_and_back, 80, verifies=("LOG-10",)
        ),
        Property("messages.nothing else", "What is no message is refused.", nothing_else, 80, ("refused",)),
    ),
)
