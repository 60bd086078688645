"""What a field, a record and a message can hold: every value of it, drawn from the codec's own description."""

from __future__ import annotations

import enum
from typing import Any

from hypothesis import strategies as st

from protocol.fields import BytesField, Field, ListField, NumberField, RecordField, TextField

REST_OCTETS = 60
"""The most bytes drawn for a field that takes the rest of its message."""


def numbers(field: NumberField) -> st.SearchStrategy[Any]:
    """Return every value the field can hold."""
    if issubclass(field.type_, enum.Enum):
        return st.sampled_from(field.type_)
    if field.type_ is bool:
        return st.booleans()
    return st.integers(0, 256**field.octets - 1).map(field.type_)


def values(field: Field) -> st.SearchStrategy[Any]:
    """Return a strategy for one field's values."""
    match field:
        case NumberField():
            return numbers(field)
        case BytesField():
            size = field.octets
            return st.binary(min_size=size or 0, max_size=size if size is not None else REST_OCTETS)
        case TextField():
            most = field.most
            return st.text(st.characters(exclude_categories=["Cs"]), max_size=most).filter(
                lambda text: len(text.encode()) <= most
            )
        case RecordField():
            return records(field.record)
        case ListField():
            return st.lists(records(field.record), max_size=field.most).map(tuple)
    raise TypeError(field)


def records(cls: type[Any]) -> st.SearchStrategy[Any]:
    """Return a strategy for one record's or message's values."""
    return st.builds(cls, *(values(field) for field in cls.FIELDS))


def lowest(field: Field) -> Any:
    """Return the least that a field can hold."""
    match field:
        case NumberField():
            make: Any = field.type_
            return min(make) if issubclass(field.type_, enum.IntEnum) else make(0)
        case BytesField():
            return bytes(field.octets or 0)
        case TextField():
            return ""
        case RecordField():
            return some(field.record)
        case ListField():
            return ()
    raise TypeError(field)


def some(cls: type[Any]) -> Any:
    """Return the least record or message of a kind."""
    make: Any = cls
    return make(*(lowest(field) for field in cls.FIELDS))
