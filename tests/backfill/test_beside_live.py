"""What ends a run into the table of its live connector before it does harm."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.backfill.folded import caught_up, enveloped, live_config, words
from tests.backfill.folded import table as rows
from tests.backfill.live_connector import Live, live_connector
from tests.connectors.sql.sql_task import query
from tests.running import produce, until


@pytest.fixture
def live(kafka: str, unique: str, postgres: str, tmp_path: Path) -> Iterator[Live]:
    """A worker with the live connector, and the command for its runs."""
    config = live_config(unique, postgres)
    with live_connector(kafka, tmp_path, unique, config) as found:
        yield found


def test_a_key_in_two_partitions_ends_the_run_before_a_row_goes_back_in_time(
    kafka: str, unique: str, postgres: str, live: Live
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


def test_a_run_beside_a_connector_that_never_wrote_there_is_refused_by_command_and_over_rest(
    kafka: str, unique: str, postgres: str, live: Live
) -> None:
    worker, command = live
    words(kafka, unique, random.Random(1), 20)
    caught_up(kafka, postgres, unique)
    worker.call("PUT", f"/connectors/{unique}/stop", expect=204)
    until(lambda: worker.states(unique) == ["STOPPED"], 60)
    query(postgres, f"DELETE FROM ferryman_offsets WHERE connector = '{unique}'")
    refused, told = (
        command.call("--offsets", f"{unique}:0:0-99999"),
        f"The live connector {unique} has no offset of {unique}-0",
    )
    assert (refused.code, told in refused.errors) == (2, True), refused
    answer = worker.call("POST", f"/connectors/{unique}/backfill", {"offsets": {unique: {"0": [0, 9]}}}, expect=400)
    assert told in answer["message"]


def test_keys_that_only_the_database_compares_and_versions_that_nobody_does_are_refused_before_anything_is_made(
    kafka: str, unique: str, postgres: str, live: Live
) -> None:
    running, command = live
    words(kafka, unique, random.Random(1), 20)
    caught_up(kafka, postgres, unique)
    refused = command.call("--version-field", "n", "--dry-run").well()
    assert "adds and deletes none" in refused.said
    query(
        postgres, f'ALTER TABLE "{unique}" ALTER COLUMN n TYPE double precision, ALTER COLUMN id TYPE double precision'
    )
    refused = command.call("--offsets", f"{unique}:0:0-9")
    assert (refused.code, "its key column id compares values" in refused.errors) == (2, True), refused
    refused = command.call("--offsets", f"{unique}:0:0-9", "--version-field", "n")
    assert (refused.code, "The field n cannot be the version of rows" in refused.errors) == (2, True), refused
    assert [each for each in running.call("GET", "/connectors") if "backfill" in each] == []
