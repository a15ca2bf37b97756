"""JsonConverter: plain JSON in Jackson's reading, the envelope, and rows and columns that agree."""

import json
import math
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from unittest.mock import Mock

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.converters import json as json_module
from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.errors import ConfigError, DataError
from ferryman.formats.json import columns_reader
from ferryman.formats.json.kept import Kept
from ferryman.formats.json.payload import reader
from ferryman.formats.json.schema import from_json
from ferryman.java.decimals import twos_complement
from ferryman.record import Columns, Rows
from ferryman.schema import (
    BOOLEAN,
    BYTES,
    DATE_SCHEMA,
    FLOAT32,
    FLOAT64,
    INT8,
    INT32,
    INT64,
    OPTIONAL_STRING,
    STRING,
    TIME_SCHEMA,
    TIMESTAMP_SCHEMA,
    Schema,
    Type,
    array,
    decimal,
    mapping,
    struct,
)


def converter(**keys: str) -> JsonConverter:
    return JsonConverter(
        JsonConverterConfig.parse({name.replace("_", "."): value for name, value in keys.items()}), "value"
    )


PLAIN = converter(schemas_enable="false")
ENVELOPE = converter()


def test_a_list_of_plain_payloads_is_one_schemaless_piece() -> None:
    assert PLAIN.to_data("t", [b'{"a":1}', None, b"[1,2]"]) == [Rows(None, [{"a": 1}, None, [1, 2]])]


UNICODE = ("utf-8", "utf-16-be", "utf-16-le", "utf-32-be", "utf-32-le")


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"true", True),
        (b"1.0", 1.0),
        (b"null", None),
        (b"", None),
        (b" ", None),
        (b"01", 1),
        (b'{"a":-007.5,"b":"007","c":[00]}', {"a": -7.5, "b": "007", "c": [0]}),
        (b"1e3", 1000.0),
        (b'"\\ud800!"', "?!"),
        *(('{"\u00e9": 12.5}'.encode(encoding), {"\u00e9": 12.5}) for encoding in UNICODE),
        *(('\ufeff{"\u20ac": []}'.encode(encoding), {"\u20ac": []}) for encoding in UNICODE),
    ],
)
def test_values_that_jackson_reads_in_its_own_way(payload: bytes, value: Any) -> None:
    assert PLAIN.to_data("t", [b"{}", payload])[0].rows().values[1] == value


EXACT = [
    "18446744073709551615",
    "9223372036854775808",
    "-9223372036854775809",
    "100000000000000000000000",
    "1.23456789012345678901234567890",
    "0.1000000000000000055511151231257827",
    "1E+400",
    "-1E-400",
    "12345678901234567.5",
    "9007199254740993.0",
    "4E-324",
]


@pytest.mark.parametrize("digits", EXACT)
@pytest.mark.parametrize("around", ["{}", '{{"id":{}}}', '[1,{{"a":[{},2]}}]'])
@pytest.mark.parametrize("enable", ["true", "false"])
def test_numbers_without_a_schema_keep_their_digits(digits: str, around: str, enable: str) -> None:
    plain = around.format(digits).encode()
    payload = plain if enable == "false" else b'{"schema":null,"payload":%s}' % plain
    same = converter(schemas_enable=enable)
    rows = same.to_data("t", [payload] * 20)[0].rows()
    assert same.from_data("t", rows) == [payload] * 20


@pytest.mark.parametrize("digits", ["9223372036854775807", "-9223372036854775808", "0.1", "1.10", "1e3", "1e-99"])
def test_numbers_that_a_long_or_a_double_holds_are_one(digits: str) -> None:
    assert type(PLAIN.to_data("t", [digits.encode()])[0].rows().values[0]) in (int, float)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_stays_a_double(number: float) -> None:
    given = [repr(number).encode(), b'{"x":%s}' % repr(number).encode(), b'"a text with 12345678901234567890.5 in it"']
    one, two, _ = PLAIN.to_data("t", given)[0].rows().values
    assert (type(one), one, two) == (float, number, {"x": number})


