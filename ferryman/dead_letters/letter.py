"""One dead letter as read from its topic, written by Ferryman or by Kafka Connect. Pure.

Kafka Connect writes what went wrong into headers only where errors.deadletterqueue.context.headers.enable says so; a
letter without them is the record alone.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ferryman.dead_letters import header_names as names
from ferryman.record import Coordinates, Original, Payload

LOG_APPEND_TIME = "LogAppendTime"
_NAMED = tuple(f"ield{between}{quote}" for quote in "\"'" for between in (": ", " ", ":"))
"""What stands before a field's name in messages of Kafka's ConnectSchema and Struct; their F is of either case."""
_LONGEST_NAME = 200
_LONGEST_MESSAGE = 10_000
"""Characters of a message in which a field's name is looked for."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A refused record, and what its letter says of the refusal; None for what it does not say."""

    at: Coordinates
    """Where the letter lies."""
    timestamp: int | None
    """The record's timestamp, in milliseconds; if the broker sets timestamps and the letter does not say, the letter's
    own."""
    key: Payload
    value: Payload
    headers: Sequence[tuple[str, Payload]]
    """The record's own."""
    origin: Coordinates | None
    """Where the record lay; of a source, None."""
    connector: str | None
    task: int | None
    stage: str | None
    plugin: str | None
    """The class that failed at it."""
    exception: str | None
    """The class of the error."""
    message: str | None
    trace: str | None
    field: str | None
    """The path of the field at fault."""
    left_out: str | None
    """What the letter lacks of its record, and why."""
    attempts: int = 0
    """How often the record was tried again before."""
    is_timed: bool = True
    """Whether the timestamp is the record's."""
    refused_at: int | None = None
    """When the record was refused, in milliseconds: as the letter says, or else when the broker stamped it."""
    target: tuple[str, int | None] | None = None
    """For the letter of a source: the topic that its record was to go to, and the partition if the source had chosen
    one."""

    def original(self, only_topic: str) -> Original | None:
        """The record as it was in its topic; None if the letter does not hold it, or not say where it was and the
        connector has not ``only_topic`` (which is empty then)."""
        topic = self.target[0] if self.target else only_topic if self.origin is None else self.origin.topic
        if self.left_out is not None or not topic:
            return None
        return Original(topic, self.origin, self.attempts, is_timed=self.is_timed)

    @property
    def record(self) -> bytes | None:
        """What all letters of one record share, and no others; None if it does not say where that lay. A topic that was
        created anew has other records at the same offsets, so the content counts; the time too, where it is the
        record's."""
        if self.origin is None:
            return None
        time = self.timestamp if self.is_timed else None
        content = (self.connector, self.origin, self.is_timed, time, self.key, self.value)
        return hashlib.blake2b(repr(content).encode(), digest_size=16).digest()

    @property
    def place(self) -> tuple[int, int, int]:
        """Which of several letters of one record counts: the one with the highest place."""
        return self.attempts, self.at.offset, self.at.partition

    @property
    def id(self) -> str:
        """Its id in its topic: ``<partition>-<offset>``."""
        return f"{self.at.partition}-{self.at.offset}"


def parsed(
    at: Coordinates,
    timestamp: int | None,
    key: Payload,
    value: Payload,
    headers: Sequence[tuple[str, Payload]],
    timestamp_type: str = "CreateTime",
) -> DeadLetter:
    """What lies in a topic of dead letters. Of a header that occurs several times the last counts, as it is the one
    that was added last: a letter that was refused again keeps those of the first time."""
    context = {name: _text(content) for name, content in headers if name.startswith((names.CONNECT, names.OURS))}
    own_time = _time(context.get(names.TIMESTAMP))
    stamped = timestamp if timestamp_type == LOG_APPEND_TIME else None
    if own_time is None and timestamp_type != LOG_APPEND_TIME:
        own_time = timestamp
    refused_at = _time(context.get(names.TIME))
    message = context.get(names.MESSAGE)
    origin = _origin(context)
    return DeadLetter(
        at=at,
        timestamp=timestamp if own_time is None else own_time,
        key=key,
        value=value,
        headers=[(name, content) for name, content in headers if name not in context],
        origin=origin,
        connector=context.get(names.CONNECTOR),
        task=_whole(context.get(names.TASK)),
        stage=context.get(names.STAGE),
        plugin=context.get(names.PLUGIN),
        exception=context.get(names.EXCEPTION),
        message=message,
        trace=context.get(names.TRACE),
        field=context.get(names.FIELD) or _field(message),
        left_out=_left_out(context),
        attempts=max(0, _whole(context.get(names.ATTEMPTS)) or 0),
        refused_at=stamped if refused_at is None else refused_at,
        target=_target(context) if origin is None else None,
        is_timed=own_time is not None or timestamp_type != LOG_APPEND_TIME,
    )


def _origin(context: Mapping[str, str | None]) -> Coordinates | None:
    topic = context.get(names.TOPIC)
    partition, offset = (_whole(context.get(name)) for name in (names.PARTITION, names.OFFSET))
    if topic is None or partition is None or offset is None:
        return None
    return Coordinates(topic, partition, offset)


def _target(context: Mapping[str, str | None]) -> tuple[str, int | None] | None:
    topic = context.get(names.TOPIC)
    return None if topic is None else (topic, _whole(context.get(names.PARTITION)))


def _field(message: str | None) -> str | None:
    text = (message or "")[:_LONGEST_MESSAGE]
    _, is_ours, rest = text.rpartition("(field ")
    names = [rest.partition(")")[0].partition(",")[0]] if is_ours else []
    for before in _NAMED:
        name, is_closed, _ = text.partition(before)[2].partition(before[-1])
        names += [name] if is_closed else []
    return next((name for name in names if 0 < len(name) <= _LONGEST_NAME), None)


def _left_out(context: Mapping[str, str | None]) -> str | None:
    parts = context.get(names.LEFT_OUT)
    return None if parts is None else f"{parts} ({context.get(names.LEFT_OUT_BECAUSE_OF) or 'no reason given'})"


def _time(text: str | None) -> int | None:
    time = _whole(text)
    return time if time is not None and 0 < time < 1 << 63 else None


def _whole(text: str | None) -> int | None:
    try:
        return None if text is None or len(text) > 20 else int(text)
    except ValueError:
        return None


def _text(content: Payload) -> str | None:
    return None if content is None else content.decode(errors="replace")
