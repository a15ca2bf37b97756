"""AvroConverter: Avro by way of a schema registry, in Confluent's wire format (a zero byte, a schema id, the data).

A run of messages of one schema is decoded to columns at once where the schema allows it, else row by row.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import repeat
from typing import Any, Literal, TypeVar, get_args

import fastavro

from ferryman.config import Bool, Int, Str, key
from ferryman.conversion import Converter, Decoded, Side
from ferryman.data import all_null
from ferryman.errors import DataError, KeyProblem
from ferryman.formats.avro import columns_writer, rows_reader, rows_writer, schemaless
from ferryman.formats.avro.compatibility import check_compatible
from ferryman.formats.avro.known_schema import Known
from ferryman.formats.avro.rows_writer_as import Encode, encoder_as
from ferryman.formats.avro.schemas import schema_text
from ferryman.formats.avro.schemas.connect_properties import Options
from ferryman.formats.avro.schemas.names import bare, full_name, is_bytes
from ferryman.formats.avro.schemas.schema_reader import reading
from ferryman.formats.avro.schemas.schema_writer import Writing, writing
from ferryman.formats.collected import Collected
from ferryman.formats.varint import long
from ferryman.record import Columns, Data, Payload, Rows
from ferryman.schema import Schema
from ferryman.schema_registry.client import Registered, Registry
from ferryman.schema_registry.keys import RegistryConfig
from ferryman.schema_registry.subjects import STRATEGIES, TOPIC, UnnamedSubject, subject

HEADER_BYTES = 5
"""Bytes before the data: the magic byte 0 and the id as a big-endian 32-bit integer."""


Prefix = Literal["io.confluent.kafka.serializers.schema.id.PrefixSchemaIdSerializer"]

K = TypeVar("K")
V = TypeVar("V")
_ANYTHING = Writing(schemaless.SCHEMA, schemaless.SCHEMA, schemaless.wrapped)


class AvroConverterConfig(RegistryConfig):
    ignored = ("converter.type",)
    refused = RegistryConfig.refused | {
        "generalized.sum.type.support": "unions are structs named io.confluent.connect.avro.Union",
        "discard.type.doc.default": "docs and defaults are always kept",
        "use.latest.with.metadata": "use use.latest.version or use.schema.id",
        "rule.executors": "rules of data contracts are not run",
        "rule.service.loader.enable": "rules of data contracts are not run",
        "apicurio.registry.headers.enabled": "the schema's id is read from the payload; leave it out",
    }

    auto_register_schemas: Bool = key(True, names=("auto.register.schemas", "apicurio.registry.auto-register"))
    """Whether a schema that the registry does not have is registered. If not, use.schema.id, use.latest.version or else
    a look-up says which id is written; a schema that is not there is then an error of the record."""
    normalize_schemas: Bool = key(False)
    """Whether the registry is asked to normalise schemas before it compares them."""
    use_latest_version: Bool = key(False, names=("use.latest.version", "apicurio.registry.find-latest"))
    """With auto.register.schemas=false: write with the subject's latest schema, as it was when first needed. Fields are
    matched by name; a field that only the latest schema has needs a default there."""
    apicurio_registry_as_confluent: Bool = key(True, importance="LOW", names=("apicurio.registry.as-confluent",))
    """Whether ids have four bytes, as Confluent's; only true is supported."""
    apicurio_registry_use_id: Literal["contentId"] = key(
        "contentId", importance="LOW", names=("apicurio.registry.use-id",)
    )
    """Which id is in the payload; that of Apicurio's Confluent API is the content's."""
    latest_compatibility_strict: Bool = key(True, importance="LOW")
    """Whether the latest schema must be able to read what the record's own schema writes, by Avro's rules: names,
    types, defaults. If not, it is enough that each value fits."""
    latest_cache_ttl_sec: Int = key(-1, importance="LOW")
    """After how many seconds a subject's latest schema is asked for again; -1: never."""
    use_schema_id: Int = key(-1)
    """With auto.register.schemas=false: write with the schema of this id, in the same way."""
    id_compatibility_strict: Bool = key(True, importance="LOW")
    """As latest.compatibility.strict, for the schema of use.schema.id."""
    schemas_cache_config: Int = key(1000, importance="LOW", names=("schemas.cache.config", "schemas.cache.size"))
    """How many schemas are kept ready for use, in either direction."""
    key_subject_name_strategy: Str = key(TOPIC)
    """How a key's subject is named: TopicNameStrategy (``<topic>-key``), RecordNameStrategy (the record's full name) or
    TopicRecordNameStrategy (``<topic>-<full name>``), with or without their package."""
    value_subject_name_strategy: Str = key(TOPIC)
    """How a value's subject is named, likewise; TopicNameStrategy is ``<topic>-value``."""
    key_schema_id_serializer: Prefix = key(get_args(Prefix)[0], importance="LOW")
    """Where a key's schema is named; only before the payload is supported, and not in a header."""
    value_schema_id_serializer: Prefix = key(get_args(Prefix)[0], importance="LOW")
    """Where a value's schema is named, likewise."""
    connect_meta_data: Bool = key(True, importance="LOW")
    """Whether written schemas carry Connect's names, versions and parameters in ``connect.*`` properties, and read ones
    docs and such parameters."""
    enhanced_avro_schema_support: Bool = key(False)
    """Whether enums are written as enums, and a union's fields have the full names of their types."""
    scrub_invalid_names: Bool = key(False)
    """Whether names that Avro cannot have are changed into ones it can when written."""
    flatten_singleton_unions: Bool = key(True, importance="LOW")
    """Whether a union of a single type is read as that type."""
    allow_optional_map_keys: Bool = key(False, importance="LOW")
    """Whether a map with optional text keys is written as an Avro map instead of an array of pairs."""
    ignore_default_for_nullables: Bool = key(False, importance="LOW")
    """Whether null is written as null where the field has a default."""

    def problems(self) -> Iterable[KeyProblem]:
        """Invalid strategies, and Apicurio's own wire format."""
        yield from super().problems()
        if not self.apicurio_registry_as_confluent:
            name = "apicurio.registry.as-confluent"
            yield KeyProblem(
                name, f"Invalid value false for configuration {name}: ids of eight bytes are not supported"
            )
        for name in ("key.subject.name.strategy", "value.subject.name.strategy"):
            value = getattr(self, name.replace(".", "_"))
            if value not in STRATEGIES:
                known = ", ".join(dict.fromkeys(STRATEGIES.values()))
                yield KeyProblem(name, f"Invalid value {value} for configuration {name}: it must be one of {known}")

    def options(self) -> Options:
        """What the mapping of schemas depends on."""
        return Options(
            meta_data=self.connect_meta_data,
            enhanced=self.enhanced_avro_schema_support,
            flatten=self.flatten_singleton_unions,
            optional_map_keys=self.allow_optional_map_keys,
            ignore_defaults=self.ignore_default_for_nullables,
            scrub=self.scrub_invalid_names,
        )