@given(st.one_of(st.integers(), st.decimals(allow_nan=False, allow_infinity=False)))
def test_every_number_comes_out_as_it_went_in(number: int | Decimal) -> None:
    (payload,) = PLAIN.from_data("t", PLAIN.to_data("t", [str(number).encode()])[0])
    assert payload is not None
    assert Decimal(payload.decode()) == number


@pytest.mark.parametrize("payload", [b"NaN", b"{", b'{"a":1} x', b"\xff", b"'a'", b"[" * 5000, b'{"a":-Infinity}'])
def test_what_is_not_json_is_a_data_error(payload: bytes) -> None:
    with pytest.raises(
        DataError, match="Converting byte\\[\\] to Kafka Connect data failed due to serialization error"
    ):
        PLAIN.to_data("t", [b"{}", payload])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.1, b"1.1"),
        (1e10, b"1.0E10"),
        (1e-5, b"1.0E-5"),
        (1e7, b"1.0E7"),
        (0.001, b"0.001"),
        (123456789.0, b"1.23456789E8"),
        (math.nan, b'"NaN"'),
        (-math.inf, b'"-Infinity"'),
        (-0.0, b"-0.0"),
        ({"position": 5, "by": b"\x01\x02", "n": None}, b'{"position":5,"by":"AQI=","n":null}'),
        ({1: "x"}, b'[[1,"x"]]'),
        (datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), b"1000"),
    ],
)
def test_schemaless_values_have_javas_spelling(value: Any, text: bytes) -> None:
    assert PLAIN.from_data("t", Rows(None, [value])) == [text]


RECORD = Schema(
    Type.STRUCT,
    name="rec",
    version=2,
    doc="d",
    fields=struct(
        {
            "i8": INT8,
            "f": FLOAT32,
            "dbl": Schema(Type.FLOAT64, default=2.5),
            "dec": decimal(2, optional=True),
            "ts": TIMESTAMP_SCHEMA,
            "m": mapping(INT32, STRING),
            "arr": array(STRING, optional=True),
            "by": Schema(Type.BYTES, optional=True),
        }
    ).fields,
)
VALUE = {
    "i8": 1,
    "f": 1.100000023841858,
    "dbl": 3.0,
    "dec": Decimal("12.30"),
    "ts": datetime(2023, 11, 14, 22, 13, 20, 123000, UTC),
    "m": {1: "x"},
    "arr": None,
    "by": b"\x00\x01\x02",
}
WRITTEN = (
    '{"schema":{"type":"struct","fields":[{"type":"int8","optional":false,"field":"i8"},{"type":"float","optional":'
    'false,"field":"f"},{"type":"double","optional":false,"default":2.5,"field":"dbl"},{"type":"bytes","optional":true,'
    '"name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"},"field":"dec"},{"type":'
    '"int64","optional":false,"name":"org.apache.kafka.connect.data.Timestamp","version":1,"field":"ts"},{"type":"map",'
    '"keys":{"type":"int32","optional":false},"values":{"type":"string","optional":false},"optional":false,"field":"m"},'
    '{"type":"array","items":{"type":"string","optional":false},"optional":true,"field":"arr"},{"type":"bytes",'
    '"optional":true,"field":"by"}],"optional":false,"name":"rec","version":2,"doc":"d"},"payload":{"i8":1,"f":1.1,'
    '"dbl":3.0,"dec":"BM4=","ts":1700000000123,"m":[[1,"x"]],"arr":null,"by":"AAEC"}}'
)


def test_an_envelope_is_written_and_read_to_the_byte() -> None:
    assert ENVELOPE.from_data("t", Rows(RECORD, [VALUE])) == [WRITTEN.encode()]
    assert ENVELOPE.to_data("t", [WRITTEN.encode()]) == [Rows(RECORD, [VALUE])]


