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

from bench.cliffs.rows import REFUSED, Lot, Row
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
_SOURCE = {
    "type": "struct",
    "name": "io.debezium.connector.postgresql.Source",
    "optional": False,
    "fields": [
        {"field": "version", "type": "string", "optional": False},
        {"field": "connector", "type": "string", "optional": False},
        {"field": "ts_ms", "type": "int64", "optional": False},
        {"field": "table", "type": "string", "optional": False},
    ],
}
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
    row, write = lot.row, avro_writer(ids) if lot.row.avro else json_writer(lot.row)
    for index, (turn, slot) in enumerate(lot.turns_and_slots()):
        topic, partition = divmod(slot, row.partitions)
        headers = _HEADERS if row.headers and turn % 2 else _own_headers(index) if row.own_headers else ()
        yield Message(topic, partition, _key(lot, index, turn), _value(lot, index, turn, write), headers)


def _own_headers(index: int) -> Sequence[tuple[str, bytes]]:
    return ("request", b"r-%d" % index), ("trace", b"%032x" % index)


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
    version = lot.row.alike - turn % lot.row.alike if lot.row.alike > 1 else lot.row.schemas - turn % lot.row.schemas
    written = write(version, _fields(lot, index, turn, version))
    return written[: len(written) // 2] if lot.poisoned(turn) else written


def _fields(lot: Lot, index: int, turn: int, version: int) -> dict[str, Any]:
    later = _LATER[: version - 1] if lot.row.alike == 1 else ()
    value = {**payment(index), "id": index, **{name: f"{name} {index % 9}" for name in later}}
    if lot.row.note_bytes:
        value["note"] = _long_note(lot.row.note_bytes, index)
    elif lot.row.violating:
        value["note"] = None if lot.violating(turn) else f"note {index}"
    elif lot.row.undated:
        value["note"] = f"note {index}" if lot.undated(turn) else "2026-11-28"
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


def json_writer(row: Row) -> Write:
    """JsonConverter's envelope: as orjson writes it, with json.dumps' blanks, or with the payload before the schema."""
    dump: Callable[[Any], bytes] = _with_blanks if row.spelling == "blanks" else orjson.dumps
    schemas = [dump(schema) for schema in _json_schemas(row)]

    def write(version: int, value: dict[str, Any]) -> bytes:
        schema, payload = schemas[version - 1], dump(_payload(row, value))
        match row.spelling:
            case "own":
                return b'{"schema":' + schema + b',"payload":' + payload + b"}"
            case "blanks":
                return b'{"schema": ' + schema + b', "payload": ' + payload + b"}"
            case "payload first":
                return b'{"payload":' + payload + b',"schema":' + schema + b"}"

    return write


def _json_schemas(row: Row) -> Iterator[dict[str, Any]]:
    """The schemas of a row, by their versions from 1 on."""
    if row.alike > 1:
        yield from ({**json_schema(1), "version": version} for version in range(1, row.alike + 1))
    for version in range(1, VERSIONS + 1):
        yield _envelope(json_schema(version)) if row.change_events else json_schema(version)


def _envelope(schema: dict[str, Any]) -> dict[str, Any]:
    """Debezium's, of rows with this schema."""
    rows = [{**schema, "name": "bench.payment.Value", "optional": True, "field": name} for name in ("before", "after")]
    ends = [{"field": "op", "type": "string", "optional": False}, {"field": "ts_ms", "type": "int64", "optional": True}]
    fields = [*rows, {**_SOURCE, "field": "source"}, *ends]
    return {"type": "struct", "name": "bench.payment.Envelope", "optional": False, "fields": fields}


def _payload(row: Row, value: dict[str, Any]) -> dict[str, Any]:
    payload = {**value, "amount": float(value["amount"])} if row.numeric else for_json(value)
    if not row.change_events:
        return payload
    source = {"version": "3.2.0.Final", "connector": "postgresql", "ts_ms": value["created"], "table": "payment"}
    is_new = value["id"] // row.slots % 2 == 0
    rows = {"before": None if is_new else payload, "after": payload}
    return {**rows, "source": source, "op": "c" if is_new else "u", "ts_ms": value["created"]}


def _with_blanks(value: Any) -> bytes:
    return json.dumps(value).encode()
