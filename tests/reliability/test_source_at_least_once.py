"""Sources without transactions (exactly.once.source.support=disabled): nothing is lost, and what comes twice lies above
the last committed offset."""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from confluent_kafka import IsolationLevel
from confluent_kafka.admin import AdminClient

from tests.plugin_folder import installed
from tests.reliability.flows import STRING
from tests.reliability.test_source_transactions import ends
from tests.running import WEB, Worker, consume, create_topic, fresh, settings, until, worker

PLUGIN = """
from ferryman.api import Source
from ferryman.config import Int, Str, key
from ferryman.connector import SourceConfig
from ferryman.record import Record

class CountingConfig(SourceConfig):
    topic: Str = key()
    count: Int = key()

class CountingSource(Source[CountingConfig]):
    config_class = CountingConfig

    def start(self):
        self.next = (self.context.offset({"numbers": 1}) or {"n": 0})["n"]

    def poll(self):
        numbers = range(self.next, min(self.next + 7, self.config.count))
        self.context.stopping(0.01 if numbers else 0.05)
        self.next += len(numbers)
        return [Record(topic=self.config.topic, value=f"{number}", source_partition={"numbers": 1},
                       source_offset={"n": number + 1}) for number in numbers]
"""
POINTS = ["source.before_produce", "source.after_produce", "source.before_commit", "source.after_commit"]


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """A worker whose sources deliver at least once, with the plugin on its path."""
    name = fresh("plain")
    directory = tmp_path_factory.mktemp("plain")
    home = installed(directory, "counting_source", PLUGIN, "CountingSource")
    chosen = settings(kafka, name, exactly_once_source_support="disabled")
    with worker(directory, chosen, PYTHONPATH=str(home)) as one:
        yield one


def counting(name: str, count: int, **more: str) -> dict[str, str]:
    own = {"name": name, "connector.class": "CountingSource", "topic": name, "count": str(count)}
    return own | {"value.converter": STRING} | {key.replace("_", "."): value for key, value in more.items()}


def numbers(kafka: str, topic: str) -> list[int]:
    return [int(message.value() or b"") for message in consume(kafka, topic)]


def committed(running: Worker, name: str) -> int:
    found = running.call("GET", f"/connectors/{name}/offsets")["offsets"]
    return int(found[0]["offset"]["n"]) if found else 0


def went_back_to(found: list[int]) -> list[int]:
    """The numbers that follow one that is not the number before them."""
    return [after for before, after in pairwise([-1, *found]) if after != before + 1]


def test_records_and_offsets_arrive_without_transactions(
    kafka: str, admin: AdminClient, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    running.create(counting(unique, 100))
    until(lambda: committed(running, unique) == 100, 60)
    assert numbers(kafka, unique) == list(range(100))
    assert ends(admin, unique, IsolationLevel.READ_UNCOMMITTED) == 100, "no transaction has left its mark"


def test_after_kills_nothing_is_lost_and_doubles_begin_at_an_offset_that_was_committed(
    tmp_path: Path, kafka: str, unique: str
) -> None:
    home = installed(tmp_path, "counting_source", PLUGIN, "CountingSource")
    turns = ",".join(f"{point}:2" for point in POINTS)
    more = {"FERRYMAN_CRASH_AT": turns, "FERRYMAN_CRASH_LOG": f"{tmp_path / 'crashes'}:{len(POINTS)}"}
    create_topic(kafka, unique)
    chosen = settings(kafka, unique, exactly_once_source_support="disabled", offset_flush_interval_ms="100")
    with worker(tmp_path, chosen, PYTHONPATH=str(home), **more) as running:
        running.create(counting(unique, 1500))
        until(lambda: committed(running, unique) == 1500, 90)
    deaths = (tmp_path / "crashes").read_text().splitlines()
    assert [line.split()[0] for line in deaths] == POINTS
    found = numbers(kafka, unique)
    assert set(found) == set(range(1500))
    known = [json.loads(message.value() or b"")["n"] for message in consume(kafka, f"{unique}-offsets")]
    assert set(went_back_to(found)) <= {0, *known}
    assert len(went_back_to(found)) <= len(POINTS)


def test_a_stop_commits_what_is_there_and_a_worker_goes_on_behind_it(tmp_path: Path, kafka: str, unique: str) -> None:
    home = installed(tmp_path, "counting_source", PLUGIN, "CountingSource")
    create_topic(kafka, unique)
    chosen = settings(kafka, unique, exactly_once_source_support="disabled", offset_flush_interval_ms="3600000")
    with worker(tmp_path, chosen, PYTHONPATH=str(home)) as running:
        running.create(counting(unique, 50))
        until(lambda: len(consume(kafka, unique)) == 50, 60)
        assert committed(running, unique) == 0
        running.stop()
        running.start()
        running.create(counting(unique, 60))
        until(lambda: len(consume(kafka, unique)) >= 60, 60)
    assert numbers(kafka, unique) == list(range(60))


def test_offsets_are_altered_and_forgotten_over_rest(kafka: str, running: Worker, unique: str) -> None:
    create_topic(kafka, unique)
    running.create(counting(unique, 10))
    until(lambda: committed(running, unique) == 10, 60)
    running.call("PUT", f"/connectors/{unique}/stop", expect=204)
    until(lambda: running.states(unique) == ["STOPPED"])
    moved = {"offsets": [{"partition": {"numbers": 1}, "offset": {"n": 8}}]}
    running.call("PATCH", f"/connectors/{unique}/offsets", moved, expect=200)
    assert committed(running, unique) == 8
    running.call("PUT", f"/connectors/{unique}/resume", expect=202)
    until(lambda: committed(running, unique) == 10, 60)
    running.call("PUT", f"/connectors/{unique}/stop", expect=204)
    until(lambda: running.states(unique) == ["STOPPED"])
    running.call("DELETE", f"/connectors/{unique}/offsets", expect=200)
    assert committed(running, unique) == 0
    assert numbers(kafka, unique) == [*range(10), 8, 9]


def test_what_the_broker_refuses_fails_the_task_and_no_offset_passes_it(
    kafka: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique, max_message_bytes="60")
    running.create(counting(unique, 100))
    trace = running.trace(unique)
    assert f"{unique}'s max.message.bytes is the limit" in trace
    assert committed(running, unique) == 0


def test_a_connector_that_requires_exactly_once_delivery_is_refused(running: Worker, unique: str) -> None:
    config = counting(unique, 1, exactly_once_support="required")
    answer = WEB.post(f"{running.url}/connectors", json={"name": unique, "config": config})
    assert answer.status_code == 400
    assert "This worker does not have exactly-once source support enabled." in answer.json()["message"]


def test_what_says_how_transactions_end_has_no_effect_and_is_named(kafka: str, running: Worker, unique: str) -> None:
    create_topic(kafka, unique)
    running.create(counting(unique, 1, transaction_boundary="interval"))
    until(
        lambda: (
            "transaction.boundary has no effect: the worker has exactly.once.source.support=disabled" in running.said
        )
    )
