"""What a dead letter holds: the record as it was, or as much of it as fits, and headers that tell where it lies. Pure,
but for the clock.

``dead_letters/header_names.py`` says what stands in which header, and ``dead_letters/letter.py`` reads them.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum

from ferryman.chain.narrowing import Failure
from ferryman.dead_letters import header_names as names
from ferryman.errors import DataError, FerrymanError, TaskError
from ferryman.record import Coordinates, Payload, Polled
from ferryman.telemetry import traces
from ferryman.telemetry.redaction import redact

Headers = tuple[tuple[str, str | bytes | None], ...]


class Size(IntEnum):
    """How much of the record goes into its letter."""

    WHOLE = 0
    NO_VALUE = 1
    """Its value is left out."""
    COORDINATES = 2
    """All is left out but where it lies."""


_LEFT_OUT = {Size.NO_VALUE: "value", Size.COORDINATES: "key,value,headers"}


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it is produced."""

    failure: Failure
    origin: Coordinates
    """Where the record lies."""
    size: Size
    """How much of the record is in it."""
    key: Payload
    value: Payload
    headers: Headers
    timestamp: int
    """In milliseconds; 0 for none, which a producer takes for the present."""

    def of_now(self) -> "Letter":
        """The same with the present time, for a broker that does not take the record's; that is in a header."""
        own = [each for each in _time(self.failure) if each not in self.headers]
        return replace(self, timestamp=0, headers=(*self.headers, *own))


@dataclass(frozen=True, slots=True)
class LetterWriter:
    """Makes the letters of one task."""

    context_headers: bool
    """Whether letters tell in headers what went wrong (errors.deadletterqueue.context.headers.enable)."""
    connector: str
    task: int

    def letter(self, failure: Failure, size: Size = Size.WHOLE, limit: str = "") -> Letter:
        """A failure's letter. ``limit`` is the setting for which it is smaller than its record."""
        record, origin, at = failure.origin, failure.coordinates, failure.position
        assert isinstance(record, Polled)
        assert origin is not None
        value = record.values[at]
        own: Headers = () if record.headers is None else tuple(record.headers[at])
        return Letter(
            failure=failure,
            origin=origin,
            size=size,
            key=None if size is Size.COORDINATES else record.keys[at],
            value=value if size is Size.WHOLE else None,
            headers=self._headers(failure, size, own, left_out(size, limit, len(value or b""))),
            timestamp=record.timestamps[at] or 0,
        )

    def smaller(self, letter: Letter, limit: str) -> Letter:
        """The same with less of the record. TaskError when nothing is left to leave out."""
        if letter.size is Size.COORDINATES:
            raise hopeless(letter.origin, limit)
        return self.letter(letter.failure, Size(letter.size + 1), limit)

    def _headers(self, failure: Failure, size: Size, own: Headers, left_out: Headers) -> Headers:
        where = (*in_headers(_where(failure)), *_tried(failure))
        if size is Size.COORDINATES:
            return (*where, *(refused_now() if self.context_headers else ()), *left_out)
        if self.context_headers:
            return (*own, *where, *_time(failure), *context(failure, self.connector, self.task), *left_out)
        return (*own, *(where if left_out else _tried(failure)), *left_out)


def context(failure: Failure, connector: str, task: int) -> Headers:
    """The headers that tell who refused a record, and why."""
    error = failure.error
    facts = {
        names.CONNECTOR: connector,
        names.TASK: str(task),
        names.STAGE: failure.stage.value,
        names.PLUGIN: failure.plugin,
        names.EXCEPTION: error_class(error),
        names.MESSAGE: redact(str(error)),
        names.TRACE: redact(traces.of(error)),
    }
    field = error.field if isinstance(error, DataError) else ""
    return (*in_headers(facts | ({names.FIELD: redact(field)} if field else {})), *refused_now())


def refused_now() -> Headers:
    """When a record was refused, in milliseconds since 1970: now, since its letter is made at once."""
    return in_headers({names.TIME: str(time.time_ns() // 1_000_000)})


def _where(failure: Failure) -> dict[str, str]:
    """Of a letter that was replayed, what it said itself."""
    record = failure.origin
    assert isinstance(record, Polled)
    if record.originals is None:
        return _placed(record.original_coordinates(failure.position))
    original = record.originals[failure.position]
    return {names.TOPIC: original.topic} if original.coordinates is None else _placed(original.coordinates)


def _time(failure: Failure) -> Headers:
    """The record's time, for topics whose letters the broker stamps."""
    record, at = failure.origin, failure.position
    assert isinstance(record, Polled)
    time = record.timestamps[at]
    is_known = time is not None and (record.originals is None or record.originals[at].is_timed)
    return in_headers({names.TIMESTAMP: str(time)}) if is_known else ()


def _tried(failure: Failure) -> Headers:
    record = failure.origin
    assert isinstance(record, Polled)
    if record.originals is None:
        return ()
    original = record.originals[failure.position]
    edit = {names.EDIT: redact(original.edit)} if original.edit else {}
    return in_headers({names.ATTEMPTS: str(original.attempts + 1)} | edit)


def _placed(origin: Coordinates) -> dict[str, str]:
    return {names.TOPIC: origin.topic, names.PARTITION: str(origin.partition), names.OFFSET: str(origin.offset)}


def left_out(size: Size, limit: str, value_bytes: int) -> Headers:
    """What a letter of that size lacks, and the setting because of which it does."""
    if size is Size.WHOLE:
        return ()
    return in_headers(
        {
            names.LEFT_OUT: _LEFT_OUT[size],
            names.LEFT_OUT_BECAUSE_OF: limit,
            names.VALUE_BYTES: str(value_bytes),
        }
    )


def in_headers(facts: Mapping[str, str]) -> Headers:
    """Facts as headers, in UTF-8."""
    return tuple((name, fact.encode(errors="replace")) for name, fact in facts.items())


def hopeless(origin: Coordinates, limit: str) -> TaskError:
    """A letter that is too large with nothing in it."""
    return TaskError(f"the dead letter of {origin} was not written: without its record it still exceeds {limit}")


def error_class(error: BaseException) -> str:
    """The class name to report: Java's for errors that Kafka Connect has too."""
    return error.java if isinstance(error, FerrymanError) else f"{type(error).__module__}.{type(error).__qualname__}"
