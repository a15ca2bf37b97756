"""Values that are printed together have the JSON that each of them has alone."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ferryman.errors import DataError
from ferryman.formats.json import many_values
from ferryman.formats.json.text import dumps

FLOATS = st.floats() | st.sampled_from([1e7, 9999999.5, 1e-3, 0.00099, -1e16, 5e-324, -0.0, 123456789.25])
TEXTS = st.text(max_size=4) | st.sampled_from(['"', "\n", ",1e5", "[0.0001", ":12345678.", "\ud800"])
PLAIN = st.none() | st.booleans() | st.integers() | FLOATS | TEXTS
OTHERS = st.sampled_from([b"\x01", Decimal("1.50"), datetime(2024, 2, 29, tzinfo=UTC), object(), (1,)])
KEYS = TEXTS | st.sampled_from(["a", "b"]) | st.integers(0, 3)
VALUES = st.recursive(
    PLAIN | PLAIN | PLAIN | OTHERS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3) | st.dictionaries(KEYS, inner)
    ),
    max_leaves=6,
)


def outcome(of: Callable[[], list[bytes]]) -> list[bytes] | str:
    try:
        return of()
    except DataError as error:
        return str(error)


@settings(max_examples=300)
@given(st.lists(VALUES, max_size=5))
@example([{"a": [float("nan")], "b": float("-inf")}])
@example([{"a": 1}, {1: "a"}])
def test_many_values_are_printed_as_each_is(values: list[Any]) -> None:
    assert outcome(lambda: many_values.texts(values, dumps)) == outcome(lambda: list(map(dumps, values)))


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1300])
def test_each_value_has_its_text_however_many_there_are(count: int) -> None:
    values = [{"id": number, "share": number / 8 if number % 7 else 1e-9} for number in range(count)]
    assert many_values.texts(values, dumps) == list(map(dumps, values))
    assert many_values.printed_all(values, lambda value: value["id"]) == [b"%d" % number for number in range(count)]


def test_plain_values_are_not_printed_one_by_one() -> None:
    def one(value: Any) -> bytes:
        raise AssertionError(value)

    values = [{"id": number, "in": [{"share": 0.5, "text": "1e5"}, None]} for number in range(3)]
    assert many_values.texts(values, one)[2] == b'{"id":2,"in":[{"share":0.5,"text":"1e5"},null]}'


def test_of_many_values_only_those_with_an_exponent_of_java_are_printed_by_themselves() -> None:
    seen = []

    def one(value: Any) -> bytes:
        seen.append(value)
        return dumps(value)

    values = [{"share": share} for share in (0.5, 1e7, 2.5, 1e-5, 0.0001, 12.0)]
    assert many_values.texts(values, one) == list(map(dumps, values))
    assert seen == [values[1], values[3], values[4]]
