"""What a worker on the stack serves under /metrics: every metric that is declared, with the values of what happened."""

import json
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ferryman.metrics.registry import ALIASES, FAMILIES
from tests.metrics import strimzi
from tests.metrics.scraped import OPEN_METRICS, Scraped, read, scrape
from tests.monitoring.files import expressions
from tests.monitoring.prometheus import needs_prometheus, scraping
from tests.reliability.flows import file_sink, lines
from tests.running import WEB, Worker, create_topic, distributed, feed, group, produce, send, settings, until, worker

OWN = f"m{uuid.uuid4().hex[:8]}"
"""Begins the names of this process: each that runs some of these tests has a worker of its own."""
SINK = f'{OWN} "a\\b'
"""It would end a label."""
SECRET = "obol-for-the-ferryman"
GOOD, BAD = 90, 10
JSON = {"value_converter": "JsonConverter", "value_converter_schemas_enable": "false"}
SOURCES = 3
READ, SENT = "kafka_connect_sink_task_sink_record_read_total", "kafka_connect_sink_task_sink_record_send_total"


def dead_letter_sink(name: str, topic: str, file: Path) -> dict[str, Any]:
    """A sink that passes bad records on, with a transform and a predicate."""
    return {
        **file_sink(name, file, topics=topic, **JSON),
        "errors.tolerance": "all",
        "errors.log.enable": "true",
        "errors.deadletterqueue.topic.name": f"{topic}-dead",
        "errors.deadletterqueue.topic.replication.factor": "1",
        "transforms": "drop",
        "transforms.drop.type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
        "transforms.drop.exclude": "kind",
        "transforms.drop.predicate": "named",
        "predicates": "named",
        "predicates.named.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        "predicates.named.pattern": f"{topic}.*",
        "some.password": SECRET,
    }


@pytest.fixture(scope="module")
def fed() -> str:
    """The sink's topic: another one each time that these fixtures are made."""
    return f"{OWN}-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def running(kafka: str, fed: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A worker with a sink that has met bad records, and a source."""
    directory, topic = tmp_path_factory.mktemp("metrics"), fed
    source = directory / "source.txt"
    source.write_text("a line\n" * SOURCES)
    create_topic(kafka, topic)
    feed(kafka, topic, range(GOOD))
    produce(kafka, topic, [b"bad"] * BAD)
    more = {
        "ferryman_metrics_names": "exporter,reporter",
        "ferryman_metrics_partitions": "true",
        "consumer_metadata_max_age_ms": "1000",
        "consumer_session_timeout_ms": "120000",  # who is slow must not be put out, and count from zero
    }
    with worker(directory, settings(kafka, OWN, **more)) as one:
        one.create(dead_letter_sink(SINK, topic, directory / "out.txt"))
        file_source = {"connector.class": "FileStreamSource", "file": str(source), "topic": f"{topic}-lines"}
        one.create({"name": "source", **file_source})
        until(lambda: scrape(one).one(SENT, connector=SINK) == GOOD, what="the sink's records")
        until(lambda: scrape(one).one("kafka_connect_source_task_source_record_write_total") == SOURCES)
        until(lambda: "kafka_consumer_connection_count" in scrape(one).series, what="the clients' statistics")
        until(lambda: "kafka_producer_connection_count" in scrape(one).series, what="the clients' statistics")
        yield one


@pytest.fixture(scope="module")
def found(running: Worker) -> Scraped:
    """What it serves when all of that is done."""
    until(lambda: scrape(running).one("kafka_connect_sink_task_sink_record_active_count") == 0)
    until(lambda: scrape(running).one("ferryman_sink_lag_records") == 0, what="the lag to be gone")
    return scrape(running)


ONLY_IN_A_GROUP = ("kafka_connect_worker_rebalance_", "kafka_connect_coordinator_")


def test_every_declared_metric_is_served_by_a_worker_with_a_sink_and_a_source(found: Scraped) -> None:
    missing = [name for name in FAMILIES if not found.series.keys() & {name, f"{name}_count"}]
    assert [name for name in missing if not name.startswith(ONLY_IN_A_GROUP)] == []


def test_each_of_kafkas_is_also_there_under_the_name_of_strimzis_reporter(found: Scraped) -> None:
    for name, alias in ALIASES.items():
        assert sorted(found.found(name), key=str) == pytest.approx(
            sorted(found.found(alias.name), key=str), nan_ok=True
        )


def test_series_have_the_labels_that_are_declared_and_each_is_there_once(found: Scraped) -> None:
    for name, family in FAMILIES.items():
        series = found.series.get(name, [])
        assert all(set(labels) == set(family.labels) for labels, _ in series)
        assert len({tuple(sorted(labels.items())) for labels, _ in series}) == len(series)


