"""Runs of sinks that write elsewhere than the live connector, and still give way to it: it shares their machine.

The live connector is played: it is stopped, and its group's offset moves on as far behind the topic's end as is wanted.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from ferryman.runs.yielding import FIRST_SHARE
from tests.connectors.s3.s3_task import World
from tests.reliability.flows import STRING, Config, file_sink, s3_sink
from tests.running import Worker, create_topic, produce, until

HISTORY = 400
BEHIND = 60
"""Records by which the live connector is late: a few seconds' worth."""


@contextmanager
def played(kafka: str, topic: str) -> Iterator[Callable[[], None]]:
    """A live connector that is late until it is told to catch up, while somebody goes on writing."""
    over, late = threading.Event(), threading.Event()
    late.set()
    group = Consumer({"bootstrap.servers": kafka, "group.id": f"connect-{topic}", "enable.auto.commit": False})

    def go_on() -> None:
        while not over.wait(0.1):
            produce(kafka, topic, [b"new"] * 2)
            end = group.get_watermark_offsets(TopicPartition(topic, 0), timeout=60)[1]
            reached = end - BEHIND if late.is_set() else end
            group.commit(offsets=[TopicPartition(topic, 0, reached)], asynchronous=False)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield late.clear
    finally:
        over.set()
        thread.join()
        group.close()


@pytest.fixture(params=["file", "s3"])
def live(request: pytest.FixtureRequest, unique: str, tmp_path: Path) -> tuple[Config, Config]:
    """The config of a live connector, and what its run has otherwise."""
    if request.param == "file":
        return file_sink(unique, tmp_path / "live.txt"), {"file": str(tmp_path / "again.txt")}
    bucket = World(request.getfixturevalue("s3_server"), unique)
    own = {"flush.size": "10", "value.converter": STRING}
    return s3_sink(unique, bucket.url, bucket.bucket, **own), {"topics.dir": "again"}


def test_a_run_slows_down_while_records_wait_for_the_live_connector_and_ends(
    running: Worker, kafka: str, unique: str, live: tuple[Config, Config]
) -> None:
    config, elsewhere = live
    run = f"{unique}-again"
    create_topic(kafka, unique)
    produce(kafka, unique, [b"%d" % number for number in range(HISTORY)])
    running.call("POST", "/connectors", {"name": unique, "config": config, "initial_state": "STOPPED"}, expect=201)

    def told() -> Any:
        return running.call("GET", f"/connectors/{run}/status").get("run", {})

    with played(kafka, unique) as catch_up:
        body = {"name": run, "offsets": {unique: {"0": [0, HISTORY]}}, "config": elsewhere, "rate": 20}
        running.call("POST", f"/connectors/{unique}/backfill", body, expect=202)
        until(lambda: told().get("pace", 1) < FIRST_SHARE or told().get("complete"), 240, what="the run to give way")
        assert not told()["complete"], "it has given way to nobody"
        catch_up()
        until(lambda: told().get("complete"), 240, what="its end")


@pytest.mark.parametrize("live", ["s3"], indirect=True)
def test_before_the_live_connector_has_committed_anything_the_run_works_a_part_of_its_time_until_that_one_is_stopped(
    running: Worker, kafka: str, unique: str, live: tuple[Config, Config]
) -> None:
    config, elsewhere = live
    create_topic(kafka, unique)
    produce(kafka, unique, [b"%d" % number for number in range(HISTORY)])
    # Its one object stays open, however long the run takes to begin.
    running.create(config | {"flush.size": "1000000", "rotate.idle.interval.ms": "0"})
    running.running(unique)
    bounds, run = {unique: {"0": [0, HISTORY]}}, f"{unique}-again"
    body = {"name": run, "offsets": bounds, "config": elsewhere | {"flush.size": "10"}, "rate": 4}
    running.call("POST", f"/connectors/{unique}/backfill", body, expect=202)

    def told() -> Any:
        return running.call("GET", f"/connectors/{run}/status").get("run", {})

    # What is told is of the last commit, when it may have come back a little from where it began.
    until(lambda: told().get("pace", 1) < 1 or told().get("complete"), 240, what="the run to give way")
    assert (told()["held_back_by_live"], told()["complete"]) == (True, False)
    running.call("PUT", f"/connectors/{unique}/stop", expect=204)
    until(lambda: told()["pace"] == 1.0 and told()["records_done"] < HISTORY, 240, what="it to be free before its end")
    running.delete(run)
