"""Records as lines of JSON: plain values without a schema, ``{"schema": …, "payload": …}`` with one.

Values go through JsonConverter in both directions, so they are as exact as in a topic of its messages.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from ferryman.conversion import Converter
from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.dry_run.json_spans import Digits, Span, Spans
from ferryman.errors import FerrymanError
from ferryman.record import Header, Headers, Record, Rows
from ferryman.schema import Schema

DROPPED = b'{"dropped":true}\n'
_MEMBERS = ("topic", "partition", "offset", "timestamp", "key", "value", "headers")
_ENVELOPE = {"schema", "payload"}
_LONG = 1 << 63
_NULL = Span(None, 0, 0)

_PLAIN: Converter[Any] = JsonConverter(JsonConverterConfig.parse({"schemas.enable": "false"}), "value")
JSON: Converter[Any] = JsonConverter(JsonConverterConfig.parse({"schemas.enable": "true"}), "value")


class BadLine(Exception):
    """The line is not a record."""


@dataclass(slots=True)
class _Line:
    """A line, taken apart."""

    text: str
    members: dict[str, Span]
    headers: list[tuple[str, Span]]
    """Names with values; a name may come twice."""


def read(payload: bytes) -> Record:
    """The record on a line. Raises BadLine if there is none, DataError if a value does not fit its schema."""
    line = _split(payload)
    topic = line.members.get("topic", _NULL).value
    if topic is not None and topic.__class__ is not str:
        raise BadLine("topic is not a string")
    key_schema, key = _decoded(line.text, line.members.get("key", _NULL))
    value_schema, value = _decoded(line.text, line.members.get("value", _NULL))
    headers = tuple(_header(line.text, name, span) for name, span in line.headers)
    return Record(
        topic=topic or "",
        key_schema=key_schema,
        key=key,
        value_schema=value_schema,
        value=value,
        headers=headers,
        partition=_integer(line, "partition"),
        offset=_integer(line, "offset"),
        timestamp=_integer(line, "timestamp"),
    )


def _split(payload: bytes) -> _Line:
    try:
        line = _Line(payload.decode("utf-8-sig"), {}, [])
        spans = Spans(line.text)
        for name in spans.members():
            if name not in _MEMBERS:
                raise BadLine(f"{name!r} is none of {', '.join(_MEMBERS)}")
            if name == "headers":
                line.headers = _headers(spans)
            else:
                line.members[name] = spans.value()
        spans.end()
    except UnicodeDecodeError as error:
        raise BadLine(f"this is not UTF-8: byte {error.start + 1}") from None
    except RecursionError:
        raise BadLine("this is nested too deeply") from None
    except ValueError as error:
        raise BadLine(f"this is not a JSON object: {error}") from None
    return line


def _headers(spans: Spans) -> list[tuple[str, Span]]:
    found: list[tuple[str, Span]] = []
    if spans.takes("null"):
        return found
    for _ in spans.items():
        members: dict[str, Span] = {}
        for name in spans.members():
            members[name] = spans.value()
        key = members.get("key", _NULL).value
        if key.__class__ is not str or members.keys() - {"key", "value"}:
            raise BadLine('a header is {"key": a string, "value": …}')
        found.append((key, members.get("value", _NULL)))
    return found


def _integer(line: _Line, name: str) -> int | None:
    found = line.members.get(name, _NULL).value
    if found is None:
        return None
    if not isinstance(found, Digits) or len(found) > 20 or not -_LONG <= int(found) < _LONG:
        raise BadLine(f"{name} is not a whole number of 64 bits")
    return int(found)


def _decoded(text: str, span: Span) -> tuple[Schema | None, Any]:
    if span.value is None:
        return None, None
    converter = JSON if _is_envelope(span.value) else _PLAIN
    rows = converter.to_data("", [text[span.start : span.stop].encode()])[0].rows()
    return rows.schema, rows.values[0]


def _is_envelope(value: Any) -> bool:
    return value.__class__ is dict and value.keys() == _ENVELOPE


def _header(text: str, name: str, span: Span) -> Header:
    schema, value = _decoded(text, span)
    return Header(name, value, schema)


def record_line(record: Record) -> bytes:
    """A record's line. Raises DataError for a value that JsonConverter cannot write."""
    parts = (
        b'{"topic":',
        _text(record.topic),
        b',"partition":',
        orjson.dumps(record.partition),
        b',"timestamp":',
        orjson.dumps(record.timestamp),
        b',"key":',
        _encoded(record.key_schema, record.key),
        b',"value":',
        _encoded(record.value_schema, record.value),
        b',"headers":',
        _written_headers(record.headers),
        b"}\n",
    )
    return b"".join(parts)


def _encoded(schema: Schema | None, value: Any) -> bytes:
    if schema is None and value is None:
        return b"null"
    converter = _PLAIN if schema is None and not _is_envelope(value) else JSON
    return converter.from_data("", Rows(schema, [value]))[0] or b"null"


def _written_headers(headers: Headers) -> bytes:
    lines = (b'{"key":%b,"value":%b}' % (_text(each.key), _encoded(each.schema, each.value)) for each in headers)
    return b"[" + b",".join(lines) + b"]"


def _text(text: str) -> bytes:
    return orjson.dumps(text.encode("utf-8", "replace").decode())


def failed(error: Exception) -> bytes:
    """The line of a record that failed: the simple name of the exception that Kafka Connect would have thrown."""
    name = error.java if isinstance(error, FerrymanError) else type(error).__name__
    simple = name.rpartition(".")[2].rpartition("$")[2]
    return b'{"error":%b,"message":%b}\n' % (_text(simple), _text(str(error)))
