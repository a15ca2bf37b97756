"""What Kafka 4.1's own classes answered for the transforms we have: config, input, and output or error.

``SINK`` records are of topic ``top``, partition 0, offset 42, timestamp 1700000000123; REC is a struct with the fields
id (INT32) and s (an optional STRING whose default is "dflt").
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple

from ferryman.errors import DataError, MissingValue, SchemaMismatch
from ferryman.schema import (
    DATE_SCHEMA,
    INT32,
    INT64,
    OPTIONAL_STRING,
    STRING,
    TIME_SCHEMA,
    TIMESTAMP_SCHEMA,
    Schema,
    Type,
    struct,
)
from ferryman.transforms.timestamp_converter import UnknownTimestampType

MOMENT = datetime(2023, 11, 14, 22, 13, 20, 123000, UTC)
DFLT = Schema(Type.STRING, optional=True, default="dflt")
REC = replace(struct({"id": INT32, "s": DFLT}, name="rec", optional=True), version=1)


def rec(optional: bool, **fields: Schema) -> Schema:
    """A schema made from REC: its name and version, other fields."""
    return replace(struct(fields, name="rec", optional=optional), version=1)


class Error(NamedTuple):
    """The class of a failure and its message."""

    kind: type[DataError]
    message: str


class Vector(NamedTuple):
    """One line."""

    transform: str
    config: dict[str, str]
    schema: Schema | None
    value: Any
    expected: tuple[Schema | None, Any] | Error


def no_map(purpose: str, found: str) -> Error:
    """The refusal of a schemaless value that is no map."""
    return Error(DataError, f"Only Map objects supported in absence of schema for [{purpose}], found: {found}")


INSERT = {"static.field": "x", "static.value": "y"}
WITH_X = rec(False, id=INT32, s=DFLT, x=OPTIONAL_STRING)
ALL = {
    "offset.field": "o?",
    "timestamp.field": "ts",
    "static.field": "sf",
    "topic.field": "t!",
    "static.value": "sv",
    "partition.field": "p",
}
WITH_ALL = rec(
    False,
    id=INT32,
    s=DFLT,
    t=STRING,
    p=INT32.as_optional(),
    o=INT64.as_optional(),
    ts=TIMESTAMP_SCHEMA.as_optional(),
    sf=OPTIONAL_STRING,
)
STRUCT = {"id": 7, "s": None}
MASKED = {"fields": "id"}
YEAR = {"target.type": "string", "format": "yyyy", "field": "id"}
DAY = {"format": "yyyy-MM-dd"}
NO_STRUCT = Error(DataError, "Only Struct objects supported for [mask fields], found: null")
UNKNOWN_TYPE = Error(UnknownTimestampType, "Schema Schema{INT32} does not correspond to a known timestamp type format")

INSERT_FIELD = [
    Vector("InsertField", INSERT, None, None, (None, None)),
    Vector("InsertField", INSERT, REC, None, (REC, None)),
    Vector("InsertField", INSERT, None, {"id": 7, "s": None}, (None, {"id": 7, "s": None, "x": "y"})),
    Vector("InsertField", INSERT, None, {"z": 1}, (None, {"z": 1, "x": "y"})),
    Vector("InsertField", INSERT, REC, STRUCT, (WITH_X, {"id": 7, "s": "dflt", "x": "y"})),
    Vector("InsertField", INSERT, None, "str", no_map("field insertion", "java.lang.String")),
    Vector(
        "InsertField",
        ALL,
        REC,
        STRUCT,
        (WITH_ALL, {"id": 7, "s": "dflt", "t": "top", "p": 0, "o": 42, "ts": MOMENT, "sf": "sv"}),
    ),
    Vector(
        "InsertField",
        {name: value for name, value in ALL.items() if not name.startswith("static")},
        None,
        {"a": 1},
        (None, {"a": 1, "t": "top", "p": 0, "o": 42, "ts": 1700000000123}),
    ),
    Vector(
        "InsertField",
        {"topic.field": "id"},
        REC,
        STRUCT,
        Error(SchemaMismatch, "Cannot create field because of field name duplication id"),
    ),
]
MASK_FIELD = [
    Vector("MaskField", MASKED, None, None, no_map("mask fields", "null")),
    Vector("MaskField", MASKED, REC, None, NO_STRUCT),
    Vector("MaskField", MASKED, None, {"id": 7, "s": None}, (None, {"id": 0, "s": None})),
    Vector("MaskField", MASKED, None, {"z": 1}, (None, {"z": 1, "id": None})),
    Vector("MaskField", MASKED, REC, STRUCT, (REC, {"id": 0, "s": "dflt"})),
    Vector("MaskField", MASKED, None, "str", no_map("mask fields", "java.lang.String")),
    Vector(
        "MaskField",
        {"fields": "a,b,c,d,e,f,n", "replacement": "5"},
        None,
        {"a": 1, "b": "x", "c": 2, "d": 1.5, "n": None},
        (None, {"a": 5, "b": "5", "c": 5, "d": 5.0, "e": None, "f": None, "n": None}),
    ),
    Vector(
        "MaskField",
        {"fields": "a", "replacement": "zz"},
        None,
        {"a": 1},
        Error(DataError, "Unable to convert zz (class java.lang.String) to a number"),
    ),
    Vector(
        "MaskField",
        {"fields": "a", "replacement": "5"},
        None,
        {"a": True},
        Error(DataError, "Cannot mask value of type class java.lang.Boolean with custom replacement."),
    ),
    Vector(
        "MaskField",
        {"fields": "a,b,c"},
        None,
        {"a": [1], "b": {"k": 1}, "c": b"x"},
        Error(DataError, "Cannot mask value of type: class [B"),
    ),
    Vector(
        "MaskField",
        {"fields": "a,b"},
        None,
        {"a": [1], "b": {"k": 1}, "c": True},
        (None, {"a": [], "b": {}, "c": True}),
    ),
]
REPLACE_FIELD = [
    Vector("ReplaceField", {"exclude": "id"}, None, None, (None, None)),
    Vector("ReplaceField", {"exclude": "id"}, REC, None, (REC, None)),
    Vector("ReplaceField", {"exclude": "id"}, None, {"id": 7, "s": None}, (None, {"s": None})),
    Vector("ReplaceField", {"blacklist": "id"}, None, {"z": 1}, (None, {"z": 1})),
    Vector("ReplaceField", {"whitelist": "s"}, REC, STRUCT, (rec(False, s=DFLT), {"s": "dflt"})),
    Vector("ReplaceField", {"exclude": "id"}, REC, STRUCT, (rec(False, s=DFLT), {"s": "dflt"})),
    Vector("ReplaceField", {"exclude": "id"}, None, "str", no_map("field replacement", "java.lang.String")),
    Vector(
        "ReplaceField",
        {"renames": "id:ident", "include": "id,s", "exclude": "s"},
        REC,
        STRUCT,
        (rec(False, ident=INT32), {"ident": 7}),
    ),
    Vector("ReplaceField", {"renames": "a:b"}, None, {"a": 1, "b": 2}, (None, {"b": 2})),
]


def _to(target: str) -> dict[str, str]:
    return {**DAY, "target.type": target}


MIDNIGHT = datetime(2023, 11, 14, tzinfo=UTC)
CLOCK = time(22, 13, 20, 123000)
TIMESTAMP_CONVERTER = [
    Vector("TimestampConverter", YEAR, None, None, (None, None)),
    Vector("TimestampConverter", YEAR, REC, None, (rec(True, id=STRING, s=DFLT), None)),
    Vector("TimestampConverter", YEAR, None, {"z": 1}, (None, {"z": 1, "id": None})),
    Vector("TimestampConverter", YEAR, REC, STRUCT, UNKNOWN_TYPE),
    Vector("TimestampConverter", YEAR, None, "str", no_map("converting timestamp formats", "java.lang.String")),
    *(
        Vector("TimestampConverter", _to(target), None, given, (None, expected))
        for target, given, expected in [
            ("string", 1700000000123, "2023-11-14"),
            ("string", "2023-11-14", "2023-11-14"),
            ("string", MOMENT, "2023-11-14"),
            ("unix", 1700000000123, 1700000000123),
            ("unix", "2023-11-14", 1699920000000),
            ("unix", MOMENT, 1700000000123),
            ("Date", 1700000000123, date(2023, 11, 14)),
            ("Date", "2023-11-14", date(2023, 11, 14)),
            ("Date", MOMENT, date(2023, 11, 14)),
            ("Time", 1700000000123, CLOCK),
            ("Time", "2023-11-14", time()),
            ("Time", MOMENT, CLOCK),
            ("Timestamp", 1700000000123, MOMENT),
            ("Timestamp", "2023-11-14", MIDNIGHT),
            ("Timestamp", MOMENT, MOMENT),
        ]
    ),
    Vector(
        "TimestampConverter",
        _to("unix"),
        None,
        True,
        Error(DataError, "TimestampConverter does not support class java.lang.Boolean objects as timestamps"),
    ),
    Vector(
        "TimestampConverter",
        {"unix.precision": "microseconds", "target.type": "unix"},
        None,
        MOMENT,
        (None, 1700000000123000),
    ),
    Vector(
        "TimestampConverter",
        {"unix.precision": "seconds", "target.type": "Timestamp"},
        INT64,
        1700000000,
        (TIMESTAMP_SCHEMA, MOMENT.replace(microsecond=0)),
    ),
    Vector(
        "TimestampConverter",
        {"field": "zz", "target.type": "Timestamp"},
        REC,
        STRUCT,
        (REC, {"id": 7, "s": "dflt"}),
    ),
    Vector("TimestampConverter", {"field": "id", "target.type": "Timestamp"}, REC, STRUCT, UNKNOWN_TYPE),
    Vector(
        "TimestampConverter", {"field": "zz", "target.type": "Timestamp"}, None, {"a": 1}, (None, {"a": 1, "zz": None})
    ),
    Vector(
        "TimestampConverter",
        {"target.type": "Timestamp"},
        None,
        "2020",
        Error(MissingValue, "The text '2020' cannot be read as a time: set format"),
    ),
    Vector("TimestampConverter", _to("Date"), TIMESTAMP_SCHEMA, MOMENT, (DATE_SCHEMA, date(2023, 11, 14))),
    Vector("TimestampConverter", _to("Time"), TIMESTAMP_SCHEMA, MOMENT, (TIME_SCHEMA, CLOCK)),
]
VECTORS = [*INSERT_FIELD, *MASK_FIELD, *REPLACE_FIELD, *TIMESTAMP_CONVERTER]
