"""JsonConverter against Kafka's own: the bytes written, and what is read of them."""

import json
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import Any

import jpype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.config import Config
from ferryman.conversion import Converter
from ferryman.errors import DataError
from ferryman.plugins import catalog
from ferryman.record import Rows
from ferryman.schema import Schema, Type
from tests.differential import jvm
from tests.differential.search import count, search
from tests.differential.strategies import side

JSON = "org.apache.kafka.connect.json.JsonConverter"
JSON_CONFIGS = st.fixed_dictionaries(
    {"schemas.enable": st.sampled_from(["true", "false"])},
    optional={
        "decimal.format": st.sampled_from(["BASE64", "NUMERIC"]),
        "replace.null.with.default": st.sampled_from(["true", "false"]),
    },
)
REFUSED = "refused"


def without_default(schema: Schema | None) -> Schema | None:
    """Java's converter cannot write a struct's default, nor that in its place: it lacks the default's own schema."""
    return schema if schema is None or schema.type is not Type.STRUCT else replace(schema, default=None)


def has_time(value: Any) -> bool:
    """Whether there is a time in schemaless data: Kafka refuses to write it, ours writes its milliseconds."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return isinstance(value, (date, time)) or any(map(has_time, inner))


def of_java(name: str, config: dict[str, str]) -> Any:
    """A converter of Kafka's for values."""
    settings = jvm.java("java.util.HashMap")()
    for key, text in (config | {"converter.type": "value"}).items():
        settings.put(key, text)
    made = jvm.java(name)()
    made.configure(settings)
    return made


def ours(name: str, config: dict[str, str]) -> Converter[Config]:
    plugin = catalog.find("converter", name)
    assert plugin is not None
    made: Converter[Config] = plugin(plugin.config_class.parse(config), "value")
    return made


def tree(payload: bytes | None) -> Any:
    """JSON whose numbers are exact, and 1.0 is not 1."""
    return None if payload is None else json.loads(payload, parse_float=lambda text: ("float", Decimal(text)))


def is_lost(payload: bytes | None) -> bool:
    """Whether a payload has a float that is no number: Kafka writes it as a text and reads that as 0, ours reads it."""
    return payload is not None and any(text in payload for text in (b'"NaN"', b'Infinity"'))


def is_changed(config: dict[str, str], payload: bytes | None) -> bool:
    """Whether plain JSON has a number that Kafka's reader changes, as a long or a double does not hold it."""
    changed: list[bool] = []
    if config["schemas.enable"] == "false" and payload is not None:
        json.loads(
            payload,
            parse_int=lambda text: changed.append(not -(1 << 63) <= int(text) < 1 << 63),
            parse_float=lambda text: changed.append(Decimal(text) != Decimal(repr(float(text)))),
        )
    return any(changed)


def same(kafkas: Any, ours: Any) -> bool:
    """The same, but for the sign of 0, which Kafka's reader loses."""
    return bool(unsigned(kafkas) == unsigned(ours))


def unsigned(value: Any) -> Any:
    """A value in plain form with every 0.0 positive."""
    match value:
        case dict():
            return {unsigned(key): unsigned(item) for key, item in value.items()}
        case list() | tuple():
            return [unsigned(item) for item in value]
        case _:
            return "float 0.0" if value == "float -0.0" else value


def written_by_java(converter: Any, schema: Schema | None, value: Any) -> bytes | str | None:
    try:
        found = converter.fromConnectData("t", *jvm.typed(value, schema))
    except jpype.JException:
        return REFUSED
    return None if found is None else bytes(found)


def written(converter: Converter[Config], schema: Schema | None, value: Any) -> bytes | str | None:
    try:
        return converter.from_data("t", Rows(schema, [value]))[0]
    except DataError:
        return REFUSED


def read_by_java(converter: Any, payload: bytes | None) -> Any:
    try:
        found = converter.toConnectData("t", None if payload is None else jpype.JArray(jpype.JByte)(payload))
    except jpype.JException:
        return REFUSED
    return jvm.untyped(found)


def read(converter: Converter[Config], payload: bytes | None) -> Any:
    try:
        rows = converter.to_data("t", [payload])[0].rows()
    except DataError:
        return REFUSED
    return jvm.shape(rows.schema), jvm.plain(rows.values[0], rows.schema)


@pytest.mark.timeout(1800)
def test_json_is_written_and_read_as_kafka_does(long: bool) -> None:
    @search(200, long)
    @given(JSON_CONFIGS, side(4))
    def run(config: dict[str, str], given: tuple[Schema | None, list[Any]]) -> None:
        theirs, mine = of_java(JSON, config), ours(JSON, config)
        schema, values = without_default(given[0]), given[1]
        count("converters", len(values))
        for value in values:
            if schema is None and has_time(value):
                continue
            expected, found = written_by_java(theirs, schema, value), written(mine, schema, value)
            case = f"{config} {schema} {value!r}\nKafka: {expected!r}\nours:  {found!r}"
            if isinstance(expected, str) or isinstance(found, str):
                assert expected == found, case
            else:
                assert tree(expected) == tree(found), case
                assert (
                    is_lost(found)
                    or is_changed(config, found)
                    or same(read_by_java(theirs, expected), read(mine, expected))
                ), case

    run()


@pytest.mark.parametrize("number", ["1e39", "-1e39", "3.4028235e38", "3.4028236e38", "1e-50", "1e400", "16777217"])
@pytest.mark.parametrize("kind", ["float", "double"])
def test_numbers_that_their_type_does_not_hold_are_what_java_makes_of_them(kind: str, number: str) -> None:
    """Infinite, zero, or the nearest one; by columns too."""
    schema = f'{{"type":"struct","fields":[{{"field":"a","type":"{kind}"}}]}}'
    payload = f'{{"schema":{schema},"payload":{{"a":{number}}}}}'.encode()
    converter = ours(JSON, {})
    expected = read_by_java(of_java(JSON, {}), payload)
    assert read(converter, payload) == expected
    (many,) = converter.to_data("t", [payload] * 20)
    rows = many.rows()
    assert [jvm.plain(value, rows.schema) for value in rows.values] == [expected[1]] * 20


ODD_SCHEMAS = """
"version":"1" "version":1.0 "version":1e1 "version":99999999999 "version":true "name":5 "name":null "name":"" "doc":[1]
"parameters":[1] "parameters":"x" "parameters":{"a":1} "parameters":{} "optional":"true" "optional":1 "optional":null
"""


@pytest.mark.parametrize("odd", ODD_SCHEMAS.split())
@pytest.mark.parametrize("payload", ["1", "null"])
def test_fields_of_a_schema_that_are_of_another_kind_are_what_kafka_makes_of_them(odd: str, payload: str) -> None:
    text = f'{{"schema":{{"type":"int32",{odd}}},"payload":{payload}}}'.encode()
    assert read(ours(JSON, {}), text) == read_by_java(of_java(JSON, {}), text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-be", "utf-16-le", "utf-32-be", "utf-32-le"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    "text", ['{"a": "\u20ac\u0100"}', "[1]", "7", '{"schema":{"type":"string"},"payload":"\u00e9"}']
)
def test_every_encoding_of_unicode_is_read_as_jackson_does(encoding: str, mark: str, text: str) -> None:
    payload = (mark + text).encode(encoding)
    config = {"schemas.enable": str("schema" in text).lower()}
    assert read(ours(JSON, config), payload) == read_by_java(of_java(JSON, config), payload)
