"""Formats that are one text per record: JSON lines, bytes, and the CSV and JSON of Aiven's sink; compressed or not."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import orjson

from ferryman.connectors.s3.formats.compression import Packing
from ferryman.errors import DataError
from ferryman.formats.json.columns_writer import How, dumps_maps
from ferryman.formats.json.columns_writer import dumps as dumps_columns
from ferryman.formats.json.exact_numbers import printed
from ferryman.formats.json.many_values import printed_all, texts
from ferryman.formats.json.payload import writer as json_writer
from ferryman.formats.json.text import ready
from ferryman.java.texts import instant
from ferryman.record import Batch, Columns, Data, Maps, Rows
from ferryman.schema import Schema

Text = bytes


class TextWriter:
    """One file: a head, texts with ``between`` them, a tail; compressed if there is a packing."""

    def __init__(self, between: bytes, head: bytes = b"", tail: bytes = b"", packing: Packing | None = None) -> None:
        self._between, self._head, self._tail = between, head, tail
        self._begun = False
        self._packer = None if packing is None else packing()

    @property
    def held_bytes(self) -> int:
        """Bytes that are not compressed yet."""
        return 0 if self._packer is None else self._packer.held_bytes

    @property
    def state(self) -> int:
        """Bytes in memory besides."""
        return 0 if self._packer is None else self._packer.state

    def add(self, texts: Any) -> bytes:
        """Takes texts; gives what can be written now."""
        start = self._between if self._begun else self._head
        self._begun = True
        return self._packed(start + self._between.join(texts))

    def squeeze(self) -> bytes:
        """Compresses what is held."""
        return b"" if self._packer is None else self._packer.squeeze()

    def finish(self) -> bytes:
        """The file's end."""
        rest = self._packed(self._tail)
        return rest if self._packer is None else rest + self._packer.finish()

    def _packed(self, data: bytes) -> bytes:
        return data if self._packer is None else self._packer.pack(data)


@dataclass(frozen=True, slots=True)
class JsonLines:
    """Confluent's JsonFormat: values as JsonConverter writes them without an envelope, one a line."""

    numeric_decimals: bool
    packing: Packing | None

    def encode(self, batch: Batch, schema: Schema | None) -> list[Text]:
        """The lines, without their ends."""
        found = self._by_columns(batch.value, schema)
        if found is not None:
            return found
        return json_texts(Rows(schema, batch.value.rows().values), self.numeric_decimals)

    def _by_columns(self, data: Data, schema: Schema | None) -> list[Text] | None:
        """None where the rows must be written."""
        if isinstance(data, Maps):
            return dumps_maps(data) if schema is None else None
        if isinstance(data, Columns) and data.schema == schema:
            return dumps_columns(data, How(numeric=self.numeric_decimals))
        return None

    def writer(self, schema: Schema | None) -> TextWriter:
        """A file."""
        return TextWriter(b"\n", tail=b"\n", packing=self.packing)


def json_texts(rows: Rows, numeric_decimals: bool = False) -> list[bytes]:
    """Each value's JSON. Raises DataError for a value that does not fit its schema."""
    try:
        if rows.schema is None:
            return texts(rows.values, lambda value: printed(ready(value)))
        return printed_all(rows.values, json_writer(rows.schema, numeric_decimals))
    except orjson.JSONEncodeError as error:
        raise DataError(f"A value cannot be written as JSON: {error}") from error


@dataclass(frozen=True, slots=True)
class RawBytes:
    """Confluent's ByteArrayFormat: the bytes of each value, with a separator behind each."""

    separator: bytes
    packing: Packing | None

    def encode(self, batch: Batch, schema: Schema | None) -> list[Text]:
        """The values. Raises DataError for one that is not bytes."""
        values = batch.value.rows().values
        if any(value.__class__ is not bytes for value in values):
            raise DataError("A value is not bytes: set value.converter to ByteArrayConverter for the bytes format")
        return list(values)

    def writer(self, schema: Schema | None) -> TextWriter:
        """A file."""
        return TextWriter(self.separator, tail=self.separator, packing=self.packing)