def test_numeric_decimals_are_written_on_request_and_always_read() -> None:
    (payload,) = converter(decimal_format="numeric").from_data("t", Rows(RECORD, [VALUE]))
    assert payload is not None
    assert b'"dec":12.30' in payload
    assert ENVELOPE.to_data("t", [payload])[0].rows().values == [VALUE]


def test_null_is_a_tombstone_without_a_schema_and_a_payload_with_one() -> None:
    assert ENVELOPE.from_data("t", Rows(None, [None])) == [None]
    assert PLAIN.from_data("t", Rows(OPTIONAL_STRING, [None])) == [b"null"]
    text = b'{"schema":{"type":"string","optional":true},"payload":null}'
    assert ENVELOPE.from_data("t", Rows(OPTIONAL_STRING, [None])) == [text]
    assert ENVELOPE.to_data("t", [text, None]) == [Rows(OPTIONAL_STRING, [None]), Rows(None, [None])]
    assert ENVELOPE.from_data("t", Rows(None, [{"a": 1}])) == [b'{"schema":null,"payload":{"a":1}}']


@pytest.mark.parametrize("payload", [b'{"a":1}', b"5", b'{"schema":null,"payload":1,"more":2}', b'{"schema":null}'])
def test_anything_but_an_envelope_is_refused(payload: bytes) -> None:
    with pytest.raises(DataError, match='requires "schema" and "payload" fields'):
        ENVELOPE.to_data("t", [payload])


@pytest.mark.parametrize(
    ("schema", "payload"),
    [
        ('{"type":"int32"}', '"5"'),
        ('{"type":"int32"}', "5.5"),
        ('{"type":"int8"}', "300"),
        ('{"type":"string"}', "null"),
        ('{"type":"boolean"}', "1"),
        ('{"type":"struct","fields":[{"field":"a","type":"string"}]}', "{}"),
        ('{"type":"struct","fields":[]}', "[]"),
        ('{"type":"bytes"}', '"*"'),
        ('{"type":"wrong"}', "1"),
        ('{"type":"map","keys":{"type":"string"},"values":{"type":"string"}}', "[]"),
        ('{"type":"int32","name":"org.apache.kafka.connect.data.Time"}', "-1"),
        ('{"type":"int64","name":"org.apache.kafka.connect.data.Timestamp"}', "9000000000000000000"),
        ('{"type":"string","name":"org.apache.kafka.connect.data.Timestamp"}', '"x"'),
        ('{"type":"int32","parameters":{"a":1}}', "1"),
    ],
)
def test_a_payload_that_does_not_fit_is_a_data_error_and_never_a_wrong_value(schema: str, payload: str) -> None:
    with pytest.raises(DataError):
        ENVELOPE.to_data("t", [f'{{"schema":{schema},"payload":{payload}}}'.encode()])


FLAT = struct(
    {
        "id": INT64,
        "name": OPTIONAL_STRING,
        "amount": FLOAT64,
        "ok": BOOLEAN,
        "raw": BYTES,
        "price": decimal(2),
        "day": DATE_SCHEMA,
        "clock": TIME_SCHEMA,
        "at": TIMESTAMP_SCHEMA,
        "tags": array(STRING),
        "n": Schema(Type.INT32, optional=True, default=7),
        "inner": struct({"x": INT8}),
    }
)


def flat(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "name": None if number % 2 else f"n{number}",
        "amount": number / 4,
        "ok": number % 3 == 0,
        "raw": bytes([number % 256]),
        "price": Decimal(number).scaleb(-2),
        "day": date(2020, 1, 1),
        "clock": time(1, 2, 3),
        "at": datetime(2020, 1, 1, tzinfo=UTC),
        "tags": ["a"] * (number % 3),
        "n": number,
        "inner": {"x": number % 100},
    }


