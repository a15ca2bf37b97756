"""SetSchemaMetadata: gives the schema another name or version."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ferryman.config import Bool, Config, Int, Str, key
from ferryman.errors import DataError, KeyProblem
from ferryman.record import Batch, Columns, Data, Rows
from ferryman.schema import Schema, Type
from ferryman.transforms.fields.sides import Sided
from ferryman.transforms.fields.structs import copy_with_defaults, defaults, refuse_nulls, with_defaults


class SetSchemaMetadataConfig(Config):
    schema_name: Str | None = key(None, importance="HIGH")
    """The new name; unset, the old one stays."""
    schema_version: Int | None = key(None, importance="HIGH")
    """The new version; unset, the old one stays."""
    replace_null_with_default: Bool = key(True)
    """Whether null fields with a default are copied as that default."""

    def problems(self) -> Iterable[KeyProblem]:
        if self.schema_name is None and self.schema_version is None:
            yield KeyProblem("schema.name", "Neither schema name nor version configured")


class SetSchemaMetadata(Sided[SetSchemaMetadataConfig]):
    """Renames struct schemas. Data without a schema, or with another than a struct's, is an error."""

    config_class = SetSchemaMetadataConfig
    classes = ("org.apache.kafka.connect.transforms.SetSchemaMetadata",)

    def __init__(self, config: SetSchemaMetadataConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self._schema = lru_cache(maxsize=16)(self._renamed)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """Null with a schema gets the new one; null without passes unchanged."""
        data = self.data(batch)
        if data.schema is None:
            if any(value is not None for value in data.rows().values):
                raise DataError("Schema required for [updating schema metadata]")
            return [batch]
        return [self.changed(batch, self._change(data, data.schema))]

    def _renamed(self, schema: Schema) -> Schema:
        if schema.type is not Type.STRUCT:
            raise DataError("Cannot list fields on non-struct type")
        name, version = self.config.schema_name, self.config.schema_version
        return replace(
            schema,
            name=schema.name if name is None else name,
            version=schema.version if version is None else version,
        )

    def _change(self, data: Data, schema: Schema) -> Data:
        renamed, switch = self._schema(schema), self.config.replace_null_with_default
        if isinstance(data, Columns):
            frame = with_defaults(data, switch)
            return self._change(data.rows(), schema) if frame is None else Columns(renamed, frame)
        if not switch:
            refuse_nulls([value for value in data.values if value is not None], schema, *schema.by_name)
        fill = defaults(schema, switch)
        if not fill:
            return Rows(renamed, data.values)
        return Rows(renamed, [None if value is None else copy_with_defaults(value, fill) for value in data.values])
