"""Rights at a Kafka that asks who is there: what is lacking is named by the command that grants it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from confluent_kafka.cimpl import NewTopic

from ferryman.findings import Finding
from ferryman.java import properties
from ferryman.kafka import client_security
from ferryman.stack import Shape, Stack
from tests.doctor.looks import about, at, looked, worker_file, written

SINK = {"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "file": "/nowhere/x"}
SOURCE = {"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "file": "/nowhere/x"}
OTHER_GROUP = {"consumer.override.group.id": "somebody-elses"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Stack]:
    with Stack(("kafka",), shape=Shape(brokers=1, secure=True)) as stack:
        yield stack


@pytest.fixture
def worker(cluster: Stack) -> dict[str, str]:
    """The settings of a worker of the group that the stack has made rights for."""
    found = dict(properties.parse(cluster.files.of("distributed").read_text()))
    json = "org.apache.kafka.connect.json.JsonConverter"
    plain = {key: value for key, value in found.items() if not key.startswith("value.converter")}
    return {**plain, "value.converter": json, "exactly.once.source.support": "enabled"} | {
        f"{kind}.storage.replication.factor": "1" for kind in ("config", "offset", "status")
    }


@pytest.fixture
def topic(cluster: Stack, unique: str) -> str:
    client = admin(cluster)
    client.create_topics([NewTopic(unique, 1)])[unique].result()
    return unique


def admin(cluster: Stack) -> AdminClient:
    given = dict(properties.parse(cluster.files.of("super").read_text()))
    kafka = given.pop("bootstrap.servers")
    return AdminClient({"bootstrap.servers": kafka, "log_level": 0, **client_security.translate(given).values})


def kafka(folder: Path, worker: dict[str, str], config: dict[str, str]) -> list[Finding]:
    return looked("kafka", worker_file(folder, worker), written(folder, config))


def test_a_worker_and_its_connectors_have_all_that_the_page_about_rights_says(
    worker: dict[str, str], topic: str, tmp_path: Path
) -> None:
    assert at("mend", looked("worker", worker_file(tmp_path, worker))) == []
    sink = {**SINK, "name": "lines", "topics": topic}
    assert {each.level for each in kafka(tmp_path, worker, sink)} == {"ok"}
    assert at("mend", kafka(tmp_path, worker, {**SOURCE, "name": "lines", "topic": topic})) == []


def test_a_group_that_may_not_be_read_comes_with_its_command(
    worker: dict[str, str], topic: str, tmp_path: Path
) -> None:
    found = kafka(tmp_path, worker, {**SINK, "name": "lines", "topics": topic, **OTHER_GROUP})
    (finding,) = at("mend", found)
    assert finding.subject == "consumer: group somebody-elses"
    command = "--add --allow-principal 'User:consumer' --operation Read --group 'somebody-elses'"
    assert command in finding.mend


def test_a_topic_that_is_refused_to_one_of_the_clients_names_that_one(
    cluster: Stack, worker: dict[str, str], topic: str, tmp_path: Path
) -> None:
    refusal = AclBinding(
        ResourceType.TOPIC,
        topic,
        ResourcePatternType.LITERAL,
        "User:producer",
        "*",
        AclOperation.WRITE,
        AclPermissionType.DENY,
    )
    client = admin(cluster)
    (made,) = client.create_acls([refusal]).values()
    made.result()
    finding = about(f"producer: topic {topic}", kafka(tmp_path, worker, {**SOURCE, "name": "lines", "topic": topic}))
    assert (finding.level, f"--operation Write --topic '{topic}'" in finding.mend) == ("mend", True)


def test_transactional_ids_of_another_group_of_workers_are_refused(
    worker: dict[str, str], topic: str, tmp_path: Path
) -> None:
    worker["group.id"] = "strangers"
    found = kafka(tmp_path, worker, {**SOURCE, "name": "lines", "topic": topic})
    finding = about("producer: transactional id strangers-lines-…", found)
    command = "--operation Write --transactional-id 'strangers-lines-' --resource-pattern-type prefixed"
    assert (finding.level, command in finding.mend) == ("mend", True)
    leader = about(
        "worker: transactional id connect-cluster-strangers", looked("worker", worker_file(tmp_path, worker))
    )
    assert leader.level == "mend"


@pytest.mark.parametrize(
    ("keys", "said", "mended"),
    [
        ({"security.protocol": "SASL_PLAINTEXT"}, "speaks only TLS", "consumer.security.protocol=SASL_SSL"),
        ({"ssl.truststore.location": "OTHER"}, "is not trusted", "with consumer.ssl.truststore.location"),
        ({"sasl.mechanism": "SCRAM-SHA-256"}, "Unsupported SASL mechanism", "correct consumer.sasl.mechanism"),
        ({"bootstrap.servers": "127.0.0.1:1"}, "nothing listens at 127.0.0.1:1", "bootstrap.servers"),
    ],
)
def test_what_is_in_the_way_is_named_by_the_key_that_leads_to_it(
    worker: dict[str, str], topic: str, tmp_path: Path, keys: dict[str, str], said: str, mended: str
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    worker |= {f"consumer.{key}": text.replace("OTHER", str(other)) for key, text in keys.items()}
    (finding,) = at("mend", kafka(tmp_path, worker, {**SINK, "name": "lines", "topics": topic}))
    assert (said in finding.said, mended in finding.mend) == (True, True), finding


def test_a_password_that_is_wrong_names_its_key_and_is_not_shown(
    worker: dict[str, str], topic: str, tmp_path: Path
) -> None:
    login = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="consumer" password'
    worker["consumer.sasl.jaas.config"] = f'{login}="not-the-obol";'
    found = kafka(tmp_path, worker, {**SINK, "name": "lines", "topics": topic})
    (finding,) = at("mend", found)
    assert finding.subject.endswith("as consumer")
    assert "consumer.sasl.jaas.config" in finding.mend
    assert "not-the-obol" not in repr(found)
