"""A run by version into the live table, whose keys come from several partitions: killed beside the live connector, it
leaves the table as the fold by version."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backfill.folded import PARTITIONS, enveloped, live_config, moved, written
from tests.backfill.live_connector import Live, live_connector
from tests.connectors.sql.sql_task import query
from tests.running import consume, produce, until

KEYS = 200
Rows = dict[int, tuple[int, int]]
EVERYTHING = ("--from", "1970-01-01T00:00:00Z")


@pytest.fixture
def live(kafka: str, unique: str, postgres: str, tmp_path: Path) -> Iterator[Live]:
    """A worker with a live connector whose rows are known by a field of the value, and the command for its runs."""
    config = live_config(unique, postgres) | {
        "pk.mode": "record_value",
        "pk.fields": "id",
        "delete.enabled": "false",
        "key.converter.schemas.enable": "false",
    }
    with live_connector(kafka, tmp_path, unique, config) as found:
        yield found


def write(kafka: str, topic: str, words: list[tuple[int, int, int]]) -> None:
    """Words of (partition, key, version); ``n`` is made of these."""
    for partition in range(PARTITIONS):
        some = [(key, version) for where, key, version in words if where == partition]
        values: list[bytes | None] = [enveloped({"id": key, "v": version, "n": 7 * version}) for key, version in some]
        produce(kafka, topic, values, partition=partition)


def newest(kafka: str, topic: str) -> Rows:
    found: Rows = {}
    for message in consume(kafka, topic):
        word = json.loads(message.value() or b"")["payload"]
        found[word["id"]] = max(found.get(word["id"], (0, 0)), (word["v"], word["n"]))
    return found


def table(postgres: str, topic: str) -> Rows:
    return {key: (version, n) for key, version, n in query(postgres, f'SELECT id, v, n FROM "{topic}"')}


def read_by_live(postgres: str, topic: str) -> int:
    text = f"SELECT coalesce(sum(next_offset), 0) FROM ferryman_offsets WHERE connector = '{topic}'"
    return int(query(postgres, text)[0][0])


def test_killed_beside_live_it_leaves_the_table_as_the_fold_by_version(
    kafka: str, unique: str, postgres: str, live: Live
) -> None:
    _, command = live
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    chance = random.Random(seed)
    versions = list(range(1, 3_001))
    chance.shuffle(versions)
    write(kafka, unique, [(chance.randrange(PARTITIONS), chance.randrange(KEYS), version) for version in versions])
    until(lambda: query(postgres, f"SELECT to_regclass('\"{unique}\"')")[0][0] is not None, 120)
    until(lambda: read_by_live(postgres, unique) == 3_000, 120)
    assert table(postgres, unique) != newest(kafka, unique), "live writes by arrival, so that rows have gone back"
    query(postgres, f'DELETE FROM "{unique}" WHERE mod(id, 3) = 0')
    latest = 3_000

    def go_on() -> None:
        nonlocal latest
        words = []
        for key in chance.sample(range(KEYS), 10):
            latest += 1
            words.append((key % PARTITIONS, key, latest))
        write(kafka, unique, words)

    asked = (*EVERYTHING, "--version-field", "v", "--set", "tasks.max=3", "--rate", "600")
    with written(go_on):
        for _ in range(2):
            calling, before = command.begin(*asked), moved(postgres)
            until(lambda: not calling.goes_on or moved(postgres) > before, 120)  # noqa: B023
            assert calling.goes_on, calling.ended()
            calling.kill()
        command.call(*asked[:-1], "0").well()
    until(lambda: newest(kafka, unique) == table(postgres, unique), 120, pause=0.5)


def test_without_a_version_it_is_refused_and_says_what_would_make_it_safe(kafka: str, unique: str, live: Live) -> None:
    running, command = live
    write(kafka, unique, [(0, 1, 1)])
    refused = command.call(*EVERYTHING)
    assert refused.code == 2
    assert "Name a field of the value that tells which of two is newer (--version-field)" in refused.errors
    planned = command.call(*EVERYTHING, "--version-field", "v", "--dry-run").well()
    assert "changes a row only where the record's version is newer" in planned.said
    path = f"/connectors/{unique}/backfill"
    asked = running.call("POST", path, {"version_field": "v", "dry_run": True}, expect=200)
    assert asked["target"].endswith("changes a row only where the record's version is newer")
    refusal = running.call("POST", path, {"version_field": "id", "dry_run": True}, expect=400)
    assert "The field id is in pk.fields" in refusal["message"]
    refusal = running.call("POST", path, {"version_field": " "}, expect=400)
    assert "version_field is empty" in refusal["message"]
    elsewhere = {"version_field": "v", "config": {"table.name.format": "again"}, "dry_run": True}
    refusal = running.call("POST", path, elsewhere, expect=400)
    assert "there is nothing to compare: leave out version_field" in refusal["message"]
