"""The records of a row, as bytes."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from io import BytesIO
from typing import Any

import fastavro
import orjson

from bench.cliffs.rows import REFUSED, Lot, Spelling
from bench.records import AVRO, FIELDS, for_json, payment

VERSIONS = 3
_LATER = ("remark", "region")
"""The fields that the second schema and the third one add; both are optional texts."""
_KEY_SCHEMA = {
    "type": "struct",
    "name": "bench.Key",
    "optional": False,
    "fields": [{"field": "id", "type": "int64", "optional": False}],
}
_KEY = b'{"schema":' + orjson.dumps(_KEY_SCHEMA) + b',"payload":{"id":%d}}'
_HEADERS = (("source", b"web"), ("attempt", b"1"))
_SEED = 7
Write = Callable[[int, dict[str, Any]], bytes]
"""A version and a value to bytes."""


@dataclass(frozen=True)
class Message:
    """A record and its place: ``topic`` is the number of the topic among the row's."""

    topic: int
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


def avro_schema(version: int) -> dict[str, Any]:
    """The Avro schema of a version, 1 to ``VERSIONS``."""
    more = [{"name": name, "type": ["null", "string"], "default": None} for name in _LATER[: version - 1]]
    return {**AVRO, "fields": [*AVRO["fields"], *more]}


def json_schema(version: int) -> dict[str, Any]:
    """JsonConverter's schema of a version."""
    more = [{"field": name, "type": "string", "optional": True} for name in _LATER[: version - 1]]
    return {"type": "struct", "name": "bench.Payment", "version": version, "optional": False, "fields": FIELDS + more}


def messages(lot: Lot, ids: Sequence[int] = ()) -> Iterator[Message]:
    """The records of a row; ``ids`` are the registry's of the schemas, for rows in Avro."""
    row, write = lot.row, avro_writer(ids) if lot.row.avro else json_writer(lot.row.spelling)
    for index, (turn, slot) in enumerate(lot.turns_and_slots()):
        topic, partition = divmod(slot, row.partitions)
        headers = _HEADERS if row.headers and turn % 2 else ()
        yield Message(topic, partition, _key(lot, index, turn), _value(lot, index, turn, write), headers)


def _key(lot: Lot, index: int, turn: int) -> bytes | None:
    if lot.row.tombstones:
        deleted = lot.deletes(turn) if lot.tombstone(turn) else None
        back = 0 if deleted is None else (turn - deleted) * lot.row.slots
        return _KEY % (index - back)
    return None if lot.row.null_keys and turn % 2 else b"user-%d" % (index % 9973)


def _value(lot: Lot, index: int, turn: int, write: Write) -> bytes | None:
    if lot.tombstone(turn):
        return None
    # The newest schema comes first, so that a file on S3 that begins with it takes the older ones in.
    version = lot.row.schemas - turn % lot.row.schemas
    written = write(version, _fields(lot, index, turn, version))
    return written[: len(written) // 2] if lot.poisoned(turn) else written


def _fields(lot: Lot, index: int, turn: int, version: int) -> dict[str, Any]:
    value = {**payment(index), "id": index, **{name: f"{name} {index % 9}" for name in _LATER[: version - 1]}}
    if lot.row.note_bytes:
        value["note"] = _long_note(lot.row.note_bytes, index)
    elif lot.row.violating:
        value["note"] = None if lot.violating(turn) else f"note {index}"
    elif lot.refused(turn):
        value["note"] = REFUSED
    elif lot.overflowing(turn):
        value["amount"] = Decimal(10) ** 10
    return value


def _long_note(length: int, index: int) -> str:
    text = _noise(length)
    return text[index % 1000 :] + text[: index % 1000]


@cache
def _noise(length: int) -> str:
    """Text that does not compress to nothing."""
    return random.Random(_SEED).randbytes(length // 2).hex()


def avro_writer(ids: Sequence[int]) -> Write:
    """The registry's wire format."""
    parsed = [fastavro.parse_schema(avro_schema(version)) for version in range(1, len(ids) + 1)]

    def write(version: int, value: dict[str, Any]) -> bytes:
        stream = BytesIO(b"\x00" + ids[version - 1].to_bytes(4, "big"))
        stream.seek(0, 2)
        fastavro.schemaless_writer(stream, parsed[version - 1], value)
        return stream.getvalue()

    return write


def json_writer(spelling: Spelling) -> Write:
    """JsonConverter's envelope: as orjson writes it, with json.dumps' blanks, or with the payload before the schema."""
    dump: Callable[[Any], bytes] = _with_blanks if spelling == "blanks" else orjson.dumps
    schemas = [dump(json_schema(version)) for version in range(1, VERSIONS + 1)]

    def write(version: int, value: dict[str, Any]) -> bytes:
        schema, payload = schemas[version - 1], dump(for_json(value))
        match spelling:
            case "own":
                return b'{"schema":' + schema + b',"payload":' + payload + b"}"
            case "blanks":
                return b'{"schema": ' + schema + b', "payload": ' + payload + b"}"
            case "payload first":
                return b'{"payload":' + payload + b',"schema":' + schema + b"}"

    return write


def _with_blanks(value: Any) -> bytes:
    return json.dumps(value).encode()
