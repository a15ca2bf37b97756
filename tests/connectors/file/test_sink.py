"""The file sink: what it writes, and what it does about files, topics and partitions that are not as it left them."""

import errno
import os
import sys
from pathlib import Path

import pytest

from ferryman.api import Assigned, Committed
from ferryman.connectors.file.sink import FileStreamSinkConnector
from ferryman.errors import ConfigError, RetriableError, TaskError
from ferryman.schema import FLOAT64, INT32, struct
from tests.connectors.file.file_task import P0, P1, World, batch, sink_of
from tests.connectors.sink_world import Killed


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "lines.txt")
    world.logs = {source: [f"{source}:{number}" for number in range(6)] for source in (P0, P1)}
    return world


def test_each_value_is_a_line_of_its_java_text(world: World) -> None:
    sink = world.begin()
    sink.put_batches([batch(P0, 0, ["plain", "with\nnewline", None, "\ud800"])])
    sink.put_batches([batch(P0, 4, [{"a": 1, "b": [1.5, None]}, True], None)])
    sink.put_batches([batch(P0, 6, [{"id": 7, "price": 1e10}], struct({"id": INT32, "price": FLOAT64}))])
    assert world.path.read_text() == (
        "plain\nwith\nnewline\nnull\n?\n{a=1, b=[1.5, null]}\ntrue\nStruct{id=7,price=1.0E10}\n"
    )


def test_it_appends_to_what_is_there(world: World) -> None:
    world.path.write_text("mine\n")
    world.begin()
    world.put(P0, 1)
    assert world.path.read_text() == f"mine\n{P0}:0\n"


def test_without_a_file_it_prints(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    sink = sink_of({"name": "n", "connector.class": "FileStreamSink", "topics": "lines"})
    sink.start()
    sink.open([Assigned(P0, "id", None, 0, 1)])
    sink.put_batches([batch(P0, 0, ["hello"])])
    assert sink.pre_commit({P0: 1}) == {P0: Committed(1)}
    sys.stdout.flush()
    sink.stop()
    assert capfdbinary.readouterr().out == b"hello\n"


def test_a_device_is_written_to_without_marks() -> None:
    sink = sink_of({"name": "n", "connector.class": "FileStreamSink", "topics": "lines", "file": os.devnull})
    sink.start()
    sink.open([Assigned(P0, "id", None, 0, 1)])
    sink.put_batches([batch(P0, 0, ["hello"])])
    assert sink.pre_commit({P0: 1}) == {P0: Committed(1)}
    sink.close([P0])
    sink.stop()


def test_it_is_one_task_whatever_tasks_max_says() -> None:
    raw = {"name": "n", "connector.class": "FileStreamSink", "topics": "t", "tasks.max": "8"}
    assert FileStreamSinkConnector.task_configs(FileStreamSinkConnector.config_class.parse(raw), raw) == [raw]


def test_an_empty_file_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="Invalid value  for configuration file: String must be non-empty"):
        sink_of({"name": "n", "connector.class": "FileStreamSink", "topics": "t", "file": ""})


def test_the_baseline_is_committed_before_the_first_line(world: World) -> None:
    world.path.write_text("mine\n")
    world.begin()
    world.die_at = "file.before_write", 1
    with pytest.raises(Killed):
        world.put(P0, 1)
    assert world.path.read_text() == "mine\n"
    assert world.group[P0].offset == 0
    assert '"length":5' in world.group[P0].metadata


def test_nothing_is_written_while_the_baseline_cannot_be_committed(world: World) -> None:
    sink = world.begin()
    with pytest.raises(RetriableError, match="not committed yet"):
        sink.put_batches([batch(P0, 2, ["x"])])
    assert world.requested
    assert world.path.read_text() == ""


def test_every_commit_covers_all_partitions_with_the_same_length(world: World) -> None:
    world.begin()
    world.put(P0, 3)
    world.commit()
    world.put(P0, 1)
    world.commit()
    assert world.group[P0].offset == 4
    assert world.group[P1].offset == 0
    assert world.group[P0].metadata == world.group[P1].metadata
    assert len(world.group[P0].metadata.encode()) < 4096


def test_a_commit_asked_for_one_partition_only_covers_the_others_too(world: World) -> None:
    sink = world.begin()
    world.put(P0, 3)
    world.put(P1, 2)
    assert {source: committed.offset for source, committed in sink.pre_commit({P1: 2}).items()} == {P0: 3, P1: 2}


def test_nothing_is_committed_while_less_counts_as_delivered_than_was_written(world: World) -> None:
    sink = world.begin()
    world.put(P0, 3)
    assert sink.pre_commit({P0: 2, P1: 0}) == {}


@pytest.mark.parametrize("point", ["file.before_write", "file.after_write", "file.after_flush"])
def test_a_kill_at_any_crash_point_neither_loses_nor_doubles(world: World, point: str) -> None:
    world.begin()
    world.put(P0, 2)
    world.commit()
    world.put(P1, 2)
    world.die_at = point, 1
    with pytest.raises(Killed):
        _put_and_commit(world)
    world.kill()
    world.die_at = None
    world.begin()
    world.drain()
    assert world.found(P0) == world.logs[P0]
    assert world.found(P1) == world.logs[P1]


