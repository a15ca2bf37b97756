"""ExtractField: puts a field in the place of the map or struct that holds it."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal

from ferryman.config import Bool, Config, Str, any_case, key
from ferryman.errors import KeyProblem, UnknownField
from ferryman.record import Batch, Columns, Data, Rows
from ferryman.schema import Field, Schema
from ferryman.transforms.fields.field_path import (
    NO_STEPS,
    UnbalancedBackticks,
    extract_field,
    extracted_columns,
    schemas,
    steps,
)
from ferryman.transforms.fields.sides import Sided, maps, structs

PURPOSE = "field extraction"
_NESTED = "nested field access"


class ExtractFieldConfig(Config):
    field: Str = key()
    """The field; with version V2 of the syntax a path of names with dots between them."""
    field_syntax_version: Annotated[Literal["V1", "V2"], any_case("V1", "V2")] = key("V1", importance="HIGH")
    """V1: the field's name is taken as it is. V2: dots reach into nested fields; backticks hold a name with dots."""
    replace_null_with_default: Bool = key(True)
    """Whether null in a field with a default is read as that default."""

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

    def __init__(self, config: ExtractFieldConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self.steps = config.steps()
        self._path = lru_cache(maxsize=16)(self._found)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """One field of the whole batch."""
        return [self.changed(batch, self._change(self.data(batch)))]

    def _change(self, data: Data) -> Data:
        if isinstance(data, Columns):
            return self._columns(data) or self._structs(data.rows())
        if data.schema is None:
            return Rows(None, self._maps(data.values))
        return self._structs(data)

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

    def _columns(self, data: Columns) -> Data | None:
        path = self._path(data.schema)
        if len(path) > 1 or (path[0].schema.default is not None and self.config.replace_null_with_default):
            return None
        return extracted_columns(data, path[0])
