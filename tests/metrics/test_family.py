"""The names of Kafka's figures under the two sets of rules that dashboards rely on."""

import pytest

from ferryman.metrics.family import Attribute, exporter_name, reporter_name

CONNECT = "kafka.connect"


@pytest.mark.parametrize(
    ("attribute", "exporter", "reporter"),
    [
        (
            Attribute(CONNECT, "connect-worker-metrics", "connector-count"),
            "kafka_connect_worker_connector_count",
            "kafka_connect_connect_worker_metrics_connector_count",
        ),
        (
            Attribute(CONNECT, "sink-task-metrics", "sink-record-read-total"),
            "kafka_connect_sink_task_sink_record_read_total",
            "kafka_connect_sink_task_metrics_sink_record_read",
        ),
        (
            Attribute(CONNECT, "connector-metrics", "status", text=True),
            "kafka_connect_connector_status",
            "kafka_connect_connector_metrics_status_info",
        ),
        (
            Attribute("kafka.consumer", "consumer-fetch-manager-metrics", "records-lag-max"),
            "kafka_consumer_fetch_manager_records_lag_max",
            "kafka_consumer_consumer_fetch_manager_metrics_records_lag_max",
        ),
        (
            Attribute("kafka.admin.client", "admin-client-metrics", "connection-count"),
            "kafka_admin_client_connection_count",
            "kafka_admin_client_admin_client_metrics_connection_count",
        ),
    ],
)
def test_an_attribute_is_called_as_each_exporter_calls_it(attribute: Attribute, exporter: str, reporter: str) -> None:
    assert (exporter_name(attribute), reporter_name(attribute)) == (exporter, reporter)
