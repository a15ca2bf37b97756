"""The head beside a sink's file: it tells how much of the file counts, whatever the group says."""

import json
import logging
from pathlib import Path

import pytest

from ferryman.api import Committed
from ferryman.errors import TaskError
from tests.connectors.file.file_task import P0, P1, World
from tests.connectors.sink_world import Killed


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "lines.txt")
    world.logs = {source: [f"{source}:{number}" for number in range(6)] for source in (P0, P1)}
    return world


@pytest.fixture
def head(world: World) -> Path:
    return world.path.with_name(".lines.txt.ferryman")


def placed(head: Path) -> dict[str, int]:
    """Where partitions go on."""
    return {f"{topic}-{number}": at for topic, number, _, at in json.loads(head.read_bytes())["places"]}


def test_it_is_there_before_the_first_line_and_moves_with_each_commit(world: World, head: Path) -> None:
    world.begin()
    assert placed(head) == {"lines-0": 0, "lines-1": 0}
    world.put(P0, 2)
    assert placed(head) == {"lines-0": 0, "lines-1": 0}
    world.commit()
    assert placed(head) == {"lines-0": 2, "lines-1": 0}
    assert json.loads(head.read_bytes())["mark"]["length"] == world.path.stat().st_size


def test_a_late_commit_to_the_group_changes_nothing(world: World) -> None:
    world.begin()
    world.put(P0, 1)
    late = dict(world.group)
    world.commit()
    world.put(P0, 2)
    world.put(P1, 1)
    world.commit()
    world.group |= late
    world.begin()
    assert world.positions == {P0: 3, P1: 1}
    world.drain()
    assert world.found(P0) == world.logs[P0]
    assert world.found(P1) == world.logs[P1]


def test_what_the_former_holder_of_the_lock_has_committed_meanwhile_counts(world: World) -> None:
    """The group told its offsets before the lock was free."""
    world.begin()
    world.put(P0, 1)
    world.commit()
    told = [world.assigned(source) for source in world.sources]
    world.put(P0, 2)
    world.commit()
    world.kill()
    successor = world.made()
    successor.start()
    assert successor.open(told)[P0] == 3
    assert world.found(P0) == world.logs[P0][:3]
    successor.stop()


def test_a_commit_that_never_got_to_the_group_counts(world: World) -> None:
    world.begin()
    world.put(P0, 2)
    world.die_at = "file.after_head", 1
    with pytest.raises(Killed):
        world.commit()
    world.die_at = None
    world.begin()
    assert world.positions[P0] == 2
    world.drain()
    assert world.found(P0) == world.logs[P0]


def test_altered_offsets_count_and_cut_nothing_of_their_partition(world: World) -> None:
    world.begin()
    world.drain()
    world.end()
    world.group[P0] = Committed(4)
    world.begin()
    assert world.positions == {P0: 4, P1: 6}
    world.drain()
    assert world.found(P0) == [*world.logs[P0], *world.logs[P0][4:]]
    world.end()
    world.group.clear()
    world.begin()
    assert world.positions == {P0: 0, P1: 0}


def test_without_a_head_the_groups_word_counts_and_a_head_is_made(world: World, head: Path) -> None:
    world.begin()
    world.put(P0, 3)
    world.commit()
    world.put(P0, 2)
    world.kill()
    head.unlink()
    world.begin()
    assert world.found(P0) == world.logs[P0][:3]
    assert placed(head)["lines-0"] == 3
    world.drain()
    assert world.found(P0) == world.logs[P0]


@pytest.mark.parametrize(
    ("text", "says"), [('{"format": 2}', "later version"), ("", "cannot be read"), ('{"format": 1}', "cannot be read")]
)
def test_a_head_that_cannot_be_read_fails_the_task(world: World, head: Path, text: str, says: str) -> None:
    head.write_text(text)
    with pytest.raises(TaskError, match=says):
        world.begin()
    assert world.path.read_text() == ""


def test_where_none_can_be_written_only_a_classic_group_will_do(
    world: World, head: Path, caplog: pytest.LogCaptureFixture
) -> None:
    head.with_name(f"{head.name}~").mkdir()
    with caplog.at_level(logging.WARNING):
        world.begin()
    assert "which says how much of the file counts, cannot be written" in caplog.text
    world.put(P0, 2)
    world.commit()
    world.put(P0, 2)
    world.begin()
    world.drain()
    assert world.found(P0) == world.logs[P0]
    world.group_protocol = "consumer"
    with pytest.raises(TaskError, match=r"Let the worker write to that folder.*classic protocol"):
        world.begin()


def test_a_head_that_is_there_and_cannot_be_replaced_fails_the_task(world: World, head: Path) -> None:
    world.begin()
    world.put(P0, 2)
    world.end()
    head.with_name(f"{head.name}~").mkdir()
    with pytest.raises(TaskError, match="cannot be written"):
        world.begin().pre_commit({P0: 3, P1: 0})


def test_a_partition_that_comes_later_goes_on_where_the_head_says(world: World) -> None:
    world.begin()
    world.put(P0, 1)
    world.put(P1, 1)
    late = dict(world.group)
    world.put(P1, 3)
    world.commit()
    world.group |= late
    sink = world.begin(P0)
    assert world.positions[P0] == 1
    assert sink.open([world.assigned(P1)]) == {P1: 4}


def test_lines_of_a_partition_that_comes_later_cannot_be_cut_off_behind_others(world: World) -> None:
    world.begin(P1)
    world.put(P1, 1)
    world.commit()
    world.put(P1, 2)
    sink = world.begin(P0)
    world.put(P0, 1)
    with pytest.raises(TaskError, match="must start anew to cut them off"):
        sink.open([world.assigned(P1)])
