"""Kafka Connect goes on with the topics that we wrote, and we know what it writes to them."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ferryman.facts.config_records import RestartRequest
from ferryman.facts.fold import Event, Facts
from ferryman.facts.states import State, TargetState
from ferryman.facts.statuses import Statuses
from ferryman.internal_topics import config_topic, creation, of_worker, status_topic
from ferryman.internal_topics.config_topic import ConfigTopic
from ferryman.internal_topics.kafka_log import LogRecord
from ferryman.kafka.admin import Admin
from tests.internal_topics.kafka_connect import kafka_connect
from tests.internal_topics.logs import SOON, distributed
from tests.running import WEB, until

SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
TASK = "org.apache.kafka.connect.file.FileStreamSourceTask"


def source(name: str, file: Path, topic: str) -> dict[str, str]:
    return {"name": name, "connector.class": SOURCE, "tasks.max": "1", "file": str(file), "topic": topic}


def test_kafka_connect_takes_over_what_we_wrote_and_we_know_what_it_writes(
    tmp_path: Path, kafka: str, unique: str, long: bool
) -> None:
    for support in ("enabled", "disabled") if long else ("enabled",):
        directory = tmp_path / support
        directory.mkdir()
        _take_over(directory, kafka, f"{unique}-{support}", support)


def _take_over(directory: Path, kafka: str, unique: str, support: str) -> None:
    replicas = {f"{kind}_storage_replication_factor": "1" for kind in ("config", "offset", "status")}
    worker = distributed(kafka, unique, exactly_once_source_support=support, offset_storage_partitions="2", **replicas)
    for topic in of_worker.topics(worker):
        creation.create(Admin({"bootstrap.servers": kafka}), topic)
    facts, events, statuses = Facts(), list[Event](), Statuses()

    def configs(records: Sequence[LogRecord]) -> None:
        for record, offset in config_topic.decoded(records):
            events.extend(facts.apply(record, offset))

    def told(records: Sequence[LogRecord]) -> None:
        for record in status_topic.decoded(records):
            statuses.apply(record)

    log, status_log = of_worker.config_log(worker, configs), of_worker.status_log(worker, told)
    log.start()
    status_log.start()
    try:
        written = _write(ConfigTopic(log, leader := of_worker.leader_writer(worker)), leader, directory, unique)
        events.clear()
        with kafka_connect(directory, worker) as url:
            _knows(url, written)
            until(lambda: _states(statuses, "ours") == [State.RUNNING, State.RUNNING], what="that the connector runs")
            assert statuses.connector("ours").worker_id == url.removeprefix("http://")  # type: ignore[union-attr]
            _drive(url, directory, unique)
            until(
                lambda: facts.of("ours").target is TargetState.STOPPED and not facts.of("ours").tasks, what="its stop"
            )
            until(lambda: _states(statuses, "ours") == [State.STOPPED], what="that it has stopped")
            until(lambda: statuses.connector("paused") is None and facts.names() == ["ours", "theirs"], what="deletion")
            assert facts.of("theirs").properties == source("theirs", directory / "in", unique)
            assert facts.of("theirs").target is TargetState.PAUSED
            assert facts.session_key is not None
            assert RestartRequest("ours", include_tasks=True, only_failed=False) in events
            assert until(lambda: statuses.topics("ours"), what="which topics it used")[unique].task == 0
    finally:
        log.close()
        status_log.close()


def _write(topic: ConfigTopic, leader: Any, directory: Path, name: str) -> dict[str, dict[str, str]]:
    """Three connectors, one of which is deleted again; the configs of the others."""
    (directory / "in").write_text("a\n")
    if leader is not None:
        leader.claim(SOON)
    configs = {each: source(each, directory / "in", name) for each in ("gone", "ours", "paused")}
    for each, config in configs.items():
        topic.put_connector(each, config, TargetState.PAUSED if each == "paused" else None)
        topic.put_tasks(each, [{"task.class": TASK, **config}])
    topic.delete_connector("gone")
    return {each: configs[each] for each in ("ours", "paused")}


def _knows(url: str, written: dict[str, dict[str, str]]) -> None:
    assert sorted(WEB.get(f"{url}/connectors").json()) == sorted(written)
    for name, config in written.items():
        assert WEB.get(f"{url}/connectors/{name}/config").json() == config
        (task,) = WEB.get(f"{url}/connectors/{name}/tasks").json()
        assert task["config"]["task.class"] == TASK
    paused = f"{url}/connectors/paused/status"
    until(lambda: WEB.get(paused).json().get("connector", {}).get("state") == "PAUSED", what="that it is paused")


def _states(statuses: Statuses, name: str) -> list[State]:
    """The states of the connector and its tasks."""
    connector = statuses.connector(name)
    return [each.state for each in (*filter(None, [connector]), *statuses.tasks(name).values())]


def _drive(url: str, directory: Path, name: str) -> None:
    """What tools do, each once Kafka Connect takes it: it refuses while its group is joined anew."""
    new = {"name": "theirs", "config": source("theirs", directory / "in", name), "initial_state": "PAUSED"}
    requests: list[Callable[[], Any]] = [
        lambda: WEB.post(f"{url}/connectors", json=new),
        lambda: WEB.post(f"{url}/connectors/ours/restart?includeTasks=true&onlyFailed=false"),
        lambda: WEB.put(f"{url}/connectors/ours/stop"),
        lambda: WEB.delete(f"{url}/connectors/paused"),
    ]
    for request in requests:
        until(partial(_accepted, request), what="an accepted request", pause=0.5)


def _accepted(request: Callable[[], Any]) -> bool:
    answer = request()
    assert answer.status_code in (200, 201, 202, 204, 409), f"{answer.request.url}: {answer.status_code} {answer.text}"
    return bool(answer.status_code != 409)
