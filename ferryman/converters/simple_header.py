"""SimpleHeaderConverter: header values as text, their types inferred when read."""

from collections.abc import Sequence

from ferryman.config import Config
from ferryman.conversion import Converter, Decoded, Piece
from ferryman.formats.header_text import NULL, infer
from ferryman.formats.shown_header import shown
from ferryman.java.decoding import REPLACING
from ferryman.record import Data, Payload, Rows
from ferryman.repeated import places_of


class SimpleHeaderConverterConfig(Config):
    """SimpleHeaderConverter has no keys of its own."""

    ignored = ("converter.type",)


class SimpleHeaderConverter(Converter[SimpleHeaderConverterConfig]):
    """Text ⇄ values with inferred schemas."""

    config_class = SimpleHeaderConverterConfig
    classes = ("org.apache.kafka.connect.storage.SimpleHeaderConverter",)
    refuses_nothing = True

    def decode(self, topic: str, payloads: Sequence[Payload]) -> Decoded:
        """A piece for each schema. No payload is bad: what is nothing else is a string."""
        values = [NULL if payload is None else infer(payload.decode("utf-8", REPLACING)) for payload in payloads]
        by_schema = places_of(value.schema for value in values)
        return Decoded(
            [Piece(at, Rows(schema, [values[place].value for place in at])) for schema, at in by_schema.items()]
        )

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """Each value's text. Null is a null payload."""
        rows = data.rows()
        return [
            None if value is None else shown(value, rows.schema).encode("utf-8", "replace") for value in rows.values
        ]
