"""EventRouter: makes messages of the rows that applications write to an outbox table, by way of Debezium."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ferryman.api import Transform
from ferryman.errors import DataError, MissingValue, SchemaMismatch, UnknownField
from ferryman.java.texts import schema_text
from ferryman.record import Header, Record, Rows
from ferryman.schema import STRING, Schema, Type
from ferryman.telemetry import place
from ferryman.transforms.debezium.change_event import ConnectError, field_of_type, is_envelope, member
from ferryman.transforms.debezium.json_expansion import Inference, NotExpandable, fit_to_schema, parse_json
from ferryman.transforms.debezium.outbox_keys import EventRouterConfig
from ferryman.transforms.fields.schema_check import refuse_misfit
from ferryman.transforms.fields.structs import fields, structs

log = logging.getLogger(__name__)
Struct = Mapping[str, Any]
_PER_MILLI = {
    "io.debezium.time.Timestamp": 1,
    "io.debezium.time.MicroTimestamp": 1_000,
    "io.debezium.time.NanoTimestamp": 1_000_000,
}


class UnexpectedUpdate(DataError):
    """An update of a table to which rows should only be added."""

    java = "java.lang.IllegalStateException"


@dataclass(slots=True)
class Message:
    """The message made from an event, so far."""

    value: Any
    schema: Schema | None
    headers: list[Header] = field(default_factory=list)
    partition: int | None = None

    def put(self, name: str, item: Any, given: Schema | None) -> None:
        """Puts a field into the struct. Raises DataError where its schema was made of another event's columns."""
        assert self.schema is not None
        wanted = member(self.schema, name)
        refuse_misfit(item, given or wanted, wanted, f'field: "{name}"')
        self.value[name] = item


