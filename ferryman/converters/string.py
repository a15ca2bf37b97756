"""StringConverter: text in one encoding; on the way out, any value as Java's toString gives it."""

import codecs
import re
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

from ferryman.config import Shown, Str, key
from ferryman.conversion import Converter, ConverterConfig, Side
from ferryman.errors import DataError
from ferryman.java.decoding import REPLACING
from ferryman.java.texts import renderer
from ferryman.record import Data, Payload, Rows
from ferryman.schema import OPTIONAL_STRING

_NOT_JAVAS = frozenset(
    {"idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7", "utf-8-sig"}
)
_MARKS = {
    "utf-16": ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")),
    "utf-32": ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be")),
}
"""Byte order marks. Without one Java reads these two as big-endian, and so it writes them; Python takes the machine's
order."""


def _encoding(value: str) -> str:
    name = _name(value)
    if name is None or name in _NOT_JAVAS:
        raise ValueError(f"Unknown encoding {value}; use for example UTF-8, ISO-8859-1 or US-ASCII")
    return value


_SPELLED: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"8859_(\d{1,2})", re.ASCII), r"iso8859-\1"),
    (re.compile(r"(?:cs)?windows-?31j", re.IGNORECASE), "cp932"),
    (re.compile(r"unicode(?:big)?", re.IGNORECASE), "utf-16"),
    (re.compile(r"x-maccentraleurope", re.IGNORECASE), "mac_latin2"),
    (re.compile(r"x-mac(roman|cyrillic|greek|turkish|iceland)", re.IGNORECASE), r"mac_\1"),
    (re.compile(r"x-(?:windows|ibm)-?(737|856|874|949|950|1006)", re.IGNORECASE), r"cp\1"),
)
"""Java's names that Python does not know."""


def _name(value: str) -> str | None:
    """Python's name of a character set; None for other codecs, such as base64."""
    for javas, pythons in _SPELLED:
        if known := javas.fullmatch(value):
            value = known.expand(pythons)
    try:
        found = codecs.lookup(value)
        "".encode(value)
    except (LookupError, ValueError):
        return None
    return found.name


class StringConverterConfig(ConverterConfig):
    converter_encoding: Annotated[Str, AfterValidator(_encoding)] = key(
        "UTF-8", importance="HIGH", shown=Shown(width="MEDIUM", display="Encoding")
    )
    """The character set of the bytes, by its Java name. Bytes that it does not have become U+FFFD, as in Java."""


class StringConverter(Converter[StringConverterConfig]):
    """Bytes ⇄ text. Reading gives OPTIONAL_STRING; writing takes values of any schema (see ferryman.values)."""

    config_class = StringConverterConfig
    classes = ("org.apache.kafka.connect.storage.StringConverter",)
    refuses_nothing = True

    def __init__(self, config: StringConverterConfig, side: Side) -> None:
        super().__init__(config, side)
        self._encoding = _name(config.converter_encoding) or "utf-8"

    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        """One piece of optional strings."""
        if self._encoding in _MARKS:
            return [Rows(OPTIONAL_STRING, [_marked(item, self._encoding) for item in payloads])]
        encoding = self._encoding
        return [Rows(OPTIONAL_STRING, [None if item is None else str(item, encoding, REPLACING) for item in payloads])]

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """Each value's text. Null is a null payload."""
        rows = data.rows()
        mark = codecs.BOM_UTF16_BE if self._encoding == "utf-16" else b""
        encoding = f"{self._encoding}-be" if self._encoding in _MARKS else self._encoding
        render = renderer(rows.schema)
        try:
            texts = [None if value is None else render(value).encode(encoding, "replace") for value in rows.values]
        except (TypeError, AttributeError, ValueError) as error:
            raise DataError(f"Failed to serialize to a string: {error}") from error
        return [mark + text if text else text for text in texts] if mark else texts


def _marked(payload: Payload, encoding: str) -> str | None:
    if payload is None:
        return None
    for mark, order in _MARKS[encoding]:
        if payload.startswith(mark):
            return str(payload[len(mark) :], order, REPLACING)
    return str(payload, f"{encoding}-be", REPLACING)
