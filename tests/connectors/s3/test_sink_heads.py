"""The heads of the S3 sink: whatever the group says, and whoever is late, they tell how far an archive has got."""

import json
import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from ferryman.api import Committed
from ferryman.connectors.s3.sink import S3SinkConnector
from ferryman.errors import Indeterminate, TaskError
from ferryman.runs.ranges import Range
from tests.connectors.s3.kills import POINTS, append_orders, committed, crash_after_commit, found
from tests.connectors.s3.meddling_proxy import Fate, meddling, no_comparison
from tests.connectors.s3.s3_task import BY_GROUP, HEADS, MANIFESTS, P0, P1, World
from tests.connectors.sink_world import Killed

HEAD = "_ferryman-heads/c/archive/orders/0.json"


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(s3_server, unique)
    yield made
    made.kill()


def asleep(world: World) -> S3SinkConnector:
    """The task that runs, which its successors will not know of."""
    zombie, world.sink = world.running, None
    return zombie


def test_the_head_is_there_before_the_first_record_and_moves_with_each_commit(world: World) -> None:
    world.begin()
    assert world.objects(HEADS) == [HEAD, "_ferryman-heads/c/archive/orders/1.json"]
    assert [head["offset"] for head in world.heads().values()] == [0, 0]
    append_orders(world, P0, 4)
    world.put(P0)
    world.commit()
    head = world.heads()[P0]
    assert (head["topic"], head["offset"], head["objects"]) == ("id-1", 3, [])
    assert json.loads(world.group[P0].metadata) == {
        "ferryman.s3": 2,
        "topic": "id-1",
        "head": [world.bucket, HEAD],
    }


def test_the_group_hears_of_an_offset_when_its_objects_are_there(world: World) -> None:
    append_orders(world, P0, 3)
    world.begin()
    world.put(P0)
    assert world.running.pre_commit({P0: 3})[P0].offset == 3
    assert len(world.objects()) == 1
    world.running.stop()
    world.sink = None
    assert P0 not in world.group
    world.begin()
    assert world.positions[P0] == 3


def test_a_head_also_passes_over_records_that_never_came(world: World) -> None:
    append_orders(world, P0, 5)
    world.begin()
    world.positions[P0] = 5
    world.commit()
    assert world.heads()[P0]["offset"] == 5


def test_a_zombie_with_files_in_hand_adds_nothing_and_throws_them_away(world: World) -> None:
    append_orders(world, P0, 6)
    world.begin()
    world.put(P0, 3)
    zombie = asleep(world)
    world.begin()
    world.drain()
    with pytest.raises(Indeterminate, match="another task owns orders-0"):
        zombie.pre_commit({P0: 3})
    zombie.stop()
    assert found(world) == committed(world)
    assert world.uploads() == []
    assert world.archived()[P0] == 6


def test_a_zombie_that_has_committed_finds_its_objects_finished(world: World) -> None:
    append_orders(world, P0, 6)
    world.begin()
    world.put(P0, 3)
    meanwhile: list[dict[str, Any]] = []

    def successor() -> None:
        if not meanwhile:
            meanwhile.append({})
            zombie = asleep(world)
            world.begin()
            world.drain()
            meanwhile[0] = world.contents()
            world.kill()
            world.sink = zombie

    world.meanwhile = "s3.after_head", successor
    with pytest.raises(Indeterminate, match="another task owns orders-0"):
        world.commit()
    world.running.stop()
    world.sink = None
    assert found(world) == committed(world) == [("orders-0", number) for number in range(6)]
    assert world.contents() == meanwhile[0]


def test_a_late_commit_to_the_group_changes_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    append_orders(world, P0, 3)
    world.begin()
    world.drain()
    late = world.group[P0]
    append_orders(world, P0, 3)
    world.drain()
    world.group[P0] = late
    with caplog.at_level(logging.WARNING):
        world.begin()
    assert "archive has got to offset 6, the consumer group to 3; the archive is right" in caplog.text
    assert world.positions[P0] == 6
    world.group[P0] = Committed(9, "somebody else's")
    world.begin()
    assert world.positions[P0] == 6


def losing(url: str, which: list[int]) -> Any:
    """A server whose answers to some of the heads' moves are lost, counted from 0."""
    moves = iter(range(1000))

    def meddle(method: str, path: str, headers: dict[str, str]) -> Fate:
        moved = method == "PUT" and HEAD in path and any(name.lower() == "if-match" for name in headers)
        return "lose" if moved and next(moves) in which else "pass"

    return meddling(url, meddle)


