"""A sink that writes down which process was given which partition, what it put of it, and when it gave it up again."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.plugin_folder import installed

LOGBOOK_SINK = "LogbookSink"
_CODE = """
import os, time
from ferryman.api import Sink
from ferryman.config import Str, key
from ferryman.connector import SinkConfig

class LogbookConfig(SinkConfig):
    logbook: Str = key()
    held: Str = key("")

class LogbookSink(Sink[LogbookConfig]):
    config_class = LogbookConfig

    def open(self, partitions):
        self._note("open", [(each.source.partition, "") for each in partitions])
        return {}

    def put(self, records):
        self._note("put", [(record.origin.partition, record.value) for record in records])

    def close(self, partitions):
        self._note("close", [(each.partition, "") for each in partitions])
        while os.path.exists(self.config.held):
            time.sleep(0.02)
        self._note("closed", [(each.partition, "") for each in partitions])

    def _note(self, what, entries):
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        lines = [f"{now} {os.getpid()} {what} {partition} {value}\\n" for partition, value in entries]
        logbook = os.open(self.config.logbook, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.write(logbook, "".join(lines).encode())
        os.close(logbook)
"""


def logbook_plugin(directory: Path) -> Path:
    """Installs the sink; the folder for PYTHONPATH. Its ``held`` names a file: while that is there, no close ends."""
    return installed(directory, "logbook_sink", _CODE, LOGBOOK_SINK)


@dataclass(frozen=True)
class Entry:
    """A line."""

    at: float
    """Seconds since the machine was started."""
    pid: int
    what: str
    """``open``, ``put``, ``close`` or ``closed``: it gives the partition up, and has done so."""
    partition: int
    number: int
    """What was put; -1 else."""


def entries(logbook: Path) -> list[Entry]:
    """All lines so far."""
    return list(map(_entry, logbook.read_text().splitlines())) if logbook.exists() else []


def _entry(line: str) -> Entry:
    at, pid, what, partition, *number = line.split()
    return Entry(float(at), int(pid), what, int(partition), int(number[0]) if number else -1)


def stalls(written: list[Entry]) -> Iterator[float]:
    """The seconds between two puts of a partition that its process has kept meanwhile."""
    last: dict[tuple[int, int], float] = {}
    for each in written:
        owned = each.pid, each.partition
        if each.what == "put":
            if owned in last:
                yield each.at - last[owned]
            last[owned] = each.at
        else:
            last.pop(owned, None)
