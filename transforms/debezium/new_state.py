"""Rows made of Debezium's change events: what ExtractNewRecordState does, and did under its former name."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from enum import Enum, auto
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from ferryman.config import trim
from ferryman.errors import DataError, MissingValue, UnknownField
from ferryman.formats import eager
from ferryman.joining import joined
from ferryman.record import Batch, Columns, Data, Header, Headers, Rows
from ferryman.repeated import H, Repeated
from ferryman.schema import STRING, Schema, Type
from ferryman.transforms.debezium.change_event import Reference, WrongClass, field_of_type, is_envelope, member
from ferryman.transforms.debezium.new_state_keys import ExtractNewRecordStateConfig
from ferryman.transforms.debezium.steps import member_of, with_text, without
from ferryman.transforms.fields.structs import fields, refuse_nulls, structs, with_defaults

PURPOSE = "source field insertion"
Side = Literal["key", "value"]


class Event(Enum):
    """What a record tells of a row."""

    STATE = auto()
    DELETE = auto()
    TRUNCATE = auto()
    TOMBSTONE = auto()
    OTHER = auto()


class Pair(NamedTuple):
    """Events and what has been made of them."""

    event: Batch
    new: Batch
    """As many as events, in the same order."""

    def split(self, keys: Sequence[H]) -> Iterator[tuple[H, "Pair"]]:
        """The pair of each key, of which each record has one."""
        for (key, event), (_, new) in zip(self.event.split(keys), self.new.split(keys), strict=True):
            yield key, Pair(event, new)

    def routed(self, topics: Sequence[str | None]) -> Iterator["Pair"]:
        """A pair for each topic, and sent there; a blank one leaves the topic as it is."""
        for topic, (event, new) in self.split(topics):
            yield Pair(event, replace(new, topic=topic) if topic and trim(topic) else new)


class NewState:
    """Puts the row as a change left it in the place of the event, as a config says."""

    def __init__(self, config: ExtractNewRecordStateConfig) -> None:
        self.config = config
        self.handling = config.handling()
        self.fields = config.fields_added()
        self.headers = config.headers_added()
        self._schema = lru_cache(maxsize=64)(self._with_fields)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """A batch for each topic, pair of schemas and form, whatever the order of the events."""
        kinds = self._kinds(batch.value)
        return joined([result for kind, part in batch.split(kinds) for result in self._applied(kind, part)])

    def _kinds(self, data: Data) -> Sequence[Event]:
        """What each record is. Raises UnknownField for an envelope without ``after``, or ``before`` where it counts."""
        tombstone = _nulls(data)
        if not is_envelope(data.schema):
            return [Event.TOMBSTONE if null else Event.OTHER for null in tombstone]
        if all(tombstone):
            return [Event.TOMBSTONE] * len(data)
        self._known_headers(data)
        gone = _null_members(data, "after")
        if gone == tombstone:
            return [Event.TOMBSTONE if null else Event.STATE for null in tombstone]
        empty = _null_members(data, "before")
        return [
            Event.TOMBSTONE if null else Event.STATE if not at else Event.TRUNCATE if nothing else Event.DELETE
            for null, at, nothing in zip(tombstone, gone, empty, strict=True)
        ]

    def _applied(self, kind: Event, batch: Batch) -> Iterable[Batch]:
        if kind is Event.OTHER:
            return [batch]
        if self.headers:
            batch = self._with_headers(batch, kind)
        match kind:
            case Event.TOMBSTONE:
                return [] if self.handling.drop_tombstones else [batch]
            case Event.DELETE:
                return self._deleted(batch)
            case Event.STATE:
                return self._state(batch)
            case _:
                return []

    def _known_headers(self, data: Data) -> Sequence[tuple[Reference, Schema]]:
        """The headers whose metadata the events have. Raises DataError where their struct has none, before all else."""
        assert data.schema is not None
        known = [(each, each.schema(data.schema)) for each in self.headers]
        return [(each, schema) for each, schema in known if schema is not None]

    def _with_headers(self, batch: Batch, kind: Event) -> Batch:
        if kind is Event.TOMBSTONE:
            found = tuple(Header(each.name, "d", STRING) for each in self.headers if each.field == "op")
            new = Repeated([found], [0] * len(batch))
        else:
            columns = [
                [Header(each.name, value, schema) for value in each.values(batch.value)]
                for each, schema in self._known_headers(batch.value)
            ]
            new = Repeated.of(list(zip(*columns, strict=True)) if columns else [()] * len(batch))
        if batch.headers:
            new = Repeated.joined([Repeated.of(batch.headers), new], lambda own, more: (*own, *more))
        return replace(batch, headers=new)

    def _deleted(self, event: Batch) -> Iterable[Batch]:
        new = self._of_delete(event)
        pairs = [] if new is None else [Pair(event, new)]
        if self.config.route_by_field:
            pairs = [part for pair in pairs for part in pair.routed(self._topics_before(pair.event.value))]
        if self.config.drop_fields_header_name:
            pairs = [part for pair in pairs for part in self._without_fields(pair)]
        return [self._with_metadata(pair) if self.handling.deletes == "rewrite" else pair.new for pair in pairs]

    def _of_delete(self, event: Batch) -> Batch | None:
        match self.handling.deletes:
            case "drop":
                return None
            case "null":
                return replace(event, value=member_of(event.value, "after"))
            case "tombstone":
                return replace(event, value=Rows(None, [None] * len(event)))
            case _:
                return self._marked(replace(event, value=member_of(event.value, "before")), "true")

    def _state(self, event: Batch) -> Iterable[Batch]:
        new = replace(event, value=member_of(event.value, "after"))
        pairs = [Pair(event, self._marked(new, "false") if self.handling.deletes == "rewrite" else new)]
        if self.config.route_by_field:
            pairs = [part for pair in pairs for part in pair.routed(self._topics(pair.new.value))]
        pairs = [Pair(pair.event, self._with_metadata(pair)) for pair in pairs]
        if self.config.drop_fields_header_name:
            pairs = [part for pair in pairs for part in self._without_fields(pair)]
        return [pair.new for pair in pairs]

    def _marked(self, batch: Batch, deleted: str) -> Batch:
        if batch.value.schema is None or batch.value.schema.type is not Type.STRUCT:
            return batch
        switch = self.config.replace_null_with_default
        return replace(batch, value=with_text(batch.value, "__deleted", deleted, switch))

    def _topics(self, data: Data) -> Sequence[str | None]:
        rows = data.rows()
        structs(rows, "Read record to set topic routing for CREATE / UPDATE")
        assert rows.schema is not None
        return [field_of_type(value, rows.schema, self.config.route_by_field, Type.STRING) for value in rows.values]

    def _topics_before(self, data: Data) -> Sequence[str | None]:
        rows = data.rows()
        assert rows.schema is not None
        before = member(rows.schema, "before")
        found = [field_of_type(value, rows.schema, "before", Type.STRUCT) for value in rows.values]
        if None in found:
            raise MissingValue("A delete without its row before, from which its topic should be read")
        return [field_of_type(value, before, self.config.route_by_field, Type.STRING) for value in found]

    def _with_fields(self, schema: Schema, envelope: Schema) -> tuple[Schema, Sequence[Reference]]:
        """The schema with the metadata that its event has, and which that is."""
        known = [(each, each.schema(envelope)) for each in self.fields]
        added = [(each.name, found) for each, found in known if found is not None]
        new = schema.with_fields(fields([(each.name, each.schema) for each in schema.fields] + added))
        return new, [each for each, found in known if found is not None]

    def _with_metadata(self, pair: Pair) -> Batch:
        """The new record with added fields; built anew even where there are none, so that its schema has no default."""
        event, data = pair.event.value, pair.new.value
        if isinstance(data, Rows):
            structs(data, PURPOSE)
        assert data.schema is not None
        assert event.schema is not None
        field_of_type({}, event.schema, "op", Type.STRING)
        schema, added = self._schema(data.schema, event.schema)
        if isinstance(data, Columns) and isinstance(event, Columns) and not _nested(schema, added):
            frame = with_defaults(data, False)
            if frame is not None:
                columns = Columns(schema, eager.put(frame, [each.column(event) for each in added]))
                return replace(pair.new, value=columns)
        rows = data.rows().values
        refuse_nulls(rows, data.schema, *data.schema.by_name)
        new = [value.copy() for value in rows]
        for each in added:
            for value, item in zip(new, each.values(event), strict=True):
                value[each.name] = item
        _refuse_structs(new, schema, added)
        return replace(pair.new, value=Rows(schema, new))

    def _without_fields(self, pair: Pair) -> Iterator[Pair]:
        name = self.config.drop_fields_header_name
        headers = Repeated.of(pair.new.headers or [()] * len(pair.new))
        for names, part in pair.split(list(headers.each(lambda each: _names_in_header(each, name)))):
            parts = [part]
            if names and self.config.drop_fields_from_key:
                parts = [each for one in parts for each in self._dropped(one, names, "key")]
            if names:
                parts = [each for one in parts for each in self._dropped(one, names, "value")]
            yield from parts

    def _dropped(self, pair: Pair, names: Sequence[str | None], side: Side) -> Sequence[Pair]:
        data = _side(pair.new, side)
        if side == "key" and all(_nulls(data)):
            return [pair]
        if self.config.drop_fields_keep_schema_compatible:
            if data.schema is None:
                raise MissingValue(f"A {side} without a schema: none of its fields is known to be optional")
            if data.schema.type is not Type.STRUCT:
                raise DataError("Cannot list fields on non-struct type")
            names = [each.name for each in data.schema.fields if each.schema.optional and each.name in names]
        if not names:
            return [pair]
        return [
            Pair(event, new if null else _with(new, side, without(_side(new, side), names)))
            for null, (event, new) in pair.split(_nulls(data))
        ]


def _side(batch: Batch, side: Side) -> Data:
    return batch.key if side == "key" else batch.value


def _with(batch: Batch, side: Side, data: Data) -> Batch:
    return replace(batch, key=data) if side == "key" else replace(batch, value=data)


def _nulls(data: Data) -> Sequence[bool]:
    return [False] * len(data) if isinstance(data, Columns) else [value is None for value in data.values]


def _null_members(data: Data, name: str) -> Sequence[bool]:
    assert data.schema is not None
    if isinstance(data, Rows):
        structs(data, "field extraction", null=True)
    if name not in data.schema.by_name:
        raise UnknownField(f"Unknown field: {name}")
    if isinstance(data, Columns):
        null = eager.nulls(data.frame.get_column(name)).to_list()
    else:
        null = [value is None or value.get(name) is None for value in data.values]
    if data.schema.by_name[name].schema.default is None:
        return null
    return _nulls(data)


def _names_in_header(headers: Headers, name: str) -> tuple[str | None, ...]:
    """The names in the first header of that name; None for what is no text, and so names no field."""
    found = next((each.value for each in headers if each.key == name), None)
    if found is not None and not isinstance(found, list):
        raise WrongClass(f"The header {name} does not hold a list of fields")
    return tuple(each if isinstance(each, str) else None for each in found or ())


def _nested(schema: Schema, added: Sequence[Reference]) -> bool:
    """Whether there is a struct or map as metadata, whose new schema does not say what is in it, as a column must."""
    return any(schema.by_name[each.name].schema.type in (Type.STRUCT, Type.MAP) for each in added)


def _refuse_structs(values: Sequence[dict[str, Any]], schema: Schema, added: Sequence[Reference]) -> None:
    """Raises DataError for a struct as metadata: the schema that it gets has no fields, so it never fits."""
    for each in added:
        if schema.by_name[each.name].schema.type is Type.STRUCT and any(
            value[each.name] is not None for value in values
        ):
            raise DataError("Struct schemas do not match.")
