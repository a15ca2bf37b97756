"""Cast: converts fields, or the whole key or value, to another plain type."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any

import polars as pl

from ferryman.config import Bool, Config, Strings, key, trim
from ferryman.config_fields import OfNull
from ferryman.errors import DataError, KeyProblem, SchemaMismatch
from ferryman.formats import eager
from ferryman.formats.polars_types import dtype
from ferryman.record import Batch, Columns, Data, Maps, Rows
from ferryman.schema import DATE, DECIMAL, FLOATS, INTEGERS, TIME, TIMESTAMP, Field, Schema, Type
from ferryman.transforms.fields.casting import TARGETS, Convert, caster, schemaless
from ferryman.transforms.fields.each_value import each
from ferryman.transforms.fields.map_columns import class_of, column, of, put
from ferryman.transforms.fields.name_lists import in_hash_order, parts
from ferryman.transforms.fields.sides import Sided
from ferryman.transforms.fields.structs import converted, maps, structs, with_defaults

PURPOSE = "cast types"
NO_CAST = "Must specify at least one field to cast."
_WHOLE = None
_LOGICAL = frozenset({DECIMAL, DATE, TIME, TIMESTAMP})
_NUMBERS = (*INTEGERS, *FLOATS)
_CLASS_TYPES = {int: Type.INT64, float: Type.FLOAT64, bool: Type.BOOLEAN, str: Type.STRING}
_PYTHON: Mapping[Type, type] = {
    **dict.fromkeys(INTEGERS, int),
    **dict.fromkeys(FLOATS, float),
    Type.BOOLEAN: bool,
    Type.STRING: str,
}
Casts = Mapping[str | None, Type]


class BadSpec(ValueError):
    """An invalid cast, in Kafka's words."""


class CastConfig(Config):
    spec: Annotated[Strings, OfNull(NO_CAST)] = key(importance="HIGH")
    """Casts as ``field:type``, or a single type for the whole key or value. Types are int8, int16, int32, int64,
    float32, float64, boolean and string. Bytes can only become a string, in base64."""
    replace_null_with_default: Bool = key(True)
    """Whether null fields with a default are copied as that default."""

    def problems(self) -> Iterable[KeyProblem]:
        """No cast, an unknown type, or a whole cast among others."""
        try:
            self.casts()
        except BadSpec as error:
            yield KeyProblem("spec", str(error))

    def casts(self) -> Casts:
        """The target of each field; that of the whole key or value is under None."""
        if not self.spec:
            raise BadSpec(NO_CAST)
        found = dict(self._cast(mapping) for mapping in self.spec)
        if _WHOLE in found and len(self.spec) > 1:
            raise BadSpec(
                "Cast transformations that specify a type to cast the entire value to "
                "may only specify a single cast in their spec"
            )
        return found

    def _cast(self, mapping: str) -> tuple[str | None, Type]:
        found = parts(mapping)
        if len(found) not in (1, 2):
            given = f"Invalid value [{', '.join(self.spec)}] for configuration renames"
            raise BadSpec(f"{given}: Invalid rename mapping: {mapping}")
        return (trim(found[0]) if len(found) == 2 else _WHOLE), _target(trim(found[-1]))


def _target(name: str) -> Type:
    try:
        target = Type(name.upper())
    except ValueError:
        unknown = f"No enum constant org.apache.kafka.connect.data.Schema.Type.{name.upper()}"
        raise BadSpec(
            f"Invalid value java.lang.IllegalArgumentException: {unknown} "
            f"for configuration Invalid type found in casting spec: {name}"
        ) from None
    if target not in TARGETS:
        supported = f"supported types are [{', '.join(TARGETS)}]"
        raise BadSpec(f"Cast transformation does not support casting to {target}; {supported}")
    return target


