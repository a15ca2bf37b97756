"""A topic of upserts and deletes, a connector that keeps a table as the fold of it, and what both hold."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.connectors.sql.sql_task import CONFLUENT, query
from tests.running import consume, produce, until

JSON = "org.apache.kafka.connect.json.JsonConverter"
KEYS, PARTITIONS = 300, 3


def enveloped(fields: dict[str, Any]) -> bytes:
    """A struct of these integers, with its schema."""
    schema = {"type": "struct", "fields": [{"field": name, "type": "int64"} for name in fields]}
    return json.dumps({"schema": schema, "payload": fields}).encode()


def words(kafka: str, topic: str, chance: random.Random, count: int) -> None:
    """Upserts and deletes of some of the keys."""
    keys = [chance.randrange(KEYS) for _ in range(count)]
    values = [None if chance.random() < 0.2 else enveloped({"n": chance.randrange(10**9)}) for _ in keys]
    produce(kafka, topic, values, [enveloped({"id": key}) for key in keys])


def fold(kafka: str, topic: str) -> dict[int, int]:
    """What the table is to hold: the last word on each key, read from the beginning."""
    found: dict[int, int] = {}
    for message in consume(kafka, topic):
        key = json.loads(message.key() or b"")["payload"]["id"]
        found.pop(key, None)
        if message.value() is not None:
            found[key] = json.loads(message.value() or b"")["payload"]["n"]
    return found


def table(postgres: str, topic: str) -> dict[int, int]:
    return {key: value for key, value in query(postgres, f'SELECT id, n FROM "{topic}"')}  # noqa: C416


@contextmanager
def written(write: Callable[[], None]) -> Iterator[None]:
    """Somebody goes on writing."""
    over = threading.Event()

    def go_on() -> None:
        while not over.is_set():
            write()
            time.sleep(0.05)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def live_config(unique: str, postgres: str) -> dict[str, str]:
    """A live connector."""
    return {
        "name": unique,
        "connector.class": CONFLUENT,
        "topics": unique,
        "tasks.max": "2",
        "connection.url": postgres,
        "insert.mode": "upsert",
        "pk.mode": "record_key",
        "delete.enabled": "true",
        "auto.create": "true",
        "key.converter": JSON,
        "value.converter": JSON,
        "key.converter.schemas.enable": "true",
        "value.converter.schemas.enable": "true",
    }


def caught_up(kafka: str, postgres: str, topic: str) -> None:
    """Waits until the table is the fold of the topic."""
    until(lambda: query(postgres, f"SELECT to_regclass('\"{topic}\"')")[0][0] is not None, 120)
    until(lambda: fold(kafka, topic) == table(postgres, topic), 120, pause=0.5)


def moved(postgres: str) -> int:
    """How far runs have got."""
    text = "SELECT coalesce(sum(next_offset), 0) FROM ferryman_offsets WHERE position('backfill' in connector) > 0"
    return int(query(postgres, text)[0][0])
