"""The transforms: Kafka's answers, its words for bad configs, and columns that agree with rows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.api import Transform
from ferryman.config import Config
from ferryman.errors import ConfigError, DataError
from ferryman.formats.polars_types import dtype
from ferryman.plugins import catalog
from ferryman.record import Batch, Columns, Polled, Record, Rows
from ferryman.schema import (
    BOOLEAN,
    BYTES,
    DATE_SCHEMA,
    FLOAT32,
    FLOAT64,
    INT8,
    INT32,
    INT64,
    STRING,
    TIME_SCHEMA,
    TIMESTAMP_SCHEMA,
    Field,
    Schema,
    Type,
    array,
    decimal,
    struct,
)
from tests.transforms import shape_vectors, vectors
from tests.transforms.vectors import REC, Error, Vector


def transform(name: str, config: Mapping[str, str], side: Any = "value") -> Transform[Config]:
    plugin = catalog.find("transformation", f"org.apache.kafka.connect.transforms.{name}$Value")
    assert plugin is not None
    made: Transform[Config] = plugin(plugin.config_class.parse(config), side)
    return made


def polled(count: int) -> Polled:
    return Polled("top", 0, range(42, 42 + count), [1700000000123] * count, [None] * count, [None] * count)


def batch(schema: Schema | None, values: Sequence[Any], columns: bool = False) -> Batch:
    data: Rows | Columns = Rows(schema, values)
    if columns and schema is not None:
        dtypes = {field.name: dtype(field.schema) for field in schema.fields}
        data = Columns(schema, pl.DataFrame(list(values), schema=dtypes, orient="row"))
    return Batch(
        topic="top",
        partition=0,
        key=Rows(None, [None] * len(values)),
        value=data,
        timestamps=[1700000000123] * len(values),
        origin=polled(len(values)),
        positions=range(len(values)),
    )


VECTORS = [*vectors.VECTORS, *shape_vectors.VECTORS]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector.transform} {vector.config} {vector.value}")
def test_a_transform_answers_what_kafkas_own_answered(vector: Vector) -> None:
    step = transform(vector.transform, vector.config)
    before = dict(vector.value) if isinstance(vector.value, dict) else vector.value
    if isinstance(vector.expected, Error):
        with pytest.raises(vector.expected.kind) as caught:
            step.apply_batch(batch(vector.schema, [vector.value]))
        assert str(caught.value) == vector.expected.message
        return
    (result,) = step.apply_batch(batch(vector.schema, [vector.value]))
    assert result.value == Rows(vector.expected[0], [vector.expected[1]])
    assert vector.value == before


def test_nulls_among_values_pass_with_the_schema_they_had() -> None:
    step = transform("InsertField", {"topic.field": "t"})
    results = step.apply_batch(batch(REC, [{"id": 1}, None, {"id": 2}]))
    assert [len(each) for each in results] == [2, 1]
    assert results[1].value == Rows(REC, [None])
    assert [list(each.offsets) for each in results] == [[42, 44], [43]]


def test_the_key_side_leaves_the_value_alone() -> None:
    record = Record(topic="t", key={"a": 1}, value={"a": 1})
    changed = transform("ReplaceField", {"renames": "a:b"}, "key").apply(record)
    assert changed is not None
    assert (changed.key, changed.value) == ({"b": 1}, {"a": 1})


def test_a_source_record_has_no_offset_to_insert() -> None:
    step = transform("InsertField", {"offset.field": "o"})
    with pytest.raises(DataError, match=r"found: org\.apache\.kafka\.connect\.source\.SourceRecord"):
        step.apply(Record(topic="t", value={"a": 1}))


def test_an_unknown_partition_is_no_key_of_a_map() -> None:
    assert transform("InsertField", {"partition.field": "p"}).apply(Record(topic="t", value={"a": 1})) == Record(
        topic="t", value={"a": 1}
    )


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("InsertField", {}, "No field insertion configured"),
        ("InsertField", {"static.field": "x"}, "Invalid value null for configuration static.value: No value specified"),
        ("ReplaceField", {"renames": "a"}, r"Invalid value \[a\] for configuration renames: Invalid rename mapping: a"),
        ("MaskField", {"fields": ""}, "Configuration 'fields' must not be empty. Valid values include: any non-empty"),
        ("ValueToKey", {"fields": "a,"}, "Configuration 'fields' values must not be empty."),
        ("DropHeaders", {"headers": ""}, "Configuration 'headers' must not be empty."),
        ("HeaderFrom", {"fields": "", "headers": "a", "operation": "copy"}, r"Invalid value \[\] for .* Empty list"),
        (
            "HeaderFrom",
            {"fields": "a", "headers": "b,c", "operation": "move"},
            "'fields' config must have the same number of elements as 'headers' config.",
        ),
        ("SetSchemaMetadata", {}, "Neither schema name nor version configured"),
        (
            "ExtractField",
            {"field": "a.`b", "field.syntax.version": "v2"},
            r"Incomplete backtick pair in path: \[a.`b\]",
        ),
        ("RegexRouter", {"regex": "[", "replacement": "x"}, r"Invalid value \[ for configuration regex: Invalid regex"),
        ("TimestampRouter", {"timestamp.format": "Q"}, "Illegal pattern character 'Q'"),
        ("Cast", {"spec": ""}, "Must specify at least one field to cast."),
        ("Cast", {"spec": "int8,string"}, "may only specify a single cast in their spec"),
        ("Cast", {"spec": "a:bytes"}, r"does not support casting to BYTES; supported types are \[INT8, .*, STRING\]"),
        ("Cast", {"spec": "a:foo"}, "No enum constant org.apache.kafka.connect.data.Schema.Type.FOO for configuration"),
        (
            "Cast",
            {"spec": "a:b:c"},
            r"Invalid value \[a:b:c\] for configuration renames: Invalid rename mapping: a:b:c",
        ),
        (
            "MaskField",
            {"fields": "a", "replacement": ""},
            "Invalid value  for configuration replacement: String must be",
        ),
        (
            "TimestampConverter",
            {"target.type": "date"},
            "Invalid value date for configuration target.type: String must be one of: string, unix, Date, Time",
        ),
        ("TimestampConverter", {"target.type": "string"}, "requires format option to be specified"),
        (
            "TimestampConverter",
            {"target.type": "Date", "format": "n"},
            "Illegal pattern character 'n' for configuration",
        ),
    ],
)
def test_bad_configs_are_refused_in_kafkas_words(name: str, config: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        transform(name, config)


def test_nulls_stay_null_when_defaults_are_switched_off() -> None:
    for name, config in [
        ("InsertField", {"topic.field": "t"}),
        ("ReplaceField", {"renames": "id:x"}),
        ("MaskField", {"fields": "id"}),
        ("MaskField", {"fields": "list"}),
        ("TimestampConverter", {"field": "zz", "target.type": "unix"}),
    ]:
        step = transform(name, {**config, "replace.null.with.default": "false"})
        for columns in (False, True):
            (result,) = step.apply_batch(batch(REC.as_optional(False), [{"id": 7, "s": None}], columns))
            assert result.value.rows().values[0]["s"] is None


@pytest.mark.parametrize("target", ["string", "unix", "Date", "Time", "Timestamp"])
@pytest.mark.parametrize("precision", ["nanoseconds", "microseconds", "milliseconds", "seconds"])
def test_every_unit_and_target_agrees_on_both_sides_of_the_epoch(target: str, precision: str) -> None:
    step = transform("TimestampConverter", {"field": "a", "target.type": target, "format": "yyyy-MM-dd HH:mm:ss.SSS"})
    other = transform(
        "TimestampConverter",
        {"field": "a", "target.type": target, "unix.precision": precision, "format": "yyyy-MM-dd HH:mm:ss.SSS"},
    )
    numbers = [-1, -1500, 0, 1500, -1_000_001, 1_700_000_000_123, -(1 << 62)]
    moments = [datetime(1969, 12, 31, 23, 59, 59, 999000, UTC), datetime(2023, 11, 14, tzinfo=UTC)]
    for each in (step, other):
        cases: list[tuple[Schema, list[Any]]] = [(INT64, numbers[:6]), (INT64, numbers), (TIMESTAMP_SCHEMA, moments)]
        for schema, values in cases:
            given = (struct({"a": schema}), [{"a": value} for value in values])
            assert outcome(each, batch(*given)) == outcome(each, batch(*given, True))


def outcome(step: Transform[Config], given: Batch) -> Any:
    """The records that a step makes of a batch, in the order of their offsets, or its error."""
    try:
        found = [record for result in step.apply_batch(given) for record in result.records()]
        whole = [replace(record, value=_whole(record.value, record.value_schema)) for record in found]
        return sorted(whole, key=lambda record: record.offset or 0)
    except DataError as error:
        return type(error), str(error)


def _whole(value: Any, schema: Schema | None) -> Any:
    """A struct with all its fields, since one that is absent is null."""
    if schema is None or schema.type is not Type.STRUCT or value is None:
        return value
    return {field.name: value.get(field.name) for field in schema.fields}


MILLIS = st.integers(-62_135_596_800_000, 253_402_300_799_999)
KINDS: list[tuple[Schema, st.SearchStrategy[Any], Any]] = [
    (INT8, st.integers(-128, 127), 1),
    (INT32, st.integers(-(1 << 31), (1 << 31) - 1), 2),
    (INT64, st.integers(-(1 << 63), (1 << 63) - 1) | MILLIS, 3),
    (FLOAT32, st.floats(width=32, allow_nan=False), 1.5),
    (FLOAT64, st.floats(allow_nan=False), 2.5),
    (BOOLEAN, st.booleans(), True),
    (STRING, st.sampled_from(["", "x", "2023-11-14", "1-1-1", "99999-01-01"]), "2020-01-01"),
    (BYTES, st.binary(max_size=3), b"d"),
    (decimal(2), st.integers(-(10**9), 10**9).map(lambda unscaled: Decimal(unscaled).scaleb(-2)), Decimal("1.00")),
    (DATE_SCHEMA, st.dates(), date(2020, 1, 1)),
    (TIME_SCHEMA, st.times().map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)), time(1)),
    (
        TIMESTAMP_SCHEMA,
        st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)),
        datetime(2020, 1, 1, tzinfo=UTC),
    ),
    (array(STRING), st.lists(st.text(max_size=2), max_size=2), ["d"]),
    (struct({"x": INT32}), st.fixed_dictionaries({"x": st.integers(0, 9)}), {"x": 5}),
]
NAMES = ["a", "b", "c"]


@st.composite
def data(draw: st.DrawFn) -> tuple[Schema, list[dict[str, Any]]]:
    fields, values = [], {}
    for name in NAMES[: draw(st.integers(1, 3))]:
        schema, strategy, default = draw(st.sampled_from(KINDS))
        optional = draw(st.booleans())
        default = default if draw(st.booleans()) else None
        full = Schema(**{**{part: getattr(schema, part) for part in schema.__dataclass_fields__}, "default": default})
        fields.append(Field(name, full.as_optional(optional)))
        values[name] = st.none() | strategy if optional else strategy
    rows = draw(st.lists(st.fixed_dictionaries(values), min_size=1, max_size=4))
    return Schema(Type.STRUCT, name="n", version=2, fields=tuple(fields)), rows


NAME = st.sampled_from([*NAMES, "d"])
LISTED = st.lists(NAME, max_size=2).map(",".join)
CONFIGS: dict[str, st.SearchStrategy[dict[str, str]]] = {
    "InsertField": st.fixed_dictionaries(
        {"static.field": NAME, "static.value": st.text(max_size=2)},
        optional={"topic.field": st.just("t!"), "offset.field": st.just("o"), "timestamp.field": NAME},
    ),
    "ReplaceField": st.fixed_dictionaries(
        {}, optional={"exclude": LISTED, "include": LISTED, "renames": st.sampled_from(["a:b", "a:d,b:a", "c:c"])}
    ),
    "MaskField": st.fixed_dictionaries(
        {"fields": LISTED.filter(bool)}, optional={"replacement": st.sampled_from(["5", "1.5", "x", "300"])}
    ),
    "TimestampConverter": st.fixed_dictionaries(
        {
            "field": NAME,
            "target.type": st.sampled_from(["string", "unix", "Date", "Time", "Timestamp"]),
            "format": st.sampled_from(["yyyy-MM-dd", "HH:mm yyyy-MM-dd"]),
        },
        optional={"unix.precision": st.sampled_from(["nanoseconds", "microseconds", "milliseconds", "seconds"])},
    ),
    "Cast": st.fixed_dictionaries(
        {
            "spec": st.dictionaries(
                NAME,
                st.sampled_from(["int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string"]),
                min_size=1,
            ).map(lambda casts: ",".join(f"{name}:{target}" for name, target in casts.items()))
        }
    ),
    "DropHeaders": st.fixed_dictionaries({"headers": NAME}),
    "ExtractField": st.fixed_dictionaries({"field": NAME})
    | st.fixed_dictionaries({"field": NAME.map("{}.x".format), "field.syntax.version": st.just("V2")}),
    "Filter": st.just({}),
    "Flatten": st.fixed_dictionaries({"delimiter": st.sampled_from([".", "_"])}),
    "HeaderFrom": st.fixed_dictionaries(
        {"fields": NAME, "headers": NAME, "operation": st.sampled_from(["copy", "move"])}
    ),
    "HoistField": st.fixed_dictionaries({"field": NAME}),
    "InsertHeader": st.fixed_dictionaries({"header": NAME, "value.literal": st.sampled_from(["1", "[1,2]", ""])}),
    "RegexRouter": st.fixed_dictionaries({"regex": st.just("t(.*)"), "replacement": st.sampled_from(["$1", "$2"])}),
    "SetSchemaMetadata": st.fixed_dictionaries({"schema.name": NAME}),
    "TimestampRouter": st.just({}),
    "ValueToKey": st.fixed_dictionaries({"fields": NAME | st.just("a,b")}),
}


@pytest.mark.parametrize(
    "config", [{"field": "a"}, {"field": "o.a", "field.syntax.version": "V2"}], ids=["a field", "a path"]
)
def test_structs_some_of_which_are_null_are_extracted_as_columns_apart_from_these(config: dict[str, str]) -> None:
    inner = struct({"x": INT32}, optional=True)
    schema = struct({"a": inner, "o": struct({"a": inner}, optional=True)})
    values = [{"a": given, "o": {"a": given}} for given in ({"x": 1}, None, {"x": 2})]
    found = transform("ExtractField", config).apply_batch(batch(schema, values, columns=True))
    assert [type(each.value) for each in found] == [Columns, Rows]
    assert [(list(each.positions), list(each.value.rows().values)) for each in found] == [
        ([0, 2], [{"x": 1}, {"x": 2}]),
        ([1], [None]),
    ]


OPTIONAL_SEVEN = Schema(Type.INT32, optional=True, default=7)
ANY_STEP = [
    ("Cast", {"spec": "id:string"}),
    ("ExtractField", {"field": "list"}),
    ("ExtractField", {"field": "in.a", "field.syntax.version": "V2"}),
    ("Flatten", {}),
    ("HeaderFrom", {"fields": "id", "headers": "h", "operation": "move"}),
    ("InsertField", {"static.field": "s", "static.value": "v"}),
    ("MaskField", {"fields": "id"}),
    ("MaskField", {"fields": "list"}),
    ("ReplaceField", {"exclude": "id"}),
    ("SetSchemaMetadata", {"schema.name": "n"}),
    ("TimestampConverter", {"field": "id", "target.type": "Timestamp"}),
    ("ValueToKey", {"fields": "list"}),
]
WITH_DEFAULTS = struct(
    {
        "id": INT64,
        "list": Schema(Type.ARRAY, values=STRING, optional=True, default=["d"]),
        "in": Schema(Type.STRUCT, fields=(Field("a", OPTIONAL_SEVEN),), optional=True, default={"a": 1}),
    }
)


@pytest.mark.parametrize(("name", "config"), ANY_STEP)
@pytest.mark.parametrize("is_null", [True, False])
def test_a_default_that_is_no_plain_value_needs_rows_only_where_it_stands_for_a_null(
    name: str, config: dict[str, str], is_null: bool
) -> None:
    values = [{"id": 1, "list": ["x"], "in": {"a": 2}}, {"id": 2, "list": ["y"], "in": {"a": None if is_null else 3}}]
    if is_null:
        values += [{"id": 3, "list": None, "in": None}]
    step, given = transform(name, config), batch(WITH_DEFAULTS, values, columns=True)
    assert outcome(step, given) == outcome(step, batch(WITH_DEFAULTS, values))
    if not is_null and name != "ExtractField":
        assert [type(each.value) for each in step.apply_batch(given)] == [Columns]


@settings(max_examples=1500, deadline=None)
@given(
    st.sampled_from(sorted(CONFIGS)).flatmap(lambda name: st.tuples(st.just(name), CONFIGS[name])),
    data(),
    st.booleans(),
)
def test_rows_and_columns_agree(
    configured: tuple[str, dict[str, str]], given: tuple[Schema, list[dict[str, Any]]], replace_null: bool
) -> None:
    name, config = configured
    step = transform(name, {**config, "replace.null.with.default": str(replace_null)})
    schema, records = given
    # Of several bad records in a batch each form may name another one; the runtime narrows both down to the same.
    for record in records:
        assert outcome(step, batch(schema, [record])) == outcome(step, batch(schema, [record], True))
    rows, columns = outcome(step, batch(*given)), outcome(step, batch(*given, True))
    assert rows == columns or (isinstance(rows[0], type) and isinstance(columns[0], type))