def test_many_envelopes_of_one_producer_come_as_columns() -> None:
    values = [flat(number) for number in range(200)]
    payloads = ENVELOPE.from_data("t", Rows(FLAT, values))
    (piece,) = converter().to_data("t", payloads)
    assert isinstance(piece, Columns)
    assert piece.rows() == Rows(FLAT, values)


@pytest.mark.parametrize("scale", [0, 2, 18, 19, 38])
def test_decimals_become_columns_whatever_their_size_and_scale(scale: int) -> None:
    numbers = [0, -1, 10**17, (1 << 63) - 1, -(1 << 63), 1 << 63, -(10**35), None]
    schema = struct({"amount": decimal(scale, optional=True)})
    for some in (numbers, numbers[:5], numbers[:6]):
        values = [{"amount": None if each is None else Decimal(each).scaleb(-scale)} for each in some]
        envelopes = map(orjson.loads, filter(None, ENVELOPE.from_data("t", Rows(schema, values))))
        found, odd = columns_reader.columns(schema, [orjson.dumps(each["payload"]) for each in envelopes])
        assert found is not None
        assert not odd
        assert found.rows().values == values


@pytest.mark.parametrize("parameters", ["{}", '{"scale":":"}', '{"scale":"9999999999"}', '{"scale":"1_0"}'])
@pytest.mark.parametrize("count", [1, 100])
def test_a_decimal_without_a_readable_scale_is_a_data_error(parameters: str, count: int) -> None:
    decimals = f'{{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{parameters}}}'
    fields = f'[{{"field":"price",{decimals[1:-1]}}}]'
    message = f'{{"schema":{{"type":"struct","fields":{fields}}},"payload":{{"price":"AMg="}}}}'
    with pytest.raises(DataError, match="Decimal schema"):
        converter().to_data("t", [message.encode()] * count)


@pytest.mark.parametrize("count", [1, 100])
def test_a_field_without_a_name_is_a_data_error(count: int) -> None:
    message = b'{"schema":{"type":"struct","fields":[{"field":"","type":"int32"}]},"payload":{"":1}}'
    with pytest.raises(DataError, match="fieldName cannot be null"):
        converter().to_data("t", [message] * count)


@pytest.mark.parametrize(("key", "refused"), [("name", False), ("version", False), ("type", True)])
def test_a_number_of_thousands_of_digits_where_none_belongs_does_no_harm(key: str, refused: bool) -> None:
    number = "1" + "0" * 5000
    schema = '{"type":"struct","fields":[],"KEY":NUMBER}'.replace("KEY", key).replace("NUMBER", number)
    message = f'{{"schema":{schema},"payload":{{}}}}'
    if refused:
        with pytest.raises(DataError, match="must contain 'type'"):
            converter().to_data("t", [message.encode()])
    else:
        (found,) = converter().to_data("t", [message.encode()])
        assert found.rows() == Rows(struct({}), [{}])


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("id", '"5"'),
        ("id", "1.5"),
        ("id", "true"),
        ("id", "9223372036854775808"),
        ("id", "null"),
        ("name", "5"),
        ("ok", "0"),
        ("inner", '{"x":128}'),
        ("inner", "null"),
        ("raw", '"?"'),
        ("tags", '["a",1]'),
        ("tags", "[null]"),
        ("clock", "86400000"),
    ],
)
def test_one_bad_value_among_many_is_found_and_not_coerced(name: str, bad: str) -> None:
    payloads = list(ENVELOPE.from_data("t", Rows(FLAT, [flat(number) for number in range(100)])))
    node = json.loads(payloads[50] or b"")
    node["payload"][name] = json.loads(bad)
    payloads[50] = json.dumps(node, separators=(",", ":")).encode()
    with pytest.raises(DataError):
        ENVELOPE.to_data("t", payloads)


