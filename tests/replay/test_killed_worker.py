"""A worker that dies while it makes a replay leaves one that owns its letters, or nothing; never two that have one."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.replay.test_into_a_table import done, ids, letters, narrow_table, replay, row, sink, widen
from tests.running import WEB, Worker, create_topic, distributed, group, produce, until


@pytest.mark.parametrize("point", ["replay.made", "replay.marked"])
def test_what_a_dead_worker_has_begun_is_finished_or_owns_nothing(
    kafka: str, postgres: str, unique: str, tmp_path: Path, point: str
) -> None:
    first = f"{unique}-first"
    create_topic(kafka, unique)
    narrow_table(postgres, unique)
    with group(tmp_path, distributed(kafka, unique), 1, FERRYMAN_CRASH_AT=point) as (running,):
        running.create(sink(unique, postgres))
        produce(kafka, unique, [row(1, 500)])
        letters(kafka, unique, 1)
        widen(postgres, unique)
        with pytest.raises(httpx.TransportError):
            WEB.post(f"{running.url}/connectors/{unique}/dead-letters/replay", json={"all": True, "name": first})
        running.environment.clear()
        running.start()
        until(lambda: state(running, first) == "STOPPED", what="the run that was begun")
        if point == "replay.made":
            done(running, replay(running, unique, all=True)["name"])
            assert ids(postgres, unique) == [1]
        else:
            refused = replay(running, unique, 409, letters=["0-0"], again=True)["message"]
            assert f"0-0 is being replayed by {first}, which has not come to its end" in refused
            assert ids(postgres, unique) == []
        running.call("PUT", f"/connectors/{first}/resume", expect=202)
        done(running, first)
        assert ids(postgres, unique) == [1]


def state(running: Worker, name: str) -> Any:
    return running.call("GET", f"/connectors/{name}/status").get("connector", {}).get("state")
