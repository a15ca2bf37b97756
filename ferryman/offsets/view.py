"""What a topic of source offsets adds up to: for each connector the latest offset of each of its partitions. Pure.

A million of them are held at times, so that each is one key and one value of bytes.
"""

import struct

import orjson

from ferryman.offsets.source_offsets import parsed_key
from ferryman.record import Payload

Entry = tuple[bytes, bytes]
"""A record of the topic: its key, and an offset as JSON."""
_HEAD = struct.Struct(">qiI")
"""In front of a value: the record's timestamp, its partition, and how many bytes of its key follow, if that is kept."""


class View:
    """The latest record of each key. Keys are alike by content, not by bytes, as in ``source_offsets``."""

    def __init__(self) -> None:
        self._connectors: dict[str, dict[bytes, bytes]] = {}
        self._complete = False

    def load(self, partition: int, timestamp: int, key: Payload, value: Payload) -> None:
        """Another record of the topic, those of a partition in their order. What is no key of an offset is passed over.

        Where records of a key lie in several partitions, as it was written by different partitioners or before the
        topic got more of them, the one with the later timestamp holds.
        """
        found = parsed_key(key)
        if found is None or key is None:
            return
        connector, place = found
        # A copy, since what orjson returns holds kilobytes.
        identity = memoryview(orjson.dumps(place, option=orjson.OPT_SORT_KEYS)).tobytes()
        known = self._connectors.setdefault(connector, {})
        before = known.get(identity)
        if before is not None:
            when, where, _ = _HEAD.unpack_from(before)
            if where != partition and when > timestamp:
                return
        forgotten = value is None or value == b"null"
        if forgotten and self._complete:
            known.pop(identity, None)
            return
        kept = b"" if key == _key(connector, identity) else key
        # While the topic is read for the first time, what was forgotten stands here without a value, since an older
        # record of it may still come from another partition.
        known[identity] = _HEAD.pack(timestamp, partition, len(kept)) + kept + (b"" if forgotten else value or b"")

    def complete(self) -> None:
        """All that was in the topic at first is loaded."""
        self._complete = True
        for known in self._connectors.values():
            for identity in [identity for identity, kept in known.items() if not _value(kept)]:
                del known[identity]

    def of(self, connector: str) -> list[Entry]:
        """The entries of one connector."""
        found = []
        for identity, kept in self._connectors.get(connector, {}).items():
            _, _, length = _HEAD.unpack_from(kept)
            key = kept[_HEAD.size : _HEAD.size + length] or _key(connector, identity)
            if value := _value(kept):
                found.append((key, value))
        return found


def _value(kept: bytes) -> bytes:
    _, _, length = _HEAD.unpack_from(kept)
    return kept[_HEAD.size + length :]


def _key(connector: str, identity: bytes) -> bytes:
    return b"[%b,%b]" % (orjson.dumps(connector), identity)
