"""A worker and its tasks may open all files that the machine lets them, and work where numbers are above 1,024."""

import resource
import sys
from pathlib import Path

from tests.reliability.flows import file_sink, lines
from tests.running import FERRYMAN, Worker, create_topic, produce, settings, until

MANY = 1100
"""More than select can count."""
BEFORE = f"""
import os, resource, sys
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, ({MANY} + 10, hard))
for _ in range({MANY}):
    os.set_inheritable(os.open(os.devnull, os.O_RDONLY), True)
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Becomes a worker that has many files open, and may open ten more."""


def may_open(pid: int) -> int:
    (line,) = (each for each in Path(f"/proc/{pid}/limits").read_text().splitlines() if "open files" in each)
    return int(line.split()[3])


def test_a_worker_with_more_files_open_than_select_can_count_runs_connectors(
    kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b'"a line"'])
    running = Worker(tmp_path, settings(kafka, unique), command=(sys.executable, "-c", BEFORE, FERRYMAN))
    try:
        running.start()
        running.create(file_sink(unique, tmp_path / "out.txt", topics=unique))
        until(lambda: lines(tmp_path / "out.txt"), 60, "a line")
        assert running.process is not None
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        assert min(map(may_open, [running.process.pid, running.pids(unique)[-1]])) >= min(hard, 1 << 20)
    finally:
        running.stop()
