"""Steps of other transforms that ExtractNewRecordState is made of: a field extracted, added or left out."""

from collections.abc import Collection
from typing import Any

import polars as pl

from ferryman.errors import UnknownField
from ferryman.formats import eager
from ferryman.record import Columns, Data, Rows
from ferryman.schema import OPTIONAL_STRING, Schema
from ferryman.transforms.fields.field_path import extract_field, extracted_columns
from ferryman.transforms.fields.structs import (
    copy_with_defaults,
    defaults,
    fields,
    maps,
    refuse_nulls,
    structs,
    with_defaults,
)


def member_of(data: Data, name: str) -> Data:
    """A field of structs, some of which may be null. Raises UnknownField if there is none of that name."""
    assert data.schema is not None
    if isinstance(data, Rows):
        structs(data, "field extraction", null=True)
    if name not in data.schema.by_name:
        raise UnknownField(f"Unknown field: {name}")
    field = data.schema.by_name[name]
    if isinstance(data, Columns) and field.schema.default is None:
        return extracted_columns(data.frame.get_column(name), field.schema)
    return extract_field(data.rows(), [field], True)


def with_text(data: Data, name: str, text: str, replace_null_with_default: bool) -> Data:
    """Structs with one field more, as InsertField adds a static one."""
    assert data.schema is not None
    members = [(each.name, each.schema) for each in data.schema.fields]
    schema = data.schema.with_fields(fields([*members, (name, OPTIONAL_STRING)]))
    if isinstance(data, Columns):
        frame = with_defaults(data, replace_null_with_default)
        if frame is not None:
            return Columns(schema, eager.put(frame, [eager.same(name, text, pl.String(), len(data))]))
    values = data.rows().values
    if not replace_null_with_default:
        refuse_nulls(values, data.schema, *data.schema.by_name)
    fill = defaults(data.schema, replace_null_with_default)
    return Rows(schema, [copy_with_defaults(value, fill) | {name: text} for value in values])


def without(data: Data, names: Collection[str | None]) -> Data:
    """Structs or maps without some fields, as ReplaceField leaves them out."""
    if data.schema is None:
        return Rows(None, [_cut(value, names) for value in maps(data.rows().values, "field replacement")])
    schema = _keep_fields(data.schema, names)
    if isinstance(data, Columns) and schema.fields:
        frame = with_defaults(Columns(schema, eager.select(data.frame, schema.by_name)), True)
        if frame is not None:
            return Columns(schema, frame)
    fill = defaults(schema, True)
    rows = data.rows()
    return Rows(schema, [copy_with_defaults(_cut(value, names), fill) for value in structs(rows, "field replacement")])


def _keep_fields(schema: Schema, names: Collection[str | None]) -> Schema:
    return schema.with_fields(tuple(each for each in schema.fields if each.name not in names))


def _cut(value: dict[Any, Any], names: Collection[str | None]) -> dict[Any, Any]:
    return {name: item for name, item in value.items() if name not in names}
