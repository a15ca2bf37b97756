"""Both sides of a comparison in Avro: our converter, its registry no more than a dict, and Java's library and peer."""

import json
from collections.abc import Mapping
from typing import Any

import jpype

from ferryman.converters.avro import HEADER_BYTES, AvroConverter, AvroConverterConfig
from ferryman.errors import DataError
from ferryman.formats.avro.schemas.names import is_bytes as is_bytes
from ferryman.record import Data, Rows
from ferryman.schema import Schema
from ferryman.schema_registry.client import Registered
from tests.differential import avro_jvm, jvm
from tests.differential.avro_jvm import Peer
from tests.differential.avro_strategies import Node

Config = Mapping[str, str]
FLATTEN = "false"
"""Apicurio's converter knows no other way with a union of one type."""
MANY = 64
"""So many payloads of one schema are decoded as columns where the schema allows that."""
_ID = b"\x00\x00\x00\x00\x01"


class Refused(str):
    """An error's text; all are equal."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Refused)

    def __ne__(self, other: object) -> bool:
        return not isinstance(other, Refused)

    __hash__ = str.__hash__


class Registry:
    """What the converter asks a registry for: one schema, with an id of 1 and no version."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def schema(self, number: int) -> Registered:
        """The schema."""
        return Registered(number, self.text)

    latest = schema

    def version(self, _subject: str, _number: int) -> int | None:
        """None."""
        return None

    def register(self, _subject: str, schema: str) -> int:
        """Keeps the text of a schema."""
        self.text = schema
        return 1


def converter(config: Config, text: str = "") -> tuple[AvroConverter, Registry]:
    """Our converter, and what stands for its registry."""
    keys = {"schema.registry.url": "http://127.0.0.1:1", "flatten.singleton.unions": FLATTEN, **config}
    made, registry = AvroConverter(AvroConverterConfig.parse(keys), "value"), Registry(text)
    made.registry = registry  # type: ignore[assignment]
    return made, registry


def payload(node: Node, body: bytes) -> bytes:
    """A body as it is on the wire: bytes that are no part of anything else come without their length."""
    if not is_bytes(node):
        return _ID + body
    at = 1 + next(place for place, byte in enumerate(body) if byte < 0x80)
    return _ID + body[at:]


def ours(made: AvroConverter, wire: bytes, times: int = 1) -> Data | Refused:
    """What our converter makes of a payload, or of many that are the same."""
    try:
        return made.to_data("t", [wire] * times)[0]
    except DataError as error:
        return Refused(error)


def shown(data: Data | Refused) -> Any:
    """Schema and first value in plain form."""
    if isinstance(data, Refused):
        return data
    rows = data.rows()
    return jvm.shape(rows.schema), jvm.plain(rows.values[0], rows.schema)


def javas(peer: Peer, schema: Any, body: bytes) -> Any:
    """The SchemaAndValue that Java's classes make of a body; None for null."""
    try:
        return peer.to_connect(schema, avro_jvm.decoded(schema, body))
    except (jpype.JException, ValueError) as error:
        return Refused(error)


def shown_by_java(found: Any) -> Any:
    """Schema and value in plain form."""
    return found if isinstance(found, Refused) else jvm.untyped(found)


def written(made: tuple[AvroConverter, Registry], schema: Schema | None, value: Any) -> tuple[str, bytes] | Refused:
    """The schema that our converter registers for a value, and the value's bytes."""
    try:
        (found,) = made[0].from_data("t", Rows(schema, [value]))
    except DataError as error:
        return Refused(error)
    assert found is not None
    return made[1].text, found[HEADER_BYTES:]


def written_by_java(peer: Peer, schema: Any, value: Any) -> tuple[str, bytes] | Refused:
    """The same by Java's classes."""
    try:
        avro = peer.schema(schema)
        return str(avro.toString()), peer.body(schema, value)
    except jpype.JException as error:
        return Refused(error)


def same_bytes(text: str, one: bytes, other: bytes) -> bool:
    """Whether bytes are the same, or the data is and only maps have another order."""
    schema = avro_jvm.parsed(text)
    if one == other or str(schema.getType()) == "BYTES":
        # Bytes that are no part of anything else come without their length.
        return one.endswith(other)
    return bool(avro_jvm.decoded(schema, one).equals(avro_jvm.decoded(schema, other)))


def node_text(node: Node) -> str:
    """A schema as a registry has it."""
    return json.dumps(node)