@dataclass(frozen=True, slots=True)
class _Own:
    """A Connect schema, ready for writing."""

    how: Writing
    parsed: Any
    """The plain schema, as fastavro takes it."""
    text: str
    """The schema that is registered, as JSON."""
    record: str | None
    """The full name of the record; None if it is none."""

    def encode(self, value: Any) -> bytes:
        stream = BytesIO()
        try:
            if self.how.plain == "bytes":
                return bytes(self.how.convert(value))
            fastavro.schemaless_writer(stream, self.parsed, self.how.convert(value))
        except RecursionError as error:
            raise DataError("The value is nested too deeply") from error
        except (ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError) as error:
            raise DataError(f"The value does not fit its schema: {error}") from error
        return stream.getvalue()


class AvroConverter(Converter[AvroConverterConfig]):
    """Avro ⇄ data with a schema."""

    config_class = AvroConverterConfig
    classes = ("io.confluent.connect.avro.AvroConverter", "io.apicurio.registry.utils.converter.AvroConverter")
    fewest_for_columns = 64

    def __init__(self, config: AvroConverterConfig, side: Side) -> None:
        super().__init__(config, side)
        self.registry = Registry(config, config.normalize_schemas, config.latest_cache_ttl_sec)
        self._options = config.options()
        key_side = side == "key"
        self._strategy = config.key_subject_name_strategy if key_side else config.value_subject_name_strategy
        self._known: dict[tuple[str, int], Known] = {}
        self._own: dict[Schema | None, _Own] = {}
        self._targets: dict[tuple[Schema, int], Encode] = {}

    def like(self, payload: bytes) -> "AvroConverter":
        """Writes with the schema that the payload names, whatever the config says of registering; raises DataError for
        a payload that names none."""
        given = {"auto_register_schemas": False, "use_schema_id": _schema_id(payload[:HEADER_BYTES])}
        found = AvroConverter(self.config.model_copy(update=given | {"id_compatibility_strict": False}), self.side)
        found.registry, found._targets = self.registry, self._targets
        return found

    def rows_reason(self) -> str | None:
        """None: a schema that polars cannot represent is processed as rows."""
        return None

    def decode(self, topic: str, payloads: Sequence[Payload]) -> Decoded:
        """A piece for each schema id; nulls are a piece of their own."""
        found = Collected()
        for head, positions in _by_head(payloads).items():
            if head is None:
                self.forms.columns(len(positions), "null")
                found.add(positions, Rows(None, [None] * len(positions)))
            else:
                self._read(topic, head, positions, [(payloads[at] or b"")[HEADER_BYTES:] for at in positions], found)
        return found.decoded()

    def _read(
        self, topic: str, head: bytes, positions: Sequence[int], bodies: Sequence[bytes], found: Collected
    ) -> None:
        own = Collected()
        try:
            known = self._schema(topic, _schema_id(head))
        except DataError as error:
            own.failures = [(at, error) for at in positions]
        else:
            if known.raw:
                bodies = [long(len(body)) + body for body in bodies]
            known.decode(positions, bodies, own, self.forms)
        own.failures = [(at, _undecoded(topic, error)) for at, error in own.failures]
        found.merge(own)

    def _schema(self, topic: str, number: int) -> Known:
        """As AvroData.toConnectSchema: a schema without ``connect.version`` has the subject's version of it."""
        known = self._known.get((topic, number))
        if known is None:
            parsed, references = _parsed(self.registry.schema(number))
            found = reading(parsed, references, self._options)
            if found.schema.version is None:
                version = self._version(topic, _record(parsed), number)
                found = replace(found, schema=replace(found.schema, version=version))
            anything = bare(parsed) == schemaless.SCHEMA
            parsed_rows = rows_reader.parse_strictly(found.rows)
            known = self._remember(self._known, (topic, number), Known(found, parsed_rows, anything, is_bytes(parsed)))
        return known

    def _version(self, topic: str, record: str | None, number: int) -> int | None:
        try:
            return self.registry.version(self._subject(topic, record), number)
        except UnnamedSubject:
            return None

    def _subject(self, topic: str, record: str | None) -> str:
        return subject(self._strategy, topic, "key" if self.side == "key" else "value", record)

    def from_data(self, topic: str, data: Data) -> Sequence[Payload]:
        """Null is a null payload where it may be; other values without a schema become Confluent's record Anything."""
        try:
            if isinstance(data, Columns) and (found := self._columns(topic, data)) is not None:
                return found
            rows = data.rows()
            return list(self._write(topic, rows.schema, rows.values))
        except DataError as error:
            raise DataError(f"Failed to serialize Avro data from topic {topic}: {error}") from error

    def _columns(self, topic: str, data: Columns) -> list[bytes] | None:
        """Columns encoded at once; None where it must be by rows."""
        own = self._writing(data.schema)
        number, encode = self._encoder(topic, data.schema)
        if encode != own.encode:
            self.forms.encoded_by_rows(len(data), "the registered schema is not the data's")
            return None
        found = columns_writer.encode(data, own.how.plain, b"\x00" + number.to_bytes(4, "big"))
        if found is None:
            self.forms.encoded_by_rows(len(data), "a column holds a value that only rows can write")
        return found

    def _write(self, topic: str, schema: Schema | None, values: Sequence[Any]) -> Iterator[Payload]:
        nullable = schema is None or schema.optional
        if nullable and all_null(values):
            yield from repeat(None, len(values))
            return
        number, encode = self._encoder(topic, schema)
        head = b"\x00" + number.to_bytes(4, "big")
        own = self._writing(schema)
        if schema is not None and encode == own.encode:
            found = rows_writer.encode(values, schema, own.how.plain, head)
            if found is not None:
                yield from found
                return
        for value in values:
            yield None if value is None and nullable else head + encode(value)

    def _encoder(self, topic: str, schema: Schema | None) -> tuple[int, Callable[[Any], bytes]]:
        """The id to write, and what encodes values for it (AbstractKafkaAvroSerializer.serializeImpl)."""
        own = self._writing(schema)
        config = self.config
        if config.auto_register_schemas:
            return self.registry.register(self._subject(topic, own.record), own.text), own.encode
        if config.use_schema_id >= 0:
            strict = "id.compatibility.strict" if config.id_compatibility_strict else None
            return self._target(schema, self.registry.schema(config.use_schema_id), strict)
        name = self._subject(topic, own.record)
        if config.use_latest_version:
            strict = "latest.compatibility.strict" if config.latest_compatibility_strict else None
            return self._target(schema, self.registry.latest(name), strict)
        return self.registry.lookup(name, own.text), own.encode

    def _target(self, schema: Schema | None, target: Registered, strict: str | None) -> tuple[int, Encode]:
        """``strict`` is the key that wants the two schemas to be compatible."""
        if schema is None:
            raise DataError("A value without a schema cannot be written with a registered schema")
        found = self._targets.get((schema, target.number))
        if found is None:
            parsed, references = _parsed(target)
            check_compatible(parsed, references, self._writing(schema).text, strict)
            encode = encoder_as(schema, parsed, references, self._options)
            found = self._remember(self._targets, (schema, target.number), encode)
        return target.number, found

    def _remember(self, cache: dict[K, V], name: K, made: V) -> V:
        while len(cache) >= max(1, self.config.schemas_cache_config):
            del cache[next(iter(cache))]
        cache[name] = made
        return made

    def _writing(self, schema: Schema | None) -> _Own:
        known = self._own.get(schema)
        if known is None:
            how = _ANYTHING if schema is None else writing(schema, options=self._options)
            text = schema_text.text(how.registered)
            own = _Own(how, rows_reader.parse(how.plain), text, _record(how.registered))
            known = self._remember(self._own, schema, own)
        return known


