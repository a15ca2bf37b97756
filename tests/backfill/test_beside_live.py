"""What ends a run into the table of its live connector before it does harm."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.backfill.calls import Command
from tests.backfill.folded import PARTITIONS, caught_up, enveloped, live_config, words
from tests.backfill.folded import table as rows
from tests.connectors.sql.sql_task import query
from tests.running import Worker, create_topic, produce, settings, until, worker


@pytest.fixture
def live(kafka: str, unique: str, postgres: str, tmp_path: Path) -> Iterator[tuple[Worker, Command]]:
    """A worker with the live connector, and the command for its runs."""
    config = live_config(unique, postgres)
    create_topic(kafka, unique, partitions=PARTITIONS)
    chosen = settings(kafka, unique)
    file, connector = tmp_path / "backfill.properties", tmp_path / "live.json"
    file.write_text("".join(f"{key}={value}\n" for key, value in chosen.items()))
    connector.write_text(json.dumps({"name": unique, "config": config}))
    with worker(tmp_path, chosen) as running:
        running.create(config)
        yield running, Command(tmp_path, file, connector)


def test_a_key_in_two_partitions_ends_the_run_before_a_row_goes_back_in_time(
    kafka: str, unique: str, postgres: str, live: tuple[Worker, Command]
) -> None:
    _, command = live
    keys = [enveloped({"id": key}) for key in range(20)]
    produce(kafka, unique, [enveloped({"n": 1}) for _ in keys], keys, partition=0)
    caught_up(kafka, postgres, unique)
    between = datetime.now(UTC).isoformat()
    produce(kafka, unique, [enveloped({"n": 2}) for _ in keys], keys, partition=1)
    newest = dict.fromkeys(range(20), 2)
    until(lambda: rows(postgres, unique) == newest, 120)
    failed = command.call("--from", "1970-01-01T00:00:00Z", "--to", between)
    assert failed.code == 1
    assert "have one key but are in two partitions" in failed.errors + failed.said
    assert rows(postgres, unique) == newest


def test_a_run_beside_a_connector_that_never_wrote_there_fails_at_once(
    kafka: str, unique: str, postgres: str, live: tuple[Worker, Command]
) -> None:
    worker, command = live
    words(kafka, unique, random.Random(1), 20)
    caught_up(kafka, postgres, unique)
    worker.call("PUT", f"/connectors/{unique}/stop", expect=204)
    until(lambda: worker.states(unique) == ["STOPPED"], 60)
    query(postgres, f"DELETE FROM ferryman_offsets WHERE connector = '{unique}'")
    failed = command.call("--offsets", f"{unique}:0:0-99999")
    assert failed.code == 1
    assert f"The live connector {unique} has no offset of {unique}-0" in failed.errors + failed.said
