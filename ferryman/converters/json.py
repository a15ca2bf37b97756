"""JsonConverter: plain JSON, or the envelope ``{"schema": …, "payload": …}`` with schemas.enable=true.

The schema's text is the same bytes in every record of one producer, so it is parsed once: a payload that begins with
the known text has that schema, and only the rest is left to parse.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Annotated, Any, Literal

import orjson

from ferryman.config import Bool, Config, Int, Shown, Text, any_case, key
from ferryman.conversion import Converter, Side
from ferryman.errors import DataError, KeyProblem
from ferryman.formats.json import columns_reader, columns_writer
from ferryman.formats.json.payload import reader, writer
from ferryman.formats.json.schema import from_json, to_json
from ferryman.formats.json.text import dumps, loads, loads_all, loads_decimals
from ferryman.record import Columns, Data, Payload, Rows
from ferryman.schema import Schema

FEWEST_FOR_COLUMNS = 16
"""Shorter pieces go by rows: below that, making a frame costs more than it saves."""

_NOT_AN_ENVELOPE = (
    'JsonConverter with schemas.enable requires "schema" and "payload" fields and may not contain additional fields. '
    "If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration. "
    "Where what comes after needs a schema (SQL, Parquet), declare that of plain JSON by schema.content instead."
)
_START, _MIDDLE, _END = b'{"schema":', ',"payload":', b"}"
_SCHEMALESS = object()


class JsonConverterConfig(Config):
    """Keys of JsonConverter."""

    ignored = ("converter.type",)

    schemas_enable: Bool = key(True, importance="HIGH", shown=Shown("Schemas", 0, display="Enable Schemas"))
    """Whether each payload carries its schema in an envelope; false is plain JSON."""
    schema_content: Text = key("", importance="HIGH", shown=Shown("Schemas", 3, display="Schema Content"))
    """The schema of all payloads, in JSON as envelopes have it; with schemas.enable=true payloads are plain then."""
    schemas_cache_size: Int = key(1000, importance="HIGH", shown=Shown("Schemas", 1, display="Schema Cache Size"))
    """How many schemas are kept parsed."""
    decimal_format: Annotated[Literal["BASE64", "NUMERIC"], any_case("BASE64", "NUMERIC")] = key(
        "BASE64", importance="LOW", shown=Shown("Serialization", 0, display="Decimal Format")
    )
    """How decimals are written: their unscaled bytes in base64, or JSON numbers. Both are read."""
    replace_null_with_default: Bool = key(
        True, importance="LOW", shown=Shown("Schemas", 2, display="Replace null with default")
    )
    """Whether a null field with a default is read and written as that default."""

    def problems(self) -> Iterable[KeyProblem]:
        """A schema that is none."""
        yield from super().problems()
        try:
            self.declared()
        except DataError as error:
            yield KeyProblem("schema.content", f"Failed to parse schema in converter config: {error}")

    def declared(self) -> Schema | None:
        """That of schema.content; None if payloads say themselves what theirs is. Raises DataError if it is none."""
        text = self.schema_content.strip()
        return from_json(loads_decimals(text.encode())) if text and self.schemas_enable else None


class JsonConverter(Converter[JsonConverterConfig]):
    """JSON ⇄ schemaless values, or values with the schema of the envelope."""

    config_class = JsonConverterConfig
    classes = ("org.apache.kafka.connect.json.JsonConverter",)

    def __init__(self, config: JsonConverterConfig, side: Side) -> None:
        super().__init__(config, side)
        self._prefixes: dict[bytes, Schema | None] = {}
        self._schemas: dict[bytes, Schema] = {}
        self._written: dict[Schema, bytes] = {}
        self._given = config.declared()

    def rows_reason(self) -> str | None:
        """Without an envelope nothing says what the columns are."""
        return None if self.config.schemas_enable else "schemaless JSON has no columns (schemas.enable is false)"

    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        """Plain JSON is one piece without a schema; envelopes are a piece for each run of one schema."""
        if not self.config.schemas_enable:
            return [Rows(None, loads_all(payloads))]
        if self._given is not None:
            return list(self._plain(self._given, payloads))
        prefixes = self._prefix_of_each(payloads)
        pieces: list[Data] = []
        start = 0
        for prefix, run in groupby(prefixes):
            stop = start + sum(1 for _ in run)
            pieces += self._run(prefix, payloads[start:stop])
            start = stop
        return pieces

    def _plain(self, schema: Schema, payloads: Sequence[Payload]) -> Iterator[Data]:
        for there, run in groupby(payloads, key=bool):
            bodies = list(run)
            yield self._typed(schema, [body for body in bodies if body]) if there else Rows(None, [None] * len(bodies))

    def _typed(self, schema: Schema, bodies: Sequence[bytes]) -> Data:
        """Payloads of one schema: as columns if they are enough, else as rows."""
        if len(bodies) >= FEWEST_FOR_COLUMNS and columns_reader.reason(schema) is None:
            found = _columns(schema, bodies, self.config.replace_null_with_default)
            if found is not None:
                return found
        return self._rows(schema, bodies)

    def _prefix_of_each(self, payloads: Sequence[Payload]) -> list[bytes | None]:
        found: list[bytes | None] = []
        prefix: bytes | None = None
        for payload in payloads:
            if not payload:
                found.append(None)
            elif prefix is not None and payload.startswith(prefix) and payload.endswith(_END):
                found.append(prefix)
            else:
                prefix = self._prefix(payload)
                found.append(prefix)
        return found

    def _prefix(self, payload: bytes) -> bytes | None:
        for prefix in self._prefixes:
            if payload.startswith(prefix) and payload.endswith(_END):
                return prefix
        if not payload.startswith(_START) or not payload.endswith(_END):
            return None
        try:
            text = payload.decode()
            node, end = json.JSONDecoder(parse_float=Decimal).raw_decode(text, len(_START))
        except (ValueError, RecursionError):
            return None
        if not text.startswith(_MIDDLE, end):
            return None
        prefix = text[: end + len(_MIDDLE)].encode()
        _remember(self._prefixes, prefix, None if node is None else self._schema(node), self.config.schemas_cache_size)
        return prefix

    def _schema(self, node: Any) -> Schema:
        text = orjson.dumps(node, default=lambda number: {"number": str(number)})
        schema = self._schemas.get(text)
        if schema is None:
            schema = from_json(node)
            _remember(self._schemas, text, schema, self.config.schemas_cache_size)
        return schema

    def _run(self, prefix: bytes | None, payloads: Sequence[Payload]) -> Iterator[Data]:
        if prefix is None:
            for there, run in groupby(payloads, key=bool):
                some = list(run)
                yield from map(self._envelope, some) if there else [Rows(None, [None] * len(some))]
            return
        schema = self._prefixes[prefix]
        start = len(prefix)
        bodies = [payload[start:-1] for payload in payloads if payload]
        try:
            yield Rows(None, loads_all(bodies)) if schema is None else self._typed(schema, bodies)
        except DataError:
            # What was cut off may not have been all of an envelope: read whole, each payload gets its own error.
            yield from [self._envelope(payload) for payload in payloads]

    def _rows(self, schema: Schema, bodies: Sequence[bytes]) -> Rows:
        read = reader(schema, self.config.replace_null_with_default)
        return Rows(schema, [_read(read, body) for body in bodies])

    def _envelope(self, payload: Payload) -> Data:
        """One payload that no known text begins: none at all, or an envelope in another spelling."""
        if not payload or not payload.strip():
            return Rows(None, [None])
        node = loads(payload)
        if not isinstance(node, dict) or node.keys() != {"schema", "payload"}:
            raise DataError(_NOT_AN_ENVELOPE)
        if node["schema"] is None:
            return Rows(None, [node["payload"]])
        exact = loads_decimals(payload)
        schema = self._schema(exact["schema"])
        return Rows(schema, [reader(schema, self.config.replace_null_with_default)(exact["payload"])])

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """Null without a schema is a null payload under both settings."""
        if isinstance(data, Columns) and self.config.decimal_format == "BASE64":
            found = columns_writer.dumps(data, self.config.replace_null_with_default)
            if found is not None:
                return self._enveloped(data.schema, found)
        rows = data.rows()
        if rows.schema is None:
            head, tail = (b'{"schema":null,"payload":', b"}") if self.config.schemas_enable else (b"", b"")
            return [None if value is None else head + dumps(value) + tail for value in rows.values]
        numeric = self.config.decimal_format == "NUMERIC"
        write = writer(rows.schema, numeric, self.config.replace_null_with_default)
        return self._enveloped(rows.schema, _encode(write, rows.values))

    def _enveloped(self, schema: Schema, encoded: list[bytes]) -> Sequence[Payload]:
        if not self.config.schemas_enable:
            return encoded
        head = self._head(schema)
        return [head + payload + b"}" for payload in encoded]

    def _head(self, schema: Schema) -> bytes:
        head = self._written.get(schema)
        if head is None:
            node = to_json(schema, self.config.decimal_format == "NUMERIC")
            head = b'{"schema":' + orjson.dumps(node) + b',"payload":'
            _remember(self._written, schema, head, self.config.schemas_cache_size)
        return head


def _remember(cache: dict[Any, Any], name: Any, value: Any, size: int) -> None:
    while len(cache) >= max(size, 1):
        del cache[next(iter(cache))]
    cache[name] = value


def _columns(schema: Schema, bodies: Sequence[bytes], replace: bool) -> Data | None:
    try:
        values = [orjson.loads(body) for body in bodies]
    except orjson.JSONDecodeError:
        return None
    return columns_reader.columns(schema, values, replace)


def _read(read: Callable[[Any], Any], body: bytes) -> Any:
    try:
        return read(orjson.loads(body))
    except (orjson.JSONDecodeError, DataError):
        # What it has no room for: decimals as numbers, integers beyond 64 bits, leading zeros.
        return read(loads_decimals(body))


def _encode(write: Callable[[Any], Any], values: Sequence[Any]) -> list[bytes]:
    try:
        return [orjson.dumps(write(value)) for value in values]
    except orjson.JSONEncodeError as error:
        raise DataError(
            f"Converting Kafka Connect data to byte[] failed due to serialization error: {error}"
        ) from error
