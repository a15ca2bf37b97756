"""The metrics of Kafka's clients, as far as librdkafka counts the same things (its STATISTICS.md)."""

from ferryman.metrics.family import Family, figures

CLIENT, NODE = ("clientid",), ("clientid", "nodeid")
_ALL = {
    "connection-count": "Brokers that the client is connected to.",
    "incoming-byte-total": "Bytes received from brokers.",
    "outgoing-byte-total": "Bytes sent to brokers.",
    "request-total": "Requests that were sent to brokers.",
    "response-total": "Answers received from brokers.",
}
_NODE = {name: f"{text.removesuffix('.')}, by broker." for name, text in _ALL.items() if name != "connection-count"}
_FETCH = {
    "records-consumed-total": "Records that the consumer has fetched.",
    "bytes-consumed-total": "Bytes of them.",
    "records-lag-max": "The largest lag of a partition, in records.",
}
_PRODUCER = {
    "record-send-total": "Records that the producer has sent.",
    "batch-size-avg": "The mean number of bytes in recent batches.",
    "requests-in-flight": "Requests that brokers have not answered yet.",
}
CONSUMER, PRODUCER, ADMIN = "kafka.consumer", "kafka.producer", "kafka.admin.client"
FAMILIES: tuple[Family, ...] = (
    *figures(CONSUMER, "consumer-metrics", CLIENT, _ALL),
    *figures(CONSUMER, "consumer-node-metrics", NODE, _NODE),
    *figures(CONSUMER, "consumer-fetch-manager-metrics", CLIENT, _FETCH),
    *figures(PRODUCER, "producer-metrics", CLIENT, {**_ALL, **_PRODUCER}),
    *figures(PRODUCER, "producer-node-metrics", NODE, _NODE),
    *figures(
        ADMIN, "admin-client-metrics", CLIENT, {"connection-count": "Whether a task has an admin client now: 1, or 0."}
    ),
)
