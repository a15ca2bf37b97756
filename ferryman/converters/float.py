"""FloatConverter: 32-bit floats."""

from collections.abc import Sequence

from ferryman.conversion import Converter
from ferryman.formats.primitive import PrimitiveConverterConfig, number
from ferryman.record import Data, Payload
from ferryman.schema import Type

_CODEC = number(Type.FLOAT32, "float", "Float", "f")


class FloatConverter(Converter[PrimitiveConverterConfig]):
    """Four bytes, IEEE 754, big-endian ⇄ an optional FLOAT32.

    Writing takes that type only. Without a schema nothing is of it: floats are Java's Double there.
    """

    config_class = PrimitiveConverterConfig
    classes = ("org.apache.kafka.connect.converters.FloatConverter",)

    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        """One piece. Raises DataError for a payload of another size."""
        return [_CODEC.decode(payloads)]

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """The bytes; null is a null payload. Raises DataError for a value of another type."""
        return _CODEC.encode(data)
