"""A worker that stands still: its tasks, which are processes of their own, act for the length of a lease."""

import signal
from itertools import count
from pathlib import Path

from ferryman.worker.leases import LEASE_SECONDS
from tests.reliability.flows import file_sink, lines
from tests.running import create_topic, produce, send, settings, stay, until, worker


def test_tasks_of_a_worker_that_stands_still_put_nothing_without_a_lease_and_go_on_when_it_does(
    tmp_path: Path, kafka: str, unique: str
) -> None:
    file, numbers, sent = tmp_path / "out.txt", count(), list[bytes]()

    def feed() -> None:
        sent.append(f"line {next(numbers)}".encode())
        produce(kafka, unique, sent[-1:])

    create_topic(kafka, unique)
    with worker(tmp_path, settings(kafka, unique)) as running:
        running.create(file_sink(unique, file))
        feed()
        until(lambda: lines(file) == sent, 60, "the first line")
        (task,) = running.pids(unique)
        assert running.process is not None
        send(running.process.pid, signal.SIGSTOP)
        try:
            for _ in stay(LEASE_SECONDS + 2.0, still=0.5):
                feed()  # the lease ends in the midst of it, and what was begun by then comes to its end
            known = lines(file)
            for _ in stay(2.0, still=0.5):
                feed()
            assert lines(file) == known, "put without a lease"
            assert known == sent[: len(known)]
            assert len(known) < len(sent)
        finally:
            send(running.process.pid, signal.SIGCONT)
        until(lambda: len(lines(file)) >= len(sent), 60, "all lines")
        feed()
        until(lambda: len(lines(file)) >= len(sent), 60, "the last line")
        assert lines(file) == sent
        assert running.pids(unique) == [task]
        running.running(unique)