class Cast(Sided[CastConfig]):
    """Casts numbers, booleans and strings into each other as Java narrows and parses them, and bytes to base64."""

    config_class = CastConfig
    classes = ("org.apache.kafka.connect.transforms.Cast",)
    takes_maps = True

    def __init__(self, config: CastConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self.casts = config.casts()
        self.whole = self.casts.get(_WHOLE)
        self.schemaless = {name: schemaless(self.casts[name]) for name in in_hash_order(filter(None, self.casts))}
        self._plan = lru_cache(maxsize=16)(self._planned)

    def rows_reason(self) -> str | None:
        """A whole key or value that can be cast is no struct."""
        return "Cast of a whole key or value works on single values" if self.whole else None

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """Null passes unchanged."""
        return self.past_nulls(batch, lambda part: self._change(self.data(part)))

    def _change(self, data: Data) -> Data:
        if isinstance(data, Columns):
            return self._columns(data) or self._change(data.rows())
        if isinstance(data, Maps) and not self.whole:
            return self._map_columns(data) or self._change(data.rows())
        if data.schema is None:
            return Rows(None, self._wholes(data.values) if self.whole else self._maps(maps(data.values, PURPOSE)))
        schema, members = self._plan(data.schema)
        if self.whole:
            return Rows(schema, each(data.values, caster(data.schema, self.whole)))
        return self._structs(data, schema, members)

    def _wholes(self, values: Sequence[Any]) -> list[Any]:
        assert self.whole
        return each(values, schemaless(self.whole))

    def _map_columns(self, data: Maps) -> Maps | None:
        """None for a list or a map, which cannot be cast."""
        cast = []
        for name, convert in self.schemaless.items():
            found = column(data, name)
            kind = class_of(found)
            if kind is None:
                return None
            cast.append(found if kind is type(None) else _without_schema(found, kind, self._target(name), convert))
        return put(data, cast)

    def _target(self, name: str) -> Type:
        return self.casts[name]

    def _maps(self, values: Sequence[dict[Any, Any]]) -> list[Any]:
        new = [value.copy() for value in values]
        for name, convert in self.schemaless.items():
            try:
                items = each([value.get(name) for value in new], convert)
            except DataError as error:
                raise error.in_field(name) from error.__cause__
            # The key is set even where it was missing, as Kafka does.
            for value, item in zip(new, items, strict=True):
                value[name] = item
        return new

    def _structs(self, data: Rows, schema: Schema, members: Mapping[str, Convert]) -> Rows:
        structs(data, PURPOSE)
        return Rows(schema, converted(data, schema, self.config.replace_null_with_default, members))

    def _planned(self, schema: Schema) -> tuple[Schema, dict[str, Convert]]:
        """The new schema, and what converts each field that is cast."""
        if self.whole:
            default = _default(schema, self.whole)
            if default is not None and schema.name in _LOGICAL:
                raise SchemaMismatch("Invalid default value")
            return replace(schema, type=self.whole, default=default, fields=(), keys=None, values=None), {}
        if schema.type is not Type.STRUCT:
            raise DataError("Cannot list fields on non-struct type")
        fields = tuple(
            Field(field.name, self._field(field.schema, self.casts[field.name])) if field.name in self.casts else field
            for field in schema.fields
        )
        # A struct's default would have to be cast too, and the refusal of that is Kafka's own.
        _default(schema, Type.STRUCT)
        members = {
            field.name: caster(field.schema, self.casts[field.name])
            for field in schema.fields
            if field.name in self.casts
        }
        return replace(schema, fields=fields), members

    def _field(self, schema: Schema, target: Type) -> Schema:
        return Schema(target, optional=schema.optional, default=_default(schema, target))

    def _columns(self, data: Columns) -> Columns | None:
        if self.whole:
            return None
        schema, members = self._plan(data.schema)
        frame = with_defaults(data, self.config.replace_null_with_default)
        if frame is None:
            return None
        cast = [
            _column(frame.get_column(name), data.schema.by_name[name].schema, self.casts[name], convert)
            for name, convert in members.items()
        ]
        return Columns(schema, eager.put(frame, cast))


def _default(schema: Schema, target: Type) -> Any:
    return None if schema.default is None else caster(schema, target)(schema.default)


def _column(column: pl.Series, schema: Schema, target: Type, convert: Convert) -> pl.Series:
    """A column cast: at once where polars agrees with Java, else value by value."""
    wanted = dtype(Schema(target))
    if schema.name is None and _agreed(schema.type, target):
        return column.cast(wanted, wrap_numerical=target in INTEGERS)
    try:
        found = each(column.to_list(), convert)
    except DataError as error:
        raise error.in_field(column.name, schema.type) from error.__cause__
    return pl.Series(column.name, found, dtype=wanted)


def _without_schema(column: pl.Series, kind: type, target: Type, convert: Convert) -> pl.Series:
    """The same for values without a schema: what is cast is an int, a float, a bool or a str again."""
    wanted = _PYTHON[target]
    if target is not Type.FLOAT32 and _agreed(_CLASS_TYPES[kind], target):
        # Narrow integers are cut to their bits, and are as wide as all others afterwards.
        narrow = column.cast(dtype(Schema(target)), wrap_numerical=target in INTEGERS)
        return narrow.cast(pl.Int64()) if target in INTEGERS else narrow
    try:
        return of(column.name, wanted, each(column.to_list(), convert))
    except DataError as error:
        raise error.in_field(column.name) from error.__cause__


def _agreed(source: Type, target: Type) -> bool:
    if source is Type.BOOLEAN:
        return True
    if source in INTEGERS:
        return target in (*_NUMBERS, Type.STRING)
    return source in FLOATS and target in FLOATS
