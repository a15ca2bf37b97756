"""Where the S3 source goes on: after a kill, where a JVM's source has stopped, in what appears later, in its share."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from ferryman.connectors.s3.source import S3SourceConnector
from ferryman.errors import ConfigError, TaskError
from ferryman.record import TopicPartition
from tests.connectors.s3.archives import BY_FIELD, FORMATS
from tests.connectors.s3.s3_task import P0, P1, Log, World
from tests.connectors.s3.source_task import Restore, text

JSON = {"format.class": f"{FORMATS}.json.JsonFormat"}
ENVELOPE = {"store.envelope": "true"}
FOLDER = "topics/orders/partition=0/"


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(s3_server, unique)
    yield made
    made.kill()


def archive(world: World, count: int, source: TopicPartition = P0, flush: int = 10, **more: Any) -> None:
    """Appends records and has them written."""
    begin = len(world.logs[source])
    world.more = {**world.more, "flush.size": str(flush)}
    kinds = [{"id": number, "kind": "abc"[number % 3], **more} for number in range(begin, begin + count)]
    world.produce(source, *(Log(value, timestamp=1_700_000_000_000 + value["id"]) for value in kinds))
    world.begin()
    while world.positions[source] < len(world.logs[source]):
        world.put(source, flush)
        world.commit()
    world.end()


def ids(records: Any) -> list[int]:
    return [record.value["id"] for record in records]


@pytest.mark.parametrize("more", [{}, ENVELOPE, BY_FIELD, {**BY_FIELD, **ENVELOPE}], ids=["", "env", "field", "both"])
def test_every_record_comes_once_however_often_it_is_killed(world: World, more: dict[str, str]) -> None:
    world.more = {**JSON, **more}
    archive(world, 60, flush=12)
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    restore = Restore(world, {**JSON, **more, "record.batch.max.size": "5"})
    for _ in range(40):
        polled = restore.poll()
        if dice.random() < 0.3:
            restore.kill()
        else:
            restore.commit(polled)
    restore.drain()
    expected = list(range(60))
    assert (ids(restore.records) if "store.envelope" in more or not more else sorted(ids(restore.records))) == expected


def test_objects_that_appear_are_read_too_and_the_last_of_a_bounded_restore_ends_it(world: World) -> None:
    world.more = JSON
    archive(world, 20)
    following, bounded = Restore(world, JSON), Restore(world, {**JSON, "restore.until": "end"})
    assert ids(following.drain()) == ids(bounded.drain()) == list(range(20))
    archive(world, 10)
    archive(world, 10, P1)
    assert sorted(ids(following.drain())) == sorted([*range(20, 30), *range(10)])
    assert bounded.drain() == []


def test_an_object_of_a_sibling_folder_that_appears_late_is_read_nevertheless(world: World) -> None:
    world.more = {**JSON, **BY_FIELD}
    archive(world, 12, flush=12)
    late = next(key for key in world.objects() if "kind=a" in key)
    data = world.get(late)
    world.s3.delete_object(Bucket=world.bucket, Key=late)
    restore = Restore(world, {**JSON, **BY_FIELD})
    assert len(restore.drain()) == 8
    world.s3.put_object(Bucket=world.bucket, Key=late, Body=data)
    restore.kill()
    assert ids(restore.drain()) == [0, 3, 6, 9]


def test_offsets_of_more_digits_than_names_have_come_last(world: World) -> None:
    for start in (9_999_999_995, 10_000_000_000, 5):
        name = f"{FOLDER}orders+0+{start:010d}.json"
        world.s3.put_object(Bucket=world.bucket, Key=name, Body=b'{"id": %d}\n' % start)
    assert ids(Restore(world, JSON).drain()) == [5, 9_999_999_995, 10_000_000_000]


def test_tasks_share_the_partitions_and_none_is_read_twice(world: World) -> None:
    world.logs = {TopicPartition("orders", number): [] for number in range(7)}
    world.more = JSON
    for source in world.logs:
        archive(world, 10, source)
    found = [Restore(world, JSON, tasks=3, task=task).drain() for task in range(3)]
    partitions = [{record.partition or 0 for record in records} for records in found]
    assert sorted(number for each in partitions for number in each) == list(range(7))
    assert all(partitions)
    assert sum(map(len, found)) == 70


def test_a_position_of_confluents_source_is_taken_over(world: World) -> None:
    world.more = JSON
    archive(world, 40)
    objects = world.objects()
    ended = {"lastFileRead": objects[1], "fileOffset": "10", "eof": "true"}
    amid = {"lastFileRead": objects[1], "fileOffset": "4", "eof": "false"}
    for offset, first in ((ended, 20), (amid, 14)):
        restore = Restore(world, JSON, offsets={text({"folder": FOLDER}): offset})
        assert ids(restore.drain()) == list(range(first, 40))


def test_selected_topics_partitions_and_folders_are_restored_alone(world: World) -> None:
    world.more = JSON
    archive(world, 10)
    archive(world, 10, P1)
    assert {record.partition for record in Restore(world, {"restore.partitions": "1"}).drain()} == {1}
    assert Restore(world, {"restore.topics": "payments"}).drain() == []
    assert {record.partition for record in Restore(world, {"folders": "topics/orders/partition=1"}).drain()} == {1}


def test_selected_times_are_restored_alone(world: World) -> None:
    world.more = {**JSON, **ENVELOPE}
    archive(world, 30)
    chosen = {**ENVELOPE, "restore.from": "1700000000005", "restore.to": "2023-11-14T22:13:20.020Z"}
    assert ids(Restore(world, chosen).drain()) == list(range(5, 20))


def test_partitions_are_left_to_the_producer_on_request(world: World) -> None:
    world.more = JSON
    archive(world, 10)
    assert {record.partition for record in Restore(world, {"restore.keep.partitions": "false"}).drain()} == {None}


def test_original_coordinates_are_told_on_request(world: World) -> None:
    world.more = JSON
    archive(world, 20)
    asked = {**JSON, "restore.original.headers": "true"}
    headers = [{each.key: each.value for each in record.headers} for record in Restore(world, asked).drain()]
    assert headers[13] == {
        "ferryman.original.topic": "orders",
        "ferryman.original.partition": "0",
        "ferryman.original.offset": "13",
        "ferryman.original.range": "10-19",
    }


def test_offsets_that_cannot_be_understood_are_refused(world: World) -> None:
    config = S3SourceConnector.config_class.parse(Restore(world).raw)
    partition = {"bucket": world.bucket, "folder": FOLDER, "topic": "orders", "partition": 0}
    good = {"version": 1, "object": f"{FOLDER}orders+0+0000000010.json", "record": 3, "end": False}
    assert S3SourceConnector.alter_offsets(config, [(partition, good), (partition, {**good, "next": 7}), (None, None)])
    for bad in (
        {**good, "record": -1},
        {**good, "next": -1},
        {**good, "next": "7"},
        {**good, "object": "elsewhere"},
        {"object": "x"},
        {**good, "version": 2},
    ):
        with pytest.raises(ConfigError):
            S3SourceConnector.alter_offsets(config, [(partition, bad)])
    world.more = JSON
    archive(world, 10)
    with pytest.raises(TaskError, match="newer version"):
        Restore(world, JSON, offsets={text(partition): {**good, "version": 2}}).drain()
