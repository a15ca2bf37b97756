"""StringConverter: text in one encoding; on the way out, any value as Java's toString gives it."""

import codecs
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

from ferryman.config import Config, Str, key
from ferryman.conversion import Converter
from ferryman.errors import DataError
from ferryman.record import Data, Payload, Rows
from ferryman.schema import OPTIONAL_STRING
from ferryman.values import renderer


def _encoding(value: str) -> str:
    try:
        codecs.lookup(value)
    except LookupError:
        raise ValueError(f"Unknown encoding {value}; use for example UTF-8, ISO-8859-1 or US-ASCII") from None
    return value


class StringConverterConfig(Config):
    """Keys of StringConverter."""

    ignored = ("converter.type",)

    converter_encoding: Annotated[Str, AfterValidator(_encoding)] = key("UTF-8", importance="HIGH")
    """The character set of the bytes, by its Java name. Bytes that it does not have become U+FFFD, as in Java."""


class StringConverter(Converter[StringConverterConfig]):
    """Bytes ⇄ text. Reading gives OPTIONAL_STRING; writing takes values of any schema (see ferryman.values)."""

    config_class = StringConverterConfig
    classes = ("org.apache.kafka.connect.storage.StringConverter",)

    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        """One piece of optional strings."""
        encoding = self.config.converter_encoding
        return [Rows(OPTIONAL_STRING, [None if item is None else str(item, encoding, "replace") for item in payloads])]

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """Each value's text. Null is a null payload."""
        rows = data.rows()
        render, encoding = renderer(rows.schema), self.config.converter_encoding
        try:
            return [None if value is None else render(value).encode(encoding, "replace") for value in rows.values]
        except (TypeError, AttributeError, ValueError) as error:
            raise DataError(f"Failed to serialize to a string: {error}") from error
