"""librdkafka's statistics, from a real client, under Kafka's names."""

from confluent_kafka import Producer

from ferryman.task.meters.client_statistics import ClientStatistics
from tests.running import until

HOSTILE = 'connector-producer-a "b\\", "client_id": "x", c-0'


def test_a_client_whose_id_would_end_a_text_of_json_is_read_all_the_same(kafka: str, unique: str) -> None:
    statistics = ClientStatistics()
    settings = statistics.settings("producer", HOSTILE) | {"statistics.interval.ms": 100}
    producer = Producer({"bootstrap.servers": kafka, "client.id": HOSTILE, **settings})
    producer.produce(unique, b"x")
    producer.flush(60)

    def found() -> dict[str, float]:
        producer.poll(0.1)
        return {family.name: float(str(value)) for family, key, value in statistics.samples() if key == (HOSTILE,)}

    until(lambda: found().get("kafka_producer_record_send_total") == 1.0, what="the record")
    assert found()["kafka_producer_connection_count"] >= 1
    assert found()["kafka_producer_outgoing_byte_total"] > 0
    nodes = {key[1] for _, key, _ in statistics.samples() if len(key) > 1}
    assert nodes == {"node-1"}


def test_what_cannot_be_read_raises_nothing_in_the_clients_callback() -> None:
    statistics = ClientStatistics()
    statistics.by("consumer", "c")("{")
    assert list(statistics.samples()) == []
