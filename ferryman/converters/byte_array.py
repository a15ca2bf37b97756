"""ByteArrayConverter: payloads pass as they are."""

from collections.abc import Sequence

from ferryman.conversion import Converter, ConverterConfig
from ferryman.errors import DataError
from ferryman.java.texts import java_class
from ferryman.record import Data, Payload, Rows
from ferryman.schema import OPTIONAL_BYTES, Type


class ByteArrayConverterConfig(ConverterConfig):
    """ByteArrayConverter has no keys of its own."""


class ByteArrayConverter(Converter[ByteArrayConverterConfig]):
    """Bytes ⇄ OPTIONAL_BYTES."""

    config_class = ByteArrayConverterConfig
    classes = (
        "org.apache.kafka.connect.converters.ByteArrayConverter",
        "io.confluent.connect.replicator.util.ByteArrayConverter",
    )
    refuses_nothing = True

    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        """One piece of optional bytes."""
        return [Rows(OPTIONAL_BYTES, payloads)]

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """The bytes. Raises DataError for any other schema or value."""
        rows = data.rows()
        if rows.schema is not None and rows.schema.type is not Type.BYTES:
            raise DataError(f"Invalid schema type for ByteArrayConverter: {rows.schema.type}{self._way_out()}")
        for value in rows.values:
            if value is not None and not isinstance(value, bytes):
                kind = java_class(value)
                raise DataError(
                    f"ByteArrayConverter is not compatible with objects of type class {kind}{self._way_out()}"
                )
        return rows.values

    def _way_out(self) -> str:
        key = f"{self.side}.converter"
        return f"; it takes bytes alone: for texts set {key} to StringConverter, for other data to JsonConverter"
