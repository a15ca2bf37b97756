"""What kafkatest's connect_distributed_test asks of workers: pauses, levels and records outlive their restarts."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.kafkatest.configs import sink, source
from tests.kafkatest.connect import Connect, Node, borrowed, cluster, worker_settings
from tests.kafkatest.groups.test_exactly_once import numbers
from tests.kafkatest.report.differences import FENCED_AT_ONCE
from tests.kafkatest.whose import Whose
from tests.running import WEB, consume, create_topic, fresh, until

pytestmark = [pytest.mark.modes("distributed"), pytest.mark.long]
WORKERS, TASKS = 3, 3


@pytest.fixture(scope="module")
def lasting_group(whose: Whose, kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connect]:
    home = tmp_path_factory.mktemp("bounced")
    more = {"exactly_once_source_support": "enabled", "session_timeout_ms": "6000", "heartbeat_interval_ms": "1000"}
    with cluster(whose, home, worker_settings(kafka, fresh("group"), **more), WORKERS) as made:
        yield made


@pytest.fixture
def group(lasting_group: Connect, unique: str) -> Iterator[Connect]:
    with borrowed(lasting_group, unique) as one:
        yield one


def everywhere(group: Connect, name: str, state: str, tasks: int) -> None:
    """Waits until each worker says so."""
    for node in group.nodes:
        alone = Connect(group.whose, group.directory, group.settings, [node])
        alone.becomes(name, state, [state] * tasks)


def bounced(node: Node, clean: bool) -> None:
    """Ends a worker, politely or not, and starts it again."""
    if clean:
        node.stop()
    else:
        node.kill()
    node.start()


def test_a_source_and_a_sink_rest_while_they_are_paused_also_after_a_restart_of_all_workers(
    group: Connect, kafka: str, unique: str
) -> None:
    create_topic(kafka, unique)
    reader = f"{unique}-sink"
    group.configure(unique, source(unique, tasks_max="1"))
    group.configure(reader, sink(unique, tasks_max="1"))
    for name in (unique, reader):
        everywhere(group, name, "RUNNING", 1)
    until(lambda: group.obtained(reader), what="the first records")

    group.pause(reader)
    everywhere(group, reader, "PAUSED", 1)
    read, written = len(group.obtained(reader)), len(consume(kafka, unique))
    until(lambda: len(consume(kafka, unique)) > written + 20, what="two seconds' records", pause=0.5)
    assert len(group.obtained(reader)) == read
    group.resume(reader)
    everywhere(group, reader, "RUNNING", 1)
    until(lambda: len(group.obtained(reader)) > read, what="records again")

    group.pause(unique)
    everywhere(group, unique, "PAUSED", 1)
    written = len(consume(kafka, unique))
    for node in group.nodes:
        bounced(node, clean=True)
    everywhere(group, unique, "PAUSED", 1)
    assert len(consume(kafka, unique)) == written
    group.resume(unique)
    everywhere(group, unique, "RUNNING", 1)
    until(lambda: len(consume(kafka, unique)) > written, what="records again", pause=0.5)


@pytest.mark.parametrize("clean", [True, False], ids=["clean", "unclean"])
def test_workers_that_restart_in_turn_lose_and_double_no_record(
    group: Connect, kafka: str, unique: str, clean: bool
) -> None:
    create_topic(kafka, unique)
    reader = f"{unique}-sink"
    abort = {"producer.override.transaction.timeout.ms": "10000"}
    soon = {} if group.whose.differs(FENCED_AT_ONCE) else abort
    group.configure(unique, source(unique, tasks_max=str(TASKS), throughput="50") | soon)
    group.configure(reader, sink(unique, tasks_max=str(TASKS)))
    for name in (unique, reader):
        group.runs(name, TASKS)
    for round in range(2):
        for node in [*group.nodes[round:], *group.nodes[:round]]:
            bounced(node, clean)
            grows(kafka, unique)
    restarted(group, unique)
    group.stop(unique)
    group.is_stopped(unique)
    found = numbers(consume(kafka, unique))
    assert set(found) == set(range(TASKS))
    for task, each in found.items():
        assert each == list(range(1, len(each) + 1)), f"task {task}"
    wanted = {(message.value() or b"").decode() for message in consume(kafka, unique)}
    until(lambda: set(group.obtained(reader)) >= wanted, what="the sink to get them all", pause=0.5)
    if clean:
        assert Counter(group.obtained(reader)) == Counter(wanted)


def grows(kafka: str, topic: str) -> None:
    """Waits until there are more records than now."""
    before = len(consume(kafka, topic))
    until(lambda: len(consume(kafka, topic)) > before, what="records again", pause=0.5)


def restarted(group: Connect, name: str) -> None:
    """Its tasks run, those that could not be fenced while a leader was away after another restart."""

    def runs() -> bool:
        status = group.status(name) or {"tasks": []}
        states = [each["state"] for each in status["tasks"]]
        if "FAILED" in states:
            group.ask("POST", f"/connectors/{name}/restart?includeTasks=true&onlyFailed=true")
        return states == ["RUNNING"] * TASKS

    until(runs, what="all tasks to run", pause=1)


Levels = Mapping[str, Mapping[str, Any]]


def levels(node: Node) -> Levels:
    found: Levels = WEB.get(node.url + "/admin/loggers").json()
    return found


def set_level(node: Node, name: str, level: str, scope: str = "worker") -> int:
    """Sets it, and returns the milliseconds since 1970 before that."""
    since = int(time.time() * 1000)
    answer = WEB.put(f"{node.url}/admin/loggers/{name}?scope={scope}", json={"level": level})
    if scope == "cluster":
        assert (answer.status_code, answer.content) == (204, b"")
    else:
        assert answer.status_code == 200
        assert name in answer.json()
        assert all(each.startswith(name) for each in answer.json())
    return since


def are_set(nodes: Sequence[Node], name: str, level: str, since: int) -> bool:
    """Whether a logger and those below it have a level since then."""
    found = [shown for node in nodes for each, shown in levels(node).items() if each.startswith(name)]
    return bool(found) and all(
        each["level"] == level and each["last_modified"] is not None and each["last_modified"] >= since
        for each in found
    )


def test_a_level_is_that_of_one_worker_or_of_all_until_a_restart(group: Connect) -> None:
    first, *others = group.nodes
    initial = levels(first)
    assert "root" in initial
    assert len(initial) >= 2
    assert {each["last_modified"] for each in initial.values()} == {None}
    name, other = sorted(each for each in initial if each != "root")[0], "org.eclipse.nothing"

    usual = initial[name]["level"]
    since = set_level(first, name, "WARN")
    assert are_set([first], name, "WARN", since)
    assert {levels(node)[name]["level"] for node in others} == {usual}
    assert {levels(node)[name]["last_modified"] for node in others} == {None}

    since = set_level(first, name, "DEBUG", "cluster")
    until(lambda: are_set(group.nodes, name, "DEBUG", since), what="the level everywhere")
    before = [levels(node) for node in group.nodes]
    set_level(first, name, "DEBUG", "cluster")
    since = set_level(first, other, "ERROR", "cluster")
    until(lambda: are_set(group.nodes, other, "ERROR", since), what="the other level everywhere")
    for node, former in zip(group.nodes, before, strict=True):
        assert {each: shown for each, shown in levels(node).items() if each != other} == former

    bounced(first, clean=True)
    again = levels(first)  # of which Java makes each when it is first used
    assert {each["last_modified"] for each in again.values()} == {None}
    assert {each: again[each] for each in initial if each in again} == {
        each: initial[each] for each in initial if each in again
    }
