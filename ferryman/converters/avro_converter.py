"""AvroConverter: Avro by way of a schema registry, in Confluent's wire format (a zero byte, a schema id, the data).

A run of messages of one schema is decoded to columns at once where the schema allows it, else row by row.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import groupby
from typing import Any

import fastavro

from ferryman import avro_columns, avro_rows
from ferryman.avro import Reading, reading
from ferryman.avro_writing import Writing, writing
from ferryman.config import Bool, Str, key
from ferryman.conversion import Converter, Side
from ferryman.errors import DataError, KeyProblem, TaskError
from ferryman.record import Data, Payload, Rows
from ferryman.registry import Registry, RegistryConfig
from ferryman.schema import Schema

HEAD = 5
"""Bytes before the data: the magic byte 0 and the id as a big-endian 32-bit integer."""

_TOPIC_NAME = "TopicNameStrategy"


class AvroConverterConfig(RegistryConfig):
    """Keys of AvroConverter."""

    ignored = (
        "converter.type",
        "schemas.cache.config",
        "max.schemas.per.subject",
        "latest.cache.size",
        "latest.cache.ttl.sec",
        "max.retries",
        "retries.wait.ms",
        "retries.max.wait.ms",
        "latest.compatibility.strict",
        "id.compatibility.strict",
    )

    key_subject_name_strategy: Str = key(_TOPIC_NAME)
    """How the subject of a key's schema is named; TopicNameStrategy is ``<topic>-key``."""
    value_subject_name_strategy: Str = key(_TOPIC_NAME)
    """How the subject of a value's schema is named; TopicNameStrategy is ``<topic>-value``."""
    connect_meta_data: Bool = key(True, importance="LOW")
    """Whether written schemas carry Connect's names, versions and parameters in ``connect.*`` properties."""
    use_latest_version: Bool = key(False)
    """Whether data is written with the subject's latest schema; only false is supported."""
    enhanced_avro_schema_support: Bool = key(False)
    """Whether package names are kept in union fields and in enums. Reading is the same; writing with it is refused."""
    scrub_invalid_names: Bool = key(False)
    """Whether names that Avro cannot have are changed into ones it can; only false is supported."""

    def problems(self) -> Iterable[KeyProblem]:
        """Settings that would change what is written, and are not supported."""
        yield from super().problems()
        for name in ("key.subject.name.strategy", "value.subject.name.strategy"):
            value = getattr(self, name.replace(".", "_"))
            if value.rpartition(".")[2] != _TOPIC_NAME:
                yield KeyProblem(
                    name, f"Invalid value {value} for configuration {name}: only {_TOPIC_NAME} is supported"
                )
        for name in ("use.latest.version", "scrub.invalid.names"):
            if getattr(self, name.replace(".", "_")):
                yield KeyProblem(name, f"Invalid value true for configuration {name}: only false is supported")


@dataclass(frozen=True, slots=True)
class _Known:
    """A schema of the registry, ready for reading."""

    reading: Reading
    parsed: Any


