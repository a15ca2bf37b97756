"""ShortConverter: 16-bit integers."""

from collections.abc import Sequence

from ferryman.conversion import Converter
from ferryman.formats.primitive import PrimitiveConverterConfig, number
from ferryman.record import Data, Payload
from ferryman.schema import Type

_CODEC = number(Type.INT16, "short", "Short", "h")


class ShortConverter(Converter[PrimitiveConverterConfig]):
    """Two bytes, big-endian ⇄ an optional INT16.

    Writing takes that type only. Without a schema nothing is of it: integers are Java's Long there.
    """

    config_class = PrimitiveConverterConfig
    classes = ("org.apache.kafka.connect.converters.ShortConverter",)

    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        """One piece. Raises DataError for a payload of another size."""
        return [_CODEC.decode(payloads)]

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """The bytes; null is a null payload. Raises DataError for a value of another type."""
        return _CODEC.encode(data)
