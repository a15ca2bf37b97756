"""A run into the table of its live connector, killed again and again while both write: the table is as it should be."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.backfill.calls import Command
from tests.connectors.sql.sql_task import CONFLUENT, query
from tests.running import Worker, consume, create_topic, produce, settings, until, worker

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


@pytest.fixture
def live(kafka: str, unique: str, postgres: str, tmp_path: Path) -> Iterator[tuple[Worker, Command]]:
    """A worker with the live connector, and the command for its runs."""
    config = {
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
    create_topic(kafka, unique, partitions=PARTITIONS)
    chosen = settings(kafka, unique)
    file, connector = tmp_path / "backfill.properties", tmp_path / "live.json"
    file.write_text("".join(f"{key}={value}\n" for key, value in chosen.items()))
    connector.write_text(json.dumps({"name": unique, "config": config}))
    with worker(tmp_path, chosen) as running:
        running.create(config)
        yield running, Command(tmp_path, file, connector)


def test_killed_beside_live_it_leaves_the_table_as_the_fold_of_the_topic(
    kafka: str, unique: str, postgres: str, live: tuple[Worker, Command], long: bool
) -> None:
    _, command = live
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    chance = random.Random(seed)
    words(kafka, unique, chance, 6_000)
    caught_up = lambda: fold(kafka, unique) == table(postgres, unique)  # noqa: E731
    until(lambda: query(postgres, "SELECT to_regclass('ferryman_offsets')")[0][0] is not None, 120)
    until(lambda: query(postgres, f"SELECT to_regclass('\"{unique}\"')")[0][0] is not None, 120)
    until(caught_up, 120, pause=0.5)
    query(postgres, f'DELETE FROM "{unique}" WHERE mod(id, 3) = 0')
    bounds = [part for number in range(PARTITIONS) for part in ("--offsets", f"{unique}:{number}:0-99999")]
    with written(lambda: words(kafka, unique, chance, 20)):
        for _ in range(20 if long else 2):
            process, before = command.begin(*bounds, "--rate", "600"), moved(postgres)
            until(lambda: process.poll() is not None or moved(postgres) > before, 120)  # noqa: B023
            assert process.poll() is None, process.communicate()
            process.kill()
            process.communicate()
        command.call(*bounds).well()
    until(caught_up, 120, pause=0.5)


def moved(postgres: str) -> int:
    """How far runs have got."""
    text = "SELECT coalesce(sum(next_offset), 0) FROM ferryman_offsets WHERE position('backfill' in connector) > 0"
    return int(query(postgres, text)[0][0])
