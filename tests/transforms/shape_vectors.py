"""Kafka's answers for the transforms that change a value's type or shape: Cast, ExtractField, Flatten, HoistField and
SetSchemaMetadata. REC, STRUCT and the form of a line are those of ``vectors``."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from ferryman.errors import DataError, SchemaMismatch, UnknownField
from ferryman.schema import (
    INT8,
    INT32,
    INT64,
    STRING,
    TIMESTAMP_SCHEMA,
    Type,
    array,
    decimal,
    mapping,
    struct,
)
from tests.transforms.vectors import DFLT, MOMENT, REC, STRUCT, Error, Vector, no_map, rec


def _out_of_range(text: str) -> Error:
    return Error(DataError, f"Value ({text}) was out of range for requested data type")


_BYTES = Error(DataError, "Unexpected type in Cast transformation: class [B")
_DATE = Error(
    DataError,
    "Cast transformation was passed a value of type class java.util.Date which is not supported by Connect's data API",
)
_GIVEN: list[Any] = [300, -1, 3.99, 1e20, "12", " 12", "abc", "TRUE", True, "1.5", b"\x01\x02", MOMENT]
_NO = [_out_of_range(text) for text in (" 12", "abc", "TRUE", "1.5")]
_CAST: dict[str, list[Any]] = {
    "int8": [44, -1, 3, -1, 12, *_NO[:3], 1, _NO[3], _BYTES, _DATE],
    "int16": [300, -1, 3, -1, 12, *_NO[:3], 1, _NO[3], _BYTES, _DATE],
    "int32": [300, -1, 3, 2147483647, 12, *_NO[:3], 1, _NO[3], _BYTES, _DATE],
    "int64": [300, -1, 3, 9223372036854775807, 12, *_NO[:3], 1, _NO[3], _BYTES, _DATE],
    "float32": [300.0, -1.0, 3.99, 1e20, 12.0, 12.0, *_NO[1:3], 1.0, 1.5, _BYTES, _DATE],
    "float64": [300.0, -1.0, 3.99, 1e20, 12.0, 12.0, *_NO[1:3], 1.0, 1.5, _BYTES, _DATE],
    "boolean": [True, True, True, True, False, False, False, True, True, False, _BYTES, _DATE],
    "string": ["300", "-1", "3.99", "1.0E20", "12", " 12", "abc", "TRUE", "true", "1.5", "AQI=", _DATE],
}
_ID = {"spec": "id:string"}
CAST = [
    *(
        Vector("Cast", {"spec": target}, None, given, expected if isinstance(expected, Error) else (None, expected))
        for target, answers in _CAST.items()
        for given, expected in zip(_GIVEN, answers, strict=True)
    ),
    Vector("Cast", _ID, None, None, (None, None)),
    Vector("Cast", _ID, REC, None, (REC, None)),
    Vector("Cast", _ID, None, {"id": 7, "s": None}, (None, {"id": "7", "s": None})),
    Vector("Cast", _ID, None, {"z": 1}, (None, {"z": 1, "id": None})),
    Vector("Cast", _ID, REC, STRUCT, (rec(True, id=STRING, s=DFLT), {"id": "7", "s": "dflt"})),
    Vector("Cast", _ID, None, "str", no_map("cast types", "java.lang.String")),
    Vector(
        "Cast", {"spec": "id:string,no:int8"}, REC, STRUCT, (rec(True, id=STRING, s=DFLT), {"id": "7", "s": "dflt"})
    ),
    Vector(
        "Cast",
        {**_ID, "replace.null.with.default": "false"},
        REC,
        STRUCT,
        (rec(True, id=STRING, s=DFLT), {"id": "7", "s": None}),
    ),
    *(
        Vector("Cast", {"spec": target}, TIMESTAMP_SCHEMA, MOMENT, (replace(TIMESTAMP_SCHEMA, type=kind), expected))
        for target, kind, expected in [
            ("int32", Type.INT32, -807049093),
            ("int64", Type.INT64, 1700000000123),
            ("string", Type.STRING, "2023-11-14T22:13:20.123Z"),
        ]
    ),
    Vector("Cast", {"spec": "float64"}, decimal(2), Decimal("12.34"), (replace(decimal(2), type=Type.FLOAT64), 12.34)),
    Vector("Cast", {"spec": "string"}, decimal(2), Decimal("12.34"), (replace(decimal(2), type=Type.STRING), "12.34")),
]
_NESTED = struct({"a": struct({"x": INT32}, optional=True), "b": array(STRING)})
_V2 = {"field.syntax.version": "V2"}
EXTRACT_FIELD = [
    Vector("ExtractField", {"field": "id"}, None, None, (None, None)),
    Vector("ExtractField", {"field": "id"}, REC, None, (INT32, None)),
    Vector("ExtractField", {"field": "id"}, None, {"id": 7, "s": None}, (None, 7)),
    Vector("ExtractField", {"field": "id"}, None, {"z": 1}, (None, None)),
    Vector("ExtractField", {"field": "id"}, REC, STRUCT, (INT32, 7)),
    Vector("ExtractField", {"field": "id"}, None, "str", no_map("field extraction", "java.lang.String")),
    Vector("ExtractField", {**_V2, "field": "a.x"}, _NESTED, {"a": {"x": 1}, "b": ["q"]}, (INT32, 1)),
    Vector("ExtractField", {**_V2, "field": "a.x"}, None, {"a": {"x": 5}}, (None, 5)),
    Vector("ExtractField", {**_V2, "field": "`a.x`.y"}, None, {"a.x": {"y": 5}}, (None, 5)),
    Vector("ExtractField", {**_V2, "field": "a.q"}, None, {"a": {"x": 5}}, (None, None)),
    Vector("ExtractField", {**_V2, "field": "a.x"}, None, {"a": 3}, no_map("nested field access", "java.lang.Long")),
    Vector("ExtractField", {"field": "nope"}, REC, STRUCT, Error(UnknownField, "Unknown field: nope")),
    Vector("ExtractField", {"field": "s"}, REC, STRUCT, (DFLT, "dflt")),
    Vector("ExtractField", {"field": "s", "replace.null.with.default": "false"}, REC, STRUCT, (DFLT, None)),
]
_FLAT = struct({"a_x": INT32.as_optional(), "b": array(STRING)})
FLATTEN = [
    Vector("Flatten", {}, None, None, (None, None)),
    Vector("Flatten", {}, REC, None, (REC, None)),
    Vector("Flatten", {}, None, {"id": 7, "s": None}, (None, {"id": 7, "s": None})),
    Vector("Flatten", {}, REC, STRUCT, (rec(False, id=INT32.as_optional(), s=DFLT), {"id": 7, "s": "dflt"})),
    Vector("Flatten", {}, None, "str", no_map("flattening", "java.lang.String")),
    Vector("Flatten", {"delimiter": "_"}, _NESTED, {"a": {"x": 1}, "b": ["q"]}, (_FLAT, {"a_x": 1, "b": ["q"]})),
    Vector("Flatten", {"delimiter": "_"}, _NESTED, {"b": ["q"]}, (_FLAT, {"b": ["q"]})),
    Vector(
        "Flatten",
        {},
        None,
        {"a": {"x": 1, "e": {}}, "b": [{"c": 1}], "n": None},
        (None, {"a.x": 1, "b": [{"c": 1}], "n": None}),
    ),
    Vector(
        "Flatten",
        {},
        struct({"m": mapping(STRING, STRING)}),
        {"m": {"a": "b"}},
        Error(DataError, "Flatten transformation does not support MAP for record with schemas (for field m)."),
    ),
    Vector(
        "Flatten",
        {"delimiter": ""},
        struct({"ab": INT8, "a": struct({"b": INT8})}),
        {"ab": 1, "a": {"b": 2}},
        Error(SchemaMismatch, "Cannot create field because of field name duplication ab"),
    ),
]
_WRAP = {"field": "w"}
HOIST_FIELD = [
    Vector("HoistField", _WRAP, None, None, (None, {"w": None})),
    Vector("HoistField", _WRAP, REC, None, (struct({"w": REC}), {"w": None})),
    Vector("HoistField", _WRAP, None, "str", (None, {"w": "str"})),
    Vector("HoistField", _WRAP, REC, STRUCT, (struct({"w": REC}), {"w": STRUCT})),
    Vector(
        "HoistField",
        _WRAP,
        STRING,
        None,
        Error(DataError, 'Invalid value: null used for required field: "w", schema type: STRING'),
    ),
    Vector("HoistField", _WRAP, STRING.as_optional(), None, (struct({"w": STRING.as_optional()}), {"w": None})),
]
_NO_SCHEMA = Error(DataError, "Schema required for [updating schema metadata]")
_N = {"schema.name": "N"}
SET_SCHEMA_METADATA = [
    Vector("SetSchemaMetadata", _N, None, None, (None, None)),
    Vector("SetSchemaMetadata", _N, REC, None, (replace(REC, name="N"), None)),
    Vector("SetSchemaMetadata", _N, None, {"z": 1}, _NO_SCHEMA),
    Vector("SetSchemaMetadata", _N, None, "str", _NO_SCHEMA),
    Vector("SetSchemaMetadata", _N, REC, STRUCT, (replace(REC, name="N"), {"id": 7, "s": "dflt"})),
    Vector(
        "SetSchemaMetadata",
        {**_N, "schema.version": "9"},
        REC,
        STRUCT,
        (replace(REC, name="N", version=9), {"id": 7, "s": "dflt"}),
    ),
    Vector("SetSchemaMetadata", _N, INT64, 1, Error(DataError, "Cannot list fields on non-struct type")),
]
VECTORS = [*CAST, *EXTRACT_FIELD, *FLATTEN, *HOIST_FIELD, *SET_SCHEMA_METADATA]
