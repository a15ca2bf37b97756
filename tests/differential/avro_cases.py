"""Every difference in Avro that was ever found, as a case that is always run, and where we differ on purpose."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ferryman.schema import BYTES, FLOAT32, FLOAT64, INT32, STRING, Schema, Type, array, mapping, struct
from tests.differential.avro_sides import Config, Refused
from tests.differential.avro_strategies import Node

_JAVAS_LIMITS = (
    # Some writers have no bytes for the decimal 0.
    "Zero length BigInteger",
    # A union's branch that has a connect.name, or records that differ in a default: Java does not find it again.
    "is not a valid field name",
    "Did not find matching union field",
    "Mismatching struct schema",
    # A fixed decimal in Apicurio's copy; Confluent's has mended it.
    "Mismatched names",
    # A record that contains itself in more ways than one.
    "StackOverflowError",
    # What a block says of its length is of no use but to those who skip it.
    "Block byte-size is negative",
)
_OUR_LIMITS = (
    # Java puts U+FFFD where a text is no UTF-8.
    "codec can't decode",
    # It drops the bits of an int that are too many.
    "out of range",
    "outside the years 1 to 9999",
    "ordinal must be",
    "must have magnitude",
    # It takes the inner record for the outer one.
    "Two different schemas have the name",
)


def decided(javas: Any, ours: Any) -> bool:
    """Whether answers differ on purpose."""
    if isinstance(javas, Refused) and not isinstance(ours, Refused):
        return any(reason in javas for reason in _JAVAS_LIMITS)
    if isinstance(ours, Refused) and not isinstance(javas, Refused):
        return any(reason in ours for reason in _OUR_LIMITS)
    return False


def same_schema(javas: str, ours: str) -> bool:
    """Whether texts say the same; the order of a default's entries in Java is that of a hash table."""
    return javas == ours or bool(json.loads(javas) == json.loads(ours))


def _record(*fields: Any, **more: Any) -> Node:
    return {"type": "record", "name": "R", "namespace": "n", "fields": list(fields), **more}


def _field(name: str, kind: Any, **more: Any) -> Node:
    return {"name": name, "type": kind, **more}


_ENUM = {"type": "enum", "name": "E", "symbols": ["X", "Z"]}
_INNER = {"type": "record", "name": "I", "fields": [_field("i", "int")]}
READ: Mapping[str, tuple[Config, Node, list[bytes]]] = {
    "a boolean is true only as 1": ({}, _record(_field("f", "boolean")), [b"\x00", b"\x01", b"\x02", b"\xff"]),
    "a union has no type of a negative number": (
        {},
        _record(_field("f", ["null", "string"])),
        [b"\x01", b"\x03", b"\x05"],
    ),
    "nor has one that is no record's": (
        {},
        {"type": "array", "items": ["null", "int"]},
        [b"\x02\x01\x02\x00", b"\x02\x00\x00"],
    ),
    "an integer of eleven bytes": ({}, _record(_field("f", "long")), [b"\xfe\xff\xff\xff\xff\xdc\xff\xff\xff\xff\x01"]),
    "an integer of ten bytes": ({}, _record(_field("f", "long")), [b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"]),
    "a default of another type": ({}, _record(_field("f", "int", default="X")), [b"\x02"]),
    "a default of a union's second type": ({}, _record(_field("f", ["int", "string"], default="X")), [b"\x00\x02"]),
    "a default that is an enum's in a union": ({}, _record(_field("f", [_ENUM, "int"], default="X")), [b"\x02\x02"]),
    "a default that could be a text's": (
        {},
        _record(_field("f", [_ENUM, "int", "string"], default="X")),
        [b"\x02\x02"],
    ),
    "a default that is a record's in a union": (
        {},
        _record(_field("f", [_INNER, "int"], default={"i": 1})),
        [b"\x02\x02"],
    ),
    "a default of a narrow integer in a union": (
        {},
        _record(_field("f", [{"type": "int", "connect.type": "int8"}, "float"], default=100)),
        [b"\x00\x02"],
    ),
    "a default that is not of an optional union's first type": (
        {},
        _record(_field("f", ["null", _ENUM, "string"], default="X")),
        [b"\x02\x02"],
    ),
    "a null in a default, whose own default stands in": (
        {},
        _record(
            _field("f", {**_INNER, "fields": [_field("i", ["null", "int", "string"], default=5)]}, default={"i": None})
        ),
        [b"\x00"],
    ),
    "a default of a record that contains itself": (
        {},
        _record(
            _field(
                "f",
                {**_INNER, "fields": [_field("i", {"type": "array", "items": "I"})]},
                default={"i": []},
            ),
            _field("g", ["null", "I"]),
        ),
        [b"\x00\x00"],
    ),
    "a default with a union inside": (
        {},
        _record(_field("f", {**_INNER, "fields": [_field("i", ["boolean", "float"])]}, default={"i": -1e7})),
        [b"\x00\x01"],
    ),
    "numbers with an exponent in a default": (
        {},
        _record(
            _field("f", "double", default=1e20), _field("g", "float", default=0.1), _field("h", "float", default=1e-9)
        ),
        [bytes(16)],
    ),
    "properties for Avro's Java on named types": (
        {"enhanced.avro.schema.support": "true"},
        _record(
            _field("e", {**_ENUM, "avro.java.string": "String"}),
            _field("f", {"type": "fixed", "name": "F", "size": 1, "avro.java.string": "String"}),
        ),
        [b"\x00\x01"],
    ),
    "a text after many others of two bytes each": (
        {},
        _record(_field("f", "string"), _field("g", ["null", "boolean"])),
        [b"\x14" + "здрав".encode() + b"\x02\x01"],
    ),
    "an enum and a text in a union, written as two texts": ({}, _record(_field("f", [_ENUM, "string"])), [b"\x00\x00"]),
}
_OPTIONAL_BYTES = replace(BYTES, optional=True, default=b"x")
WRITTEN: Mapping[str, tuple[Config, Schema, Any]] = {
    "a null in a map is not its default": ({}, mapping(STRING, _OPTIONAL_BYTES), {"a": None, "b": b""}),
    "nor in an array": ({}, array(replace(STRING, optional=True, default="x")), [None, ""]),
    "in a struct it is": ({}, struct({"a": _OPTIONAL_BYTES}), {"a": None}),
    "a default of 32 bits": ({}, struct({"a": replace(FLOAT32, default=0.10000000149011612)}), {"a": 1.0}),
    "a large default of 32 bits": ({}, replace(FLOAT32, default=1.0000000200408773e20), 1.0),
    "a large default": ({}, replace(FLOAT64, default=-1e20), 1.0),
    "a default that is no number": ({}, struct({"a": replace(FLOAT64, default=float("nan"))}), {"a": 1.0}),
    "a type without a namespace within another": (
        {},
        struct({"a": struct({"x": INT32}, name="F"), "b": struct({"x": INT32}, name="F")}, name="c.R"),
        {"a": {"x": 1}, "b": {"x": 2}},
    ),
    "a name with a dot": ({}, struct({"a.b": INT32}), {"a.b": 1}),
    "a name with a letter that is not ASCII": ({}, struct({"é": INT32}), {"é": 1}),
    "a name that starts with a digit": ({}, struct({"1": INT32}), {"1": 1}),
    "a struct without fields": ({}, Schema(Type.STRUCT, name="s"), {}),
}
