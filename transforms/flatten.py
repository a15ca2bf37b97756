"""Flatten: lifts the fields of nested maps or structs to the top, their names joined."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple, cast

import polars as pl

from ferryman.config import Config, Str, key
from ferryman.errors import DataError
from ferryman.formats import eager
from ferryman.java.texts import java_class
from ferryman.record import Batch, Columns, Data, Maps, Rows
from ferryman.schema import RecursiveSchema, Schema, Type
from ferryman.transforms.fields.sides import Sided
from ferryman.transforms.fields.structs import fields, is_plain, maps, structs

PURPOSE = "flattening"
_PLAIN = frozenset({str, int, float, bool, bytes, list, type(None)})
_MOST_PARTS = 8
"""Parts that a batch of maps is split into at most; of more, each would have too few records."""
Fill = Callable[[dict[str, Any], dict[str, Any]], None]


class FlattenConfig(Config):
    delimiter: Str = key(".")
    """What stands between the names of a nested field."""


class Leaf(NamedTuple):
    """A field that is no struct."""

    path: tuple[str, ...]
    """Its path in the old schema."""
    name: str
    """Its name in the new one."""
    schema: Schema
    own_default: Any


class Flatten(Sided[FlattenConfig]):
    """Flattens maps and structs to the bottom; arrays stay as they are, and a schema's maps are an error."""

    config_class = FlattenConfig
    classes = ("org.apache.kafka.connect.transforms.Flatten",)
    takes_maps = True

    def __init__(self, config: FlattenConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self._plan = lru_cache(maxsize=16)(self._planned)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """Null passes unchanged. Maps that are null stay what they are, so these records are apart from the others."""
        data = self.data(batch)
        if isinstance(data, Maps):
            nulls = list(_nulls(data.frame.iter_columns()))
            kinds = list(zip(*nulls, strict=True))
            if len(set(kinds)) <= _MOST_PARTS:
                parts = batch.split(kinds) if kinds else [((), batch)]
                return [self.changed(part, self._flat(cast(Maps, self.data(part)))) for _, part in parts]
        return self.past_nulls(batch, lambda part: self._change(self.data(part)))

    def _change(self, data: Data) -> Data:
        if isinstance(data, Columns):
            return self._columns(data) or self._change(data.rows())
        new: list[dict[str, Any]] = [{} for _ in range(len(data))]
        if data.schema is None:
            for value, flat in zip(maps(data.values, PURPOSE), new, strict=True):
                self._flatten(value, "", flat)
            return Rows(None, new)
        values = structs(data, PURPOSE)
        schema, _, fill = self._plan(data.schema)
        for value, flat in zip(values, new, strict=True):
            fill(value, flat)
        return Rows(schema, new)

    def _flat(self, data: Maps) -> Maps:
        """Maps, of each of whose members either all are null or none."""
        found: dict[str, pl.Series] = {}
        for column in data.frame.iter_columns():
            self._flatten_column(column, "", found)
        return Maps(pl.DataFrame([column.alias(name) for name, column in found.items()]))

    def _flatten_column(self, column: pl.Series, prefix: str, flat: dict[str, pl.Series]) -> None:
        full = self._joined(prefix, column.name) if prefix else column.name
        if not isinstance(column.dtype, pl.Struct):
            flat[full] = column
        elif column.null_count():
            flat[full] = eager.same(full, None, pl.Null(), len(column))
        else:
            for inner in column.struct.unnest().iter_columns():
                self._flatten_column(inner, full, flat)

    def _joined(self, prefix: str, name: str) -> str:
        return f"{prefix}{self.config.delimiter}{name}" if prefix else name

    def _flatten(self, value: dict[Any, Any], prefix: str, flat: dict[str, Any]) -> None:
        joined = self._joined
        for name, item in value.items():
            full = joined(prefix, name) if prefix else name
            if item.__class__ is dict:
                self._flatten(item, full, flat)
            elif item.__class__ in _PLAIN:
                flat[full] = item
            else:
                raise DataError(
                    f"Flatten transformation was passed a value of type class {java_class(item)} which is not "
                    "supported by Connect's data API"
                )

    def _planned(self, schema: Schema) -> tuple[Schema, list[Leaf], Fill]:
        leaves: list[Leaf] = []

        def members() -> Iterator[tuple[str, Schema]]:
            # Of several errors that of the first field counts.
            for leaf in self._leaves(schema, (), schema.optional, schema.default):
                leaves.append(leaf)
                yield leaf.name, leaf.schema

        return schema.with_fields(fields(members())), leaves, self._filler(schema, "")

    def _leaves(self, schema: Schema, path: tuple[str, ...], optional: bool, default: Any) -> Iterator[Leaf]:
        """The fields below a schema; its optional flag and default pass on to those that have none."""
        for member in schema.fields:
            below = (*path, member.name)
            own = member.schema.default
            inherited = None if default is None else default.get(member.name)
            given = inherited if own is None else own
            maybe = optional or member.schema.optional
            name = ""
            for step in below:
                name = self._joined(name, step)
            if member.schema.type is Type.MAP:
                raise DataError(
                    f"Flatten transformation does not support MAP for record with schemas (for field {name})."
                )
            if isinstance(member.schema, RecursiveSchema):
                raise DataError(f"Flatten transformation cannot flatten a struct that contains itself (field {name}).")
            if member.schema.type is Type.STRUCT:
                yield from self._leaves(member.schema, below, maybe, given)
            else:
                yield Leaf(below, name, replace(member.schema, optional=maybe, default=given), own)

    def _filler(self, schema: Schema, prefix: str) -> Fill:
        """What puts a struct's fields into a flat one. Nothing is put for a struct that is null."""
        names = [(member, self._joined(prefix, member.name)) for member in schema.fields]
        plain = [(each.name, name, each.schema.default) for each, name in names if each.schema.type is not Type.STRUCT]
        nested = [
            (each.name, self._filler(each.schema, name)) for each, name in names if each.schema.type is Type.STRUCT
        ]

        def fill(value: dict[str, Any], flat: dict[str, Any]) -> None:
            get = value.get
            for name, full, default in plain:
                item = get(name)
                flat[full] = default if item is None else item
            for name, below in nested:
                if (item := get(name)) is not None:
                    below(item, flat)

        return fill

    def _columns(self, data: Columns) -> Columns | None:
        schema, leaves, _ = self._plan(data.schema)
        if not leaves:
            return None
        columns = [_column(leaf, data.frame) for leaf in leaves]
        if any(column is None for column in columns):
            return None
        return Columns(schema, pl.DataFrame(columns))


def _nulls(columns: Iterable[pl.Series]) -> Iterator[list[bool]]:
    """For each map, at any depth, that is null in some records and not in others: in which it is."""
    for column in columns:
        if isinstance(column.dtype, pl.Struct):
            if 0 < column.null_count() < len(column):
                yield column.is_null().to_list()
            yield from _nulls(column.struct.unnest().iter_columns())


def _column(leaf: Leaf, frame: pl.DataFrame) -> pl.Series | None:
    """A leaf's values; the default stands in for null only where the struct around it is not null. None where the
    rows must put it there."""
    parent, column = None, frame.get_column(leaf.path[0])
    for name in leaf.path[1:]:
        parent, column = column, eager.member(column, name)
    if leaf.own_default is None or not column.null_count():
        return column.alias(leaf.name)
    if not is_plain(leaf.own_default):
        return None
    filled = eager.filled(column, leaf.own_default)
    if parent is not None and parent.null_count():
        filled = filled.zip_with(~eager.nulls(parent), column)
    return filled.alias(leaf.name)
