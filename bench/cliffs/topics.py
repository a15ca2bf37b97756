"""The topics of a row: filled before its runs, gone after them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bench.cliffs.data import avro_schema, messages
from bench.cliffs.rows import Lot
from bench.world import World

_LARGEST = 20_000_000
_WAITING_BYTES_KB = 200_000
_PATIENCE_SECONDS = 120


@contextmanager
def filled(where: World, lot: Lot) -> Iterator[None]:
    """The row's topics with all their records."""
    names = [*lot.row.topic_names, *([lot.row.letter_topic] if lot.row.letters else [])]
    admin = AdminClient({"bootstrap.servers": where.broker})
    largest = {"max.message.bytes": str(_LARGEST)}
    wanted = [NewTopic(name, lot.row.partitions, 1, config=largest) for name in names]
    for created in admin.create_topics(wanted, request_timeout=_PATIENCE_SECONDS).values():
        created.result()
    _produce(where, lot)
    try:
        yield
    finally:
        for deleted in admin.delete_topics(names, request_timeout=_PATIENCE_SECONDS).values():
            deleted.result()


def _produce(where: World, lot: Lot) -> None:
    names, ids = lot.row.topic_names, _register(where, lot) if lot.row.avro else []
    producer = Producer(
        {
            "bootstrap.servers": where.broker,
            "linger.ms": 20,
            "message.max.bytes": _LARGEST,
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": _WAITING_BYTES_KB,
        }
    )
    for each in messages(lot, ids):
        while True:
            try:
                producer.produce(names[each.topic], each.value, each.key, each.partition, headers=list(each.headers))
                break
            except BufferError:
                producer.poll(0.1)
    if left := producer.flush(_PATIENCE_SECONDS):
        raise RuntimeError(f"{left} records did not get into {names[0]}")


def _register(where: World, lot: Lot) -> list[int]:
    """The ids of the row's schemas, one after the other versions of one subject."""
    url = f"{where.registry}/subjects/{lot.row.topic_names[0]}-value/versions"
    found = []
    for version in range(1, lot.row.schemas + 1):
        answer = httpx.post(url, json={"schema": json.dumps(avro_schema(version))}, timeout=30)
        answer.raise_for_status()
        found.append(int(answer.json()["id"]))
    return found
