"""The way to Kafka, and to the registry, with each fault really made."""

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError

from ferryman.doctor.kafka import unanswered
from ferryman.doctor.kafka.client import Client
from ferryman.findings import Finding
from tests.doctor.looks import about, at, looked, worker_file, written
from tests.kafkatest.brokers import broker
from tests.running import create_topic, distributed, group, settings
from tests.schema_registry import registry_server

SINK = {"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "file": "/nowhere/x"}
SOURCE = {"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "file": "/nowhere/x"}
AVRO = "io.confluent.connect.avro.AvroConverter"


class Shop:
    """A worker's settings and a connector's config, as files."""

    def __init__(self, folder: Path, kafka: str, name: str) -> None:
        self.folder, self.kafka, self.name = folder, kafka, name
        self.worker: dict[str, str] = settings(kafka, name)

    def sink(self, **more: str) -> list[Finding]:
        return self.looked({**SINK, "name": self.name, "topics": self.name}, **more)

    def source(self, **more: str) -> list[Finding]:
        return self.looked({**SOURCE, "name": self.name, "topic": self.name}, **more)

    def looked(self, config: dict[str, Any], **more: str) -> list[Finding]:
        config |= {name.replace("_", "."): text for name, text in more.items()}
        return looked("kafka", worker_file(self.folder, self.worker), written(self.folder, config))


@pytest.fixture
def shop(tmp_path: Path, kafka: str, unique: str) -> Shop:
    return Shop(tmp_path, kafka, unique)


def test_a_sink_with_its_topic_is_well(shop: Shop) -> None:
    create_topic(shop.kafka, shop.name)
    found = shop.sink()
    assert {each.level for each in found} == {"ok"}
    assert about(f"consumer: group connect-{shop.name}", found).said.endswith("may Read")


def test_a_topic_that_is_missing_is_to_be_made(shop: Shop) -> None:
    finding = about(f"topic {shop.name}", shop.sink())
    assert (finding.level, f"--create --topic '{shop.name}'" in finding.mend) == ("mend", True)


def test_a_pattern_that_matches_nothing_is_told(shop: Shop) -> None:
    config = {**SINK, "name": shop.name, "topics.regex": f"{shop.name}-.*"}
    finding = about(f"topics.regex {shop.name}-.*", shop.looked(config))
    assert finding.level == "warning"
    create_topic(shop.kafka, f"{shop.name}-a")
    assert about(f"topic {shop.name}-a", shop.looked(config)).level == "ok"


def test_a_dead_letter_queue_with_more_replicas_than_there_are_brokers_cannot_be_made(shop: Shop) -> None:
    create_topic(shop.kafka, shop.name)
    queue = {"errors_tolerance": "all", "errors_deadletterqueue_topic_name": f"{shop.name}-dead"}
    finding = about(f"topic {shop.name}-dead", shop.sink(**queue))
    assert (finding.level, finding.mend) == ("mend", "errors.deadletterqueue.topic.replication.factor=1")
    queue["errors_deadletterqueue_topic_replication_factor"] = "1"
    assert at("mend", shop.sink(**queue)) == []


def test_a_dead_letter_queue_that_deletes_what_is_old_is_told_unless_its_letters_have_the_times_of_their_writing(
    shop: Shop,
) -> None:
    create_topic(shop.kafka, shop.name)
    create_topic(shop.kafka, f"{shop.name}-plain", retention_ms="600000")
    create_topic(shop.kafka, f"{shop.name}-stamped", retention_ms="600000", message_timestamp_type="LogAppendTime")
    queue = "errors_deadletterqueue_topic_name"
    found = shop.sink(errors_tolerance="all", **{queue: f"{shop.name}-plain"})
    finding = about(f"topic {shop.name}-plain", found)
    assert (finding.level, finding.mend.endswith("--add-config retention.ms=-1")) == ("warning", True)
    assert finding.said.startswith("retention.ms=600000: ")
    assert {each.level for each in shop.sink(errors_tolerance="all", **{queue: f"{shop.name}-stamped"})} == {"ok"}


def test_brokers_that_are_away_name_the_key_and_nothing_else_is_asked(shop: Shop) -> None:
    shop.worker["bootstrap.servers"] = "127.0.0.1:1"
    (finding,) = looked_with(shop, 1.0)
    assert (finding.level, "bootstrap.servers" in finding.mend) == ("mend", True)


def test_tls_where_there_is_none_names_the_protocol(shop: Shop) -> None:
    shop.worker |= {"consumer.security.protocol": "SSL", "admin.security.protocol": "SSL"}
    (finding,) = at("mend", shop.sink())
    assert "does not accept TLS" in finding.said
    assert finding.mend.startswith("consumer.security.protocol, admin.security.protocol=PLAINTEXT")


def test_a_broker_that_advertises_what_nobody_reaches_is_told_from_a_server_that_is_away() -> None:
    heard = [
        KafkaError(
            KafkaError._RESOLVE, "kafka-1:9093/2: Failed to resolve 'kafka-1:9093' (after 1ms in state CONNECT)"
        ),
        KafkaError(KafkaError._ALL_BROKERS_DOWN, "2/2 brokers are down"),
    ]
    client = Client("consumer", {"bootstrap.servers": "127.0.0.1:9092"})
    finding = unanswered.finding("kafka", unanswered.explained(client, 1.0, heard, None), [client])
    assert finding.said == ("it answers, and refers us to a broker at kafka-1:9093: Failed to resolve 'kafka-1:9093'")
    assert "advertised.listeners" in finding.mend


def test_a_real_broker_that_does_so_is_told_too(tmp_path: Path) -> None:
    with broker(tmp_path, advertised_listeners="PLAINTEXT://no-such-host.invalid:9092") as servers:
        (finding,) = looked_with(Shop(tmp_path, servers, "shop"), 5.0)
    assert finding.said.startswith(
        "it answers, and refers us to a broker at no-such-host.invalid:9092: Failed to resolve"
    )
    assert (finding.level, finding.mend.startswith("correct advertised.listeners")) == ("mend", True)


def looked_with(shop: Shop, seconds: float) -> list[Finding]:
    """With less patience, where it is certain that nobody answers."""
    from ferryman.doctor.kafka import of_connector
    from ferryman.doctor.reading import Reading

    reading = Reading(False, seconds)
    config = {**SINK, "name": shop.name, "topics": shop.name}
    reading.read([worker_file(shop.folder, shop.worker), written(shop.folder, config)], None)
    return [each for job in reading.jobs if job.what == "kafka" for each in of_connector.findings(job)]


def test_a_source_begins_a_transaction_and_aborts_it(shop: Shop) -> None:
    create_topic(shop.kafka, shop.name)
    found = shop.source()
    assert {each.level for each in found} == {"ok"}
    said = about(f"producer: transactional id {shop.name}-{shop.name}-…", found).said
    assert f"aborted a transaction as {shop.name}-{shop.name}-doctor" in said


def test_a_topic_that_takes_less_than_the_producer_sends_is_told(shop: Shop) -> None:
    create_topic(shop.kafka, shop.name, max_message_bytes="1000")
    finding = about(f"topic {shop.name}", shop.source())
    assert (finding.level, "max.message.bytes=1048576" in finding.mend) == ("warning", True)


def test_more_replicas_in_sync_than_there_are_is_to_be_mended(shop: Shop) -> None:
    create_topic(shop.kafka, shop.name, min_insync_replicas="2")
    finding = about(f"topic {shop.name}", shop.source())
    assert (finding.level, "min.insync.replicas=1" in finding.mend) == ("mend", True)


def test_a_topic_of_offsets_that_is_not_compacted_is_to_be_mended(shop: Shop) -> None:
    create_topic(shop.kafka, shop.name)
    create_topic(shop.kafka, f"{shop.name}-offsets", cleanup_policy="delete")
    finding = about(f"topic {shop.name}-offsets", shop.source())
    assert (finding.level, "cleanup.policy=compact" in finding.mend) == ("mend", True)


def test_the_topics_of_a_group_of_workers_are_looked_at(shop: Shop) -> None:
    shop.worker = distributed(shop.kafka, shop.name)
    found = looked("worker", worker_file(shop.folder, shop.worker))
    assert at("mend", found) == []
    create_topic(shop.kafka, shop.worker["config.storage.topic"], partitions=2, cleanup_policy="compact")
    found = looked("worker", worker_file(shop.folder, shop.worker))
    (finding,) = at("mend", found)
    assert "it has 2 partitions, and must have one" in finding.said


def test_a_group_of_workers_that_runs_is_looked_at_and_left_alone(shop: Shop) -> None:
    shop.worker = distributed(shop.kafka, shop.name)
    with group(shop.folder, shop.worker, 1) as (running,):
        found = looked("worker", worker_file(shop.folder, shop.worker))
        assert at("mend", found) == []
        assert about(f"worker: group {shop.worker['group.id']}", found).level == "ok"
        assert running.call("GET", "/connectors") == []


def test_a_registry_is_looked_at_with_the_subjects_of_the_topics(shop: Shop, registry: str) -> None:
    shop.worker |= {"value.converter": AVRO, "value.converter.schema.registry.url": registry}
    del shop.worker["value.converter.schemas.enable"]
    own = {"value.converter": AVRO, "value.converter.schema.registry.url": registry}
    config = {**SOURCE, "name": shop.name, "topic": shop.name, **own}
    found = looked("registry", worker_file(shop.folder, shop.worker), written(shop.folder, config))
    assert at("mend", found) == []
    assert about(f"subject {shop.name}-value", found).said == "it does not exist yet; the first record registers it"


def test_a_registry_that_is_away_or_refuses_us_names_its_keys(shop: Shop) -> None:
    def found() -> list[Finding]:
        own = {"value.converter": AVRO, "value.converter.schema.registry.url": url}
        config = {**SINK, "name": shop.name, "topics": shop.name, **own}
        return looked("registry", worker_file(shop.folder, shop.worker), written(shop.folder, config))

    with registry_server.running() as fake:
        url = fake.url
        fake.failing = 401
        (finding,) = found()
        assert (finding.level, "value.converter.basic.auth.user.info" in finding.mend) == ("mend", True)
        url = fake.url.replace("//", "//somebody:an-obol-of-bronze@")
        (finding,) = found()
        assert finding.mend == "correct user and password in value.converter.schema.registry.url"
        assert "an-obol-of-bronze" not in repr(finding)
        fake.failing = 403
        (finding,) = found()
        assert "give that user the right" in finding.mend
        url = fake.url.replace("http:", "https:")
        (finding,) = found()
        assert finding.mend.startswith("http:// in place of https:// in value.converter.schema.registry.url")
        url = fake.url
    (finding,) = found()
    assert finding.said.startswith("nothing listens at 127.0.0.1:")
    assert (finding.level, "value.converter.schema.registry.url" in finding.mend) == ("mend", True)


def test_another_path_of_a_registry_is_told_the_right_one(shop: Shop, registry: str) -> None:
    own = {"value.converter": AVRO, "value.converter.schema.registry.url": f"{registry[:-1]}6789"}
    config = {**SINK, "name": shop.name, "topics": shop.name, **own}
    (finding,) = looked("registry", worker_file(shop.folder, shop.worker), written(shop.folder, config))
    assert "that is not a registry" in finding.said
    assert finding.mend == f"value.converter.schema.registry.url={registry}"
