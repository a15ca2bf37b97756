"""Sources run again, by the command and over REST: a part of their history, in another topic, each record once."""

import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ferryman.commands import main
from tests.backfill.calls import Command
from tests.connectors.stripe.stripe_stub import StripeStub, payment, serving
from tests.reliability.flows import stripe_source
from tests.running import Worker, consume, create_topic, group, settings, until
from tests.running import distributed as of_a_group

FILE_SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
STRING = "org.apache.kafka.connect.storage.StringConverter"
WIDTH = 6
"""Bytes of a line."""
Made = Callable[..., Command]


@pytest.fixture
def made(kafka: str, unique: str, tmp_path: Path) -> Made:
    """The command for a live connector that reads a file of numbered lines."""

    def make(lines: int, **more: str) -> Command:
        (tmp_path / "in.txt").write_text("".join(f"{number:0{WIDTH - 1}}\n" for number in range(lines)))
        worker, connector = tmp_path / "worker.properties", tmp_path / "live.json"
        given = settings(kafka, unique, value_converter=STRING, **more)
        worker.write_text("".join(f"{key}={value}\n" for key, value in given.items()))
        config = {"connector.class": FILE_SOURCE, "file": str(tmp_path / "in.txt"), "topic": unique}
        connector.write_text(json.dumps({"name": unique, "config": config}))
        create_topic(kafka, f"{unique}-again")
        return Command(tmp_path, worker, connector)

    return make


def lines(kafka: str, topic: str) -> list[int]:
    """What a topic has, in its order."""
    return [int(message.value() or b"") for message in consume(kafka, topic)]


def again(unique: str, first: int, behind: int) -> list[str]:
    """The options of a run of these lines into another topic."""
    return ["--set", f"topic={unique}-again", "--positions", f"{first * WIDTH}-{behind * WIDTH}"]


def test_the_part_of_a_file_goes_to_another_topic_once_however_often_it_is_called(
    kafka: str, unique: str, made: Made
) -> None:
    command = made(300)
    for _ in range(2):
        called = command.call(*again(unique, 20, 250))
        called.well()
        assert "230 records; it writes elsewhere than the live connector" in called.said
        assert "complete" in called.said
        assert lines(kafka, f"{unique}-again") == list(range(20, 250))


def test_without_an_end_it_goes_up_to_what_was_there_when_it_was_called_first(
    kafka: str, unique: str, made: Made
) -> None:
    command = made(50)
    options = ["--set", f"topic={unique}-again", "--name", f"{unique}-all"]
    command.call(*options).well()
    with (command.folder / "in.txt").open("a") as file:
        file.write("00050\n")
    command.call(*options).well()
    assert lines(kafka, f"{unique}-again") == list(range(50))
    refused = command.call(*options, "--positions", "0-6")
    assert refused.code == 2
    assert "was begun with other bounds" in refused.errors


@pytest.mark.parametrize("guarantee", ["enabled", "disabled"])
def test_killed_again_and_again_it_goes_on_where_it_stood(
    kafka: str, unique: str, made: Made, long: bool, guarantee: str
) -> None:
    command = made(3_000, exactly_once_source_support=guarantee)
    topic, options = f"{unique}-again", again(unique, 500, 2_500)
    seed = random.randrange(10**9)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(20 if long else 2 if guarantee == "enabled" else 1):
        calling, before = command.begin(*options, "--rate", "400"), len(lines(kafka, topic))
        until(lambda: not calling.goes_on or len(lines(kafka, topic)) > before, 120)  # noqa: B023
        assert calling.goes_on, calling.ended()
        time.sleep(chance.random() / 10)
        calling.kill()
    command.call(*options).well()
    found = lines(kafka, topic)
    assert (found if guarantee == "enabled" else sorted(set(found))) == list(range(500, 2_500))


@pytest.fixture
def stub() -> Iterator[StripeStub]:
    with serving(StripeStub()) as served:
        yield served