class EventRouter(Transform[EventRouterConfig]):
    """Turns inserts into an outbox table into messages: topic, key, value and headers come from columns. Deletes and
    tombstones are dropped; what is no change event passes as it is."""

    config_class = EventRouterConfig
    classes = ("io.debezium.transforms.outbox.EventRouter",)

    def __init__(self, config: EventRouterConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self.of_oracle = config.of_oracle()
        self.placed = config.placed()
        self.wraps = any(each.place == "envelope" for each in self.placed)
        self.inference = Inference(config.table_json_payload_null_behavior == "optional_bytes")
        self.wrappers: dict[Any, Schema] = {}

    def apply(self, record: Record) -> Record | None:
        """The message of one event. Raises DataError for an event without the columns that it needs."""
        schema = record.value_schema
        if record.value is None:
            return None
        if schema is None or not is_envelope(schema):
            return record
        _require(record.value, schema, "Detect Debezium Operation")
        operation = field_of_type(record.value, schema, "op", Type.STRING)
        if operation is None:
            raise MissingValue("A change event without its operation")
        if operation == "u":
            self._refuse_update(record)
        return None if operation in ("u", "d") else self._message(record, schema)

    def _refuse_update(self, record: Record) -> None:
        behavior = self.config.table_op_invalid_behavior
        if behavior == "fatal":
            raise UnexpectedUpdate("Unexpected update message received, fail.")
        level = logging.WARNING if behavior == "warn" else logging.ERROR
        log.log(level, "an update of the outbox table was ignored", extra=place.of(record))

    def _message(self, record: Record, envelope: Schema) -> Record:
        if "after" not in envelope.by_name:
            raise UnknownField("Unknown field: after")
        schema = envelope.by_name["after"].schema
        row = schema.read(record.value.get("after"))
        _require(row, schema, "Read Outbox Event")
        keys = self.of_oracle if _of_oracle(record.value) else self.config
        if keys.table_field_event_payload not in schema.by_name:
            raise ConnectError(f"Unable to find payload field {keys.table_field_event_payload} in event")
        timestamp = _timestamp(keys.table_field_event_timestamp, record.value, envelope, row, schema)
        first = _header("id", keys.table_field_event_id, row, schema)
        payload, of_payload = self._payload(record, row, schema, keys.table_field_event_payload)
        message = self._wrapped(payload, of_payload, schema, row, keys)
        message.headers += [*record.headers, first]
        # A record that was consumed needs a partition, one that will be produced does not.
        message.partition = None if record.offset is None else record.partition
        self._place(message, row, schema)
        empty = self.config.route_tombstone_on_empty_payload and _empty(payload)
        key = _read(row, schema, keys.table_field_event_key)
        return replace(
            record,
            topic=self._topic(field_of_type(row, schema, keys.route_by_field, Type.STRING)),
            partition=message.partition,
            key=key,
            key_schema=member(schema, keys.table_field_event_key),
            value=None if empty else message.value,
            value_schema=None if empty else message.schema,
            timestamp=timestamp,
            headers=tuple(message.headers),
        )

    def _wrapped(
        self, payload: Any, of_payload: Schema | None, schema: Schema, row: Struct, keys: EventRouterConfig
    ) -> Message:
        """The payload, or the struct that it goes into beside other columns."""
        if not self.wraps:
            return Message(payload, of_payload)
        message = Message({}, self._value_schema(of_payload, schema, row, keys))
        # A text may stand under a schema that was inferred from it but not met.
        message.put("payload", payload, STRING if isinstance(payload, str) else of_payload)
        return message

    def _place(self, message: Message, row: Struct, schema: Schema) -> None:
        """Puts further columns where the config has them."""
        for each in self.placed:
            if self.config.table_field_additional_missing == "ignore" and each.field not in schema.by_name:
                continue
            match each.place:
                case "header":
                    message.headers.append(_header(each.name, each.field, row, schema))
                case "envelope":
                    message.put(each.name, _read(row, schema, each.field), member(schema, each.field))
                case _:
                    message.partition = field_of_type(row, schema, each.field, Type.INT32)

    def _topic(self, routed_by: str | None) -> str:
        if routed_by is None:
            raise MissingValue("An event without the text that its topic is made of")
        return self.config.pattern().renamed(routed_by, self.config.route_topic_replacement)

    def _payload(self, record: Record, row: Struct, schema: Schema, name: str) -> tuple[Any, Schema | None]:
        payload, found = _read(row, schema, name), schema.by_name[name].schema
        if not self.config.table_expand_json_payload or payload is None:
            return payload, found
        if not isinstance(payload, str):
            log.warning("a payload is no text, so it cannot be expanded as JSON", extra=place.of(record))
            return payload, found
        inferred: Schema | None = found
        try:
            data = parse_json(payload)
            # Where the data does not fit the schema inferred from it, Debezium leaves the text under that schema.
            inferred = self.inference.schema(name, data)
            return fit_to_schema(data, inferred), inferred
        except NotExpandable as error:
            log.warning("a payload could not be expanded as JSON: %s", error, extra=place.of(record))
            return payload, inferred

    def _value_schema(self, payload: Schema | None, row: Schema, values: Struct, keys: EventRouterConfig) -> Schema:
        """The schema of payload and envelope columns. Debezium makes one a payload's schema (or version), and so names
        it after the topic of the first event."""
        version_field = self.config.table_field_event_schema_version
        version = None if version_field is None else field_of_type(values, row, version_field, Type.INT32)
        routed_by = field_of_type(values, row, keys.route_by_field, Type.STRING)
        if payload is None and version_field is None:
            raise MissingValue("An empty JSON array as payload has no schema that could stand beside other columns")
        known = payload if version_field is None else version
        if known not in self.wrappers:
            self.wrappers[known] = self._wrapper(payload, row, routed_by, version)
        return self.wrappers[known]

    def _wrapper(self, payload: Schema | None, row: Schema, routed_by: str | None, version: int | None) -> Schema:
        prefix, dot, last = (row.name or "").rpartition(".")
        name = routed_by if row.name is None else f"{prefix}{dot}{routed_by}.{last}"
        if payload is None:
            raise SchemaMismatch("fieldSchema for field payload cannot be null.")
        members = [("payload", payload)]
        for each in self.placed:
            if each.place != "envelope":
                continue
            if each.field in row.by_name:
                members.append((each.name, row.by_name[each.field].schema))
            elif self.config.table_field_additional_missing == "error":
                raise ConnectError(f"Unable to find field {each.field} in event")
        return Schema(Type.STRUCT, name=name, version=version, fields=fields(members))


def _require(value: Any, schema: Schema, purpose: str) -> None:
    structs(Rows(schema, [value]), purpose)


def _read(row: Struct, schema: Schema, name: str) -> Any:
    return member(schema, name).read(row.get(name))


def _of_oracle(event: Struct) -> bool:
    source = event.get("source")
    return isinstance(source, dict) and source.get("connector") == "oracle"


def _header(name: str, field: str, row: Struct, schema: Schema) -> Header:
    value, found = _read(row, schema, field), schema.by_name[field].schema
    if value is None and not found.optional:
        raise DataError(f"A null value requires an optional schema but was {schema_text(found)}")
    return Header(name, value, found)


def _empty(payload: Any) -> bool:
    # Java's trim takes every control character for a blank.
    return payload is None or (isinstance(payload, str) and all(sign <= " " for sign in payload))


def _timestamp(name: str | None, event: Struct, envelope: Schema, row: Struct, schema: Schema) -> int | None:
    """The message's timestamp in milliseconds: that of a column, or when Debezium processed the change."""
    if name is None:
        found: int | None = field_of_type(event, envelope, "ts_ms", Type.INT64)
        return found
    if name not in schema.by_name:
        raise ConnectError(f"Unable to find timestamp field {name} in event")
    at: int | None = field_of_type(row, schema, name, Type.INT64)
    if at is None:
        return _timestamp(None, event, envelope, row, schema)
    kind = schema.by_name[name].schema.name
    if kind is None:
        raise ConnectError("Unsupported field type INT64 (without logical schema name) for event timestamp")
    if kind not in _PER_MILLI:
        raise ConnectError(f"Unsupported field type {kind} for event timestamp")
    return at // _PER_MILLI[kind] if at >= 0 else -(-at // _PER_MILLI[kind])
