"""Connect's schemas: immutable, comparable, cached. A schema lies beside data, once per batch, never in each record.

Values in rows are plain Python, by the schema's type or logical name:

========================  =========================================================
INT8 INT16 INT32 INT64    int
FLOAT32 FLOAT64           float
BOOLEAN STRING BYTES      bool, str, bytes
ARRAY MAP STRUCT          list, dict, dict of field name to value (absent means null)
Decimal                   decimal.Decimal with the schema's scale
Date, Time, Timestamp     datetime.date, datetime.time, aware datetime.datetime in UTC
========================  =========================================================
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from ferryman.errors import SchemaMismatch


class Type(StrEnum):
    """Connect's types, under Connect's names."""

    INT8 = "INT8"
    INT16 = "INT16"
    INT32 = "INT32"
    INT64 = "INT64"
    FLOAT32 = "FLOAT32"
    FLOAT64 = "FLOAT64"
    BOOLEAN = "BOOLEAN"
    STRING = "STRING"
    BYTES = "BYTES"
    ARRAY = "ARRAY"
    MAP = "MAP"
    STRUCT = "STRUCT"


INTEGERS = frozenset({Type.INT8, Type.INT16, Type.INT32, Type.INT64})
FLOATS = frozenset({Type.FLOAT32, Type.FLOAT64})

DECIMAL = "org.apache.kafka.connect.data.Decimal"
DATE = "org.apache.kafka.connect.data.Date"
TIME = "org.apache.kafka.connect.data.Time"
TIMESTAMP = "org.apache.kafka.connect.data.Timestamp"
_SCALE = re.compile(r"[+-]?\d{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """A named member of a struct."""

    name: str
    schema: "Schema"


@dataclass(frozen=True)
class Schema:
    """One schema. Two are equal when every part is, the default included."""

    type: Type
    optional: bool = False
    name: str | None = None
    version: int | None = None
    doc: str | None = None
    default: Any = field(default=None, hash=False)
    parameters: tuple[tuple[str, str], ...] = ()
    fields: tuple[Field, ...] = ()
    keys: "Schema | None" = None
    values: "Schema | None" = None

    def __post_init__(self) -> None:
        if len(self.by_name) != len(self.fields):
            names = [field.name for field in self.fields]
            twice = next(name for name in names if names.count(name) > 1)
            raise SchemaMismatch(f"Cannot create field because of field name duplication {twice}")

    @cached_property
    def _hash(self) -> int:
        # Schemas are keys of every cache on a record's path; walking the tree at each look-up would cost too much. Not
        # the default, which may be a list or a map; all else, or schemas that differ in it alone would be compared.
        what = (self.type, self.optional, self.name, self.version, self.doc, self.parameters)
        return hash((*what, self.fields, self.keys, self.values))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """The struct's fields by name."""
        return {field.name: field for field in self.fields}

    def parameter(self, name: str) -> str | None:
        """A parameter's value, or None."""
        return dict(self.parameters).get(name)

    @property
    def scale(self) -> int:
        """The scale of a Decimal. Raises SchemaMismatch, as Connect's Decimal.scale, where there is none to read."""
        text = self.parameter("scale")
        if text is None:
            raise SchemaMismatch("Invalid Decimal schema: scale parameter not found.")
        if not _SCALE.fullmatch(text) or not -(1 << 31) <= (scale := int(text)) < 1 << 31:
            raise SchemaMismatch(f"Invalid scale parameter found in Decimal schema: {text[:40]!r}")
        return scale

    def as_optional(self, optional: bool = True) -> "Schema":
        """The same schema with another optional flag."""
        return self if self.optional is optional else replace(self, optional=optional)

    def with_fields(self, fields: tuple[Field, ...]) -> "Schema":
        """The struct as transforms rebuild it: name, version, doc and parameters kept, not optional, no default."""
        return replace(self, fields=fields, optional=False, default=None)

    def read(self, value: Any, replace_null_with_default: bool = True) -> Any:
        """A value as Connect's Struct.get gives it: the default stands in for null, unless KIP-1040's switch is off."""
        return self.default if value is None and replace_null_with_default else value


class RecursiveSchema(Schema):
    """A struct inside itself: it has the fields of the outer one as soon as these are known.

    Two are equal by their names, since to compare what is in them would have no end.
    """

    peers: list["RecursiveSchema"]
    """All that stand for the same struct, optional or not; they are filled together."""

    @classmethod
    def unfilled(cls, peers: list["RecursiveSchema"], optional: bool = False) -> "RecursiveSchema":
        """One more struct whose fields are not yet known."""
        made = cls(Type.STRUCT, optional=optional)
        object.__setattr__(made, "peers", peers)
        peers.append(made)
        return made

    def as_optional(self, optional: bool = True) -> Schema:
        """The same schema with another optional flag."""
        if self.optional is optional:
            return self
        made = RecursiveSchema.unfilled(self.peers, optional)
        made.fill(self)
        return made

    def fill(self, outer: Schema) -> None:
        """Takes over what the outer struct is now known to be."""
        for name in ("fields", "name", "version", "doc", "parameters"):
            object.__setattr__(self, name, getattr(outer, name))
        self.__dict__.pop("by_name", None)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self._compared(self) == self._compared(other)

    def __hash__(self) -> int:
        return hash((self.type, self.name))

    @staticmethod
    def _compared(schema: Schema) -> Any:
        return schema.type, schema.name, schema.optional, [field.name for field in schema.fields]


INT8 = Schema(Type.INT8)
INT16 = Schema(Type.INT16)
INT32 = Schema(Type.INT32)
INT64 = Schema(Type.INT64)
FLOAT32 = Schema(Type.FLOAT32)
FLOAT64 = Schema(Type.FLOAT64)
BOOLEAN = Schema(Type.BOOLEAN)
STRING = Schema(Type.STRING)
BYTES = Schema(Type.BYTES)
OPTIONAL_STRING = Schema(Type.STRING, optional=True)
OPTIONAL_BYTES = Schema(Type.BYTES, optional=True)
TIMESTAMP_SCHEMA = Schema(Type.INT64, name=TIMESTAMP, version=1)
DATE_SCHEMA = Schema(Type.INT32, name=DATE, version=1)
TIME_SCHEMA = Schema(Type.INT32, name=TIME, version=1)


def decimal(scale: int, optional: bool = False, default: Any = None) -> Schema:
    """Connect's Decimal: unscaled bytes with the scale in the schema."""
    parameters = (("scale", str(scale)),)
    return Schema(Type.BYTES, optional=optional, name=DECIMAL, version=1, parameters=parameters, default=default)


def array(values: Schema | None, optional: bool = False) -> Schema:
    """A list whose elements share a schema."""
    return Schema(Type.ARRAY, optional=optional, values=values)


def mapping(keys: Schema | None, values: Schema | None, optional: bool = False) -> Schema:
    """A map from keys to values."""
    return Schema(Type.MAP, optional=optional, keys=keys, values=values)


def struct(fields: Mapping[str, Schema], name: str | None = None, optional: bool = False) -> Schema:
    """A struct of named fields in the order given."""
    return Schema(Type.STRUCT, optional=optional, name=name, fields=tuple(Field(*item) for item in fields.items()))
