"""Any JSON payloads of any struct schema: nested, spelled in many ways, broken, with values of other kinds."""

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

from hypothesis import strategies as st

from ferryman.schema import (
    BOOLEAN,
    BYTES,
    DATE,
    DATE_SCHEMA,
    DECIMAL,
    FLOAT32,
    FLOAT64,
    INT8,
    INT32,
    INT64,
    OPTIONAL_STRING,
    STRING,
    TIME,
    TIME_SCHEMA,
    TIMESTAMP,
    TIMESTAMP_SCHEMA,
    Field,
    Schema,
    Type,
    array,
    decimal,
    mapping,
    struct,
)

NAMES = ["id", "a b", "ü", "f0", 'quo"te', "back\\slash", "_", "__class__", "column_0"]
PLAIN = [INT8, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING, BYTES]
LOGICAL = [decimal(0), decimal(2), decimal(19), decimal(38), DATE_SCHEMA, TIME_SCHEMA, TIMESTAMP_SCHEMA]
DEFAULTED = [
    Schema(Type.INT32, default=7),
    Schema(Type.STRING, optional=True, default="x"),
    Schema(Type.FLOAT32, default=0.5),
    Schema(Type.BYTES, optional=True, default=b"\x01"),
    decimal(2, default=Decimal("1.50")),
    Schema(Type.INT32, name=DATE, version=1, default=date(2024, 2, 29)),
    Schema(Type.INT32, name=TIME, version=1, optional=True, default=time(1, 2, 3, 4000)),
    Schema(Type.INT64, name=TIMESTAMP, version=1, default=datetime(2024, 2, 29, tzinfo=UTC)),
    Schema(Type.ARRAY, values=INT32, default=[1, 2]),
    Schema(Type.MAP, keys=STRING, values=OPTIONAL_STRING, optional=True, default={"a": None}),
    Schema(Type.STRUCT, fields=(Field("id", INT32), Field("f0", OPTIONAL_STRING)), default={"id": 1, "f0": None}),
]
LEAVES = [*PLAIN, *LOGICAL, *DEFAULTED, *(each.as_optional() for each in [*PLAIN, *LOGICAL])]
KEYS = [STRING, OPTIONAL_STRING, INT8, INT64.as_optional(), FLOAT32, FLOAT64, BOOLEAN, BYTES, *LOGICAL, *DEFAULTED[:8]]


