"""The S3 sink where something is gone or in the way: uploads, objects, manifests, records, the topic itself."""

from collections.abc import Iterator

import pytest

from ferryman.connectors.s3.sink import S3SinkConnector
from ferryman.errors import Indeterminate, TaskError
from tests.connectors.s3.kills import EVERY_POINT, TRUTHS, append_orders, committed, crash_after_commit, found
from tests.connectors.s3.s3_task import BY_GROUP, MANIFESTS, P0, P1, World
from tests.connectors.sink_world import Killed


@pytest.fixture(params=TRUTHS)
def world(s3_server: str, unique: str, request: pytest.FixtureRequest) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(s3_server, unique, TRUTHS[request.param])
    yield made
    made.kill()


@pytest.fixture
def by_group(s3_server: str, unique: str) -> Iterator[World]:
    """The same, where the group's offsets are the truth."""
    made = World(s3_server, unique, BY_GROUP)
    yield made
    made.kill()


@pytest.mark.parametrize("layout", ["default", "field", "minutes by wall clock"])
def test_objects_whose_uploads_were_aborted_are_made_again_from_their_records(world: World, layout: str) -> None:
    crash_after_commit(world, layout)
    world.abort_uploads()
    append_orders(world, P0, 3)
    world.begin()
    assert world.positions[P0] == 0
    world.put(P0, 4)
    world.drain()
    assert found(world) == committed(world)
    assert world.group[P0].offset == 9 if layout == "default" else world.group[P0].offset >= 6
    assert world.objects(MANIFESTS) == []


def test_only_what_is_missing_is_made_again(world: World) -> None:
    append_orders(world, P0, 6)
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


def test_the_running_task_makes_objects_again_too(by_group: World) -> None:
    world = by_group
    append_orders(world, P0, 3)
    world.begin()
    world.put(P0)
    made = world.running.pre_commit({P0: 3})
    world.group |= made
    world.abort_uploads()
    with pytest.raises(Indeterminate, match="must be written again: its upload was aborted"):
        world.running.committed(made)
    world.running.stop()
    world.sink = None
    world.begin()
    world.drain()
    assert found(world) == committed(world)
    assert world.group[P0].offset == 3


@pytest.mark.parametrize(("world", "point"), EVERY_POINT, indirect=["world"])
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
            world.begin(P0)
    assert S3SinkConnector.alter_offsets(world.config(), world.context(), {P0: None})
    world.group.clear()
    world.begin(P0)
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
    append_orders(world, P0, 3)
    key = "topics/orders/partition=0/orders+0+0000000000.json"
    world.s3.put_object(Bucket=world.bucket, Key=key, Body=b"somebody else's\n")
    world.begin()
    world.drain()
    assert world.get(key) == b"somebody else's\n"
    (other,) = set(world.objects()) - {key}
    assert other.startswith("topics/orders/partition=0/orders+0+0000000000~")
    assert other.endswith(".json")


def test_an_object_that_gets_in_the_way_between_the_phases_stays_too(world: World) -> None:
    world.more = {}
    crash_after_commit(world)
    key = "topics/orders/partition=0/orders+0+0000000000.json"
    world.s3.put_object(Bucket=world.bucket, Key=key, Body=b'{"source": "alien", "id": 0}\n')
    world.begin()
    world.drain()
    assert found(world) == sorted([("alien", 0), *committed(world)])
    assert world.uploads() == []


def test_a_lost_manifest_with_open_uploads_fails_the_task(by_group: World) -> None:
    world = by_group
    crash_after_commit(world)
    for key in world.objects(MANIFESTS):
        world.s3.delete_object(Bucket=world.bucket, Key=key)
    with pytest.raises(TaskError, match=r"The manifest .* is gone, and objects that it named are not complete"):
        world.begin()


def test_objects_that_were_taken_away_are_not_missed(world: World) -> None:
    append_orders(world, P0, 3)
    world.begin()
    world.put(P0)
    world.commit()
    for key in world.objects():
        world.s3.delete_object(Bucket=world.bucket, Key=key)
    world.begin()
    world.drain()
    assert world.objects() == []


def test_after_a_reset_everything_is_there_again_beside_the_old(world: World) -> None:
    append_orders(world, P0, 6)
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
    append_orders(world, P0, 3)
    world.begin()
    world.drain()
    world.topic_id = "id-2"
    with pytest.raises(TaskError, match="its id was id-1 and is id-2"):
        world.begin()
