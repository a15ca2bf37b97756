"""What Hypothesis draws: schemas with values that fit them, schemaless values, records, and configs of transforms."""

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

from hypothesis import strategies as st

from ferryman.record import Coordinates, Header, Record
from ferryman.schema import (
    BOOLEAN,
    BYTES,
    DATE_SCHEMA,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
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
    mapping,
)

Values = st.SearchStrategy[Any]
Configs = st.SearchStrategy[dict[str, str]]

NAMES = ["a", "b", "c", "a.b", "d"]
NAME = st.sampled_from(NAMES)
TEXTS = [
    "",
    "x",
    " 12",
    "12",
    "+7",
    "-0",
    "300",
    "1.5",
    "1e5",
    "NaN",
    "-Infinity",
    "0x1p3",
    "1f",
    "TRUE",
    "true ",
    "9223372036854775808",
    "-9223372036854775808",
    "é€😀",
    "٣",
    "1_0",
    "2023-11-14",
    "2023-11-14 22:13:20.123",
    "14/11/23 10:13 PM",
    "1500-02-29",
    "-1-1-1",
    "2023-45-99 99:99:99.9999",
]
TEXT = st.sampled_from(TEXTS) | st.text(max_size=3).filter(lambda text: text.isprintable())
_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999
_EDGES = [0, 1, -1, 86_399_999, 86_400_000, -86_400_000, 1_700_000_000_123, -12_219_292_800_001, _LAST]
_MIDNIGHTS = st.integers(-40_000, 40_000).map(lambda days: days * 86_400_000)
MILLIS = st.sampled_from(_EDGES) | st.integers(_FIRST, _LAST) | _MIDNIGHTS
FLOATS = st.sampled_from(
    [0.0, -0.0, 0.5, -1.5, 1e20, -1e20, 1e10, 3.99, 1e-5, float("nan"), float("inf"), 2147483648.0]
)
FLOAT = FLOATS | st.floats()
SINGLE = FLOATS.filter(lambda value: value not in (3.99, 1e20, -1e20, 1e-5)) | st.floats(width=32)


def _integers(bits: int) -> Values:
    half = 1 << bits - 1
    edges = [0, 1, -1, half - 1, -half, 127, -128, 16_777_217 % half, (1 << 53) + 1]
    near = [edge for edge in edges if -half <= edge < half]
    return st.sampled_from(near) | st.integers(-half, half - 1)


def moment(millis: int) -> datetime:
    """The Timestamp of so many milliseconds."""
    seconds, rest = divmod(millis, 1000)
    days, seconds = divmod(seconds, 86_400)
    day = date.fromordinal(719_163 + days)
    clock = time(seconds // 3600, seconds // 60 % 60, seconds % 60, rest * 1000, UTC)
    return datetime.combine(day, clock)


MOMENT = MILLIS.map(moment)
DECIMALS = st.integers(-(10**20), 10**20) | st.integers(-300, 300)
PLAIN: list[tuple[Schema, Values]] = [
    (INT8, _integers(8)),
    (INT16, _integers(16)),
    (INT32, _integers(32)),
    (INT64, _integers(64) | MILLIS),
    (FLOAT32, SINGLE),
    (FLOAT64, FLOAT),
    (BOOLEAN, st.booleans()),
    (STRING, TEXT),
    (BYTES, st.binary(max_size=3)),
    (decimal(0), DECIMALS.map(Decimal)),
    (decimal(2), DECIMALS.map(lambda number: Decimal(number).scaleb(-2))),
    (decimal(9), DECIMALS.map(lambda number: Decimal(number).scaleb(-9))),
    (DATE_SCHEMA, MOMENT.map(datetime.date)),
    (TIME_SCHEMA, MOMENT.map(lambda at: at.time())),
    (TIMESTAMP_SCHEMA, MOMENT),
]


MAP_KEYS: list[tuple[Schema, Values]] = [
    (STRING, NAME),
    (STRING.as_optional(), st.none() | NAME),
    (INT32, st.integers(-3, 3)),
]
"""The keys of maps, and what draws them."""


class Typed(NamedTuple):
    """A schema and what draws values for it, null included where that is allowed."""

    schema: Schema
    values: Values


@st.composite
def typed(draw: st.DrawFn, depth: int = 2, nested_defaults: bool = False) -> Typed:
    """Any schema, at most so many structs deep."""
    kind = draw(st.integers(0, 11))
    if kind == 0 and depth:
        found = draw(structs(depth - 1, nested_defaults, nested_defaults))
        return _optional(draw, found)
    if kind == 1:
        item = draw(typed(0))
        return _optional(draw, Typed(array(item.schema), st.lists(item.values, max_size=2)))
    if kind == 2:
        item = draw(typed(0))
        keys, names = draw(st.sampled_from(MAP_KEYS))
        return _optional(draw, Typed(mapping(keys, item.schema), st.dictionaries(names, item.values, max_size=2)))
    schema, values = draw(st.sampled_from(PLAIN))
    if draw(st.integers(0, 4)) == 0:
        schema = replace(schema, default=draw(values))
    return _optional(draw, Typed(schema, values))


def _optional(draw: st.DrawFn, found: Typed) -> Typed:
    optional = draw(st.booleans())
    schema = found.schema.as_optional(optional)
    return Typed(schema, st.none() | found.values if optional else found.values)


@st.composite
def structs(draw: st.DrawFn, depth: int = 2, default: bool = True, nested_defaults: bool = False) -> Typed:
    """A struct of up to four fields. A required field with a default may be null, as Java's structs allow.

    Java refuses to copy the default of a nested struct (its schema lacks the default), so few transforms can meet one.
    """
    names = draw(st.lists(NAME, unique=True, max_size=4))
    members = {name: draw(typed(depth, nested_defaults)) for name in names}
    values = {
        name: st.none() | member.values if member.schema.default is not None else member.values
        for name, member in members.items()
    }
    schema = Schema(
        Type.STRUCT,
        name=draw(st.none() | st.just("n")),
        version=draw(st.none() | st.just(3)),
        doc=draw(st.none() | st.just("doc")),
        parameters=draw(st.just(()) | st.just((("p", "1"),))),
        fields=tuple(Field(name, member.schema) for name, member in members.items()),
    )
    every = st.fixed_dictionaries(values)
    if default and draw(st.integers(0, 9)) == 0:
        whole = st.fixed_dictionaries({name: member.values for name, member in members.items()})
        return Typed(replace(schema, default=draw(whole)), every)
    return Typed(schema, every)


ANYTHING: Values = st.recursive(
    st.none() | _integers(64) | MILLIS | FLOAT | st.booleans() | TEXT | st.binary(max_size=3) | MOMENT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAME, inner, max_size=3),
    max_leaves=6,
)
MAPS = st.dictionaries(NAME, ANYTHING, max_size=4)