def done(worker: Worker, name: str) -> dict[str, Any]:
    """The run's status, when it is complete and stopped."""

    def probe() -> Any:
        status = worker.call("GET", f"/connectors/{name}/status")
        is_over = status.get("run", {}).get("complete") and status["connector"]["state"] == "STOPPED"
        return status if is_over else None

    found: dict[str, Any] = until(probe, what=f"{name} to be complete")
    return found


def at(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")


def test_a_period_of_stripes_events_is_handed_over_again_beside_the_live_connector(
    running: Worker, kafka: str, unique: str, stub: StripeStub
) -> None:
    began = int(time.time()) - 86_400
    stub.add(*(payment(f"evt_{number:03}", began + number) for number in range(300)))
    for topic in (unique, f"{unique}-again"):
        create_topic(kafka, topic)
    running.create(stripe_source(unique, stub.url))
    until(lambda: len(consume(kafka, unique)) == 300, what="the live connector's events")
    body = {
        "from": at(began + 50),
        "to": at(began + 250),
        "name": f"{unique}-again",
        "config": {"topic": f"{unique}-again"},
    }
    path = f"/connectors/{unique}/backfill"
    refused = running.call("POST", path, {**body, "config": {}}, expect=400)
    assert "there twice" in refused["message"]
    told = running.call("POST", path, {**body, "dry_run": True}, expect=200)
    assert (told["from"], told["to"], told["warnings"]) == (body["from"], body["to"], [])
    assert running.call("POST", path, body, expect=202) == told
    status = done(running, f"{unique}-again")
    assert status["type"] == "source"
    assert (status["run"]["of"], status["run"]["records_done"], status["run"]["tasks_done"]) == (unique, 200, 1)
    ids = [json.loads(message.value() or b"")["id"] for message in consume(kafka, f"{unique}-again")]
    assert ids == [f"evt_{number:03}" for number in range(50, 250)]
    assert len(consume(kafka, unique)) == 300
    assert running.states(unique) == ["RUNNING", "RUNNING"]
    shown = running.call("GET", f"/connectors/{unique}-again/offsets")["offsets"]
    assert [list(each["partition"]) for each in shown] == [["url"]]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "setting topic, or allow it by --allow-duplicates"),
        ({"from": "2026-11-01T00:00:00Z"}, "the lines of a file have no times"),
        ({"positions": [3, 12]}, "begins at 3"),
        ({"positions": [9, 6]}, "positions must be [first, last + 1]"),
        ({"positions": 9}, "positions must be [first, last + 1]"),
        ({"offsets": {"t": {"0": [0, 1]}}}, "a source has positions"),
        ({"config": {"connector.class": "FileStreamSink"}}, "connector.class cannot be set for a run"),
        ({"config": {"file": None}}, "keeps no history"),
    ],
)
def test_what_cannot_be_is_said(
    running: Worker, unique: str, tmp_path: Path, body: dict[str, Any], complaint: str
) -> None:
    file = tmp_path / "in.txt"
    file.write_text("one\ntwo\n")
    running.create({"name": unique, "connector.class": FILE_SOURCE, "file": str(file), "topic": unique})
    assert complaint in running.call("POST", f"/connectors/{unique}/backfill", body, expect=400)["message"]
    assert running.call("GET", "/connectors").count(unique) == 1


