"""Which record a line of the log is about: in JSON as fields, in text in words.

A line about a record gets ``extra=at(…)``. Keys are told as a hash, which finds the lines about a key that is known:
``printf %s KEY | sha256sum | cut -c1-16``.
"""

import hashlib
import logging
from collections.abc import Mapping
from typing import Any

from ferryman.record import Coordinates, Record
from ferryman.telemetry import redaction

HASH_DIGITS = 16
"""How many hexadecimal digits of a key's SHA-256 are shown."""
Place = Mapping[str, Any]


def at(where: Coordinates, key: bytes | None = None, **more: object) -> dict[str, Place]:
    """A record of a topic, as ``extra`` for a call of a logger. ``key`` is the record's as it is in Kafka; ``more`` are
    other fields, of which those that are None are left out."""
    return of_topic(where.topic, partition=where.partition, offset=where.offset, key=hashed(key), **more)


def of(record: Record, **more: object) -> dict[str, Place]:
    """The same of a record as plugins see it: of a source's the topic that it goes to."""
    key = record.key.encode(errors="replace") if isinstance(record.key, str) else record.key
    known = key if isinstance(key, bytes) else None
    where = record.original_coordinates or record.origin
    if where is not None:
        return at(where, known, **more)
    return of_topic(record.topic, partition=record.partition, key=hashed(known), **more)


def of_topic(topic: str, **more: object) -> dict[str, Place]:
    """A record that has no place in its topic yet, such as a source's."""
    return {"place": {"topic": topic, **{name: value for name, value in more.items() if value is not None}}}


def hashed(key: bytes | None) -> str | None:
    """What is shown of a key; None if there is none."""
    return None if key is None else hashlib.sha256(key).hexdigest()[:HASH_DIGITS]


def fields(record: logging.LogRecord) -> Place:
    """What a log line says about its record, secrets hidden; nothing if it is not about one."""
    found: Place = getattr(record, "place", {})
    return {name: redaction.redact(value) if isinstance(value, str) else value for name, value in found.items()}


def words(place: Place, message: str) -> str:
    """The same to follow a message, without what that says already; empty where nothing is left."""
    if "topic" not in place:
        return ""
    where = place["topic"]
    if "partition" in place and "offset" in place:
        where = str(Coordinates(place["topic"], place["partition"], place["offset"]))
    parts = [] if where in message else [f"record {where}"]
    parts += [f"{name} {place[name]}" for name in ("key", "letter") if name in place]
    return f" ({', '.join(parts)})" if parts else ""
