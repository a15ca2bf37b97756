"""The keys of the outbox EventRouter."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, ClassVar, Literal, NamedTuple

from ferryman.config import Bool, Config, Str, any_case, key, trim
from ferryman.errors import ConfigError, KeyProblem
from ferryman.regex.pattern import Pattern, compiled
from ferryman.transforms.fields.name_lists import parts

_PLACES = ("header", "envelope", "partition")
_OF_ORACLE = ("table_field_event_id", "table_field_event_key", "table_field_event_payload", "route_by_field")


class Placed(NamedTuple):
    """A column that is put elsewhere."""

    field: str
    place: str
    """header, envelope (the value) or partition."""
    name: str
    """The name it gets there."""


class EventRouterConfig(Config):
    table_field_event_id: Str = key("id", importance="LOW")
    """The column with the event's id, which becomes the header ``id``."""
    table_field_event_key: Str = key("aggregateid", importance="LOW")
    """The column that becomes the key."""
    table_field_event_type: Str = key("type", importance="LOW")
    """The column with the event's type. It is read only if table.fields.additional.placement names it."""
    table_field_event_payload: Str = key("payload", importance="LOW")
    """The column that becomes the value."""
    table_field_event_timestamp: Str | None = key(None)
    """The column that becomes the timestamp, a Debezium time; by default it is when Debezium processed the change."""
    table_fields_additional_placement: Str = key("", importance="HIGH")
    """More columns, as ``column:place`` or ``column:place:name``. The place is ``header``, ``envelope`` or
    ``partition``. With any in the envelope the value is a struct of these and ``payload``."""
    table_field_additional_missing: Annotated[Literal["error", "ignore"], any_case("error", "ignore")] = key("error")
    """What happens if such a column is missing."""
    table_field_event_schema_version: Str | None = key(None, importance="LOW")
    """The column with the version of the value's schema."""
    route_by_field: Str = key("aggregatetype", importance="HIGH")
    """The column whose text the topic is made of."""
    route_topic_regex: Str = key("(?<routedByValue>.*)", importance="LOW")
    """A Java regular expression for the whole text."""
    route_topic_replacement: Str = key("outbox.event.${routedByValue}", importance="HIGH")
    """The topic; ``$1`` and ``${name}`` stand for groups."""
    route_tombstone_on_empty_payload: Bool = key(False, importance="HIGH")
    """Whether an empty payload makes a tombstone."""
    table_op_invalid_behavior: Annotated[Literal["warn", "error", "fatal"], any_case("warn", "error", "fatal")] = key(
        "warn"
    )
    """What an update of the table does: it is logged and dropped, or an error."""
    table_expand_json_payload: Bool = key(False)
    """Whether a text with a JSON object becomes a struct."""
    table_json_payload_null_behavior: Annotated[
        Literal["ignore", "optional_bytes"], any_case("ignore", "optional_bytes")
    ] = key("ignore")
    """Whether null in such an object is left out or kept as optional bytes."""

    refused: ClassVar[Mapping[str, str]] = {
        "field.name.adjustment.mode": "fields of expanded payloads keep their names",
        "tracing.span.context.field": "spans are not traced",
        "tracing.operation.name": "spans are not traced",
        "tracing.with.context.field.only": "spans are not traced",
    }

    def problems(self) -> Iterable[KeyProblem]:
        """Placements that are none, and a pattern that is none."""
        name, given = "table.fields.additional.placement", self.table_fields_additional_placement
        for text in given.split(",") if given else ():
            found = [trim(part) for part in parts(text)]
            if len(found) not in (2, 3) or found[1].lower() not in _PLACES:
                reason = (
                    f"The '{name}' value is invalid: A comma-separated list of valid String pairs or trios is expected"
                )
                listed = ", ".join(trim(each) for each in given.split(","))
                yield KeyProblem(name, f"Invalid value {given} for configuration {name}: {reason} but got: [{listed}]")
                break
        try:
            self.pattern()
        except ConfigError as error:
            yield KeyProblem(
                "route.topic.regex",
                f"Invalid value {self.route_topic_regex} for configuration route.topic.regex: {error}",
            )

    def pattern(self) -> Pattern:
        """The pattern for the text that the topic is made of. Raises ConfigError."""
        return compiled(self.route_topic_regex, "route.topic.regex")

    def placed(self) -> Sequence[Placed]:
        """The columns to put elsewhere, in their order."""
        found = [[trim(part) for part in parts(text)] for text in self.table_fields_additional_placement.split(",")]
        return [
            Placed(each[0], each[1].lower(), each[-1] if len(each) == 3 else each[0]) for each in found if len(each) > 1
        ]

    def of_oracle(self) -> "EventRouterConfig":
        """The same for tables of Oracle, where the columns that are not configured are in upper case."""
        unset = [name for name in _OF_ORACLE if name not in self.model_fields_set]
        return self.model_copy(update={name: str(getattr(self, name)).upper() for name in unset})