def test_doubles_in_the_live_topic_can_be_allowed_by_name(
    running: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    file = tmp_path / "in.txt"
    file.write_text("1\n2\n")
    config = {"connector.class": FILE_SOURCE, "file": str(file), "topic": unique, "value.converter": STRING}
    running.create({"name": unique, **config})
    until(lambda: lines(kafka, unique) == [1, 2], what="the live connector's lines")
    body = {"positions": [2, None], "allow_duplicates": True, "name": f"{unique}-twice"}
    running.call("POST", f"/connectors/{unique}/backfill", body, expect=202)
    assert done(running, f"{unique}-twice")["run"]["records_total"] == 1
    assert lines(kafka, unique) == [1, 2, 2]
    refused = running.call("POST", f"/connectors/{unique}-twice/backfill", {}, expect=400)
    assert "is a run itself" in refused["message"]


def test_several_tasks_of_a_group_end_together_and_any_worker_tells_of_them(
    kafka: str, unique: str, tmp_path: Path
) -> None:
    live = {
        "name": unique,
        "connector.class": "io.confluent.kafka.connect.datagen.DatagenConnector",
        "kafka.topic": unique,
        "schema.string": json.dumps({"type": "record", "name": "One", "fields": [{"name": "id", "type": "long"}]}),
        "random.seed": "7",
        "throughput": "1",
        "tasks.max": "3",
    }
    create_topic(kafka, f"{unique}-again")
    with group(tmp_path, of_a_group(kafka, unique), 2) as workers:
        workers[0].create(live)
        body = {"positions": [100, 400], "name": f"{unique}-again", "config": {"kafka.topic": f"{unique}-again"}}
        told = workers[1].call("POST", f"/connectors/{unique}/backfill", body, expect=202)
        assert (told["records"], told["positions"]) == (900, [100, 400])
        for each in workers:
            run = done(each, f"{unique}-again")["run"]
            assert (run["records_done"], run["records_total"], run["complete"]) == (900, 900, True)
        assert len(consume(kafka, f"{unique}-again")) == 900
        # Resumed, it sees that nothing is left, and is stopped again.
        workers[0].call("PUT", f"/connectors/{unique}-again/resume", expect=202)
        until(lambda: "RUNNING" in workers[0].states(f"{unique}-again"), what="the run to be resumed")
        assert done(workers[0], f"{unique}-again")["run"]["records_done"] == 900
        assert len(consume(kafka, f"{unique}-again")) == 900


def test_records_that_a_run_refuses_are_counted_beside_their_dead_letters(
    running: Worker, kafka: str, unique: str, tmp_path: Path
) -> None:
    (tmp_path / "in.txt").write_text("".join(f"{number:0{WIDTH - 1}}\n" for number in range(200)))
    for topic in (f"{unique}-again", f"{unique}-refused"):
        create_topic(kafka, topic)
    live = {
        "connector.class": FILE_SOURCE,
        "file": str(tmp_path / "in.txt"),
        "topic": unique,
        "value.converter": STRING,
    }
    running.call("POST", "/connectors", {"name": unique, "config": live, "initial_state": "STOPPED"}, expect=201)
    config = {
        "topic": f"{unique}-again",
        "transforms": "small",  # an int8 ends with 127
        "transforms.small.type": "org.apache.kafka.connect.transforms.Cast$Value",
        "transforms.small.spec": "int8",
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": f"{unique}-refused",
    }
    sets = [part for key, value in config.items() for part in ("--set", f"{key}={value}")]
    words = ["connectors", "backfill", unique, "--name", f"{unique}-run", "--positions", f"{100 * WIDTH}-{150 * WIDTH}"]
    ran = CliRunner().invoke(main, [*words, *sets, "--watch", "--url", running.url])
    assert ran.exit_code == 3, ran.output
    assert f"{unique}-run: 50 records; it writes elsewhere than the live connector" in ran.output
    assert f"positions from {100 * WIDTH} up to {150 * WIDTH}" in ran.output
    assert "100 %, 50 of 50 records; 22 refused; complete" in ran.output
    assert f"22 records refused: `ferryman dlq list {unique}-run` shows them" in ran.output
    told = running.call("GET", f"/connectors/{unique}-run/status")["run"]
    assert (told["records_done"], told["records_refused"]) == (50, 22)
    assert lines(kafka, f"{unique}-again") == list(range(100, 128))
    assert len(consume(kafka, f"{unique}-refused")) == 22