@st.composite
def side(draw: st.DrawFn, count: int, nested_defaults: bool = False) -> tuple[Schema | None, list[Any]]:
    """Keys or values of so many records that share a schema."""
    kind = draw(st.integers(0, 9))
    if kind <= 3:
        return None, draw(st.lists(MAPS | MAPS | MAPS | ANYTHING, min_size=count, max_size=count))
    found = draw(typed() if kind == 4 else structs(nested_defaults=nested_defaults))
    if kind > 4 and draw(st.integers(0, 3)) == 0:
        found = _optional(draw, found)
    values = st.none() | found.values if draw(st.integers(0, 5)) == 0 else found.values
    return found.schema, draw(st.lists(values, min_size=count, max_size=count))


@st.composite
def headers(draw: st.DrawFn) -> tuple[Header, ...]:
    """Up to two headers."""
    made = []
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        found = draw(typed(1))
        value = draw(found.values)
        made.append(Header(draw(NAME), value, found.schema if value is not None or found.schema.optional else None))
    return tuple(made)


@st.composite
def records(draw: st.DrawFn, most: int = 8, nested_defaults: bool = False) -> list[Record]:
    """Records of one partition that share their schemas."""
    count = draw(st.sampled_from([1, most // 2, most, most]))
    key_schema, keys = draw(side(count, nested_defaults)) if draw(st.booleans()) else (None, [None] * count)
    value_schema, values = draw(side(count, nested_defaults))
    topic = draw(st.sampled_from(["top", "orders.eu", "a-b-1"]))
    any_headers = draw(st.booleans())
    return [
        Record(
            topic=topic,
            partition=0,
            key=key,
            key_schema=key_schema,
            value=value,
            value_schema=value_schema,
            timestamp=draw(st.none() | MILLIS),
            headers=draw(headers()) if any_headers else (),
            offset=42 + place,
            origin=Coordinates(topic, 0, 42 + place),
        )
        for place, (key, value) in enumerate(zip(keys, values, strict=True))
    ]


LITERALS = st.sampled_from(["[1,2.5]", '{"a":[null]}', "null", "22:13:20.123Z", "2023-11-14T22:13:20.123Z", '["x",1]'])
LISTED = st.lists(NAME, min_size=1, max_size=3).map(",".join)
SWITCH = {"replace.null.with.default": st.sampled_from(["true", "false"])}
TYPE = st.sampled_from(["int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string", " String "])
PATTERNS = [
    "yyyy-MM-dd",
    "yyyy-MM-dd HH:mm:ss.SSS",
    "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
    "dd/MM/yy hh:mm a",
    "EEE, d MMM yyyy",
    "EEEE MMMM",
    "yyyyMMdd",
    "HHmmss",
    "D yyyy",
    "YYYY-'W'ww-u",
    "G yyyy W F w",
    "k K z Z X XXX",
    "h 'o''clock' a",
    "yy.M.d H:m:s:S",
    "y M L LLL",
]
PATTERN = st.sampled_from(PATTERNS)
REGEXES = [
    "(.*)",
    "t(.*)",
    "(?<n>[a-z]+)(.*)",
    "o|orders.*",
    r"\w+(-(\d))?",
    "(?i)TOP",
    r"(\w+)\.(\w+)",
    "a.*|.*eu",
    r"\Qtop\E",
    "[^-]++.*",
    r"\p{Lower}+",
]
REPLACEMENTS = ["x-$1", "$2_$1", "${n}!", r"\$1\\", "$12", "", "$0$0", "$", "${1}", "${x}", "$x", "\\", "${n", "z"]


def _fixed(required: dict[str, st.SearchStrategy[str]], **optional: st.SearchStrategy[str]) -> Configs:
    named = {name.replace("_", "."): strategy for name, strategy in optional.items()}
    return st.fixed_dictionaries(required, optional={**named, **SWITCH})


def _plain(required: dict[str, st.SearchStrategy[str]], **optional: st.SearchStrategy[str]) -> Configs:
    return _fixed(required, **optional).map(lambda found: {k: v for k, v in found.items() if k not in SWITCH})


_TO = NAME.flatmap(lambda name: st.sampled_from([name, name + "!", name + "?", "x", "y!"]))
_CAST = st.lists(st.builds("{}:{}".format, NAME, TYPE), min_size=1, max_size=3).map(",".join)
_PATHS = st.lists(NAME, min_size=1, max_size=3).map(".".join) | st.sampled_from(["`a.b`.c", "`a", "a.", "", "`a\\`.b`"])
CONFIGS: dict[str, Configs] = {
    "Cast": _fixed({"spec": _CAST | TYPE | st.sampled_from(["a:bytes", "a:foo", "a:int8:b", "int8,a:int8", "", ":"])}),
    "DropHeaders": _plain({"headers": LISTED}),
    "ExtractField": _fixed({"field": NAME}) | _fixed({"field": _PATHS, "field.syntax.version": st.just("v2")}),
    "Filter": st.just({}),
    "Flatten": _plain({}, delimiter=st.sampled_from([".", "_", ""])),
    "HeaderFrom": st.integers(1, 2).flatmap(
        lambda count: _fixed(
            {
                "fields": st.lists(NAME, min_size=count, max_size=count).map(",".join),
                "headers": st.lists(NAME, min_size=count, max_size=count).map(",".join),
                "operation": st.sampled_from(["move", "copy"]),
            }
        )
    ),
    "HoistField": _plain({"field": NAME | st.just("")}),
    "InsertField": _fixed(
        {},
        topic_field=_TO,
        partition_field=_TO,
        offset_field=_TO,
        timestamp_field=_TO,
        static_field=_TO,
        static_value=st.sampled_from(["v", "", " w "]),
    ),
    "InsertHeader": _plain({"header": NAME, "value.literal": TEXT | LITERALS}),
    "MaskField": _fixed({"fields": LISTED}, replacement=st.sampled_from(["5", "1.5", "x", "300", "-7e3", "1e40"])),
    "RegexRouter": _plain({"regex": st.sampled_from(REGEXES), "replacement": st.sampled_from(REPLACEMENTS)}),
    "ReplaceField": _fixed(
        {},
        exclude=LISTED,
        include=LISTED,
        renames=st.lists(st.builds("{}:{}".format, NAME, NAME | st.just("x")), min_size=1, max_size=2).map(",".join),
    ),
    "SetSchemaMetadata": _fixed({}, schema_name=st.sampled_from(["m", ""]), schema_version=st.just("9")),
    "TimestampConverter": _fixed(
        {"target.type": st.sampled_from(["string", "unix", "Date", "Time", "Timestamp"])},
        field=NAME,
        format=PATTERN,
        unix_precision=st.sampled_from(["nanoseconds", "microseconds", "milliseconds", "seconds"]),
    ),
    "TimestampRouter": _plain(
        {}, topic_format=st.sampled_from(["${timestamp}", "${topic}/${x}"]), timestamp_format=PATTERN
    ),
    "ValueToKey": _fixed({"fields": LISTED}),
}
"""A config of each transform; some are wrong."""
UNSIDED = {"DropHeaders", "Filter", "InsertHeader", "RegexRouter", "TimestampRouter", "ValueToKey"}
PREDICATES: dict[str, Configs] = {
    "HasHeaderKey": st.fixed_dictionaries({"name": NAME}),
    "RecordIsTombstone": st.just({}),
    "TopicNameMatches": st.fixed_dictionaries({"pattern": st.sampled_from(REGEXES)}),
}