def test_other_spellings_and_surplus_fields_of_an_envelope() -> None:
    schema = '{"type":"int32","optional":false}'
    spaced = f' {{"payload" : 5, "schema" : {schema} }} \n'.encode()
    surplus = f'{{"schema":{schema},"payload":5,"more":1}}'.encode()
    assert ENVELOPE.to_data("t", [spaced]) == [Rows(INT32, [5])]
    with pytest.raises(DataError):
        ENVELOPE.to_data("t", [surplus])
    with pytest.raises(DataError):
        ENVELOPE.to_data("t", [f'{{"schema":{schema},"payload":5'.encode() + b"}}"])


def test_the_cache_of_schemas_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kept, "free", 0)
    small = converter(schemas_cache_size="2")
    for number in range(10):
        small.from_data("t", Rows(struct({f"f{number}": INT32}), [{f"f{number}": 1}]))
        small.to_data("t", [f'{{"schema":{{"type":"int32","name":"n{number}"}},"payload":1}}'.encode()])
    assert len(small._written) == len(small._envelopes) == len(small._schemas) == 2


def test_a_schema_more_than_the_cache_is_to_hold_does_not_have_them_all_parsed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed = Mock(side_effect=from_json)
    monkeypatch.setattr(json_module, "from_json", parsed)
    decoding = converter(schemas_cache_size="10")
    messages = [f'{{"schema":{{"type":"int32","name":"n{number}"}},"payload":1}}'.encode() for number in range(11)]
    for _ in range(3):
        assert not decoding.decode("t", messages).failures
    assert parsed.call_count == 11


def test_defaults_stand_in_for_null_unless_switched_off() -> None:
    schema = struct({"a": Schema(Type.INT32, optional=True, default=7)})
    kept = converter(replace_null_with_default="false")
    assert orjson.loads(ENVELOPE.from_data("t", Rows(schema, [{"a": None}]))[0] or b"")["payload"] == {"a": 7}
    (payload,) = kept.from_data("t", Rows(schema, [{"a": None}]))
    assert kept.to_data("t", [payload])[0].rows().values == [{"a": None}]
    assert ENVELOPE.to_data("t", [payload])[0].rows().values == [{"a": 7}]


UNSCALED = st.integers(-(1 << 70), 1 << 70).map(lambda number: b64encode(twos_complement(number)).decode())
KINDS: list[tuple[Schema, st.SearchStrategy[Any]]] = [
    (INT8, st.integers(-130, 130)),
    (INT64, st.integers(-(1 << 65), 1 << 65)),
    (FLOAT64, st.floats(allow_nan=False, allow_infinity=False) | st.integers(-5, 5)),
    (FLOAT32, st.floats(allow_nan=False, allow_infinity=False, width=32)),
    (BOOLEAN, st.booleans()),
    (STRING, st.text()),
    (BYTES, st.sampled_from(["AQI=", "", "*"])),
    (decimal(2), st.sampled_from(["BM4=", "", "/w==", "/x==", "AA", "AA===", "B*M4=", "é", 5])),
    (decimal(18), UNSCALED),
    (decimal(19), UNSCALED),
    (TIMESTAMP_SCHEMA, st.integers(-(1 << 50), 1 << 50)),
    (DATE_SCHEMA, st.integers(-800000, 3000000)),
    (TIME_SCHEMA, st.integers(-5, 86_400_005)),
    (array(Schema(Type.INT32, optional=True)), st.lists(st.none() | st.integers(-5, 5), max_size=3)),
    (struct({"x": OPTIONAL_STRING}), st.fixed_dictionaries({}, optional={"x": st.none() | st.text(max_size=2)})),
]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_rows_and_columns_agree_errors_included(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))
    optional = data.draw(st.booleans())
    schema = struct(
        {f"f{at}": kind.as_optional(optional and kind.type is not Type.STRUCT) for at, (kind, _) in enumerate(kinds)}
    )
    wrong = st.none() | st.integers() | st.text(max_size=1) if data.draw(st.booleans()) else st.nothing()
    members = {f"f{at}": good | wrong for at, (_, good) in enumerate(kinds)}
    missing = data.draw(st.booleans())
    record = st.fixed_dictionaries({}, optional=members) if missing else st.fixed_dictionaries(members)
    payloads = data.draw(st.lists(record, min_size=1, max_size=4))
    bodies = [json.dumps(payload).encode() for payload in payloads]

    columns, odd = columns_reader.columns(schema, bodies)
    plain = [body for at, body in enumerate(bodies) if at not in set(odd)]
    assert (columns is None) is (not plain)
    if columns is not None:
        read = reader(schema, True)
        assert columns.rows() == Rows(schema, [read(orjson.loads(body)) for body in plain])