def test_the_figures_are_what_has_happened(found: Scraped, fed: str) -> None:
    own = {"connector": SINK, "task": "0"}
    assert found.one(READ, **own) == GOOD + BAD
    assert found.one("kafka_connect_sink_task_partition_count", **own) == 1
    assert found.one("kafka_connect_task_error_total_record_errors", **own) == BAD
    assert found.one("kafka_connect_task_error_total_record_failures", **own) == BAD
    assert found.one("kafka_connect_task_error_total_records_skipped", **own) == BAD
    assert found.one("kafka_connect_task_error_total_errors_logged", **own) == BAD
    assert found.one("kafka_connect_task_error_deadletterqueue_produce_requests", **own) == BAD
    assert found.one("ferryman_dead_letters_total", stage="VALUE_CONVERTER", **own) == BAD
    assert found.one("ferryman_skipped_records_total", stage="VALUE_CONVERTER", **own) == BAD
    assert found.one("ferryman_sink_delivery_latency_seconds_count", **own) == GOOD
    assert found.one("ferryman_sink_partition_lag_records", topic=fed, partition="0") == 0
    assert found.one("kafka_connect_task_error_total_record_failures", connector="source") == 0


def test_the_source_has_counted_what_it_handed_over_and_what_is_committed(found: Scraped) -> None:
    group = "kafka_connect_source_task_"
    assert found.one(f"{group}source_record_poll_total") == SOURCES
    assert found.one(f"{group}source_record_active_count") == 0
    assert found.one("ferryman_source_delivery_latency_seconds_count") == SOURCES
    assert found.one(f"{group}transaction_size_max") == SOURCES


def test_names_classes_and_states_are_labels(found: Scraped) -> None:
    assert found.one("kafka_connect_connector_status", connector=SINK, status="running") == 1
    assert found.one("kafka_connect_connector_task_status", connector=SINK, task="0", status="running") == 1
    sink_class = "org.apache.kafka.connect.file.FileStreamSinkConnector"
    assert found.one("kafka_connect_connector_connector_class", connector=SINK, connector_class=sink_class) == 1
    assert found.labels("kafka_connect_connector_transform_transform_class", "transform_class") == {
        "org.apache.kafka.connect.transforms.ReplaceField$Value"
    }
    assert found.labels("kafka_connect_connector_predicate_predicate_class", "predicate") == {"named"}
    assert any("ReplaceField" in step for step in found.labels("ferryman_chain_records_total", "step"))


def test_starts_are_counted_by_the_worker(found: Scraped) -> None:
    for what in ("connector", "task"):
        assert found.one(f"kafka_connect_worker_{what}_startup_attempts_total") == 2
        assert found.one(f"kafka_connect_worker_{what}_startup_success_percentage") == 1
        assert found.one(f"kafka_connect_worker_{what}_count") == 2


@needs_prometheus
def test_prometheus_scrapes_it_and_answers_all_that_alerts_and_dashboard_ask(running: Worker, tmp_path: Path) -> None:
    with scraping(tmp_path, running.url.removeprefix("http://")) as prometheus:
        until(lambda: [each["value"][1] for each in prometheus.result("up")] == ["1"], 60, "a scrape")
        for text in expressions():
            prometheus.result(text.replace("$connector", ".*").replace("$__rate_interval", "1m"))
        (sink,) = prometheus.result(f"{SENT}")
        assert (sink["metric"]["connector"], sink["value"][1]) == (SINK, str(GOOD))
        until(lambda: prometheus.ask("alerts")["alerts"], 60, "the alerts")
        firing = {each["labels"]["alertname"] for each in prometheus.ask("alerts")["alerts"]}
        assert firing == {"RecordsDeadLettered", "RecordsSkipped"}


def test_no_secret_is_in_what_is_served(running: Worker) -> None:
    for accept in ("text/plain", OPEN_METRICS):
        assert SECRET not in WEB.get(running.url + "/metrics", headers={"Accept": accept}).text


def test_openmetrics_is_served_to_whoever_asks_and_is_such(running: Worker) -> None:
    answer = WEB.get(running.url + "/metrics", headers={"Accept": OPEN_METRICS})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert read(answer.text, openly=True).one(READ, connector=SINK) == GOOD + BAD


def test_what_arrives_while_a_sink_is_paused_is_its_lag(running: Worker, kafka: str, fed: str) -> None:
    path = f"/connectors/{quote(SINK, safe='')}"
    running.call("PUT", f"{path}/pause", expect=202)
    until(lambda: scrape(running).one("kafka_connect_connector_task_status", connector=SINK, status="paused"))
    feed(kafka, fed, range(7))
    until(lambda: scrape(running).one("ferryman_sink_lag_records", connector=SINK) == 7, what="the lag")
    until(lambda: (scrape(running).one("ferryman_sink_oldest_undelivered_record_age_seconds") or 0) > 0)
    assert (scrape(running).one("kafka_connect_connector_task_pause_ratio", connector=SINK) or 0) > 0
    running.call("PUT", f"{path}/resume", expect=202)
    until(lambda: scrape(running).one(SENT, connector=SINK) == GOOD + 7, what="the rest")
    until(lambda: scrape(running).one("ferryman_sink_lag_records", connector=SINK) == 0, what="the lag to be gone")


