"""DoubleConverter: 64-bit floats."""

from collections.abc import Sequence

from ferryman.conversion import Converter
from ferryman.formats.primitive import PrimitiveConverterConfig, number
from ferryman.record import Data, Payload
from ferryman.schema import Type

_CODEC = number(Type.FLOAT64, "double", "Double", "d")


class DoubleConverter(Converter[PrimitiveConverterConfig]):
    """Eight bytes, IEEE 754, big-endian ⇄ an optional FLOAT64.

    Writing takes that type only. Without a schema every float is of it.
    """

    config_class = PrimitiveConverterConfig
    classes = ("org.apache.kafka.connect.converters.DoubleConverter",)

    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        """One piece. Raises DataError for a payload of another size."""
        return [_CODEC.decode(payloads)]

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """The bytes; null is a null payload. Raises DataError for a value of another type."""
        return _CODEC.encode(data)