def nested(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    structs = st.dictionaries(st.sampled_from(NAMES), inner, min_size=1, max_size=4).map(struct)
    made = structs | inner.map(array) | st.builds(mapping, st.sampled_from(KEYS), inner)
    return st.builds(Schema.as_optional, made, st.booleans())


SCHEMAS = st.recursive(st.sampled_from(LEAVES), nested, max_leaves=8)
STRUCTS = st.dictionaries(st.sampled_from(NAMES), SCHEMAS, min_size=1, max_size=6).map(struct)
NUMBERS = [
    "0",
    "-0",
    "1.0",
    "1e3",
    "9223372036854775808",
    "18446744073709551616",
    "-9223372036854775809",
    "1E400",
    "01",
    "1.5",
    "-0.00",
    "2.500000000000000000000",
    "0.12345678901234567890123456789012345678",
    "1234567890123456789012345678901234567.89",
    "123456789012345678901234567890123456789.5",
    "12e-1",
]
TEXTS = ['"\\ud800"', '"\\ud83d\\ude00"', '"é"', '"a\\nb"', '"AQI="', '"AQI"', '""', '"NaN"', '"\x7f"', '"5"']
ODD = [*NUMBERS, *TEXTS, "null", "true", "NaN", "-Infinity", "{}", "[]", "[1]", "[1.5,2]", '["a",null]', "[[[]]]"]
VALUE = re.compile(rb'"(?:[^"\\]|\\.)*"(?![ \n]*:)|-?\d[\d.eE+-]*|null|true|false', re.DOTALL)
"""A value in a text that is neither object nor list."""
BYTES_PUT_IN = [
    b'"',
    b"\\",
    b"{",
    b"}",
    b",",
    b":",
    b"[",
    b"0",
    b".",
    b"e",
    b" ",
    b"\n",
    b"\xff",
    b"\x00",
    b"null",
    b"/",
]


def text_of(schema: Schema) -> st.SearchStrategy[str]:
    """JSON that mostly fits a schema."""
    found = _text_of(schema)
    return found | st.just("null") if schema.optional or schema.default is not None else found


def _text_of(schema: Schema) -> st.SearchStrategy[str]:
    integers = {Type.INT8: (-130, 130), Type.INT32: (-(1 << 31) - 2, 1 << 31), Type.INT64: (-(1 << 63) - 2, 1 << 63)}
    match schema.type:
        case Type.STRUCT:
            members = {field.name: text_of(field.schema) for field in schema.fields}
            return st.fixed_dictionaries({}, optional=members).flatmap(spelled) | st.fixed_dictionaries(
                members
            ).flatmap(spelled)
        case Type.ARRAY:
            assert schema.values is not None
            items = st.lists(text_of(schema.values), max_size=3) | st.lists(
                st.sampled_from(["null", "1", "1.5", '"a"'])
            )
            return items.map(lambda found: f"[{','.join(found)}]")
        case Type.MAP:
            return map_of(schema)
        case Type.BOOLEAN:
            return st.sampled_from(["true", "false"])
        case Type.STRING:
            return st.text(max_size=4).map(json.dumps) | st.sampled_from(TEXTS)
        case Type.BYTES:
            encoded = st.binary(max_size=9).map(lambda raw: json.dumps(b64encode(raw).decode()))
            odd = st.sampled_from(['"BM4="', '"AQI="', '""', '"/w=="', '"/x=="', '"AA"', "5", "1.25"])
            numbers = st.decimals(allow_nan=False, allow_infinity=False).map(str) | st.sampled_from(NUMBERS)
            return odd | encoded | numbers if schema.name == DECIMAL else odd | encoded
        case Type.FLOAT32 | Type.FLOAT64:
            return st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers().map(str)
        case _:
            return st.integers(*integers[schema.type]).map(str)


def map_of(schema: Schema) -> st.SearchStrategy[str]:
    """An object, or pairs where keys are no texts; some keys come twice."""
    assert schema.keys is not None
    assert schema.values is not None
    texts = schema.keys.type is Type.STRING
    keys = st.sampled_from(['"a"', '"b"', '"ü"', '""', '"\\u0061"']) if texts else text_of(schema.keys) | st.just("1")
    pair, around = ("{}:{}", "{{{}}}") if texts else ("[{},{}]", "[{}]")
    pairs = st.lists(st.tuples(keys, text_of(schema.values)), max_size=3)
    return pairs.map(lambda found: around.format(",".join(pair.format(*each) for each in found)))


def spelled(members: dict[str, str]) -> st.SearchStrategy[str]:
    """An object with these members in any order, blanks between them or not, one twice or one too many."""

    def text(parts: list[tuple[str, str]], blank: str, more: Sequence[str]) -> str:
        pairs = [f"{json.dumps(name)}{blank}:{blank}{value}" for name, value in parts]
        return "{" + f"{blank},{blank}".join([*pairs, *more]) + "}"

    surplus = st.sampled_from([*ODD, '"\udcff"']).map(lambda value: [f'"surplus":{value}'])
    again = st.sampled_from([[], [], [], [f"{json.dumps(name)}:1" for name in list(members)[:1]]]) | surplus
    return st.builds(text, st.permutations(list(members.items())), st.sampled_from(["", "", " ", "\n"]), again)


@st.composite
def bodies_of(draw: st.DrawFn, schema: Schema) -> bytes:
    """One payload; three in eight are broken or have a value of another kind."""
    text = draw(text_of(schema)).encode("utf-8", "surrogateescape")
    harm = draw(st.integers(0, 7))
    at = draw(st.integers(0, len(text)))
    if harm == 0:
        return text[:at] + draw(st.sampled_from(BYTES_PUT_IN)) + text[at + draw(st.integers(0, 2)) :]
    if harm == 1:
        name = json.dumps(draw(st.sampled_from([field.name for field in schema.fields])))
        start, tail = text.find(f"{name}:".encode()), b""
        stop = -1 if start < 0 else text.find(b",", start)
        tail = b"}" if stop < 0 else text[stop:]
        head = text[: max(start, 0)] or b"{"
        return head + f"{name}:{draw(st.sampled_from(ODD))}".encode() + tail
    if harm == 2 and (values := list(VALUE.finditer(text))):
        found = draw(st.sampled_from(values))
        return text[: found.start()] + draw(st.sampled_from(ODD)).encode() + text[found.end() :]
    return text
