"""BooleanConverter: a byte, 0 or 1."""

from collections.abc import Sequence

from ferryman.conversion import Converter
from ferryman.errors import DataError
from ferryman.formats.primitive import PrimitiveConverterConfig
from ferryman.java.texts import java_class
from ferryman.record import Data, Payload, Rows
from ferryman.schema import Schema, Type

_VALUES = {None: None, b"\x00": False, b"\x01": True}


class BooleanConverter(Converter[PrimitiveConverterConfig]):
    """A byte, 0 or 1 ⇄ an optional BOOLEAN. Writing takes that type only."""

    config_class = PrimitiveConverterConfig
    classes = ("org.apache.kafka.connect.converters.BooleanConverter",)

    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        """One piece. Raises DataError for any other bytes."""
        return [Rows(Schema(Type.BOOLEAN, optional=True), [_decoded(payload) for payload in payloads])]

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """The bytes; null is a null payload. Raises DataError for another schema or value."""
        rows = data.rows()
        if rows.schema is not None and rows.schema.type is not Type.BOOLEAN:
            raise DataError(f"Invalid schema type for BooleanConverter: {rows.schema.type}")
        return [None if value is None else _encoded(value) for value in rows.values]


def _decoded(payload: Payload) -> bool | None:
    if payload in _VALUES:
        return _VALUES[payload]
    if payload is None or len(payload) != 1:
        raise DataError("Failed to deserialize boolean: Size of data received by BooleanDeserializer is not 1")
    found = int.from_bytes(payload, signed=True)
    raise DataError(f"Failed to deserialize boolean: Unexpected byte received by BooleanDeserializer: {found}")


def _encoded(value: object) -> bytes:
    if value.__class__ is not bool:
        raise DataError(f"BooleanConverter is not compatible with objects of type class {java_class(value)}")
    return b"\x01" if value else b"\x00"
