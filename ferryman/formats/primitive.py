"""What the converters of single numbers share: a fixed number of bytes, big-endian, as Kafka's serializers have it.

Reproduces org.apache.kafka.connect.converters.NumberConverter and the serializers behind it.
"""

import struct as binary
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ferryman.conversion import ConverterConfig
from ferryman.errors import DataError
from ferryman.java.texts import java_class, to_float32
from ferryman.record import Data, Payload, Rows
from ferryman.schema import Schema, Type


class PrimitiveConverterConfig(ConverterConfig):
    """These converters have no keys of their own."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How values of one primitive type are written and read."""

    schema: Schema
    kind: str
    """The type's word in Kafka's messages."""
    name: str
    """The name of Kafka's serializer for it."""
    code: str
    check: Callable[[Any, Schema | None], bool]

    def decode(self, payloads: Sequence[Payload]) -> Rows:
        """Payloads as values of the optional schema. Raises DataError for one of another size."""
        form = binary.Struct(f">{self.code}")
        for payload in payloads:
            if payload is not None and len(payload) != form.size:
                raise self.unreadable(f"Size of data received by {self.name}Deserializer is not {form.size}")
        return Rows(self.schema, [None if payload is None else form.unpack(payload)[0] for payload in payloads])

    def unreadable(self, reason: str) -> DataError:
        """The error for bytes that are no such value."""
        return DataError(f"Failed to deserialize {self.kind}: {reason}")

    def encode(self, data: Data) -> list[Payload]:
        """Values as bytes. Raises DataError for a value that Java would have in another class than this type's."""
        rows = data.rows()
        form = binary.Struct(f">{self.code}")
        return [None if value is None else self._bytes(form, value, rows.schema) for value in rows.values]

    def _bytes(self, form: binary.Struct, value: Any, schema: Schema | None) -> bytes:
        if not self.check(value, schema):
            was = f"class {java_class(value, schema)}"
            raise DataError(f"Failed to serialize to {self.kind} (was {was}): only {self.schema.type} is accepted")
        try:
            return form.pack(to_float32(value) if self.code == "f" else value)
        except binary.error as error:
            raise DataError(f"Failed to serialize to {self.kind}: {value} is out of its range") from error


def number(kind: Type, word: str, name: str, code: str) -> Codec:
    """The codec of a numeric type; ``code`` is its format character.

    A value has that type if its schema says so. Without a schema an integer is a Java Long and a float a Double.
    """
    schemaless = {Type.INT64: int, Type.FLOAT64: float}.get(kind)
    classes = (float, int) if kind in (Type.FLOAT32, Type.FLOAT64) else (int,)

    def check(value: Any, schema: Schema | None) -> bool:
        if schema is None:
            return schemaless is not None and value.__class__ is schemaless
        return schema.type is kind and value.__class__ in classes

    return Codec(Schema(kind, optional=True), word, name, code, check)
