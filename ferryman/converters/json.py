"""JsonConverter: plain JSON, or the envelope ``{"schema": …, "payload": …}`` with schemas.enable=true.

The schema's text is the same bytes in every record of one producer, so it is parsed once for each distinct text: an
envelope that is spelled as an earlier one has that one's schema, and only its payload is left to parse.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Annotated, Any, Literal

import orjson

from ferryman.config import Bool, Config, Int, Shown, Text, any_case, key
from ferryman.conversion import Converter, Side
from ferryman.errors import DataError, KeyProblem
from ferryman.formats.json import columns_reader, columns_writer
from ferryman.formats.json.envelopes import Envelopes, Run, Spelling
from ferryman.formats.json.exact_numbers import printed
from ferryman.formats.json.payload import reader, writer
from ferryman.formats.json.schema import from_json, to_json
from ferryman.formats.json.text import dumps, loads, loads_all, loads_decimals
from ferryman.record import Columns, Data, Payload, Rows
from ferryman.schema import Schema

_NOT_AN_ENVELOPE = (
    'JsonConverter with schemas.enable requires "schema" and "payload" fields and may not contain additional fields. '
    "If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration. "
    "Where what comes after needs a schema (SQL, Parquet), declare that of plain JSON by schema.content instead."
)


class JsonConverterConfig(Config):
    ignored = ("converter.type",)

    schemas_enable: Bool = key(True, importance="HIGH", shown=Shown("Schemas", 0, "MEDIUM", "Enable Schemas"))
    """Whether each payload carries its schema in an envelope; false is plain JSON."""
    schema_content: Text = key("", importance="HIGH", shown=Shown("Schemas", 2, "MEDIUM", "Schema Content"))
    """The schema of all payloads, in JSON as envelopes have it; with schemas.enable=true payloads are plain then."""
    schemas_cache_size: Int = key(1000, importance="HIGH", shown=Shown("Schemas", 1, "MEDIUM", "Schema Cache Size"))
    """How many schemas are kept parsed."""
    decimal_format: Annotated[Literal["BASE64", "NUMERIC"], any_case("BASE64", "NUMERIC")] = key(
        "BASE64", importance="LOW", shown=Shown("Serialization", 0, "MEDIUM", "Decimal Format")
    )
    """How decimals are written: their unscaled bytes in base64, or JSON numbers. Both are read."""
    replace_null_with_default: Bool = key(
        True, importance="LOW", shown=Shown("Serialization", 1, "MEDIUM", "Replace null with default")
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
    fewest_for_columns = 16

    def __init__(self, config: JsonConverterConfig, side: Side) -> None:
        super().__init__(config, side)
        self._envelopes = Envelopes(config.schemas_cache_size)
        self._schemas: dict[str, Schema | None] = {}
        """By the identities of their texts."""
        self._written: dict[Schema, bytes] = {}
        self._given = config.declared()

    def rows_reason(self) -> str | None:
        """Without an envelope nothing says what the columns are."""
        return None if self.config.schemas_enable else "schemaless JSON has no columns (schemas.enable is false)"

    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        """Plain JSON is one piece without a schema; envelopes are a piece for each run of one schema."""
        if not self.config.schemas_enable:
            self.forms.columns(len(payloads), "schemaless JSON")
            return [Rows(None, loads_all(payloads))]
        if self._given is not None:
            return list(self._plain(self._given, payloads))
        return [piece for run in self._envelopes.runs(payloads) for piece in self._read(run)]

    def _plain(self, schema: Schema, payloads: Sequence[Payload]) -> Iterator[Data]:
        for there, run in groupby(payloads, key=bool):
            bodies = list(run)
            yield self._typed(schema, [body for body in bodies if body]) if there else self._nulls(len(bodies))

    def _nulls(self, count: int) -> Rows:
        self.forms.columns(count, "null")
        return Rows(None, [None] * count)

    def _typed(self, schema: Schema, bodies: Sequence[bytes]) -> Data:
        """Payloads of one schema, in the form that is planned for them."""
        if self.forms.columns(len(bodies), columns_reader.reason(schema)):
            found = _columns(schema, bodies, self.config.replace_null_with_default)
            if found is not None:
                return found
            self.forms.gave_up(len(bodies), "a value is not spelled as its type usually is")
        return self._rows(schema, bodies)

    def _read(self, run: Run) -> Sequence[Data]:
        first = run.messages[0]
        if not first or not first.strip():
            return [self._nulls(len(run.messages))]
        if run.spelling is None:
            self.forms.columns(len(run.messages), "an envelope that is parsed whole")
            return [self._whole(first)]
        try:
            schema = self._schema(run.spelling)
            return [self._untyped(run.payloads) if schema is None else self._typed(schema, run.payloads)]
        except DataError:
            # What was cut out may not have been one value: parsed whole, each message gets its own error.
            return [self._whole(message) for message in run.messages if message]

    def _schema(self, spelling: Spelling) -> Schema | None:
        known = spelling.identity
        if known not in self._schemas:
            node = loads_decimals(spelling.schema)
            _remember(self._schemas, known, None if node is None else from_json(node), self.config.schemas_cache_size)
        return self._schemas[known]

    def _untyped(self, bodies: Sequence[bytes]) -> Rows:
        self.forms.columns(len(bodies), "no schema")
        return Rows(None, loads_all(bodies))

    def _rows(self, schema: Schema, bodies: Sequence[bytes]) -> Rows:
        read = reader(schema, self.config.replace_null_with_default)
        return Rows(schema, [_read(read, body) for body in bodies])

    def _whole(self, payload: bytes) -> Rows:
        node = loads(payload)
        if not isinstance(node, dict) or node.keys() != {"schema", "payload"}:
            raise DataError(_NOT_AN_ENVELOPE)
        if node["schema"] is None:
            return Rows(None, [node["payload"]])
        exact = loads_decimals(payload)
        schema = from_json(exact["schema"])
        return Rows(schema, [reader(schema, self.config.replace_null_with_default)(exact["payload"])])

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """Null without a schema is a null payload under both settings."""
        if isinstance(data, Columns):
            found = self._columns(data)
            if found is not None:
                return self._enveloped(data.schema, found)
        rows = data.rows()
        if rows.schema is None:
            head, tail = (b'{"schema":null,"payload":', b"}") if self.config.schemas_enable else (b"", b"")
            return [None if value is None else head + dumps(value) + tail for value in rows.values]
        numeric = self.config.decimal_format == "NUMERIC"
        write = writer(rows.schema, numeric, self.config.replace_null_with_default)
        return self._enveloped(rows.schema, _encode(write, rows.values))

    def _columns(self, data: Columns) -> list[bytes] | None:
        """Columns as the JSON of each struct; None where it must be by rows."""
        if self.config.decimal_format == "NUMERIC":
            reason = "decimal.format is NUMERIC"
        else:
            found = columns_writer.dumps(data, self.config.replace_null_with_default)
            if found is not None:
                return found
            reason = "a column holds what only rows can spell"
        self.forms.encoded_by_rows(len(data), reason)
        return None

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
        return [printed(write(value)) for value in values]
    except orjson.JSONEncodeError as error:
        raise DataError(
            f"Converting Kafka Connect data to byte[] failed due to serialization error: {error}"
        ) from error
