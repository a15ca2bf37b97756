"""HoistField: wraps the key or value in a map or struct of one field."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ferryman.config import Config, Str, key
from ferryman.record import Batch, Columns, Data, Maps, Rows
from ferryman.schema import Schema, Type
from ferryman.transforms.fields.sides import Sided
from ferryman.transforms.fields.structs import fields, null_refused


class HoistFieldConfig(Config):
    field: Str = key()
    """The name of the field."""


class HoistField(Sided[HoistFieldConfig]):
    """Wraps data in one field, null too unless its schema is not optional."""

    config_class = HoistFieldConfig
    classes = ("org.apache.kafka.connect.transforms.HoistField",)
    takes_maps = True

    def __init__(self, config: HoistFieldConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self._schema = lru_cache(maxsize=16)(self._hoisted)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        return [self.changed(batch, self._change(self.data(batch)))]

    def _hoisted(self, schema: Schema) -> Schema:
        return Schema(Type.STRUCT, fields=fields([(self.config.field, schema)]))

    def _change(self, data: Data) -> Data:
        name = self.config.field
        if isinstance(data, Columns):
            return Columns(self._schema(data.schema), data.frame.to_struct(name).to_frame())
        if isinstance(data, Maps):
            return Maps(data.frame.to_struct(name).to_frame())
        if data.schema is None:
            return Rows(None, [{name: value} for value in data.values])
        schema = self._schema(data.schema)
        if not data.schema.optional and any(value is None for value in data.values):
            raise null_refused(name, data.schema)
        return Rows(schema, [{name: value} for value in data.values])
