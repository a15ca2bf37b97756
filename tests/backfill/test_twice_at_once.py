"""The same run called twice at once: one does it, the other says so, and nothing is done twice."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.backfill.calls import Command
from tests.cli_calls import Called
from tests.connectors.sql.sql_task import CONFLUENT, query
from tests.running import consume, create_topic, feed, settings

JSON = "org.apache.kafka.connect.json.JsonConverter"
ELSEWHERE = "another process is running the same and continues, so that nothing is done twice"


def command(folder: Path, kafka: str, config: Mapping[str, str]) -> Command:
    worker, connector = folder / "worker.properties", folder / "live.json"
    given = settings(kafka, config["name"], offset_flush_interval_ms="100")
    worker.write_text("".join(f"{key}={value}\n" for key, value in given.items()))
    connector.write_text(json.dumps({"name": config["name"], "config": dict(config)}))
    return Command(folder, worker, connector)


def both(one: Command, *options: str) -> list[Called]:
    """What becomes of two calls at once; then of a third one, if none of the two was through."""
    calls = [one.begin(*options) for _ in range(2)]
    found = [each.ended() for each in calls]
    return found if 0 in [each.code for each in found] else [*found, one.call(*options)]


def judge(found: list[Called]) -> None:
    """All is done, and whoever has not done it says why."""
    assert 0 in [each.code for each in found]
    assert all(ELSEWHERE in each.said for each in found if each.code), [each.said + each.errors for each in found]


def test_of_two_calls_for_the_same_run_of_a_sink_one_writes_its_rows_once(
    kafka: str, unique: str, postgres: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique, partitions=2)
    feed(kafka, unique, range(600))
    query(postgres, f'CREATE TABLE "{unique}" (id bigint, kind text)')
    config = {"name": unique, "connector.class": CONFLUENT, "topics": unique, "connection.url": postgres}
    schema = {"type": "struct", "fields": [{"field": "id", "type": "int64"}, {"field": "kind", "type": "string"}]}
    config |= {"value.converter": JSON, "value.converter.schemas.enable": "true", "table.name.format": "live"}
    config |= {"value.converter.schema.content": json.dumps(schema), "batch.size": "50"}
    judge(both(command(tmp_path, kafka, config), "--set", f"table.name.format={unique}", "--rate", "300"))
    rows = [number for (number,) in query(postgres, f'SELECT id FROM "{unique}" ORDER BY id')]
    assert rows == list(range(600))


def test_of_two_calls_for_the_same_run_of_a_source_one_writes_its_records_once(
    kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, f"{unique}-again")
    (tmp_path / "in.txt").write_text("".join(f"{number:05}\n" for number in range(3_000)))
    config = {"name": unique, "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector"}
    config |= {"file": str(tmp_path / "in.txt"), "topic": unique, "batch.size": "20"}
    judge(both(command(tmp_path, kafka, config), "--set", f"topic={unique}-again"))
    found = [int(json.loads(message.value() or b"")) for message in consume(kafka, f"{unique}-again")]
    assert found == list(range(3_000))
