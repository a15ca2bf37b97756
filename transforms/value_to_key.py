"""ValueToKey: makes the key from fields of the value."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Annotated, Any

import polars as pl

from ferryman.config import Bool, Config, Strings, key
from ferryman.config_fields import NAMES
from ferryman.errors import DataError, KeyProblem
from ferryman.formats import eager
from ferryman.record import Batch, Columns, Data, Maps, Rows
from ferryman.schema import Schema, Type
from ferryman.transforms.fields.map_columns import column
from ferryman.transforms.fields.name_lists import name_problems
from ferryman.transforms.fields.sides import Batched
from ferryman.transforms.fields.structs import fields, maps, refuse_nulls, structs, with_defaults

PURPOSE = "copying fields from value to key"


class ValueToKeyConfig(Config):
    fields: Annotated[Strings, NAMES] = key(importance="HIGH")
    """The fields of the value that make the key."""
    replace_null_with_default: Bool = key(True)
    """Whether null fields with a default are copied as that default."""

    def problems(self) -> Iterable[KeyProblem]:
        """No field, or one without a name."""
        return name_problems("fields", self.fields)


class ValueToKey(Batched[ValueToKeyConfig]):
    """Replaces the key by a map or struct of fields of the value, which stays as it is."""

    config_class = ValueToKeyConfig
    classes = ("org.apache.kafka.connect.transforms.ValueToKey",)
    takes_maps = True

    def __init__(self, config: ValueToKeyConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self.names = list(dict.fromkeys(config.fields))
        self._schema = lru_cache(maxsize=16)(self._of_value)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """Null in the place of the map or struct is a DataError."""
        return [replace(batch, key=self._key(batch.value))]

    def _of_value(self, schema: Schema) -> Schema:
        for name in self.names:
            if name not in schema.by_name:
                raise DataError(f"Field does not exist: {name}")
        return Schema(Type.STRUCT, fields=fields((name, schema.by_name[name].schema) for name in self.names))

    def _key(self, data: Data) -> Data:
        names = self.names
        if isinstance(data, Columns):
            return self._columns(data) or self._key(data.rows())
        if isinstance(data, Maps):
            return Maps(pl.DataFrame([column(data, name) for name in names]))
        if data.schema is None:
            return Rows(None, [{name: value.get(name) for name in names} for value in maps(data.values, PURPOSE)])
        values = structs(data, PURPOSE)
        schema = self._schema(data.schema)
        if not self.config.replace_null_with_default:
            refuse_nulls(values, schema, *names)
        keys = [{name: value.get(name) for name in names} for value in values]
        for name in names:
            default = schema.by_name[name].schema.default
            if default is not None and self.config.replace_null_with_default:
                for each in keys:
                    if each[name] is None:
                        each[name] = default
        return Rows(schema, keys)

    def _columns(self, data: Columns) -> Columns | None:
        schema = self._schema(data.schema)
        frame = with_defaults(
            Columns(schema, eager.select(data.frame, self.names)), self.config.replace_null_with_default
        )
        return None if frame is None else Columns(schema, frame)
