"""The S3 source in a real worker: what a sink has archived is restored, exactly once, whatever is killed."""

import json
import random
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Consumer, Message, TopicPartition

from ferryman.commands import main
from tests.connectors.s3.s3_task import World
from tests.connectors.s3.source_task import CONFLUENT
from tests.connectors.s3.test_sink_worker import config as sink_config
from tests.running import Worker, consume, create_topic, feed, fresh, produce, send, settings, until, worker

CONVERTER = "org.apache.kafka.connect.converters.ByteArrayConverter"
RAW = {"value.converter": CONVERTER, "key.converter": CONVERTER}
WHOLE = {
    "store.envelope": "true",
    "behavior.on.null.values": "write",
    "format.class": "io.confluent.connect.s3.format.avro.AvroFormat",
    **RAW,
}
FULL = {"rotate.idle.interval.ms": "0"}
"""Files are closed when they are full, however long the next records take."""
RENAMED = {
    "transforms": "rename",
    "transforms.rename.type": "org.apache.kafka.connect.transforms.RegexRouter",
    "transforms.rename.regex": "(.*)",
    "transforms.rename.replacement": "$1-restored",
}


@pytest.fixture
def bucket(s3_server: str, unique: str) -> World:
    """A bucket of the test's own."""
    return World(s3_server, unique)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """One worker for all tests here."""
    with worker(tmp_path_factory.mktemp("worker"), settings(kafka, fresh("restores"))) as made:
        yield made


def archive_config(bucket: World, topic: str, **more: str) -> dict[str, str]:
    return sink_config(bucket, topic, **{"flush.size": "100", **WHOLE, **more})


def restore_config(bucket: World, topic: str, **more: str) -> dict[str, str]:
    """The sink's config, with another class."""
    found = archive_config(bucket, topic)
    left = {name: value for name, value in found.items() if name not in ("topics", "rotate.idle.interval.ms")}
    own = {"name": f"{topic}-restore", "connector.class": CONFLUENT, "s3.poll.interval.ms": "200"}
    return {**left, **own, **RENAMED, **more}


def fill(kafka: str, topic: str, count: int) -> None:
    """Records with keys and headers, every seventh a tombstone."""
    values = [None if number % 7 == 3 else b"value %d" % number for number in range(count)]
    keys = [b"key %d" % (number % 97) for number in range(count)]
    produce(kafka, topic, values, keys, headers=[("source", "web"), ("trace", "a1")])


def told(message: Message) -> tuple[Any, ...]:
    own = [each for each in message.headers() or [] if not str(each[0]).startswith("ferryman.")]
    return message.partition(), message.key(), message.value(), own, message.timestamp()[1]


def by_partition(messages: list[Message]) -> list[tuple[Any, ...]]:
    return [told(each) for each in sorted(messages, key=lambda each: (each.partition() or 0, each.offset() or 0))]