def _parsed(found: Registered) -> tuple[Any, list[Any]]:
    return rows_reader.parse_text(found.text), [rows_reader.parse_text(text) for text in found.references]


def _record(avro: Any) -> str | None:
    """The full name of the record that a parsed schema is, or is besides null."""
    if isinstance(avro, list):
        others = [each for each in avro if each != "null"]
        return _record(others[0]) if len(others) == 1 else None
    if not isinstance(avro, dict) or avro.get("type") != "record":
        return None
    return str(avro["name"]) if "." in str(avro["name"]) else full_name(avro)


def _by_head(payloads: Sequence[Payload]) -> Mapping[bytes | None, Sequence[int]]:
    """The places of the payloads of each schema id, and of those that are null."""
    if all_null(payloads):
        return {None: range(len(payloads))} if payloads else {}
    heads = [None if payload is None else payload[:HEADER_BYTES] for payload in payloads]
    if heads.count(heads[0]) == len(heads):
        return {heads[0]: range(len(heads))}
    found: dict[bytes | None, list[int]] = {}
    for at, head in enumerate(heads):
        found.setdefault(head, []).append(at)
    return found


def _undecoded(topic: str, error: Exception) -> DataError:
    found = DataError(f"Failed to deserialize Avro data from topic {topic}: {error}")
    found.__cause__ = error
    return found


def _schema_id(head: bytes) -> int:
    if head[:1] != b"\x00":
        raise DataError("Unknown magic byte!" if head else "The payload is empty")
    if len(head) < HEADER_BYTES:
        raise DataError(f"The payload has {len(head)} bytes, too few for a schema id")
    number = int.from_bytes(head[1:], "big", signed=True)
    if number <= 0:
        why = ": ids of eight bytes are Apicurio's own, its serializers need apicurio.registry.as-confluent=true"
        raise DataError(f"The schema id {number} is not one that a registry assigns{'' if number else why}")
    return number
