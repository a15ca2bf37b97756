"""A backfill and a replay of one connector at the same time, and what becomes of that one and its worker meanwhile."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.backfill.folded import enveloped, live_config
from tests.backfill.test_over_rest import done
from tests.connectors.sql.sql_task import query
from tests.reliability.flows import tolerant
from tests.replay.test_into_a_table import letters, replay
from tests.running import Worker, create_topic, distributed, group, produce, until

GOOD, BAD, LARGE = 300, 20, 500
Act = Callable[[Worker, str], None]


def table(postgres: str, name: str) -> dict[int, int]:
    return dict(query(postgres, f'SELECT id, n FROM "{name}"'))


def written(worker: Worker, kafka: str, postgres: str, unique: str) -> dict[str, str]:
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
    return config


def both(worker: Worker, unique: str) -> tuple[str, str]:
    """A backfill that takes a few seconds and a replay, begun."""
    bounds = {unique: {"0": [0, GOOD + BAD]}}
    made = worker.call("POST", f"/connectors/{unique}/backfill", {"offsets": bounds, "rate": 80}, expect=202)
    return made["name"], replay(worker, unique, all=True, allow_older=True)["name"]


def whole(postgres: str, name: str) -> None:
    assert table(postgres, name) == {number: min(number, LARGE) if number < GOOD else LARGE for number in range(320)}


def aims(verb: str) -> Act:
    def act(worker: Worker, name: str) -> None:
        worker.call("PUT", f"/connectors/{name}/{verb}")

    return act


def deleted(worker: Worker, name: str) -> None:
    worker.call("DELETE", f"/connectors/{name}", expect=204)


def moved(worker: Worker, name: str) -> None:
    worker.call("PATCH", f"/connectors/{name}/config", {"table.name.format": f"{name}_other"}, expect=200)


def turned_away(worker: Worker, name: str) -> None:
    worker.call("PATCH", f"/connectors/{name}/config", {"topics": f"{name}-other"}, expect=200)


ACTS: Mapping[str, Act] = {
    "stopped": aims("stop"),
    "paused": aims("pause"),
    "deleted": deleted,
    "into another table": moved,
    "of another topic": turned_away,
}


@pytest.mark.parametrize("act", ACTS.values(), ids=list(ACTS))
def test_whatever_becomes_of_the_live_connector_both_come_to_their_end_and_the_table_is_whole(
    running: Worker, kafka: str, postgres: str, unique: str, act: Act
) -> None:
    written(running, kafka, postgres, unique)
    runs = both(running, unique)
    act(running, unique)
    for run in runs:
        status = done(running, run)
        print(json.dumps(status))
        assert status["run"]["records_refused"] == 0
    whole(postgres, unique)


def test_beside_one_that_has_failed_both_come_to_their_end(
    running: Worker, kafka: str, postgres: str, unique: str
) -> None:
    written(running, kafka, postgres, unique)
    running.call("PATCH", f"/connectors/{unique}/config", {"errors.tolerance": "none"}, expect=200)
    produce(kafka, unique, [b"{"], [b"{"])
    running.trace(unique)
    for run in both(running, unique):
        done(running, run)
    whole(postgres, unique)


def test_a_worker_that_is_killed_goes_on_with_both(kafka: str, postgres: str, unique: str, tmp_path: Path) -> None:
    with group(tmp_path, distributed(kafka, unique), 1) as (running,):
        written(running, kafka, postgres, unique)
        runs = both(running, unique)
        until(lambda: done_by(running, runs[0]) > 0, what="the backfill to begin")
        running.kill()
        running.start()
        for run in runs:
            done(running, run)
        whole(postgres, unique)


def done_by(worker: Worker, run: str) -> int:
    found: Any = worker.call("GET", f"/connectors/{run}/status").get("run", {})
    return int(found.get("records_done", 0))
