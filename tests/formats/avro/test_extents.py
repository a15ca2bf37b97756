"""Whether bodies are as long as their schema says, without reading their values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.formats.avro import columns_reader, extents
from ferryman.formats.avro.schemas.schema_reader import Reading, reading
from tests.converters.test_avro import encode
from tests.formats.avro.test_rows_and_columns import messages

NOTE = {
    "type": "record",
    "name": "Note",
    "fields": [
        {"name": "n", "type": "long"},
        {"name": "text", "type": ["null", "string"]},
        {"name": "three", "type": {"type": "fixed", "name": "Three", "size": 3}},
        {"name": "numbers", "type": {"type": "array", "items": "int"}},
        {"name": "end", "type": "double"},
    ],
}
SCHEMA = reading(NOTE).columns


def note(**fields: Any) -> bytes:
    usual = {"n": 1, "text": "a", "three": b"abc", "numbers": [1], "end": 0.5}
    return encode(NOTE, [{**usual, **fields}])[0]


@given(messages(), st.data())
def test_only_bodies_that_are_neither_cut_nor_longer_are_whole(
    made: tuple[Reading, list[bytes]], data: st.DataObject
) -> None:
    found, bodies = made
    changed, expected = list[bytes](), list[bool]()
    for body in bodies:
        kept, more = data.draw(st.integers(0, len(body))), data.draw(st.binary(max_size=3))
        how = data.draw(st.sampled_from(["as it is", "cut", "longer"]))
        changed.append({"as it is": body, "cut": body[:kept], "longer": body + more}[how])
        expected.append(changed[-1] == body)

    assert extents.whole(found.columns, changed) in (None, expected)


@pytest.mark.parametrize(
    "fields",
    [
        {"n": -(2**63)},
        {"n": 300},
        {"n": 20_000},
        {"text": None},
        {"text": ""},
        {"text": "x" * 63},
        {"text": "x" * 64},
        {"text": "x" * 20_000},
        {"numbers": []},
        {"numbers": [2**31 - 1] * 300},
    ],
)
def test_each_kind_of_field_ends_where_it_does(fields: dict[str, Any]) -> None:
    body = note(**fields)

    assert extents.whole(SCHEMA, [body, body[:-1], body + b"\x00", body]) == [True, False, False, True]


def test_blocks_of_a_list_may_say_how_many_bytes_they_have() -> None:
    head, tail = b"\x02\x00abc", bytes(8)
    body = head + b"\x03\x04\x06\x08\x02\x06\x00" + tail

    assert extents.whole(SCHEMA, [body, body[:-1]]) == [True, False]


@pytest.mark.parametrize(
    "body",
    [
        b"\xff" * 12,  # a number without an end
        b"\x02\x04abc\x00" + bytes(8),  # a branch that the union does not have
        b"\x02\x02\x03aabc\x00" + bytes(8),  # a text of a size below zero
        b"\x02\x02\xfe\xff\xff\xff\x0f",  # a text that is longer than all there is
        b"\x02\x00abc\xfe\xff\xff\xff\x0f",  # a list that is
        b"",
    ],
)
def test_what_is_none_of_the_schema_is_not_whole_and_harms_no_other(body: bytes) -> None:
    assert extents.whole(SCHEMA, [note(), body, note(), body]) == [True, False, True, False]


def test_one_cut_body_in_ten_leaves_the_others_columns() -> None:
    bodies = [note(n=number)[: -1 if number % 10 == 9 else None] for number in range(1000)]

    columns, odd = columns_reader.decode(reading(NOTE), bodies)

    assert odd == list(range(9, 1000, 10))
    assert columns is not None
    assert columns.frame["n"].to_list() == [number for number in range(1000) if number % 10 != 9]


def test_null_may_be_the_second_branch() -> None:
    schema = {"type": "record", "name": "N", "fields": [{"name": "text", "type": ["string", "null"]}]}

    assert extents.whole(schema, [b"\x02", b"\x00\x02a", b"\x00", b"\x02"]) == [True, True, False, True]


def test_nothing_is_whole_of_no_bodies() -> None:
    assert extents.whole(SCHEMA, []) == []