@pytest.mark.parametrize("which", [[0], [1], [0, 1], [0, 2]])
def test_a_move_whose_answer_is_lost_is_known_by_its_id(world: World, which: list[int]) -> None:
    append_orders(world, P0, 6)
    with losing(world.url, which) as url:
        world.url = url
        world.begin()
        for _ in range(4):
            world.live(lambda: world.put(P0, 3))
            world.live(world.commit)
        assert found(world) == committed(world)
        assert world.archived()[P0] == 6
        world.kill()


def test_a_task_that_is_killed_without_the_answer_has_committed(world: World) -> None:
    append_orders(world, P0, 3)
    with losing(world.url, [0, 1]) as url:
        world.url, direct = url, world.url
        world.begin()
        world.put(P0, 3)
        world.live(world.commit)
        assert world.objects() == []
        world.running.stop()
        world.sink = None
        world.url = direct
    world.begin()
    assert world.positions[P0] == 3
    assert found(world) == committed(world) == [("orders-0", 0), ("orders-0", 1), ("orders-0", 2)]


def go_over(world: World) -> None:
    world.begin()
    world.drain()


@pytest.mark.parametrize("missing", [False, True])
def test_an_archive_that_began_under_the_groups_word_goes_on(world: World, missing: bool) -> None:
    world.more = BY_GROUP
    append_orders(world, P1, 3)
    crash_after_commit(world)
    if missing:
        world.abort_uploads()
    world.more = {}
    append_orders(world, P0, 3)
    world.begin()
    world.drain()
    world.drain()
    assert world.archived() == {P0: 9, P1: 3}
    assert found(world) == committed(world)
    assert world.objects(MANIFESTS) == []


@pytest.mark.parametrize("point", [*POINTS["by head"], "s3.after_manifest_delete"])
@pytest.mark.parametrize("missing", [False, True])
def test_a_kill_while_it_goes_over_to_heads_loses_and_doubles_nothing(world: World, missing: bool, point: str) -> None:
    world.more = BY_GROUP
    crash_after_commit(world)
    if missing:
        world.abort_uploads()
    append_orders(world, P0, 3)
    world.more = {}
    world.die_at = point, 1
    with pytest.raises(Killed):
        go_over(world)
    world.die_at = None
    go_over(world)
    world.drain()
    assert world.archived()[P0] == 9
    assert found(world) == committed(world)


