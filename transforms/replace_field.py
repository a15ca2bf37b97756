"""ReplaceField: drops, keeps and renames fields."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import compress
from typing import Any

from ferryman.config import Bool, Config, Strings, key
from ferryman.errors import KeyProblem
from ferryman.record import Batch, Columns, Data, Rows
from ferryman.schema import Field, Schema
from ferryman.transforms._sided import Sided, defaults, maps, structs, with_defaults

PURPOSE = "field replacement"


class ReplaceFieldConfig(Config):
    """Keys of ReplaceField."""

    exclude: Strings = key([], names=("exclude", "blacklist"))
    """Fields to drop; wins over include."""
    include: Strings = key([], names=("include", "whitelist"))
    """Fields to keep, by their original names; empty keeps all."""
    renames: Strings = key([])
    """New names, each as ``old:new``, for fields that are kept."""
    replace_null_with_default: Bool = key(True)
    """Whether null fields with a default are copied as that default."""

    def problems(self) -> Iterable[KeyProblem]:
        """Renames that are not ``old:new``."""
        for mapping in self.renames:
            if len(mapping.rstrip(":").split(":")) != 2:
                given = f"Invalid value [{', '.join(self.renames)}] for configuration renames"
                yield KeyProblem("renames", f"{given}: Invalid rename mapping: {mapping}")


class ReplaceField(Sided[ReplaceFieldConfig]):
    """Drops, keeps and renames fields of a map or struct. Kept fields stay in their order."""

    config_class = ReplaceFieldConfig
    classes = ("org.apache.kafka.connect.transforms.ReplaceField",)

    def __init__(self, config: ReplaceFieldConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self.exclude = frozenset(config.exclude)
        self.include = frozenset(config.include)
        self.renames = dict(mapping.rstrip(":").split(":") for mapping in config.renames)
        self._plan = lru_cache(maxsize=16)(self._planned)
        self._shape = lru_cache(maxsize=1000)(self._of_shape)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """Null passes unchanged."""
        return self.past_nulls(batch, self._change)

    def _kept(self, name: str) -> bool:
        return name not in self.exclude and (not self.include or name in self.include)

    def _change(self, batch: Batch) -> Data:
        data = self.data(batch)
        if isinstance(data, Columns):
            return self._columns(data) or self._structs(data.rows())
        return Rows(None, self._maps(maps(data.values, PURPOSE))) if data.schema is None else self._structs(data)

    def _maps(self, values: Sequence[dict[Any, Any]]) -> list[dict[Any, Any]]:
        if not self.include and not self.renames:
            return self._without(values)
        new = []
        keys: tuple[Any, ...] | None = None
        names, wanted = self._shape(())
        for each in values:
            # Records of a topic mostly have the same keys in the same order, so the work on names is done once.
            if keys != (found := tuple(each)):
                keys = found
                names, wanted = self._shape(keys)
            items = each.values()
            new.append(dict(zip(names, items if wanted is None else compress(items, wanted), strict=True)))
        return new

    def _without(self, values: Sequence[dict[Any, Any]]) -> list[dict[Any, Any]]:
        new = [each.copy() for each in values]
        for name in self.exclude:
            for each in new:
                each.pop(name, None)
        return new

    def _of_shape(self, keys: tuple[Any, ...]) -> tuple[list[Any], list[bool] | None]:
        """For a map's keys: the new names of those that are kept, and which ones are (None: all)."""
        wanted = [self._kept(name) for name in keys]
        return [self.renames.get(name, name) for name in compress(keys, wanted)], None if all(wanted) else wanted

    def _planned(self, schema: Schema) -> tuple[Schema, list[tuple[str, str]]]:
        """The new schema, and the old and new name of each field that is kept."""
        pairs = [(name, self.renames.get(name, name)) for name in schema.by_name if self._kept(name)]
        return schema.with_fields(tuple(Field(new, schema.by_name[old].schema) for old, new in pairs)), pairs

    def _structs(self, data: Rows) -> Rows:
        assert data.schema is not None
        values = structs(data, PURPOSE)
        schema, _ = self._plan(data.schema)
        fill = defaults(schema, self.config.replace_null_with_default)
        new = self._maps(values)
        for name, default in fill:
            for each in new:
                if each.get(name) is None:
                    each[name] = default
        return Rows(schema, new)

    def _columns(self, data: Columns) -> Data | None:
        schema, pairs = self._plan(data.schema)
        if not pairs:
            # A frame without columns has no rows.
            return None
        kept = Columns(data.schema.with_fields(tuple(data.schema.by_name[old] for old, _ in pairs)), data.frame)
        frame = with_defaults(kept, self.config.replace_null_with_default)
        return None if frame is None else Columns(schema, frame.select(frame[old].alias(new) for old, new in pairs))
