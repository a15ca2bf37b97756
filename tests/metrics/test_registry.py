"""Which metrics there are: all of Kafka Connect's, all that Strimzi's dashboards ask for, each name once."""

import re

import pytest

from ferryman.metrics import registry
from ferryman.metrics.registry import ALIASES, FAMILIES
from tests.metrics import strimzi

KAFKAS = {
    "connector-metrics": "status connector-type connector-class connector-version",
    "connector-task-metrics": "status running-ratio pause-ratio offset-commit-max-time-ms offset-commit-avg-time-ms "
    "batch-size-max batch-size-avg offset-commit-failure-percentage offset-commit-success-percentage connector-class "
    "connector-version connector-type task-class task-version key-converter-class key-converter-version "
    "value-converter-class value-converter-version header-converter-class header-converter-version",
    "connector-transform-metrics": "transform-class transform-version",
    "connector-predicate-metrics": "predicate-class predicate-version",
    "source-task-metrics": "source-record-poll-rate source-record-poll-total source-record-write-rate "
    "source-record-write-total poll-batch-max-time-ms poll-batch-avg-time-ms source-record-active-count "
    "source-record-active-count-max source-record-active-count-avg transaction-size-min transaction-size-max "
    "transaction-size-avg",
    "sink-task-metrics": "sink-record-read-rate sink-record-read-total sink-record-send-rate sink-record-send-total "
    "partition-count offset-commit-seq-no offset-commit-completion-rate offset-commit-completion-total "
    "offset-commit-skip-rate offset-commit-skip-total put-batch-max-time-ms put-batch-avg-time-ms "
    "sink-record-active-count sink-record-active-count-max sink-record-active-count-avg",
    "task-error-metrics": "total-record-failures total-record-errors total-records-skipped total-retries "
    "total-errors-logged deadletterqueue-produce-requests deadletterqueue-produce-failures last-error-timestamp",
    "connect-worker-rebalance-metrics": "connect-protocol leader-name epoch completed-rebalances-total rebalancing "
    "rebalance-max-time-ms rebalance-avg-time-ms time-since-last-rebalance-ms",
    "connect-coordinator-metrics": "assigned-connectors assigned-tasks",
    "connect-worker-metrics": "connector-count task-count connector-startup-attempts-total "
    "connector-startup-success-total connector-startup-success-percentage connector-startup-failure-total "
    "connector-startup-failure-percentage task-startup-attempts-total task-startup-success-total "
    "task-startup-success-percentage task-startup-failure-total task-startup-failure-percentage "
    "connector-total-task-count connector-running-task-count connector-paused-task-count connector-failed-task-count "
    "connector-unassigned-task-count connector-destroyed-task-count connector-restarting-task-count",
}
"""The attributes of ConnectMetricsRegistry, of Kafka 4.1, by group."""


@pytest.mark.parametrize("group", KAFKAS)
def test_every_attribute_of_kafka_connects_is_a_metric(group: str) -> None:
    assert {name for own, name in registry.OF_ATTRIBUTE if own == group} == set(KAFKAS[group].split())


@pytest.mark.parametrize(
    ("asked", "names"),
    [(strimzi.EXPORTER, set(FAMILIES)), (strimzi.REPORTER, {each.name for each in ALIASES.values()})],
)
def test_everything_that_strimzis_dashboards_ask_about_kafka_is_there(asked: dict[str, str], names: set[str]) -> None:
    kafkas = {name for name in asked if name.startswith("kafka_")}
    assert kafkas
    assert kafkas - names == set()


def test_names_and_labels_are_such_as_prometheus_takes_and_no_alias_is_taken() -> None:
    for family in (*FAMILIES.values(), *ALIASES.values()):
        assert all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in (family.name, *family.labels))
        assert family.help.endswith((".", "…"))
        assert (family.kind == "counter") is family.name.endswith("_total") or family.name in {
            each.name for each in ALIASES.values()
        }
    assert {each.name for each in ALIASES.values()} & set(FAMILIES) == set()
    assert len({each.name for each in ALIASES.values()}) == len(ALIASES)


def test_of_a_task_that_has_failed_what_was_counted_stays_and_what_was_so_goes() -> None:
    names = (
        "kafka_connect_task_error_total_record_failures",
        "kafka_connect_sink_task_sink_record_read_total",
        "kafka_connect_connector_task_task_class",
        "ferryman_dead_letters_total",
        "ferryman_sink_lag_records",
        "kafka_connect_sink_task_sink_record_read_rate",
        "kafka_connect_sink_task_partition_count",
        "kafka_connect_connector_task_running_ratio",
        "kafka_connect_connector_task_batch_size_avg",
        "ferryman_task_memory_bytes",
        "kafka_consumer_connection_count",
    )
    assert list(registry.outliving(dict.fromkeys(names, "x"))) == list(names[:4])
