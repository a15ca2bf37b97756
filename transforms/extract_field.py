"""ExtractField: puts a field in the place of the map or struct that holds it."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple

import polars as pl

from ferryman.config import Bool, Config, Str, any_case, key
from ferryman.errors import KeyProblem, UnknownField
from ferryman.formats import eager
from ferryman.record import Batch, Columns, Data, Maps, Rows
from ferryman.schema import Field, Schema
from ferryman.transforms.fields.field_path import (
    NO_STEPS,
    UnbalancedBackticks,
    extract_field,
    extracted_columns,
    schemas,
    steps,
)
from ferryman.transforms.fields.sides import Sided
from ferryman.transforms.fields.structs import maps, structs

PURPOSE = "field extraction"
_NESTED = "nested field access"


class ExtractFieldConfig(Config):
    field: Str = key()
    """The field; with version V2 of the syntax a path of names with dots between them."""
    replace_null_with_default: Bool = key(True)
    """Whether null in a field with a default is read as that default."""
    field_syntax_version: Annotated[Literal["V1", "V2"], any_case("V1", "V2")] = key("V1", importance="HIGH")
    """V1: the field's name is taken as it is. V2: dots reach into nested fields; backticks hold a name with dots."""

    def problems(self) -> Iterable[KeyProblem]:
        """A path whose backticks are not in pairs."""
        try:
            self.steps()
        except UnbalancedBackticks as error:
            yield KeyProblem("field", str(error))

    def steps(self) -> Sequence[str]:
        """The names on the path to the field."""
        return [self.field] if self.field_syntax_version == "V1" else steps(self.field)


class ExtractField(Sided[ExtractFieldConfig]):
    """Extracts a field with its schema. Null stays null. A field that is missing is an error; in a map it is null."""

    config_class = ExtractFieldConfig
    classes = ("org.apache.kafka.connect.transforms.ExtractField",)
    takes_maps = True

    def __init__(self, config: ExtractFieldConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self.steps = config.steps()
        self._path = lru_cache(maxsize=16)(self._found)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """One field of the whole batch; structs and maps apart from nulls, since columns of them have none."""
        data = self.data(batch)
        found = None if isinstance(data, Rows) else self._column(data)
        if found is None:
            return [self.changed(batch, self._rows(data.rows()))]
        if not isinstance(found.column.dtype, pl.Struct) or not 0 < found.column.null_count() < len(data):
            return [self.changed(batch, _extracted(found))]
        parts = batch.split(found.column.is_not_null().to_list())
        columns = [found.column.drop_nulls(), found.column.filter(found.column.is_null())]
        return [
            self.changed(part, _extracted(found._replace(column=columns[0 if is_there else 1])))
            for is_there, part in parts
        ]

    def _rows(self, data: Rows) -> Rows:
        return Rows(None, self._maps(data.values)) if data.schema is None else self._structs(data)

    def _maps(self, values: Sequence[Any]) -> list[Any]:
        purpose = PURPOSE
        for name in self.steps or (None,):
            found = maps([value for value in values if value is not None], purpose)
            if found and name is None:
                raise UnknownField(NO_STEPS)
            values = [None if value is None else value.get(name) for value in values]
            purpose = _NESTED
        return list(values)

    def _found(self, schema: Schema) -> Sequence[Field]:
        found = schemas(schema, self.steps)
        if found is None:
            raise UnknownField(f"Unknown field: {self.config.field}")
        return found

    def _structs(self, data: Rows) -> Rows:
        assert data.schema is not None
        structs(data, PURPOSE, null=True)
        path = self._path(data.schema)
        return extract_field(data, path, self.config.replace_null_with_default)

    def _column(self, data: Columns | Maps) -> "_Found | None":
        """None where the rows must do it: a default stands in for null, or the path leaves the structs or maps."""
        if isinstance(data, Maps):
            return self._of_maps(data)
        path, column = self._path(data.schema), None
        for field in path:
            column = data.frame.get_column(field.name) if column is None else eager.member(column, field.name)
            is_read = field is not path[-1] or self.config.replace_null_with_default
            if field.schema.default is not None and is_read and column.null_count():
                return None
        return None if column is None else _Found(column, path[-1].schema)

    def _of_maps(self, data: Maps) -> "_Found | None":
        column = None
        for name in self.steps:
            if column is not None and not isinstance(column.dtype, pl.Struct):
                return None
            names = data.frame.columns if column is None else column.struct.fields
            if name not in names:
                return None
            column = data.frame.get_column(name) if column is None else eager.member(column, name)
        return None if column is None else _Found(column, None)


class _Found(NamedTuple):
    """The column of a field."""

    column: pl.Series
    schema: Schema | None


def _extracted(found: _Found) -> Data:
    column, schema = found
    if schema is None:
        is_map = isinstance(column.dtype, pl.Struct) and not column.null_count()
        return Maps(column.struct.unnest()) if is_map else Rows(None, column.to_list())
    return extracted_columns(column, schema)
