"""A run in a group of workers, beside its live connector, while workers, tasks and the leader are killed."""

import os
import random
import re
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.backfill.folded import PARTITIONS, caught_up, live_config, moved, words, written
from tests.connectors.sql.sql_task import query
from tests.running import WEB, Worker, create_topic, distributed, group, until


@pytest.mark.timeout(3600)
def test_killed_in_a_group_it_completes_and_the_table_is_the_fold_of_the_topic(
    kafka: str, unique: str, postgres: str, tmp_path: Path, long: bool
) -> None:
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    chance = random.Random(seed)
    create_topic(kafka, unique, partitions=PARTITIONS)
    words(kafka, unique, chance, 30_000 if long else 4_000)
    with group(tmp_path, distributed(kafka, unique), 3 if long else 2) as workers:
        workers[0].create(live_config(unique, postgres))
        caught_up(kafka, postgres, unique)
        query(postgres, f'DELETE FROM "{unique}" WHERE mod(id, 3) = 0')
        run = f"{unique}-backfill"
        body = {"name": run, "rate": 400}
        chance.choice(workers).call("POST", f"/connectors/{unique}/backfill", body, expect=202)
        kills: Sequence[Callable[[], None]] = (
            lambda: _kill_a_task(workers, run, chance),
            lambda: _kill_a_worker(_leader(workers)),
            lambda: _kill_a_worker(chance.choice(workers)),
            lambda: _kill_a_task(workers, unique, chance),
        )
        with written(lambda: words(kafka, unique, chance, 20)):
            for number in range(20 if long else 2):
                before = moved(postgres)
                until(lambda: moved(postgres) > before or _complete(workers, run), 240)  # noqa: B023
                assert not _complete(workers, run), f"it is over after {number} kills"
                kills[number % len(kills)]()
                _is_answered(chance.choice(workers), unique)
            until(lambda: _complete(workers, run), 600, what=f"{run} to be complete")
        caught_up(kafka, postgres, unique)
        states = workers[0].call("GET", f"/connectors/{unique}/status")
        assert {states["connector"]["state"], *(task["state"] for task in states["tasks"])} == {"RUNNING"}


def _is_answered(worker: Worker, connector: str) -> None:
    """Any worker says what another run would read, at once or when the group has shared its work out anew."""

    def told() -> bool:
        body = {"name": f"{connector}-another", "dry_run": True}
        answer = WEB.post(f"{worker.url}/connectors/{connector}/backfill", json=body)
        assert answer.status_code in (200, 409), answer.text
        return answer.status_code == 200

    until(told, what="an answer")


def _complete(workers: Sequence[Worker], run: str) -> bool:
    """Whether one of them says so, and that it is stopped."""
    status: dict[str, Any] = workers[0].call("GET", f"/connectors/{run}/status")
    is_stopped = status.get("connector", {}).get("state") == "STOPPED"
    return bool(status.get("run", {}).get("complete")) and is_stopped


def _leader(workers: Sequence[Worker]) -> Worker:
    """The one that leads, as its metrics say."""

    def found() -> Worker | None:
        text = WEB.get(workers[0].url + "/metrics").text
        urls = re.findall(r"leader_name[^\n]*?(http://[0-9.]+:[0-9]+)", text)
        return next((each for each in workers if urls and each.url == urls[0]), None)

    leads: Worker = until(found, what="a leader")
    return leads


def _kill_a_worker(worker: Worker) -> None:
    """The power cut; then it comes back."""
    worker.kill()
    worker.start()


def _kill_a_task(workers: Sequence[Worker], connector: str, chance: random.Random) -> None:
    """One of the processes that run its tasks now."""

    def killed() -> bool:
        pids = [pid for each in workers for pid in each.pids(connector) if _is_of(each, pid)]
        if pids:
            os.kill(chance.choice(pids), signal.SIGKILL)
        return bool(pids)

    until(killed, what=f"a task of {connector}")


def _is_of(worker: Worker, pid: int) -> bool:
    """Whether a process descends from a worker's: its number may be another's by now."""
    assert worker.process is not None
    while pid > 1:
        if pid == worker.process.pid:
            return True
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            return False
    return False
