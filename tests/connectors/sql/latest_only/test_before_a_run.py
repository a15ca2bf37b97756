"""What is looked at before a run into a live table is made."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ferryman.api import TaskContext
from ferryman.connectors.sql.latest_only.before_a_run import check
from ferryman.connectors.sql.sink import SqlSinkConnector
from ferryman.errors import UnsafeRun
from ferryman.record import TopicPartition
from ferryman.runs.harm import RunIntoLive
from ferryman.runs.ranges import Range
from tests.connectors.sql.latest_only.beside_live import TOPIC, RunBesideLive
from tests.connectors.sql.sql_task import CONFLUENT, query

A = TopicPartition(TOPIC, 0)


def look(url: str, version_field: str | None = None) -> None:
    raw = {
        "name": "live",
        "connector.class": CONFLUENT,
        "topics": TOPIC,
        "connection.url": url,
        "insert.mode": "upsert",
        "pk.mode": "record_key",
    }
    config = SqlSinkConnector.config_class.parse(raw)
    check(config, TaskContext("live", 0, "k", raw), RunIntoLive("live", {A: "i"}, version_field))


@pytest.fixture
def written(mariadb: str) -> Iterator[str]:
    """A database into which the live connector has written."""
    query(mariadb, f"CREATE TABLE {TOPIC} (id VARCHAR(9) COLLATE utf8mb4_bin PRIMARY KEY, n INTEGER)")
    made = RunBesideLive(mariadb, {A: [("a", 1)]}, Range(0, 1))
    made.live.put(A, 1, 1)
    yield mariadb
    made.close()


def test_a_text_that_is_compared_byte_by_byte_may_be_a_key_and_another_may_not(written: str) -> None:
    look(written)
    query(written, f"ALTER TABLE {TOPIC} MODIFY id VARCHAR(9) COLLATE utf8mb4_general_ci")
    with pytest.raises(UnsafeRun, match="its key column id compares values of the type"):
        look(written)
    look(written, version_field="n")


def test_a_version_that_the_column_does_not_compare_is_refused_and_one_that_is_not_there_yet_is_not(
    written: str,
) -> None:
    look(written, version_field="updated")
    query(written, f"ALTER TABLE {TOPIC} MODIFY n DOUBLE")
    with pytest.raises(UnsafeRun, match="The field n cannot be the version of rows"):
        look(written, version_field="n")


def test_a_database_without_a_table_of_offsets_has_nothing_of_the_live_connector(postgres: str, tmp_path: Path) -> None:
    for url in (postgres, f"sqlite:///{tmp_path / 'none.db'}"):
        with pytest.raises(UnsafeRun, match="The live connector live has no offset of orders-0"):
            look(url)
    assert not (tmp_path / "none.db").exists()


def test_of_a_database_that_does_not_answer_nothing_is_said() -> None:
    look("jdbc:postgresql://127.0.0.1:1/none")
