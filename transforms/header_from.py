"""HeaderFrom: copies or moves fields into headers."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import AfterValidator

from ferryman.config import Bool, Config, Strings, key
from ferryman.config_fields import of_null
from ferryman.errors import DataError, KeyProblem, MissingValue
from ferryman.formats import eager
from ferryman.java.texts import schema_text
from ferryman.record import Batch, Columns, Data, Header, Headers, Maps, Rows, values_of
from ferryman.repeated import Repeated
from ferryman.schema import Schema
from ferryman.transforms.fields.map_columns import column
from ferryman.transforms.fields.sides import Sided
from ferryman.transforms.fields.structs import copy_with_defaults, defaults, maps, refuse_nulls, structs, with_defaults

Added = list[Repeated[Header]]
"""The new headers, for each field those of all records."""

_NO_FIELD = (
    'Cannot invoke "org.apache.kafka.connect.data.Field.schema()" because the return value of '
    '"org.apache.kafka.connect.data.Schema.field(String)" is null'
)


def _not_empty(value: list[str]) -> list[str]:
    if not value:
        raise ValueError("Empty list")
    return value


class HeaderFromConfig(Config):
    fields: Annotated[Strings, AfterValidator(_not_empty), of_null("Empty list")] = key(importance="HIGH")
    """The fields to copy or move."""
    headers: Annotated[Strings, AfterValidator(_not_empty), of_null("Empty list")] = key(importance="HIGH")
    """The headers' names, in the order of the fields."""
    operation: Literal["move", "copy"] = key(importance="HIGH")
    """Whether the fields leave the key or value."""
    replace_null_with_default: Bool = key(True)
    """Whether null fields with a default are copied as that default."""

    def problems(self) -> Iterable[KeyProblem]:
        """Fields and headers that are not as many."""
        if len(self.fields) != len(self.headers):
            yield KeyProblem("headers", "'fields' config must have the same number of elements as 'headers' config.")


class HeaderFrom(Sided[HeaderFromConfig]):
    """Adds a header for each field, behind the headers that are there."""

    config_class = HeaderFromConfig
    classes = ("org.apache.kafka.connect.transforms.HeaderFrom",)
    takes_maps = True

    def __init__(self, config: HeaderFromConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self.moves = config.operation == "move"
        self.purpose = f"header {config.operation}"
        self.moved = frozenset(config.fields)
        self.pairs = list(zip(config.fields, config.headers, strict=True))
        self._rest = lru_cache(maxsize=16)(self._remaining)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """Null in the place of the map or struct is a DataError."""
        data = self.data(batch)
        found = self._columns(data) if isinstance(data, Columns) else None
        if isinstance(data, Maps):
            found = self._map_columns(data)
        rest, added = found or self._rows(data.rows())
        return [self.changed(replace(batch, headers=_joined(batch.headers, added)), rest)]

    def _rows(self, data: Rows) -> tuple[Data, Added]:
        if data.schema is None:
            values = maps(data.values, self.purpose)
            rest = [_without(value, self.moved) for value in values] if self.moves else values
            return Rows(None, rest), [self._added(to, [value.get(name) for value in values]) for name, to in self.pairs]
        structs(data, self.purpose)
        fill = defaults(data.schema, self.config.replace_null_with_default)
        values = [copy_with_defaults(value, fill) for value in data.values] if fill else data.values
        left = self._left(data.schema, values) if self.moves else data
        return left, [
            self._added(to, [value.get(name) for value in values], _schema_of(data.schema, name))
            for name, to in self.pairs
        ]

    def _left(self, schema: Schema, values: Sequence[dict[str, Any]]) -> Rows:
        rest = self._rest(schema)
        if not self.config.replace_null_with_default:
            refuse_nulls(values, rest, *rest.by_name)
        return Rows(rest, [_without(value, self.moved) for value in values])

    def _remaining(self, schema: Schema) -> Schema:
        return schema.with_fields(tuple(field for field in schema.fields if field.name not in self.moved))

    def _added(self, to: str, items: Sequence[Any], schema: Schema | None = None) -> Repeated[Header]:
        self._check(items, schema)
        return Repeated([Header(to, item, schema) for item in items], range(len(items)))

    def _check(self, items: Sequence[Any], schema: Schema | None) -> None:
        if schema is not None and not schema.optional and None in items:
            raise DataError(f"A null value requires an optional schema but was {schema_text(schema)}")

    def _of_column(self, to: str, column: pl.Series, schema: Schema | None = None) -> Repeated[Header]:
        """The same; equal values share a header, but for zeros, of which one may be negative."""
        items = column.to_list() if schema is None else values_of(column, schema)
        if column.dtype.is_nested() or column.dtype.is_float():
            return self._added(to, items, schema)
        self._check(items, schema)
        return Repeated.equal(items, lambda item: Header(to, item, schema))

    def _columns(self, data: Columns) -> tuple[Data, Added] | None:
        """None where the rows must do it; a frame whose columns have all gone would have no rows."""
        rest = self._rest(data.schema) if self.moves else data.schema
        frame = with_defaults(data, self.config.replace_null_with_default)
        if frame is None or not rest.fields:
            return None
        schemas = [_schema_of(data.schema, name) for name, _ in self.pairs]
        added = [
            self._of_column(to, frame.get_column(name), schema)
            for (name, to), schema in zip(self.pairs, schemas, strict=True)
        ]
        left = Columns(rest, eager.select(frame, [field.name for field in rest.fields])) if self.moves else data
        return left, added

    def _map_columns(self, data: Maps) -> tuple[Data, Added] | None:
        """The same for what has no schema."""
        added = [self._of_column(to, column(data, name)) for name, to in self.pairs]
        left = [name for name in data.frame.columns if not self.moves or name not in self.moved]
        return (Maps(eager.select(data.frame, left)), added) if left else None


def _joined(own: Sequence[Headers] | None, added: Added) -> Repeated[Headers]:
    """Each record's headers with the new ones behind them; the same ones become the same."""
    if own is None:
        return Repeated.joined(added, lambda *new: new)
    return Repeated.joined([Repeated.of(own), *added], lambda headers, *new: (*headers, *new))


def _without(value: dict[Any, Any], names: frozenset[str]) -> dict[Any, Any]:
    rest = value.copy()
    for name in names:
        rest.pop(name, None)
    return rest


def _schema_of(schema: Schema, name: str) -> Schema:
    if name not in schema.by_name:
        raise MissingValue(_NO_FIELD)
    return schema.by_name[name].schema
