"""Numbers of very many digits: converted in no more than a moment, or refused in words."""

from base64 import b64encode
from decimal import Decimal
from typing import Any

import orjson
import pytest

from ferryman.converters.json import JsonConverter
from ferryman.errors import DataError
from ferryman.formats.avro import rows_reader
from ferryman.formats.avro.schemas.schema_reader import reading
from ferryman.formats.header_text import infer
from ferryman.java.decimals import MOST_DIGITS, as_float, from_unscaled, rescaled, unscaled
from ferryman.java.numbers import parsed_single
from ferryman.java.simple_date_format.formatter import formatter
from ferryman.java.simple_date_format.parser import parser
from ferryman.java.simple_date_format.pattern import MAX_PATTERN_CHARACTERS
from ferryman.record import Rows
from tests.converters.test_avro import encode

LARGE = 10**MOST_DIGITS
DECIMAL: dict[str, Any] = {
    "type": "bytes",
    "name": "org.apache.kafka.connect.data.Decimal",
    "parameters": {"scale": "2"},
}


def read(schema: Any, payload: bytes) -> Any:
    converter = JsonConverter(JsonConverter.config_class.parse({}), "value")
    message = b'{"schema":' + orjson.dumps(schema) + b',"payload":' + payload + b"}"
    (data,) = converter.to_data("t", [message])
    assert isinstance(data, Rows)
    return data.values[0]


def encoded(number: int) -> bytes:
    return orjson.dumps(b64encode(number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)).decode())


def test_ten_thousand_digits_go_there_and_back() -> None:
    number = LARGE // 10 + 7
    decimal = from_unscaled(number, 2)
    assert unscaled(decimal, 2) == number
    assert read(DECIMAL, encoded(number)) == decimal
    assert read(DECIMAL, b"9" * (MOST_DIGITS - 2)) == Decimal("9" * (MOST_DIGITS - 2))


@pytest.mark.parametrize(
    ("payload", "digits"),
    [
        (encoded(1 << (8 * 25_000)), "60,207"),
        (encoded(1 << (8 * 750_000)), "1,806,181"),
        (encoded(LARGE * 100), "10,003"),
        (b"1" * 60_000, "60,000"),
        (b"1" * 1_000_000, "1,000,000"),
        (b"0." + b"1" * 1_000_000, "1,000,000"),
        (b"1e999999", "1,000,002"),
    ],
)
def test_a_decimal_in_json_with_more_digits_is_a_data_error_that_tells_how_many(payload: bytes, digits: str) -> None:
    with pytest.raises(DataError, match=rf"A number of {digits} digits cannot be converted; at most 10,000 are"):
        read(DECIMAL, payload)


@pytest.mark.parametrize("inside", [False, True])
def test_a_decimal_of_a_megabyte_in_avro_is_a_data_error_that_tells_how_many_digits_it_has(inside: bool) -> None:
    schema: Any = {"type": "bytes", "logicalType": "decimal", "precision": 3_000_000, "scale": 2}
    if inside:
        schema = {"type": "record", "name": "R", "fields": [{"name": "f", "type": schema}]}
    found = reading(schema)
    (body,) = encode(schema, [{"f": Decimal(1)} if inside else Decimal(1)])
    assert len(body) == 2
    large = b"\x80\x89\x7a" + b"\x7f" * 1_000_000
    with pytest.raises(DataError, match=r"A number of 2,408,2\d\d digits cannot be converted"):
        rows_reader.decode(found, rows_reader.parse_strictly(found.rows), [large])


def test_the_value_in_an_error_is_cut() -> None:
    with pytest.raises(DataError, match="mismatching scale") as raised:
        rescaled(Decimal("0." + "1" * 9000), 2)
    assert len(str(raised.value)) < 250


@pytest.mark.parametrize("scale", [20_000, -20_000, 2_000_000_000])
def test_a_scale_that_no_number_has_is_a_data_error(scale: int) -> None:
    with pytest.raises(DataError, match="scale"):
        from_unscaled(5, scale)
    with pytest.raises(DataError):
        rescaled(Decimal(5), scale)


def test_zero_fits_any_scale_within_the_bounds_and_nan_none() -> None:
    assert rescaled(Decimal("0"), 5000) == 0
    with pytest.raises(DataError):
        rescaled(Decimal("NaN"), 2)


def test_a_number_beyond_doubles_is_infinite_in_json() -> None:
    assert read({"type": "double"}, b"1" * 400) == float("inf")
    assert read({"type": "double"}, b"-" + b"1" * 5000) == float("-inf")
    assert as_float(3) == 3.0


def test_a_float_of_a_million_digits_is_rounded_once() -> None:
    half = "1.000000059604644775390625"
    assert parsed_single(half) == 1.0
    assert parsed_single(half + "0" * 1_000_000) == 1.0
    assert parsed_single(half + "0" * 1_000_000 + "1") == pytest.approx(1.0000001192092896, abs=1e-12)
    assert parsed_single("1e-" + "9" * 100_000) == 0.0
    assert parsed_single("1" * 1_000_000) == float("inf")


def test_a_header_of_a_million_digits_stays_text() -> None:
    assert infer("1" * 1_000_000).value == "1" * 1_000_000
    assert infer("1" * 9000).value == Decimal("1" * 9000)


@pytest.mark.parametrize(
    ("text", "year"),
    [("1" * 1_000_000, 2_147_483_647), ("0" * 5000 + "7", 7), ("1" * 1000 + "E-999", 1), ("1E-" + "9" * 100_000, 0)],
)
def test_a_number_of_any_length_in_a_date_is_what_java_makes_of_it(text: str, year: int) -> None:
    assert parser("yyyyy")(text) == parser("yyyyy")(str(year))


def test_a_date_pattern_has_a_longest_length() -> None:
    assert formatter("y" * MAX_PATTERN_CHARACTERS)(0).endswith("1970")
    with pytest.raises(Exception, match="more than 1,000 characters"):
        formatter("y" * 1_000_000)
