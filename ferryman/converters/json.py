"""JsonConverter: plain JSON, or the envelope ``{"schema": …, "payload": …}`` with schemas.enable=true.

The schema's text is the same bytes in every record of one producer, so it is parsed once for each distinct text: an
envelope written like an earlier one has the same schema, so only its payload is parsed.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import orjson

from ferryman.config import Bool, Int, Shown, Text, any_case, key, trim
from ferryman.conversion import Converter, ConverterConfig, Decoded, Side
from ferryman.data import all_null
from ferryman.errors import DataError, KeyProblem
from ferryman.formats.collected import Collected, others
from ferryman.formats.json import columns_reader, columns_writer, many_values
from ferryman.formats.json.envelopes import Envelopes, Group, Spelling
from ferryman.formats.json.exact_numbers import may_change
from ferryman.formats.json.field_paths import Convert
from ferryman.formats.json.kept import Kept
from ferryman.formats.json.maps import reader as maps_reader
from ferryman.formats.json.payload import has_decimals, reader, writer
from ferryman.formats.json.schema import from_json, to_json
from ferryman.formats.json.text import dumps, dumps_texts, loads, loads_decimals, loads_good
from ferryman.record import Columns, Data, Maps, Payload, Rows
from ferryman.schema import Schema, Type

_NOT_AN_ENVELOPE = (
    'JsonConverter with schemas.enable requires "schema" and "payload" fields and may not contain additional fields. '
    "If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration. "
    "If the next step needs a schema (SQL, Parquet), declare the schema of plain JSON with schema.content instead."
)


class JsonConverterConfig(ConverterConfig):
    schemas_enable: Bool = key(True, importance="HIGH", shown=Shown("Schemas", 0, "MEDIUM", "Enable Schemas"))
    """Whether each payload carries its schema in an envelope; false is plain JSON."""
    schemas_cache_size: Int = key(1000, importance="HIGH", shown=Shown("Schemas", 1, "MEDIUM", "Schema Cache Size"))
    """How many schemas are kept parsed; more as long as their texts take less than 8 MB, fewer beyond 64 MB. What was
    not used for longest goes first."""
    schema_content: Text | None = key(None, importance="HIGH", shown=Shown("Schemas", 2, "MEDIUM", "Schema Content"))
    """The schema of all payloads, in JSON as envelopes have it; with schemas.enable=true payloads are plain then."""
    decimal_format: Annotated[Literal["NUMERIC", "BASE64"], any_case("NUMERIC", "BASE64")] = key(
        "BASE64", importance="LOW", shown=Shown("Serialization", 0, "MEDIUM", "Decimal Format")
    )
    """How decimals are written: their unscaled bytes in base64, or JSON numbers. Both are read."""
    replace_null_with_default: Bool = key(
        True, importance="LOW", shown=Shown("Serialization", 1, "MEDIUM", "Replace null with default")
    )
    """Whether a null field with a default is read and written as that default."""

    def problems(self) -> Iterable[KeyProblem]:
        """A schema that is not valid."""
        yield from super().problems()
        try:
            self.declared()
        except DataError as error:
            yield KeyProblem("schema.content", f"Failed to parse schema in converter config: {error}")

    def declared(self) -> Schema | None:
        """The schema in schema.content; None if payloads contain their own. Raises DataError if it is not valid."""
        text = trim(self.schema_content or "")
        return from_json(loads_decimals(text.encode())) if text and self.schemas_enable else None


class _Known(NamedTuple):
    """A schema and what reads its payloads by rows."""

    schema: Schema
    read: Convert


class JsonConverter(Converter[JsonConverterConfig]):
    """JSON ⇄ schemaless values, or values with the schema of the envelope."""

    config_class = JsonConverterConfig
    classes = ("org.apache.kafka.connect.json.JsonConverter",)
    fewest_for_columns = 16
    fewest_nested = 64
    """The same where something is nested: its frame has many columns, and each costs as much as some records."""

    def __init__(self, config: JsonConverterConfig, side: Side) -> None:
        super().__init__(config, side)
        self._envelopes = Envelopes(Kept(config.schemas_cache_size))
        self._schemas: Kept[bytes, _Known] = Kept(config.schemas_cache_size)
        """By the identities of their texts."""
        self._written: Kept[Schema, bytes] = Kept(config.schemas_cache_size)
        given = config.declared()
        self._given = None if given is None else self._of(given)

    def rows_reason(self) -> str | None:
        """None: what the columns are the schema says, or the objects themselves."""
        return None

    def gives_maps(self) -> bool:
        """Without an envelope nothing says what the columns are but the objects, where they are alike."""
        return not self.config.schemas_enable

    def decode(self, topic: str, payloads: Sequence[Payload]) -> Decoded:
        """Plain JSON is one piece without a schema; of envelopes, those of one schema are a piece, however spelled."""
        found = Collected()
        if not self.config.schemas_enable:
            self._maps(payloads, found)
        elif self._given is not None:
            there = [at for at, payload in enumerate(payloads) if payload]
            self._nulls([at for at, payload in enumerate(payloads) if not payload], found)
            self._typed(self._given, there, [payloads[at] or b"" for at in there], found)
        else:
            self._sorted(payloads, found)
        return found.decoded()

    def _sorted(self, payloads: Sequence[Payload], found: Collected) -> None:
        by_kind = self._envelopes.sort(payloads)
        for group in by_kind.groups:
            self._group(group, payloads, found)
        blank = {at for at in by_kind.whole if not (payloads[at] or b"").strip()}
        self._nulls(sorted([*by_kind.missing, *blank]), found)
        for at in by_kind.whole:
            if at not in blank:
                self.forms.columns(1, "an envelope that is parsed whole")
                found.attempt(at, self._whole, payloads[at])

    def _group(self, group: Group, payloads: Sequence[Payload], found: Collected) -> None:
        own = Collected()
        try:
            known = self._known(group.spelling)
        except DataError as error:
            own.failures += [(at, error) for at in group.positions]
        else:
            if known is None:
                self._schemaless("no schema", group.positions, group.payloads, own)
            else:
                self._typed(known, group.positions, group.payloads, own)
            self._explain(group, payloads, own)
        found.merge(own)

    def _explain(self, group: Group, payloads: Sequence[Payload], found: Collected) -> None:
        """What was cut out may not have been one value: parsed whole, such a message gets its own error."""
        guilty, found.failures = found.failures, []
        bodies = dict(zip(group.positions, group.payloads, strict=True)) if guilty else {}
        for at, error in guilty:
            if _is_json(bodies[at]):
                found.failures.append((at, error))
            else:
                found.attempt(at, self._whole, payloads[at])

    def _nulls(self, positions: Sequence[int], found: Collected) -> None:
        if positions:
            self.forms.columns(len(positions), "null")
            found.add(positions, Rows(None, [None] * len(positions)))

    def _schemaless(self, reason: str, positions: Sequence[int], payloads: Sequence[Payload], found: Collected) -> None:
        self.forms.columns(len(payloads), reason)
        places, values, bad = loads_good(payloads)
        found.add([positions[at] for at in places] if bad else positions, Rows(None, values))
        found.failures += [(positions[at], error) for at, error in bad]

    def _maps(self, payloads: Sequence[Payload], found: Collected) -> None:
        """Objects that are alike as maps, if that is planned; everything else as rows."""
        odd: Sequence[int] = range(len(payloads))
        if self.forms.columns(len(payloads), maps_reader.reason(len(payloads))):
            alike, odd = maps_reader.maps(payloads)
            for places, data in alike:
                found.add(places, data)
            if odd:
                self.forms.gave_up(len(odd), "not an object with the keys and kinds of values of many others")
        places, values, bad = loads_good([payloads[at] for at in odd])
        found.add([odd[at] for at in places], Rows(None, values))
        found.failures += [(odd[at], error) for at, error in bad]

    def _typed(self, known: _Known, positions: Sequence[int], bodies: Sequence[bytes], found: Collected) -> None:
        """Payloads of one schema, in the form that is planned for them; odd ones among them by rows."""
        schema, read = known
        odd: Sequence[int] = range(len(bodies))
        if bodies and self.forms.columns(len(bodies), self._reason(schema, len(bodies))):
            columns, odd = columns_reader.columns(schema, bodies, self.config.replace_null_with_default)
            if columns is not None:
                found.add(others(positions, odd), columns)
            if odd:
                self.forms.gave_up(len(odd), "a value is not written as its type usually is")
        if not odd:
            return
        try:
            rows = Rows(schema, [self._row(read, schema, bodies[at])[1] for at in odd])
            found.add([positions[at] for at in odd], rows)
        except DataError:
            for at in odd:
                found.attempt(positions[at], self._row, read, schema, bodies[at])

    def _reason(self, schema: Schema, count: int) -> str | None:
        reason = columns_reader.reason(schema)
        if reason is None and count < self.fewest_nested and columns_reader.nested(schema):
            return f"fewer than {self.fewest_nested} records of one schema with structs, arrays or maps inside"
        return reason

    def _row(self, read: Convert, schema: Schema, body: bytes) -> tuple[Schema, Any]:
        try:
            return schema, read(orjson.loads(body))
        except orjson.JSONDecodeError:
            pass
        except DataError:
            if not (has_decimals(schema) or may_change(body)):
                raise
        # What orjson has no room for: decimals as numbers, integers beyond 64 bits, leading zeros.
        return schema, read(loads_decimals(body))

    def _known(self, spelling: Spelling) -> _Known | None:
        """None if there is no schema."""
        found = self._schemas.get(spelling.identity)
        if found is None and (node := loads_decimals(spelling.schema)) is not None:
            found = self._of(from_json(node))
            self._schemas.put(spelling.identity, found, len(spelling.schema))
        return found

    def _of(self, schema: Schema) -> _Known:
        return _Known(schema, reader(schema, self.config.replace_null_with_default))

    def _whole(self, payload: bytes) -> tuple[Schema | None, Any]:
        node = loads(payload)
        if not isinstance(node, dict) or node.keys() != {"schema", "payload"}:
            raise DataError(_NOT_AN_ENVELOPE)
        if node["schema"] is None:
            return None, node["payload"]
        exact = loads_decimals(payload)
        schema = from_json(exact["schema"])
        return schema, reader(schema, self.config.replace_null_with_default)(exact["payload"])

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """Null without a schema is a null payload under both settings."""
        if isinstance(data, Columns):
            found = self._columns(data)
            if found is not None:
                return self._enveloped(data.schema, found)
        plain = columns_writer.dumps_maps(data) if isinstance(data, Maps) and not self.config.schemas_enable else None
        if plain is not None:
            return plain
        rows = data.rows()
        if rows.schema is None:
            head, tail = (b'{"schema":null,"payload":', b"}") if self.config.schemas_enable else (b"", b"")
            if all_null(rows.values):
                return [None] * len(rows)
            found = many_values.texts(rows.values, dumps)
            return [
                None if value is None else head + text + tail for value, text in zip(rows.values, found, strict=True)
            ]
        numeric = self.config.decimal_format == "NUMERIC"
        write = writer(rows.schema, numeric, self.config.replace_null_with_default)
        plain = dumps_texts(rows.values) if rows.schema.type is Type.STRING and rows.schema.name is None else None
        return self._enveloped(rows.schema, _encode(write, rows.values) if plain is None else plain)

    def _columns(self, data: Columns) -> list[bytes] | None:
        """Columns as the JSON of each struct; None where it must be by rows."""
        numeric = self.config.decimal_format == "NUMERIC"
        found = columns_writer.dumps(data, columns_writer.How(self.config.replace_null_with_default, numeric))
        if found is None:
            self.forms.encoded_by_rows(len(data), "a column holds a value that only rows can write")
        return found

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
            self._written.put(schema, head, len(head))
        return head


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def _encode(write: Callable[[Any], Any], values: Sequence[Any]) -> list[bytes]:
    try:
        return many_values.printed_all(values, write)
    except orjson.JSONEncodeError as error:
        raise DataError(
            f"Converting Kafka Connect data to byte[] failed due to serialization error: {error}"
        ) from error
