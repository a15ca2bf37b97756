"""The records of the benchmarks and the topics that hold them, which are filled before a run starts."""

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from io import BytesIO
from itertools import islice
from typing import Any

import fastavro
import httpx
import orjson
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

PARTITIONS = 4
_STRIDE = 256
"""Behind which a key comes again: a multiple of all numbers of partitions, so that it stays in its own."""
_BATCH = 1_250
_EPOCH = 1_760_000_000_000
_CURRENCIES = ("EUR", "USD", "GBP", "SEK", "CHF")
AVRO = {
    "type": "record",
    "name": "Payment",
    "namespace": "bench",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "account", "type": "long"},
        {"name": "name", "type": "string"},
        {"name": "email", "type": "string"},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "currency", "type": "string"},
        {"name": "paid", "type": "boolean"},
        {"name": "created", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "score", "type": "double"},
    ],
}
_DATA = "org.apache.kafka.connect.data."
FIELDS = [
    {"field": "id", "type": "int64", "optional": False},
    {"field": "account", "type": "int64", "optional": False},
    {"field": "name", "type": "string", "optional": False},
    {"field": "email", "type": "string", "optional": False},
    {
        "field": "amount",
        "type": "bytes",
        "optional": False,
        "name": f"{_DATA}Decimal",
        "version": 1,
        "parameters": {"scale": "2", "connect.decimal.precision": "12"},
    },
    {"field": "currency", "type": "string", "optional": False},
    {"field": "paid", "type": "boolean", "optional": False},
    {"field": "created", "type": "int64", "optional": False, "name": f"{_DATA}Timestamp", "version": 1},
    {"field": "note", "type": "string", "optional": True},
    {"field": "score", "type": "double", "optional": False},
]
_ENVELOPE = b'{"schema":' + json.dumps({"type": "struct", "name": "bench.Payment", "fields": FIELDS}).encode()


@dataclass(frozen=True)
class Topic:
    """A topic with its records."""

    name: str
    records: int
    partitions: int = PARTITIONS

    @property
    def last(self) -> range:
        """The index of the last record of each partition."""
        return range(max(0, self.records - self.partitions), self.records)

    @property
    def keys(self) -> int:
        """How many different keys the payments in it have."""
        return len({key_of(index) for index in range(self.records)})


def key_of(index: int) -> int:
    """A tenth of the records change an earlier one of the same partition; the others are new."""
    return index - _STRIDE if index % 10 == 9 and index >= _STRIDE else index


def shop(index: int) -> dict[str, Any]:
    """A record for file_sink: ten fields, as a JSON producer without schemas has them."""
    return {
        "id": index,
        "user": f"user-{index % 9973}",
        "email": f"user-{index % 9973}@example.org",
        "card": f"4242 4242 4242 {index % 10000:04d}",
        "amount": index % 100000 / 100,
        "currency": _CURRENCIES[index % 5],
        "paid": index % 3 == 0,
        "created": _EPOCH + index,
        "country": "SE" if index % 2 else "DE",
        "note": "thank you for the quick delivery",
    }


def payment(index: int) -> dict[str, Any]:
    """A record for sql_postgresql in fastavro's terms; `amount` tells the versions of a key apart."""
    return {
        "id": key_of(index),
        "account": index % 9973,
        "name": f"user-{index % 9973}",
        "email": f"user-{index % 9973}@example.org",
        "amount": Decimal(index % 10_000_000).scaleb(-2),
        "currency": _CURRENCIES[index % 5],
        "paid": index % 3 == 0,
        "created": _EPOCH + index,
        "note": None if index % 4 == 0 else f"note {index}",
        "score": index / 8,
    }


def shop_messages(records: int) -> Iterator[bytes]:
    """file_sink's values."""
    return (orjson.dumps(shop(index)) for index in range(records))


def for_json(value: dict[str, Any]) -> dict[str, Any]:
    """A payment as JsonConverter has it: its decimal is base64."""
    cents = int(value["amount"].scaleb(2))
    return {**value, "amount": base64.b64encode(cents.to_bytes(cents.bit_length() // 8 + 1, "big")).decode()}


def envelope_messages(records: int) -> Iterator[bytes]:
    """sql_postgresql's values as JsonConverter writes them with schemas.enable."""
    for index in range(records):
        yield _ENVELOPE + b',"payload":' + orjson.dumps(for_json(payment(index))) + b"}"


def avro_messages(schema_id: int, indices: Iterable[int]) -> Iterator[bytes]:
    """sql_postgresql's values in the registry's wire format."""
    parsed = fastavro.parse_schema(AVRO)
    head = b"\x00" + schema_id.to_bytes(4, "big")
    for index in indices:
        stream = BytesIO()
        fastavro.schemaless_writer(stream, parsed, payment(index))
        yield head + stream.getvalue()


def register(registry: str, topic: str) -> int:
    """The id of the Avro schema, registered for the topic's values."""
    answer = httpx.post(f"{registry}/subjects/{topic}-value/versions", json={"schema": json.dumps(AVRO)}, timeout=30)
    answer.raise_for_status()
    return int(answer.json()["id"])


def create(broker: str, topic: str, partitions: int = PARTITIONS) -> None:
    """A new topic."""
    admin = AdminClient({"bootstrap.servers": broker})
    admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result()


def fill(broker: str, topic: str, values: Iterable[bytes], records: int, partitions: int = PARTITIONS) -> Topic:
    """A new topic with these values, dealt out to its partitions in turn."""
    create(broker, topic, partitions)
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000})
    rest = iter(values)
    together = _BATCH * partitions
    while batch := [{"value": value} for value in islice(rest, together)]:
        while len(producer) > 20 * together:
            producer.poll(0.05)
        for partition in range(partitions):
            producer.produce_batch(topic, batch[partition::partitions], partition=partition)
    if left := producer.flush(120):
        raise RuntimeError(f"{left} records did not get into {topic}")
    return Topic(topic, records, partitions)
