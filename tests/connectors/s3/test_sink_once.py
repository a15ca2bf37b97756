"""The S3 sink's guarantee: every committed record is in exactly one visible object, whoever dies, and none changes."""

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from ferryman.errors import Indeterminate
from tests.connectors.s3.kills import EVERY_POINT, LAYOUTS, SOME, TRUTHS, append_orders, committed, events, found, play
from tests.connectors.s3.s3_task import BY_GROUP, MANIFESTS, P0, P1, World
from tests.connectors.sink_world import Killed

NUMBERS = itertools.count()


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


def test_nothing_is_visible_before_its_commit(world: World) -> None:
    append_orders(world, P0, 7)
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
    append_orders(world, P0, 3)
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
        append_orders(world, P0, 3)


@pytest.mark.parametrize(
    ("world", "layout", "point"),
    [(truth, layout, point) for truth, point in EVERY_POINT for layout in (LAYOUTS if truth == "by head" else SOME)],
    indirect=["world"],
)
def test_a_kill_at_any_point_neither_loses_nor_doubles_a_record(world: World, layout: str, point: str) -> None:
    world.more = {**world.more, **LAYOUTS[layout]}
    append_orders(world, P0, 8)
    append_orders(world, P1, 4)
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
    assert all(head["objects"] == [] for head in world.heads().values())


def test_a_commit_without_an_answer_is_finished_by_whoever_reads_it(by_group: World) -> None:
    world = by_group
    append_orders(world, P0, 3)
    world.begin()
    world.put(P0)
    with pytest.raises(Indeterminate):
        world.commit(answered=False)
    assert world.objects() == []
    world.running.stop()
    assert len(world.uploads()) == 1
    world.begin()
    assert found(world) == [("orders-0", 0), ("orders-0", 1), ("orders-0", 2)]


def test_a_commit_that_the_group_refuses_is_offered_again(by_group: World) -> None:
    world = by_group
    append_orders(world, P0, 3)
    world.begin()
    world.put(P0)
    world.commit(accepted=False)
    assert world.objects() == []
    assert world.objects(MANIFESTS) != []
    world.commit()
    assert found(world) == committed(world)
    assert world.group[P0].offset == 3


def test_a_zombie_that_wakes_in_the_middle_changes_nothing(by_group: World) -> None:
    world = by_group
    append_orders(world, P0, 6)
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


def test_a_zombie_whose_commit_was_made_finds_its_objects_finished(by_group: World) -> None:
    world = by_group
    append_orders(world, P0, 6)
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


def test_a_stop_throws_uncommitted_uploads_away(world: World) -> None:
    world.more = {**world.more, "flush.bytes": "1"}
    append_orders(world, P0, 2)
    world.begin()
    world.put(P0)
    assert len(world.uploads()) == 1
    world.running.stop()
    world.sink = None
    assert world.uploads() == []


@pytest.mark.parametrize(
    ("layout", "truth"), [*((layout, "by head") for layout in LAYOUTS), *((layout, "by group") for layout in SOME)]
)
def test_after_any_kills_each_committed_record_is_in_one_object(
    s3_server: str, unique: str, layout: str, truth: str, long: bool
) -> None:
    @given(events(truth))
    @example([("produce", P0, 3), ("put", P0, 3), ("die at", "s3.before_complete", 1), ("commit", False, True)])
    @settings(max_examples=60 if long else 8, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(script: list[tuple[Any, Any, Any]]) -> None:
        world = World(s3_server, f"{unique}-{next(NUMBERS)}", LAYOUTS[layout] | TRUTHS[truth])
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
