"""Every difference from Kafka that was ever found, as a case that is always run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ferryman.record import Record
from ferryman.schema import (
    BOOLEAN,
    BYTES,
    DATE_SCHEMA,
    FLOAT64,
    INT16,
    INT32,
    INT64,
    STRING,
    Schema,
    Type,
    decimal,
    mapping,
    struct,
)
from tests.differential.sides import Case


def given(schema: Schema | None, *values: Any) -> Sequence[Record]:
    """Records with such values and nothing else of note."""
    return [
        Record(topic="top", partition=0, value=value, value_schema=schema, timestamp=1_700_000_000_123, offset=place)
        for place, value in enumerate(values)
    ]


def _default(schema: Schema, default: Any) -> Schema:
    return replace(schema, default=default)


def outbox_event(columns: Mapping[str, Schema], values: Mapping[str, Any]) -> Record:
    """An insert into an outbox table with some columns beside the usual ones."""
    usual = {"id": STRING, "aggregatetype": STRING, "aggregateid": STRING, "type": STRING, "payload": STRING}
    schema = struct({"after": struct({**usual, **columns}), "op": STRING, "ts_ms": INT64}, name="t.Envelope")
    row = {**dict.fromkeys(usual, "x"), **values}
    return Record(topic="top", value={"after": row, "op": "c", "ts_ms": 1}, value_schema=schema)


_NO_DEFAULTS = {"replace.null.with.default": "false"}
_REQUIRED = struct({"a": _default(INT64, 7), "b": STRING})
_NAMED = struct({"a": struct({"x": INT32}, name="inner")})
_UNIX = {"field": "b", "target.type": "unix", "format": "yyyy"}

CASES: Mapping[str, Case] = {
    "a required null with its default switched off is refused": Case(
        "TimestampConverter$Value",
        {"field": "a", "target.type": "string", "format": "yyyy", **_NO_DEFAULTS},
        given(_REQUIRED, {"a": None, "b": ""}, {"a": 1, "b": ""}),
    ),
    "the first field in the schema's order is the one that fails": Case(
        "TimestampConverter$Value",
        {"field": "b", "target.type": "unix", **_NO_DEFAULTS},
        given(struct({"a": _default(INT64, 7), "b": INT32}), {"a": None, "b": 1}, {"a": 1, "b": 1}),
    ),
    "a null that is no struct has no fields to list": Case(
        "TimestampConverter$Value", _UNIX, given(mapping(STRING, INT16).as_optional(), None)
    ),
    "a struct with a name of its own is called a Struct": Case(
        "MaskField$Value", {"fields": "a"}, given(_NAMED, {"a": {"x": 1}})
    ),
    "the field that is given twice is the second one": Case(
        "InsertField$Value",
        {"topic.field": "b", "partition.field": "a"},
        given(struct({"a": INT32, "b": INT32}), {"a": 1, "b": 2}),
    ),
    "of two inserted fields with one name the later wins": Case(
        "InsertField$Value",
        {"timestamp.field": "d", "static.field": "d", "static.value": "v", "offset.field": "x", "topic.field": "x"},
        given(None, {"a": 1}),
    ),
    "a field without a name may be inserted into a map": Case(
        "InsertField$Value", {"topic.field": ""}, given(None, {"a": 1})
    ),
    "but not into a struct": Case("InsertField$Value", {"topic.field": "?"}, given(struct({"a": INT32}), {"a": 1})),
    "a static value is trimmed": Case(
        "InsertField$Value", {"static.field": "s", "static.value": " v "}, given(None, {"a": 1})
    ),
    "a rename's target that exists takes the other's value": Case(
        "ReplaceField$Value",
        {"exclude": "a", "renames": "a:b"},
        given(struct({"a": INT32, "b": INT32}), {"a": 1, "b": 2}),
    ),
    "unless it does not fit": Case(
        "ReplaceField$Value",
        {"exclude": "a", "renames": "a:b"},
        given(struct({"a": BOOLEAN, "b": INT32}), {"a": True, "b": 2}),
    ),
    "a rename of a field that is missing hides its target": Case(
        "ReplaceField$Value", {"renames": "a:b"}, given(struct({"b": INT32}), {"b": 2})
    ),
    "an empty name in a list is refused": Case("ReplaceField$Value", {"exclude": "a,"}, given(None, {"a": 1})),
    "no field to mask is refused": Case("MaskField$Value", {"fields": ""}, given(None, {"a": 1})),
    "a mask of more digits than a column holds": Case(
        "MaskField$Value", {"fields": "a", "replacement": "1e40"}, given(struct({"a": decimal(0)}), {"a": Decimal(1)})
    ),
    "of two fields that cannot be masked the first in hash order fails": Case(
        "MaskField$Value", {"fields": "a.b,b,a", "replacement": "5"}, given(None, {"a.b": b"", "b": True, "a": {}})
    ),
    "a week year": Case("TimestampRouter", {"timestamp.format": "YYYY-'W'ww u W F G"}, given(None, {"a": 1})),
    "two digits of a year": Case(
        "TimestampConverter$Value", {**_UNIX, "format": "yy"}, given(None, {"b": "46"}, {"b": "45"}, {"b": "47"})
    ),
    "months beyond the year of a Julian date": Case(
        "TimestampConverter$Value", {**_UNIX, "format": "yyyy-MM"}, given(None, {"b": "1-20510"}, {"b": "1576-1705"})
    ),
    "blanks belong to the width of a number before another": Case(
        "TimestampConverter$Value", {**_UNIX, "format": "mmk"}, given(None, {"b": " 114"}, {"b": "1 14"})
    ),
    "names do not follow blanks": Case(
        "TimestampConverter$Value", {**_UNIX, "format": "d MMM"}, given(None, {"b": "1  Apr"}, {"b": "1 apr"})
    ),
    "a weekday without a day is the month's first": Case(
        "TimestampConverter$Value", {**_UNIX, "format": "EEE MMM yyyy"}, given(None, {"b": "Wed Nov 2023"})
    ),
    "a number with an exponent": Case(
        "TimestampConverter$Value", {**_UNIX, "format": "yyyy-MM"}, given(None, {"b": "2E3-01"}, {"b": "2e3-01"})
    ),
    "an offset of too many minutes": Case(
        "TimestampConverter$Value", {**_UNIX, "format": "yyyy Z"}, given(None, {"b": "2000 +0060"}, {"b": "2000 +0059"})
    ),
    "an unknown letter": Case("TimestampConverter$Value", {**_UNIX, "format": "yyyyQ"}, given(None, {"b": ""})),
    "ASCII classes in an expression": Case(
        "RegexRouter", {"regex": r"[\p{Lower}]\P{Digit}\p{Alpha}", "replacement": "x"}, given(None, 1)
    ),
    "the first match may be less than the name": Case(
        "RegexRouter", {"regex": "t|top", "replacement": "x"}, given(None, 1)
    ),
    "a double on the border of 32 bits is rounded once": Case(
        "Cast$Value", {"spec": "a:float32"}, given(None, {"a": "1.00000017881393432617187499"}, {"a": 9007199791611905})
    ),
    "times before the first day are cast to times": Case(
        "Cast$Value",
        {"spec": "a:string"},
        given(
            struct({"a": replace(INT64, name="org.apache.kafka.connect.data.Timestamp", version=1)}),
            {"a": datetime(1969, 5, 1, 12, tzinfo=UTC)},
            {"a": datetime(1970, 1, 2, tzinfo=UTC)},
        ),
    ),
    "a struct with a default cannot be cast": Case(
        "Cast$Value",
        {"spec": "a:string"},
        given(_default(Schema(Type.STRUCT, fields=struct({"a": FLOAT64}).fields), {"a": 1.0}), {"a": 1.5}),
    ),
    "bytes are no number": Case("Cast$Value", {"spec": "a:int8"}, given(struct({"a": BYTES}), {"a": b"12"})),
    "a mask that is no number, for a decimal": Case(
        "MaskField$Value", {"fields": "a", "replacement": "x"}, given(struct({"a": decimal(0)}), {"a": Decimal(1)})
    ),
    "a name given twice is found before a map behind it": Case(
        "Flatten$Value",
        {},
        given(
            struct({"a.b": INT16, "a": struct({"b": INT16}), "m": mapping(STRING, INT16)}),
            {"a.b": 1, "a": {"b": 2}, "m": {}},
        ),
    ),
    "a date is no partition": Case(
        "io.debezium.transforms.outbox.EventRouter",
        {"table.fields.additional.placement": "d:partition"},
        [outbox_event({"d": DATE_SCHEMA}, {"d": date(1970, 1, 1)})],
    ),
    "a schema of an earlier payload may not fit": Case(
        "io.debezium.transforms.outbox.EventRouter",
        {
            "table.fields.additional.placement": "type:envelope",
            "table.field.event.schema.version": "v",
            "table.expand.json.payload": "true",
        },
        [outbox_event({"v": INT32}, {"v": 1, "payload": text}) for text in ("plain", '{"a":1}')],
    ),
    "metadata that is a map has no types": Case(
        "io.debezium.transforms.ExtractNewRecordState",
        {"add.fields": "before.m", "add.headers": "id"},
        given(
            struct(
                {
                    "before": struct({"m": mapping(STRING, INT16)}, optional=True),
                    "after": struct({"a": INT32}, optional=True),
                    "op": STRING,
                    "transaction": struct({"id": STRING}, optional=True),
                },
                name="t.Envelope",
            ),
            {"after": {"a": 1}, "op": "c"},
            {"before": {"m": {"x": 1}}, "op": "d", "transaction": {"id": "t1"}},
        ),
    ),
}