@given(data=st.data())
def test_odd_values_keep_no_others_from_becoming_columns(data: st.DataObject) -> None:
    count = data.draw(st.integers(20, 200))
    odd = data.draw(st.sets(st.integers(0, count - 1), max_size=4))
    schema = struct({"id": INT64, "name": OPTIONAL_STRING})
    values: list[Any] = [{"id": at, "name": "x"} for at in range(count)]
    for at in odd:
        values[at] = data.draw(st.sampled_from([{"id": "5"}, {"id": 1 << 70}, {"id": 1, "name": 7}, None, [], {}]))
    columns, found = columns_reader.columns(schema, [json.dumps(value).encode() for value in values])
    assert set(found) == odd
    assert columns is not None
    assert columns.frame["id"].to_list() == [at for at in range(count) if at not in odd]


CONTENT = json.dumps(
    {
        "type": "struct",
        "name": "payment",
        "optional": False,
        "fields": [
            {"field": "id", "type": "int64", "optional": False},
            {"field": "who", "type": "string", "optional": True, "default": "nobody"},
        ],
    }
)


@pytest.mark.parametrize("count", [1, 40])
def test_with_schema_content_payloads_are_plain_and_have_that_schema(count: int) -> None:
    converter = JsonConverter(JsonConverterConfig.parse({"schema.content": CONTENT}), "value")
    payloads = [f'{{"id": {number}, "surplus": 1}}'.encode() for number in range(count)]
    (piece,) = converter.to_data("t", payloads)
    assert piece.schema is not None
    assert piece.schema.name == "payment"
    assert piece.rows().values == [{"id": number, "who": "nobody"} for number in range(count)]
    assert [each.rows().values for each in converter.to_data("t", [None, payloads[0], b""])] == [
        [None],
        [{"id": 0, "who": "nobody"}],
        [None],
    ]
    with pytest.raises(DataError, match="Invalid null value for required STRUCT field"):
        converter.to_data("t", [b"null"])


def test_schema_content_needs_schemas_to_be_enabled_and_to_be_one() -> None:
    plain = JsonConverter(JsonConverterConfig.parse({"schema.content": CONTENT, "schemas.enable": "false"}), "value")
    assert plain.to_data("t", [b"{}"])[0].schema is None
    for text, reason in (("{", "serialization error"), ('{"type": "nope"}', "Unknown schema type: nope")):
        with pytest.raises(ConfigError, match=f"(?s)Failed to parse schema in converter config: .*{reason}"):
            JsonConverterConfig.parse({"schema.content": text})


def test_a_json_null_is_no_envelope() -> None:
    with pytest.raises(DataError, match='requires "schema" and "payload" fields'):
        JsonConverter(JsonConverterConfig.parse({}), "value").to_data("t", [b"null"])


def test_a_decimals_default_is_a_number_with_numeric_decimals_and_is_read_as_one() -> None:
    schema = struct({"a": replace(decimal(2), default=Decimal("1.50"))})
    numeric = JsonConverter(JsonConverterConfig.parse({"decimal.format": "NUMERIC"}), "value")
    (payload,) = numeric.from_data("t", Rows(schema, [{"a": Decimal("2.25")}]))
    assert payload is not None
    assert b'"default":1.50' in payload
    for converter in (numeric, JsonConverter(JsonConverterConfig.parse({}), "value")):
        (piece,) = converter.to_data("t", [payload])
        assert piece.schema == schema