def _put_and_commit(world: World) -> None:
    world.put(P0, 2)
    world.commit()


def test_a_line_that_was_half_written_is_cut_off(world: World) -> None:
    world.begin()
    world.put(P0, 2)
    world.commit()
    world.kill()
    with world.path.open("a") as file:
        file.write(f"{P0}:2\n{P0}")
    world.begin()
    assert world.path.read_text() == f"{P0}:0\n{P0}:1\n"


def test_without_metadata_nothing_is_ever_cut(world: World) -> None:
    world.path.write_text("from another worker\n")
    world.group = {P0: Committed(2), P1: Committed(0, "somebody's note")}
    world.begin()
    world.put(P0, 1)
    assert world.path.read_text() == f"from another worker\n{P0}:2\n"


def test_a_shorter_file_fails_the_task(world: World) -> None:
    world.begin()
    world.put(P0, 3)
    world.end()
    os.truncate(world.path, 5)
    with pytest.raises(TaskError, match=r"has 5 bytes, but \d+ were committed"):
        world.begin()
    assert world.path.stat().st_size == 5


def test_another_file_in_its_place_fails_the_task_and_stays_as_it_is(world: World) -> None:
    world.begin()
    world.put(P0, 3)
    world.end()
    world.path.unlink()
    world.path.write_text("quite another file, and longer than that one was\n" * 9)
    before = world.path.read_bytes()
    with pytest.raises(TaskError, match=r"is not the file|was rewritten"):
        world.begin()
    assert world.path.read_bytes() == before


def test_a_rewritten_file_fails_the_task(world: World) -> None:
    world.begin()
    world.put(P0, 3)
    world.end()
    world.path.write_text("z" * 100)
    with pytest.raises(TaskError, match="was rewritten"):
        world.begin()


def test_a_missing_file_fails_the_task(world: World) -> None:
    world.begin()
    world.put(P0, 3)
    world.end()
    world.path.unlink()
    with pytest.raises(TaskError, match="is gone"):
        world.begin()
    assert not world.path.exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"Couldn't find or create file .*No such file or directory"):
        World(tmp_path / "missing" / "lines.txt").begin()


def test_a_recreated_topic_fails_the_task_and_names_both_ids(world: World) -> None:
    world.begin()
    world.put(P0, 1)
    world.end()
    world.topic_id = "id-2"
    with pytest.raises(TaskError, match="its id was id-1 and is id-2"):
        world.begin()


def test_a_later_format_is_not_touched(world: World) -> None:
    world.group = {P0: Committed(2, '{"ferryman.file":2}')}
    with pytest.raises(TaskError, match="later version"):
        world.begin()


def test_only_one_process_has_the_file(world: World) -> None:
    world.begin()
    other = World(world.path)
    with pytest.raises(RetriableError, match="Another process"):
        other.begin()
    world.end()
    other.begin()


def test_a_file_replaced_under_the_sink_fails_the_task(world: World) -> None:
    world.begin()
    world.put(P0, 1)
    world.path.rename(world.path.with_suffix(".1"))
    with pytest.raises(TaskError, match="was removed"):
        world.commit()
    world.path.write_text("new")
    with pytest.raises(TaskError, match="was replaced"):
        world.commit()


def test_a_file_cut_under_the_sink_fails_the_task(world: World) -> None:
    world.begin()
    world.put(P0, 1)
    os.truncate(world.path, 0)
    with pytest.raises(TaskError, match="was truncated to 0 bytes"):
        world.commit()


def test_a_full_disk_leaves_no_half_written_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.begin()
    world.put(P0, 1)
    sink, write, calls = world.running, os.write, 0

    def fill(descriptor: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            return write(descriptor, data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.write", fill)
    with pytest.raises(RetriableError, match="No space left"):
        sink.put_batches([batch(P0, 1, ["a long line"])])
    monkeypatch.undo()
    assert world.path.read_text() == f"{P0}:0\n"
    world.drain()
    assert world.found(P0) == world.logs[P0]


def test_a_partition_that_comes_later_cuts_nothing(world: World) -> None:
    later = world.logs.pop(P1)
    sink = world.begin()
    world.put(P0, 4)
    world.logs[P1] = later
    sink.open([world.assigned(P1)])
    world.positions[P1] = 0
    world.drain()
    assert world.found(P0) == world.logs[P0]
    assert world.found(P1) == world.logs[P1]


def test_a_partition_taken_away_before_its_commit_makes_the_task_start_anew(world: World) -> None:
    sink = world.begin()
    world.commit()
    world.put(P0, 2)
    world.put(P1, 2)
    with pytest.raises(TaskError, match="lines-1 went to another member"):
        sink.close([P1])
    with pytest.raises(TaskError, match="not open"):
        sink.put_batches([batch(P0, 2, ["x"])])
    world.begin()
    world.drain()
    assert world.found(P0) == world.logs[P0]
    assert world.found(P1) == world.logs[P1]
