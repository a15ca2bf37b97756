"""What a dead letter of a source holds: the record as the source handed it over, in JSON with its schema. Pure.

The connector's own converters may be what refused it, or the registry behind them, so key and value never depend on
them: JsonConverter with schemas.enable=true reads both back, types and all. The record's headers are written by the
header converter, and those that it cannot write are left out.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ferryman.chain import headers
from ferryman.chain.narrowing import Failure
from ferryman.conversion import Converter
from ferryman.dead_letters import header_names as names
from ferryman.dead_letters import source_converters
from ferryman.errors import RetriableError, TaskError
from ferryman.record import Header, Payload, Polled, Record, Rows
from ferryman.schema import Schema
from ferryman.task.errors.letter_writer import Headers, Size, context, in_headers, left_out, refused_now
from ferryman.telemetry.redaction import redact


@dataclass(frozen=True, slots=True)
class SourceLetter:
    """A letter as it is produced."""

    failure: Failure
    size: Size
    """How much of the record is in it."""
    key: Payload
    value: Payload
    headers: Headers
    timestamp: int
    """In milliseconds; 0 for none."""


@dataclass(slots=True)
class _Lacks:
    """The parts of its record that a letter lacks."""

    parts: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def note(self, part: str, reason: object) -> None:
        """Leaves a part out."""
        self.parts.append(part)
        self.reasons.append(redact(str(reason)))

    def headers(self) -> Headers:
        """The headers that say so."""
        if not self.parts:
            return ()
        return in_headers({names.LEFT_OUT: ",".join(self.parts), names.LEFT_OUT_BECAUSE_OF: "; ".join(self.reasons)})


@dataclass(frozen=True, slots=True)
class SourceLetterWriter:
    """Makes the letters of one task."""

    header: Converter[Any]
    """The connector's header converter."""
    context_headers: bool
    """Whether letters tell in headers what went wrong (errors.deadletterqueue.context.headers.enable)."""
    connector: str
    task: int
    _key: Converter[Any] = field(default_factory=lambda: source_converters.converter("key"))
    _value: Converter[Any] = field(default_factory=lambda: source_converters.converter("value"))

    def letter(self, failure: Failure, size: Size = Size.WHOLE, limit: str = "") -> SourceLetter:
        """A failure's letter. ``limit`` is the setting for which it is smaller than its record.

        RetriableError when the header converter's registry is away.
        """
        record, lacks = origin(failure), _Lacks()
        key = _written("key", self._key, record.key_schema, record.key, lacks)
        value = _written("value", self._value, record.value_schema, record.value, lacks)
        own = self._own_headers(record, lacks)
        lacking = left_out(size, limit, len(value or b"")) or lacks.headers()
        told = self._told(failure, size) if self.context_headers else ()
        return SourceLetter(
            failure=failure,
            size=size,
            key=None if size is Size.COORDINATES else key,
            value=value if size is Size.WHOLE else None,
            headers=(*(() if size is Size.COORDINATES else own), *_where(record), *told, *lacking),
            timestamp=_time(record.timestamp),
        )

    def _told(self, failure: Failure, size: Size) -> Headers:
        return refused_now() if size is Size.COORDINATES else context(failure, self.connector, self.task)

    def _own_headers(self, record: Record, lacks: _Lacks) -> Headers:
        found: list[tuple[str, str | bytes | None]] = []
        for header in record.headers:
            try:
                found.append((headers.name_of(header), self._header(record.topic, header)))
            except (RetriableError, TaskError):
                raise
            except Exception as error:
                lacks.note(f"headers.{header.key}", error)
        return tuple(found)

    def _header(self, topic: str, header: Header) -> Payload:
        return self.header.from_data(topic, Rows(header.schema, [header.value]))[0]


def _time(given: object) -> int:
    """What the client takes of a record's time, which may be what the record was refused for."""
    return given if isinstance(given, int) and 0 < given < 1 << 63 else 0


def origin(failure: Failure) -> Record:
    """The record that a source handed over."""
    assert not isinstance(failure.origin, Polled)
    return failure.origin[failure.position]


def _written(part: str, converter: Converter[Any], schema: Schema | None, value: Any, lacks: _Lacks) -> Payload:
    """A key or a value with its schema; without it where it does not fit it, and as null where it is no JSON."""
    try:
        return converter.from_data("", Rows(schema, [value]))[0]
    except Exception as error:
        if schema is None:
            lacks.note(part, error)
            return None
        lacks.note(f"{part}.schema", error)
        return _written(part, converter, None, value, lacks)


def _where(record: Record) -> Headers:
    """Where the record was to go and where it comes from; without it a letter would belong to no connector."""
    facts = {names.TOPIC: str(record.topic)}
    if record.partition is not None:
        facts[names.PARTITION] = str(record.partition)
    if record.timestamp:
        facts[names.TIMESTAMP] = str(record.timestamp)
    places = {names.SOURCE_PARTITION: record.source_partition, names.SOURCE_OFFSET: record.source_offset}
    return in_headers(facts | {name: source_text(place) for name, place in places.items() if place is not None})


def source_text(place: Mapping[str, Any]) -> str:
    """A source's partition or offset as the offsets topic has it, where that is possible."""
    return json.dumps(dict(place), default=_other, ensure_ascii=False, separators=(",", ":"))


def _other(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)
