"""What Strimzi's dashboards for Kafka Connect and its alert rules ask Prometheus for, and by which labels.

From strimzi-kafka-operator at 8541da1, examples/metrics: grafana-dashboards/strimzi-kafka-connect.json,
strimzi-metrics-reporter/grafana-dashboards/strimzi-kafka-connect.json, prometheus-install/prometheus-rules. Left out is
what Kubernetes itself measures (``container_…``), and labels that Prometheus adds (``strimzi_io_cluster``, ``pod``, …).
"""

from collections.abc import Mapping

Labels = frozenset[str]
NONE: Labels = frozenset()
_CONNECTOR, _TASK = frozenset({"connector"}), frozenset({"connector", "task"})
_STATES = ("paused", "failed", "unassigned", "destroyed", "running")

EXPORTER: Mapping[str, Labels] = {
    "kafka_connect_worker_connector_count": NONE,
    "kafka_connect_worker_task_count": NONE,
    "kafka_consumer_connection_count": NONE,
    "kafka_producer_connection_count": NONE,
    "kafka_admin_client_connection_count": NONE,
    "kafka_producer_outgoing_byte_total": NONE,
    "kafka_consumer_incoming_byte_total": NONE,
    "kafka_connect_coordinator_assigned_connectors": NONE,
    "kafka_connect_coordinator_assigned_tasks": NONE,
    "kafka_connect_worker_rebalance_rebalancing": NONE,
    **{f"kafka_connect_worker_connector_{state}_task_count": _CONNECTOR for state in _STATES},
    "kafka_connect_connector_status": _CONNECTOR | {"status"},
    "kafka_connect_connector_connector_class": _CONNECTOR | {"connector_class"},
    "kafka_connect_connector_connector_version": _CONNECTOR | {"connector_version"},
    "kafka_connect_connector_connector_type": _CONNECTOR | {"connector_type"},
    "kafka_connect_task_error_total_record_failures": _TASK,
    "kafka_connect_connector_task_status": _TASK | {"status"},
    "jvm_memory_used_bytes": NONE,
    "jvm_gc_collection_seconds_sum": NONE,
    "jvm_threads_current": NONE,
}
REPORTER: Mapping[str, Labels] = {
    "kafka_connect_connect_worker_metrics_connector_count": NONE,
    "kafka_connect_connect_worker_metrics_task_count": NONE,
    "kafka_consumer_consumer_metrics_connection_count": NONE,
    "kafka_producer_producer_metrics_connection_count": NONE,
    "kafka_admin_client_admin_client_metrics_connection_count": NONE,
    "kafka_producer_producer_metrics_outgoing_byte": NONE,
    "kafka_producer_producer_node_metrics_incoming_byte": NONE,
    "kafka_connect_connect_coordinator_metrics_assigned_connectors": NONE,
    "kafka_connect_connect_coordinator_metrics_assigned_tasks": NONE,
    "kafka_connect_connect_worker_rebalance_metrics_rebalancing": NONE,
    **{f"kafka_connect_connect_worker_metrics_connector_{state}_task_count": _CONNECTOR for state in _STATES},
    "kafka_connect_connector_metrics_status_info": _CONNECTOR | {"status"},
    "kafka_connect_connector_metrics_connector_class_info": _CONNECTOR | {"connector_class"},
    "kafka_connect_connector_metrics_connector_version_info": _CONNECTOR | {"connector_version"},
    "kafka_connect_connector_metrics_connector_type_info": _CONNECTOR | {"connector_type"},
    "kafka_connect_task_error_metrics_total_record_failures": _TASK,
    "kafka_connect_connector_task_metrics_status_info": _TASK | {"status"},
    "process_cpu_seconds_total": NONE,
    "jvm_memory_used_bytes": NONE,
    "jvm_gc_collection_seconds_sum": NONE,
    "jvm_threads_current": NONE,
}
