"""A backfill and a replay of one connector at the same time, and what becomes of that one and its worker meanwhile."""

from pathlib import Path
from typing import Any

from tests.backfill.folded import enveloped, live_config
from tests.backfill.test_over_rest import done
from tests.connectors.sql.sql_task import query
from tests.reliability.flows import tolerant
from tests.replay.test_into_a_table import letters, replay
from tests.running import Worker, create_topic, distributed, group, produce, until

GOOD, BAD, LARGE = 300, 20, 500


def table(postgres: str, name: str) -> dict[int, int]:
    return dict(query(postgres, f'SELECT id, n FROM "{name}"'))


def written(worker: Worker, kafka: str, postgres: str, unique: str) -> None:
    """A live connector that has written what its table takes, which was damaged since; what refused the others is
    mended."""
    create_topic(kafka, unique)
    query(postgres, f'CREATE TABLE "{unique}" (id bigint PRIMARY KEY, n bigint, CONSTRAINT small CHECK (n < {LARGE}))')
    numbers = range(GOOD + BAD)
    values = [enveloped({"n": LARGE if number >= GOOD else number}) for number in numbers]
    produce(kafka, unique, values, [enveloped({"id": number}) for number in numbers])
    config = {**live_config(unique, postgres), "tasks.max": "1", **tolerant(f"{unique}-dlq")}
    worker.create(config)
    letters(kafka, unique, BAD)
    until(lambda: len(table(postgres, unique)) == GOOD, what="the rows of the live connector")
    query(postgres, f'ALTER TABLE "{unique}" DROP CONSTRAINT small')
    query(postgres, f'DELETE FROM "{unique}" WHERE mod(id, 3) = 0')


def both(worker: Worker, unique: str) -> tuple[str, str]:
    """A backfill that takes a few seconds and a replay, begun."""
    bounds = {unique: {"0": [0, GOOD + BAD]}}
    made = worker.call("POST", f"/connectors/{unique}/backfill", {"offsets": bounds, "rate": 80}, expect=202)
    return made["name"], replay(worker, unique, all=True, allow_older=True)["name"]


def whole(postgres: str, name: str) -> None:
    assert table(postgres, name) == {
        number: min(number, LARGE) if number < GOOD else LARGE for number in range(GOOD + BAD)
    }


def test_both_end_and_the_table_is_whole_though_the_live_connector_is_deleted_and_the_worker_killed_meanwhile(
    kafka: str, postgres: str, unique: str, tmp_path: Path
) -> None:
    with group(tmp_path, distributed(kafka, unique), 1) as (running,):
        written(running, kafka, postgres, unique)
        runs = both(running, unique)
        running.delete(unique)
        until(lambda: done_by(running, runs[0]) > 0, what="the backfill to begin")
        running.kill()
        running.start()
        for run in runs:
            assert done(running, run)["run"]["records_refused"] == 0
        whole(postgres, unique)


def done_by(worker: Worker, run: str) -> int:
    found: Any = worker.call("GET", f"/connectors/{run}/status").get("run", {})
    return int(found.get("records_done", 0))