def test_a_server_without_if_match_leaves_the_truth_to_the_group(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    append_orders(world, P0, 6)
    with meddling(world.url, no_comparison) as url, caplog.at_level(logging.WARNING):
        world.url = url
        world.begin()
        world.drain()
        assert "does not obey If-Match, so the group's offsets record how far" in caplog.text
        assert world.group[P0].offset == 6
        assert found(world) == [("orders-0", number) for number in range(6)]
        assert world.objects(HEADS) == []
        world.group_protocol = "consumer"
        with pytest.raises(TaskError, match=r"consumer\.override\.group\.protocol=classic"):
            world.begin()


def test_a_server_that_no_longer_obeys_fails_the_task_until_offsets_are_altered(world: World) -> None:
    append_orders(world, P0, 3)
    world.begin()
    world.drain()
    world.more = BY_GROUP
    with pytest.raises(TaskError, match=r"needs a server that obeys If-Match"):
        world.begin()
    assert S3SinkConnector.alter_offsets(world.config(), world.context(), {P0: 3, P1: None})
    world.group = {P0: Committed(3)}
    append_orders(world, P0, 3)
    world.begin()
    world.drain()
    world.end()
    world.more = {}
    world.begin()
    assert world.positions[P0] == world.group[P0].offset == 6


def test_a_head_that_is_gone_fails_the_task_until_offsets_are_altered(world: World) -> None:
    append_orders(world, P0, 3)
    world.begin()
    world.drain()
    world.s3.delete_object(Bucket=world.bucket, Key=HEAD)
    with pytest.raises(TaskError, match=f"recorded in the object {HEAD}, but there is no object"):
        world.begin()
    world.more = {"s3.manifest.prefix": "_other"}
    with pytest.raises(TaskError, match=r"_other-heads.*Put it back \(or s3\.manifest\.prefix, if that was changed\)"):
        world.begin()
    world.more = {}
    world.group = {P0: Committed(3)}
    world.begin()
    assert world.positions[P0] == 3


@pytest.mark.parametrize(
    ("data", "says"),
    [(b'{"format": 2}', "later version"), (b"", "cannot be read"), (b'{"format": 1}', "cannot be read")],
)
def test_a_head_that_cannot_be_read_fails_the_task(world: World, data: bytes, says: str) -> None:
    world.s3.put_object(Bucket=world.bucket, Key=HEAD, Body=data)
    with pytest.raises(TaskError, match=says):
        world.begin()


def test_another_bucket_goes_on_at_the_groups_offset(world: World) -> None:
    append_orders(world, P0, 3)
    world.begin()
    world.drain()
    world.end()
    append_orders(world, P0, 3)
    other = World(world.url, f"{world.bucket}-b", logs=world.logs, group=world.group)
    other.begin()
    other.drain()
    other.kill()
    assert [number for _, number in found(other)] == [3, 4, 5]


def test_offsets_that_are_altered_move_the_head(world: World) -> None:
    append_orders(world, P0, 6)
    world.begin()
    world.drain()
    world.end()
    assert S3SinkConnector.alter_offsets(world.config(), world.context(), {P0: 3})
    world.begin()
    assert world.positions[P0] == 3
    world.drain()
    assert Counter(number for _, number in found(world)) == Counter([0, 1, 2, 3, 3, 4, 4, 5, 5])


def test_a_zombie_from_before_a_reset_commits_nothing(world: World) -> None:
    append_orders(world, P0, 3)
    world.begin()
    world.put(P0)
    zombie = asleep(world)
    assert S3SinkConnector.alter_offsets(world.config(), world.context(), {P0: None, P1: None})
    with pytest.raises(Indeterminate):
        zombie.pre_commit({P0: 3})
    zombie.stop()
    assert world.heads()[P0]["offset"] is None
    assert world.uploads() == []
    world.group.clear()
    world.begin()
    assert world.positions[P0] == 0


def test_offsets_are_altered_against_whoever_is_still_there(world: World) -> None:
    """The head moves between the look at it and the alteration."""
    append_orders(world, P0, 3)
    world.begin()
    world.put(P0)
    moved: list[int] = []

    def meddle(method: str, path: str, headers: dict[str, str]) -> Fate:
        if method == "PUT" and HEAD in path and not moved:
            moved.append(1)
            world.running.pre_commit({P0: 3})
        return "pass"

    with meddling(world.url, meddle) as url:
        direct, world.url = world.url, url
        with pytest.raises(Indeterminate):
            S3SinkConnector.alter_offsets(world.config(), world.context(), {P0: 0})
        world.url = direct
    assert world.archived()[P0] == 3


def test_a_commit_costs_two_small_requests_beside_those_of_its_objects(world: World) -> None:
    asked: Counter[tuple[str, bool]] = Counter()

    def count(method: str, path: str, headers: dict[str, str]) -> Fate:
        asked[method, HEADS in path or MANIFESTS in path] += 1
        return "pass"

    append_orders(world, P0, 3)
    with meddling(world.url, count) as url:
        world.url = url
        world.begin(P0)
        assert asked == {("PUT", True): 2, ("GET", True): 1, ("GET", False): 1}
        asked.clear()
        world.drain()
        assert asked == {("PUT", True): 2, ("HEAD", False): 1, ("POST", False): 2, ("PUT", False): 1}
        world.kill()
        asked.clear()
        world.begin(P0)
        assert asked == {("PUT", True): 1, ("GET", True): 1}
        world.kill()


@pytest.mark.parametrize("more", [{}, BY_GROUP], ids=["by head", "by group"])
def test_a_run_goes_on_behind_what_retention_has_removed_whatever_reset_says(
    world: World, more: dict[str, str]
) -> None:
    world.more = {**world.more, **more, "consumer.override.auto.offset.reset": "latest"}
    world.ranges = {P0: Range(0, 8), P1: Range(0, 3)}
    world.begin()
    append_orders(world, P0, 3)
    append_orders(world, P1, 3)
    world.drain()
    append_orders(world, P0, 10)
    append_orders(world, P1, 10)
    world.beginning = 4
    world.begin()
    assert world.positions == {P0: 4, P1: 4}
    world.put(P0, 3)
    world.commit()
    assert [number for source, number in found(world) if source == str(P0)] == [0, 1, 2, 4, 5, 6]
