"""Values written with an Avro schema that somebody else made: what the value lacks is the schema's default."""

from io import BytesIO
from typing import Any

import fastavro
import pytest

from ferryman.errors import DataError
from ferryman.formats.avro.rows_writer_as import encoder_as
from ferryman.formats.avro.schemas.connect_properties import Options
from ferryman.schema import INT32, struct

HAS = struct({"id": INT32}, name="shop.Order")
INNER = {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": "bytes"}]}


def target(kind: Any, default: Any) -> dict[str, Any]:
    fields = [{"name": "id", "type": "int"}, {"name": "more", "type": kind, "default": default}]
    return {"type": "record", "name": "shop.Order", "fields": fields}


@pytest.mark.parametrize(
    ("kind", "default", "found"),
    [
        ("bytes", "", b""),
        ("bytes", "\u00ff\u0000", b"\xff\x00"),
        ({"type": "fixed", "name": "Two", "size": 2}, "\u00ff\u0000", b"\xff\x00"),
        (["bytes", "null"], "\u00ff", b"\xff"),
        (["null", "bytes"], None, None),
        ({"type": "array", "items": "bytes"}, ["\u00ff", ""], [b"\xff", b""]),
        ({"type": "map", "values": "bytes"}, {"k": "\u00ff"}, {"k": b"\xff"}),
        (INNER, {"x": "\u00ff"}, {"x": b"\xff"}),
        ("string", "\u00ff", "\u00ff"),
        ("int", 3, 3),
    ],
    ids=str,
)
def test_a_field_that_a_value_lacks_is_its_default(kind: Any, default: Any, found: Any) -> None:
    schema = target(kind, default)
    written = encoder_as(HAS, schema, [], Options())({"id": 1})
    assert fastavro.schemaless_reader(BytesIO(written), schema, None) == {"id": 1, "more": found}


def test_a_default_of_a_schema_that_is_referred_to_is_written_too() -> None:
    inner = {"type": "record", "name": "shop.Inner", "fields": [{"name": "x", "type": "bytes", "default": "\u00ff"}]}
    written = encoder_as(HAS, target("shop.Inner", {}), [inner], Options())({"id": 1})
    assert written == b"\x02\x02\xff"


def test_a_default_with_characters_that_are_no_bytes_is_named() -> None:
    with pytest.raises(DataError, match="The Avro schema is not valid"):
        encoder_as(HAS, target("bytes", "€"), [], Options())
