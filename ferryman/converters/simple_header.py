"""SimpleHeaderConverter: header values as text, their types inferred when read."""

from collections.abc import Sequence
from itertools import groupby

from ferryman.config import Config
from ferryman.conversion import Converter
from ferryman.formats.header_text import NULL, Inferred, infer, shown
from ferryman.record import Data, Payload, Rows


class SimpleHeaderConverterConfig(Config):
    """SimpleHeaderConverter has no keys of its own."""

    ignored = ("converter.type",)


class SimpleHeaderConverter(Converter[SimpleHeaderConverterConfig]):
    """Text ⇄ values with inferred schemas."""

    config_class = SimpleHeaderConverterConfig
    classes = ("org.apache.kafka.connect.storage.SimpleHeaderConverter",)

    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        """A piece for each run of values with one schema. No payload is bad: what is nothing else is a string."""
        values = [NULL if payload is None else infer(payload.decode("utf-8", "replace")) for payload in payloads]
        return [_piece(list(run)) for _, run in groupby(values, key=lambda value: value.schema)]

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """Each value's text. Null is a null payload."""
        rows = data.rows()
        return [
            None if value is None else shown(value, rows.schema).encode("utf-8", "replace") for value in rows.values
        ]


def _piece(run: Sequence[Inferred]) -> Data:
    return Rows(run[0].schema, [value.value for value in run])