class AvroConverter(Converter[AvroConverterConfig]):
    """Avro ⇄ data with a schema."""

    config_class = AvroConverterConfig
    classes = ("io.confluent.connect.avro.AvroConverter",)

    def __init__(self, config: AvroConverterConfig, side: Side) -> None:
        super().__init__(config, side)
        self.registry = Registry(config)
        self._known: dict[tuple[str, int], _Known] = {}
        self._written: dict[Schema, tuple[Writing, Any, str]] = {}

    def rows_reason(self) -> str | None:
        """None: a schema that polars cannot take goes by rows when it is met."""
        return None

    def to_data(self, topic: str, payloads: Sequence[Payload]) -> Sequence[Data]:
        """A piece for each run of one schema id; nulls are pieces of their own."""
        heads = [None if payload is None else payload[:HEAD] for payload in payloads]
        pieces: list[Data] = []
        start = 0
        for head, run in _runs(heads):
            pieces.append(self._read(topic, head, payloads[start : start + run]))
            start += run
        return pieces

    def _read(self, topic: str, head: bytes | None, payloads: Sequence[Payload]) -> Data:
        if head is None:
            return Rows(None, [None] * len(payloads))
        try:
            known = self._schema(self._subject(topic), _schema_id(head))
            bodies = [payload[HEAD:] for payload in payloads if payload is not None]
            if len(bodies) >= avro_columns.FEWEST and known.reading.reason is None:
                found = avro_columns.decode(known.reading, bodies)
                if found is not None:
                    return found
            return avro_rows.decode(known.reading, known.parsed, bodies)
        except DataError as error:
            raise DataError(f"Failed to deserialize Avro data from topic {topic}: {error}") from error

    def _schema(self, subject: str, number: int) -> _Known:
        """As AvroData.toConnectSchema: a schema without ``connect.version`` has the subject's version of it."""
        known = self._known.get((subject, number))
        if known is None:
            found = reading(avro_rows.parse_text(self.registry.schema(number)))
            if found.schema.version is None:
                version = self.registry.version(subject, number)
                found = replace(found, schema=replace(found.schema, version=version))
            known = self._known[subject, number] = _Known(found, avro_rows.parse(found.rows))
        return known

    def _subject(self, topic: str) -> str:
        return f"{topic}-{'key' if self.side == 'key' else 'value'}"

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """Null without a schema is a null payload; any other value needs a schema."""
        if self.config.enhanced_avro_schema_support:
            raise TaskError("enhanced.avro.schema.support=true is supported for reading only; leave it out to write")
        rows = data.rows()
        try:
            if rows.schema is None:
                return _nulls(rows.values)
            return list(self._write(topic, rows.schema, rows.values))
        except DataError as error:
            raise DataError(f"Failed to serialize Avro data from topic {topic}: {error}") from error

    def _write(self, topic: str, schema: Schema, values: Sequence[Any]) -> Iterator[Payload]:
        if schema.optional and all(value is None for value in values):
            yield from (None for _ in values)
            return
        how, parsed, text = self._writing(schema)
        subject = self._subject(topic)
        registered = self.registry.register if self.config.auto_register_schemas else self.registry.lookup
        head = b"\x00" + registered(subject, text).to_bytes(4, "big")
        for value in values:
            yield None if value is None and schema.optional else head + _encoded(how, parsed, value)

    def _writing(self, schema: Schema) -> tuple[Writing, Any, str]:
        known = self._written.get(schema)
        if known is None:
            how = writing(schema, self.config.connect_meta_data)
            # Parsed twice: the registered text for its names and defaults, the plain one for writing.
            avro_rows.parse(json.loads(json.dumps(how.registered)))
            known = self._written[schema] = (how, avro_rows.parse(how.plain), json.dumps(how.registered))
        return known


def _runs(heads: Sequence[bytes | None]) -> Iterator[tuple[bytes | None, int]]:
    if heads and heads.count(heads[0]) == len(heads):
        yield heads[0], len(heads)
        return
    for head, run in groupby(heads):
        yield head, sum(1 for _ in run)


def _schema_id(head: bytes) -> int:
    if head[:1] != b"\x00":
        raise DataError("Unknown magic byte!" if head else "The payload is empty")
    if len(head) < HEAD:
        raise DataError(f"The payload has {len(head)} bytes, too few for a schema id")
    number = int.from_bytes(head[1:], "big", signed=True)
    if number <= 0:
        raise DataError(f"The schema id {number} is not one that a registry gives")
    return number


def _nulls(values: Sequence[Any]) -> list[Payload]:
    if any(value is not None for value in values):
        raise DataError("Avro needs a schema, and this value has none; use a converter or source that gives one")
    return [None] * len(values)


def _encoded(how: Writing, parsed: Any, value: Any) -> bytes:
    stream = BytesIO()
    try:
        fastavro.schemaless_writer(stream, parsed, how.convert(value))
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError) as error:
        raise DataError(f"The value does not fit its schema: {error}") from error
    return stream.getvalue()
