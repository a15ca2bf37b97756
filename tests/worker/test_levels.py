"""The levels of a worker's loggers, from its command line and over REST, are those of its tasks' processes too."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.flows import Table, file_sink, rows, sql_sink
from tests.running import Worker, create_topic, produce, settings, until, worker


class Quiet:
    """A worker that is to log errors only."""

    def __init__(self, folder: Path, kafka: str, topic: str) -> None:
        self.folder, self.topic = folder, topic
        self.worker = Worker(folder, settings(kafka, topic), options=("--log-level", "ERROR"))

    def runs(self, name: str) -> None:
        """Creates a connector, and waits until its task runs."""
        self.worker.create({**file_sink(name, self.folder / name), "topics": self.topic})
        until(lambda: self.worker.states(name) == ["RUNNING", "RUNNING"], what=f"the task of {name}")

    def level(self, name: str, level: str) -> None:
        """Sets that of a logger."""
        self.worker.call("PUT", f"/admin/loggers/{name}", {"level": level}, 200)

    def levels(self) -> set[str]:
        """The levels of all lines that were logged."""
        return set(re.findall(r"(?m)^\[\S+\] ([A-Z]+) ", self.worker.said))


@pytest.fixture
def quiet(tmp_path: Path, kafka: str, unique: str) -> Iterator[Quiet]:
    create_topic(kafka, unique)
    found = Quiet(tmp_path, kafka, unique)
    found.worker.start()
    try:
        yield found
    finally:
        found.worker.stop()


def test_the_level_of_the_command_line_is_that_of_tasks_too(quiet: Quiet) -> None:
    quiet.runs("one")
    assert quiet.levels() <= {"ERROR"}


def test_of_levels_that_are_set_over_rest_the_last_holds_for_later_tasks(quiet: Quiet) -> None:
    quiet.level("ferryman", "INFO")
    quiet.level("root", "ERROR")
    quiet.runs("one")
    assert quiet.levels() <= {"ERROR"}
    quiet.level("ferryman", "INFO")
    quiet.runs("two")
    until(lambda: "plan: put by" in quiet.worker.said, what="a line of the task's")


def test_libraries_do_not_tell_of_what_they_do_for_each_poll_and_question(
    tmp_path: Path, kafka: str, postgres: str, unique: str
) -> None:
    create_topic(kafka, unique)
    with worker(tmp_path, settings(kafka, unique)) as usual:
        usual.create(sql_sink(unique, postgres, insert_mode="upsert", pk_mode="record_value", pk_fields="id"))
        for number in range(3):
            produce(kafka, unique, rows(number, number + 1))
            until(lambda count=number + 1: len(Table(postgres, unique).ids()) == count, what="the rows")  # type: ignore[misc]
        question = {"from": "2000-01-01T00:00:00Z", "version_field": "text", "dry_run": True}
        usual.call("POST", f"/connectors/{unique}/backfill", question, 400)  # the column is asked for
        loggers = re.findall(r"(?m) \((\w+(?:\.\w+)*)\)$", usual.said)
    assert "ferryman.connectors.sql.database.tables" in loggers
    assert {name for name in loggers if not name.startswith("ferryman.")} == set()