def grown(kafka: str, topic: str) -> int:
    """How far a topic's partitions reach together: as many as its records, and the ends of transactions."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "looks"})
    try:
        numbers = consumer.list_topics(topic, timeout=60).topics[topic].partitions
        return sum(consumer.get_watermark_offsets(TopicPartition(topic, number), 60)[1] for number in numbers)
    finally:
        consumer.close()


def archived(bucket: World) -> int:
    """Records in visible objects."""
    return sum(map(len, bucket.contents().values()))


def ferryman(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def verified(bucket: World, kafka: str, topic: str) -> Result:
    keys = {"store.url": bucket.url, "aws.access.key.id": "test", "aws.secret.access.key": "test"}
    more = [part for key, value in keys.items() for part in ("--set", f"{key}={value}")]
    where = f"s3://{bucket.bucket}/topics"
    return ferryman("verify", where, "--against", topic, "--bootstrap", kafka, "--json", *more)


def test_a_restored_topic_equals_the_original_whatever_is_killed(
    kafka: str, unique: str, bucket: World, running: Worker, request: pytest.FixtureRequest
) -> None:
    count, restored = 1_000_000 if request.config.getoption("--long") else 3000, f"{unique}-restored"
    size = {"flush.size": str(max(100, count // 50)), "record.batch.max.size": str(max(100, count // 100))}
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    create_topic(kafka, unique, 2)
    create_topic(kafka, restored, 2)
    fill(kafka, unique, count)
    running.create(archive_config(bucket, unique, **size))
    until(lambda: archived(bucket) == count, 600, "the archive")
    running.create(restore_config(bucket, unique, **size))
    for part in range(1, 4):
        until(lambda enough=part * count // 5: grown(kafka, restored) >= enough, 600)  # type: ignore[misc]
        if dice.random() < 0.8:
            send(running.pids(f"{unique}-restore")[-1], signal.SIGKILL)
    until(lambda: grown(kafka, restored) > count and len(consume(kafka, restored)) >= count, 900, "the restore", 1.0)
    assert by_partition(consume(kafka, restored)) == by_partition(consume(kafka, unique))
    report = json.loads(verified(bucket, kafka, unique).stdout)
    assert (report["findings"], report["archived"], report["compared"]) == ([], count, count)


def test_a_partition_that_the_topic_does_not_have_fails_the_task(
    kafka: str, unique: str, bucket: World, running: Worker
) -> None:
    create_topic(kafka, unique, 2)
    create_topic(kafka, f"{unique}-restored", 1)
    feed(kafka, unique, range(100))
    running.create(archive_config(bucket, unique, **{"flush.size": "20"}))
    until(lambda: archived(bucket) == 100)
    running.create(restore_config(bucket, unique))
    assert f"{unique}-restored has fewer partitions" in running.trace(f"{unique}-restore")


def test_a_group_goes_on_in_the_restored_topic_where_it_was(
    kafka: str, unique: str, bucket: World, running: Worker
) -> None:
    restored = f"{unique}-restored"
    create_topic(kafka, unique, 1)
    create_topic(kafka, restored, 1)
    produce(kafka, restored, [b"was there before"] * 5)
    feed(kafka, unique, range(300))
    plain = {"format.class": "io.confluent.connect.s3.format.bytearray.ByteArrayFormat"}
    none = {"store.envelope": "false", "behavior.on.null.values": "fail"}
    running.create(archive_config(bucket, unique, **plain, **none, **FULL))
    until(lambda: len(bucket.objects()) == 3)
    running.create(restore_config(bucket, unique, **plain, **none, **{"restore.original.headers": "true"}))
    until(lambda: len(consume(kafka, restored)) == 305)
    group = Consumer({"bootstrap.servers": kafka, "group.id": f"{unique}-readers"})
    group.commit(offsets=[TopicPartition(unique, 0, 123)], asynchronous=False)
    shown = ferryman("translate-offsets", restored, "--group", f"{unique}-readers", "--bootstrap", kafka)
    assert "nothing is written" in shown.stdout
    assert group.committed([TopicPartition(restored, 0)], 60)[0].offset < 0
    done = ferryman(
        "translate-offsets", restored, "--group", f"{unique}-readers", "--bootstrap", kafka, "--apply", "--json"
    )
    offset = group.committed([TopicPartition(restored, 0)], 60)[0].offset
    group.close()
    there = {each.offset(): each.value() for each in consume(kafka, restored)}
    assert json.loads(there[offset] or b"")["id"] == 123
    assert json.loads(done.stdout)["partitions"] == {"0": {"offset": offset, "again": 0}}


def test_what_is_wrong_with_an_archive_is_found(kafka: str, unique: str, bucket: World, running: Worker) -> None:
    create_topic(kafka, unique, 1)
    feed(kafka, unique, range(100))
    running.create(archive_config(bucket, unique, **{"flush.size": "20", **FULL}))
    until(lambda: archived(bucket) == 100)
    first, second, third, _, last = bucket.objects()
    bucket.s3.delete_object(Bucket=bucket.bucket, Key=first)
    cut = bucket.get(second)
    bucket.s3.put_object(Bucket=bucket.bucket, Key=second, Body=cut[: len(cut) - 30])
    bucket.s3.put_object(Bucket=bucket.bucket, Key=third.replace(".avro", "~00.avro"), Body=bucket.get(third))
    bucket.s3.put_object(Bucket=bucket.bucket, Key=last, Body=b"")
    stranger = third.replace(f"/{unique}+", "/others+")
    bucket.s3.put_object(Bucket=bucket.bucket, Key=stranger, Body=bucket.get(third))
    bucket.s3.put_object(Bucket=bucket.bucket, Key="topics/README.txt", Body=b"hands off")
    found = verified(bucket, kafka, unique)
    told = json.loads(found.stdout)
    objects = {(each["kind"], *each["objects"]) for each in told["findings"]}
    assert found.exit_code == 1
    assert {kind for kind, *_ in objects} == {"gap", "damaged", "double", "stray"}
    assert {("damaged", second), ("damaged", last), ("stray", stranger)} <= objects
    assert (told["passed_over"], told["passed_over_names"]) == (1, ["topics/README.txt"])


def test_a_restore_up_to_the_end_is_stopped_when_all_tasks_are_through_and_again_when_it_is_resumed(
    kafka: str, unique: str, bucket: World, running: Worker
) -> None:
    name, restored = f"{unique}-restore", f"{unique}-restored"
    create_topic(kafka, unique, 3)
    create_topic(kafka, restored, 3)
    running.create(archive_config(bucket, unique, **{"rotate.idle.interval.ms": "200"}))

    def ended(count: int) -> bool:
        status = running.call("GET", f"/connectors/{name}/status")
        run = status.get("run", {})
        over = status["connector"]["state"] == "STOPPED" and run.get("complete")
        return bool(over and run["records_done"] == count and "of" not in run)

    for count in (300, 500):
        feed(kafka, unique, range(count - archived(bucket)))
        until(lambda enough=count: archived(bucket) == enough, what="the archive")  # type: ignore[misc]
        if count == 300:
            running.create(restore_config(bucket, unique, **{"restore.until": "end", "tasks.max": "2"}))
        else:
            running.call("PUT", f"/connectors/{name}/resume", expect=202)
        until(lambda enough=count: ended(enough), what=f"the end of the restore of {count}")  # type: ignore[misc]
        assert len(consume(kafka, restored)) == count
    shown = running.call("GET", f"/connectors/{name}/offsets")["offsets"]
    assert {each["partition"].get("topic") for each in shown} == {unique}
