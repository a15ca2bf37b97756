"""The S3 sink's guarantee: every committed record is in exactly one visible object, whoever dies, and none changes."""

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferryman.connectors.s3_sink import S3SinkConnector
from ferryman.errors import Indeterminate, TaskError
from ferryman.record import TopicPartition
from ferryman.stack import Stack
from tests.connectors.s3_task import MANIFESTS, P0, P1, Killed, Log, World

POINTS = (
    "s3.before_upload",
    "s3.after_upload",
    "s3.after_manifest",
    "s3.before_complete",
    "s3.after_complete",
    "s3.after_manifest_delete",
)
BY_KIND = {
    "partitioner.class": "io.confluent.connect.storage.partitioner.FieldPartitioner",
    "partition.field.name": "kind",
}
BY_HOUR = {
    "partitioner.class": "io.confluent.connect.storage.partitioner.HourlyPartitioner",
    "timezone": "Europe/Zurich",
    "locale": "en",
    "timestamp.extractor": "Record",
}
LAYOUTS: dict[str, dict[str, str]] = {
    "default": {},
    "field": BY_KIND,
    "hourly by record time": {**BY_HOUR, "rotate.interval.ms": "600000", "flush.size": "1000"},
    "minutes by wall clock": {
        "partitioner.class": "TimeBasedPartitioner",
        "timezone": "UTC",
        "partition.duration.ms": "1",
        "path.format": "yyyy/MM/dd/HH/mm/ss.SSS",
        "rotate.schedule.interval.ms": "50",
        "flush.size": "4",
    },
    "field and time": {
        "partitioner.class": "FieldAndTimeBasedPartitioner",
        "partition.field.name": "kind",
        "timestamp.extractor": "RecordField",
        "timestamp.field": "at",
        "timezone": "UTC",
        "partition.duration.ms": "3600000",
        "path.format": "'h'=HH",
        "rotate.file.on.partition.change": "false",
        "rotate.interval.ms": "7200000",
    },
    "early": {"flush.bytes": "60", "flush.size": "1000", "rotate.idle.interval.ms": "1"},
}
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An S3 server."""
    with Stack(("s3",)) as stack:
        yield stack.addresses["s3"]


@pytest.fixture
def world(server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(server, unique)
    yield made
    made.kill()


def order(source: TopicPartition, number: int) -> Log:
    at = 1_700_000_000_000 + number * 400_000
    kind = "abc"[number * 7 % 3]
    return Log({"source": str(source), "id": number, "kind": kind, "at": at}, timestamp=at)


def feed(world: World, source: TopicPartition, count: int) -> None:
    start = len(world.logs[source])
    world.produce(source, *(order(source, number) for number in range(start, start + count)))


def found(world: World) -> list[tuple[str, int]]:
    return sorted((each["source"], each["id"]) for records in world.contents().values() for each in records)


def committed(world: World) -> list[tuple[str, int]]:
    return sorted((str(source), number) for source, each in world.group.items() for number in range(each.offset))


def test_nothing_is_visible_before_its_commit(world: World) -> None:
    feed(world, P0, 7)
    world.begin()
    world.put(P0)
    assert world.requested
    assert world.objects() == []
    assert len(world.uploads()) == 2
    world.commit()
    assert world.objects() == [
        "topics/orders/partition=0/orders+0+0000000000.json",
        "topics/orders/partition=0/orders+0+0000000003.json",
    ]
    assert world.group[P0].offset == 6
    assert world.objects(MANIFESTS) == []
    assert world.uploads() == []


def test_objects_say_whose_they_are(world: World) -> None:
    feed(world, P0, 3)
    world.begin()
    world.drain()
    metadata = world.s3.head_object(Bucket=world.bucket, Key=world.objects()[0])["Metadata"]
    assert metadata.pop("ferryman-file")
    assert metadata == {
        "ferryman-connector": "archive",
        "ferryman-partition": "orders-0",
        "ferryman-first-offset": "0",
        "ferryman-last-offset": "2",
    }


def go_on(world: World) -> None:
    for _ in range(9):
        world.put(P0, 4)
        world.put(P1, 4)
        world.commit()
        feed(world, P0, 3)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_kill_at_any_point_neither_loses_nor_doubles_a_record(world: World, layout: str, point: str) -> None:
    world.more = LAYOUTS[layout]
    feed(world, P0, 8)
    feed(world, P1, 4)
    world.begin()
    world.die_at = (point, 2)
    with pytest.raises(Killed):
        go_on(world)
    world.die_at = None
    world.begin()
    world.drain()
    world.drain()
    assert found(world) == committed(world)
    assert world.group[P0].offset >= 6
    assert world.objects(MANIFESTS) == []


def test_a_commit_without_an_answer_is_finished_by_whoever_reads_it(world: World) -> None:
    feed(world, P0, 3)
    world.begin()
    world.put(P0)
    with pytest.raises(Indeterminate):
        world.commit(answered=False)
    assert world.objects() == []
    world.running.stop()
    assert len(world.uploads()) == 1
    world.begin()
    assert found(world) == [("orders-0", 0), ("orders-0", 1), ("orders-0", 2)]


def test_a_commit_that_the_group_refuses_is_offered_again(world: World) -> None:
    feed(world, P0, 3)
    world.begin()
    world.put(P0)
    world.commit(accepted=False)
    assert world.objects() == []
    assert world.objects(MANIFESTS) != []
    world.commit()
    assert found(world) == committed(world)
    assert world.group[P0].offset == 3


def test_a_zombie_that_wakes_in_the_middle_changes_nothing(world: World) -> None:
    feed(world, P0, 6)
    world.begin()
    world.put(P0, 3)
    zombie, world.sink = world.running, None
    zombie_commits = zombie.pre_commit({P0: 3})
    world.begin()
    world.drain()
    before = {key: world.s3.head_object(Bucket=world.bucket, Key=key)["LastModified"] for key in world.objects()}
    zombie.stop()
    assert zombie_commits[P0].offset == 3
    assert world.uploads() == []
    assert found(world) == committed(world)
    after = {key: world.s3.head_object(Bucket=world.bucket, Key=key)["LastModified"] for key in world.objects()}
    assert before == after


def test_a_zombie_whose_commit_was_made_finds_its_objects_finished(world: World) -> None:
    feed(world, P0, 6)
    world.begin()
    world.put(P0, 3)
    zombie, world.sink = world.running, None
    made = zombie.pre_commit({P0: 3})
    world.group |= made
    world.begin()
    world.drain()
    zombie.committed(made)
    zombie.stop()
    assert found(world) == committed(world)
    assert len(world.objects()) == 2


def crash_after_commit(world: World, layout: str = "default") -> None:
    """The commit is made, and then the process dies before an object appears."""
    world.more = LAYOUTS[layout]
    feed(world, P0, 6)
    world.begin()
    world.put(P0)
    world.die_at = ("s3.before_complete", 1)
    with pytest.raises(Killed):
        world.commit()
    world.kill()
    world.die_at = None
    assert world.group[P0].offset >= 4


@pytest.mark.parametrize("layout", ["default", "field", "minutes by wall clock"])
def test_objects_whose_uploads_were_aborted_are_made_again_from_their_records(world: World, layout: str) -> None:
    crash_after_commit(world, layout)
    world.abort_uploads()
    feed(world, P0, 3)
    world.begin()
    assert world.positions[P0] == 0
    world.put(P0, 4)
    world.drain()
    assert found(world) == committed(world)
    assert world.group[P0].offset == 9 if layout == "default" else world.group[P0].offset >= 6
    assert world.objects(MANIFESTS) == []


def test_only_what_is_missing_is_made_again(world: World) -> None:
    feed(world, P0, 6)
    world.begin()
    world.put(P0)
    world.die_at = ("s3.after_complete", 1)
    with pytest.raises(Killed):
        world.commit()
    world.kill()
    world.die_at = None
    there = world.objects()
    assert len(there) == 1
    modified = world.s3.head_object(Bucket=world.bucket, Key=there[0])["LastModified"]
    world.abort_uploads()
    world.begin()
    assert world.positions[P0] in (0, 3)
    world.drain()
    assert found(world) == committed(world)
    assert world.s3.head_object(Bucket=world.bucket, Key=there[0])["LastModified"] == modified


def test_the_running_task_makes_objects_again_too(world: World) -> None:
    feed(world, P0, 3)
    world.begin()
    world.put(P0)
    made = world.running.pre_commit({P0: 3})
    world.group |= made
    world.abort_uploads()
    with pytest.raises(Indeterminate, match="is to be made again: its upload was aborted"):
        world.running.committed(made)
    world.running.stop()
    world.sink = None
    world.begin()
    world.drain()
    assert found(world) == committed(world)
    assert world.group[P0].offset == 3


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_while_objects_are_made_again_loses_nothing(world: World, point: str) -> None:
    crash_after_commit(world)
    world.abort_uploads()
    world.begin()
    world.die_at = (point, 1)
    with pytest.raises(Killed):
        world.drain()
    world.die_at = None
    world.begin()
    world.drain()
    assert found(world) == committed(world)
    assert world.objects(MANIFESTS) == []


def test_what_kafka_no_longer_has_fails_the_task_and_is_named(world: World) -> None:
    crash_after_commit(world)
    world.abort_uploads()
    world.beginning = 4
    for _ in range(2):
        with pytest.raises(TaskError, match=r"orders\+0\+0000000000.json \(offsets 0 to 2, 3 records\) was committed"):
            world.begin()
    assert S3SinkConnector.alter_offsets(world.config(), world.context(), {P0: None})
    world.group.clear()
    world.begin()
    world.drain()
    assert [each[1] for each in found(world)] == [4, 5] or found(world) == []


def test_records_that_compaction_took_in_between_are_not_passed_over(world: World) -> None:
    crash_after_commit(world)
    world.abort_uploads()
    world.begin()
    world.positions[P0] = 1
    with pytest.raises(TaskError, match=r"1 of its records are no longer in Kafka\. To go on without it"):
        world.drain()
    assert world.objects() == []
    assert S3SinkConnector.alter_offsets(world.config(), world.context(), {P0: 6})


def test_an_object_in_the_way_stays_as_it_is(world: World) -> None:
    feed(world, P0, 3)
    key = "topics/orders/partition=0/orders+0+0000000000.json"
    world.s3.put_object(Bucket=world.bucket, Key=key, Body=b"somebody else's\n")
    world.begin()
    world.drain()
    assert world.get(key) == b"somebody else's\n"
    (other,) = set(world.objects()) - {key}
    assert other.startswith("topics/orders/partition=0/orders+0+0000000000~")
    assert other.endswith(".json")


def test_an_object_that_gets_in_the_way_between_the_phases_stays_too(world: World) -> None:
    crash_after_commit(world)
    key = "topics/orders/partition=0/orders+0+0000000000.json"
    world.s3.put_object(Bucket=world.bucket, Key=key, Body=b'{"source": "alien", "id": 0}\n')
    world.begin()
    world.drain()
    assert found(world) == sorted([("alien", 0), *committed(world)])
    assert world.uploads() == []


def test_a_lost_manifest_with_open_uploads_fails_the_task(world: World) -> None:
    crash_after_commit(world)
    for key in world.objects(MANIFESTS):
        world.s3.delete_object(Bucket=world.bucket, Key=key)
    with pytest.raises(TaskError, match=r"The manifest .* is gone, and objects that it named are not complete"):
        world.begin()


def test_objects_that_were_taken_away_are_not_missed(world: World) -> None:
    feed(world, P0, 3)
    world.begin()
    world.put(P0)
    world.commit()
    for key in world.objects():
        world.s3.delete_object(Bucket=world.bucket, Key=key)
    world.begin()
    world.drain()
    assert world.objects() == []


def test_after_a_reset_everything_is_there_again_beside_the_old(world: World) -> None:
    feed(world, P0, 6)
    world.begin()
    world.drain()
    world.end()
    assert S3SinkConnector.alter_offsets(world.config(), world.context(), {P0: None, P1: None})
    world.group.clear()
    old = world.contents()
    world.begin()
    world.drain()
    assert len(world.objects()) == 4
    assert {key: records for key, records in world.contents().items() if key in old} == old


def test_offsets_are_not_altered_between_the_phases(world: World) -> None:
    crash_after_commit(world)
    with pytest.raises(TaskError, match="Start it, so that it finishes them"):
        S3SinkConnector.alter_offsets(world.config(), world.context(), {P0: 0})
    world.begin()
    world.end()
    assert S3SinkConnector.alter_offsets(world.config(), world.context(), {P0: 0})


def test_a_topic_created_anew_fails_the_task(world: World) -> None:
    feed(world, P0, 3)
    world.begin()
    world.drain()
    world.topic_id = "id-2"
    with pytest.raises(TaskError, match="its id was id-1 and is id-2"):
        world.begin()


def test_a_stop_throws_uncommitted_uploads_away(world: World) -> None:
    world.more = {"flush.bytes": "1"}
    feed(world, P0, 2)
    world.begin()
    world.put(P0)
    assert len(world.uploads()) == 1
    world.running.stop()
    world.sink = None
    assert world.uploads() == []


events = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from([P0, P1]), st.integers(1, 5)),
        st.tuples(st.just("commit"), st.booleans(), st.booleans()),
        st.tuples(st.just("produce"), st.sampled_from([P0, P1]), st.integers(1, 6)),
        st.tuples(st.just("kill"), st.none(), st.none()),
        st.tuples(st.just("die at"), st.sampled_from(POINTS), st.integers(1, 3)),
        st.tuples(st.just("restart"), st.none(), st.none()),
        st.tuples(st.just("abort uploads"), st.none(), st.none()),
    ),
    min_size=4,
    max_size=25,
)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_after_any_kills_each_committed_record_is_in_one_object(
    server: str, unique: str, layout: str, long: bool
) -> None:
    @given(events)
    @settings(max_examples=60 if long else 10, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(script: list[tuple[Any, Any, Any]]) -> None:
        world = World(server, f"{unique}-{next(NUMBERS)}", LAYOUTS[layout])
        seen: dict[str, list[Any]] = {}
        world.begin()
        for step in script:
            world.live(lambda step=step: play(world, *step))  # type: ignore[misc]
            now = world.contents()
            assert {key: now.get(key) for key in seen} == seen
            assert Counter(found(world)) <= Counter(committed(world))
            seen = now
        world.die_at = None
        world.live(world.drain)
        world.live(world.drain)
        world.begin()
        assert found(world) == committed(world)
        world.kill()

    holds()


def play(world: World, what: str, one: Any, two: Any) -> None:
    match what:
        case "produce":
            feed(world, one, two)
        case "put":
            world.put(one, two)
        case "commit":
            time.sleep(0.002)
            world.commit(answered=one, accepted=two)
        case "die at":
            world.die_at = (one, two)
        case "restart":
            world.end()
            world.begin()
        case "abort uploads":
            world.abort_uploads()
        case _:
            raise Killed
