"""Payloads of each converter edited: what comes out is encoded as what went in, or refused with the reason."""

import json
from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import pytest

from ferryman.chain import builder
from ferryman.edits.editor import Editor
from ferryman.errors import DataError
from tests.schema_registry.registry_server import running

JSON = "org.apache.kafka.connect.json.JsonConverter"
STRING = "org.apache.kafka.connect.storage.StringConverter"
BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter"
LONG = "org.apache.kafka.connect.converters.LongConverter"
AVRO = "io.confluent.connect.avro.AvroConverter"
SCHEMA = {
    "type": "struct",
    "name": "shop.Order",
    "fields": [
        {"field": "id", "type": "int8", "optional": False},
        {"field": "n", "type": "int64", "optional": True},
        {"field": "lines", "type": "array", "items": {"type": "string", "optional": False}, "optional": True},
    ],
    "optional": False,
}


def editor(name: str, **more: str) -> Editor:
    raw = {"value.converter": name, **{f"value.converter.{key}": value for key, value in more.items()}}
    return Editor(builder.converter("value", raw, {}))


def enveloped(payload: Any) -> bytes:
    return json.dumps({"schema": SCHEMA, "payload": payload}).encode()


def test_plain_json_may_become_anything_and_keeps_its_digits() -> None:
    plain = editor(JSON, **{"schemas.enable": "false"})
    payload = b'{"a": 12345678901234567890, "b": 0.1}'
    assert plain.edited('.c = [.a, "x"]', "t", payload) == (
        b'{"a":12345678901234567890,"b":0.1,"c":[12345678901234567890,"x"]}'
    )
    assert plain.edited("null", "t", payload) is None


def test_json_with_its_schema_keeps_that() -> None:
    found = editor(JSON).edited(".n += 1 | .lines = [.n | tostring]", "t", enveloped({"id": 1, "n": 5, "lines": None}))
    assert found is not None
    assert json.loads(found) == {"schema": SCHEMA, "payload": {"id": 1, "n": 6, "lines": ["6"]}}


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ('.n = "x"', r"INT64.*\(field n\)"),
        (".n = 1.5", r"INT64.*\(field n\)"),
        (".id = 300", r"INT8 \(field id\)"),
        ("del(.id)", r"\(field id"),
        (".m = 5", "The edit sets m, but the schema has no such field"),
        ("5", "Structs"),
        ("null", "Invalid null value"),
    ],
)
def test_what_the_schema_does_not_take_is_refused(program: str, why: str) -> None:
    with pytest.raises(DataError, match=why):
        editor(JSON).edited(program, "t", enveloped({"id": 1, "n": 5, "lines": []}))


def test_texts_bytes_and_numbers_stay_such() -> None:
    assert editor(STRING).edited("fromjson | .a = 1 | tojson", "t", b'{"b": 2}') == b'{"b":2,"a":1}'
    assert editor(BYTES).edited('@base64d | . + "!" | @base64', "t", b"a") == b"a!"
    assert editor(LONG).edited(". + 1", "t", (41).to_bytes(8, "big")) == (42).to_bytes(8, "big")
    for name, payload in ((STRING, b"x"), (LONG, bytes(8))):
        with pytest.raises(DataError):
            editor(name).edited("[]", "t", payload)


def test_a_tombstone_stays_one() -> None:
    assert editor(JSON, **{"schemas.enable": "false"}).edited("5", "t", None) is None


def test_what_cannot_be_decoded_is_refused_as_such() -> None:
    with pytest.raises(DataError):
        editor(JSON, **{"schemas.enable": "false"}).edited(".", "t", b"{")


def test_avro_is_written_with_the_schema_that_the_payload_names() -> None:
    kind = {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}}
    price = {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}}
    schema = {"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}, kind, price]}
    with running() as registry:
        registry.add("string")
        head = b"\0\0\0\0" + bytes([registry.add(schema, "t-value")])
        stream = BytesIO()
        fastavro.schemaless_writer(stream, schema, {"id": 1, "kind": "A", "price": Decimal("1.20")})
        avro = editor(AVRO, **{"schema.registry.url": registry.url})
        found = avro.edited('.id = 2 | .kind = "B" | .price = 3.50', "t", head + stream.getvalue())
        assert found is not None
        assert found[:5] == head
        read = fastavro.schemaless_reader(BytesIO(found[5:]), schema, None)
        assert read == {"id": 2, "kind": "B", "price": Decimal("3.50")}
        for program in ('.kind = "C"', ".price = 1.234", ".more = 1"):
            with pytest.raises(DataError):
                avro.edited(program, "t", head + stream.getvalue())
        assert "POST" not in {method for method, _, _ in registry.requests}
