"""ReplaceField: drops, keeps and renames fields."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import compress
from typing import Annotated, Any, NamedTuple

import polars as pl

from ferryman.config import Bool, Config, Strings, key
from ferryman.config_fields import NAMES
from ferryman.errors import DataError, KeyProblem
from ferryman.record import Batch, Columns, Data, Maps, Rows
from ferryman.schema import Schema
from ferryman.transforms.fields.name_lists import in_hash_order, name_problems, parts
from ferryman.transforms.fields.schema_check import refuse_misfit
from ferryman.transforms.fields.sides import Sided
from ferryman.transforms.fields.structs import defaults, fields, maps, refuse_nulls, structs, with_defaults

PURPOSE = "field replacement"


class ReplaceFieldConfig(Config):
    exclude: Annotated[Strings, NAMES] = key([], names=("exclude", "blacklist"))
    """Fields to drop; wins over include."""
    include: Annotated[Strings, NAMES] = key([], names=("include", "whitelist"))
    """Fields to keep, by their original names; empty keeps all."""
    renames: Strings = key([])
    """New names, each as ``old:new``, for fields that are kept."""
    replace_null_with_default: Bool = key(True)
    """Whether null fields with a default are copied as that default."""

    def problems(self) -> Iterable[KeyProblem]:
        """Names that are empty, and renames that are not ``old:new``."""
        yield from name_problems("exclude", self.exclude, required=False)
        yield from name_problems("include", self.include, required=False)
        for mapping in self.renames:
            if len(parts(mapping)) != 2:
                given = f"Invalid value [{', '.join(self.renames)}] for configuration renames"
                yield KeyProblem("renames", f"{given}: Invalid rename mapping: {mapping}")
                return


class Member(NamedTuple):
    """A field of the new schema."""

    name: str
    source: str
    """The field that its values come from."""
    other: Schema | None
    """The schema of the field that was kept, where the values come from another one; else None."""


class Plan(NamedTuple):
    """A new schema and where its fields come from."""

    schema: Schema
    members: list[Member]


class Shape(NamedTuple):
    """What becomes of maps with the same keys."""

    dropped: Sequence[Any]
    """The keys that go."""
    moved: Sequence[tuple[Any, str]]
    """The keys that are renamed, with their new names."""
    rebuilt: Sequence[Any] | None
    """The names of a new map, for when that costs less than to change a copy; else None."""
    wanted: Sequence[bool]
    """For each key in order whether it stays; for ``rebuilt``."""


class ReplaceField(Sided[ReplaceFieldConfig]):
    """Drops, keeps and renames fields of a map or struct. A struct's fields stay in their order."""

    config_class = ReplaceFieldConfig
    classes = ("org.apache.kafka.connect.transforms.ReplaceField",)
    takes_maps = True

    def __init__(self, config: ReplaceFieldConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self.exclude = frozenset(config.exclude)
        self.include = frozenset(config.include)
        self.renames = dict(parts(mapping) for mapping in config.renames)
        self.sources = {self.renames[old]: old for old in in_hash_order(self.renames)}
        self._plan = lru_cache(maxsize=16)(self._planned)
        self._shape = lru_cache(maxsize=1000)(self._of_shape)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """Null passes unchanged."""
        return self.past_nulls(batch, self._change)

    def _keeps(self, name: str) -> bool:
        return name not in self.exclude and (not self.include or name in self.include)

    def _change(self, batch: Batch) -> Data:
        data = self.data(batch)
        if isinstance(data, Columns):
            return self._columns(data) or self._structs(data.rows())
        if isinstance(data, Maps):
            return self._map_columns(data.frame)
        return Rows(None, self._maps(maps(data.values, PURPOSE))) if data.schema is None else self._structs(data)

    def _map_columns(self, frame: pl.DataFrame) -> Data:
        """The names are worked on as if they were a map's values. A frame without columns would have no rows."""
        (sources,) = self._maps([{name: name for name in frame.columns}])
        if not sources:
            return Rows(None, [{} for _ in range(frame.height)])
        return Maps(pl.DataFrame({name: frame.get_column(source) for name, source in sources.items()}))

    def _maps(self, values: Sequence[dict[Any, Any]]) -> list[dict[Any, Any]]:
        if not self.include and not self.renames:
            return self._without(values)
        new = []
        keys: tuple[Any, ...] | None = None
        shape = self._shape(())
        for each in values:
            # Records of a topic mostly have the same keys in the same order, so the work on names is done once.
            if keys != (found := tuple(each)):
                keys = found
                shape = self._shape(keys)
            if shape.rebuilt is not None:
                new.append(dict(zip(shape.rebuilt, compress(each.values(), shape.wanted), strict=True)))
                continue
            copy = each.copy()
            for name in shape.dropped:
                del copy[name]
            for old, name in shape.moved:
                copy[name] = copy.pop(old)
            new.append(copy)
        return new

    def _without(self, values: Sequence[dict[Any, Any]]) -> list[dict[Any, Any]]:
        new = [each.copy() for each in values]
        for name in self.exclude:
            for each in new:
                each.pop(name, None)
        return new

    def _of_shape(self, keys: tuple[Any, ...]) -> Shape:
        wanted = [self._keeps(name) for name in keys]
        kept = list(compress(keys, wanted))
        dropped = [name for name in keys if not self._keeps(name)]
        moved = [(name, self.renames[name]) for name in kept if self.renames.get(name, name) != name]
        # A copy of a dict costs less than a new one, unless most of it goes. Names that meet need the order of the map.
        simple = {name for _, name in moved}.isdisjoint(kept) and len({name for _, name in moved}) == len(moved)
        rebuilt = [self.renames.get(name, name) for name in kept]
        return Shape(dropped, moved, None if simple and len(dropped) <= len(kept) else rebuilt, wanted)

    def _planned(self, schema: Schema) -> Plan:
        kept = [(name, self.renames.get(name, name)) for name in schema.by_name if self._keeps(name)]
        renamed = schema.with_fields(fields((new, schema.by_name[old].schema) for old, new in kept))
        members = []
        for old, new in kept:
            # Kafka looks a field up by what the new name was renamed from, even where that is not the field it kept.
            source = self.sources.get(new, new)
            if source not in schema.by_name:
                raise DataError(f"{source} is not a valid field name")
            members.append(Member(new, source, None if source == old else schema.by_name[old].schema))
        return Plan(renamed, members)

    def _structs(self, data: Rows) -> Rows:
        assert data.schema is not None
        values = structs(data, PURPOSE)
        plan, switch = self._plan(data.schema), self.config.replace_null_with_default
        if any(member.other for member in plan.members):
            return Rows(plan.schema, [self._checked(data.schema, plan, value) for value in values])
        new = self._maps(values)
        if not switch:
            refuse_nulls(new, plan.schema, *plan.schema.by_name)
        for name, default in defaults(plan.schema, switch):
            for each in new:
                if each.get(name) is None:
                    each[name] = default
        return Rows(plan.schema, new)

    def _checked(self, schema: Schema, plan: Plan, value: dict[str, Any]) -> dict[str, Any]:
        new = {}
        for member in plan.members:
            source = schema.by_name[member.source].schema
            item = source.read(value.get(member.source), self.config.replace_null_with_default)
            refuse_misfit(item, source, plan.schema.by_name[member.name].schema, f'field: "{member.name}"')
            new[member.name] = item
        return new

    def _columns(self, data: Columns) -> Data | None:
        plan = self._plan(data.schema)
        if not plan.members or any(member.other for member in plan.members):
            # A frame without columns has no rows.
            return None
        kept = Columns(
            data.schema.with_fields(tuple(data.schema.by_name[member.source] for member in plan.members)), data.frame
        )
        frame = with_defaults(kept, self.config.replace_null_with_default)
        if frame is None:
            return None
        return Columns(plan.schema, pl.DataFrame([frame[member.source].alias(member.name) for member in plan.members]))
