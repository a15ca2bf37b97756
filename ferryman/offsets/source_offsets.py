"""Source offsets as Kafka Connect keeps them: JSON ``["connector",{partition}]`` to JSON offset, compacted. Pure.

The index is by content, not by bytes, because JVM workers write a partition map's keys in hash order; a partition that
was written before keeps the bytes it had, so that compaction replaces that record.
"""

import base64
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from ferryman.errors import TaskError
from ferryman.record import Offset, Partition, Payload

log = logging.getLogger(__name__)

Canonical = str


def canonical(partition: Partition | None) -> Canonical:
    """A partition's identity, whatever the order of its keys."""
    return json.dumps(partition, sort_keys=True, default=_text)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value).__name__)


class SourceOffsets:
    """The offsets of one connector, in memory."""

    def __init__(self, connector: str) -> None:
        self.connector = connector
        self._quoted = orjson.dumps(connector)
        self._keys: dict[Canonical, bytes] = {}
        self._partitions: dict[Canonical, Partition | None] = {}
        self._offsets: dict[Canonical, Offset] = {}

    def load(self, key: Payload, value: Payload) -> None:
        """One record of the topic, in order. Others' records and malformed keys are passed over, as Connect does."""
        # Most records of a topic that many connectors share are others': those that do not name ours in plain letters,
        # and have no escaped ones in which they could, need not be parsed.
        if key is None or (self._quoted not in key and b"\\" not in key):
            return
        parsed = parsed_key(key)
        if parsed is None or parsed[0] != self.connector:
            return
        identity = canonical(parsed[1])
        self._keys[identity] = key
        offset = None if value is None else self._parsed(parsed[1], value)
        if offset is None:
            self._offsets.pop(identity, None)
            return
        self._partitions[identity], self._offsets[identity] = parsed[1], offset

    def _parsed(self, partition: Partition | None, value: bytes) -> Offset | None:
        """An offset as it is kept; None, and a line in the log, for what is none, as in Connect."""
        try:
            found = orjson.loads(value)
        except orjson.JSONDecodeError:
            found = value
        if found is not None and not isinstance(found, dict):
            log.error(
                "the offset of connector %s for partition %s cannot be read and counts as none, so that its task may "
                "begin anew there",
                *(self.connector, partition),
            )
            return None
        return found

    def get(self, partition: Partition | None) -> Offset | None:
        """The offset of a partition."""
        return self._offsets.get(canonical(partition))

    def items(self) -> Iterator[tuple[Partition, Offset]]:
        """Every partition that has an offset, without one that is null: Connect neither shows nor resets its offset."""
        for identity, offset in self._offsets.items():
            partition = self._partitions[identity]
            if partition is not None:
                yield partition, offset

    def encode(self, partition: Partition | None, offset: Offset | None) -> tuple[bytes, Payload]:
        """The topic's record for an offset; None forgets the partition. TaskError if it is no map of plain values."""
        identity = canonical(partition)
        key = self._keys.get(identity) or _json([self.connector, partition], partition)
        return key, None if offset is None else _json(offset, offset)

    def snapshot(self) -> Mapping[Canonical, Offset]:
        """What is committed, to compare with later."""
        return dict(self._offsets)


def parsed_key(key: Payload) -> tuple[str, Partition | None] | None:
    """The connector and the partition that a key of the topic names; None if it is no such key."""
    try:
        parsed = orjson.loads(key or b"")
    except orjson.JSONDecodeError:
        return None
    match parsed:
        case [str() as connector, dict() | None as partition]:
            return connector, partition
        case _:
            return None


def _json(value: Any, content: Mapping[str, Any] | None) -> bytes:
    for name, item in (content or {}).items():
        if (kind := _not_primitive(item)) is not None:
            raise TaskError(f"Offsets may only contain primitive types as values, but field {name} contains {kind}")
    try:
        return orjson.dumps(value, default=_text)
    except TypeError as error:  # names that are no texts, or texts with half of a surrogate pair
        raise TaskError(f"The source's partition or offset {dict(content or {})} cannot be kept: {error}") from None


def _not_primitive(item: Any) -> str | None:
    """What a value is called that may not be in an offset (OffsetUtils.validateFormat)."""
    if isinstance(item, int) and not -(1 << 63) <= item < 1 << 63:
        return "an integer of more than 64 bits"
    if isinstance(item, None | bool | int | float | str | bytes):
        return None
    return {"dict": "MAP", "list": "ARRAY"}.get(type(item).__name__, type(item).__name__)