def test_the_marks_of_transactions_behind_the_last_record_are_no_lag(running: Worker, fed: str, tmp_path: Path) -> None:
    name = f"{OWN}-marked"
    running.create(file_sink(name, tmp_path / "out.txt", topics=f"{fed}-lines"))
    until(lambda: len(lines(tmp_path / "out.txt")) == SOURCES, what="the source's lines")
    until(lambda: scrape(running).one(SENT, connector=name) == SOURCES, what="its figures")
    until(lambda: scrape(running).one("ferryman_sink_lag_records", connector=name) == 0, what="the lag to be gone")
    running.delete(name)


def test_a_task_that_is_killed_has_no_series_and_its_successor_counts_from_zero(running: Worker, kafka: str) -> None:
    (before,) = running.pids(SINK)
    send(before, signal.SIGKILL)
    until(lambda: len(running.pids(SINK)) == 2, what="the next process")
    until(lambda: scrape(running).one(READ, connector=SINK) == 0, what="its first figures")
    assert scrape(running).one("ferryman_task_process_starts_total", connector=SINK) == 2


def test_a_task_that_has_failed_is_shown_as_failed_with_what_it_counted(
    running: Worker, kafka: str, tmp_path: Path
) -> None:
    name = f"{OWN}-failing"
    create_topic(kafka, name)
    feed(kafka, name, range(3))
    produce(kafka, name, [b"bad"])
    running.create(file_sink(name, tmp_path / "out.txt", **JSON))
    running.trace(name)
    found = scrape(running)
    assert found.one("kafka_connect_connector_task_status", connector=name, status="failed") == 1
    assert found.one("kafka_connect_task_error_total_record_failures", connector=name) == 1
    assert found.one("kafka_connect_worker_connector_failed_task_count", connector=name) == 1
    assert found.found("ferryman_task_memory_bytes", connector=name) == []
    running.delete(name)
    until(lambda: name not in scrape(running).labels("kafka_connect_connector_task_status", "connector"))
    assert not any(
        labels.get("connector") == name for series in scrape(running).series.values() for labels, _ in series
    )


def test_two_workers_of_a_group_tell_each_of_its_own_tasks_and_answer_all_that_strimzi_asks(
    kafka: str, tmp_path: Path, unique: str
) -> None:
    create_topic(kafka, unique, 2)
    source = tmp_path / "source.txt"
    source.write_text("a line\n")
    chosen = distributed(kafka, unique, ferryman_metrics_names="exporter,reporter")
    with group(tmp_path, chosen, 2) as workers:
        sink = file_sink(f"{unique}-sink", tmp_path / "out.txt", topics=unique)
        workers[0].create(sink)
        workers[0].create(
            {
                "name": f"{unique}-source",
                "connector.class": "FileStreamSource",
                "file": str(source),
                "topic": f"{unique}-lines",
            }
        )
        feed(kafka, unique, range(5))
        until(lambda: len(lines(tmp_path / "out.txt")) == 5, what="the records")
        asked = {**strimzi.EXPORTER, **strimzi.REPORTER}

        def unanswered() -> list[str]:
            both = [scrape(each) for each in workers]
            return [
                name
                for name, labels in asked.items()
                if not any(labels <= set(own) for found in both for own, _ in found.series.get(name, []))
            ]

        until(lambda: not unanswered(), what="all series")
        tasks = [scrape(each).labels("kafka_connect_connector_task_status", "connector") for each in workers]
        assert tasks[0] & tasks[1] == set()
        assert tasks[0] | tasks[1] == {f"{unique}-sink", f"{unique}-source"}
        assert sum(scrape(each).one("kafka_connect_coordinator_assigned_tasks") or 0 for each in workers) == 2
        leaders = [scrape(each).labels("kafka_connect_worker_rebalance_leader_name", "leader_name") for each in workers]
        assert leaders[0] == leaders[1]
        assert scrape(workers[0]).one("kafka_connect_worker_rebalance_rebalancing") == 0


def test_without_metrics_there_are_none(kafka: str, tmp_path: Path, unique: str) -> None:
    with worker(tmp_path, settings(kafka, unique, ferryman_metrics_enable="false")) as one:
        answer = WEB.get(one.url + "/metrics")
        assert answer.status_code == 404
        assert "ferryman.metrics.enable" in json.loads(answer.text)["message"]
