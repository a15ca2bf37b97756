"""A sink that writes down which process acts for which task, and when: two owners of one task would show there."""

from collections.abc import Iterator
from pathlib import Path

from tests.plugin_folder import installed

JOURNAL_SINK = "JournalSink"
_CODE = """
import os, time
from ferryman.api import Sink
from ferryman.config import Str, key
from ferryman.connector import SinkConfig

class JournalConfig(SinkConfig):
    journal: Str = key()

class JournalSink(Sink[JournalConfig]):
    config_class = JournalConfig

    def put(self, records):
        now, numbers = time.clock_gettime(time.CLOCK_BOOTTIME), " ".join(record.value for record in records)
        journal = os.open(self.config.journal, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.write(journal, f"{self.context.task} {os.getpid()} {now} {numbers}\\n".encode())
        os.close(journal)
"""


def journal_plugin(directory: Path) -> Path:
    """Installs the sink; the folder for PYTHONPATH."""
    return installed(directory, "journal_sink", _CODE, JOURNAL_SINK)


def overlaps(journal: Path) -> list[str]:
    """Where a process wrote for a task after another one had begun to: one that slept, or was cut off, and went on."""
    return list(_overlaps([line.split()[:3] for line in journal.read_text().splitlines()]))


def _overlaps(entries: list[list[str]]) -> Iterator[str]:
    entries.sort(key=lambda entry: float(entry[2]))
    current: dict[str, str] = {}
    former = set[tuple[str, str]]()
    for task, pid, at in entries:
        if (task, pid) in former:
            yield f"process {pid} acts for task {task} at {at}, when {current[task]} already had it"
        if current.get(task, pid) != pid:
            former.add((task, current[task]))
        current[task] = pid