@dataclass(frozen=True, slots=True)
class Csv:
    """Aiven's csv: the select fields of a record, keys, headers and (unless plain) values in base64."""

    fields: Sequence[str]
    base64_values: bool
    packing: Packing | None

    def encode(self, batch: Batch, schema: Schema | None) -> list[Text]:
        """The lines, without their ends."""
        columns = [self._column(name, batch) for name in self.fields]
        return [b",".join(line) for line in zip(*columns, strict=True)]

    def _column(self, name: str, batch: Batch) -> Sequence[bytes]:
        match name:
            case "key":
                return [_base64(value, "key") for value in batch.key.rows().values]
            case "value":
                values = batch.value.rows().values
                return [_base64(each, "value") if self.base64_values else _raw(each, "value") for each in values]
            case "offset":
                return [str(offset).encode() for offset in batch.original_offsets]
            case "timestamp":
                return [b"" if at is None else str(at).encode() for at in batch.timestamps]
            case _:
                headers = repeat((), len(batch)) if batch.headers is None else batch.headers
                return [
                    b"".join(
                        [_base64(each.key, "header") + b":" + _base64(each.value, "header") + b";" for each in found]
                    )
                    for found in headers
                ]

    def writer(self, schema: Schema | None) -> TextWriter:
        """A file."""
        return TextWriter(b"\n", tail=b"\n", packing=self.packing)


def _raw(value: Any, what: str) -> bytes:
    match value:
        case None:
            return b""
        case bytes():
            return value
        case str():
            return value.encode("utf-8", "replace")
    raise DataError(f"A {what} is neither bytes nor a string: use ByteArrayConverter or StringConverter for csv")


def _base64(value: Any, what: str) -> bytes:
    return b64encode(_raw(value, what))


@dataclass(frozen=True, slots=True)
class JsonFields:
    """Aiven's json (one array) and jsonl (one line a record): the select fields in an object, or one field bare."""

    fields: Sequence[str]
    envelope: bool
    array: bool
    packing: Packing | None

    def encode(self, batch: Batch, schema: Schema | None) -> list[Text]:
        """The elements or lines."""
        columns = {name: self._column(name, batch) for name in self.fields}
        if not self.envelope:
            return list(columns[self.fields[0]])
        names = [b'"%s":' % name.encode() for name in columns]
        return [
            b"{" + b",".join(map(bytes.__add__, names, values)) + b"}" for values in zip(*columns.values(), strict=True)
        ]

    def _column(self, name: str, batch: Batch) -> Sequence[bytes]:
        match name:
            case "key":
                return json_texts(batch.key.rows())
            case "value":
                return _values(batch.value.rows())
            case "offset":
                return [str(offset).encode() for offset in batch.original_offsets]
            case "timestamp":
                return [b"null" if at is None else orjson.dumps(_instant(at)) for at in batch.timestamps]
            case _:
                headers = repeat((), len(batch)) if batch.headers is None else batch.headers
                return [_headers(found) for found in headers]

    def writer(self, schema: Schema | None) -> TextWriter:
        """A file."""
        if self.array:
            return TextWriter(b",\n", b"[\n", b"\n]", self.packing)
        return TextWriter(b"\n", tail=b"\n", packing=self.packing)


def _values(rows: Rows) -> list[bytes]:
    """Each value's JSON; that of a tombstone is null, whatever the schema allows."""
    if rows.schema is None or None not in rows.values:
        return json_texts(rows)
    texts = iter(json_texts(Rows(rows.schema, [value for value in rows.values if value is not None])))
    return [b"null" if value is None else next(texts) for value in rows.values]


def _headers(found: Sequence[Any]) -> bytes:
    each = [
        b'{"key":%s,"value":%s}' % (orjson.dumps(one.key), json_texts(Rows(one.schema, [one.value]))[0])
        for one in found
    ]
    return b"[" + b",".join(each) + b"]"


def _instant(millis: int) -> str:
    text = instant(millis).replace(tzinfo=None).isoformat(timespec="milliseconds")
    return text.removesuffix(".000") + "Z"
