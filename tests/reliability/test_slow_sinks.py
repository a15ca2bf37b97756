"""Sinks that are slow, or never come back: the task keeps its membership, commits, obeys, and puts nothing twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.plugin_folder import installed
from tests.reliability.flows import STRING, committed, keys, lines
from tests.running import Worker, create_topic, produce, settings, until, worker

PLUGIN = """
import os, time
from pathlib import Path
from ferryman.api import Sink
from ferryman.config import Double, Str, key
from ferryman.connector import SinkConfig

class SlowConfig(SinkConfig):
    out: Str = key()
    seconds: Double = key(0.0)
    slow_record: Str = key("")
    slow_seconds: Double = key(0.0)
    once: Str = key("")

class SlowSink(Sink[SlowConfig]):
    config_class = SlowConfig

    def put(self, records):
        with open(self.config.out, "a", buffering=1) as out:
            for record in records:
                slow = record.value == self.config.slow_record
                if slow and self.config.once:
                    try:
                        os.mkdir(self.config.once)
                    except FileExistsError:
                        slow = False
                out.write(f"{record.value}\\n")
                time.sleep(self.config.slow_seconds if slow else self.config.seconds)
"""
QUICK = {"consumer.override.max.poll.interval.ms": "6000"}


@contextmanager
def slow_worker(directory: Path, kafka: str, name: str, **more: str) -> Iterator[Worker]:
    """A worker with the plugin on its path."""
    home = installed(directory, "slow", PLUGIN, "SlowSink")
    with worker(directory, settings(kafka, name, **more), PYTHONPATH=str(home)) as running:
        yield running


def slow(name: str, out: Path, **more: str) -> dict[str, str]:
    return {
        "name": name,
        "connector.class": "SlowSink",
        "topics": name,
        "out": str(out),
        "value.converter": STRING,
        **QUICK,
        **{key.replace("_", "."): value for key, value in more.items()},
    }


def numbers(first: int, last: int) -> list[bytes]:
    return [str(number).encode() for number in range(first, last)]


def test_a_sink_that_is_slower_than_its_polls_commits_pauses_and_puts_nothing_twice(
    tmp_path: Path, kafka: str, unique: str
) -> None:
    """A poll of 5,000 records would take 100 s, and max.poll.interval.ms is 6 s."""
    create_topic(kafka, unique)
    out = tmp_path / "out.txt"
    produce(kafka, unique, numbers(0, 5000))
    with slow_worker(tmp_path, kafka, unique) as running:
        running.create(slow(unique, out, seconds="0.02"))
        until(lambda: committed(running, unique), 60, "a commit before all is put")
        until(lambda: len(lines(out)) > 400, 60, "more than the poll interval")
        running.call("PUT", f"/connectors/{unique}/pause", expect=202)
        until(lambda: running.states(unique) == ["PAUSED", "PAUSED"], 30)
        put = lines(out)
        assert put == numbers(0, len(put))
        assert len(put) < 5000
        assert committed(running, unique) == len(put)
        running.call("PUT", f"/connectors/{unique}/resume", expect=202)
        until(lambda: len(lines(out)) > len(put), 60)
        running.delete(unique)
        assert lines(out) == numbers(0, len(lines(out)))
        assert len(running.pids(unique)) == 1


def test_a_single_put_that_takes_longer_than_the_poll_interval_is_made_once(
    tmp_path: Path, kafka: str, unique: str
) -> None:
    create_topic(kafka, unique)
    out = tmp_path / "out.txt"
    produce(kafka, unique, numbers(0, 3))
    with slow_worker(tmp_path, kafka, unique) as running:
        running.create(slow(unique, out, slow_record="1", slow_seconds="9"))
        until(lambda: committed(running, unique) == 3, 60)
        produce(kafka, unique, numbers(3, 5))
        until(lambda: committed(running, unique) == 5, 60)
    assert lines(out) == numbers(0, 5)


def test_a_put_that_never_returns_does_not_hold_up_an_end(tmp_path: Path, kafka: str, unique: str) -> None:
    create_topic(kafka, unique)
    out = tmp_path / "out.txt"
    produce(kafka, unique, numbers(0, 3))
    with slow_worker(tmp_path, kafka, unique, task_shutdown_graceful_timeout_ms="8000") as running:
        running.create(slow(unique, out, slow_record="1", slow_seconds="3600"))
        until(lambda: lines(out) == numbers(0, 2), 60)
        running.stop()
        assert "a call of the sink does not return" in running.said
        assert "is killed" not in running.said


def test_a_put_that_never_returns_gives_its_partitions_to_others_by_its_processs_end(
    tmp_path: Path, kafka: str, unique: str
) -> None:
    create_topic(kafka, unique, 2)
    out = tmp_path / "out.txt"
    config = slow(unique, out, slow_record="stuck", slow_seconds="3600", once=str(tmp_path / "stuck"))
    config["consumer.override.group.instance.id"] = ""
    with slow_worker(tmp_path, kafka, unique) as first, slow_worker(tmp_path, kafka, unique) as second:
        first.create(config)
        produce(kafka, unique, [b"before"])
        until(lambda: committed(first, unique) == 1, 60)
        produce(kafka, unique, [b"stuck"])
        until(lambda: b"stuck" in lines(out), 60)
        second.create(config)
        produce(kafka, unique, numbers(0, 20), keys(range(20)))
        until(lambda: committed(second, unique) == 22, 90)
        until(lambda: "a call of the sink does not return" in first.said, 60)
        until(lambda: len(first.pids(unique)) > 1, 60)
        until(lambda: first.states(unique) == ["RUNNING", "RUNNING"], 60)
    assert sorted(set(lines(out))) == sorted({b"before", b"stuck", *numbers(0, 20)})
    assert lines(out).count(b"before") == 1
