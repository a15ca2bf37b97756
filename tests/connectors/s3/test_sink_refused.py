"""The S3 sink whose credentials may do little, and the one whose records Kafka no longer has."""

import logging
from collections.abc import Iterator

import pytest

from ferryman.connectors.s3.sink import S3SinkConnector
from ferryman.errors import TaskError
from tests.connectors.s3.kills import POINTS, append_orders, committed, crash_after_commit, found
from tests.connectors.s3.meddling_proxy import Refuses, no_abort, no_delete, refusing
from tests.connectors.s3.s3_task import BY_GROUP, MANIFESTS, P0, World
from tests.connectors.sink_world import Killed


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    around = World(s3_server, unique)
    yield around
    around.kill()


@pytest.fixture
def refused(world: World) -> Iterator[World]:
    """The same, by way of credentials that may not delete, where the group's offsets are the truth."""
    world.more = BY_GROUP
    with refusing(world.url, no_delete) as url:
        world.url = url
        yield world
        world.kill()


def sizes(world: World) -> list[int]:
    """How large the manifests are that are there."""
    return [len(world.get(key)) for key in world.objects(MANIFESTS)]


def test_without_the_right_to_delete_manifests_are_emptied(refused: World, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            append_orders(refused, P0, 3)
            refused.begin()
            refused.drain()
    assert found(refused) == committed(refused)
    assert refused.group[P0].offset == 9
    assert sizes(refused) == [0, 0, 0]
    warnings = [each.message for each in caplog.records if "emptied instead" in each.message]
    assert len(warnings) == 3
    assert "AccessDenied" in warnings[0]


@pytest.mark.parametrize("point", POINTS["by group"])
def test_a_kill_without_the_right_to_delete_loses_and_doubles_nothing(refused: World, point: str) -> None:
    append_orders(refused, P0, 9)
    refused.begin()
    refused.die_at = (point, 2 if point.endswith("complete") else 1)
    with pytest.raises(Killed):
        refused.drain()
    refused.die_at = None
    refused.begin()
    refused.drain()
    assert refused.group[P0].offset == 9
    assert found(refused) == committed(refused)
    assert set(sizes(refused)) <= {0}
    assert S3SinkConnector.alter_offsets(refused.config(), refused.context(), {P0: 0})


def test_objects_are_made_again_without_the_right_to_delete(refused: World) -> None:
    crash_after_commit(refused)
    refused.abort_uploads()
    refused.begin()
    refused.drain()
    assert found(refused) == committed(refused)
    assert set(sizes(refused)) == {0}


def test_what_may_not_be_aborted_is_left_to_the_buckets_rules(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.more = BY_GROUP
    with refusing(world.url, no_abort) as url, caplog.at_level(logging.WARNING):
        world.url = url
        append_orders(world, P0, 3)
        world.begin()
        world.put(P0)
        world.die_at = ("s3.after_manifest", 1)
        with pytest.raises(Killed):
            world.commit()
        world.die_at = None
        world.begin()
        world.drain()
        world.kill()
    assert found(world) == committed(world)
    assert world.group[P0].offset == 3
    assert any("left to the bucket's rules" in each.message for each in caplog.records)


def everything(method: str, path: str) -> bool:
    return method == "POST"


@pytest.mark.parametrize("refuses", [everything])
def test_what_every_object_needs_fails_the_task_if_it_is_refused(world: World, refuses: Refuses) -> None:
    with refusing(world.url, refuses) as url:
        world.url = url
        append_orders(world, P0, 3)
        world.begin()
        with pytest.raises(TaskError, match="AccessDenied"):
            world.drain()


def behind(world: World) -> None:
    """Three records are in an object, and of the next ones Kafka has lost two."""
    append_orders(world, P0, 3)
    world.begin(P0)
    world.drain()
    world.end()
    append_orders(world, P0, 6)
    world.beginning = 5


def test_an_offset_that_retention_has_taken_fails_the_task_and_is_named(world: World) -> None:
    behind(world)
    with pytest.raises(TaskError) as failure:
        world.begin(P0)
    for word in ("orders-0 is 3", "holds 5 up to 9", "reset its offsets", "consumer.override.auto.offset.reset"):
        assert word in str(failure.value)
    assert S3SinkConnector.alter_offsets(world.config(), world.context(), {P0: 5})


def test_it_goes_on_if_the_config_says_so(world: World) -> None:
    behind(world)
    world.more = {"consumer.override.auto.offset.reset": "earliest"}
    world.begin(P0)
    world.positions[P0] = world.beginning
    world.drain()
    assert [number for _, number in found(world)] == [0, 1, 2, 5, 6, 7]


def test_an_offset_past_the_end_fails_the_task_too(world: World) -> None:
    append_orders(world, P0, 3)
    world.begin(P0)
    world.drain()
    world.end()
    world.logs[P0] = world.logs[P0][:1]
    with pytest.raises(TaskError, match="orders-0 is 3, but the topic holds 0 up to 1"):
        world.begin(P0)


def test_an_offset_at_either_end_is_right(world: World) -> None:
    behind(world)
    world.beginning = 3
    world.begin(P0)
    world.drain()
    assert found(world) == committed(world)
    world.beginning = len(world.logs[P0])
    world.begin(P0)
